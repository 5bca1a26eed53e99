"""Which findings count and which fixes are wanted: scope, suppression comments, applicability, the user's answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from modfix.model.finding import Applicability, Finding, Refusal
from modfix.model.result import UnusedSuppression
from modfix.source.suppress import Suppression, Suppressions


class Found(NamedTuple):
    """A finding and the lines of the ``class`` keywords of the classes that hold it."""

    finding: Finding
    class_lines: tuple[int, ...]


class Silenced(NamedTuple):
    """What suppression comments leave of the findings."""

    findings: list[Finding]
    suppressed: int
    used: dict[str, set[tuple[Suppression, str]]]  # by path: which comments silenced which codemods


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings by path, position and codemod, equal ones once."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda f: (f.location.path, f.span, f.codemod, f.subject, f.message)))


def confine(finding: Finding, scope: Collection[str]) -> Finding:
    """The finding itself, or with a refusal in place of its fix if that would change files out of ``scope``."""
    if finding.fix is None:
        return finding
    outside = sorted({edit.path for edit in finding.fix.edits}.difference(scope))
    if not outside:
        return finding
    files = ", ".join(f"`{path}`" for path in outside)
    reason = f"the fix also changes {files}, which is not among the given paths"
    return replace(finding, fix=None, refusal=Refusal("out-of-scope", reason))


def silence(found: Iterable[Found], comments: Mapping[str, Suppressions]) -> Silenced:
    """Leave out the findings that a suppression comment of their file silences."""
    findings = []
    suppressed = 0
    used: defaultdict[str, set[tuple[Suppression, str]]] = defaultdict(set)
    for finding, class_lines in found:
        path, line, _ = finding.location
        matches = comments[path].match(finding.codemod, line, class_lines) if path in comments else ()
        if matches:
            suppressed += 1
            used[path].update((comment, finding.codemod) for comment in matches)
        else:
            findings.append(finding)
    return Silenced(findings, suppressed, dict(used))


def unused(
    comments: Iterable[Suppressions],
    used: Mapping[str, Collection[tuple[Suppression, str]]],
    *,
    ran: Collection[str],
    known: Collection[str],
) -> tuple[UnusedSuppression, ...]:
    """The suppression comments that silence nothing, as far as a run of the codemods ``ran`` out of ``known`` can
    tell."""
    return tuple(
        idle for of_file in comments for idle in of_file.unused(used.get(of_file.path, ()), ran=ran, known=known)
    )


class Chooser:
    """Decides which fixes are wanted, the same in every pass."""

    def __init__(self, required: Applicability, accept: Callable[[Finding], bool] | None = None) -> None:
        self._required = required
        self._accept = accept
        self._answers: dict[str, bool] = {}  # by fingerprint, from earlier passes

    def choose(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings with a fix that is safe enough and that ``accept`` agrees to.

        ``accept`` is asked for each finding of one pass, and not again in later passes for one that looks the same. Of
        several that look the same, one "no" stands for all of them in later passes.
        """
        chosen = []
        answers: dict[str, bool] = {}
        for finding in findings:
            if finding.fix is None or not finding.fix.applicability.allowed_at(self._required):
                continue
            if self._accept is None:
                chosen.append(finding)
                continue
            fingerprint = finding.fingerprint
            answer = self._answers.get(fingerprint)
            if answer is None:
                answer = self._accept(finding)
            answers[fingerprint] = answer and answers.get(fingerprint, True)
            if answer:
                chosen.append(finding)
        self._answers |= answers
        return chosen
