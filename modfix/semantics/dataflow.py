"""Local def-use: what a name holds at one statement of a function.

Good enough to answer one question with certainty: is `target` certainly the same object as `other` when this statement starts? Everything
that could spoil the answer (a store in between, a loop that comes round again, `nonlocal`) makes it "no", with the line that spoils it.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

from modfix.semantics.syntax import CHILD_FIELDS, FunctionNode, children, walk

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Parents:
    """Parent, field and position of every node below a root."""

    def __init__(self, root: ast.AST) -> None:
        self._parent: dict[ast.AST, tuple[ast.AST, str]] = {}
        parents = self._parent
        stack = [root]
        while stack:
            node = stack.pop()
            for field in CHILD_FIELDS[node.__class__]:
                value = getattr(node, field)
                if value.__class__ is list:
                    step = (node, field)
                    for child in value:
                        parents[child] = step
                    stack += value
                elif value is not None:
                    parents[value] = (node, field)
                    stack.append(value)

    def of(self, node: ast.AST) -> tuple[ast.AST, str] | None:
        """The parent of ``node`` and the name of the field that holds it; None for the root."""
        return self._parent.get(node)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that holds ``node``."""
        while not isinstance(node, ast.stmt):
            node = self._parent[node][0]
        return node

    def suite(self, statement: ast.stmt) -> tuple[list[ast.stmt], int]:
        """The list of statements that ``statement`` stands in, and its index."""
        parent, field = self._parent[statement]
        suite: list[ast.stmt] = getattr(parent, field)
        return suite, next(index for index, other in enumerate(suite) if other is statement)

    def functions(self, node: ast.AST) -> tuple[FunctionNode, ...]:
        """The functions around ``node``, outermost first."""
        found: list[FunctionNode] = []
        step = self._parent.get(node)
        while step:
            if isinstance(step[0], (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.append(step[0])
            step = self._parent.get(step[0])
        return tuple(reversed(found))


class Alias(NamedTuple):
    """Whether two names hold the same object."""

    proved: bool
    line: int  # the definition that proves it, or the line that spoils it; 0 without one
    definition: ast.Assign | None = None  # the statement `target = other`, when it may go once `target` is stored anew


def stores(node: ast.AST, name: str) -> ast.AST | None:
    """The first node below ``node`` that binds or deletes ``name`` in the scope of ``node``; comprehension variables do not."""
    stack: list[ast.AST] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, ast.Name):
            if current.id == name and not isinstance(current.ctx, ast.Load):
                return current
        elif isinstance(current, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if current.name == name or _declares_outer(current, name):
                return current
            stack.extend(current.decorator_list)
        elif isinstance(current, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and current.name == name:
            return current
        elif isinstance(current, ast.MatchMapping) and current.rest == name:
            return current
        elif isinstance(current, (ast.Import, ast.ImportFrom)):
            if any((alias.asname or alias.name.partition(".")[0]) == name for alias in current.names):
                return current
        elif isinstance(current, _COMPREHENSIONS):
            stack.extend(n for n in walk(current) if isinstance(n, ast.NamedExpr))
        elif not isinstance(current, ast.Lambda):
            stack.extend(children(current))
    return None


def loads(node: ast.AST, name: str) -> bool:
    """Whether ``name`` is read anywhere below ``node``, nested functions included."""
    return any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load) for n in walk(node))


def _declares_outer(function: ast.AST, name: str) -> bool:
    return any(isinstance(n, (ast.Global, ast.Nonlocal)) and name in n.names for n in walk(function))


def same_object(parents: Parents, at: ast.stmt, target: str, other: str) -> Alias:
    """Whether `target is other` certainly holds when the statement ``at`` starts.

    Walks backwards through the suite of ``at`` and the suites around it, up to the function, and looks for the last `target = other`
    (or `other = target`); any other store of one of the two on the way spoils the proof.
    """
    statement = at
    same_suite = True
    while True:
        suite, index = parents.suite(statement)
        for position in range(index - 1, -1, -1):
            before = suite[position]
            if _assigns(before, target, other):
                simple = same_suite and isinstance(before, ast.Assign) and len(before.targets) == 1
                plain = simple and isinstance(before.targets[0], ast.Name)  # type: ignore[union-attr]  # narrowed by `simple`
                unread = not any(loads(s, target) for s in suite[position + 1 : index])
                removable = plain and unread and not _inside_try(parents, before)
                return Alias(True, before.lineno, before if removable else None)  # type: ignore[arg-type]  # narrowed by `simple`
            if _assigns(before, other, target):
                return Alias(True, before.lineno)
            spoiler = stores(before, target) or stores(before, other)
            if spoiler is not None:
                return Alias(False, getattr(spoiler, "lineno", before.lineno))
        step = parents.of(statement)
        if step is None or not isinstance(step[0], (ast.stmt, ast.ExceptHandler, ast.match_case)):
            return Alias(False, 0)
        parent = step[0]
        while isinstance(parent, (ast.ExceptHandler, ast.match_case)):
            outer = parents.of(parent)
            assert outer is not None  # a handler stands in a statement
            parent = outer[0]
        if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return Alias(False, 0)
        assert isinstance(parent, ast.stmt)
        if not isinstance(parent, ast.If):  # loops come round again, handlers see half of the body
            for name in (target, other):
                spoiler = _stores_except(parent, name, at)
                if spoiler is not None:
                    return Alias(False, getattr(spoiler, "lineno", parent.lineno))
        elif stores(parent.test, target) or stores(parent.test, other):
            return Alias(False, parent.lineno)
        statement = parent
        same_suite = False


def last_value(parents: Parents, at: ast.stmt, name: str) -> ast.expr | None:
    """What the assignment stored that ``name`` certainly holds when ``at`` starts; None when that is unknown.

    Looks through the suite of ``at`` and, while that stands in plain ``if`` statements, the suites around it.
    """
    statement = at
    while True:
        suite, index = parents.suite(statement)
        for before in reversed(suite[:index]):
            if stores(before, name) is not None:
                plain = isinstance(before, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in before.targets)
                return before.value if plain and isinstance(before, ast.Assign) else None
        step = parents.of(statement)
        if step is None or not isinstance(step[0], ast.If):
            return None
        statement = step[0]


def _stores_except(statement: ast.stmt, name: str, excluded: ast.stmt) -> ast.AST | None:
    """As ``stores``, but what ``excluded`` stores does not count."""
    if statement is excluded:
        return None
    for child in children(statement):
        found = _stores_except(child, name, excluded) if isinstance(child, ast.stmt) else stores(child, name)
        if found is not None:
            return found
    return None


def _assigns(statement: ast.stmt, target: str, value: str) -> bool:
    """Whether ``statement`` is an assignment after which ``target`` and ``value`` are the same object."""
    if not isinstance(statement, ast.Assign):
        return False
    for to in statement.targets:
        if isinstance(to, ast.Name) and to.id == target:
            return isinstance(statement.value, ast.Name) and statement.value.id == value
        if isinstance(to, ast.Tuple) and isinstance(statement.value, ast.Tuple) and len(to.elts) == len(statement.value.elts):
            names = [e.id if isinstance(e, ast.Name) else None for e in to.elts]
            if target in names and value not in names and names.count(target) == 1:
                source = statement.value.elts[names.index(target)]
                return isinstance(source, ast.Name) and source.id == value
    return False


def _inside_try(parents: Parents, statement: ast.stmt) -> bool:
    step = parents.of(statement)
    while step and not isinstance(step[0], (ast.FunctionDef, ast.AsyncFunctionDef)):
        if step[0].__class__.__name__ in ("Try", "TryStar"):
            return True
        step = parents.of(step[0])
    return False
