"""Who meets an object of a class from outside: readers of its attributes, and walks over its children."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from modfix.model.span import Location
from modfix.semantics.facts import ClassRead, Origin, OutsideUse, Receiver, Ref, UseForm, Walk
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.names import is_configuration
from modfix.semantics.torch_names import LAYER_MEMBERS, canonical, is_container, is_module_class
from modfix.semantics.truth import Truth
from modfix.semantics.walks import EMPTINESS, READ, YIELDED

if TYPE_CHECKING:
    from modfix.semantics.project import Project


class OutsideReader(NamedTuple):
    """A use of an attribute through another object than ``self``."""

    location: Location
    form: UseForm
    receiver: str
    reads: frozenset[str]  # what the same function reads from the object


class ChildWalk(NamedTuple):
    """A place where one child more would be noticed."""

    location: Location
    known: bool  # that the object can be one of the class; else nobody knows what it is


class Readers:
    """Answers for the objects of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._child_walks: dict[ModuleClass, tuple[ChildWalk, ...]] = {}

    def outside_readers(self, cls: ModuleClass, attr: str) -> Iterator[OutsideReader]:
        """Uses of ``.attr`` through objects that may be of ``cls``.

        Left out are receivers that cannot be: those from which the same function also reads an attribute that no
        related class has (it would raise AttributeError), those tested to be of another class, what another class
        holds, and configurations such as ``args``.
        """
        for path, use in self._outside.get(attr, ()):
            known = self._project.files[path].receivers[use.receiver] if use.receiver >= 0 else None
            if known is not None and self._refuted(path, known, use, cls):
                continue
            source, reads = ("...", frozenset[str]()) if known is None else (known.source, known.reads)
            yield OutsideReader(Location(path, use.line, use.column), use.form, source, reads)

    def option_stores(self, name: str) -> Iterator[OutsideReader]:
        """Where an option of that name is set: `args.dropout = 0.1`, `self.cfg.dropout = 0.1`."""
        for path, use in self._outside.get(name, ()):
            if use.form in (UseForm.STORE, UseForm.DELETE) and use.receiver >= 0:
                known = self._project.files[path].receivers[use.receiver]
                if is_configuration(known.source):
                    yield OutsideReader(Location(path, use.line, use.column), use.form, known.source, known.reads)

    @cached_property
    def _outside(self) -> dict[str, list[tuple[str, OutsideUse]]]:
        """The uses in all files, by attribute."""
        found: dict[str, list[tuple[str, OutsideUse]]] = {}
        for path, facts in self._project.files.items():
            for attr, uses in facts.outside.items():
                found.setdefault(attr, []).extend((path, use) for use in uses)
        return found

    def borrowers(self, cls: ModuleClass, method: str) -> Iterator[Location]:
        """See `Project.borrowers`."""
        facts = cls.facts.methods.get(method)
        heirs = (cls, *cls.descendants)
        for path, read in self._class_reads.get(method, ()):
            owner = self._project.resolve_class(path, read.ref, read.offset)
            if owner not in heirs or not isinstance(owner, ModuleClass) or owner.method(method) is not facts:
                continue
            classes = self._project.classes_of(path)
            holders = [c for c in classes if c.span.start <= read.offset < c.span.end]
            if not holders or max(holders, key=lambda c: c.span.start) not in heirs:
                yield Location(path, read.line, read.column)

    @cached_property
    def _class_reads(self) -> dict[str, list[tuple[str, ClassRead]]]:
        """What is read from classes in all files, by its name."""
        found: dict[str, list[tuple[str, ClassRead]]] = {}
        for path, facts in self._project.files.items():
            for name, reads in facts.class_reads.items():
                found.setdefault(name, []).extend((path, read) for read in reads)
        return found

    def _refuted(self, path: str, receiver: Receiver, use: OutsideUse, cls: ModuleClass) -> bool:
        if is_configuration(receiver.source) or self._project.objects.lacks(cls, receiver.reads):
            return True
        if self._cannot_show(path, receiver.made_by, cls):
            return True
        return any(
            first <= use.line <= last and self._cannot_show(path, classes, cls)
            for first, last, classes in receiver.tested
        )

    def _cannot_show(self, path: str, made_by: tuple[Ref, ...], cls: ModuleClass) -> bool:
        """Whether an object of that origin certainly has no attributes of an object of ``cls``."""
        objects = self._project.objects
        return objects.may_be(path, Origin(made_by), cls) is Truth.NO and not objects.may_delegate(path, made_by)

    def identity_dispatches(self, attr: str) -> Iterator[Location]:
        """Places where code asks whether what an attribute of that name may hold is an ``nn.Identity``."""
        for location, note in self._project.notes("identity-dispatch"):
            names, _, function = note.detail.partition("|")
            asked = not names or attr in names.split(",")
            if asked or (function and self._project.objects.is_mentioned_elsewhere(location.path, function)):
                yield location

    @cached_property
    def _used_by_position(self) -> frozenset[str]:
        return frozenset().union(*(facts.by_position for facts in self._project.files.values()))

    def child_walks(self, cls: ModuleClass) -> tuple[ChildWalk, ...]:
        """Places where one child more of an object of ``cls`` would be noticed, known ones first."""
        known = self._child_walks.get(cls)
        if known is None:
            known = self._child_walks[cls] = tuple(sorted(self._find_child_walks(cls), key=lambda walk: not walk.known))
        return known

    def _find_child_walks(self, cls: ModuleClass) -> Iterator[ChildWalk]:
        for path, facts in self._project.files.items():
            for walk in facts.walks:
                if self._tolerates(cls, walk):
                    continue
                walked = self._may_walk(path, walk, cls)
                if walked is not Truth.NO:
                    yield ChildWalk(Location(path, walk.line, walk.column), walked is Truth.YES)

    def _may_walk(self, path: str, walk: Walk, cls: ModuleClass) -> Truth:
        if not walk.deep:
            return self._project.objects.may_be(path, walk.origin, cls)
        # Any module of the project may be somewhere below any other.
        return Truth.any_of(
            self._project.objects.may_be(path, walk.origin, other)
            for other in self._project.classes()
            if other.is_torch_module is not Truth.NO
        )

    def _tolerates(self, cls: ModuleClass, walk: Walk) -> bool:
        """Whether the children that objects of ``cls`` have in any case decide how the walk goes on."""
        made = [canonical(ref) for ref in cls.certain_children]
        layers = any(is_module_class(ref) and not is_container(ref) for ref in made)
        if walk.how == EMPTINESS:
            return bool(cls.certain_children)
        if not walk.deep and layers and walk.expected - LAYER_MEMBERS:
            return True  # the layers it has lack a member that is read from each
        if walk.how.startswith(YIELDED):
            return walk.how.removeprefix(YIELDED) not in self._used_by_position
        if not walk.how.startswith(READ):
            return False
        name = walk.how.removeprefix(READ)
        if walk.deep and name not in cls.known_names:
            return True  # the object itself comes first, and lacks it
        return layers and name not in LAYER_MEMBERS
