"""Where files come from: the disk, or memory. Everything behind this point takes a `Tree` and reads nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modfix.model.source import Refused, SourceFile
from modfix.source import document


class Tree(Protocol):
    """A set of Python files, read one at a time."""

    @property
    def paths(self) -> tuple[str, ...]:
        """All files, relative to the root, with forward slashes, sorted."""
        ...

    def read(self, path: str) -> SourceFile | Refused:
        """The file at ``path`` as it is now, or why it cannot be had. Never raises for the state of a file."""
        ...


@dataclass(frozen=True, slots=True)
class DiskTree:
    """Files under a folder, read when asked for and not kept: cheap to send to worker processes."""

    root: Path
    paths: tuple[str, ...]
    max_bytes: int = document.DEFAULT_MAX_BYTES

    def read(self, path: str) -> SourceFile | Refused:
        """Read ``path`` from the disk; see `document.read`."""
        return document.read(self.root, path, self.max_bytes)


class MemoryTree:
    """Files held in memory: standard input, and tests. Values are text, or bytes to be decoded like a file."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._files = dict(files)

    @property
    def paths(self) -> tuple[str, ...]:
        """All files, sorted."""
        return tuple(sorted(self._files))

    def read(self, path: str) -> SourceFile | Refused:
        """The file at ``path``. Text is taken as UTF-8 without looking for a cookie."""
        content = self._files.get(path)
        if content is None:
            return Refused(path, "no such file")
        if isinstance(content, bytes):
            return document.decode(path, content)
        try:
            data = content.encode("utf-8")
        except UnicodeEncodeError:
            return Refused(path, "contains lone surrogates: not text that a file can hold")
        return SourceFile(path, content, content_hash=document.content_hash(data))
