"""A patch whose lines know their fixes.

Lines are bytes as they are in the file: a patch may hold files of several encodings, and `git apply` compares bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from modfix.model.finding import Applicability


@dataclass(frozen=True, slots=True)
class FixRecord:
    """What a patch says about one of its fixes; ``id`` is the fingerprint of the finding."""

    id: str
    codemod: str
    applicability: Applicability
    path: str  # of the finding; the fix may change other files too
    subject: str
    title: str  # one line


class PatchLine(NamedTuple):
    """One line of a hunk.

    A removed or added line takes effect while at least one of ``fixes`` is kept; a ``joint`` one while all of them are.
    Context lines have no fixes.
    """

    kind: bytes  # b" ", b"-" or b"+"
    data: bytes  # with its line feed, unless it ends a file that does not end in one
    fixes: frozenset[str] = frozenset()
    joint: bool = False


@dataclass(frozen=True, slots=True)
class PatchHunk:
    """Changes with lines of context. ``start`` counts the lines of the old file above; ``section`` is git's heading."""

    start: int
    section: bytes
    lines: tuple[PatchLine, ...]


@dataclass(frozen=True, slots=True)
class FilePatch:
    """The hunks of one file, in order. ``path`` is relative to the project root, with forward slashes."""

    path: str
    hunks: tuple[PatchHunk, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of several files, divisible into fixes. The fixes of one of ``ties`` are kept or dropped together."""

    fixes: tuple[FixRecord, ...]
    ties: tuple[frozenset[str], ...]
    files: tuple[FilePatch, ...]
