"""Which function a hook is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from modfix.semantics.dataflow import Parents
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, walk

HookNode: TypeAlias = FunctionNode | ast.Lambda

_TRANSPARENT = frozenset(
    {"functools.wraps", "torch.enable_grad", "torch.inference_mode", "torch.no_grad"}
    | {"torch.utils.hooks.unserializable_hook"}
)
DEPTH = 3  # of factories and helper functions that are looked through


@dataclass(frozen=True)
class Hook:
    """One function that may be the hook, and the name of the object that it is bound to, if it is a method."""

    node: HookNode
    bound: str = ""


class HookFunctions:
    """Answers for the hooks of one file."""

    def __init__(self, names: Names, parents: Parents, tree: ast.Module) -> None:
        self.names = names
        self.parents = parents
        self._tree = tree

    def hooks(self, value: ast.expr, depth: int = DEPTH) -> list[Hook] | None:
        """The functions that ``value``, given as a hook, may be; None when that is unknown."""
        if isinstance(value, ast.Lambda):
            return [Hook(value)]
        if depth == 0:
            return None
        if isinstance(value, ast.Name):
            return self.named(value, depth)
        if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
            method = self._method(value)
            if method is None:
                return None
            return [Hook(method, "" if method.decorator_list else value.value.id)]
        if isinstance(value, ast.Call):
            called = self.names.resolve(value.func, self.parents.functions(value))
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
                values = list(self.names.scopes[factory.node].returns)
            for value in values:
                made = None if value is None else self.hooks(value, depth - 1)
                if made is None:
                    return None
                found += [Hook(hook.node, hook.bound and factory.bound) for hook in made]
        return found or None

    def named(self, name: ast.Name, depth: int) -> list[Hook] | None:
        """The functions of that name, or the values stored in it, in the scope that has it; None when unknown."""
        for scope in (*reversed(self.parents.functions(name)), self._tree):
            if scope is not self._tree:
                assert isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef))
                if any(arg.arg == name.id for arg in arguments(scope)):
                    return None
            own = self.names.scopes[scope]
            found = [
                Hook(inner.node)
                for inner in own.inner
                if isinstance(inner.node, (ast.FunctionDef, ast.AsyncFunctionDef)) and inner.node.name == name.id
            ]
            if any(not self._is_plain(hook.node) for hook in found):
                return None
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

    def _is_plain(self, function: HookNode) -> bool:
        """Whether no decorator makes something else of a function."""
        decorators = [] if isinstance(function, ast.Lambda) else function.decorator_list
        functions = [d.func if isinstance(d, ast.Call) else d for d in decorators]
        return all(self.names.resolve(f, self.parents.functions(f)) in _TRANSPARENT for f in functions)

    def _method(self, value: ast.Attribute) -> FunctionNode | None:
        """The method that `self.method` or `local.method` is bound to, if its class is in this file."""
        assert isinstance(value.value, ast.Name)
        owner = self.class_around(value)
        if owner is not None and value.value.id == self.self_name(value):
            return self.member(owner, value.attr)
        functions = self.parents.functions(value)
        scope = self.names.scopes[functions[-1] if functions else self._tree]
        made = scope.values_of(value.value.id)
        if len(made) != 1 or scope.times_stored(value.value.id) != 1 or not isinstance(made[0], ast.Call):
            return None
        ref = self.names.resolve(made[0].func, functions)
        classes = [n for n in self._tree.body if isinstance(n, ast.ClassDef) and ref == f"@{n.name}"]
        return self.member(classes[0], value.attr) if len(classes) == 1 else None

    @staticmethod
    def member(owner: ast.ClassDef, name: str) -> FunctionNode | None:
        """The method of that name that a class defines itself, if it is a plain or static one."""
        functions = (n for n in owner.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name == name)
        found = next(functions, None)
        decorators = [] if found is None else [dotted(decorator) for decorator in found.decorator_list]
        return found if decorators in ([], ["staticmethod"]) else None

    def class_around(self, node: ast.AST) -> ast.ClassDef | None:
        """The class whose method holds ``node``, also in a function inside that method."""
        for function in self.parents.functions(node):
            step = self.parents.of(function)
            if step is not None and isinstance(step[0], ast.ClassDef):
                return step[0]
        return None

    def self_name(self, node: ast.AST) -> str:
        """The name of the object in the method that holds ``node``; empty where there is none in reach."""
        functions = list(self.parents.functions(node))
        while functions:
            step = self.parents.of(functions[0])
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
        shadowed = any(name in self.names.locals_of(function) for function in inner)
        return "" if shadowed or name in self.names.scopes[method].stored else name

    def free_names(self, node: HookNode) -> set[str]:
        """The names that a function reads when it runs and that are not its own."""
        own = {arg.arg for arg in arguments(node)} | stored_names(node)
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        read = {n.id for n in walk(*body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        return read - own


def stored_names(node: HookNode) -> set[str]:
    """The local names that a function stores."""
    declared = {name for n in walk(node) if isinstance(n, (ast.Global, ast.Nonlocal)) for name in n.names}
    found = {n.id for n in walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    return found - declared


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
