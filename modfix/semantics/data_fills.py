"""Statements such as `m.weight.data.normal_(0, 0.02)`, which `nn.init.normal_(m.weight, 0, 0.02)` does as well."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from modfix.semantics.init_facts import DataFill
from modfix.semantics.places import FileTree
from modfix.semantics.syntax import walk

# The same kernel behind both, and the names of the parameters that a caller may use.
FILLS = {
    "fill_": ("constant_", ()),
    "normal_": ("normal_", ("mean", "std")),
    "uniform_": ("uniform_", ()),
    "zero_": ("zeros_", ()),
}
_MOST = {"fill_": 1, "normal_": 2, "uniform_": 2, "zero_": 0}
_INITIALISES = re.compile(r"init|reset", re.IGNORECASE)
_CALL = re.compile(r"\.data\s*\.(fill_|normal_|uniform_|zero_)\(")


def data_fills(file: FileTree) -> tuple[DataFill, ...]:
    """Those of one file that fill a whole parameter where it is initialised, in source order."""
    if not _CALL.search(file.text):
        return ()
    return tuple(sorted(_found(file), key=lambda fill: fill.span))


def _found(file: FileTree) -> Iterator[DataFill]:
    for statement in file.nodes_around(".data"):
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr not in FILLS:
            continue
        data = call.func.value
        if not isinstance(data, ast.Attribute) or data.attr != "data" or not isinstance(data.value, ast.Attribute):
            continue
        functions = file.links.functions(call)
        if not functions or not _INITIALISES.search(functions[-1].name) or not _is_parameter(data.value, file):
            continue
        package = _package(call, file)
        name, keywords = FILLS[call.func.attr]
        known = all(keyword.arg in keywords for keyword in call.keywords)
        starred = any(isinstance(argument, ast.Starred) for argument in call.args)
        if package and known and not starred and len(call.args) + len(call.keywords) <= _MOST[call.func.attr]:
            given = [file.source(argument) for argument in call.args]
            given += [f"{keyword.arg}={file.source(keyword.value)}" for keyword in call.keywords]
            new = f"{package}.{name}({', '.join([file.source(data.value), *given])})"
            yield DataFill(
                file.span(call), new, file.owner(call), call.lineno, file.positions.column(call), call.func.attr
            )


def _is_parameter(node: ast.Attribute, file: FileTree) -> bool:
    """Whether an attribute is a parameter: the weight or bias of a layer, or what the class makes one."""
    if node.attr in ("weight", "bias") and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
        return True
    cls = file.enclosing_class(node)
    values = [] if cls is None else [s for s in walk(cls) if isinstance(s, ast.Assign) and _stores(s, node)]
    made = [file.resolve(s.value.func) if isinstance(s.value, ast.Call) else "" for s in values]
    return bool(made) and all(ref == "torch.nn.Parameter" for ref in made)


def _stores(statement: ast.Assign, node: ast.Attribute) -> bool:
    wanted = ast.unparse(node)
    return any(isinstance(target, ast.Attribute) and ast.unparse(target) == wanted for target in statement.targets)


def _package(call: ast.Call, file: FileTree) -> str:
    """How the file writes `torch.nn.init` at this place; empty where it has no way to."""
    for wanted, rest in (("torch.nn.init", ""), ("torch.nn", ".init"), ("torch", ".nn.init")):
        for bound, ref in sorted(file.names.bindings.items()):
            functions = file.links.functions(call)
            if ref == wanted and all(bound not in file.names.locals_of(function) for function in functions):
                return bound + rest
    return ""
