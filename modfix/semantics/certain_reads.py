"""Which attributes an object certainly has, for otherwise the code that works on it would fail."""

from __future__ import annotations

import ast

from modfix.semantics.dataflow import Parents
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import evaluated, is_name, walk

_JUMPS = (ast.Return, ast.Raise, ast.Break, ast.Continue)


class CertainReads:
    """Answers for the names of one file."""

    def __init__(self, names: Names, tree: ast.Module) -> None:
        self._names = names
        self._functions = {n.name: n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}

    def of(self, parents: Parents, name: ast.Name) -> frozenset[str]:
        """The attributes read from ``name`` whenever the statement of this use runs; it would fail without them."""
        found: set[str] = set()
        statement = parents.statement(name)
        while True:
            suite, index = parents.suite(statement)
            for before in suite[: index + 1]:
                found |= self._reads(before, name.id, 0)
            for after in suite[index:]:
                if isinstance(after, (ast.Return, ast.Raise)):
                    found |= self._reads(after, name.id, 0)
                if any(isinstance(n, _JUMPS) for n in walk(after)):
                    break
                found |= self._reads(after, name.id, 0)
            above = parents.enclosing(statement)
            if above is None or isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try)):
                return frozenset(found)
            found |= self._reads(above, name.id, 0)
            statement = above

    def _reads(self, statement: ast.stmt, name: str, depth: int) -> set[str]:
        """The attributes that a statement reads from ``name`` in any case, itself or in a function that it calls."""
        found: set[str] = set()
        for node in evaluated(statement):
            if isinstance(node, ast.Attribute) and is_name(node.value, name) and isinstance(node.ctx, ast.Load):
                found.add(node.attr)
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            asked = node.args[1] if node.func.id == "getattr" and len(node.args) == 2 else None
            if isinstance(asked, ast.Constant) and isinstance(asked.value, str) and is_name(node.args[0], name):
                found.add(asked.value)
            function = self._functions.get(node.func.id)
            if function is None or depth or self._names.bindings.get(function.name) != f"@{function.name}":
                continue
            for parameter, argument in zip(function.args.args, node.args, strict=False):
                if is_name(argument, name) and not self._names.scopes[function].times_stored(parameter.arg):
                    for inner in function.body:
                        found |= self._reads(inner, parameter.arg, depth + 1)
                        if any(isinstance(n, _JUMPS) for n in walk(inner)):
                            break
        return found
