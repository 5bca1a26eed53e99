from __future__ import annotations

from modfix.model.finding import Applicability, Finding, Fix
from modfix.model.result import FileChange, Step
from modfix.model.source import SourceFile
from modfix.model.span import Location, Span
from modfix.model.verdict import Divergence, Outcome, Place, Verdict
from modfix.patch.diff import make_patch
from modfix.verify.attribution import CaseResult, Change, change_by_hand, change_of_fixes, judge, suspects
from modfix.verify.lines import Source

BEFORE = """\
import torch
from torch import nn


class A(nn.Module):
    def __init__(self, act=None):
        super().__init__()
        self.act = act

    def forward(self, x):
        if self.act is not None:
            x = self.act(x)
        return x


class B(nn.Module):
    def forward(self, x):
        return torch.relu(x)
"""
# the two fixes, one after the other
STEP_A = BEFORE.replace("self.act = act", "self.act = act or nn.Identity()").replace(
    "        if self.act is not None:\n            x = self.act(x)\n", "        x = self.act(x)\n"
)
STEP_B = STEP_A.replace("torch.relu(x)", "torch.relu(x) + 0")


def finding(subject: str) -> Finding:
    return Finding("identity", Location("m.py", 1, 1), Span(0, 1), subject, "m", Fix("t", (), Applicability.SAFE))


A, B = finding("A.act"), finding("B")
FIX_A, FIX_B = A.fingerprint, B.fingerprint


def change() -> Change:
    file = FileChange(SourceFile("m.py", BEFORE), (Step((FIX_A,), STEP_A), Step((FIX_B,), STEP_B)))
    findings = {FIX_A: A, FIX_B: B}
    return change_of_fixes(make_patch([file], findings), [A, B], {"m.py": BEFORE}, {"m.py": STEP_B})


def result(
    outcome: Outcome, before: set[int], after: set[int], *, case: str = "net", places: tuple[int, int] | None = None
) -> CaseResult:
    divergence = None
    if places is not None:
        divergence = Divergence(
            "eval/output:", *(Place("aten.add", "", "m.py", line) if line else None for line in places)
        )
    return CaseResult(
        Verdict(case, outcome, "" if outcome.passed else "why", divergence=divergence),
        {"m.py": frozenset(before)},
        {"m.py": frozenset(after)},
    )


ALL_BEFORE, ALL_AFTER = {8, 11, 12, 18}, {8, 11, 17}


def outcomes(*results: CaseResult) -> dict[str, tuple[Outcome, str]]:
    return {verdict.finding.subject: (verdict.outcome, verdict.reason) for verdict in judge(change(), results)}


def test_every_changed_line_belongs_to_its_fix() -> None:
    made = change()
    assert made.footprints[FIX_A].before.called == {"m.py": frozenset({8, 11, 12})}
    assert made.footprints[FIX_A].after.called == {"m.py": frozenset({8, 11})}
    assert made.footprints[FIX_B].before.called == {"m.py": frozenset({18})}
    assert made.watched("before") == {"m.py": sorted(ALL_BEFORE)}
    assert made.watched("after") == {"m.py": sorted(ALL_AFTER)}


def test_all_lines_in_one_case() -> None:
    assert outcomes(result(Outcome.PROVED, ALL_BEFORE, ALL_AFTER)) == {
        "A.act": (Outcome.PROVED, ""),
        "B": (Outcome.PROVED, ""),
    }


def test_lines_add_up_over_cases() -> None:
    one, two = result(Outcome.PROVED, {8, 11}, {8, 11}), result(Outcome.IDENTICAL, {8, 11, 12}, {8}, case="other")
    assert outcomes(one, two)["A.act"] == (Outcome.IDENTICAL, "")
    (verdict, _) = judge(change(), [one, two])
    assert verdict.cases == ("net", "other")


def test_what_did_not_run_is_unverified_and_listed() -> None:
    a, b = judge(change(), [result(Outcome.PROVED, {8, 11}, {8, 11})])
    assert (a.outcome, a.reason, a.not_executed) == (Outcome.UNVERIFIED, "not executed", ("before:m.py:12",))
    assert (b.outcome, b.reason, b.cases) == (Outcome.UNVERIFIED, "not executed", ())
    assert b.not_executed == ("after:m.py:17", "before:m.py:18")


def test_a_case_that_fails_in_part_is_named() -> None:
    case = CaseResult(Verdict("net", Outcome.PROVED), partial=True)
    assert all("`net`, which fails in part" in verdict.reason for verdict in judge(change(), [case]))


def test_without_cases_nothing_is_verified() -> None:
    assert {outcome for outcome, _ in outcomes().values()} == {Outcome.UNVERIFIED}


