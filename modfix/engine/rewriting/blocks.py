"""Builds the body of a block line by line, with the blank lines that a person would leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from modfix.engine.rewriting.nodes import Statement, is_definition, leading_blanks, with_leading_lines


@dataclass(frozen=True, slots=True)
class Snippet:
    """New statements, and the comments of their source that stand behind the last."""

    statements: tuple[Statement, ...]
    tail: tuple[cst.EmptyLine, ...]


class BlockBuilder:
    """Takes the lines of a block in order, and gives back its statements and footer.

    Lines without a statement (blank lines and comments) wait for the next statement. Where two runs of blank lines
    meet, because what stood between them has gone, the longer one stays.
    """

    def __init__(self, newline: cst.Newline, *, is_module: bool = False) -> None:
        self.body: list[Statement] = []
        self.newline = newline
        self._is_module = is_module
        self._pending: list[cst.EmptyLine] = []
        self._first_gone = False
        self._last_is_new = False

    def lines(self, lines: Sequence[cst.EmptyLine]) -> None:
        """Add blank lines and comments."""
        self._pending = _join(self._pending, lines)

    def gone(self) -> None:
        """Say that a statement was left out here; if it was the first, no blank line stays at the start."""
        self._first_gone = self._first_gone or not self.body

    def statement(self, statement: Statement) -> None:
        """Add a statement of the original text, with the lines above it."""
        self._append(statement, set_apart=self._last_is_new)
        self._last_is_new = False

    def added(self, snippet: Snippet) -> None:
        """Add new statements. Blank lines go around definitions."""
        for index, statement in enumerate(snippet.statements):
            self._append(statement, set_apart=index == 0)
        self.lines(snippet.tail)
        self._last_is_new = True

    def footer(self, lines: Sequence[cst.EmptyLine]) -> list[cst.EmptyLine]:
        """The lines behind the last statement, given those that the block had there."""
        pending = self._pending
        if self._is_module:
            return _join(pending, lines)  # other statements may follow
        if not any(line.comment for line in pending):
            return list(lines)
        if not self.body:
            pending = pending[leading_blanks(pending) :]
        joined = _join(pending, lines)
        return joined[: len(joined) - leading_blanks(joined[::-1])]

    def _append(self, statement: Statement, *, set_apart: bool) -> None:
        own = list(statement.leading_lines)
        lines = _join(self._pending, own)
        if not self.body and self._first_gone and not self._is_module:
            lines = lines[leading_blanks(lines) :]
        if set_apart and self.body and (is_definition(statement) or is_definition(self.body[-1])):
            missing = (2 if self._is_module else 1) - leading_blanks(lines)
            lines = [cst.EmptyLine(indent=False, newline=self.newline)] * missing + lines
        self._pending = []
        self.body.append(statement if lines == own else with_leading_lines(statement, lines))


def _join(above: Sequence[cst.EmptyLine], below: Sequence[cst.EmptyLine]) -> list[cst.EmptyLine]:
    trailing = leading_blanks(above[::-1])
    leading = leading_blanks(below)
    if trailing < leading:
        return [*above[: len(above) - trailing], *below]
    return [*above, *below[leading:]]
