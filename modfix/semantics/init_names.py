"""Uses of the functions of `torch.nn.init` whose names lack the underscore: `nn.init.xavier_uniform(w)`.

Torch keeps eleven of them, each of which warns and calls the function with the underscore.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from modfix.semantics.dataflow import Parents
from modfix.semantics.facts import UNKNOWN
from modfix.semantics.init_facts import InitNames, OldImport, OldName
from modfix.semantics.places import FileTree
from modfix.semantics.scopes import Names, imported
from modfix.semantics.syntax import arguments, dotted, is_name, walk

# A test runs every one of them and compares.
DEPRECATED = frozenset(
    {
        "constant",
        "dirac",
        "eye",
        "kaiming_normal",
        "kaiming_uniform",
        "normal",
        "orthogonal",
        "sparse",
        "uniform",
        "xavier_normal",
        "xavier_uniform",
    }
)
_PARTIAL = frozenset({"functools.partial", "functools.partialmethod"})


def init_names(file: FileTree) -> InitNames:
    """The uses of such functions in one file."""
    if "init" not in file.text or not any(name in file.text for name in DEPRECATED):
        return InitNames()
    names, positions = file.names, file.positions
    imports = tuple(_imports(file))
    bound = {name for statement in imports for _, name in statement.names}
    uses = []
    kept = {name for name in bound if names.bindings.get(f"{name}_") == f"torch.nn.init.{name}_"}
    for node in file.nodes if bound or names.stars else _attributes(names):
        if isinstance(node, ast.Constant) and node.value in bound:
            kept.add(node.value)
        if isinstance(node, ast.Attribute):
            used = node.attr in DEPRECATED and _may_be_torch(node, names)
        else:
            used = isinstance(node, ast.Name) and (node.id in bound or (node.id in DEPRECATED and bool(names.stars)))
        if not used:
            continue
        assert isinstance(node, (ast.Attribute, ast.Name))
        ref = file.resolve(node)
        package, _, function = ref.rpartition(".")
        if package != "torch.nn.init" or function not in DEPRECATED or not isinstance(node.ctx, ast.Load):
            kept.update([node.id] if isinstance(node, ast.Name) else ())
            continue
        kind, why = _obstacle(node, names, file.links)
        uses.append(
            OldName(
                function,
                node.id if isinstance(node, ast.Name) else "",
                positions.span(node),
                positions.source(node),
                file.owner(node),
                node.lineno,
                positions.column(node),
                kind,
                why,
            )
        )
    return InitNames(tuple(sorted(uses, key=lambda use: use.span)), imports, frozenset(kept))


def _may_be_torch(node: ast.Attribute, names: Names) -> bool:
    """Whether a dotted name starts with something of torch, or with what no statement of the module binds."""
    head = (dotted(node) or "").partition(".")[0]
    ref = names.bindings.get(head, UNKNOWN)
    return bool(head) and (ref == UNKNOWN or ref.startswith("torch"))


def _attributes(names: Names) -> Iterator[ast.AST]:
    return (node for scope in names.scopes.values() for node in scope.nodes if isinstance(node, ast.Attribute))


def _imports(file: FileTree) -> Iterator[OldImport]:
    positions = file.positions
    for node in file.nodes_around("nn.init"):
        if not isinstance(node, ast.ImportFrom) or node.level or node.module != "torch.nn.init":
            continue
        found = tuple(
            (alias.name, bound)
            for alias, (bound, _) in zip(node.names, imported(node), strict=True)
            if alias.name in DEPRECATED
        )
        if found:
            source = positions.source(node)
            yield OldImport(positions.span(node), source, found, "#" not in source, node.lineno, positions.column(node))


def _obstacle(node: ast.expr, names: Names, links: Parents) -> tuple[str, str]:
    step = links.of(node)
    assert step is not None  # the module is above
    parent, field = step
    is_partial = isinstance(parent, ast.Call) and names.resolve(parent.func, links.functions(node)) in _PARTIAL
    called = isinstance(parent, ast.Call) and field == "func"
    if not called and not (is_partial and isinstance(parent, ast.Call) and parent.args[:1] == [node]):
        return "function-value", "the function is passed on or stored, and may be compared or told by its name"
    if _is_fallback(node, names, links):
        return "old-torch", "it stands in a branch for old versions of torch"
    if isinstance(node, ast.Name) and node.id in DEPRECATED and _is_taken(f"{node.id}_", names):
        return "name-taken", f"`{node.id}_` is something else in this file"
    return "", ""


def _is_taken(name: str, names: Names) -> bool:
    """Whether any scope of the file binds ``name`` to something else than the function of torch."""
    scopes = names.scopes.values()
    refs = {ref for scope in scopes for bound, ref in scope.bound if bound == name}
    functions = (scope.node for scope in scopes if isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    parameters = (arg.arg for function in functions for arg in arguments(function))
    return bool(refs - {f"torch.nn.init.{name}"}) or name in parameters or any(name in s.stored for s in scopes)


def _is_fallback(node: ast.AST, names: Names, links: Parents) -> bool:
    """Whether ``node`` stands in a branch that code takes only if torch lacks something."""
    step = links.of(node)
    while step is not None:
        parent, _ = step
        if isinstance(parent, ast.ExceptHandler):
            return True
        if isinstance(parent, (ast.If, ast.IfExp)):
            asked = [call.args[0] for call in walk(parent.test) if isinstance(call, ast.Call) and _is_hasattr(call)]
            versions = [n for n in walk(parent.test) if isinstance(n, ast.Attribute) and n.attr == "__version__"]
            if versions or any(names.resolve(node, ()).startswith("torch") for node in asked):
                return True
        step = links.of(parent)
    return False


def _is_hasattr(call: ast.Call) -> bool:
    return is_name(call.func, "hasattr") and len(call.args) == 2
