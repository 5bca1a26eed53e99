"""Spread independent work over processes, in order and without ever hanging.

Processes are forked: they inherit the function and its items, so neither needs to be picklable, and nothing is imported
twice. Only results travel. A program that already runs other threads should not call this: a fork copies their locks,
held or not.
"""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor
    from types import FrameType

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNKS_PER_JOB = 8  # small enough that no process is left with a long tail
_LARGEST_CHUNK = 32  # bounds what a process keeps, what Ctrl-C waits for, and what is done again after a crash

_inherited: tuple[Callable[[Any], Any], Sequence[Any]] | None = None  # set in worker processes only


@contextmanager
def paused_gc() -> Iterator[None]:
    """Keep the cyclic garbage collector off while facts are made, pickled or unpickled.

    They are many small tuples and hardly any cycles, so that every collection walks all of them and frees nothing: 6 to
    15 % of the whole run.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def map_chunks(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    jobs: int,
    crashed: Callable[[Item], Result],
    progress: Callable[[int], None] | None = None,
) -> list[Result]:
    """Apply ``function`` to all items and return the results in the order of the items.

    Args:
        function: runs in forked processes; its result must be picklable. What it raises is raised here.
        items: what to apply it to.
        jobs: number of processes; 1 runs in this process.
        crashed: the result for an item on which a process died (killed, or a stack overflow inside the interpreter).
        progress: called with the number of items done so far.
    """
    if jobs <= 1 or len(items) <= 1:
        return _map_here(function, items, progress)
    size = max(1, min(_LARGEST_CHUNK, len(items) // (jobs * _CHUNKS_PER_JOB)))
    waiting = deque(range(start, min(start + size, len(items))) for start in range(0, len(items), size))
    results: dict[int, Result] = {}

    def store(chunk: range, values: Sequence[Result]) -> None:
        results.update(zip(chunk, values, strict=True))
        if progress is not None:
            progress(len(results))

    with _interruptible() as stop_if_interrupted:
        while waiting:
            suspects = _drain(function, items, jobs, waiting, store)
            stop_if_interrupted()
            for index in (index for chunk in suspects for index in chunk):
                single = range(index, index + 1)
                # One item in a process of its own: if that process dies as well, there is no doubt about who is guilty.
                guilty = _drain(function, items, 1, deque([single]), store)
                stop_if_interrupted()
                if guilty:
                    store(single, [crashed(items[index])])
    return [results[index] for index in range(len(items))]


@contextmanager
def _interruptible() -> Iterator[Callable[[], None]]:
    """Remember Ctrl-C, and give a function that raises KeyboardInterrupt if there was one.

    Python drops an exception that a signal raises inside a callback, such as those that run around a fork. The worker
    processes die of the same Ctrl-C, and without this they would be taken for crashed and replaced.
    """
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    interrupts: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def remember(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        if callable(before):
            before(number, frame)

    def stop_if_interrupted() -> None:
        if interrupts and callable(before):
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, remember)
    try:
        yield stop_if_interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _map_here(
    function: Callable[[Item], Result], items: Sequence[Item], progress: Callable[[int], None] | None
) -> list[Result]:
    results = []
    for item in items:
        results.append(function(item))
        if progress is not None:
            progress(len(results))
    return results


def _drain(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    waiting: deque[range],
    store: Callable[[range, Sequence[Result]], None],
) -> list[range]:
    """Work through ``waiting``. If a process dies, return the chunks that were under way; the rest stays in
    ``waiting``."""
    from concurrent.futures import FIRST_COMPLETED, wait
    from concurrent.futures.process import BrokenProcessPool

    pool = _pool(function, items, jobs)
    under_way: dict[Future[list[Any]], range] = {}
    try:
        while waiting or under_way:
            # No more in flight than keeps every process busy: after a crash exactly these are suspect.
            while waiting and len(under_way) < jobs * 2:
                chunk = waiting.popleft()
                try:
                    under_way[pool.submit(_work, chunk)] = chunk
                except BrokenProcessPool:
                    waiting.appendleft(chunk)
                    break
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    return _settled(under_way, store)
                if error is not None:
                    raise error
                store(under_way.pop(future), future.result())
        return []
    except BaseException:  # Ctrl-C, which may fall anywhere: a pool that is half started would wait for ever
        import multiprocessing

        for process in multiprocessing.active_children():
            process.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _settled(under_way: dict[Future[list[Any]], range], store: Callable[[range, Sequence[Any]], None]) -> list[range]:
    """Store what was finished before the pool broke, and return the other chunks."""
    suspects = []
    for future, chunk in under_way.items():
        if future.exception() is None:
            store(chunk, future.result())
        else:
            suspects.append(chunk)
    return suspects


def _pool(function: Callable[[Any], Any], items: Sequence[Any], jobs: int) -> ProcessPoolExecutor:
    # Imported here: a run that finds its facts in the cache needs no processes, and `multiprocessing` costs 30 ms.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(
        max_workers=jobs,
        mp_context=multiprocessing.get_context("fork"),
        initializer=_start_worker,
        initargs=(function, items),
    )


def _start_worker(function: Callable[[Any], Any], items: Sequence[Any]) -> None:
    import signal
    import threading

    global _inherited  # noqa: PLW0603 - the one way to hand a forked process what cannot be pickled
    _inherited = (function, items)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches the whole process group: go, without a traceback
    gc.disable()  # see `paused_gc`; and a collection would touch, and so copy, every page shared with the parent
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """End this process when its parent was killed; otherwise it would wait for work for ever."""
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(chunk: range) -> list[Any]:
    assert _inherited is not None
    function, items = _inherited
    return [function(items[index]) for index in chunk]
