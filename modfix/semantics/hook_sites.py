"""Finds the registrations of hooks in one file, and who could own their handles."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from modfix.model.span import Span
from modfix.semantics.dataflow import Parents
from modfix.semantics.hook_effects import effects_of
from modfix.semantics.hook_facts import REGISTRATIONS, Handle, HookNote, HookSite
from modfix.semantics.hook_functions import Hook, HookFunctions, handle_removals
from modfix.semantics.hook_lifetime import Model
from modfix.semantics.positions import Positions
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Found:
    """A registration with the syntax tree behind it."""

    def __init__(self, call: ast.Call, statement: ast.stmt, scope: ast.Module | FunctionNode, site: HookSite) -> None:
        assert isinstance(call.func, ast.Attribute)
        self.call = call
        self.receiver = call.func.value
        self.statement = statement
        self.scope = scope
        self.site = site


class HookSites:
    """The registrations of one file, in source order: ``found``."""

    def __init__(self, tree: ast.Module, names: Names, positions: Positions) -> None:
        self.tree = tree
        self.names = names
        self.positions = positions
        self.parents = Parents(tree)
        self.functions = HookFunctions(names, self.parents, tree)
        self.found = [self._found(node) for node in walk(tree) if isinstance(node, ast.Call) and is_registration(node)]
        self.found.sort(key=lambda item: item.site.span)

    # One registration

    def _found(self, call: ast.Call) -> Found:
        assert isinstance(call.func, ast.Attribute)
        statement = self.parents.statement(call)
        scope = self.parents.scope(call)
        assert isinstance(scope, (ast.Module, *_FUNCTIONS))
        handle, name = self._handle(call, statement, scope)
        owner, method, self_name = self._owner(call)
        receiver = call.func.value
        site = HookSite(
            call.func.attr,
            self.positions.span(call),
            self.positions.span(statement),
            call.lineno,
            self.positions.column(call),
            self._source(call, statement),
            ast.unparse(receiver),
            self._is_object(receiver),
            handle,
            name,
            self.qualname(scope),
            owner,
            method,
            self_name,
            *(self._tops(call) if owner else (None, None)),
            bool(owner) and self._is_given(call, scope, self_name),
            tuple(self._notes(call, scope, brief=handle in (Handle.PAIRED, Handle.HELD))),
        )
        return Found(call, statement, scope, site)

    def _source(self, call: ast.Call, statement: ast.stmt) -> str:
        """The source of a call as it is written in a block without indentation; empty if that would change it."""
        if self.positions.is_commented_behind(statement):
            return ""
        first, *lines = self.positions.source(call).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if not lines:
            return first
        several = any(isinstance(n, (ast.Constant, ast.JoinedStr)) and n.end_lineno != n.lineno for n in walk(call))
        if several or any("#" in line for line in (first, *lines)):
            return ""
        indentation = self.positions.indentation(statement)
        return "\n".join([first, *(line.removeprefix(indentation) for line in lines)])

    def qualname(self, scope: ast.AST) -> str:
        """The name of a function or class with those around it; empty for the module."""
        parts = []
        step: tuple[ast.AST, str] | None = (scope, "")
        while step is not None:
            if isinstance(step[0], (*_FUNCTIONS, ast.ClassDef)):
                parts.append(step[0].name)
            step = self.parents.of(step[0])
        return ".".join(reversed(parts))

    def _is_object(self, receiver: ast.expr) -> bool:
        """Whether the receiver is an object, as far as its name says."""
        ref = self.names.resolve(receiver, self.parents.functions(receiver)) if dotted(receiver) else "?"
        return ref[0] in "?$"

    def _handle(self, call: ast.Call, statement: ast.stmt, scope: ast.AST) -> tuple[Handle, str]:
        step = self.parents.of(call)
        assert step is not None  # a statement is above
        parent = step[0]
        if isinstance(parent, (ast.ListComp, ast.GeneratorExp)) and step[1] == "elt":
            outer = self.parents.of(parent)
            is_loop = isinstance(parent, ast.ListComp) and outer is not None and isinstance(outer[0], ast.Expr)
            return (Handle.DISCARDED if is_loop else Handle.KEPT), ""
        if isinstance(parent, ast.Expr):
            return Handle.DISCARDED, ""
        if isinstance(parent, ast.withitem):
            return Handle.HELD, ""
        if (
            not isinstance(parent, ast.Assign)
            or len(parent.targets) != 1
            or not isinstance(parent.targets[0], ast.Name)
        ):
            return Handle.KEPT, ""
        name = parent.targets[0].id
        own = self.names.scopes[scope]
        if any(name in inner.declared for inner in own.within()) or isinstance(
            self.parents.enclosing(statement), ast.ClassDef
        ):
            return Handle.KEPT, ""
        uses = [n for n in walk(scope) if isinstance(n, ast.Name) and n.id == name]
        if any(isinstance(n.ctx, ast.Del) for n in uses):
            return Handle.KEPT, name
        reads = [n for n in uses if isinstance(n.ctx, ast.Load)]
        if not reads:
            return Handle.UNUSED, name
        return (Handle.PAIRED if self._is_paired(reads, statement, name, scope) else Handle.KEPT), name

    def _is_paired(self, reads: list[ast.Name], statement: ast.stmt, name: str, scope: ast.AST) -> bool:
        """Whether `handle.remove()` stands behind ``statement`` in its block, and nothing else uses the handle."""
        if len(reads) != 1 or self.names.scopes[scope].stored.count(name) != 1:
            return False
        removal = self.parents.statement(reads[0])
        suite, index = self.parents.suite(statement)
        return is_removal(removal, name) and any(removal is other for other in suite[index + 1 :])

    def _owner(self, call: ast.Call) -> tuple[str, str, str]:
        """The class whose object registers the hook, the method, and the name of the object."""
        self_name = self.functions.self_name(call)
        owner = self.functions.class_around(call)
        if owner is None or not self_name or self.in_lambda(call):
            return "", "", ""
        method = next(f for f in self.parents.functions(call) if (self.parents.of(f) or (None,))[0] is owner)
        return self.qualname(owner).replace("..", "."), method.name, self_name

    def _tops(self, call: ast.Call) -> tuple[Span | None, Span | None]:
        """Where the `__init__` of the class around starts, or else where its first method stands."""
        cls = self.functions.class_around(call)
        methods = [n for n in cls.body if isinstance(n, _FUNCTIONS)] if cls is not None else []
        inits = [method for method in methods if method.name == "__init__"]
        if inits:
            return (self.positions.span(first_statement(inits[0])) if len(inits) == 1 else None), None
        return None, (self.positions.span(methods[0]) if methods else None)

    def _is_given(self, call: ast.Call, scope: ast.Module | FunctionNode, self_name: str) -> bool:
        """Whether the module that is hooked leads back to an argument, here or in the method that keeps it."""
        assert isinstance(call.func, ast.Attribute)
        cls = self.functions.class_around(call)
        around = {arg.arg for function in self.parents.functions(call) for arg in arguments(function)} - {self_name}
        roots = Model(self.names, self.parents, scope, [call.func.value], self_name).roots
        return bool(roots & around) or any(
            root == f"{self_name}.{target.attr}" and self._root_is_argument(statement.value)
            for root in roots
            for statement in (walk(cls) if cls is not None else ())
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Attribute) and is_name(target.value, self.functions.self_name(statement))
        )

    def _root_is_argument(self, value: ast.expr) -> bool:
        """Whether an expression is an argument of the function around, or something taken from one."""
        while isinstance(value, (ast.Attribute, ast.Subscript, ast.Call)):
            value = value.func if isinstance(value, ast.Call) else value.value
        functions = self.parents.functions(value)
        return isinstance(value, ast.Name) and any(
            arg.arg == value.id for function in functions for arg in arguments(function)
        )

    def in_lambda(self, node: ast.AST) -> bool:
        """Whether a node stands in a lambda of its statement."""
        step = self.parents.of(node)
        while step is not None and not isinstance(step[0], ast.stmt):
            if isinstance(step[0], ast.Lambda):
                return True
            step = self.parents.of(step[0])
        return False

    # What no rewrite mends

    def _notes(self, call: ast.Call, scope: ast.AST, *, brief: bool) -> Iterator[HookNote]:
        hooks = self.hooks(call) or []
        for hook in hooks:
            for name, where in sorted(effects_of(self.functions, [hook]).globals.items()):
                reason = (
                    f"the hook stores in the global `{name}`, which all models share; write a class with an attribute "
                    f"`{name}` and a method that sets it, register the method, and read it from an object of that class"
                )
                yield self.note("global-store", reason, where)
            for removal in handle_removals(hook.node):
                reason = (
                    "the hook removes a handle while the hooks of the module run; let it set a flag, and remove the "
                    "handle behind the call of the model"
                )
                yield self.note("removal-in-hook", reason, removal)
        loop = self.loop(call, scope)
        given = _hook_argument(call)
        if loop is not None and given is not None and not brief:
            yield from self._late_binding(loop, given)

    def note(self, kind: str, reason: str, node: ast.AST) -> HookNote:
        """A note about ``node``."""
        assert isinstance(node, (ast.stmt, ast.expr))
        return HookNote(kind, reason, node.lineno, self.positions.column(node))

    def _late_binding(self, loop: ast.For | ast.AsyncFor, given: ast.expr) -> Iterator[HookNote]:
        """A function made in the loop that reads what the loop changes: all of them see the last value."""
        inside = {n for statement in loop.body for n in walk(statement)}
        hooks = self.functions.hooks(given) if isinstance(given, (ast.Lambda, ast.Name)) else None
        changed = {
            n.id for n in walk(loop.target, *loop.body) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
        }
        for hook in hooks or ():
            names = sorted(self.functions.free_names(hook.node) & changed) if hook.node in inside else []
            if names and self.parents.scope(hook.node) is self.parents.scope(loop):
                name = names[0]
                reason = f"all hooks of this loop read the last value of `{name}`; bind it, as in `{name}={name}`"
                yield self.note("late-binding", reason, hook.node)

    def loop(self, node: ast.AST, scope: ast.AST) -> ast.For | ast.AsyncFor | None:
        """The innermost loop of a scope in whose body a node stands."""
        step = self.parents.of(node)
        while step is not None and step[0] is not scope:
            if isinstance(step[0], (ast.For, ast.AsyncFor)) and step[1] == "body":
                return step[0]
            step = self.parents.of(step[0])
        return None

    def hooks(self, call: ast.Call) -> list[Hook] | None:
        """The functions that a registration may register; None when that is unknown."""
        given = _hook_argument(call)
        return None if given is None else self.functions.hooks(given)

    def hooks_of(self, items: Iterable[Found]) -> list[Hook] | None:
        """The functions that any of several registrations may register; None when one is unknown."""
        found: list[Hook] = []
        for item in items:
            hooks = self.hooks(item.call)
            if hooks is None:
                return None
            found += hooks
        return found

    def free_name(self, wanted: Iterable[str]) -> str:
        """The first of the names that the file uses for nothing; empty if there is none."""
        taken = {n.id for n in walk(self.tree) if isinstance(n, ast.Name)} | set(self.names.bindings)
        taken |= {arg.arg for n in walk(self.tree) if isinstance(n, (*_FUNCTIONS, ast.Lambda)) for arg in arguments(n)}
        return next((name for name in wanted if name not in taken), "")


def first_statement(function: FunctionNode) -> ast.stmt:
    """The first statement of a function that is no docstring, if there is another one."""
    first, *others = function.body
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return others[0] if has_docstring and others else first


def is_registration(node: ast.AST) -> bool:
    """Whether a node registers a hook on a module."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in REGISTRATIONS):
        return False
    above = node.func.value
    return not (isinstance(above, ast.Call) and is_name(above.func, "super"))  # an override that passes the call on


def is_removal(statement: ast.stmt, name: str) -> bool:
    """Whether a statement is `name.remove()`."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "remove"
        and is_name(call.func.value, name)
        and not call.args
        and not call.keywords
    )


def _hook_argument(call: ast.Call) -> ast.expr | None:
    if call.args:
        return None if isinstance(call.args[0], ast.Starred) else call.args[0]
    return next((keyword.value for keyword in call.keywords if keyword.arg == "hook"), None)
