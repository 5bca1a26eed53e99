"""The verifier refutes: no wrong rewrite of the zoo passes, and nearly all equal ones are proved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modfix.model.verdict import Outcome
from modfix.verify.process import Workers
from tests.verify.mutants import Rewrite, load
from tests.verify.mutants.judge import Judge, fault

WRONG = list(load("WRONG"))
EQUAL = list(load("EQUAL"))

# What does not come out as it should yet, and why. No wrong one is among them that would pass.
KNOWN = {
    "unet-norm_where_there_was_none": "another place: the first operator of the new norm has the hash of one of another"
    " norm, as both make a weight of one size, and which of them is the new one does not show",
}


def parameters(rewrites: list[Rewrite], *, fast: str, slow: int) -> list[Any]:
    """The rewrites as parameters: the first of each group by ``fast`` runs always, the first of ``slow`` kinds of each file
    with the slow tests, and the rest with `make exhaustive`."""
    groups: set[str] = set()
    kinds: dict[str, set[str]] = {}
    found = []
    for rewrite in rewrites:
        group = getattr(rewrite, fast)
        of_file = kinds.setdefault(rewrite.file, set())
        is_sample = rewrite.kind not in of_file and len(of_file) < slow
        of_file.add(rewrite.kind)
        marks: list[pytest.MarkDecorator] = []
        if group in groups:
            marks.append(pytest.mark.slow if is_sample else pytest.mark.exhaustive)
        if rewrite.id in KNOWN:
            marks.append(pytest.mark.xfail(reason=KNOWN[rewrite.id]))
        groups.add(group)
        found.append(pytest.param(rewrite, id=rewrite.id, marks=marks))
    return found


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    pytest.importorskip("torch")
    with Workers(device="cpu", time_limit_s=300) as workers:
        yield Judge(workers, tmp_path_factory.mktemp("rewrites"))


@pytest.mark.parametrize("rewrite", parameters(WRONG, fast="kind", slow=4))
def test_wrong_rewrite_is_refuted(judge: Judge, rewrite: Rewrite) -> None:
    assert not fault(rewrite, judge.verdict(rewrite))


@pytest.mark.parametrize("rewrite", parameters(EQUAL, fast="file", slow=2))
def test_equal_rewrite_is_proved(judge: Judge, rewrite: Rewrite) -> None:
    assert not fault(rewrite, judge.verdict(rewrite))


def test_there_are_enough_and_each_can_be_applied() -> None:
    assert len(WRONG) >= 300
    assert len(EQUAL) >= 60
    assert len({rewrite.id for rewrite in WRONG + EQUAL}) == len(WRONG + EQUAL)
    for rewrite in WRONG + EQUAL:
        assert rewrite.apply()


def test_nearly_all_equal_rewrites_have_to_be_proved() -> None:
    provable = [rewrite for rewrite in EQUAL if rewrite.outcomes == (Outcome.PROVED,)]
    assert len(provable) >= 0.95 * len(EQUAL)
