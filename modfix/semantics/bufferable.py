"""Tensors in plain attributes, with the rest of the project in view: may they become buffers?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from modfix.model.edit import PassAssigned
from modfix.model.span import Location
from modfix.semantics.attributes import DYNAMIC_METHODS, Attribute, Defined
from modfix.semantics.facts import UseForm, ValueKind
from modfix.semantics.inheritance import Reason, layer_reasons
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.tensor_facts import NoneStore, PlainTensor, TensorStore
from modfix.semantics.torch_names import MODULE_MEMBERS
from modfix.semantics.truth import Truth

_CASTS = ("bfloat16", "double", "half")
_SPREADS = ("DistributedDataParallel", "DataParallel", "DDP")
_LINE_LENGTH = 120  # the longest that most projects have
_WALKS = ("buffers", "named_buffers")


@dataclass(frozen=True)
class Bufferable:
    """One attribute of one class that holds a tensor which `to()` does not move."""

    cls: ModuleClass
    facts: PlainTensor

    @classmethod
    def of(cls, owner: ModuleClass) -> Iterator[Bufferable]:
        """Those that a class sets while it is built, by name; what is a buffer or parameter already is left out."""
        names = frozenset().union(*(related.facts.registers for related in owner.relatives))
        for facts in owner.facts.tensors:
            found = cls(owner, facts)
            if facts.attr not in names and found.built:
                yield found

    @property
    def name(self) -> str:
        """The attribute."""
        return self.facts.attr

    @property
    def location(self) -> Location:
        """Where a tensor is stored first."""
        return Location(self.cls.path, self.facts.line, self.facts.column)

    @cached_property
    def attribute(self) -> Attribute:
        """The attribute in all classes that share it."""
        return Attribute(self.cls, self.name)

    @cached_property
    def built(self) -> tuple[TensorStore, ...]:
        """The assignments that run while the object is built."""
        return tuple(store for store in self.facts.stores if store.method in self.cls.construction)

    @property
    def nones(self) -> tuple[NoneStore, ...]:
        """Those of None that may come first."""
        return tuple(none for none in self.facts.nones if none.method in self.cls.construction)

    def is_too_long(self, store: TensorStore, edit: PassAssigned) -> bool:
        """Whether the line of an edit would be longer than 120 columns and any line of the file."""
        value = len(store.unwrapped) or store.value.end - store.value.start
        words = (edit.function, *edit.before, *edit.after)
        length = store.indentation + value + sum(map(len, words)) + 2 * len(words)
        return store.indentation >= 0 and length > max(_LINE_LENGTH, self.cls.project.files[self.cls.path].width)

    # Why not

    def reasons(self) -> Iterator[Reason]:
        """Why it stays a plain attribute; the first reason counts."""
        yield from self._of_class()
        yield from self._of_name()
        for trouble in self.facts.troubles:
            yield trouble.kind, trouble.reason, Location(self.cls.path, trouble.line, trouble.column)
        yield from self._of_definitions()
        yield from self._of_stores()
        if not self.facts.read:
            yield "never-read", f"`{self.cls.name}` does not read it: it is there for others", self.location
        yield from self._of_relatives()
        yield from self._of_outside()

    def _of_class(self) -> Iterator[Reason]:
        cls = self.cls
        if cls.is_torch_module is not Truth.YES or cls.unresolved_base is not None:
            yield "unknown-base", f"a base class of `{cls.name}` is unknown", cls.location
        yield from layer_reasons(cls, {"torch.nn._Loss"})  # which has no tensors; `_WeightedLoss` has
        for related in sorted(cls.lineage, key=lambda c: (c.path, c.facts.span)):
            if related.foreign_base is not None:
                reason = f"another package defines `{related.foreign_base}`, a base class of `{related.name}`"
                yield "unknown-base", f"{reason}: it may use the name", related.location
            for name in sorted(DYNAMIC_METHODS & related.facts.body_names):
                yield "dynamic-access", f"`{related.name}` defines `{name}`", related.location
            for note in related.facts.notes:
                if note.kind in ("__dict__", "rebound-self"):
                    where = Location(related.path, note.line, note.column)
                    yield "dynamic-access", f"attributes are reached in a dynamic way (`{note.kind}`)", where

    def _of_name(self) -> Iterator[Reason]:
        if self.name in MODULE_MEMBERS:
            yield "reserved-name", f"`nn.Module` has a `{self.name}` of its own", self.location
        binding = self.attribute.class_binding
        if binding is not None:
            yield "reserved-name", f"`{binding.name}` binds `{self.name}` in its body", binding.location
        for related in self.cls.relatives:
            if "*" in related.facts.registers:
                yield "computed-buffer", f"`{related.name}` registers buffers under computed names", related.location

    def _of_definitions(self) -> Iterator[Reason]:
        for defined in self.attribute.definitions:
            if not self._stores_tensor(defined) and defined.facts.kind is not ValueKind.NONE:
                yield "set-to-other", "what is stored here may be no tensor, which a buffer refuses", defined.location
            elif defined.in_construction and not defined.after_super_init:
                yield (
                    "before-super-init",
                    "`super().__init__()` must run before buffers are registered",
                    defined.location,
                )
            elif defined.cls in self.cls.ancestors:
                yield "set-by-base", f"`{defined.cls.name}` sets it before, as a plain attribute", defined.location

    def _stores_tensor(self, defined: Defined) -> bool:
        return any(
            defined.facts.span == store.value
            for tensor in defined.cls.facts.tensors
            if tensor.attr == self.name
            for store in tensor.stores
        )

    def _of_stores(self) -> Iterator[Reason]:
        if not all([*(store.simple for store in self.built), *(none.simple for none in self.nones)]):
            yield "several-targets", "it is annotated, or several targets share the value", self.location
        for other in self.cls.facts.tensors:
            views = other.attr in self._viewed(self.facts) or self.name in self._viewed(other)
            if other is not self.facts and views and (self.facts.written or other.written):
                yield "shares-memory", f"it may share memory with `{other.attr}`, and one is written to", self.location

    @staticmethod
    def _viewed(tensor: PlainTensor) -> frozenset[str]:
        return frozenset(attr for store in tensor.stores for attr in store.reads)

    def _of_relatives(self) -> Iterator[Reason]:
        for use in self.attribute.uses:
            if use.cls is not self.cls and use.facts.form in (UseForm.STORE, UseForm.DELETE):
                yield "set-to-other", f"`{use.cls.name}` changes it here", use.location
        for use in self.attribute.uses:
            if use.facts.form is UseForm.STRING and use.facts.detail in ("setattr", "delattr"):
                yield "set-to-other", "it is set by its name here", use.location

    def _of_outside(self) -> Iterator[Reason]:
        for reader in self.cls.project.outside_readers(self.cls, self.name):
            if reader.form in (UseForm.STORE, UseForm.DELETE):
                reason = f"`{reader.receiver}.{self.name}` is set here, and may be this attribute"
                yield "set-outside", reason, reader.location

    # What then happens

    def warnings(self) -> Iterator[str]:
        """What changes for users beyond that the tensor moves, as far as the project does such things."""
        floating = not all(store.integer for store in self.built)
        if floating and (cast := self._mentioned(_CASTS)):
            yield f"`{cast}()` of a model, which this project may call, casts it as well"
        elif any(store.double for store in self.built) and self._mentioned(("float",)):
            yield "it may be of double precision: `float()` of a model, which this project may call, casts it"
        if self.facts.written and (spread := self._mentioned(_SPREADS)):
            yield f"it is written in place: `{spread}` overwrites it with that of the first process or device"
        if walk := self._mentioned(_WALKS):
            yield f"it is among the `{walk}()` of the model, which this project reads"

    def _mentioned(self, names: tuple[str, ...]) -> str | None:
        files = self.cls.project.files.values()
        own = self.cls.project.self_called
        return next((n for n in names if n in own or any(n in facts.mentioned for facts in files)), None)
