"""Changes in memory over an unchanged tree: codemods see each other's edits before anything is written."""

from __future__ import annotations

from dataclasses import replace

from modfix.model.source import Refused, SourceFile
from modfix.source.document import content_hash
from modfix.source.tree import Tree


class Overlay:
    """A `Tree` that answers with replaced texts where there are any. It pickles with its changes."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._originals: dict[str, SourceFile] = {}  # of the changed files: the disk may move on, the plan must not
        self._changed: dict[str, SourceFile] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """The files of the tree below."""
        return self._tree.paths

    @property
    def changed(self) -> tuple[str, ...]:
        """The files whose text differs from the original, sorted."""
        return tuple(sorted(self._changed))

    def read(self, path: str) -> SourceFile | Refused:
        """The file with its replaced text, or as the tree below has it."""
        return self._changed.get(path) or self._tree.read(path)

    def original(self, path: str) -> SourceFile:
        """The file as it was before the first change.

        Raises:
            ValueError: the tree below refuses the file.
        """
        if path in self._originals:
            return self._originals[path]
        source = self._tree.read(path)
        if isinstance(source, Refused):
            raise ValueError(f"{path}: {source.reason}")
        return source

    def replace(self, path: str, text: str) -> None:
        """Make ``text`` the content of ``path``. The original text makes the file unchanged again.

        Raises:
            ValueError: the tree below refuses the file.
            UnicodeEncodeError: the file's encoding cannot express ``text``; the overlay is as before.
        """
        original = self.original(path)
        if text == original.text:
            self._changed.pop(path, None)
            self._originals.pop(path, None)
            return
        changed = replace(original, text=text, content_hash=content_hash(original.encode(text)))
        self._originals[path] = original
        self._changed[path] = changed
