"""Which objects may be meant: of what classes an object can be, by what made it and what code expects of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING

from modfix.semantics.facts import UNKNOWN, Origin, Ref, UseForm, ValueKind
from modfix.semantics.names import is_class_name, is_configuration, may_name
from modfix.semantics.torch_names import is_module_class
from modfix.semantics.truth import Truth

if TYPE_CHECKING:
    from modfix.semantics.module_class import ModuleClass, Resolved
    from modfix.semantics.project import Project

_GETTERS = frozenset({"__getattr__", "__getattribute__"})


class Objects:
    """Answers for the objects of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._attributes_from_outside: dict[ModuleClass, frozenset[str]] = {}
        self._mentioned_elsewhere: dict[tuple[str, str], bool] = {}
        self._instances_of: dict[tuple[str, Ref], frozenset[Resolved] | None] = {}

    def may_be(self, path: str, origin: Origin, cls: ModuleClass) -> Truth:
        """Whether an object of that origin in ``path`` may be of ``cls``, or of a class above or below it.

        Yes says that code makes it one in some run, and unknown that code which cannot be seen may do so.
        """
        return self._may_be(path, origin, cls, frozenset()) or Truth.UNKNOWN

    def _may_be(self, path: str, origin: Origin, cls: ModuleClass, seen: frozenset[Ref]) -> Truth | None:
        """As `may_be`; None where functions only pass on what they have got from each other."""
        if origin.reads and self.lacks(cls, origin.reads):
            return Truth.NO
        return _any([self._may_come_from(path, ref, cls, seen) for ref in origin.made_by])

    def _may_come_from(self, path: str, ref: Ref, cls: ModuleClass, seen: frozenset[Ref]) -> Truth | None:
        if ref in seen:
            return None
        if ref.startswith("="):
            passed = any(ref[1:] + "=" in facts.mentioned for facts in self._project.files.values())
            return Truth.UNKNOWN if passed else Truth.NO
        if ref.startswith("^"):
            given = self._project.files[path].arguments.get(ref[1:], ())
            answers = [self._may_be(path, origin, cls, seen | {ref}) for origin in given]
            if not given or self.is_mentioned_elsewhere(path, ref[1:].partition("^")[0].rpartition(".")[2]):
                answers.append(Truth.UNKNOWN)
            return _any(answers)
        if ref.startswith("<"):
            target = self._class_of(path, ref[1:])
            if isinstance(target, str):
                fits = target in (UNKNOWN, "torch.nn.Module") or target in cls.external_bases
                return Truth.UNKNOWN if fits else Truth.NO
            return Truth.YES if target in cls.lineage else Truth.NO
        classes = self.instances(path, ref)
        if classes is None:
            return Truth.UNKNOWN
        return Truth.NO if cls.lineage.isdisjoint(classes) else Truth.YES

    def is_mentioned_elsewhere(self, path: str, name: str) -> bool:
        """Whether another file may call the function ``name`` of ``path``. Star imports leave ``_name`` out."""
        known = self._mentioned_elsewhere.get((path, name))
        if known is None:
            known = self._mentioned_elsewhere[path, name] = self._is_mentioned_elsewhere(path, name)
        return known

    def _is_mentioned_elsewhere(self, path: str, name: str) -> bool:
        public = not name.startswith("_")
        return any(
            name in facts.mentioned
            or any(
                public and self._defines(path, name, self._project.resolve(where, star + name))
                for star in facts.star_imports
            )
            for where, facts in self._project.files.items()
            if where != path
        )

    @staticmethod
    def _defines(path: str, name: str, target: Resolved) -> bool:
        return target == f"@{path}@{name}" if isinstance(target, str) else target.path == path

    def _class_of(self, path: str, ref: Ref) -> Resolved:
        """The class that ``ref`` names, also by its qualified name."""
        if ref.startswith("@"):
            named = [cls for cls in self._project.classes_of(path) if cls.qualname == ref[1:]]
            return named[0] if len(named) == 1 else UNKNOWN
        return self._project.resolve_class(path, ref, sys.maxsize) if ref != UNKNOWN else UNKNOWN

    def lacks(self, cls: ModuleClass, names: frozenset[str]) -> bool:
        """Whether objects of ``cls`` certainly lack one of these attributes."""
        if cls.inherits_unknown_names:
            return False
        unknown = names - cls.known_names - self._delegating_names
        return bool(unknown) and bool(unknown - self._stored_on(cls))

    @cached_property
    def _delegating_names(self) -> frozenset[str]:
        """The attributes of classes whose objects show those of another object, too: of a wrapper with `__getattr__`.

        Whoever reads them may have a wrapper around an object of any class.
        """
        wrappers = (cls for cls in self._project.classes() if _GETTERS & cls.facts.body_names)
        return frozenset().union(*(cls.facts.mentioned for cls in wrappers))

    def may_delegate(self, path: str, made_by: tuple[Ref, ...]) -> bool:
        """Whether an object of that origin may show the attributes of another object.

        Its class in the project defines `__getattr__`, or a local name holds what another package than torch made.
        """
        for ref in made_by:
            classes = self.instances(path, ref) or ()
            inside = [cls for cls in classes if not isinstance(cls, str)]
            if any(_GETTERS & relative.facts.body_names for cls in inside for relative in cls.lineage):
                return True
            foreign = [cls for cls in classes if isinstance(cls, str)]
            if ref[0] not in "%<" and any(not cls.startswith(("torch.", "torchvision.")) for cls in foreign):
                return True
        return False

    def _stored_on(self, cls: ModuleClass) -> frozenset[str]:
        """The attributes that code outside may give to an object of ``cls``.

        Only who can read what it reads from the object can have it: more and more of them, as the attributes grow.
        """
        known = self._attributes_from_outside.get(cls)
        if known is not None:
            return known
        found: set[str] = set(self._stored_anywhere)
        waiting = dict(self._storers)
        while possible := [
            key for key, (reads, stored) in waiting.items() if reads <= cls.known_names.union(found, stored)
        ]:
            for key in possible:
                found |= waiting.pop(key)[1]
        self._attributes_from_outside[cls] = result = frozenset(found)
        return result

    @cached_property
    def _storers(self) -> dict[tuple[str, int], tuple[frozenset[str], frozenset[str]]]:
        """The objects to which code outside of their class gives attributes: what it reads from them, and stores."""
        stored: dict[tuple[str, int], set[str]] = {}
        for path, facts in self._project.files.items():
            for attr, uses in facts.outside.items():
                for use in uses:
                    if use.form is UseForm.STORE and use.receiver >= 0:
                        stored.setdefault((path, use.receiver), set()).add(attr)
        return {
            (path, index): (self._project.files[path].receivers[index].reads, frozenset(names))
            for (path, index), names in stored.items()
            if not is_configuration(self._project.files[path].receivers[index].source)
        }

    @cached_property
    def _stored_anywhere(self) -> frozenset[str]:
        """The attributes that are given to objects without a name."""
        return frozenset(
            attr
            for facts in self._project.files.values()
            for attr, uses in facts.outside.items()
            if any(use.form is UseForm.STORE and use.receiver < 0 for use in uses)
        )

    def instances(self, path: str, ref: Ref) -> frozenset[Resolved] | None:
        """The classes of which calling ``ref`` in ``path`` may make an object; None when that is unknown.

        See `Origin` for the forms of ``ref``.
        """
        if (path, ref) not in self._instances_of:
            self._instances_of[path, ref] = self._instances(path, ref, frozenset())
        return self._instances_of[path, ref]

    def _instances(self, path: str, ref: Ref, seen: frozenset[tuple[str, str]]) -> frozenset[Resolved] | None:
        if (path, ref) in seen:
            return frozenset()
        seen |= {(path, ref)}
        if ref == UNKNOWN:
            return None
        if ref.startswith("$"):  # a name that nothing binds, such as that of a class behind star imports
            return frozenset({ref[1:]}) if is_class_name(ref) and ref[1:] not in self._class_names else None
        made: list[tuple[str, Ref]] | None
        if ref.startswith("%"):
            made = self._stored_in(path, ref, seen)
        elif ref.startswith("self."):
            method, _, owner = ref[5:].partition("|")
            cls = self._class_of(path, f"@{owner}")
            made = self._returned_by(cls, method) if not isinstance(cls, str) else None
        else:
            target = self._class_of(path, ref[1:]) if ref.startswith("<") else self._project.resolve(path, ref)
            if not isinstance(target, str):
                below = (target, *target.descendants) if ref.startswith("<") else (target,)
                return frozenset(below)
            if not target.startswith("@"):
                return frozenset({target}) if _makes_foreign_objects(target) and ref[0] != "<" else None
            where, _, name = target[1:].partition("@")
            made = [(where, inner) for inner in self._project.files[where].functions[name].returns]
        if made is None:
            return None
        found: frozenset[Resolved] = frozenset()
        for where, inner in made:
            classes = self._instances(where, inner, seen)
            if classes is None:
                return None
            found |= classes
        return found

    @cached_property
    def _class_names(self) -> frozenset[str]:
        return frozenset(cls.name for cls in self._project.classes())

    def _stored_in(self, path: str, ref: Ref, seen: frozenset[tuple[str, str]]) -> list[tuple[str, Ref]] | None:
        """What is called to make what an attribute holds; None when that is unknown."""
        name, _, owner = ref[1:].partition("|")
        owners = self._instances(path, owner, seen) if owner else frozenset(self._project.classes())
        if owners is None or name in self.stored_outside:
            return None
        inside = {cls for cls in owners if not isinstance(cls, str)}
        foreign = [cls for cls in owners if isinstance(cls, str)]
        if any(is_module_class(cls) for cls in foreign):
            return None  # `nn.DataParallel(model).module`
        if owner:
            inside = {relative for cls in inside for relative in (cls, *cls.ancestors)}
        stored = [
            (cls, definition)
            for cls in inside
            if name in cls.facts.attributes
            for definition in cls.facts.attributes[name].definitions
        ]
        added = [(cls, added) for cls in inside for added in cls.facts.added if may_name(added.key, name)]
        shown = stored or foreign or (added and owner)  # of an unknown object nothing is known by a computed name
        if not shown or any(map(_is_reached_otherwise, inside, repeat(name))):
            return None
        if any(d.kind in (ValueKind.NAME, ValueKind.OTHER) for _, d in stored):
            return None
        made = [(cls.path, _of_class(inner, cls)) for cls, d in stored for inner in d.refs]
        made += [(cls.path, _of_class(inner, cls)) for cls, module in added for inner in module.made_by]
        return made + [(path, f"{cls}.*") for cls in foreign]

    def _returned_by(self, cls: ModuleClass, name: str) -> list[tuple[str, Ref]] | None:
        """What is called to make what a method returns; None when that is unknown."""
        methods = [
            (owner, owner.facts.methods[name])
            for owner in (cls, *cls.ancestors, *cls.descendants)
            if name in owner.facts.methods
        ]
        if not methods or any(method.decorated or not method.returns for _, method in methods):
            return None
        return [(owner.path, _of_class(made, owner)) for owner, method in methods for made in method.returns]

    @cached_property
    def stored_outside(self) -> frozenset[str]:
        """The attributes that code outside of their class gives to objects that may be modules."""
        return self._stored_anywhere.union(*(names for _, names in self._storers.values()))


