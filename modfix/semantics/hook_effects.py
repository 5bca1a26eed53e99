"""What a hook does: what it changes, and who could see that.

Answers are on the safe side: what cannot be read here counts as seen by everybody.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field

from modfix.semantics.hook_functions import DEPTH, Hook, HookFunctions, stored_names
from modfix.semantics.syntax import arguments, dotted, is_name, is_none, walk

_RETURN_NONE = frozenset({"add", "append", "clear", "extend", "insert", "print", "setattr", "update", "__setitem__"})
_CHANGE = _RETURN_NONE | {"pop", "popitem", "popleft", "appendleft", "remove", "setdefault", "write"}
_PURE_PACKAGES = frozenset(
    {"collections", "copy", "einops", "functools", "itertools", "math", "numpy", "operator", "torch"}
)
_WRITING = frozenset({"torch.save", "numpy.save", "numpy.savez", "numpy.savetxt"})
_IMPURE_BUILTINS = frozenset({"compile", "delattr", "eval", "exec", "input", "open", "print", "setattr"})


@dataclass
class Effects:
    """What a hook changes."""

    changes_run: bool = False  # it gives another value, works in place on what it gets, or stops the run
    outside: bool = False  # it prints, writes or calls what cannot be read here
    on_module: bool = False  # it stores on the module itself
    stores: set[str] = field(default_factory=set)  # names around the hook that hold what it changes
    rebound: set[str] = field(
        default_factory=set
    )  # names around the hook that it stores anew, by `nonlocal` or `global`
    nested: set[str] = field(default_factory=set)  # those of which it changes what they hold
    globals: dict[str, ast.AST] = field(default_factory=dict)  # names that it stores by a `global` statement


def effects_of(functions: HookFunctions, hooks: list[Hook] | None) -> Effects:
    """What any of the ``hooks``, as given by ``functions``, changes."""
    effects = Effects()
    if hooks is None:
        effects.changes_run = effects.outside = True
        return effects
    for hook in hooks:
        _Reading(functions, hook, effects).read(DEPTH)
    return effects


class _Reading:
    """Reads one function for its effects."""

    def __init__(self, functions: HookFunctions, hook: Hook, effects: Effects) -> None:
        self._functions = functions
        self._names = functions.names
        self._around = functions.parents.functions(hook.node)
        self._hook = hook
        self._effects = effects
        parameters = [arg.arg for arg in arguments(hook.node)]
        self._self = parameters[0] if hook.bound and parameters else ""
        given = parameters[1:] if self._self else parameters
        self._module = given[0] if given else ""
        defaults = len(hook.node.args.defaults)
        self._given = set(given[: len(given) - defaults] if defaults else given)
        self._local = stored_names(hook.node) | set(parameters)
        positional = [*hook.node.args.posonlyargs, *hook.node.args.args]
        pairs = zip(reversed(positional), reversed(hook.node.args.defaults), strict=False)
        self._defaults = {arg.arg: value.id for arg, value in pairs if isinstance(value, ast.Name)}  # `kept=kept`

    def read(self, depth: int) -> None:
        """Add the effects of the function."""
        node, effects = self._hook.node, self._effects
        if isinstance(node, ast.Lambda):
            effects.changes_run |= not _gives_none(node.body)
            body: list[ast.AST] = [node.body]
        else:
            body = list(node.body)
        shared = {name for n in walk(*body) if isinstance(n, (ast.Global, ast.Nonlocal)) for name in n.names}
        for inner in walk(*body):
            if isinstance(inner, ast.Return):
                effects.changes_run |= inner.value is not None and not is_none(inner.value)
            elif isinstance(inner, (ast.Raise, ast.Yield, ast.YieldFrom, ast.Await)):
                effects.changes_run = True
            elif isinstance(inner, ast.Global):
                effects.globals.update(dict.fromkeys(inner.names, inner))
            elif isinstance(inner, ast.Name) and inner.id in shared and not isinstance(inner.ctx, ast.Load):
                effects.rebound.add(inner.id)
            elif isinstance(inner, ast.AugAssign):
                self._augmented(inner.target)
            elif isinstance(inner, (ast.Attribute, ast.Subscript)) and not isinstance(inner.ctx, ast.Load):
                self._stored_into(inner)
            elif isinstance(inner, ast.Call):
                self._called(inner, depth)

    def _augmented(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name) and target.id in self._local:
            self._effects.changes_run = True  # `output += 1` works in place

    def _stored_into(self, target: ast.Attribute | ast.Subscript) -> None:
        root, deep = _root(target.value)
        self._changed(root, deep=deep, by_attribute=isinstance(target, ast.Attribute))

    def _changed(self, root: str, *, deep: bool, by_attribute: bool = False) -> None:
        """Take down that something reached through the name ``root`` changes."""
        effects = self._effects
        if root in self._defaults:
            effects.stores.add(self._defaults[root])
            effects.nested |= {self._defaults[root]} if deep else set()
            return
        if root == "":
            effects.outside = True
        elif root == self._self:
            effects.stores.add(self._hook.bound)
            if deep:
                effects.nested.add(self._hook.bound)
        elif root == self._module and by_attribute:
            effects.on_module = True
        elif root in self._given:
            effects.changes_run = True
        elif root in self._local:
            self._changed_local(root)
        else:
            effects.stores.add(root)
            if deep:
                effects.nested.add(root)

    def _changed_local(self, name: str) -> None:
        """A local of the hook changes: perhaps something that it got from elsewhere."""
        scope = self._names.scopes.get(self._hook.node)
        values = scope.values_of(name) if scope is not None else []
        if not values:
            self._effects.outside = True  # a default, or a loop over something
        for value in values:
            if isinstance(value, (ast.List, ast.Dict, ast.Tuple, ast.Constant, ast.ListComp, ast.DictComp)):
                continue
            mentioned = {n.id for n in walk(value) if isinstance(n, ast.Name)}
            if mentioned & self._given:
                self._effects.changes_run = True
            for free in mentioned - self._local:
                self._effects.stores.add(free)
                self._effects.nested.add(free)
            if self._self in mentioned:
                self._changed(self._self, deep=True)

    def _called(self, call: ast.Call, depth: int) -> None:
        function = call.func
        if isinstance(function, ast.Name):
            self._called_name(function, call, depth)
            return
        if not isinstance(function, ast.Attribute):
            self._effects.outside = True
            return
        root, deep = _root(function.value)
        name = function.attr
        changes = name in _CHANGE or (name.endswith("_") and not name.endswith("__"))
        if root == "" or isinstance(function.value, ast.Constant):
            self._effects.changes_run |= name.endswith("_") and not name.endswith("__")
        elif root in self._local:
            if changes:
                self._changed(root, deep=deep)
            elif root == self._self and not deep:
                self._method_called(function, depth)
            elif root == self._module and function.value.__class__ is ast.Name and name not in _HARMLESS_OF_MODULE:
                self._effects.outside = True
        else:
            ref = self._names.resolve(function, self._around)
            package = ref.partition(".")[0]
            if package in _PURE_PACKAGES and not ref.startswith("?"):
                self._effects.outside |= ref in _WRITING
                self._effects.changes_run |= changes and package == "torch" and name.endswith("_")
            elif ref[0] not in "?$@":
                self._effects.outside = True
            else:
                self._changed(root, deep=deep or not changes)
                self._effects.outside |= not changes  # `writer.add_scalar(...)`

    def _method_called(self, function: ast.Attribute, depth: int) -> None:
        """Another method of the object that the hook is bound to."""
        owner = self._functions.class_around(self._hook.node)
        method = self._functions.member(owner, function.attr) if owner is not None else None
        if method is None or depth == 0:
            self._effects.outside = True
            self._changed(self._self, deep=True)
            return
        helper = _Reading(self._functions, Hook(method, self._hook.bound), Effects())
        helper.read(depth - 1)
        self._take_over(helper._effects)

    def _called_name(self, function: ast.Name, call: ast.Call, depth: int) -> None:
        name, effects = function.id, self._effects
        if name in self._local:
            if name in self._given:
                effects.outside = True
            else:
                self._changed_local(name)
            return
        ref = self._names.resolve(function, self._around)
        if ref.startswith("builtins.") or (ref == "?" and hasattr(builtins, name)):
            if name == "setattr" and call.args and is_name(call.args[0], self._module):
                effects.on_module = True
            else:
                effects.outside |= name in _IMPURE_BUILTINS
            return
        if ref.partition(".")[0] in _PURE_PACKAGES:
            effects.outside |= ref in _WRITING
            return
        helpers = self._functions.named(function, depth) if depth else None
        if helpers is None:
            effects.outside = True
            self._changed(name, deep=True)
            return
        for helper in helpers:
            reading = _Reading(self._functions, helper, Effects())
            reading.read(depth - 1)
            self._take_over(reading._effects)

    def _take_over(self, other: Effects) -> None:
        """Add what a helper does; what it returns is no matter, what it does to its arguments is."""
        effects = self._effects
        effects.outside |= other.outside or other.on_module or other.changes_run
        effects.stores |= other.stores
        effects.rebound |= other.rebound
        effects.nested |= other.nested
        effects.globals |= other.globals


_HARMLESS_OF_MODULE = frozenset(
    {"buffers", "children", "extra_repr", "modules", "named_buffers", "named_children", "named_modules"}
    | {"named_parameters", "parameters", "state_dict"}
)


def _gives_none(value: ast.expr) -> bool:
    """Whether an expression is certainly None."""
    if is_none(value):
        return True
    if isinstance(value, ast.IfExp):
        return _gives_none(value.body) and _gives_none(value.orelse)
    if not isinstance(value, ast.Call):
        return False
    name = dotted(value.func) or ""
    return (
        isinstance(value.func, ast.Attribute) and value.func.attr in _RETURN_NONE - {"print", "setattr"}
    ) or name in (
        "print",
        "setattr",
    )


def _root(node: ast.expr) -> tuple[str, bool]:
    """The name that ``a.b[c].d`` starts with, and whether anything stands behind it; no name for other expressions."""
    deep = False
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
        deep = True
    return (node.id, deep) if isinstance(node, ast.Name) else ("", deep)
