"""Lines of the files that a report shows."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from modfix.model.source import Refused, SourceFile

_LINE_END = re.compile(r"\r\n|\r|\n")  # what ends a line for Python; form feeds and U+2028 do not


class Lines:
    """One text as numbered lines."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def line(self, number: int) -> str | None:
        """Line ``number``, 1-based, without its line end; None where there is none."""
        if not 1 <= number <= len(self._starts):
            return None
        end = self._starts[number] if number < len(self._starts) else len(self._text)
        return self._text[self._starts[number - 1] : end].rstrip("\r\n")

    def position(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column, in characters, of an offset into the text."""
        number = bisect_right(self._starts, offset)
        return number, offset - self._starts[number - 1] + 1


class Sources:
    """The lines of files, by path. Keeps the last few: findings come sorted by path."""

    _KEPT = 8

    def __init__(self, read: Callable[[str], SourceFile | Refused]) -> None:
        self._read = read
        self._lines: dict[str, Lines | None] = {}

    def lines(self, path: str) -> Lines | None:
        """The lines of the file at ``path``; None where it can no longer be read."""
        if path not in self._lines:
            source = self._read(path)
            if len(self._lines) >= self._KEPT:
                del self._lines[next(iter(self._lines))]
            self._lines[path] = Lines(source.text) if isinstance(source, SourceFile) else None
        return self._lines[path]
