"""Findings: what a codemod says about one subject, with a fix or the reason why there is none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum, IntEnum

from modfix.model.edit import Edit
from modfix.model.span import Location, Span


class Applicability(IntEnum):
    """How safe a fix is by static analysis alone.

    What running both versions shows is a `Verdict`, never mixed with this.
    """

    DISPLAY = 0  # shown, never applied
    UNSAFE = 1  # may change behaviour or lose a comment: opt-in
    SAFE = 2  # same meaning, comments kept

    def allowed_at(self, required: Applicability) -> bool:
        """Whether a fix of this applicability may be applied when at least ``required`` is asked for."""
        return self >= required


class Stability(str, Enum):
    """Whether a codemod has been through a release and a corpus run without a false positive."""

    PREVIEW = "preview"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Fix:
    """One atomic change: all of its edits are made, or none."""

    title: str
    edits: tuple[Edit, ...]
    applicability: Applicability
    note: str | None = None  # why it is not SAFE, or what the user should know; lower case, no full stop
    claims: frozenset[str] = frozenset()  # names that it takes; no other fix of the same pass may take one of them
    # Imports of which it may remove a use, as (path, name): one that the whole run leaves without any use goes, too.
    frees: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no fix is offered: a stable ``kind`` for statistics, a reason for people, the line that blocks it."""

    kind: str  # kebab-case, e.g. "arithmetic-guard"; counted by --statistics
    reason: str  # what, why; lower case, no full stop, code in backticks
    blocker: Location | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement of one codemod about one subject. Exactly one of ``fix`` and ``refusal`` is set."""

    codemod: str
    location: Location
    span: Span
    subject: str  # qualified name inside the file, e.g. "BasicBlock.downsample"
    message: str
    fix: Fix | None = None
    refusal: Refusal | None = None

    def __post_init__(self) -> None:
        if (self.fix is None) == (self.refusal is None):
            raise ValueError("a finding has either a fix or a refusal")

    @property
    def fingerprint(self) -> str:
        """Stable across unrelated edits of the file: codemod, path, subject and message, not the line number."""
        text = "\0".join((self.codemod, self.location.path, self.subject, self.message))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
