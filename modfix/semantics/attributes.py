"""One attribute over all classes that share it: the family view of `AttributeFacts`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from modfix.model.edit import Edit, ReplaceStatement
from modfix.model.span import Location
from modfix.semantics.facts import (
    NOT_NONE,
    AttributeFacts,
    Completion,
    Definition,
    Guard,
    MethodFacts,
    Note,
    Use,
    UseForm,
    ValueKind,
)
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.names import is_class_name, may_name
from modfix.semantics.torch_names import canonical, is_container, is_module_class, is_stateless
from modfix.semantics.truth import Truth

_CLASS_PARAMETER = re.compile(
    r"(^|_)(layer|cls|class|type|block|op|module|norm|act|activation|conv|pool|attn)(_layer|_cls|_class|_type)?$",
    re.IGNORECASE,
)
_LINE_LENGTH = 88  # that formatters allow, unless told otherwise
DYNAMIC_METHODS = frozenset({"__getattr__", "__getattribute__", "__setattr__", "__delattr__"})


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
        return self.facts.method in self.cls.construction and not self.facts.deferred

    @property
    def after_super_init(self) -> bool:
        """Whether ``nn.Module.__init__`` has certainly run, so that submodules may be assigned."""
        init = self.cls.facts.methods.get("__init__")
        by_ancestor = any(self.facts.method in above.called_names for above in self.cls.ancestors)
        inits = [c.facts.methods["__init__"] for c in self.cls.ancestors if "__init__" in c.facts.methods]
        if init is None or by_ancestor:
            certain = bool(init or inits) and all(
                method.super_init >= 0 for method in (*inits, *([init] if init else []))
            )
            return certain and by_ancestor and self.facts.method != "__init__"
        if init.super_init < 0:
            return False
        return self.facts.method != "__init__" or init.super_init <= self.facts.statement.start

    def excludes(self, other: Defined) -> bool:
        """Whether the two never both run for one object: they stand in different arms of one ``if``."""
        arms = dict(self.facts.branches)
        same_method = self.cls is other.cls and self.facts.method == other.facts.method
        return same_method and any(arms.get(offset, arm) != arm for offset, arm in other.facts.branches)

    def storing(self, parts: Sequence[str]) -> Edit | None:
        """The edit that stores the expression ``parts``, of which each could begin a line, if it takes such lines.

        Parentheses go around the value where the statement would be longer than 88 columns and any line of the file.
        None where it would not, or where it is no plain `target = value` on one line.
        """
        facts, value = self.facts, " ".join(parts)
        room = max(_LINE_LENGTH, self.cls.project.files[self.cls.path].width)
        room -= len(facts.indentation.expandtabs(4))
        step = self._indentation_step()
        plain = (
            facts.statement.start + len(facts.target) + 3 == facts.span.start and facts.span.end == facts.statement.end
        )
        if not plain or "\n" in facts.source or "\r" in facts.source or len(facts.target) + 3 + len(value) <= room:
            return None
        lines = parts if 4 + len(value) > room else [value]
        inside = "".join(f"{step}{line}\n" for line in lines)
        return ReplaceStatement(self.cls.path, facts.statement, f"{facts.target} = (\n{inside})")

    def _indentation_step(self) -> str:
        """By what the file indents a block, as far as the place of the assignment tells."""
        if "\t" in self.facts.indentation:
            return "\t"
        levels = 2 + len(self.facts.branches)  # class, method, and every `if`
        return "  " if len(self.facts.indentation) - (self.cls.facts.column - 1) == 2 * levels else "    "

    def makes_modules(self) -> bool:
        """Whether every value other than None is certainly an ``nn.Module``."""
        return self.facts.kind in (ValueKind.CALL, ValueKind.OPTIONAL, ValueKind.NONE) and all(
            map(self._is_module, self.facts.refs)
        )

    def never_none(self) -> bool:
        """Whether the values other than None are certainly something.

        They are functions, or results of constructors and of functions that return modules only.
        """
        project = self.cls.project
        return self.facts.kind is not ValueKind.NAME and all(
            self._is_module(ref) or (not self._is_member_of_parameter(ref) and project.returns_something(self.cls, ref))
            for ref in self.facts.refs
        )

    def may_be_none(self, tested: bool) -> bool:
        """Whether it may store None, where ``tested`` says whether somebody tests the attribute for None."""
        if self.facts.present:
            return False
        if self.facts.nones or self.facts.optional_name:
            return True
        return tested and (
            self.facts.kind is ValueKind.NAME or (self.facts.kind is ValueKind.CALL and not self.never_none())
        )

    def passes_when_falsy(self) -> bool:
        """Whether the value, when false, certainly does nothing as it is called, so that a test of its truth may go.

        A module is false only if it has a length. An empty ``nn.Sequential`` returns what it is given; the other
        containers of torch cannot be called; of classes of the project that define a length nothing is known. A name
        is never false once it is stored as `x or nn.Identity()`.
        """
        if self.facts.kind is ValueKind.NAME:
            return not self.facts.present
        return all(self._passes_when_falsy(ref) for ref in self.facts.refs)

    def _is_module(self, ref: str) -> bool:
        if ref.startswith("$"):
            return self._is_module_class_parameter(ref[1:])
        return self.cls.project.is_module_value(self.cls, ref)

    def _is_module_class_parameter(self, name: str) -> bool:
        return class_parameter(self.cls, self.method, name)

    def _is_member_of_parameter(self, ref: str) -> bool:
        root, _, member = ref[1:].partition(".")
        return ref.startswith("$") and bool(member) and root in self.method.parameters

    def _passes_when_falsy(self, ref: str) -> bool:
        if ref.startswith("$"):
            return self._is_module_class_parameter(ref[1:]) or is_class_name(ref)
        if ref in (NOT_NONE, "torch.nn.*"):
            return True  # a function, or a module of torch
        made = self.cls.project.objects.instances(self.cls.path, ref)
        return made is not None and all(map(_passes_when_empty, made))


def class_parameter(cls: ModuleClass, method: MethodFacts, name: str) -> bool:
    """Whether a parameter of a method that is called there, such as ``norm_layer``, stands for a module class.

    Its default says so if it has one. Without, what a caller passes to be called is taken for a class or a factory of
    modules; one that returned None would fail loudly, not silently. Of other local names the convention decides.
    """
    default = dict(method.parameter_defaults).get(name)
    if default is not None:
        return cls.project.is_module_value(cls, default) or default.endswith(".partial")
    return name in method.parameters or bool(_CLASS_PARAMETER.search(name))


def _passes_when_empty(made: ModuleClass | str) -> bool:
    if not isinstance(made, ModuleClass):
        return is_module_class(made) or is_class_name(made)
    defined = made.facts.body_names.union(*(cls.facts.body_names for cls in made.ancestors))
    containers = {canonical(base) for base in made.external_bases if is_container(base)}
    plain = not containers or (containers == {"torch.nn.Sequential"} and "forward" not in defined)
    return made.is_torch_module is Truth.YES and plain and not {"__len__", "__bool__"} & defined


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


def _may_register(facts: AttributeFacts, definition: Definition) -> bool:
    """Whether an assignment may register a parameter, a buffer or a submodule that may have such.

    A call of unknown outcome does, or something used like a module.
    """
    if definition.kind is ValueKind.NONE or definition.plain:
        return False
    if definition.kind in (ValueKind.CALL, ValueKind.OPTIONAL):
        return not all(
            ref.startswith(("builtins.", "math.", "torch.tensor", "torch.zeros", "torch.ones")) or is_stateless(ref)
            for ref in definition.refs
        )
    plain = (UseForm.VALUE, UseForm.TEST, UseForm.NONE_TEST, UseForm.STORE)
    return not facts.uses or any(use.form not in plain for use in facts.uses)


def _registered_before(cls: ModuleClass, facts: AttributeFacts, first: Definition) -> bool:
    """Whether a module certainly took the place of an attribute before ``first``."""
    return any(
        d.method == first.method
        and (d.statement, d.span) < (first.statement, first.span)
        and not d.branches
        and d.kind is ValueKind.CALL
        and Defined(cls, d).makes_modules()
        for d in facts.definitions
    )


def optional_attributes(cls: ModuleClass) -> Iterator[Attribute]:
    """The attributes, by name, in which ``cls`` may store None, as the first class of their family to do so."""
    for name, facts in sorted(cls.facts.attributes.items()):
        if not facts.definitions:
            continue
        family = cls.project.family(cls, name)
        if any(Defined(cls, d).may_be_none(family.tested) for d in facts.definitions):
            attr = Attribute(cls, name)
            if attr.first_optional is cls:
                yield attr


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

    @property
    def takes_tensors(self) -> bool:
        """Whether every call passes what TorchScript takes for a tensor."""
        return all(facts.takes_tensors for _, facts in self._members() if facts.guards or facts.uses)

    @cached_property
    def optional_definitions(self) -> tuple[Defined, ...]:
        """The assignments that may store None.

        So they say, or they store what they did not make and somebody tests for None.
        """
        tested = bool(self.guards)
        return tuple(d for d in self.definitions if d.may_be_none(tested))

    @property
    def first_optional(self) -> ModuleClass | None:
        """The first class of the family that may store None in it."""
        tested = self.owner.project.family(self.owner, self.name).tested
        stores = ((cls, d) for cls, facts in self._members() for d in facts.definitions)
        return next((cls for cls, d in stores if Defined(cls, d).may_be_none(tested)), None)

    @property
    def is_called(self) -> bool:
        """Whether anybody calls it."""
        forms = (UseForm.CALL, UseForm.CALL_OTHER, UseForm.CAUGHT)
        return any(u.facts.form in forms for u in self.uses) or any(g.facts.called for g in self.guards)

    @property
    def holds_module(self) -> bool:
        """Whether some assignment certainly stores an ``nn.Module``."""
        return any(d.facts.refs and d.makes_modules() for d in self.definitions)

    def slot_taken_between(
        self, first: Defined, second: Defined, besides: Collection[str] = frozenset()
    ) -> Location | None:
        """Where another submodule or parameter may be registered between two assignments, or None.

        ``nn.Module`` keeps a name in the place where it was registered first. An ``nn.Identity`` stored early would
        move the module that replaces it before those registered in between: another order of ``parameters()``, which
        optimizer states rely on. Attributes called ``besides`` do not count.
        """
        if first.cls is not second.cls:
            return second.location
        cls = first.cls
        for facts in cls.facts.attributes.values():
            if facts.name == self.name or facts.name in besides:
                continue
            for other in facts.definitions:
                after = other.method != first.facts.method or other.statement > first.facts.statement
                before = other.method != second.facts.method or other.statement < second.facts.statement
                if after and before and _may_register(facts, other) and not _registered_before(cls, facts, first.facts):
                    return Location(cls.path, other.line, other.column)
            for use in facts.uses:
                if use.detail == "setattr" and use.method in (first.facts.method, second.facts.method):
                    return Location(cls.path, use.line, use.column)
        registering = {"add_module", "register_module", "register_parameter"}
        methods = (first.method, second.method)
        if any(method.gives_self or registering & set(method.self_calls) for method in methods):
            return second.location
        return None

    def completion(self, first: Defined) -> Completion | None:
        """The ``if`` that should store something on all of its paths instead of the early `self.x = None` of ``first``.

        None where the assignment may stay in its place and where it has to. It may stay if nothing is registered in
        between, and what replaces the ``nn.Identity`` is certainly a module. What gets its None in the same statement
        (`self.a = self.b = None`) does not count: it may keep its early place, too.
        """
        later = [d for d in self.definitions if d is not first]
        found = first.facts.completion
        if found is None or not all(
            d.cls is first.cls and d.facts.method == first.facts.method and found.within.contains(d.facts.statement)
            for d in later
        ):
            return None
        siblings = [
            facts.name
            for facts in first.cls.facts.attributes.values()
            if any(d.statement == first.facts.statement for d in facts.definitions)
        ]
        modules = [d for d in later if d.facts.kind is not ValueKind.NONE]
        if not any(not d.makes_modules() or self.slot_taken_between(first, d, siblings) for d in modules):
            return None
        readers: list[Tested | Reading] = [*self.guards, *(use for use in self.uses if not use.facts.dominated)]
        early = {
            r.facts.method for r in readers if r.facts.method != first.facts.method or r.facts.line <= found.last_line
        }
        unseen = first.facts.method not in early and not early & set(first.method.self_calls)
        return found if unseen and not first.method.gives_self else None

    @cached_property
    def dynamic_access(self) -> tuple[Location, Note] | None:
        """The first place in the family that reaches attributes other than by name."""
        notes = [note for cls in self._hierarchy for note in cls.facts.notes]
        added = {note.detail for note in notes if note.kind == "named-module"}
        for cls in self._hierarchy:
            for note in cls.facts.notes:
                if note.kind == "computed-module":
                    continue  # a name that comes into being, not one that is read
                if note.kind == "named-module" or (note.kind == "named-attribute" and note.detail in added):
                    continue  # `self.add_module(self.norm_name, norm)`, and the property that reads it
                if note.kind != "named-attribute" and not may_name(note.detail, self.name):
                    continue
                return Location(cls.path, note.line, note.column), note
            for name in sorted(DYNAMIC_METHODS & cls.facts.body_names):
                method = cls.facts.methods.get(name)
                line = method.line if method else cls.facts.line
                return Location(cls.path, line, 1), Note("overridden", line, 1, name)
        return None

    @cached_property
    def class_binding(self) -> ModuleClass | None:
        """The class that binds the same name in its body (a method, property or class attribute), or None."""
        return next((cls for cls in self._hierarchy if self.name in cls.facts.body_names), None)

    @cached_property
    def _hierarchy(self) -> tuple[ModuleClass, ...]:
        related = {id(c): c for cls in self.family for c in (cls, *cls.ancestors, *cls.descendants)}
        return tuple(related.values())
