"""Containers of modules that `nn.Module` does not see, with the rest of the project in view: may they be registered?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from modfix.model.span import Location
from modfix.semantics.attributes import Attribute, Defined
from modfix.semantics.construction import Construction
from modfix.semantics.container_facts import Container, Element, ElementForm
from modfix.semantics.facts import UNKNOWN, UseForm, ValueKind
from modfix.semantics.inheritance import Reason
from modfix.semantics.layer_state import parameter_count, state_entries
from modfix.semantics.mentions import SELF_WALKS, may_hold
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.new_modules import NewModules
from modfix.semantics.torch_functions import PURE_MODULES
from modfix.semantics.torch_names import MODULE_MEMBERS, canonical, is_module_class, is_stateless

_LIFE_CYCLE = frozenset(
    """
    children cpu cuda double eval float half load_state_dict modules named_children named_modules named_parameters
    parameters state_dict to train zero_grad _apply _load_from_state_dict _save_to_state_dict
    """.split()
)
_INITIALISE = ("init", "reset", "freeze")
_WITH_MODE = frozenset({"Dropout", "BatchNorm", "InstanceNorm", "RReLU"})
_SHOWN = 12  # keys in a note
_HARMLESS_MEMBERS = frozenset({"[...]", "items", "keys", "values"})


@dataclass(frozen=True)
class Unregistered:
    """One container of one class whose elements `parameters()`, `to()`, `train()` and `state_dict()` do not reach."""

    cls: ModuleClass
    facts: Container

    @classmethod
    def of(cls, owner: ModuleClass) -> Iterator[Unregistered]:
        """Those of a class, by name. Containers whose elements are registered in another way are left out."""
        for facts in owner.facts.containers:
            found = cls(owner, facts)
            if not facts.registered and found.holds_modules:
                yield found

    @property
    def name(self) -> str:
        """The attribute."""
        return self.facts.attr

    @property
    def location(self) -> Location:
        """Where the container is stored first."""
        return Location(self.cls.path, self.facts.line, self.facts.column)

    @cached_property
    def attribute(self) -> Attribute:
        """The attribute in all classes that share it."""
        return Attribute(self.cls, self.name)

    @cached_property
    def holds_modules(self) -> bool:
        """Whether some element certainly is a module, and the class is or may be one."""
        return any(map(self._is_module, self.facts.elements))

    @cached_property
    def stateless(self) -> bool:
        """Whether all elements have neither parameters, buffers nor a mode: registering them changes nothing."""
        return all(
            element.form is ElementForm.NONE or (element.form is ElementForm.MADE and all(map(_is_pure, element.refs)))
            for element in self.facts.elements
        )

    def _is_module(self, element: Element) -> bool:
        return element.form is ElementForm.MADE and all(map(self._makes_module, element.refs))

    def _makes_module(self, ref: str) -> bool:
        if ref.startswith("$"):
            methods = [m for m in self.cls.facts.methods.values() if ref[1:] in m.parameters]
            defaults = [dict(method.parameter_defaults).get(ref[1:], UNKNOWN) for method in methods]
            return bool(defaults) and all(self.cls.project.is_module_value(self.cls, d) for d in defaults)
        return self.cls.project.is_module_value(self.cls, ref)

    # Why not

    def reasons(self) -> Iterator[Reason]:
        """Why the container cannot be registered; the first reason counts."""
        yield from self._of_name()
        yield from self._of_elements()
        for trouble in self.facts.troubles:
            yield trouble.kind, trouble.reason, Location(self.cls.path, trouble.line, trouble.column)
        yield from self._of_definitions()
        yield from self._of_relatives()
        yield from self._of_outside()
        yield from self._of_life_cycle()
        if not self.stateless:
            yield from self._of_walks()
        yield from NewModules(self.cls).reasons_of_children()
        for related in sorted(self.cls.relatives, key=lambda c: (c.path, c.facts.span)):
            for note in related.facts.notes:
                if note.kind == "computed-attribute" and note.detail and self.name.startswith(note.detail):
                    where = Location(related.path, note.line, note.column)
                    yield "dynamic-access", "attributes of such names are reached by computed names", where
        if not self.facts.called and all(related is self.cls for related in self.attribute.family):
            yield "never-called", "no element is called here: they may be kept for something else", self.location

    def _of_name(self) -> Iterator[Reason]:
        if self.name in MODULE_MEMBERS:
            yield "reserved-name", f"`nn.Module` has a `{self.name}` of its own", self.location
        binding = self.attribute.class_binding
        if binding is not None:
            yield "reserved-name", f"`{binding.name}` binds `{self.name}` in its body", binding.location

    def _of_elements(self) -> Iterator[Reason]:
        elements = self.facts.elements
        for element in elements:
            where = Location(self.cls.path, element.line, element.column)
            if element.method not in self.cls.construction:
                yield "filled-later", f"`{element.method}` adds to it, and may run at any time", where
            if element.form is ElementForm.NONE or self._is_module(element):
                continue
            if element.form is ElementForm.GIVEN:
                yield "given-element", "it comes from outside: whoever made it may own it", where
            elif element.form is ElementForm.PLAIN:
                yield "mixed-elements", "not every element is a module", where
            else:
                yield "unknown-elements", "this may be no module", where

    def _of_definitions(self) -> Iterator[Reason]:
        for defined in self.attribute.definitions:
            if defined.cls is not self.cls:
                if defined.cls in self.cls.lineage:
                    reason = f"`{defined.cls.name}` assigns `self.{self.name}` as well"
                    yield "set-by-relative", reason, defined.location
            else:
                yield from self._of_definition(defined)

    def _of_definition(self, defined: Defined) -> Iterator[Reason]:
        stored = defined.facts.span in self.facts.stored
        if not stored and defined.facts.kind is not ValueKind.NONE:
            yield "set-to-other", "it is set to something else here", defined.location
        elif not defined.in_construction:
            yield "set-later", f"it is set in `{defined.facts.method}`, which may run at any time", defined.location
        elif stored and not defined.after_super_init:
            yield (
                "before-super-init",
                "`super().__init__()` must run before modules are assigned",
                defined.location,
            )

    def _of_relatives(self) -> Iterator[Reason]:
        """Uses in other classes that share the attribute, of which only the form is known."""
        for use in self.attribute.uses:
            if use.cls is self.cls or use.facts.form is UseForm.ITERATE:
                continue
            if use.facts.form is UseForm.MEMBER and use.facts.detail in _HARMLESS_MEMBERS:
                continue
            yield "used-by-relative", f"`{use.cls.name}` uses it in a way that may need a list", use.location

    def _of_outside(self) -> Iterator[Reason]:
        for reader in self.cls.project.outside_readers(self.cls, self.name):
            if reader.form in (UseForm.TEST, UseForm.NONE_TEST):
                continue
            reason = f"`{reader.receiver}.{self.name}` is used here, and may be this list"
            yield "used-outside", reason, reader.location
        for location, note in self.cls.project.notes("list-by-hand"):
            if note.detail == self.name:
                yield "used-outside", f"something is done with elements of `{self.name}` here", location

    def _of_life_cycle(self) -> Iterator[Reason]:
        """Classes that move, switch or save what they hold by hand."""
        for related in sorted(self.cls.lineage, key=lambda c: (c.path, c.facts.span)):
            for method in sorted(_LIFE_CYCLE & set(related.facts.methods)):
                where = Location(related.path, related.facts.methods[method].line, 1)
                yield "by-hand", f"`{related.name}` overrides `{method}`, perhaps to reach the elements", where

    def _of_walks(self) -> Iterator[Reason]:
        """Walks that would newly meet the elements: those that initialise weights change them, and draw numbers."""
        project = self.cls.project
        for holder in project.classes():
            if not SELF_WALKS.isdisjoint(holder.called_names) and (
                holder in self.cls.lineage or may_hold(project, holder, self.cls)
            ):
                for name, method in sorted(holder.facts.methods.items()):
                    walks = SELF_WALKS.intersection(method.self_calls)
                    if walks and self._may_initialise(holder, name) and not self._walks_before(holder, name, walks):
                        reason = f"`self.{min(walks)}()` in `{holder.name}.{name}` would meet them and may set weights"
                        yield "initialised-anew", reason, Location(holder.path, method.line, 1)

    def _may_initialise(self, holder: ModuleClass, method: str) -> bool:
        """Whether a method runs while an object is built, or is one for weights that the project calls."""
        if any(method in Construction(c).runs for c in (holder, *holder.descendants)) or method == "__init__":
            return True
        project = self.cls.project
        called = method in project.self_called or any(method in facts.mentioned for facts in project.files.values())
        return called and any(word in method for word in _INITIALISE)

    def _walks_before(self, holder: ModuleClass, method: str, walks: frozenset[str]) -> bool:
        """Whether the walks are over when the container is created: they stand above it in the same ``__init__``."""
        made = {e.method for e in self.facts.elements}
        if holder is not self.cls or method != "__init__" or made != {"__init__"}:
            return False
        uses = (use for name in walks for use in holder.facts.attributes[name].uses if use.method == "__init__")
        return all(use.line < self.facts.line for use in uses)

    # What then happens

    def consequences(self) -> str:
        """What changes for users, as a note: keys, parameters, modes, checkpoints."""
        keys = self._keys()
        unknown = ", as far as they hold parameters or buffers" if "*`" in keys else ""
        told = [f"`state_dict` gains {keys}{unknown}" if self._may_have_state else "`state_dict` stays as it is"]
        if self._may_have_state:
            told.append(f"{self._count()} start to train, to move with `.to()` and to be saved")
            told.append("checkpoints from before lack them: load these with `strict=False`")
            told.append("give the optimizer `model.parameters()` anew")
        modes = sorted({name for ref in self._refs for name in _WITH_MODE if name in ref.rpartition(".")[2]})
        if modes:
            told.append(f"hidden {' and '.join(modes)} start to follow `eval()`")
        elif any(not is_module_class(ref) for ref in self._refs):
            told.append("what is hidden in them starts to follow `eval()`")
        return "; ".join(told)

    @property
    def _refs(self) -> list[str]:
        return [ref for element in self.facts.elements for ref in element.refs]

    @property
    def _may_have_state(self) -> bool:
        return not all(map(_has_no_state, self._refs))

    def _keys(self) -> str:
        keys: dict[str, None] = {}
        for element in self.facts.elements:
            entries = state_entries(element.refs[0], element.arguments) if len(element.refs) == 1 else None
            if element.form is not ElementForm.MADE or all(map(_has_no_state, element.refs)):
                continue
            for entry in entries or ("*",):
                keys[f"`{self.name}.{element.key}.{entry}`"] = None
        listed = list(keys)
        return ", ".join(listed[:_SHOWN]) + (f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else "")

    def _count(self) -> str:
        counts = [
            0 if all(map(_has_no_state, e.refs)) else parameter_count(e.refs[0], e.arguments) if e.number == 1 else None
            for e in self.facts.elements
            if e.form is ElementForm.MADE
        ]
        known = [count for count in counts if count is not None]
        return f"{sum(known):,} parameters" if len(known) == len(counts) else "their parameters"


def _has_no_state(ref: str) -> bool:
    return _is_pure(ref) or is_stateless(ref)


def _is_pure(ref: str) -> bool:
    return is_module_class(ref) and canonical(ref).rpartition(".")[2] in PURE_MODULES
