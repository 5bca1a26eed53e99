"""Outputs that a hook stores with their graph, though all who read them only want the values."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from modfix.semantics.hook_facts import StoredOutput
from modfix.semantics.hook_functions import Hook
from modfix.semantics.hook_sites import Found, HookSites
from modfix.semantics.hook_stores import Store
from modfix.semantics.syntax import arguments, is_name, walk

# Members of a tensor that lead to no gradient; those of `_VALUES` show that it is a tensor.
_VALUES = frozenset({"data", "detach", "item", "tolist"})
_ENDS = _VALUES | {"device", "dim", "dtype", "ndim", "numel", "shape", "size"}
_GO_ON = frozenset(
    {"abs", "clone", "cpu", "double", "exp", "flatten", "float", "max", "mean", "min", "permute", "relu", "reshape"}
    | {"sigmoid", "softmax", "squeeze", "std", "sum", "to", "transpose", "unsqueeze", "var", "view"}
)
_OF_STORE = frozenset({"clear", "keys"})


def stored_outputs(sites: HookSites) -> Iterator[StoredOutput]:
    """The outputs that hooks may store detached: nobody can tell the difference, if they are tensors.

    They go into a variable of the function around, every reading of which ends with a member such as ``detach``.
    """
    found: dict[tuple[ast.AST, str], dict[int, list[tuple[str, ast.Name]]]] = {}
    for index, item in enumerate(sites.found):
        for hook in sites.hooks(item.call) or ():
            output = _output(item, hook)
            for name, value in _stored(hook, output):
                found.setdefault((item.scope, name), {}).setdefault(index, []).append((output, value))
    for (_, name), registered in found.items():
        item = sites.found[min(registered)]
        hooks = [hook.node for index in registered for hook in sites.hooks(sites.found[index].call) or ()]
        store = Store(sites.parents, item.scope, sites.names, hooks)
        if not store.is_own(name) or not _only_values(sites, store, name):
            continue
        single = len(registered) == 1 and not _repeats(sites, item)
        seen = set()  # two registrations may share a hook
        for index, values in registered.items():
            for output, value in values:
                if value not in seen:
                    seen.add(value)
                    place = sites.positions.span(value), output, value.lineno, sites.positions.column(value)
                    yield StoredOutput(index, *place, single)


def _repeats(sites: HookSites, item: Found) -> bool:
    """Whether a registration may run more than once in its scope, for several modules."""
    step = sites.parents.of(item.call)
    while step is not None and step[0] is not item.scope:
        if isinstance(step[0], (ast.For, ast.AsyncFor, ast.While, ast.comprehension, ast.ListComp, ast.GeneratorExp)):
            return True
        step = sites.parents.of(step[0])
    return False


def _output(item: Found, hook: Hook) -> str:
    """The name of the parameter for the output, if it is a forward hook with the three that it must have."""
    if item.site.method != "register_forward_hook" or len(item.call.args) != 1 or hook.bound:
        return ""
    args = hook.node.args
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    if len(names) - len(args.defaults) != 3 or args.vararg or args.kwarg or args.kwonlyargs:  # see above
        return ""
    names_in_it = (n for n in walk(hook.node) if isinstance(n, ast.Name) and n.id == names[2])
    return "" if any(not isinstance(n.ctx, ast.Load) for n in names_in_it) else names[2]


def _stored(hook: Hook, output: str) -> Iterator[tuple[str, ast.Name]]:
    """Where a hook puts the output as it is into a container: the name of that, and the reading of the output."""
    own = {arg.arg for arg in arguments(hook.node)}
    for node in walk(hook.node):
        target: ast.expr | None = None
        values: list[ast.expr] = []
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript):
            target, values = node.targets[0].value, [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            target = node.func.value
            if node.func.attr == "append":
                values = node.args
            elif node.func.attr == "update":
                values = [keyword.value for keyword in node.keywords if keyword.arg is not None]
                values += [v for a in node.args if isinstance(a, ast.Dict) for v in a.values]
        for value in values:
            if output and isinstance(target, ast.Name) and target.id not in own and is_name(value, output):
                assert isinstance(value, ast.Name)
                yield target.id, value


def _only_values(sites: HookSites, store: Store, name: str) -> bool:
    """Whether every reading of a store ends in values, and one of them shows that these are tensors."""
    ends = [_end(sites, node) if isinstance(node, ast.Name) else "" for node in store.reads(name)]
    return all(ends) and any(end in _VALUES for end in ends)


def _end(sites: HookSites, node: ast.expr) -> str:
    """The member at which no gradient can flow any further; empty where it may."""
    is_store = True
    while True:
        step = sites.parents.of(node)
        assert step is not None  # a statement is above
        parent, field = step
        if isinstance(parent, ast.Subscript) and field == "value" and isinstance(parent.ctx, ast.Load) and is_store:
            node, is_store = parent, False  # another one behind would say that the output is a tuple, perhaps
        elif isinstance(parent, ast.Call) and is_store and is_name(parent.func, "len"):
            return "len"
        elif isinstance(parent, ast.Attribute):
            call = sites.parents.of(parent)
            called = call is not None and isinstance(call[0], ast.Call) and call[1] == "func"
            if is_store:
                return parent.attr if called and parent.attr in _OF_STORE else ""
            if parent.attr in _ENDS:
                return parent.attr
            if not called or parent.attr not in _GO_ON or call is None:
                return ""
            assert isinstance(call[0], ast.Call)
            node = call[0]
        else:
            return ""
