"""What is called to make a value, and what functions return."""

from __future__ import annotations

import ast

from modfix.semantics.facts import NOT_NONE, UNKNOWN, Ref
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_none, leaves_of, never_ends, picked_from, walk


class Callees:
    """Answers for the calls in one file."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def returns(self, node: FunctionNode, functions: tuple[FunctionNode, ...]) -> tuple[Ref, ...]:
        """References of what a function returns: callees, NOT_NONE or UNKNOWN; the last also if it may just end.

        ``functions`` are those around, with the function itself as the last.
        """
        scope = self._names.scopes[node]
        found = {ref for value in scope.returns for ref in self._made_by(value, functions)}
        if scope.yields or not never_ends(node.body):
            found.add(UNKNOWN)
        return tuple(sorted(found))

    def _made_by(self, value: ast.expr | None, functions: tuple[FunctionNode, ...]) -> tuple[Ref, ...]:
        """References of the callees that may have made ``value``."""
        if isinstance(value, ast.IfExp):
            return (*self._made_by(value.body, functions), *self._made_by(value.orelse, functions))
        if isinstance(value, ast.Call):
            return (self.callee(value.func, functions),)
        if value is not None and is_plain(value) and not is_none(value):
            return (NOT_NONE,)
        if isinstance(value, ast.Name):
            if self._names.resolve(value, functions) == "@" + value.id:  # a function or class
                return (NOT_NONE,)
            scope = self._names.scopes[functions[-1]]
            if any(arg.arg == value.id for arg in arguments(functions[-1])):
                return (UNKNOWN,)  # it may keep what the caller passed
            made = scope.values_of(value.id)
            calls = [call for call in made if isinstance(call, ast.Call)]
            if calls and len(calls) == len(made) == scope.times_stored(value.id):
                return tuple(self.callee(call.func, functions) for call in calls)
        return (UNKNOWN,)

    def callee(self, func: ast.expr, functions: tuple[FunctionNode, ...]) -> Ref:
        """The reference of what is called.

        A name of unknown meaning is ``$name``, so that the project can judge by convention; ``torch.nn.*`` is what
        `getattr(nn, name)` finds.
        """
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and functions:
            parameters = functions[-1].args.args
            if parameters and func.value.id == parameters[0].arg:
                return "self." + func.attr
        picked = picked_from(func)
        if picked is not None:
            package = self._names.resolve(picked, functions)
            return f"{package}.*" if package[0] not in "?@$." else UNKNOWN
        ref = self._names.resolve(func, functions)
        if ref == UNKNOWN and isinstance(func, ast.Name) and functions:
            ref = self._local_result(func.id, functions)
        return f"${dotted(func)}" if ref == UNKNOWN and dotted(func) else ref

    def _local_result(self, name: str, functions: tuple[FunctionNode, ...]) -> Ref:
        """What a function inside the innermost of ``functions`` calls to make its result; UNKNOWN if not one thing."""
        inner = [n for n in walk(*functions[-1].body) if isinstance(n, ast.FunctionDef) and n.name == name]
        scope = self._names.scopes[functions[-1]]
        bound = sum(other == name for other, _ in scope.bound)
        if not inner or bound != len(inner) or scope.times_stored(name) or any(node.decorator_list for node in inner):
            return UNKNOWN
        found = {ref for node in inner for ref in self.returns(node, (*functions, node))}
        only = found.pop() if len(found) == 1 else UNKNOWN
        return only if only[0] not in "?!$" and not only.startswith("self.") else UNKNOWN


def is_plain(value: ast.expr) -> bool:
    """Whether an expression certainly gives neither a module nor a parameter."""
    kinds = (ast.Constant, ast.JoinedStr, ast.Compare, ast.BinOp, ast.UnaryOp, ast.Lambda)
    containers = (ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)
    return all(isinstance(leaf, (*kinds, *containers)) for leaf in leaves_of(value))
