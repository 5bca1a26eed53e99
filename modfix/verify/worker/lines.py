"""Which lines of watched files ran.

From Python 3.12 on through `sys.monitoring`, which costs next to nothing: each line reports once. Before, through
`sys.settrace`, where code objects outside the watched files are left at their first call.
"""

from __future__ import annotations

import dis
import inspect
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from types import CodeType, FrameType
from typing import Any

_TOOL_NAME = "modfix"


class Watcher:
    """A context manager that notes lines of ``watch`` (path relative to ``root`` -> line numbers) that run within it.

    Lines add up over several uses; threads that start within it are seen too. ``lines`` can be read at any time.
    """

    def __init__(self, root: str, watch: Mapping[str, Iterable[int]]) -> None:
        self._wanted: dict[str, set[int]] = {}  # name of the file as code objects have it -> lines not seen yet
        self._names: dict[str, str] = {}  # the same -> path as it was given
        self._seen: dict[str, set[int]] = {}
        self._codes: dict[CodeType, set[int]] = {}
        self.root = root
        self.add(watch)

    def add(self, watch: Mapping[str, Iterable[int]]) -> None:
        """Watch for more lines."""
        for path, numbers in watch.items():
            file = os.path.join(self.root, *path.split("/"))
            self._names[file] = path
            seen = self._seen.setdefault(path, set())
            self._wanted.setdefault(file, set()).update(number for number in numbers if number not in seen)
        self._codes.clear()

    @property
    def lines(self) -> dict[str, list[int]]:
        """Path -> sorted numbers of the lines that ran. A path of which none did is there, with an empty list."""
        return {path: sorted(numbers) for path, numbers in self._seen.items()}

    def __enter__(self) -> Watcher:
        if not any(self._wanted.values()):
            self._stop = _nothing
        elif sys.version_info >= (3, 12):
            self._stop = self._monitor()
        else:
            self._stop = self._trace()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    # -- Python 3.8 to 3.11

    def _trace(self) -> Any:
        previous, previous_threads = sys.gettrace(), getattr(threading, "_trace_hook", None)
        threading.settrace(self._on_call)
        sys.settrace(self._on_call)

        def stop() -> None:
            sys.settrace(previous)
            threading.settrace(previous_threads)

        return stop

    def _on_call(self, frame: FrameType, event: str, arg: object) -> Any:
        code = frame.f_code
        wanted = self._wanted.get(code.co_filename)
        if not wanted:  # another file, or all of this one was seen
            return None
        return None if self._lines_of(code).isdisjoint(wanted) else self._on_line

    def _on_line(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "line":
            self._note(frame.f_code, frame.f_lineno)
        return self._on_line

    def _lines_of(self, code: CodeType) -> set[int]:
        lines = self._codes.get(code)
        if lines is None:
            lines = self._codes[code] = lines_of(code)
        return lines

    # -- Python 3.12 and later

    def _monitor(self) -> Any:
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined]  # checked by mypy for 3.10
        tool = next((number for number in (4, 3, 5, 2, 1) if monitoring.get_tool(number) is None), None)
        if tool is None:  # all in use, by debuggers and the like
            return self._trace()
        events = monitoring.events
        watched: list[CodeType] = []

        def on_start(code: CodeType, offset: int) -> Any:
            if code.co_filename in self._wanted:
                monitoring.set_local_events(tool, code, events.LINE)
                watched.append(code)
            return monitoring.DISABLE

        def on_line(code: CodeType, number: int) -> Any:
            self._note(code, number)
            return monitoring.DISABLE

        monitoring.use_tool_id(tool, _TOOL_NAME)
        monitoring.register_callback(tool, events.PY_START, on_start)
        monitoring.register_callback(tool, events.PY_RESUME, on_start)
        monitoring.register_callback(tool, events.LINE, on_line)
        monitoring.set_events(tool, events.PY_START | events.PY_RESUME)
        monitoring.restart_events()  # what an earlier use has disabled

        def stop() -> None:
            monitoring.set_events(tool, 0)
            for code in watched:
                monitoring.set_local_events(tool, code, 0)
            for event in (events.PY_START, events.PY_RESUME, events.LINE):
                monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)

        return stop

    def _note(self, code: CodeType, number: int) -> None:
        wanted = self._wanted.get(code.co_filename)
        if wanted and number in wanted and number in self._lines_of(code):
            wanted.discard(number)
            self._seen[self._names[code.co_filename]].add(number)


def lines_of(code: CodeType) -> set[int]:
    """The numbers of the lines that ``code`` itself runs, without those that only a call of a function in it does."""
    own = _table(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and (constant.co_name == "<lambda>" or constant.co_name[0] != "<"):
            body = _table(constant)
            if len(body) > 1:
                body.discard(constant.co_firstlineno)  # the `def`, which runs with the code around it
            if constant.co_flags & inspect.CO_OPTIMIZED:  # the body of a class runs with the code around it too
                own -= body
    return own


def _table(code: CodeType) -> set[int]:
    if hasattr(code, "co_lines"):
        return {number for _, _, number in code.co_lines() if number}
    return {number for _, number in dis.findlinestarts(code)}


def _nothing() -> None:
    pass
