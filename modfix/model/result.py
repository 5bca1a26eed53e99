"""What a run gives back."""

from __future__ import annotations

from dataclasses import dataclass

from modfix.model.finding import Finding
from modfix.model.source import Refused, SourceFile
from modfix.model.span import Location


@dataclass(frozen=True, slots=True)
class InternalError:
    """A bug of modfix or of a codemod: a guard that fired, or an exception in `check`. The input stays as it was.

    ``codemod`` and ``path`` are None where the trouble concerns no single one of them.
    """

    message: str
    codemod: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The text of a file after one more fix, or after several that cannot be told apart.

    ``fixes`` are their fingerprints. A ``joint`` step is no part of a fix: it follows when all of them are made, and
    each of them can be had without it.
    """

    fixes: tuple[str, ...]
    text: str
    joint: bool = False


@dataclass(frozen=True, slots=True)
class FileChange:
    """One changed file: what it was, and how it became what it is, fix by fix. The last step is the result."""

    before: SourceFile
    steps: tuple[Step, ...]

    @property
    def path(self) -> str:
        """Path relative to the project root."""
        return self.before.path

    @property
    def after(self) -> str:
        """The final text."""
        return self.steps[-1].text


@dataclass(frozen=True, slots=True)
class UnusedSuppression:
    """A ``# modfix: ignore`` comment that silences nothing (``names`` is empty for a comment that names no codemod)."""

    location: Location
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The findings of one run that changes nothing. Findings are sorted by path, position and codemod."""

    findings: tuple[Finding, ...]
    refused_files: tuple[Refused, ...]
    errors: tuple[InternalError, ...]
    unused_suppressions: tuple[UnusedSuppression, ...]
    suppressed: int  # findings silenced by comments
    files: int  # files read

    @property
    def fixable(self) -> tuple[Finding, ...]:
        """Findings that have a fix, whatever its applicability."""
        return tuple(f for f in self.findings if f.fix is not None)

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """Findings that were refused a fix."""
        return tuple(f for f in self.findings if f.refusal is not None)


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """The outcome of applying fixes in memory. Nothing has been written yet."""

    changes: tuple[FileChange, ...]  # sorted by path
    applied: tuple[Finding, ...]  # in the order in which they were applied
    final: CheckResult  # what a `check` of the changed project says
