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

    while waiting:
        suspects = _drain(function, items, jobs, waiting, store)
        for index in (index for chunk in suspects for index in chunk):
            single = range(index, index + 1)
            # One item in a process of its own: if that process dies as well, there is no doubt about who is guilty.
            if _drain(function, items, 1, deque([single]), store):
                store(single, [crashed(items[index])])
    return [results[index] for index in range(len(items))]


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
    finally:
        # Also the way out of Ctrl-C: what has not begun never does; a chunk under way is short, or its process is gone
        # already.
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
    gc.disable()
    gc.freeze()  # a collection would touch, and so copy, every page shared with the parent
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
