"""All files together: modules and re-exports, who inherits from whom, and who touches whose attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from modfix.model.span import Location
from modfix.semantics.facts import UNKNOWN, FileFacts, Note, Ref, UseForm
from modfix.semantics.module_class import ModuleClass, Resolved
from modfix.semantics.objects import Objects
from modfix.semantics.readers import ChildWalk, OutsideReader, Readers
from modfix.semantics.references import References
from modfix.semantics.results import Results
from modfix.semantics.truth import Truth


class Family(NamedTuple):
    """The classes whose objects may share one attribute."""

    classes: tuple[ModuleClass, ...]  # sorted by path and position
    tested: bool  # one of them tests the attribute for None


class Project:
    """The joined facts of all files of one project.

    ``complete`` is false when only part of a project was read (a single file, standard input): what depends on the
    rest is then unknown.
    """

    def __init__(self, files: Mapping[str, FileFacts], *, complete: bool) -> None:
        self.files = files
        self.complete = complete
        self.objects = Objects(self)
        self._classes = {
            path: tuple(ModuleClass(self, path, cls) for cls in facts.classes) for path, facts in files.items()
        }
        self._families: dict[tuple[ModuleClass, str], Family] = {}
        self._hidden: dict[str, tuple[str, ...]] = {}
        self._references = References(files, self._classes)
        self._results = Results(self)
        self._readers = Readers(self)

    def module_classes(self, path: str) -> Iterator[ModuleClass]:
        """The classes of one file that are or may be torch modules, in source order."""
        for cls in sorted(self._classes.get(path, ()), key=lambda c: c.facts.span):
            if cls.is_torch_module is not Truth.NO:
                yield cls

    def classes(self) -> Iterator[ModuleClass]:
        """All classes of the project."""
        for classes in self._classes.values():
            yield from classes

    @cached_property
    def strays(self) -> tuple[ModuleClass, ...]:
        """The classes with a base that cannot be resolved, and so perhaps is any class of the project."""
        return tuple(cls for cls in self.classes() if UNKNOWN in cls.bases)

    def classes_of(self, path: str) -> tuple[ModuleClass, ...]:
        """The classes of one file."""
        return self._classes.get(path, ())

    # Names

    def resolve(self, path: str, ref: Ref) -> Resolved:
        """As `resolve_class`; a function of the project is ``@<path>@<name>``."""
        return self._references.resolve(path, ref)

    def resolve_class(self, path: str, ref: Ref, before: int) -> Resolved:
        """What a reference in ``path`` stands for: a class of the project, a dotted name outside, or ``?``.

        Of several classes of one name in the file the last one above the offset ``before`` counts.
        """
        return self._references.resolve_class(path, ref, before)

    def hidden_names(self, path: str) -> tuple[str, ...]:
        """Names of a file that mean something else than its bindings say: a star import behind brings another one."""
        if path not in self._hidden:
            self._hidden[path] = tuple(self._references.hidden_names(path)) if self.files[path].before_stars else ()
        return self._hidden[path]

    def means(self, path: str, ref: Ref, wanted: str) -> bool:
        """Whether ``ref`` in ``path`` is the dotted name ``wanted``, perhaps through re-exports of the project."""
        return self._references.means(path, ref, wanted)

    def may_be_imported(self, path: str, name: str) -> bool:
        """Whether another file may take ``name`` from the module ``path``, where it need not be defined."""
        return self._references.may_be_imported(path, name)

    def is_module_value(self, cls: ModuleClass, ref: Ref) -> bool:
        """Whether calling ``ref`` inside ``cls`` certainly makes an ``nn.Module``."""
        return self._results.is_module_value(cls, ref)

    def returns_something(self, cls: ModuleClass, ref: Ref) -> bool:
        """Whether calling ``ref`` inside ``cls`` never gives None."""
        return self._results.returns_something(cls, ref)

    # Hierarchy

    @cached_property
    def _children(self) -> dict[int, list[ModuleClass]]:
        found: dict[int, list[ModuleClass]] = {}
        for cls in self.classes():
            for base in cls.bases:
                if isinstance(base, ModuleClass):
                    found.setdefault(id(base), []).append(cls)
        return found

    def descendants(self, cls: ModuleClass) -> tuple[ModuleClass, ...]:
        """All project classes below ``cls``."""
        found: dict[int, ModuleClass] = {}
        stack = list(self._children.get(id(cls), ()))
        while stack:
            child = stack.pop()
            if child is not cls and id(child) not in found:
                found[id(child)] = child
                stack.extend(self._children.get(id(child), ()))
        return tuple(found.values())

    def called_elsewhere(self, cls: ModuleClass, method: str) -> bool:
        """Whether ``method`` of ``cls`` may run at other times than when the class or an ancestor calls it.

        Another relative calls it, somebody reads the name through an object (`model.build()`), or a method hands it on
        (`self.apply(self.build)`).
        """
        called = (UseForm.CALL, UseForm.CALL_OTHER, UseForm.CAUGHT)
        handed_on = (
            use.form not in called
            for relative in cls.relatives
            if method in relative.facts.attributes
            for use in relative.facts.attributes[method].uses
        )
        return (
            any(method in relative.called_names for relative in cls.relatives.difference((cls, *cls.ancestors)))
            or any(handed_on)
            or any(method in facts.mentioned for facts in self.files.values())
        )

    def family(self, cls: ModuleClass, attr: str) -> Family:
        """See `ModuleClass.family`.

        Found once for all members: to be related is mutual, so they all have the same family.
        """
        known = self._families.get((cls, attr))
        if known is None:
            found = {cls}
            queue = [cls]
            while queue:
                for relative in queue.pop().relatives:
                    if attr in relative.facts.mentioned and relative not in found:
                        found.add(relative)
                        queue.append(relative)
            classes = tuple(sorted(found, key=lambda c: (c.path, c.facts.span)))
            known = Family(classes, any(c.facts.attributes[attr].guards for c in classes if attr in c.facts.attributes))
            self._families.update(((member, attr), known) for member in found)
        return known

    # Who meets the objects of a class

    def outside_readers(self, cls: ModuleClass, attr: str) -> Iterator[OutsideReader]:
        """Uses of ``.attr`` through objects that may be of ``cls``; see `Readers.outside_readers`."""
        return self._readers.outside_readers(cls, attr)

    def option_stores(self, name: str) -> Iterator[OutsideReader]:
        """Where an option of that name is set; see `Readers.option_stores`."""
        return self._readers.option_stores(name)

    def borrowers(self, cls: ModuleClass, method: str) -> Iterator[Location]:
        """Places that take a method of ``cls`` from the class, so that it may run on other objects: `Block.forward`.

        What a subclass does so is left out, for its objects are of ``cls`` as well.
        """
        return self._readers.borrowers(cls, method)

    def child_walks(self, cls: ModuleClass) -> tuple[ChildWalk, ...]:
        """Places where one child more of an object of ``cls`` would be noticed, known ones first."""
        return self._readers.child_walks(cls)

    def identity_dispatches(self, attr: str) -> Iterator[Location]:
        """Places where code asks whether what an attribute of that name may hold is an ``nn.Identity``."""
        return self._readers.identity_dispatches(attr)

    # Things that concern the whole project

    def notes(self, kind: str) -> Iterator[tuple[Location, Note]]:
        """The notes of one kind, of all files."""
        return iter(self._notes.get(kind, ()))

    @cached_property
    def _notes(self) -> dict[str, list[tuple[Location, Note]]]:
        found: dict[str, list[tuple[Location, Note]]] = {}
        for path, facts in self.files.items():
            for note in facts.notes:
                found.setdefault(note.kind, []).append((Location(path, note.line, note.column), note))
        return found

    @cached_property
    def self_called(self) -> frozenset[str]:
        """Names of the methods that some class calls on its own object."""
        return frozenset().union(*(cls.called_names for cls in self.classes()))

    @cached_property
    def tested_names(self) -> frozenset[str]:
        """Names of the attributes that some class tests for None."""
        return frozenset(name for cls in self.classes() for name, facts in cls.facts.attributes.items() if facts.guards)
