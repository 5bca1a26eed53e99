"""Which lines of a file have code, and what stands for a changed line that has none."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import CodeType
from typing import NamedTuple


class Scope(NamedTuple):
    """A class or function at the top level of a module."""

    name: str
    start: int  # first line, decorators included
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """What is known about the lines of one version of a file. A file that does not parse has no code."""

    called: frozenset[int]  # lines of functions: whether they run depends on the case
    imported: frozenset[int]  # lines that run when the module is imported
    scopes: tuple[Scope, ...]
    _statements: tuple[tuple[int, int], ...]  # first and last line, outer ones before inner ones
    _blank: frozenset[int]  # lines with no token but a comment

    @classmethod
    def read(cls, text: str, path: str = "<source>") -> Source:
        """Look at the source of one file."""
        try:
            tree = ast.parse(text, path)
            code = compile(text, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return cls(frozenset(), frozenset(), (), (), frozenset())
        called: set[int] = set()
        imported: set[int] = set()
        for one, at_import in _codes(code, at_import=True):
            (imported if at_import else called).update(_own_lines(one))
        statements = sorted(
            ((_first(node), node.end_lineno or node.lineno) for node in ast.walk(tree) if isinstance(node, ast.stmt)),
            key=lambda span: (span[0], -span[1]),
        )
        blank = {
            number for number, line in enumerate(text.split("\n"), 1) if not line.strip() or line.lstrip()[0] == "#"
        }
        scopes = tuple(
            Scope(node.name, _first(node), node.end_lineno or node.lineno)
            for node in tree.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        )
        # A line in both is a lambda, or a function on one line: only a call shows that it ran.
        return cls(frozenset(called), frozenset(imported - called), scopes, tuple(statements), frozenset(blank))

    def executable(self, changed: Iterable[int]) -> frozenset[int]:
        """The lines that must run for the ``changed`` ones to count as run.

        A line without code of its own, such as the second line of a call with constants, stands for its statement;
        blank lines and comments stand for nothing.
        """
        found = set()
        for number in changed:
            if number in self.called or number in self.imported:
                found.add(number)
            elif number not in self._blank:
                found.update(self._statement(number))
        return frozenset(found)

    def scope(self, line: int) -> str:
        """The name of the class or function at the top level that holds ``line``; empty where none does."""
        return next((scope.name for scope in self.scopes if scope.start <= line <= scope.end), "")

    def _statement(self, line: int) -> Iterator[int]:
        """The first line with code of the innermost statement around ``line``."""
        around = [span for span in self._statements if span[0] <= line <= span[1]]
        if around:
            start, end = around[-1]
            lines = (number for number in range(start, end + 1) if number in self.called or number in self.imported)
            yield from (number for number in [next(lines, 0)] if number)


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min(node.lineno, *(decorator.lineno for decorator in decorators)) if decorators else node.lineno


def _codes(code: CodeType, *, at_import: bool) -> Iterator[tuple[CodeType, bool]]:
    """The code and all in it, each with whether importing the module runs it: classes do, functions do not."""
    yield code, at_import
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            is_function = bool(constant.co_flags & inspect.CO_OPTIMIZED)
            yield from _codes(constant, at_import=at_import and not is_function)


def _own_lines(code: CodeType) -> set[int]:
    lines = {number for _, _, number in code.co_lines() if number}
    if code.co_flags & inspect.CO_OPTIMIZED and len(lines) > 1:
        lines.discard(code.co_firstlineno)  # the `def`, which belongs to the code around it
    return lines
