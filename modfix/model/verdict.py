"""Verdicts: what running both versions showed. Never mixed with `Applicability`, which is what analysis says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from modfix.model.finding import Finding


class Outcome(str, Enum):
    """What a comparison came to. `severity` orders them, best first."""

    PROVED = "proved"  # the same operators on the same leaves
    IDENTICAL = "identical"  # other operators, the same bits on every input tried
    CLOSE = "close"  # other bits, within the error that the dtype has anyway
    UNVERIFIED = "unverified"  # nobody knows; `reason` says why
    DIFFERENT = "different"

    @property
    def severity(self) -> int:
        """0 for PROVED up to 4 for DIFFERENT; the verdict about several things is that of the highest severity."""
        return list(Outcome).index(self)

    @property
    def passed(self) -> bool:
        """Whether this says that both versions compute the same."""
        return self in (Outcome.PROVED, Outcome.IDENTICAL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operator ran: its name (``aten.relu``), the module's qualified name in the model, the source line.

    Where an exception was raised, there is no operator.

    ``path`` is relative to the root of its tree and empty where no line of the tree is on the stack; ``node`` is the
    name of the autograd node for an operator of the backward pass.
    """

    operator: str
    module: str = ""
    path: str = ""
    line: int = 0
    node: str = ""

    def __str__(self) -> str:
        parts = [f"`{self.operator}`"] if self.operator else []
        if self.node:
            parts.append(f"in the backward pass of `{self.node}`")
        if self.module:
            parts.append(f"in module `{self.module}`")
        if self.path:
            parts.append(f"at {self.path}:{self.line}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first difference in program order. A side is None where it ends, or has nothing that the other lacks."""

    item: str  # what differs, e.g. "train/output:0"
    before: Place | None = None
    after: Place | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was compared: ``name`` is e.g. "outputs", "parameter gradients", "state_dict keys"."""

    name: str
    outcome: Outcome
    detail: str = ""  # what differs, or how it was shown; lower case, no full stop


@dataclass(frozen=True, slots=True)
class Modulo:
    """A difference that was declared by the codemod which made it, or allowed by the user."""

    kind: str  # one of `modfix.verify.verdicts.ALLOWANCES`, e.g. "keys-added"
    detail: str
    declared_by: str  # name of the codemod, or "--allow"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one case (a model with inputs, a test, a script)."""

    case: str
    outcome: Outcome
    reason: str = ""  # of CLOSE, UNVERIFIED and DIFFERENT; lower case, no full stop
    rung: str = ""  # "fake", "real" or "numeric": what the evidence stands on
    checks: tuple[Check, ...] = ()
    modulo: tuple[Modulo, ...] = ()
    divergence: Divergence | None = None
    listed: tuple[str, ...] = ()  # what changed and is no difference: new children without state, ...
    operators: int = 0  # how many operators were recorded on the after side


@dataclass(frozen=True, slots=True)
class FixVerdict:
    """What was found about one fix: the worst verdict of the cases that ran its lines."""

    finding: Finding
    outcome: Outcome
    reason: str = ""
    cases: tuple[str, ...] = ()  # that executed at least one line of the fix
    modulo: tuple[Modulo, ...] = ()
    divergence: Divergence | None = None
    not_executed: tuple[str, ...] = ()  # "path:line" of changed lines that no case ran, "before:" or "after:" in front


@dataclass(frozen=True, slots=True)
class Environment:
    """What a verdict was found with; two reports compare only where these agree."""

    python: str = ""
    torch: str = ""
    device: str = "cpu"
    threads: int = 1
    rules: str = ""  # version of the recorder's rules


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """All verdicts of one run."""

    verdicts: tuple[Verdict, ...]
    fixes: tuple[FixVerdict, ...] = ()
    environment: Environment = field(default_factory=Environment)
    command: str = ""  # reproduces the run

    @property
    def outcome(self) -> Outcome:
        """The worst verdict about a fix or a case; UNVERIFIED where there is none."""
        outcomes = [*(fix.outcome for fix in self.fixes), *(verdict.outcome for verdict in self.verdicts)]
        return max(outcomes, key=lambda outcome: outcome.severity, default=Outcome.UNVERIFIED)
