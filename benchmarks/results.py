"""The results of a run, the targets they are held against, and the two files that are committed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import tools
from benchmarks.corpus import FileSet
from benchmarks.measure import Usage
from benchmarks.tools import Tool


@dataclass(frozen=True, slots=True)
class Row:
    """One tool on one set. CPU and wall time are medians, memory is the largest value of all runs."""

    tool: str
    set_name: str
    files: int
    lines: int
    runs: int
    cpu_s: float
    wall_s: float
    main_mb: float
    worker_mb: float
    tree_mb: float
    failure: str | None = None  # why the figures are not to be believed


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was counted to know that the tools did the work that they were timed for."""

    files: int  # Python files in the set
    files_checked: int  # files that `modfix check` says it read
    mix_diff_lines: int  # lines that `modfix apply --diff` printed for the set
    diff_lines: int  # the same for `corpus.FIXABLE`, where there must be some
    cold_parses: int  # sources parsed without a cache
    warm_parses: int  # sources parsed by the same command again


@dataclass(frozen=True, slots=True)
class Run:
    """Everything one run of the benchmark found out."""

    date: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    startup_s: Mapping[str, float]  # least CPU seconds
    rows: tuple[Row, ...]
    evidence: Evidence | None  # None when modfix was not measured

    def row(self, tool: str, set_name: str) -> Row | None:
        """The row of a tool on a set, None when it was not measured or failed."""
        found = (row for row in self.rows if (row.tool, row.set_name, row.failure) == (tool, set_name, None))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Target:
    """A promise and what was measured; ``value`` is None, and the promise not kept, when something was not measured."""

    promise: str
    limit: float
    value: float | None
    digits: int = 2

    @property
    def met(self) -> bool:
        """Whether it was measured, and is within the limit."""
        return self.value is not None and self.value <= self.limit


def summarize(tool: Tool, file_set: FileSet, usages: Sequence[Usage]) -> Row:
    """The row for all runs of a tool on a set."""
    unexpected = sorted({usage.exit_code for usage in usages} - tool.accepted)
    return Row(
        tool.name,
        file_set.name,
        file_set.files,
        file_set.lines,
        len(usages),
        median(usage.cpu_s for usage in usages),
        median(usage.wall_s for usage in usages),
        max(usage.main_mb for usage in usages),
        max(usage.worker_mb for usage in usages),
        max(usage.tree_mb for usage in usages),
        f"exit code {', '.join(map(str, unexpected))}" if unexpected else None,
    )


def targets(run: Run) -> list[Target]:
    """What modfix promises about speed and memory, with the figures of this run."""
    evidence, wheels = run.evidence, tools.WHEEL_SETS
    return [
        Target("CPU of `check` / `ruff check --no-cache` (E, F)", 3.5, _ratio(run, tools.CHECK, tools.RUFF)),
        Target(
            "CPU of `check` / `ruff check --no-cache`, the three wheels",
            3.5,
            _ratio(run, tools.CHECK, tools.RUFF, wheels),
        ),
        Target("CPU of `check` / TorchFix", 1 / 100, _ratio(run, tools.CHECK, tools.TORCHFIX), 4),
        Target("CPU of `apply --diff` / `ruff check --no-cache`", 12, _ratio(run, tools.APPLY, tools.RUFF)),
        Target(
            "CPU of `apply --diff` / `ruff check --no-cache`, the three wheels",
            12,
            _ratio(run, tools.APPLY, tools.RUFF, wheels),
        ),
        Target("CPU of `apply --diff` / `libcst.tool` no-op", 1 / 15, _ratio(run, tools.APPLY, tools.LIBCST_TOOL), 4),
        Target("files parsed by a warm `check` with nothing changed", 0, _warm_parses(evidence), 0),
        Target("files of the set that `check` left out", 0, _left_out(evidence), 0),
        Target("CPU of `check` per line at 1.2M lines / at 100k lines, without start-up", 1.25, _growth(run)),
        Target("peak MB of a worker, `check` on transformers", 150, _worker_mb(run, tools.CHECK_2), 0),
        Target("peak MB of a worker, `apply --diff` on transformers", 150, _worker_mb(run, tools.APPLY_2), 0),
        Target("CPU seconds of `modfix --help`", 0.25, run.startup_s.get(tools.HELP), 3),
    ]


def _ours(run: Run, tool: str, set_name: str) -> Row | None:
    """A row of modfix, None without evidence: one that skips files or finds nothing to change is fast for nothing."""
    worked = _left_out(run.evidence) == 0 and run.evidence and run.evidence.diff_lines
    return run.row(tool, set_name) if worked else None


