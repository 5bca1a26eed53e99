"""The progress bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_DELAY_S = 1.0  # shorter work needs no bar
_INTERVAL_S = 0.1


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None] | None]:
    """Give a function to call with what is done, how much of it and of how much; None where nobody watches.

    The bar is on stderr, appears when the work has taken a second, and vanishes at the end.
    """
    if not sys.stderr.isatty():
        yield None
        return
    bar = _Bar()
    try:
        yield bar.update
    finally:
        bar.stop()


class _Bar:
    def __init__(self) -> None:
        self._next = time.monotonic() + _DELAY_S
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def update(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _INTERVAL_S
        if self._progress is None:
            self._progress = _start()
        if self._task is None:
            self._task = self._progress.add_task(what)
        self._progress.update(self._task, description=what, completed=done, total=total)
        self._progress.refresh()

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def _start() -> Progress:
    # rich is 0.1 s of start-up: only long work, on a terminal, pays for it.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    # No refresh thread: the engine forks, and a fork copies the locks of other threads.
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
    progress.start()
    return progress
