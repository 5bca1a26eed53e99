"""Whether an attribute keeps the value that construction gave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from modfix.model.span import Location
from modfix.semantics.facts import Argument, ArgumentForm, AttributeFacts, UseForm, ValueKind
from modfix.semantics.inheritance import Reason
from modfix.semantics.module_class import ModuleClass


def set_once(cls: ModuleClass, attr: str) -> Iterator[Reason]:
    """Why ``self.<attr>`` may have another value later than at the end of ``cls.__init__``.

    Nothing when it is a plain value, set while an object of ``cls`` itself is built and never again.
    """
    owners = (cls, *cls.ancestors)
    if any(attr in owner.facts.methods for owner in owners):
        yield "not-static", f"`{attr}` is a method or property", cls.location
    bound = any(attr in owner.facts.body_names for owner in owners)
    if not bound and all(not (f := owner.attribute(attr)) or not f.definitions for owner in owners):
        yield "not-static", f"no class of the project sets `self.{attr}`", cls.location
    for member in cls.family(attr):
        facts = member.attribute(attr)
        if facts is not None:
            yield from _changes(cls, member, facts)
    for reader in cls.project.outside_readers(cls, attr):
        if reader.form in (UseForm.STORE, UseForm.DELETE, UseForm.STRING):
            yield "set-later", f"`{reader.receiver}.{attr}` is set here, and may be this attribute", reader.location


def options_of_objects(cls: ModuleClass, option: str) -> Iterator[Reason]:
    """Why an option (as `Argument.options` has it) may change: where somebody sets it by way of another object."""
    for store in cls.project.option_stores(option.rpartition(".")[2]):
        if "." in store.receiver:
            yield (
                "set-later",
                f"`{store.receiver}` changes here, perhaps after the module has been created",
                store.location,
            )


def argument_doubts(cls: ModuleClass, arguments: Iterable[Argument]) -> Iterator[str]:
    """Why it is not certain that a module can take arguments that nothing forbids."""
    for argument in arguments:
        for option in argument.options:
            note = f"`{option}` is read once, in `__init__`, and no longer in each call"
            stores = cls.project.option_stores(option.rpartition(".")[2])
            yield note + "".join(f"; {store.location} sets it" for store in islice(stores, 1))
        if argument.form is ArgumentForm.ATTRIBUTE and argument.name != "inplace":
            for attr in argument.attributes:
                for location in _tested_for_truth(cls, attr):
                    yield f"`self.{attr}` must be a number: {location} tests it, as if it may be `None`"


def _tested_for_truth(cls: ModuleClass, attr: str) -> Iterator[Location]:
    for member in cls.family(attr):
        facts = member.attribute(attr)
        for guard in facts.guards if facts is not None else ():
            if guard.truthiness:
                yield Location(member.path, guard.line, guard.column)


def _changes(cls: ModuleClass, member: ModuleClass, facts: AttributeFacts) -> Iterator[Reason]:
    """What one class of the family does to an attribute that must keep the value it has when ``cls`` is built."""
    for definition in facts.definitions:
        at = Location(member.path, definition.line, definition.column)
        if member not in (cls, *cls.ancestors) or definition.deferred or definition.method not in member.construction:
            yield "set-later", f"`self.{facts.name}` is set here, perhaps after the module has been created", at
        elif definition.kind is ValueKind.NONE or definition.nones or definition.optional_name:
            yield "optional-argument", f"`self.{facts.name}` may be `None`", at
        elif definition.kind is ValueKind.CALL and any(
            ref.startswith("torch.") or cls.project.is_module_value(cls, ref) for ref in definition.refs
        ):
            yield "not-static", f"`self.{facts.name}` may be a tensor or a module", at
    for use in facts.uses:
        if use.form in (UseForm.STORE, UseForm.DELETE) or (use.form is UseForm.STRING and use.detail != "getattr"):
            yield "set-later", f"`self.{facts.name}` changes here", Location(member.path, use.line, use.column)
    for guard in facts.guards:
        if not guard.truthiness:
            where = Location(member.path, guard.line, guard.column)
            yield "optional-argument", f"`self.{facts.name}` is tested here, and may be `None`", where
