"""Whether a class can get a method `reset_parameters`, as far as its relatives and the rest of the project say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modfix.model.span import Location
from modfix.semantics.facts import UNKNOWN
from modfix.semantics.inheritance import Reason
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.torch_names import (
    EXTERNAL_MODULE_BASES,
    PRIVATE_MODULE_CLASSES,
    RESETTING_MODULES,
    is_module_class,
    is_plain_base,
)

RESET = "reset_parameters"
# Methods that initialise, by what people and frameworks call them.
_INITIALISERS = re.compile(
    r"^_*(re)?(init|initiali[sz]e)_*(all|model|modules?|layers?|net(work)?)?_*"
    r"(weights?|params?|parameters|bias(es)?|emb\w*|conv\w*)?_*$|^_*(weights?|params?|parameters)_*init\w*$"
    r"|^_*reset_*(weights?|params?|parameters)$",
    re.IGNORECASE,
)


def reset_reasons(cls: ModuleClass) -> Iterator[Reason]:
    """Why ``cls`` cannot get a method `reset_parameters` unnoticed."""
    for owner in (cls, *cls.ancestors):
        for name, method in owner.facts.methods.items():
            if _INITIALISERS.match(name) and name not in ("__init__", RESET):
                where = Location(owner.path, method.line, 1)
                yield "own-initialiser", f"`{owner.name}.{name}` initialises already", where
    for related in sorted(cls.relatives, key=lambda c: (c.path, c.facts.span)):
        if RESET in related.facts.mentioned or RESET in related.facts.body_names:
            yield "relative-resets", f"`{related.name}` uses or defines `{RESET}`", related.location
        for base in related.bases:
            if isinstance(base, ModuleClass) or is_plain_base(base):
                continue
            bare = base.rpartition(".")[2]
            if is_module_class(base):
                if bare in RESETTING_MODULES or bare in PRIVATE_MODULE_CLASSES:
                    why = f"the `__init__` of `{bare}` calls `{RESET}`, too early for this class"
                    yield "layer-base", why, related.location
            elif base not in EXTERNAL_MODULE_BASES or base.startswith("transformers."):
                shown = "a base class" if base == UNKNOWN else f"`{base}`"
                yield "unknown-base", f"{shown} may define or call `{RESET}`", related.location
    yield from _sweeps(cls)


def _sweeps(cls: ModuleClass) -> Iterator[Reason]:
    for path, facts in sorted(cls.project.files.items()):
        for sweep in facts.initialisation.sweeps:
            yield "reset-sweep", f"code {sweep.how}", Location(path, sweep.line, sweep.column)
