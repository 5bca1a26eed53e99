"""What a hook does: which function it is, what it changes, and who could see that.

Answers are on the safe side: what cannot be read here counts as seen by everybody.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from modfix.semantics.dataflow import Parents
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, is_none, walk

HookNode: TypeAlias = FunctionNode | ast.Lambda

_RETURN_NONE = frozenset({"add", "append", "clear", "extend", "insert", "print", "setattr", "update", "__setitem__"})
_CHANGE = _RETURN_NONE | {"pop", "popitem", "popleft", "appendleft", "remove", "setdefault", "write"}
_PURE_PACKAGES = frozenset(
    {"collections", "copy", "einops", "functools", "itertools", "math", "numpy", "operator", "torch"}
)
_WRITING = frozenset({"torch.save", "numpy.save", "numpy.savez", "numpy.savetxt"})
_IMPURE_BUILTINS = frozenset({"compile", "delattr", "eval", "exec", "input", "open", "print", "setattr"})
_DEPTH = 3  # of factories and helper functions that are looked through


@dataclass(frozen=True)
class Hook:
    """One function that may be the hook, and the name of the object that it is bound to, if it is a method."""

    node: HookNode
    bound: str = ""


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


class HookFunctions:
    """Answers for the hooks of one file."""

    def __init__(self, names: Names, parents: Parents, tree: ast.Module) -> None:
        self._names = names
        self._parents = parents
        self._tree = tree

    def hooks(self, value: ast.expr, depth: int = _DEPTH) -> list[Hook] | None:
        """The functions that ``value``, given as a hook, may be; None when that is unknown."""
        if isinstance(value, ast.Lambda):
            return [Hook(value)]
        if depth == 0:
            return None
        if isinstance(value, ast.Name):
            return self._named(value, depth)
        if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
            method = self._method(value)
            if method is None:
                return None
            return [Hook(method, "" if method.decorator_list else value.value.id)]
        if isinstance(value, ast.Call):
            called = self._names.resolve(value.func, self._parents.functions(value))
            if called in ("functools.partial", "functools.partialmethod") and value.args:
                return self.hooks(value.args[0], depth - 1)
            factories = self.hooks(value.func, depth - 1)
            return None if factories is None else self._made_by(factories, depth)
        return None

    def _made_by(self, factories: list[Hook], depth: int) -> list[Hook] | None:
        found: list[Hook] = []
        for factory in factories:
            if isinstance(factory.node, ast.Lambda):
                values: list[ast.expr | None] = [factory.node.body]
            else:
                values = list(self._names.scopes[factory.node].returns)
            for value in values:
                made = None if value is None else self.hooks(value, depth - 1)
                if made is None:
                    return None
                found += [Hook(hook.node, hook.bound and factory.bound) for hook in made]
        return found or None

    def _named(self, name: ast.Name, depth: int) -> list[Hook] | None:
        """What a name stands for: the functions of that name, or the values stored in it, in the scope that has it."""
        for scope in (*reversed(self._parents.functions(name)), self._tree):
            if scope is not self._tree:
                assert isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef))
                if any(arg.arg == name.id for arg in arguments(scope)):
                    return None
            own = self._names.scopes[scope]
            found = [
                Hook(inner.node)
                for inner in own.inner
                if isinstance(inner.node, (ast.FunctionDef, ast.AsyncFunctionDef)) and inner.node.name == name.id
            ]
            values = [v.value for v in own.assigns if any(is_name(target, name.id) for target in v.targets)]
            if own.stored.count(name.id) != len(values):
                return None
            for value in values:
                made = self.hooks(value, depth - 1)
                if made is None:
                    return None
                found += made
            if found:
                return found
        return None

    def _method(self, value: ast.Attribute) -> FunctionNode | None:
        """The method that `self.method` or `local.method` is bound to, if its class is in this file."""
        assert isinstance(value.value, ast.Name)
        owner = self.class_around(value)
        if owner is not None and value.value.id == self.self_name(value):
            return self._member(owner, value.attr)
        functions = self._parents.functions(value)
        scope = self._names.scopes[functions[-1] if functions else self._tree]
        made = scope.values_of(value.value.id)
        if len(made) != 1 or scope.times_stored(value.value.id) != 1 or not isinstance(made[0], ast.Call):
            return None
        ref = self._names.resolve(made[0].func, functions)
        classes = [n for n in self._tree.body if isinstance(n, ast.ClassDef) and ref == f"@{n.name}"]
        return self._member(classes[0], value.attr) if len(classes) == 1 else None

    @staticmethod
    def _member(owner: ast.ClassDef, name: str) -> FunctionNode | None:
        functions = (n for n in owner.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name == name)
        found = next(functions, None)
        decorators = [] if found is None else [dotted(decorator) for decorator in found.decorator_list]
        return found if decorators in ([], ["staticmethod"]) else None

    def class_around(self, node: ast.AST) -> ast.ClassDef | None:
        """The class whose method holds ``node``, also in a function inside that method."""
        for function in self._parents.functions(node):
            step = self._parents.of(function)
            if step is not None and isinstance(step[0], ast.ClassDef):
                return step[0]
        return None

    def self_name(self, node: ast.AST) -> str:
        """The name of the object in the method that holds ``node``; empty where there is none in reach."""
        functions = list(self._parents.functions(node))
        while functions:
            step = self._parents.of(functions[0])
            if step is not None and isinstance(step[0], ast.ClassDef):
                break
            functions.pop(0)
        if not functions:
            return ""
        method, *inner = functions
        decorators = {dotted(decorator) for decorator in method.decorator_list}
        positional = [*method.args.posonlyargs, *method.args.args]
        if not positional or decorators & {"staticmethod", "classmethod"}:
            return ""
        name = positional[0].arg
        shadowed = any(name in self._names.locals_of(function) for function in inner)
        return "" if shadowed or name in self._names.scopes[method].stored else name

    # What a hook does

    def effects(self, hooks: list[Hook] | None) -> Effects:
        """What any of these functions changes."""
        effects = Effects()
        if hooks is None:
            effects.changes_run = effects.outside = True
            return effects
        for hook in hooks:
            _Reading(self, self._names, self._parents, hook, effects).read(_DEPTH)
        return effects

    def free_names(self, node: HookNode) -> set[str]:
        """The names that a function reads when it runs and that are not its own."""
        own = {arg.arg for arg in arguments(node)} | _stored(node)
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        read = {n.id for n in walk(*body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        return read - own


def _stored(node: HookNode) -> set[str]:
    """The local names that a function stores."""
    declared = {name for n in walk(node) if isinstance(n, (ast.Global, ast.Nonlocal)) for name in n.names}
    found = {n.id for n in walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    return found - declared


class _Reading:
    """Reads one function for its effects."""

    def __init__(self, functions: HookFunctions, names: Names, parents: Parents, hook: Hook, effects: Effects) -> None:
        self._functions = functions
        self._names = names
        self._around = parents.functions(hook.node)
        self._hook = hook
        self._effects = effects
        parameters = [arg.arg for arg in arguments(hook.node)]
        self._self = parameters[0] if hook.bound and parameters else ""
        given = parameters[1:] if self._self else parameters
        self._module = given[0] if given else ""
        defaults = len(hook.node.args.defaults)
        self._given = set(given[: len(given) - defaults] if defaults else given)
        self._local = _stored(hook.node) | set(parameters)
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
        method = self._functions._member(owner, function.attr) if owner is not None else None
        if method is None or depth == 0:
            self._effects.outside = True
            self._changed(self._self, deep=True)
            return
        helper = _Reading(
            self._functions, self._names, self._functions._parents, Hook(method, self._hook.bound), Effects()
        )
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
        helpers = self._functions._named(function, depth) if depth else None
        if helpers is None:
            effects.outside = True
            self._changed(name, deep=True)
            return
        for helper in helpers:
            reading = _Reading(self._functions, self._names, self._functions._parents, helper, Effects())
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


def handle_removals(node: HookNode) -> Iterator[ast.Call]:
    """The calls `handle.remove()` in a hook."""
    for inner in walk(node):
        if (
            isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Attribute)
            and inner.func.attr == "remove"
            and not inner.args
            and not inner.keywords
        ):
            yield inner
