"""Code that calls `reset_parameters` on whatever has it: another method of that name would change what it resets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from modfix.semantics.init_facts import ResetSweep
from modfix.semantics.places import FileTree
from modfix.semantics.scopes import imported
from modfix.semantics.syntax import walk

# Packages whose own modules do so with the modules that they are given.
_PACKAGES = ("torch_geometric", "dgl", "torch.distributed.fsdp")
_SPELLINGS = (".reset_parameters", "'reset_parameters'", '"reset_parameters"')  # beside definitions
_WALKS = frozenset({"children", "modules", "named_children", "named_modules", "_modules", "values", "items"})


def reset_sweeps(file: FileTree) -> tuple[ResetSweep, ...]:
    """The sweeps of one file, in source order."""
    if "reset_parameters" not in file.text and not any(package in file.text for package in _PACKAGES):
        return ()
    return tuple(sorted(_found(file)))


def _found(file: FileTree) -> Iterator[ResetSweep]:
    for node in file.nodes_around(*_SPELLINGS, *_PACKAGES):
        if isinstance(node, ast.Constant) and node.value == "reset_parameters":
            yield ResetSweep(node.lineno, file.positions.column(node), "asks whether an object has `reset_parameters`")
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for _, ref in imported(node):
                if any(f"{ref}.".startswith(f"{package}.") for package in _PACKAGES):
                    yield ResetSweep(node.lineno, file.positions.column(node), f"of `{ref}` resets what it is given")
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        walker = node.func.value
        if node.func.attr != "reset_parameters" or not isinstance(walker, ast.Name):
            continue
        if _is_walked(node, walker.id, file):
            yield ResetSweep(node.lineno, file.positions.column(node), "resets all children or modules")


def _is_walked(call: ast.Call, name: str, file: FileTree) -> bool:
    """Whether the variable runs over children or modules, and no test says that it is a layer of torch."""
    tested = False
    step = file.links.of(call)
    while step is not None:
        around, field = step
        if isinstance(around, ast.If) and field == "body":
            tested = tested or _asks_for_layers(around.test, name, file)
        if isinstance(around, ast.For) and any(isinstance(n, ast.Name) and n.id == name for n in walk(around.target)):
            used = {n.attr for n in walk(around.iter) if isinstance(n, ast.Attribute)}
            return not tested and not used.isdisjoint(_WALKS)
        if isinstance(around, ast.Try) and field == "body":
            return True
        step = file.links.of(around)
    return False


def _asks_for_layers(test: ast.expr, name: str, file: FileTree) -> bool:
    for call in walk(test):
        if isinstance(call, ast.Call) and file.resolve(call.func) == "builtins.isinstance" and len(call.args) == 2:
            wanted = call.args[1]
            classes = wanted.elts if isinstance(wanted, (ast.Tuple, ast.List)) else [wanted]
            refs = [file.resolve(node) for node in classes]
            is_it = isinstance(call.args[0], ast.Name) and call.args[0].id == name
            if is_it and all(ref.startswith("torch.nn.") and ref != "torch.nn.Module" for ref in refs):
                return True
    return False
