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
    r"(?<![a-z])(re)?init.*(weight|param|bias|emb|layer|modul|model|net)|(weight|param|bias|emb)\w*init|^_*(re)?init(iali[sz]e)?_*$"
    r"|reset_*(weight|param)",
    re.IGNORECASE,
)


def reset_reasons(cls: ModuleClass) -> Iterator[Reason]:
    """Why ``cls`` cannot get a method `reset_parameters` unnoticed."""
    for owner in (cls, *cls.ancestors):
        for name, method in owner.facts.methods.items():
            if _INITIALISERS.search(name) and name not in ("__init__", RESET):
                where = Location(owner.path, method.line, 1)
                yield "own-initialiser", f"`{owner.name}.{name}` initialises already", where
    for related in sorted(cls.relatives, key=lambda c: (c.path, c.facts.span)):
        if RESET in related.facts.mentioned or RESET in related.facts.body_names:
            yield "relative-resets", f"`{related.name}` uses or defines `{RESET}`", related.location
        if "__getattr__" in related.facts.body_names:
            yield "dynamic-access", f"`{related.name}` may have a `{RESET}` by `__getattr__`", related.location
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
