"""Facts of one file."""

from __future__ import annotations

from dataclasses import dataclass

from modfix.model.source import Refused, SourceFile


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one file says about imports, classes and attribute uses. Picklable; holds no syntax trees."""

    path: str


def scan(source: SourceFile) -> FileFacts | Refused:
    """Facts of one file, or the reason why it cannot be read as Python (syntax error, NUL byte, nesting too deep)."""
    return FileFacts(source.path)
