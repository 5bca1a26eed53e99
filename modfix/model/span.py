"""Where something stands in a file."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Half-open range of character offsets into the decoded text of one file.

    A tuple, not a dataclass: facts hold hundreds of thousands of them, and tuples pickle and compare several times
    faster.
    """

    start: int
    end: int

    def contains(self, other: Span) -> bool:
        """Whether ``other`` lies inside this span (equal spans contain each other)."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Span) -> bool:
        """Whether the two spans share at least one character."""
        return self.start < other.end and other.start < self.end


class Location(NamedTuple):
    """A place to show to a user: path relative to the project root with forward slashes, 1-based line and column."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"
