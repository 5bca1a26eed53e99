"""modfix against its peers: measure, write the table, say which targets are missed.

    python -m benchmarks.run                 everything, about ten minutes
    python -m benchmarks.run --only ruff     the tools whose name contains "ruff", to try something out

Runs in the environment that modfix is installed in. Exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks import corpus, results, tools
from benchmarks.corpus import FileSet
from benchmarks.measure import Usage, measure
from benchmarks.results import Evidence, Row, Run
from benchmarks.tools import Tool

HERE = Path(__file__).resolve().parent
STARTUP_RUNS = 7
SLOW_S = 20.0  # what takes longer is not repeated: its noise is small against the ratios that it is used for
FAST_S = 1.0  # what takes less is repeated more often: this is where the noise is
FAST_FACTOR = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    options = _parser().parse_args(arguments)
    if not Path("/proc/self/smaps_rollup").exists():
        sys.exit("memory is read from /proc, so the benchmark runs on Linux only")
    sets = corpus.build(options.corpus.resolve())
    with tempfile.TemporaryDirectory() as scratch:
        run = _run(options, sets, Path(scratch))
    table = results.write(run, options.output)
    missed = [target.promise for target in results.targets(run) if not target.met]
    print(table.read_text(encoding="utf-8"))
    for promise in missed:
        print(f"missed: {promise}", file=sys.stderr)
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=HERE / "corpus", help="where wheels and file sets are kept")
    parser.add_argument("--environments", type=Path, default=HERE / ".venv", help="where the peers are installed")
    parser.add_argument("--output", type=Path, default=HERE / "results", help="where the table is written")
    parser.add_argument("--runs", type=int, default=5, help="runs of each tool; fast ones run more often")
    parser.add_argument("--sets", nargs="+", choices=tools.CORPUS_SETS + tools.SCALE_SETS, help="only these file sets")
    parser.add_argument("--only", default="", help="only tools whose name contains this")
    return parser


def _run(options: argparse.Namespace, sets: dict[str, FileSet], scratch: Path) -> Run:
    chosen = [
        tool
        for tool in [*tools.peer_tools(options.environments.resolve()), *tools.modfix_tools(scratch / "cache")]
        if options.only in tool.name
    ]
    with_modfix = any(tool.name.startswith("modfix") for tool in chosen)
    # First, for without it the rest is not worth the wait.
    evidence = _evidence(sets["mix80k"], sets["fixable"], scratch) if with_modfix else None
    startup = _startup(tools.startup_tools()) if with_modfix else {}
    rows = [
        row
        for name in options.sets or tools.CORPUS_SETS + tools.SCALE_SETS
        for row in _measure_set(sets[name], [tool for tool in chosen if name in tool.sets], options.runs)
    ]
    return Run(
        date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        machine=_machine(),
        versions=tools.versions() | {f"{wheel.name} (corpus)": wheel.version for wheel in corpus.WHEELS},
        startup_s=startup,
        rows=tuple(rows),
        evidence=evidence,
    )


def _measure_set(file_set: FileSet, chosen: Sequence[Tool], runs: int) -> list[Row]:
    """Measure the tools in turn, round by round, so that a busy spell of the machine hits all of them."""
    for tool in chosen:
        if tool.primed:
            measure(tool.command, cwd=file_set.root, env=dict(tool.env))
    usages: dict[str, list[Usage]] = defaultdict(list)
    for number in range(FAST_FACTOR * runs):
        for tool in chosen:
            if number < _wanted(usages[tool.name], runs):
                print(f"{file_set.name}: {tool.name}", file=sys.stderr)
                usages[tool.name].append(measure(tool.command, cwd=file_set.root, env=dict(tool.env)))
    return [results.summarize(tool, file_set, usages[tool.name]) for tool in chosen]


def _wanted(done: Sequence[Usage], runs: int) -> int:
    """How often to run a tool, judged by its first run."""
    if not done or done[0].wall_s > SLOW_S:
        return 1
    return runs * FAST_FACTOR if done[0].wall_s < FAST_S else runs


def _startup(commands: Sequence[Tool]) -> dict[str, float]:
    """Least CPU seconds of several runs: only the machine can make a start slower. A command that fails is left out."""
    usages = {tool: [measure(tool.command, cwd=HERE) for _ in range(STARTUP_RUNS)] for tool in commands}
    return {
        tool.name: min(usage.cpu_s for usage in runs)
        for tool, runs in usages.items()
        if all(usage.exit_code in tool.accepted for usage in runs)
    }


def _evidence(file_set: FileSet, fixable: FileSet, scratch: Path) -> Evidence:
    """Whether modfix did the work: files read, lines of the diff, and sources parsed without and with a cache."""
    modfix = tools.modfix_command()
    check = ("check", "--codemod", "all", "--jobs", "1", ".")
    apply = ("apply", "--codemod", "identity", "--diff", "--no-cache", ".")
    report = scratch / "report.json"
    measure((modfix, *check, "--no-cache", "--output-format", "json"), cwd=file_set.root, stdout=report)
    diffs = []
    for root in (file_set.root, fixable.root):
        diff = scratch / "diff"
        measure((modfix, *apply), cwd=root, stdout=diff)
        diffs.append(diff.read_bytes().count(b"\n"))
    parses = []
    for _ in ("cold", "warm"):
        count = scratch / "parses"
        count.write_text("0")
        command = (sys.executable, tools.SCRIPTS / "count_parses.py", count, *check)
        measure(command, cwd=file_set.root, env={"XDG_CACHE_HOME": str(scratch / "counted")})
        parses.append(int(count.read_text()))
    return Evidence(file_set.files, _files_checked(report), *diffs, *parses)


def _files_checked(report: Path) -> int:
    """The number of files in a report of `check`, 0 when there is no report."""
    text = report.read_text(encoding="utf-8")
    return int(json.loads(text)["files"]) if text else 0


def _machine() -> dict[str, str]:
    """What the figures depend on, and nothing that tells whose machine it is."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.exit(main())
