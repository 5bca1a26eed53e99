from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from modfix.engine.parallel import map_chunks, paused_gc


def square(number: int) -> int:
    return number * number


def crashed(item: int) -> int:
    return -item


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 200])
def test_results_are_in_the_order_of_the_items(jobs: int, count: int) -> None:
    done: list[int] = []
    results = map_chunks(square, range(count), jobs=jobs, crashed=crashed, progress=done.append)
    assert results == [number * number for number in range(count)]
    assert done == sorted(done)
    assert done[-1:] == ([count] if count else [])


def test_work_is_done_by_other_processes_that_inherit_a_closure() -> None:
    lock_like = iter(range(3))  # no pickle of this could run in another process
    results = map_chunks(
        lambda _: (os.getpid(), next(lock_like, None) is not None), range(100), jobs=2, crashed=crashed
    )
    assert os.getpid() not in {pid for pid, _ in results}


def test_one_job_works_in_this_process() -> None:
    assert set(map_chunks(lambda _: os.getpid(), range(9), jobs=1, crashed=crashed)) == {os.getpid()}


@pytest.mark.parametrize("guilty", [{0}, {57}, {3, 4, 99}])
def test_a_process_that_dies_costs_only_the_item_it_died_on(guilty: set[int]) -> None:
    def work(number: int) -> int:
        if number in guilty:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    results = map_chunks(work, range(100), jobs=2, crashed=lambda number: -1000 - number)
    assert results == [-1000 - number if number in guilty else number for number in range(100)]


def test_what_the_function_raises_is_raised() -> None:
    def work(number: int) -> int:
        if number == 30:
            raise KeyError("thirty")
        return number

    for jobs in (1, 2):
        with pytest.raises(KeyError, match="thirty"):
            map_chunks(work, range(60), jobs=jobs, crashed=crashed)


SLOW = """
    import os, sys, time
    from modfix.engine.parallel import map_chunks

    def work(number):
        with open(sys.argv[1], "a") as file:
            file.write(f"{os.getpid()}\\n")
        time.sleep(60)

    map_chunks(work, range(1000), jobs=2, crashed=lambda _: None)
"""


@pytest.mark.parametrize("kill", [lambda pid: os.killpg(pid, signal.SIGINT), lambda pid: os.kill(pid, signal.SIGKILL)])
def test_ctrl_c_and_kill_leave_no_process_behind(tmp_path: Path, kill: Callable[[int], None]) -> None:
    pids = tmp_path / "pids"
    command = [sys.executable, "-c", textwrap.dedent(SLOW), str(pids)]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
            kill(process.pid)
            assert process.wait(timeout=60) != 0
        finally:  # where the test fails, it must not hang
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    workers = [int(pid) for pid in pids.read_text().split()]
    wait_until(lambda: not any(is_running(pid) for pid in workers))
    assert len(workers) == 2, "nothing new was begun"


LOST = """
    import os, signal, time
    from modfix.engine.parallel import map_chunks

    signal.signal(signal.SIGINT, lambda *_: None)  # as where the interrupt falls into a callback, which drops it

    def work(number):
        os.killpg(0, signal.SIGINT)
        time.sleep(60)

    map_chunks(work, range(1000), jobs=2, crashed=lambda _: None)
"""


def test_a_lost_interrupt_is_not_a_crash() -> None:
    command = [sys.executable, "-c", textwrap.dedent(LOST)]
    done = subprocess.run(command, start_new_session=True, capture_output=True, text=True, timeout=60, check=False)
    assert "KeyboardInterrupt" in done.stderr


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")


def test_the_collector_runs_again_afterwards() -> None:
    def fail() -> None:
        with paused_gc():
            assert not gc.isenabled()
            with paused_gc():
                pass
            assert not gc.isenabled()
            raise KeyError

    assert gc.isenabled()
    with pytest.raises(KeyError):
        fail()
    assert gc.isenabled()
