"""What may notice a change of a class that nothing in sight depends on: notes of fixes that are not certain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modfix.semantics.module_class import ModuleClass
from modfix.semantics.project import Project


def pickled_models(project: Project, difference: str) -> Iterator[str]:
    """Where whole models are pickled; ``difference`` is how objects in older files differ, as a predicate."""
    for location, _ in project.notes("whole-model-pickle"):
        yield f"{location} pickles whole models: those in files written before the change {difference}"


def picked_children(project: Project, classes: Iterable[ModuleClass]) -> Iterator[str]:
    """Where a child of an object is picked that may be of one of the classes."""
    for cls in classes:
        for walk in project.child_walks(cls):
            yield f"{walk.location} picks children by position or number, and may be given a `{cls.name}`"
