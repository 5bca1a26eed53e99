"""Counts and their table."""

from __future__ import annotations

from dataclasses import replace

from modfix.report.statistics import by_codemod, table, total
from tests.report import samples


def test_the_table_has_a_row_for_each_codemod_and_kind_of_refusal() -> None:
    hooks = replace(samples.SAFE, codemod="hooks")
    findings = [*samples.RESULT.findings, samples.ELSEWHERE, hooks]
    assert table(by_codemod(findings)) == (
        "codemod             safe  unsafe  display  refused\n"
        "hooks                  1       0        0        0\n"
        "identity               1       1        1        3\n"
        "  outside-use                                    2\n"
        "  arithmetic-guard                               1\n"
    )


def test_the_total_is_over_all_codemods() -> None:
    counts = total([samples.SAFE, replace(samples.SAFE, codemod="hooks"), samples.REFUSED])
    assert (counts.safe, counts.unsafe, counts.display, counts.refused) == (2, 0, 0, 1)
