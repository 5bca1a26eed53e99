"""One attribute over all classes that share it: the family view of `AttributeFacts`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from modfix.model.span import Location
from modfix.semantics.facts import AttributeFacts, Definition, Guard, MethodFacts, Note, Use, UseForm, ValueKind
from modfix.semantics.project import ModuleClass, Truth
from modfix.semantics.torch_names import canonical, is_container, is_module_class

_DYNAMIC_METHODS = frozenset({"__getattr__", "__getattribute__", "__setattr__", "__delattr__"})


class Defined(NamedTuple):
    """A definition and the class whose method makes it."""

    cls: ModuleClass
    facts: Definition

    @property
    def location(self) -> Location:
        """Where the assignment stands."""
        return Location(self.cls.path, self.facts.line, self.facts.column)

    @property
    def method(self) -> MethodFacts:
        """The method that holds it."""
        return self.cls.facts.methods[self.facts.method]

    @property
    def in_construction(self) -> bool:
        """Whether it runs only while the object is built."""
        return self.facts.method in self.cls.construction

    @property
    def after_super_init(self) -> bool:
        """Whether ``nn.Module.__init__`` has certainly run, so that submodules may be assigned."""
        init = self.cls.facts.methods.get("__init__")
        if init is None or init.super_init < 0:
            return False
        return self.facts.method != "__init__" or init.super_init <= self.facts.statement.start

    def excludes(self, other: Defined) -> bool:
        """Whether the two never both run for one object: they stand in different arms of one ``if``."""
        arms = dict(self.facts.branches)
        same_method = self.cls is other.cls and self.facts.method == other.facts.method
        return same_method and any(arms.get(offset, arm) != arm for offset, arm in other.facts.branches)

    def makes_modules(self) -> bool:
        """Whether every value other than None is certainly an ``nn.Module``."""
        return self.facts.kind in (ValueKind.CALL, ValueKind.OPTIONAL, ValueKind.NONE) and all(map(self._is_module, self.facts.refs))

    def never_none(self) -> bool:
        """Whether the calls in the value certainly return something: constructors, or functions that return modules only."""
        return self.facts.kind in (ValueKind.CALL, ValueKind.OPTIONAL, ValueKind.NONE) and all(
            self._is_module(ref) or self._is_class(ref) for ref in self.facts.refs
        )

    def may_be_falsy(self) -> bool:
        """Whether a value other than None may count as false: an empty container, or something unknown."""
        return not all(self._is_truthy(ref) for ref in self.facts.refs)

    def _is_module(self, ref: str) -> bool:
        if ref.startswith("$"):
            default = dict(self.method.parameter_defaults).get(ref[1:])
            return default is not None and self.cls.project.is_module_value(self.cls, default)
        return self.cls.project.is_module_value(self.cls, ref)

    def _is_class(self, ref: str) -> bool:
        target = self.cls.project.constructor(self.cls, ref)
        if isinstance(target, ModuleClass):
            return not any("__new__" in c.facts.body_names for c in (target, *target.ancestors))
        last = target.rpartition(".")[2]
        return "." in target and not target.startswith(("@", ".")) and last[:1].isupper() and not last.isupper()

    def _is_truthy(self, ref: str) -> bool:
        target = self.cls.project.constructor(self.cls, ref)
        if isinstance(target, ModuleClass):
            related = (target, *target.ancestors)
            sized = any({"__len__", "__bool__"} & c.facts.body_names for c in related) or target.is_container
            return target.is_torch_module is Truth.YES and not sized
        if canonical(target) == "torch.nn.Sequential":
            return self.facts.filled
        return is_module_class(target) and not is_container(target)


class Reading(NamedTuple):
    """A use that no None test protects, and the class whose method makes it."""

    cls: ModuleClass
    facts: Use

    @property
    def location(self) -> Location:
        """Where it stands."""
        return Location(self.cls.path, self.facts.line, self.facts.column)


class Tested(NamedTuple):
    """A None test, and the class whose method makes it."""

    cls: ModuleClass
    facts: Guard

    @property
    def location(self) -> Location:
        """Where it stands."""
        return Location(self.cls.path, self.facts.line, self.facts.column)


@dataclass(frozen=True)
class Attribute:
    """``self.<name>`` of a class, seen over all classes whose objects may share it (`ModuleClass.family`)."""

    owner: ModuleClass
    name: str

    @cached_property
    def family(self) -> tuple[ModuleClass, ...]:
        """The classes that share it, sorted by path and position."""
        return self.owner.family(self.name)

    def _members(self) -> Iterator[tuple[ModuleClass, AttributeFacts]]:
        for cls in self.family:
            facts = cls.attribute(self.name)
            if facts is not None:
                yield cls, facts

    @cached_property
    def definitions(self) -> tuple[Defined, ...]:
        """All assignments to it."""
        return tuple(Defined(cls, d) for cls, facts in self._members() for d in facts.definitions)

    @cached_property
    def guards(self) -> tuple[Tested, ...]:
        """All None tests of it."""
        return tuple(Tested(cls, g) for cls, facts in self._members() for g in facts.guards)

    @cached_property
    def uses(self) -> tuple[Reading, ...]:
        """All other uses."""
        return tuple(Reading(cls, u) for cls, facts in self._members() for u in facts.uses)

    @cached_property
    def optional_definitions(self) -> tuple[Defined, ...]:
        """The assignments that may store None: so they say, or they store a name and somebody tests for None."""
        return tuple(
            d
            for d in self.definitions
            if d.facts.nones or d.facts.optional_name or (d.facts.kind is ValueKind.NAME and self.guards)
        )

    @property
    def is_called(self) -> bool:
        """Whether anybody calls it."""
        forms = (UseForm.CALL, UseForm.CALL_OTHER)
        return any(u.facts.form in forms for u in self.uses) or any(g.facts.called for g in self.guards)

    @property
    def holds_module(self) -> bool:
        """Whether some assignment certainly stores an ``nn.Module``."""
        return any(d.facts.refs and d.makes_modules() for d in self.definitions)

    @cached_property
    def dynamic_access(self) -> tuple[Location, Note] | None:
        """The first place in the family that reaches attributes other than by name, or treats children by number."""
        for cls in self._hierarchy():
            for note in cls.facts.notes:
                return Location(cls.path, note.line, note.column), note
            for name in _DYNAMIC_METHODS & cls.facts.body_names:
                method = cls.facts.methods.get(name)
                line = method.line if method else cls.facts.line
                return Location(cls.path, line, 1), Note("overridden", line, 1, name)
        return None

    @cached_property
    def class_binding(self) -> ModuleClass | None:
        """The class that binds the same name in its body (a method, property or class attribute), or None."""
        return next((cls for cls in self._hierarchy() if self.name in cls.facts.body_names), None)

    def _hierarchy(self) -> tuple[ModuleClass, ...]:
        related = {id(c): c for cls in self.family for c in (cls, *cls.ancestors, *cls.descendants)}
        return tuple(related.values())
