"""All files together: who inherits from whom, and who touches whose attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modfix.semantics.facts import FileFacts


@dataclass(frozen=True)
class ModuleClass:
    """A class that is, or may be, a torch module."""

    path: str
    qualname: str
    line: int  # of the `class` keyword


class Project:
    """The joined facts of all files of one project.

    ``complete`` is false when only part of a project was read (a single file, standard input): what depends on the rest is then
    unknown.
    """

    def __init__(self, files: Mapping[str, FileFacts], *, complete: bool) -> None:
        self.files = files
        self.complete = complete

    def module_classes(self, path: str) -> Iterator[ModuleClass]:
        """The classes of one file that are or may be torch modules, in source order."""
        return iter(())
