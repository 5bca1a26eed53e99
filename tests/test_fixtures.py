"""Every fixture: the codemod does what the case says, and both versions compute the same bits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from modfix.testing import behaviour
from modfix.testing.fixtures import Case, load
from modfix.testing.harness import run_case

CASES = load(Path(__file__).parents[1] / "fixtures")
IDS = [f"{case.codemod}-{case.name}" for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_rewrite(case: Case) -> None:
    run_case(case)


@pytest.fixture(scope="module")
def differences() -> dict[Path, list[str]]:
    if reason := behaviour.unavailable():
        pytest.skip(reason)
    return behaviour.compare_cases(CASES)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_behaviour(case: Case, differences: dict[Path, list[str]]) -> None:
    if case.expect.behaviour is None:
        assert not differences[case.folder]


def test_two_in_five_cases_are_left_alone() -> None:
    total, left_alone = Counter(case.codemod for case in CASES), Counter(c.codemod for c in CASES if c.after is None)
    assert total
    assert all(left_alone[codemod] / total[codemod] >= 0.4 for codemod in total)
