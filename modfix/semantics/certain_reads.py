"""Which attributes an object certainly has, for otherwise the code that works on it would fail."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from modfix.semantics.dataflow import Parents
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import evaluated, is_name, walk

_JUMPS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_COUNTED = 8  # turns of a loop that are looked at


class _Said(NamedTuple):
    """What a statement says of any name: the reads in it that run in any case, and the calls."""

    reads: dict[str, set[str]]
    calls: list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, ast.Call]]  # of functions of the file
    jumps: bool


class CertainReads:
    """Answers for the names of one file. Many are asked about the same statements: each of these is read once."""

    def __init__(self, names: Names, tree: ast.Module) -> None:
        self._names = names
        self._functions = {n.name: n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
        self._said: dict[ast.stmt, _Said] = {}

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
                if self._of(after).jumps:
                    break
                found |= self._reads(after, name.id, 0)
            above = parents.enclosing(statement)
            if above is None or isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try)):
                return frozenset(found)
            if isinstance(above, (ast.For, ast.AsyncFor)) and any(is_name(n, name.id) for n in walk(above.target)):
                return frozenset(found)  # another object before
            found |= self._reads(above, name.id, 0)
            statement = above

    def of_loop(self, parents: Parents, name: ast.Name) -> frozenset[str]:
        """As `of`, for a variable that only the loop around stores; nothing for any other."""
        above = parents.enclosing(parents.statement(name))
        while above is not None and not isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if isinstance(above, (ast.For, ast.AsyncFor)) and any(is_name(n, name.id) for n in walk(above.target)):
                again = any(
                    n.id == name.id and not isinstance(n.ctx, ast.Load)
                    for n in walk(*above.body)
                    if isinstance(n, ast.Name)
                )
                return frozenset() if again else self.of(parents, name)
            above = parents.enclosing(above)
        return frozenset()

    def _of(self, statement: ast.stmt) -> _Said:
        known = self._said.get(statement)
        if known is None:
            known = self._said[statement] = self._read(statement)
        return known

    def _read(self, statement: ast.stmt) -> _Said:
        reads: dict[str, set[str]] = {}
        calls = []
        for node in evaluated(statement):
            if isinstance(node, ast.Attribute):
                if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
                    reads.setdefault(node.value.id, set()).add(node.attr)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                owner, asked = node.args if node.func.id == "getattr" and len(node.args) == 2 else (None, None)
                if isinstance(owner, ast.Name) and isinstance(asked, ast.Constant) and isinstance(asked.value, str):
                    reads.setdefault(owner.id, set()).add(asked.value)
                function = self._functions.get(node.func.id)
                if function is not None and self._names.bindings.get(function.name) == f"@{function.name}":
                    calls.append((function, node))
        return _Said(reads, calls, any(isinstance(n, _JUMPS) for n in walk(statement)))

    def _reads(self, statement: ast.stmt, name: str, depth: int) -> set[str]:
        """The attributes that a statement reads from ``name`` in any case, itself or in a function that it calls."""
        said = self._of(statement)
        found = set(said.reads.get(name, ()))
        if isinstance(statement, ast.For) and (numbers := _numbers(statement)):
            for inner in statement.body:
                if self._of(inner).jumps:
                    break
                found |= self._reads(inner, name, depth)
                found.update(_numbered(inner, name, statement.target, numbers))
        for function, call in said.calls if depth == 0 else ():
            for parameter, argument in zip(function.args.args, call.args, strict=False):
                if is_name(argument, name) and not self._names.scopes[function].times_stored(parameter.arg):
                    for inner in function.body:
                        found |= self._reads(inner, parameter.arg, depth + 1)
                        if self._of(inner).jumps:
                            break
        return found


def _numbers(loop: ast.For) -> range:
    """The numbers of `for i in range(3)`; empty where they are not written out, or the body stores any name."""
    call = loop.iter
    rebound = (isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) for n in walk(*loop.body))
    if (
        any(rebound)
        or not isinstance(call, ast.Call)
        or not is_name(call.func, "range")
        or call.keywords
        or len(call.args) > 2
    ):
        return range(0)
    bounds = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, int)]
    return range(*bounds) if bounds and len(bounds) == len(call.args) else range(0)


def _numbered(statement: ast.stmt, name: str, number: ast.expr, numbers: range) -> Iterator[str]:
    """``conv1``, ``conv2`` for `getattr(name, f"conv{i + 1}")` where ``i`` is each of the numbers."""
    for node in evaluated(statement):
        if not isinstance(node, ast.Call) or not is_name(node.func, "getattr") or len(node.args) != 2:
            continue
        text = node.args[1]
        parts = text.values if isinstance(text, ast.JoinedStr) and is_name(node.args[0], name) else []
        if len(parts) != 2 or not isinstance(parts[0], ast.Constant) or not isinstance(parts[1], ast.FormattedValue):
            continue
        shown, step = _sum(parts[1].value)
        plain = parts[1].format_spec is None and parts[1].conversion == -1
        if plain and isinstance(number, ast.Name) and is_name(shown, number.id):
            yield from (f"{parts[0].value!s}{i + step}" for i in numbers[:_COUNTED])


def _sum(value: ast.expr) -> tuple[ast.expr, int]:
    """``i`` and 1 for `i + 1`."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and isinstance(value.right, ast.Constant):
        return (value.left, value.right.value) if isinstance(value.right.value, int) else (value, 0)
    return value, 0
