"""CPU time and peak memory of a command and of every process it starts. Linux only: memory comes from /proc."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SAMPLE_S = 0.005  # a process shorter than this may be missed by the memory columns, never by the CPU column
SAMPLE_SHARE = 0.02  # of the time so far: looking at a long run as often as at a short one would slow it down
KIB_PER_MB = 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run of a command cost."""

    exit_code: int
    cpu_s: float  # user + system, the command and all descendants that were waited for
    wall_s: float
    main_mb: float  # peak resident memory of the process that was started
    worker_mb: float  # the same of its largest descendant, 0 when it has none
    tree_mb: float  # peak of the sum over the tree, pages that processes share counted once


def measure(
    command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None, stdout: Path | None = None
) -> Usage:
    """Run ``command`` in ``cwd`` to its end and return what it cost.

    ``env`` is added to the current environment, in which Python may keep byte code, as it does for every user: a tool
    that compiles its own modules anew in each run would be measured at something else. Standard output goes to the file
    ``stdout``, by default nowhere; standard error is dropped. Raises OSError when the command cannot be started.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with open(stdout or os.devnull, "wb") as sink:
        started = time.perf_counter()
        process = subprocess.Popen(
            [os.fspath(part) for part in command],
            cwd=cwd,
            env={**inherited, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.DEVNULL,
        )
    sampler = _MemorySampler(process.pid)
    sampler.start()
    # Not `process.wait()`: only wait4 says what this child, with all descendants that it reaped, has used.
    _, status, rusage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    sampler.stop()
    process.returncode = os.waitstatus_to_exitcode(status)  # else Popen warns that the child is still running
    workers_kib = [kib for pid, kib in sampler.peak_kib.items() if pid != process.pid]
    return Usage(
        exit_code=process.returncode,
        cpu_s=rusage.ru_utime + rusage.ru_stime,
        wall_s=wall_s,
        main_mb=sampler.peak_kib.get(process.pid, 0) / KIB_PER_MB,
        worker_mb=max(workers_kib, default=0) / KIB_PER_MB,
        tree_mb=sampler.tree_kib / KIB_PER_MB,
    )


class _MemorySampler(threading.Thread):
    """Looks at a process tree until told to stop.

    ``ru_maxrss`` would be exact but says too much: a child starts with the high-water mark of the process that forked
    it, so that a small program seems as large as this one.
    """

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.peak_kib: dict[int, int] = {}
        self.tree_kib = 0
        self._root = root
        self._done = threading.Event()

    def run(self) -> None:
        started = time.perf_counter()
        while not self._done.is_set():
            self._sample()
            self._done.wait(max(SAMPLE_S, SAMPLE_SHARE * (time.perf_counter() - started)))

    def stop(self) -> None:
        self._done.set()
        self.join()

    def _sample(self) -> None:
        tree_kib = 0
        pending = [self._root]
        while pending:
            pid = pending.pop()
            with suppress(OSError):  # processes end while they are looked at
                pending += _children(pid)
                self.peak_kib[pid] = max(self.peak_kib.get(pid, 0), _field_kib(Path(f"/proc/{pid}/status"), "VmHWM:"))
                tree_kib += _field_kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
        self.tree_kib = max(self.tree_kib, tree_kib)


def _children(pid: int) -> list[int]:
    """Process ids started by any thread of ``pid``."""
    lists = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return [int(child) for line in lists for child in line.split()]


def _field_kib(path: Path, field: str) -> int:
    """One field of a /proc file in KiB, 0 when it is not there (a process that has ended has no memory)."""
    for line in path.read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0