def _ratio(run: Run, tool: str, peer: str, sets: Sequence[str] = tools.MIX_ONLY) -> float | None:
    """CPU of ``tool`` / CPU of ``peer`` on all ``sets`` together."""
    ours = [row.cpu_s for name in sets if (row := _ours(run, tool, name))]
    theirs = [row.cpu_s for name in sets if (row := run.row(peer, name))]
    return sum(ours) / sum(theirs) if len(ours) == len(theirs) == len(sets) else None


def _warm_parses(evidence: Evidence | None) -> float | None:
    """None also when the counter missed parses in the cold run: then its 0 in the warm run means nothing."""
    return evidence.warm_parses if evidence and evidence.cold_parses >= evidence.files else None


def _left_out(evidence: Evidence | None) -> float | None:
    return evidence.files - evidence.files_checked if evidence else None


def _growth(run: Run) -> float | None:
    large, small = _ours(run, tools.CHECK, "transformers"), _ours(run, tools.CHECK, "100k")
    if not (large and small and tools.VERSION in run.startup_s):
        return None
    start_s = run.startup_s[tools.VERSION]
    return ((large.cpu_s - start_s) / large.lines) / ((small.cpu_s - start_s) / small.lines)


def _worker_mb(run: Run, tool: str) -> float | None:
    row = _ours(run, tool, "transformers")
    return row.worker_mb if row and row.worker_mb else None


def write(run: Run, folder: Path) -> Path:
    """Write ``<date>.json`` and ``<date>.md`` into ``folder``, and return the path of the second."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {**dataclasses.asdict(run), "targets": [{**dataclasses.asdict(t), "met": t.met} for t in targets(run)]}
    (folder / f"{run.date}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    table = folder / f"{run.date}.md"
    table.write_text(markdown(run), encoding="utf-8")
    return table


def markdown(run: Run) -> str:
    """The results for people."""
    parts = [
        f"# Benchmark of {run.date}",
        _HOW,
        _table(("", ""), [*run.machine.items(), *run.versions.items()]),
        "## Targets",
        _table(
            ("promise (on mix80k where no set is named)", "limit", "measured", ""), map(_target_cells, targets(run))
        ),
        _caveat(run.evidence),
        "## Start-up",
        _table(("command", "CPU s, least of all runs"), [(name, f"{s:.3f}") for name, s in run.startup_s.items()]),
    ]
    for set_name in dict.fromkeys(row.set_name for row in run.rows):
        rows = [row for row in run.rows if row.set_name == set_name]
        reference = run.row(tools.RUFF, set_name)
        parts += [
            f"## {set_name}: {rows[0].files:,} files, {rows[0].lines:,} lines",
            _table(_COLUMNS, [_row_cells(row, reference) for row in rows]),
        ]
    return "\n\n".join(parts) + "\n"


def _caveat(evidence: Evidence | None) -> str:
    """What the ratios of `apply` are worth."""
    if evidence is None:
        return "modfix was not measured."
    if evidence.mix_diff_lines:
        return f"`apply --diff` prints {evidence.mix_diff_lines:,} lines for mix80k."
    return (
        "`apply --diff` refuses every finding in mix80k and prints nothing: its figures are those of finding, and\n"
        f"hold no rewriting. For the legacy code of `fixtures/legacy_zoo` it prints {evidence.diff_lines:,} lines."
    )


_HOW = """\
Written by `make bench`. CPU is user + system time of the whole process tree; memory is resident memory. The figures
depend on the machine; the ratios, which are of CPU within this one run, hardly do. CPU and wall time are medians,
memory is the largest of all runs. One job unless the name of the row says otherwise; ruff and ast-grep take what they
take by default. `libcst.tool` runs a codemod that changes nothing. TorchFix and the linters do other work than modfix:
their ratios say what a user waits for."""
_COLUMNS = ("tool", "CPU s", "lines per CPU s", "x ruff", "wall s", "peak MB: process", "worker", "tree", "runs")


def _row_cells(row: Row, reference: Row | None) -> tuple[str, ...]:
    if row.failure:
        return (row.tool, f"failed: {row.failure}", *[""] * (len(_COLUMNS) - 3), str(row.runs))
    return (
        row.tool,
        f"{row.cpu_s:.2f}",
        f"{row.lines / row.cpu_s:,.0f}",
        f"{row.cpu_s / reference.cpu_s:.1f}" if reference else "",
        f"{row.wall_s:.2f}",
        *(f"{mb:.0f}" if mb else "" for mb in (row.main_mb, row.worker_mb, row.tree_mb)),
        str(row.runs),
    )


def _target_cells(target: Target) -> tuple[str, ...]:
    measured = "not measured" if target.value is None else f"{target.value:.{target.digits}f}"
    limit = f"<= {target.limit:.{target.digits}f}"
    return target.promise, limit, measured, "met" if target.met else "**missed**"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
