"""Guilty fixes are found and left out, in few runs; a made-up repository in which fix number i is line i of m.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import pytest

from modfix.model.finding import Applicability, Finding, Fix
from modfix.model.result import ApplyResult, CheckResult
from modfix.model.span import Location, Span
from modfix.model.verdict import Divergence, Outcome, Place, Verdict, VerifyResult
from modfix.verify.attribution import CaseResult, Change, Footprint, Side, judge
from modfix.verify.rollback import Attempt, Kept, keep

PASSED = frozenset({Outcome.PROVED, Outcome.IDENTICAL})


def findings(count: int) -> list[Finding]:
    fix = Fix("t", (), Applicability.SAFE)
    return [Finding("identity", Location("m.py", n, 1), Span(n, n), f"C{n}", "m", fix) for n in range(1, count + 1)]


class Repository:
    """``judge_case`` gets the numbers of the fixes that were made and gives the verdict about the one case."""

    def __init__(
        self, count: int, judge_case: Callable[[set[int]], Verdict], *, executed: Callable[[int], bool] = lambda n: True
    ) -> None:
        self.all = findings(count)
        self.judge_case = judge_case
        self.executed = executed
        self.runs = 0
        self.asked: list[str] = []

    def attempt(self, left_out: Collection[str], only: str) -> Attempt:
        self.runs += 1
        self.asked.append(only)
        made = [finding for finding in self.all if finding.fingerprint not in left_out]
        numbers = {finding.location.line for finding in made}
        sides = {
            f.fingerprint: Side({"m.py": frozenset({f.location.line})}, {"m.py": frozenset({f.location.line})})
            for f in made
        }
        change = Change({f.fingerprint: f for f in made}, {fix: Footprint(Side(), side) for fix, side in sides.items()})
        case = CaseResult(self.judge_case(numbers), {}, {"m.py": frozenset(filter(self.executed, numbers))})
        applied = ApplyResult((), tuple(made), CheckResult((), (), (), (), 0, 1))
        return Attempt(applied, change, [case], VerifyResult((case.verdict,), judge(change, [case])))

    def keep(self, acceptable: Collection[Outcome] = PASSED) -> Kept:
        return keep(self.attempt, acceptable)

    def numbers(self, kept: Kept) -> list[int]:
        return [self.all.index(finding) + 1 for finding in kept.applied.applied]


def wrong(line: int | None, reason: str = "outputs differ") -> Verdict:
    place = None if line is None else Place("aten.add", "", "m.py", line)
    return Verdict("net", Outcome.DIFFERENT, reason, divergence=Divergence("eval/output:", None, place))


def localized(guilty: Collection[int]) -> Callable[[set[int]], Verdict]:
    """The first guilty fix that was made shows."""
    return lambda made: wrong(min(made & set(guilty))) if made & set(guilty) else Verdict("net", Outcome.PROVED)


def hidden(is_wrong: Callable[[set[int]], bool]) -> Callable[[set[int]], Verdict]:
    return lambda made: wrong(None) if is_wrong(made) else Verdict("net", Outcome.PROVED)


def outcomes(kept: Kept) -> dict[str, Outcome]:
    return {fix.finding.subject: fix.outcome for fix in kept.result.fixes}


def test_what_passes_is_kept_in_one_run() -> None:
    repository = Repository(3, localized(()))
    kept = repository.keep()
    assert (repository.numbers(kept), kept.rolled_back, repository.runs) == ([1, 2, 3], (), 1)


@pytest.mark.parametrize("guilty", [{2}, {1, 4}, {1, 2, 3, 4, 5}])
def test_a_fix_that_a_divergence_points_to_costs_one_more_run(guilty: set[int]) -> None:
    repository = Repository(5, localized(guilty))
    kept = repository.keep()
    assert repository.numbers(kept) == sorted({1, 2, 3, 4, 5} - guilty)
    assert repository.runs == len(guilty) + 1
    assert outcomes(kept) == {f"C{n}": Outcome.DIFFERENT if n in guilty else Outcome.PROVED for n in range(1, 6)}


@pytest.mark.parametrize("culprit", [1, 7, 32])
def test_group_testing_finds_one_that_nothing_points_to(culprit: int) -> None:
    repository = Repository(32, hidden(lambda made: culprit in made))
    kept = repository.keep()
    assert repository.numbers(kept) == [n for n in range(1, 33) if n != culprit]
    assert outcomes(kept)[f"C{culprit}"] is Outcome.DIFFERENT
    assert repository.runs <= math.log2(32) + 3
    assert repository.asked[0] == repository.asked[-1] == ""
    assert set(repository.asked[1:-1]) == {"net"}


def test_of_two_that_are_wrong_only_together_one_goes() -> None:
    repository = Repository(8, hidden(lambda made: {3, 6} <= made))
    assert repository.numbers(repository.keep()) == [1, 2, 3, 4, 5, 7, 8]


def test_a_wrong_suspicion_is_noticed() -> None:
    # what the case ran are 1 to 4, but the fix that it hangs on is another
    repository = Repository(8, hidden(lambda made: 6 in made), executed=lambda n: n <= 4)
    kept = repository.keep(PASSED | {Outcome.UNVERIFIED})
    assert 6 not in repository.numbers(kept)
    assert {1, 2, 3, 4} <= set(repository.numbers(kept))


def test_where_no_fix_is_to_blame_none_is_kept() -> None:
    repository = Repository(4, hidden(lambda made: True))
    kept = repository.keep()
    assert repository.numbers(kept) == []
    assert set(outcomes(kept).values()) == {Outcome.DIFFERENT}


def test_unverified_fixes_go_and_the_rest_is_verified_again() -> None:
    repository = Repository(3, localized(()), executed=lambda n: n != 2)
    kept = repository.keep()
    assert (repository.numbers(kept), repository.runs) == ([1, 3], 2)
    assert outcomes(kept) == {"C1": Outcome.PROVED, "C2": Outcome.UNVERIFIED, "C3": Outcome.PROVED}
    assert kept.rolled_back == (repository.all[1].fingerprint,)


def test_unverified_fixes_may_be_kept() -> None:
    repository = Repository(3, localized(()), executed=lambda n: n != 2)
    assert repository.numbers(repository.keep(PASSED | {Outcome.UNVERIFIED})) == [1, 2, 3]


def test_different_fixes_go_whatever_is_acceptable_by_the_user() -> None:
    repository = Repository(3, localized({2}))
    assert repository.numbers(repository.keep(PASSED | {Outcome.UNVERIFIED, Outcome.CLOSE})) == [1, 3]


def test_what_differs_because_of_another_fix_gets_a_second_chance() -> None:
    repository = Repository(2, localized({1}))
    assert outcomes(repository.keep()) == {"C2": Outcome.PROVED, "C1": Outcome.DIFFERENT}
