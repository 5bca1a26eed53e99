"""Every fixture: the codemod does what the case says, and both versions compute the same bits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from modfix.engine import registry
from modfix.testing import behaviour
from modfix.testing.fixtures import Case, load
from modfix.testing.harness import run_case
from modfix.verify import listed_cases
from modfix.verify.process import Workers
from modfix.verify.run import Options, expand, verify_cases

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
    if case.is_run:
        assert not differences[case.folder]


CHANGED = [case for case in CASES if case.after is not None and case.expect.behaviour is None]
SAMPLE = 4  # one case in so many is verified by `make test`, all by `make exhaustive`
SAMPLED = [
    pytest.param(
        case,
        marks=pytest.mark.slow if number % SAMPLE == 0 or case.expect.only_verifier else pytest.mark.exhaustive,
        id=f"{case.codemod}-{case.name}",
    )
    for number, case in enumerate(CHANGED)
]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    if reason := behaviour.unavailable():
        pytest.skip(reason)
    with Workers(device="cpu", time_limit_s=300) as running:
        yield running


@pytest.mark.parametrize("case", SAMPLED)
def test_verdict(case: Case, workers: Workers, tmp_path: Path) -> None:
    """The verifier proves what the codemod did."""
    sides = []
    for name, files in (("before", case.before), ("after", case.after or {})):
        for path, text in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_bytes(text.encode())
        sides.append(workers.open(tmp_path / name, isolation="process"))  # our own code: no fork a case
    declared = dict.fromkeys(registry.load().codemods[case.codemod].declares, case.codemod)
    options = Options(device="cpu", allow=case.expect.allow, declared=declared)
    module = "main" if "main.py" in case.before else "model"
    ready, missing = expand(sides[0], sides[1], [listed_cases(f"{module}:cases")])
    assert not missing, missing[0].verdict.reason
    for result in verify_cases(sides[0], sides[1], ready, options):
        assert result.verdict.outcome.passed, f"{result.verdict.case}: {result.verdict.reason}"
    for side in sides:
        side.close()


def test_two_in_five_cases_are_left_alone() -> None:
    total, left_alone = Counter(case.codemod for case in CASES), Counter(c.codemod for c in CASES if c.after is None)
    assert total
    assert all(left_alone[codemod] / total[codemod] >= 0.4 for codemod in total)


@pytest.mark.parametrize("codemod", sorted({case.codemod for case in CASES}))
def test_the_table_of_each_codemod_names_and_counts_its_cases(codemod: str) -> None:
    cases = [case for case in CASES if case.codemod == codemod]
    table = (cases[0].folder.parent / "README.md").read_text(encoding="utf-8")
    left_alone = sum(case.after is None for case in cases)
    assert f"\n{len(cases)} cases, of which {left_alone} must not change" in table
    assert [case.name for case in cases if not re.search(rf"\b{case.name}\b", table)] == []
