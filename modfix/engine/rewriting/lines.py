"""Character offsets and line ends of a text, counted the way Python's parser counts lines."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right

from modfix.model.span import Span

LINE_END = re.compile(r"\r\n|\r|\n")  # nothing else: form feeds and U+2028 end no line in Python


class Lines:
    """The lines of ``text``; line numbers are 1-based as in `ast`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0]
        self._ends: list[str] = []
        for match in LINE_END.finditer(text):
            self.starts.append(match.end())
            self._ends.append(match.group())
        self._ascii = text.isascii()

    def start(self, lineno: int) -> int:
        """Offset at which line ``lineno`` starts; the length of the text for the line behind the last."""
        return self.starts[lineno - 1] if lineno <= len(self.starts) else len(self.text)

    def line(self, lineno: int) -> str:
        """The line with its line end."""
        return self.text[self.start(lineno) : self.start(lineno + 1)]

    def offset(self, lineno: int, column: int) -> int:
        """Offset of an `ast` position, whose columns count UTF-8 bytes."""
        start = self.start(lineno)
        if self._ascii:
            return start + column
        # A character takes one byte or more, so the first ``column`` characters hold the first ``column`` bytes.
        head = self.text[start : start + column]
        if head.isascii():
            return start + column
        return start + len(head.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "surrogatepass"))

    def span(self, node: ast.stmt | ast.expr) -> Span:
        """The span of a node: no decorators, no parentheses around an expression, no trailing comment."""
        end_lineno, end_column = node.end_lineno, node.end_col_offset
        assert end_lineno is not None
        assert end_column is not None
        return Span(self.offset(node.lineno, node.col_offset), self.offset(end_lineno, end_column))

    def lineno(self, offset: int) -> int:
        """Number of the line that holds ``offset``."""
        return bisect_right(self.starts, offset)

    def newline_at(self, offset: int) -> str:
        """The line end in use at ``offset``: of that line, or of the one before where the text ends without one."""
        if not self._ends:
            return "\n"
        return self._ends[min(self.lineno(offset), len(self._ends)) - 1]


def first_line(node: ast.stmt) -> int:
    """Line on which a statement starts, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def last_line(node: ast.stmt) -> int:
    """Line on which a statement ends."""
    assert node.end_lineno is not None
    return node.end_lineno
