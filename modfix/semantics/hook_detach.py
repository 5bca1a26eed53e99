"""Outputs that a hook stores with their graph, though all who read them only want the values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from modfix.semantics.hook_facts import HookNote, StoredOutput
from modfix.semantics.hook_functions import Hook
from modfix.semantics.hook_gradients import TENSOR_LAYERS, Outputs, layer_of
from modfix.semantics.hook_lifetime import Model
from modfix.semantics.hook_readings import SAVED, VALUES, Readings
from modfix.semantics.hook_sites import Found, HookSites
from modfix.semantics.hook_stores import Store
from modfix.semantics.syntax import arguments, is_name, walk

_MUST_BE_TENSORS = "each module that is hooked must give a tensor, and no tuple of them"


class _Stored(NamedTuple):
    """Where a hook stores the output, or an entry of it."""

    site: int  # index of the registration
    value: ast.expr
    in_container: bool  # the store holds several of them


def stored_outputs(sites: HookSites) -> Iterator[StoredOutput]:
    """The outputs that hooks may store detached, for every reading of their store ends with values.

    The store is a variable of the function that registers the hook, or an attribute of the object; whether another
    class or file reads that is for others to say.
    """
    for (place, name), stored in _stores(sites).items():
        item = sites.found[stored[0].site]
        if _runs_without_graph(sites, item, place):
            continue
        if isinstance(place, ast.ClassDef):
            yield from _outputs(sites, stored, _readings_of(sites, place, name), name)
            continue
        hooks = [hook.node for one in stored for hook in sites.hooks(sites.found[one.site].call) or ()]
        store = Store(sites.parents, item.scope, sites.names, hooks)
        nodes = list(store.reads(name))
        reads: list[ast.expr] = [node for node in nodes if isinstance(node, ast.Name)]
        if store.is_own(name) and len(reads) == len(nodes):
            yield from _outputs(sites, stored, reads, "")


def _stores(sites: HookSites) -> dict[tuple[ast.AST, str], list[_Stored]]:
    """What hooks store, by the function and the variable, or the class and the attribute of its object."""
    found: dict[tuple[ast.AST, str], list[_Stored]] = {}
    for index, item in enumerate(sites.found):
        owner = sites.functions.class_around(item.call)
        for hook in sites.hooks(item.call) or ():
            for target, value in _stored(item, hook):
                if isinstance(target, ast.Name) and not hook.bound:
                    found.setdefault((item.scope, target.id), []).append(_Stored(index, value, True))
                elif isinstance(target, ast.Attribute) and owner is not None and _is_of_object(item, hook, target):
                    in_container = isinstance(target.ctx, ast.Load)
                    found.setdefault((owner, target.attr), []).append(_Stored(index, value, in_container))
    return found


def _outputs(sites: HookSites, stored: list[_Stored], reads: list[ast.expr], attribute: str) -> Iterator[StoredOutput]:
    """What becomes of the outputs in one store, of which ``reads`` are all readings."""
    in_container = stored[0].in_container
    if any(one.in_container is not in_container for one in stored):
        return
    readings = Readings(sites)
    ends = frozenset().union(*(readings.ends(node, is_store=in_container) for node in reads))
    if "" in ends or not ends & (VALUES | {SAVED, "no_grad"}):
        return
    known = all(_gives_tensor(sites, one) for one in stored)
    single = not attribute and len({one.site for one in stored}) == 1
    seen = set()  # two registrations may share a hook
    for one in stored:
        if one.value in seen:
            continue
        seen.add(one.value)
        item, value = sites.found[one.site], one.value
        shown = known or (single and bool(ends & VALUES) and not _repeats(sites, item))
        changed = _changed_in_place(sites, item)
        note = "" if shown else _MUST_BE_TENSORS
        if SAVED in ends:
            note = "what `torch.save` writes no longer says that it needs a gradient"
        where = sites.positions.span(value), ast.unparse(value), value.lineno, sites.positions.column(value)
        yield StoredOutput(one.site, *where, note, changed, item.site.owner if attribute else "", attribute)


def _gives_tensor(sites: HookSites, one: _Stored) -> bool:
    """Whether an attribute of the object is hooked that is a layer whose output certainly is a tensor."""
    return isinstance(one.value, ast.Name) and _layer(sites, sites.found[one.site]) in TENSOR_LAYERS


def _layer(sites: HookSites, item: Found) -> str:
    """The class of torch.nn of the layer, if it is an attribute of the object; empty if that is not known."""
    owner, receiver = sites.functions.class_around(item.call), item.receiver
    if owner is None or not isinstance(receiver, ast.Attribute) or not is_name(receiver.value, item.site.self_name):
        return ""
    return layer_of(sites, owner, receiver.attr).rpartition(".")[2]


def _changed_in_place(sites: HookSites, item: Found) -> HookNote | None:
    """Where the object changes what the layer gave, behind the hook: it stores what comes out of that."""
    owner, receiver = sites.functions.class_around(item.call), item.receiver
    if owner is None or not isinstance(receiver, ast.Attribute) or not _layer(sites, item):
        return None
    blocker = Outputs(sites, owner).blocker(receiver.attr)
    return blocker if blocker is not None and blocker.kind == "in-place" else None


def _runs_without_graph(sites: HookSites, item: Found, inside: ast.AST) -> bool:
    """Whether the model runs under `torch.no_grad()` in a function or class, so that there is no graph."""
    readings = Readings(sites)
    if readings.is_quiet(item.call):
        return True
    model = Model(sites.names, sites.parents, item.scope, [item.receiver], item.site.self_name)
    calls = (node for node in walk(inside) if isinstance(node, ast.Call) and readings.is_quiet(node))
    return any(map(model.certainly_runs, calls))


def _readings_of(sites: HookSites, owner: ast.ClassDef, name: str) -> list[ast.expr]:
    """Where the methods of a class read an attribute of their object, other than to store in it."""
    found: list[ast.expr] = []
    for node in walk(*owner.body):
        if not isinstance(node, ast.Attribute) or node.attr != name or not isinstance(node.ctx, ast.Load):
            continue
        if is_name(node.value, sites.functions.self_name(node)) and not _is_filled(sites, node):
            found.append(node)
    return found


def _is_filled(sites: HookSites, node: ast.Attribute) -> bool:
    """Whether something is put into a container: `self.kept[k] = ...`, `self.kept.append(...)`."""
    step = sites.parents.of(node)
    assert step is not None  # a class is above
    parent = step[0]
    if isinstance(parent, ast.Subscript) and step[1] == "value":
        return not isinstance(parent.ctx, ast.Load)
    return isinstance(parent, ast.Attribute) and parent.attr in ("append", "update")


def _repeats(sites: HookSites, item: Found) -> bool:
    """Whether a registration may run more than once in its scope, for several modules."""
    step = sites.parents.of(item.call)
    while step is not None and step[0] is not item.scope:
        if isinstance(step[0], (ast.For, ast.AsyncFor, ast.While, ast.comprehension, ast.ListComp, ast.GeneratorExp)):
            return True
        step = sites.parents.of(step[0])
    return False


def _is_of_object(item: Found, hook: Hook, target: ast.Attribute) -> bool:
    """Whether a hook stores in an attribute of the object that registers it."""
    own = [arg.arg for arg in arguments(hook.node)]
    if hook.bound:
        return hook.bound == item.site.self_name and bool(own) and is_name(target.value, own[0])
    return bool(item.site.self_name) and item.site.self_name not in own and is_name(target.value, item.site.self_name)


def _output(item: Found, hook: Hook) -> str:
    """The name of the parameter for the output, if it is a forward hook with the three that it must have."""
    if item.site.method != "register_forward_hook" or len(item.call.args) != 1:
        return ""
    args, given = hook.node.args, item.call.args[0]
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    names = names[bool(hook.bound) : len(names) - len(args.defaults)]
    if isinstance(given, ast.Call):  # of a partial with keywords, perhaps
        keywords = {keyword.arg for keyword in given.keywords}
        names = [name for name in names if name not in keywords]
    if len(names) != 3 or args.vararg or args.kwarg or args.kwonlyargs:
        return ""
    in_it = (n for n in walk(hook.node) if isinstance(n, ast.Name) and n.id == names[2])
    return "" if any(not isinstance(n.ctx, ast.Load) for n in in_it) else names[2]


def _stored(item: Found, hook: Hook) -> Iterator[tuple[ast.Name | ast.Attribute, ast.expr]]:
    """Where a hook stores the output, or one entry of it: in which container or attribute, and the expression."""
    output = _output(item, hook)
    own = {arg.arg for arg in arguments(hook.node)}
    for node in walk(hook.node) if output else ():
        target, values = _target(node)
        for value in values:
            entry = value.value if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant) else value
            if not is_name(entry, output):
                continue
            if isinstance(target, ast.Attribute) or (isinstance(target, ast.Name) and target.id not in own):
                yield target, value


def _target(node: ast.AST) -> tuple[ast.expr | None, list[ast.expr]]:
    """The container or attribute that a node stores in, and what it stores."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Subscript):
            return target.value, [node.value]
        return (target, [node.value]) if isinstance(target, ast.Attribute) else (None, [])
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None, []
    if node.func.attr == "append":
        return node.func.value, node.args
    if node.func.attr == "update":
        values = [keyword.value for keyword in node.keywords if keyword.arg is not None]
        return node.func.value, values + [v for a in node.args if isinstance(a, ast.Dict) for v in a.values]
    return None, []
