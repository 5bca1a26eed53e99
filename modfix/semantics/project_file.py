"""One file of a project, as the subject of a codemod."""

from __future__ import annotations

from dataclasses import dataclass

from modfix.semantics.facts import FileFacts
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.project import Project


@dataclass(frozen=True, eq=False)
class ProjectFile:
    """A file with the project around it."""

    project: Project
    path: str

    @property
    def facts(self) -> FileFacts:
        """What the file says."""
        return self.project.files[self.path]

    def classes_around(self, offset: int) -> tuple[ModuleClass, ...]:
        """The classes, torch modules or not, whose statements hold the character at ``offset``, outermost first."""
        around = (cls for cls in self.project.classes_of(self.path) if cls.span.start <= offset < cls.span.end)
        return tuple(sorted(around, key=lambda cls: cls.span.start))
