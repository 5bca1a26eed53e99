"""Initialise parameters in `reset_parameters`, where PyTorch and its users look for it.

What it does
------------
Statements of `__init__` that only give values to parameters (`nn.init.xavier_uniform_(self.fc.weight)`,
`self.bias.data.zero_()`, `self.apply(init_weights)`, loops over `self.modules()`, and what prepares values for them)
move to a method `reset_parameters(self)`, with their comments. `__init__` calls it where the last of them stood. An
argument that `__init__` keeps in an attribute is read from there.

Why
---
A model that initialises itself in `__init__` cannot be initialised again. The layers of torch have `reset_parameters`,
and tools look for it that build a model without memory first.

Example
-------
             self.fc = nn.Linear(dim, dim)
    -        nn.init.xavier_uniform_(self.fc.weight)
    +        self.reset_parameters()
    +
    +    def reset_parameters(self):
    +        nn.init.xavier_uniform_(self.fc.weight)

Fix safety
----------
SAFE: the same statements run in the same order. Where they jump over others, these only build and store things that
the initialisation does not use, and one of the two sides draws no random numbers, by a table that was made by running
torch. So a seed builds the same weights, bit for bit.

UNSAFE: both sides draw. The weights that a seed builds change, not their distribution.

DISPLAY: only a part of the project was read.

Refused: statements that build and initialise at the same time; variables and arguments of `__init__` that no attribute
keeps (option `save_arguments = true`: they are kept in `self._init_<name>`); an early `return`; `weight_norm` and
`spectral_norm`; classes that initialise in a method of their own already, whatever its name, because frameworks call
such methods; classes with a relative, or a base of torch or of another package, that has or may have
`reset_parameters`; projects that reset whatever has that method (`hasattr(m, "reset_parameters")`, PyTorch Geometric).
Creation and tying of parameters, freezing, casts and loading are no initialisation, and stay where they are.

References
----------
`reset_parameters` of the layers in torch/nn/modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from modfix.api import (
    Applicability,
    Codemod,
    Edit,
    Finding,
    Fix,
    InitPlan,
    InsertAfter,
    Location,
    ModuleClass,
    MoveStatements,
    Reason,
    Refusal,
    ReplaceExpression,
    reset_reasons,
)


@dataclass(frozen=True)
class ResetParametersOptions:
    """Options of ``[tool.modfix.reset-parameters]``."""

    save_arguments: bool = False


class ResetParameters(Codemod):
    """See the manual at the head of this file."""

    name = "reset-parameters"
    summary = "initialisation moves from __init__ to reset_parameters, with the same weights for a seed"
    needles = (b"__init__",)
    Options = ResetParametersOptions

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        """Yield one finding for a class whose `__init__` initialises parameters."""
        plans = cls.project.files[cls.path].initialisation.plans
        plan = next((plan for plan in plans if plan.cls == cls.span), None)
        if plan is None:
            return
        where = Location(cls.path, plan.line, plan.column)
        message = f"`{cls.name}` initialises its parameters in `__init__`"
        reason = next(chain(self._reasons(cls, plan), reset_reasons(cls)), None)
        if reason is not None:
            yield Finding(self.name, where, cls.span, cls.qualname, message, refusal=Refusal(*reason))
            return
        applicability, note = Applicability.SAFE, None
        if plan.reorders is not None:
            applicability, note = Applicability.UNSAFE, f"line {plan.reorders.line} draws too: {plan.reorders.why}"
        if not cls.project.complete:
            applicability, note = Applicability.DISPLAY, "the rest of the project was not read"
        heirs = frozenset(f"{heir.path}:{heir.qualname}.reset_parameters" for heir in (cls, *cls.descendants))
        title = "Move the initialisation to `reset_parameters`"
        fix = Fix(title, tuple(self._edits(cls, plan)), applicability, note, heirs)
        yield Finding(self.name, where, cls.span, cls.qualname, message, fix=fix)

    def _reasons(self, cls: ModuleClass, plan: InitPlan) -> Iterator[Reason]:
        """Why the initialisation of one class stays where it is, as far as its own text says."""
        for obstacle in plan.obstacles:
            yield obstacle.kind, obstacle.why, Location(cls.path, obstacle.line, obstacle.column)
        here = Location(cls.path, plan.line, plan.column)
        owners = (cls, *cls.ancestors)
        for _, name, attr in plan.saved:
            if any(attr in owner.facts.body_names for owner in owners):
                yield "unsaved-argument", f"`self.{attr}` may be something else than `{name}`", here
        for _, name in plan.unsaved:
            kept = f"_init_{name}"
            if not self._saves:
                yield "unsaved-argument", f"no attribute keeps the argument `{name}`", here
            elif kept in cls.known_names or plan.insert is None:
                yield "unsaved-argument", f"`self.{kept}` is something else", here

    @property
    def _saves(self) -> bool:
        assert isinstance(self.options, ResetParametersOptions)
        return self.options.save_arguments

    def _edits(self, cls: ModuleClass, plan: InitPlan) -> Iterator[Edit]:
        head = f"def reset_parameters({plan.self_name}){' -> None' if plan.annotated else ''}:"
        docstring = '"""Initialize the parameters."""' if plan.documented else ""
        yield MoveStatements(cls.path, plan.statements, head, f"{plan.self_name}.reset_parameters()", docstring)
        for span, _, attr in plan.saved:
            yield ReplaceExpression(cls.path, span, f"{plan.self_name}.{attr}")
        for span, name in plan.unsaved:
            yield ReplaceExpression(cls.path, span, f"{plan.self_name}._init_{name}")
        for name in dict.fromkeys(name for _, name in plan.unsaved):
            assert plan.insert is not None  # see `_reasons`
            yield InsertAfter(cls.path, plan.insert, f"{plan.self_name}._init_{name} = {name}")