def test_the_worst_case_counts() -> None:
    found = outcomes(
        result(Outcome.PROVED, ALL_BEFORE, ALL_AFTER), result(Outcome.UNVERIFIED, {8}, set(), case="other")
    )
    assert found == {"A.act": (Outcome.UNVERIFIED, "why"), "B": (Outcome.PROVED, "")}


def test_a_divergence_is_blamed_on_the_fix_that_changed_the_line() -> None:
    case = result(Outcome.DIFFERENT, ALL_BEFORE, ALL_AFTER, places=(18, 17))
    assert suspects(change(), case) == [FIX_B]
    assert outcomes(case) == {
        "A.act": (Outcome.UNVERIFIED, "`net` differs because of another fix"),
        "B": (Outcome.DIFFERENT, "why"),
    }


def test_the_line_before_counts_where_the_side_after_has_nothing() -> None:
    assert suspects(change(), result(Outcome.DIFFERENT, ALL_BEFORE, ALL_AFTER, places=(12, 0))) == [FIX_A]


def test_then_the_class_counts() -> None:
    assert suspects(change(), result(Outcome.DIFFERENT, ALL_BEFORE, ALL_AFTER, places=(13, 12))) == [FIX_A]


def test_else_all_that_ran_are_suspects() -> None:
    assert suspects(change(), result(Outcome.DIFFERENT, ALL_BEFORE, ALL_AFTER, places=(1, 1))) == [FIX_A, FIX_B]
    assert suspects(change(), result(Outcome.DIFFERENT, {8}, {8})) == [FIX_A]


def test_where_a_side_failed_every_fix_is_a_suspect() -> None:
    assert suspects(change(), CaseResult(Verdict("net", Outcome.DIFFERENT, "after fails"))) == [FIX_A, FIX_B]


def by_hand(before: str, after: str) -> Change:
    file = FileChange(SourceFile("m.py", before), (Step(("by hand",), after),))
    return change_by_hand(make_patch([file], {}), {"m.py": before}, {"m.py": after})


def test_changes_by_hand_are_divided_by_class() -> None:
    made = by_hand(BEFORE, STEP_B.replace("import torch\n", "import torch  # noqa\n"))
    assert [finding.subject for finding in made.fixes.values()] == ["m.py", "A", "B"]
    assert [finding.location.line for finding in made.fixes.values()] == [1, 8, 17]
    by_class = dict(zip("mAB", made.footprints.values(), strict=True))
    assert by_class["A"].before.called == {"m.py": frozenset({8, 11, 12})}
    assert by_class["m"].after.imported == {"m.py": frozenset({1})}


def test_comments_and_broken_files_are_no_fixes() -> None:
    assert by_hand(BEFORE, BEFORE.replace("\n\n\nclass B", "\n\n\n# about B\nclass B")).fixes == {}
    assert by_hand("def (:\n", "def ):\n").fixes == {}


def test_what_the_import_runs_counts_for_the_cases_that_use_the_file() -> None:
    text = "WIDTH = 3\n\n\ndef net(x):\n    return x\n"
    made = by_hand(text, text.replace("3", "4"))
    assert made.watched("after") == {"m.py": [1, 5]}
    used, unused = result(Outcome.PROVED, {1, 5}, {1, 5}), result(Outcome.PROVED, {1}, {1}, case="other")
    assert [(v.outcome, v.cases) for v in judge(made, [used, unused])] == [(Outcome.PROVED, ("net",))]
    assert [v.outcome for v in judge(made, [unused])] == [Outcome.UNVERIFIED]


LINES = """\
import os

X = [
    1,
    2,
]


@decorate(
    1
)
class C:
    '''Text

    more'''
    y = 1

    def f(self, a=1):
        '''Text'''
        # comment
        return g(
            a,
            k=1,
            m="long",
        )

    def one(self): return 1


key = lambda x: x
"""


def test_lines_with_code() -> None:
    source = Source.read(LINES)
    assert {27, 30} <= source.called  # on one line: only a call shows that it ran
    assert {1, 16, 18} <= source.imported
    assert 21 in source.called
    assert source.executable({20, 26}) == frozenset()  # a comment, a blank line
    assert source.executable({14}) <= source.imported  # a docstring runs nothing that a case could run
    assert source.executable({4})
    assert source.executable({4}) <= {3, 4}
    assert source.executable({24})
    assert source.executable({24}) <= {21, 24}
    assert [(scope.name, scope.start, scope.end) for scope in source.scopes] == [("C", 9, 27)]
    assert (source.scope(10), source.scope(27), source.scope(29)) == ("C", "C", "")


def test_a_file_that_does_not_parse_has_no_code() -> None:
    source = Source.read("def (:\n")
    assert source.executable({1}) == frozenset()
    assert source.scope(1) == ""