def _is_reached_otherwise(cls: ModuleClass, name: str) -> bool:
    """Whether the class may store an attribute as an entry of `self.__dict__` or `self._modules`."""
    return any(note.kind in ("__dict__", "_modules") and may_name(note.detail, name) for note in cls.facts.notes)


def _any(answers: Iterable[Truth | None]) -> Truth | None:
    """Whether one of the answers is true, leaving out those that say nothing; None if there is no other."""
    said = [answer for answer in answers if answer is not None]
    return Truth.any_of(said) if said else None


def _makes_foreign_objects(ref: Ref) -> bool:
    """Whether calling a name of another package certainly makes no object of a class of this project.

    Constructors do, and the models of torchvision. A function such as ``copy.deepcopy`` or ``build_from_cfg`` may give
    back anything.
    """
    parts = ref.split(".")
    return is_class_name(ref) or is_class_name(parts[-2] if len(parts) > 1 else UNKNOWN) or parts[0] == "torchvision"


def _of_class(ref: Ref, cls: ModuleClass) -> Ref:
    """``ref`` as said in ``cls``: methods with their class, local names unknown."""
    if ref.startswith("self.") and "|" not in ref:
        return f"{ref}|{cls.qualname}"
    return UNKNOWN if ref.startswith("$") else ref
