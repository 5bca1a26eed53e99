"""From the line and byte column of an ``ast`` node to a character offset in the text."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from itertools import accumulate

from modfix.model.span import Location, Span

_LINE_END = re.compile(r"\r\n|\r|\n")  # what Python's tokenizer ends a line at; form feeds and U+2028 do not


class Positions:
    """Offsets in one text. ``ast`` counts columns in UTF-8 bytes, spans count characters."""

    def __init__(self, text: str) -> None:
        self._text = text
        if "\r" in text:
            self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        else:  # the same, faster
            self._starts = [0, *accumulate([len(line) + 1 for line in text.split("\n")])]
        self._ascii = text.isascii()

    @property
    def width(self) -> int:
        """The length of the longest line, in columns: a tab has four."""
        lines = _LINE_END.split(self._text) if "\r" in self._text else self._text.split("\n")
        return max([len(line) if "\t" not in line else len(line.expandtabs(4)) for line in lines])

    def indentation(self, node: ast.stmt) -> str:
        """The text to the left of ``node`` on its line."""
        start = self._starts[node.lineno - 1]
        return self._text[start : self.offset(node.lineno, node.col_offset)]

    def is_commented(self, node: ast.stmt) -> bool:
        """Whether a comment stands behind ``node`` on its last line, or on the line above it."""
        span, last = self.span(node), node.end_lineno or node.lineno
        behind = self._text[span.end : self._starts[last] if last < len(self._starts) else None]
        above = self._text[self._starts[node.lineno - 2] : self._starts[node.lineno - 1]] if node.lineno > 1 else ""
        return "#" in behind or above.lstrip().startswith("#")

    def offset(self, line: int, column: int) -> int:
        """Character offset of a 1-based line and a column in UTF-8 bytes."""
        start = self._starts[line - 1]
        if self._ascii:
            return start + column
        end = self._starts[line] if line < len(self._starts) else len(self._text)
        return start + len(self._text[start:end].encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))

    def span(self, node: ast.expr | ast.stmt | ast.arg) -> Span:
        """Where ``node`` stands. Decorators do not belong to a function or class."""
        if node.end_lineno is None or node.end_col_offset is None:
            raise ValueError("the node has no position: it was not made by the parser")
        if self._ascii:
            starts = self._starts
            return Span(starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset)
        return Span(self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset))

    def source(self, node: ast.expr | ast.stmt) -> str:
        """The text of ``node``."""
        span = self.span(node)
        return self._text[span.start : span.end]

    def column(self, node: ast.expr | ast.stmt) -> int:
        """The 1-based column of ``node``, in characters."""
        return self.offset(node.lineno, node.col_offset) - self._starts[node.lineno - 1] + 1

    def location(self, path: str, offset: int) -> Location:
        """The place to show for an offset."""
        line = bisect_right(self._starts, offset)
        return Location(path, line, offset - self._starts[line - 1] + 1)
