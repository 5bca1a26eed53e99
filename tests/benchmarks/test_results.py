from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks import results, tools
from benchmarks.corpus import FileSet
from benchmarks.measure import Usage
from benchmarks.results import Evidence, Row, Run

CPU_S = {
    tools.RUFF: 0.2,
    tools.LIBCST_TOOL: 32.0,
    tools.TORCHFIX: 100.0,
    tools.CHECK: 0.6,
    tools.CHECK_2: 0.7,
    tools.APPLY: 2.0,
    tools.APPLY_2: 2.2,
}


def usage(cpu_s: float, exit_code: int = 0, worker_mb: float = 90.0) -> Usage:
    return Usage(exit_code, cpu_s, cpu_s, 50.0, worker_mb, 120.0)


def row(tool: str, set_name: str, lines: int, cpu_s: float) -> Row:
    file_set = FileSet(set_name, Path("unused"), 100, lines)
    return results.summarize(tools.Tool(tool, (), ()), file_set, [usage(cpu_s)])


@pytest.fixture
def run() -> Run:
    mixed = [row(tool, "mix80k", 81_000, cpu_s) for tool, cpu_s in CPU_S.items()]
    scaled = [row(tool, name, 1_200_000, 12 * cpu_s) for name in tools.WHEEL_SETS for tool, cpu_s in CPU_S.items()]
    return Run(
        date="2026-11-23",
        machine={"cores": "2"},
        versions={"modfix": "0.1.0"},
        startup_s={tools.HELP: 0.2, tools.VERSION: 0.1},
        rows=(*mixed, *scaled, row(tools.CHECK, "100k", 100_000, 0.7)),
        evidence=Evidence(
            files=100, files_checked=100, mix_diff_lines=0, diff_lines=40, cold_parses=100, warm_parses=0
        ),
    )


def missed(run: Run) -> list[str]:
    return [target.promise for target in results.targets(run) if not target.met]


def with_row(run: Run, new: Row) -> Run:
    rows = (new if (old.tool, old.set_name) == (new.tool, new.set_name) else old for old in run.rows)
    return dataclasses.replace(run, rows=tuple(rows))


def test_a_run_within_all_limits_misses_nothing(run: Run) -> None:
    assert missed(run) == []


@pytest.mark.parametrize(
    ("slow", "promises"),
    [
        (row(tools.CHECK, "mix80k", 81_000, 0.71), ["ruff"]),
        (row(tools.CHECK, "mix80k", 81_000, 1.1), ["ruff", "TorchFix"]),
        (row(tools.APPLY, "mix80k", 81_000, 2.3), ["libcst.tool"]),
        (row(tools.APPLY, "mix80k", 81_000, 2.5), ["ruff", "libcst.tool"]),
        (row(tools.CHECK, "transformers", 1_200_000, 9.5), ["per line"]),
        (row(tools.CHECK, "monai", 1_200_000, 11.0), ["three wheels"]),
    ],
)
def test_a_slow_run_misses_exactly_what_it_is_too_slow_for(run: Run, slow: Row, promises: list[str]) -> None:
    found = missed(with_row(run, slow))

    assert len(found) == len(promises)
    assert all(part in promise for part, promise in zip(promises, found, strict=True))


def test_a_peer_that_failed_is_no_reference(run: Run) -> None:
    broken = dataclasses.replace(row(tools.TORCHFIX, "mix80k", 81_000, 0.1), failure="exit code 1")

    assert missed(with_row(run, broken)) == ["CPU of `check` / TorchFix"]
    assert "failed: exit code 1" in results.markdown(with_row(run, broken))


@pytest.mark.parametrize("lack", [{"files_checked": 99}, {"diff_lines": 0}])
def test_ratios_do_not_count_without_evidence_of_work(run: Run, lack: dict[str, int]) -> None:
    assert run.evidence is not None
    idle = dataclasses.replace(run, evidence=dataclasses.replace(run.evidence, **lack))

    assert [promise for promise in missed(idle) if promise.startswith("CPU of") and " / " in promise]


@pytest.mark.parametrize("parses", [{"warm_parses": 1}, {"cold_parses": 0}])
def test_warm_run_counts_only_with_a_counter_that_counts(run: Run, parses: dict[str, int]) -> None:
    assert run.evidence is not None
    changed = dataclasses.replace(run, evidence=dataclasses.replace(run.evidence, **parses))

    assert missed(changed) == ["files parsed by a warm `check` with nothing changed"]


def test_summary_is_the_median_time_and_the_largest_memory() -> None:
    tool = tools.Tool("tool", (), (), accepted=frozenset({0, 1}))
    runs = [usage(3.0, 1, 10.0), usage(1.0, 0, 30.0), usage(2.0, 1, 20.0)]

    summary = results.summarize(tool, FileSet("set", Path("unused"), 7, 900), runs)

    assert (summary.runs, summary.cpu_s, summary.worker_mb, summary.failure) == (3, 2.0, 30.0, None)
    assert results.summarize(tool, FileSet("set", Path("unused"), 7, 900), [usage(1.0, 2)]).failure == "exit code 2"


def test_the_files_hold_table_targets_and_versions_but_no_paths(run: Run, tmp_path: Path) -> None:
    table = results.write(run, tmp_path / "results").read_text()
    data = json.loads((tmp_path / "results" / "2026-11-23.json").read_text())

    assert "| modfix check | 0.60 | 135,000 | 3.0 | 0.60 | 50 | 90 | 120 | 1 |" in table
    assert "| CPU of `check` / TorchFix | <= 0.0100 | 0.0060 | met |" in table
    assert "| modfix | 0.1.0 |" in table
    assert "## mix80k: 100 files, 81,000 lines" in table
    assert [target["met"] for target in data["targets"]] == [True] * len(results.targets(run))
    assert "unused" not in table + json.dumps(data)
