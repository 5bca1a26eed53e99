"""Why nothing is certain about a class: bases that the project does not show, or whose behaviour is special."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from modfix.model.span import Location
from modfix.semantics.facts import Ref
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.torch_names import EXTERNAL_MODULE_BASES, is_module_class
from modfix.semantics.truth import Truth

Reason: TypeAlias = tuple[str, str, Location]  # kind, reason, the line that blocks: as in a `Refusal`


def base_reasons(owners: Iterable[ModuleClass], related: Iterable[ModuleClass]) -> Iterator[Reason]:
    """Why the ``owners`` cannot get another submodule, as far as their bases say.

    Nor may the ``related`` classes, of which an object with the submodule may be, have a base that would notice it.
    """
    for cls in owners:
        if cls.is_torch_module is not Truth.YES:
            reason = f"a base class of `{cls.name}` is unknown, so it may not be an `nn.Module`"
            yield "unknown-base", reason, cls.location
        if cls.unresolved_base is not None:
            yield "unknown-base", f"a base class of `{cls.name}` cannot be resolved", cls.location
    for cls in related:
        for name in cls.project.hidden_names(cls.path)[:1]:
            reason = f"a star import gives `{name}` another meaning than the line above it"
            yield "star-import", reason, cls.location
        if cls.foreign_base is not None and cls.foreign_base != cls.unresolved_base:
            reason = f"another package defines `{cls.foreign_base}`, a base class of `{cls.name}`"
            yield "unknown-base", f"{reason}: it may use the attributes or the children", cls.location
        if cls.is_container:
            reason = f"`{cls.name}` derives from a torch container, which would run the new child"
            yield "container", reason, cls.location
        if "dataclasses.dataclass" in cls.facts.decorators:
            yield "dataclass", f"`{cls.name}` is a dataclass", cls.location


def layer_reasons(cls: ModuleClass, harmless: Collection[Ref] = ()) -> Iterator[Reason]:
    """Why ``cls`` cannot get another attribute: it derives from a layer of torch.nn other than the ``harmless`` ones,
    and shares its attributes."""
    for base in cls.external_bases:
        layer = is_module_class(base) and base != "torch.nn.Module" and base not in harmless
        if layer and base not in EXTERNAL_MODULE_BASES:
            yield "layer-base", f"`{cls.name}` derives from `{base}`, whose attributes it shares", cls.location
