from __future__ import annotations

import dataclasses

import pytest

from modfix.engine.overlap import settle
from modfix.model.edit import (
    AddMethod,
    CollapseBranch,
    Edit,
    EnsureImport,
    InsertAfter,
    InsertBefore,
    RemoveStatement,
    ReplaceExpression,
    WrapStatements,
)
from modfix.model.finding import Applicability, Finding, Fix
from modfix.model.span import Location, Span


def finding(subject: str, *edits: Edit) -> Finding:
    fix = Fix("fix", edits, Applicability.SAFE)
    return Finding("codemod", Location("a.py", 1, 1), Span(0, 1), subject, "message", fix)


def settled(*fixes: tuple[Edit, ...]) -> list[str]:
    return [f.subject for f in settle([finding(str(index), *edits) for index, edits in enumerate(fixes)])]


def replace(start: int, end: int, path: str = "a.py") -> ReplaceExpression:
    return ReplaceExpression(path, Span(start, end), "x")


def test_a_name_is_taken_once() -> None:
    claims = [frozenset({"a.py:Net.relu"}), frozenset({"a.py:Net.relu", "a.py:Sub.relu"}), frozenset({"a.py:Sub.gelu"})]
    findings = [
        replace_fix(finding(str(index), replace(10 * index, 10 * index + 5)), claim)
        for index, claim in enumerate(claims)
    ]
    assert [f.subject for f in settle(findings)] == ["0", "2"]


def replace_fix(found: Finding, claims: frozenset[str]) -> Finding:
    assert found.fix is not None
    return dataclasses.replace(found, fix=dataclasses.replace(found.fix, claims=claims))


BRANCH = CollapseBranch("a.py", Span(10, 50), "body")
CLASS = Span(0, 100)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (replace(10, 20), replace(10, 20)),
        (replace(10, 20), replace(15, 25)),
        (BRANCH, RemoveStatement("a.py", Span(20, 30))),
        (RemoveStatement("a.py", Span(20, 30)), BRANCH),
        (BRANCH, InsertAfter("a.py", Span(20, 30), "y")),
        (InsertBefore("a.py", Span(10, 50), "y"), BRANCH),
        (WrapStatements("a.py", Span(10, 20), Span(30, 40), "if a:"), replace(22, 24)),
        (InsertAfter("a.py", Span(30, 40), "y"), WrapStatements("a.py", Span(10, 20), Span(30, 40), "if a:")),
        (RemoveStatement("a.py", CLASS), AddMethod("a.py", CLASS, "def f(self): ...")),
        (EnsureImport("a.py", "torch", "nn"), EnsureImport("a.py", "flax", "linen", "nn")),
    ],
)
def test_the_later_of_two_that_want_the_same_place_waits(first: Edit, second: Edit) -> None:
    assert settled((first,), (second,)) == ["0"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (replace(10, 20), replace(20, 30)),
        (replace(10, 20), replace(10, 20, "b.py")),
        (InsertAfter("a.py", Span(10, 20), "x"), InsertAfter("a.py", Span(10, 20), "y")),
        (AddMethod("a.py", CLASS, "def f(self): ..."), AddMethod("a.py", CLASS, "def g(self): ...")),
        (AddMethod("a.py", CLASS, "def f(self): ..."), replace(90, 100)),
        (replace(0, 5), InsertAfter("a.py", Span(0, 20), "x")),
        (EnsureImport("a.py", "torch", "nn"), EnsureImport("a.py", "torch", "nn")),
        (EnsureImport("a.py", "torch", "nn"), EnsureImport("a.py", "torch.nn", None, "nn")),
        (EnsureImport("a.py", "torch"), EnsureImport("a.py", "torch.nn")),
        (EnsureImport("a.py", "torch", "nn"), EnsureImport("b.py", "flax", "linen", "nn")),
    ],
)
def test_two_that_do_not_disturb_each_other_are_made_together(first: Edit, second: Edit) -> None:
    assert settled((first,), (second,)) == ["0", "1"]


def test_one_overlap_makes_the_whole_fix_wait() -> None:
    assert settled((replace(10, 20),), (replace(30, 40), replace(15, 17)), (replace(30, 40),)) == ["0", "2"]


def test_edits_of_one_fix_may_lie_inside_each_other() -> None:
    nested = (replace(22, 24), BRANCH, RemoveStatement("a.py", Span(20, 30)))
    assert settled(nested, (replace(40, 45),), (replace(22, 24),), (replace(50, 60),)) == ["0", "3"]


def test_agrees_with_comparing_all_pairs() -> None:
    import random

    randomly = random.Random(7)
    for _ in range(200):
        spans = [(start, start + randomly.randint(1, 9)) for start in randomly.choices(range(60), k=20)]
        expected: list[int] = []
        for index, (start, end) in enumerate(spans):
            if all(end <= spans[other][0] or spans[other][1] <= start for other in expected):
                expected.append(index)
        assert settled(*((replace(*span),) for span in spans)) == [str(index) for index in expected]
