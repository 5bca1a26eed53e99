"""What the `__init__` of a class runs, and where in it a further attribute can be set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from modfix.model.edit import InsertAfter, InsertBefore
from modfix.model.span import Span
from modfix.semantics.facts import GIVEN, UseForm
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.walks import CHILD_WALKS, MODULE_WALKS

_WALKS = CHILD_WALKS | MODULE_WALKS | {"apply"}


class Place(NamedTuple):
    """Where statements can be put: before or behind another one."""

    statement: Span
    before: bool

    def insert(self, path: str, source: str) -> InsertBefore | InsertAfter:
        """The edit that puts them there."""
        return (InsertBefore if self.before else InsertAfter)(path, self.statement, source)


@dataclass(frozen=True)
class Construction:
    """The construction of the objects of one class."""

    cls: ModuleClass

    @cached_property
    def runs(self) -> frozenset[str]:
        """Methods that may run before ``__init__`` has come to its end."""
        cls = self.cls
        family = (cls, *cls.ancestors)
        found = {"__init__"}
        init = cls.facts.init
        if init is not None and init.runs_self:
            found.update(("forward", "__call__"))
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            for member in family:
                method = member.facts.methods.get(name)
                if method is None:
                    continue
                handed = (
                    attr
                    for attr, facts in member.facts.attributes.items()
                    if any(use.method == name and use.form is UseForm.VALUE for use in facts.uses)
                )
                for called in (*method.self_calls, *handed):
                    if called not in found and called != GIVEN:
                        found.add(called)
                        waiting.append(called)
        return frozenset(found - {"__init__"})

    def place(self, method: str, attributes: Iterable[str], *, layer: bool) -> Place | None:
        """Where to set what ``method`` needs, made from values of ``attributes`` that only construction sets.

        At the end, and a ``layer`` (one that initialisation leaves alone) above what only initialises; where the method
        may run earlier, directly behind the ``__init__`` of the base class and the attributes. None if there is no such
        place. The class must have an ``__init__``.
        """
        init = self.cls.facts.init
        assert init is not None
        if not init.returns and method not in self.runs:
            tail = self._above_tail if layer else None
            return Place(init.last, init.ends) if tail is None else Place(tail, before=False)
        if init.after_bases is None:
            return None
        place = init.after_bases
        for attr in attributes:
            facts = self.cls.attribute(attr)
            for definition in facts.definitions if facts is not None else ():
                if definition.statement not in init.quiet:
                    return None
                place = max(place, definition.statement)
        return Place(place, before=False)

    @cached_property
    def _above_tail(self) -> Span | None:
        """The statement above those that only initialise, at the end of ``__init__``."""
        init, found = self.cls.facts.init, None
        if any(not _WALKS.isdisjoint(cls.facts.methods) for cls in (*self.cls.relatives, *self.cls.project.strays)):
            return None  # a walk is not what it seems
        for statement in reversed(init.tail if init is not None else ()):
            if not self._only_fills(statement.methods):
                break
            found = statement.above
        return found

    def _only_fills(self, methods: Iterable[str]) -> bool:
        """Whether methods do nothing but fill parameters, in all classes whose objects may be of this one."""
        heirs = (*self.cls.relatives, *self.cls.project.strays)
        waiting = list(methods)
        for name in waiting:  # grows as it is read
            found = [cls.facts.methods[name] for cls in heirs if name in cls.facts.methods]
            if not found:
                return False
            for method in found:
                if method.fills_by is None:
                    return False
                waiting += [called for called in method.fills_by if called not in waiting]
        return True
