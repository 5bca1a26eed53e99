"""Keep the fixes that pass: find those that do not, leave them out, and verify the rest again, with few runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from modfix.model.result import ApplyResult
from modfix.model.verdict import FixVerdict, Outcome, Verdict, VerifyResult
from modfix.verify.attribution import CaseResult, Change, suspects


@dataclass(frozen=True, slots=True)
class Attempt:
    """Fixes that were made in memory, and what verifying them came to."""

    applied: ApplyResult
    change: Change
    cases: Sequence[CaseResult]
    result: VerifyResult

    @property
    def different(self) -> list[CaseResult]:
        """The cases that are DIFFERENT."""
        return [case for case in self.cases if case.verdict.outcome is Outcome.DIFFERENT]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left to apply, with the verdicts of all fixes, also of those that were rolled back."""

    applied: ApplyResult
    result: VerifyResult
    rolled_back: tuple[str, ...]  # fingerprints


Attempting = Callable[[frozenset[str], str], Attempt]


def keep(attempt: Attempting, acceptable: Collection[Outcome]) -> Kept:
    """Make and verify fixes until all that are left have an acceptable verdict; what is left has been verified itself.

    First go the fixes to which a divergence points; where it points to several, group testing finds one. Only when
    nothing is DIFFERENT any more, other unacceptable fixes go: their verdict may have hung on the guilty ones.

    Args:
        attempt: makes all fixes but those with the given fingerprints, and verifies them: with the case of the given
            name alone, or with all cases where the name is empty.
        acceptable: verdicts with which a fix is applied.
    """
    rejected: dict[str, FixVerdict] = {}
    cases: tuple[Verdict, ...] = ()  # of the last round in which there was something to run
    while True:
        now = attempt(frozenset(rejected), "")
        cases = now.result.verdicts or cases
        bad = _different(now, attempt, rejected) or {
            fix.finding.fingerprint: fix for fix in now.result.fixes if fix.outcome not in acceptable
        }
        if not bad:
            break
        rejected |= bad
    fixes = (*now.result.fixes, *rejected.values())
    return Kept(now.applied, replace(now.result, verdicts=cases, fixes=fixes), tuple(rejected))


def _different(now: Attempt, attempt: Attempting, rejected: Collection[str]) -> dict[str, FixVerdict]:
    """The fixes that make cases differ, as far as one round can tell; empty where no case does."""
    verdicts = {fix.finding.fingerprint: fix for fix in now.result.fixes}
    by_case = [(case, [fix for fix in suspects(now.change, case) if fix in verdicts]) for case in now.different]
    guilty = [group[0] for _, group in by_case if len(group) == 1]
    if not guilty and by_case:
        case, group = by_case[0]
        guilty = _search(case, group, list(verdicts), attempt, frozenset(rejected))
    return {fix: _blamed(verdicts[fix], now.different) for fix in guilty}


def _search(
    case: CaseResult,
    group: list[str],
    everything: list[str],
    attempt: Attempting,
    rejected: frozenset[str],
) -> list[str]:
    """The fix of ``group`` that makes ``case`` differ: the last one of the shortest start of the group that does.

    All of ``everything`` where no single one can be found, because the case differs without any of them.
    """

    def differs(included: Collection[str]) -> bool:
        left_out = rejected.union(fix for fix in group if fix not in included)
        name = case.verdict.case
        return any(one.verdict.case == name for one in attempt(left_out, name).different)

    if len(group) < len(everything) and differs(()):
        group = everything  # the culprit is none of those that looked like it
    if not group or differs(()):
        return everything
    good, bad = 0, len(group)
    while bad - good > 1:
        middle = (good + bad) // 2
        if differs(group[:middle]):
            bad = middle
        else:
            good = middle
    return [group[bad - 1]]


def _blamed(fix: FixVerdict, cases: Sequence[CaseResult]) -> FixVerdict:
    """The verdict about a fix that is to blame; group testing may find one that nothing pointed to."""
    if fix.outcome is Outcome.DIFFERENT:
        return fix
    verdict = cases[0].verdict
    return replace(fix, outcome=Outcome.DIFFERENT, reason=verdict.reason, divergence=verdict.divergence)
