"""What stands in the way of a module that does nothing in place of None: all the uses that would tell the two apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modfix.semantics.attributes import Attribute, Reading
from modfix.semantics.facts import UseForm, ValueKind
from modfix.semantics.inheritance import Reason, base_reasons

IDENTITY = "torch.nn.Identity"
# Annotations that stay true when the value is an nn.Identity.
_FITTING_ANNOTATION = re.compile(r"(typing\.)?(Optional\[)?((torch\.)?nn\.)?Module\]?( \| None)?")

_USE_REASONS = {
    UseForm.CAUGHT: ("caught", "is used in a `try` whose handler may catch the error that `None` leads to"),
    UseForm.MEMBER: ("member-access", "has a member read, which `nn.Identity` lacks"),
    UseForm.VALUE: ("escapes", "is passed on as a value, and its receiver may test it for `None`"),
    UseForm.ITERATE: ("iterated", "is iterated over"),
    UseForm.STORE: ("augmented", "is assigned in an unusual way"),
    UseForm.DELETE: ("deleted", "is deleted"),
    UseForm.STRING: ("by-name", "is reached by its name as a string"),
}
_OUTSIDE_REASONS = {
    UseForm.STORE: "is assigned",
    UseForm.DELETE: "is deleted",
    UseForm.STRING: "is reached by its name as a string",
    UseForm.ITERATE: "is iterated over",
    UseForm.VALUE: "is passed on as a value",
}


def store_reasons(attr: Attribute) -> Iterator[Reason]:
    """Why ``self.<attr>`` cannot hold an ``nn.Identity`` where it holds None: its classes, and what is stored in it."""
    yield from _class_reasons(attr)
    yield from _definition_reasons(attr)
    yield from _order_reasons(attr)


def use_reasons(attr: Attribute) -> Iterator[Reason]:
    """Who, beside the tests for None in its classes, would notice an ``nn.Identity`` in ``self.<attr>``."""
    yield from _use_reasons(attr)
    yield from _project_reasons(attr)


def _class_reasons(attr: Attribute) -> Iterator[Reason]:
    yield from base_reasons((d.cls for d in attr.optional_definitions), attr.family)
    for cls in attr.owner.project.strays:
        if cls not in attr.family and cls.attribute(attr.name) is not None:
            yield (
                "unknown-base",
                f"`{cls.name}` uses `self.{attr.name}`, and what it derives from is unknown",
                cls.location,
            )
    if attr.name.startswith("__") and not attr.name.endswith("__"):
        place = attr.optional_definitions[0].location
        yield "private-name", f"Python mangles `{attr.name}`, so that `_Class{attr.name}` is the same attribute", place
    if attr.class_binding is not None:
        yield (
            "class-attribute",
            f"`{attr.class_binding.name}` binds `{attr.name}` in its body",
            attr.class_binding.location,
        )
    if attr.dynamic_access is not None:
        location, note = attr.dynamic_access
        yield (
            "dynamic-access",
            f"the class reaches attributes or children in a dynamic way (`{note.kind}`)",
            location,
        )


def _definition_reasons(attr: Attribute) -> Iterator[Reason]:
    optional = attr.optional_definitions
    for defined in attr.definitions:
        facts = defined.facts
        if not defined.in_construction:
            what = "set to `None`" if facts.kind is ValueKind.NONE else "set"
            yield "set-later", f"`self.{attr.name}` is {what} in `{facts.method}`, after construction", defined.location
        elif defined in optional:
            if not defined.after_super_init:
                yield (
                    "before-super-init",
                    "a submodule cannot be stored before `super().__init__()` has run",
                    defined.location,
                )
            if facts.chain and facts.kind is not ValueKind.NONE:
                yield "chained", "several targets share the value", defined.location
            if facts.annotation and not _FITTING_ANNOTATION.fullmatch(facts.annotation):
                yield "annotated", f"its annotation `{facts.annotation}` does not admit `nn.Identity`", defined.location
            taken = defined.cls.project.files[defined.cls.path].bindings
            if defined.cls.spelling(IDENTITY) is None and "nn" in taken and "torch" in taken:
                yield "no-name", "`nn` and `torch` mean something else in this file", defined.location
        if facts.kind is ValueKind.OTHER and not defined.never_none():
            yield "unknown-value", f"`self.{attr.name}` gets a value that may be `None` or no module", defined.location
        elif facts.kind in (ValueKind.CALL, ValueKind.OPTIONAL) and not defined.never_none():
            yield "factory", "the factory called here may return `None`", defined.location


def _order_reasons(attr: Attribute) -> Iterator[Reason]:
    """What may go wrong when one assignment follows another in the same object."""
    for first in attr.optional_definitions:
        for second in attr.definitions:
            if second is first or first.excludes(second):
                continue
            if (
                second.facts.statement < first.facts.statement
                and second.cls is first.cls
                and first.facts.kind is ValueKind.NONE
            ):
                if second.facts.kind is not ValueKind.NONE:
                    yield "removed", f"`None` removes the module stored in line {second.facts.line}", first.location
            elif second.facts.kind is ValueKind.NONE or attr.completion(first) is not None:
                continue
            elif not second.makes_modules():
                yield (
                    "unknown-kind",
                    "what is stored here is not certainly a module, and cannot replace an `nn.Identity`",
                    second.location,
                )
            elif between := attr.slot_taken_between(first, second):
                yield (
                    "order",
                    f"registered between `None` and the module; `{attr.name}` would come before it in `parameters()`",
                    between,
                )


def _use_reasons(attr: Attribute) -> Iterator[Reason]:
    for use in attr.uses:
        called = use.facts.form in (UseForm.CALL, UseForm.CALL_OTHER)
        if called and use.facts.method in use.cls.construction and not use.facts.dominated:
            yield (
                "builder",
                f"`self.{attr.name}` is called while the object is built, as a factory would be",
                use.location,
            )
        harmless = (
            called
            or use.facts.form is UseForm.TYPE_TEST
            or use.facts.dominated
            or (use.facts.form is UseForm.MEMBER and (use.facts.detail == "forward" or _fails_on_none(attr, use)))
        )
        if not harmless:
            kind, reason = _USE_REASONS[use.facts.form]
            yield kind, f"`self.{attr.name}` {reason}", use.location
    if not attr.guards and not any(u.facts.form in (UseForm.CALL, UseForm.CALL_OTHER) for u in attr.uses):
        yield (
            "never-called",
            f"no class of the hierarchy calls `self.{attr.name}(...)`",
            attr.optional_definitions[0].location,
        )


def _fails_on_none(attr: Attribute, use: Reading) -> bool:
    """Whether reading a member fails where the attribute is None, as a call does, and the failure goes up.

    A property that reads it may be asked for by `hasattr`. Where tests tell None apart, it is a state of its own.
    """
    return not attr.guards and not use.cls.facts.methods[use.facts.method].decorated


def _project_reasons(attr: Attribute) -> Iterator[Reason]:
    project = attr.owner.project
    for reader in project.outside_readers(attr.owner, attr.name):
        what = _OUTSIDE_REASONS.get(reader.form, "is tested")
        yield (
            "outside-reader",
            f"`{reader.receiver}.{attr.name}` {what} here, and may be this attribute",
            reader.location,
        )
    for cls in attr.family:
        for walk in project.child_walks(cls):
            if walk.known:
                reason = f"children are picked by position or number here, also those of a `{cls.name}`"
                yield "child-walk", reason, walk.location
    for location, note in project.notes("computed-none"):
        if attr.name.startswith(note.detail):
            yield "computed-attribute", "an attribute of computed name is set to `None` or deleted here", location
    for location, _ in project.notes("modules-dict"):
        yield "modules-dict", "an entry of `_modules` is tested here", location
    for location in project.identity_dispatches(attr.name):
        yield "identity-dispatch", "modules are told apart by being an `Identity` here", location
