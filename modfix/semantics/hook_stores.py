"""Who can see what a hook has stored."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from modfix.semantics.dataflow import Parents
from modfix.semantics.hook_effects import Effects
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, children, is_name, walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef, ast.Lambda)
# Methods of containers that do not hand the container to anybody.
_READING = frozenset({"append", "clear", "copy", "count", "get", "index", "items", "keys", "pop", "popitem", "values"})
# Functions that keep none of their arguments.
_TAKING = frozenset(
    {"bool", "dict", "enumerate", "float", "id", "int", "isinstance", "len", "list", "max", "min", "print", "range"}
    | {"repr", "reversed", "set", "sorted", "str", "sum", "tuple", "type", "zip"}
)
_CONTAINERS = frozenset(
    {"builtins.dict", "builtins.list", "builtins.set", "collections.defaultdict", "collections.deque"}
)


class Store:
    """Who can see what a hook has stored, inside one scope."""

    def __init__(
        self, parents: Parents, scope: ast.Module | FunctionNode, names: Names, hooks: Iterable[ast.AST]
    ) -> None:
        self._parents = parents
        self._scope = scope
        self._names = names
        self._hooks = set(hooks)

    def handed_on(self, effects: Effects) -> str:
        """The name of a store that code outside the scope may read; empty if there is none."""
        for name in sorted(effects.stores | effects.rebound):
            is_value = name not in effects.stores  # who reads it has a value, which does not change
            for node in self.reads(name):
                if isinstance(node, _DEFINITIONS) or (not is_value and self._leaves(node, name in effects.nested)):
                    return name
            if not self._belongs_here(name) or not (is_value or self._is_fresh(name)):
                return name
        return ""

    def is_local(self, effects: Effects) -> bool:
        """Whether all that the hook changes belongs to the scope."""
        fresh = all(map(self._is_fresh, effects.stores))
        return fresh and all(map(self._belongs_here, effects.stores | effects.rebound))

    def is_own(self, name: str) -> bool:
        """Whether the name belongs to the scope, and holds only what was made for it there."""
        return self._belongs_here(name) and self._is_fresh(name)

    def _belongs_here(self, name: str) -> bool:
        if isinstance(self._scope, ast.Module):
            return self._names.bindings.get(name) == "?"
        own = self._names.scopes[self._scope]
        declared = {shared for inner in own.within() for shared in inner.globals}
        parameters = {arg.arg for arg in arguments(self._scope)}
        return name in own.stored and name not in declared and name not in parameters

    def _is_fresh(self, name: str) -> bool:
        """Whether the name holds only what was made for it here."""
        own = self._names.scopes[self._scope]
        values = [a.value for a in own.assigns if any(is_name(target, name) for target in a.targets)]
        return len(values) == own.stored.count(name) and all(map(self._makes, values))

    def _makes(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Call):
            ref = self._names.resolve(value.func, self._parents.functions(value))
            made = ref.rpartition(".")[2].lstrip("@")
            return ref in _CONTAINERS or (ref[0] not in "?$" and made[:1].isupper())
        return isinstance(value, (ast.Constant, ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp))

    def reads(self, name: str) -> Iterator[ast.AST]:
        """Where the scope, without the hooks, reads a name, or a function or class that does and may outlive it."""
        stack: list[ast.AST] = list(self._scope.body)
        while stack:
            node = stack.pop()
            if node in self._hooks:
                continue
            if is_name(node, name):
                assert isinstance(node, ast.Name)
                if isinstance(node.ctx, ast.Load):
                    yield node
            is_definition = isinstance(node, _DEFINITIONS)
            if is_definition and reads_any(node, {name}) and not self._ends_here(node):
                yield node
                continue
            stack.extend(children(node))

    def _ends_here(self, node: ast.AST) -> bool:
        """Whether a definition in the scope is used only while that runs."""
        makes_hooks = any(hook in self._hooks for hook in walk(node))
        is_local = isinstance(self._scope, _FUNCTIONS) and isinstance(node, _FUNCTIONS)
        return makes_hooks or (is_local and only_called(self._parents, self._scope, node.name))  # type: ignore[attr-defined]  # `is_local` narrows

    def _leaves(self, name: ast.AST, deep: bool, *, inside: bool = False) -> bool:
        """Whether one reading of a store hands on the store itself, or, if ``deep``, something in it."""
        step = self._parents.of(name)
        assert step is not None  # a statement is above
        parent, field = step
        if isinstance(parent, ast.Subscript) and field == "value":
            return deep and isinstance(parent.ctx, ast.Load) and self._leaves(parent, False, inside=True)
        if isinstance(parent, ast.Attribute):
            call = self._parents.of(parent)
            called = call is not None and isinstance(call[0], ast.Call) and call[1] == "func"
            if not called:
                return deep
            return not inside and parent.attr not in _READING  # tensors have many methods
        if isinstance(parent, ast.Call):
            function = parent.func
            if isinstance(function, ast.Name) and function.id in _TAKING:
                return deep and function.id in ("list", "dict", "tuple", "sorted", "zip", "enumerate")
            ref = self._names.resolve(function, self._parents.functions(parent))
            return not ref.startswith(("torch.", "numpy.")) or ref == "torch.utils.data.DataLoader"
        if isinstance(parent, (ast.For, ast.comprehension)) and field == "iter":
            return deep
        if isinstance(parent, ast.Expr):
            return False
        return not isinstance(
            parent, (ast.Compare, ast.If, ast.While, ast.UnaryOp, ast.Assert, ast.FormattedValue, ast.Delete)
        )


def only_called(parents: Parents, scope: ast.AST, name: str) -> bool:
    """Whether a function of that name is called in the scope, and neither kept nor returned.

    `optimizer.step(closure)` calls it as well.
    """
    reads = [n for n in walk(scope) if is_name(n, name) and isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    steps = [parents.of(node) for node in reads]
    calls = [step for step in steps if step is not None and isinstance(step[0], ast.Call)]
    return len(calls) == len(steps) and all(
        field == "func" or (isinstance(call.func, ast.Attribute) and call.func.attr == "step")
        for call, field in calls
        if isinstance(call, ast.Call)
    )


def reads_any(node: ast.AST, names: set[str]) -> bool:
    """Whether one of the names occurs in ``node``."""
    return any(isinstance(n, ast.Name) and n.id in names for n in walk(node))
