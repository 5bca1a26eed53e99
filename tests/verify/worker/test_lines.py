from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

pytest.importorskip("torch")
lines: Any = pytest.importorskip("_modfix_worker.lines")

SOURCE = dedent("""\
    import math
    def plain(x):
        if x:
            return 1
        return 0

    class A:
        value = 1
        def method(self): return 3
        function = lambda self: 4
        def other(self):
            return [
                x
                for x in range(3)
            ]

    def generator():
        yield 1
        yield 2

    def calls_thread(start):
        start(plain)
""")


def run(tmp_path: Path, use: Callable[[dict[str, Any]], object], *, within_import: bool = False) -> list[int]:
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    names: dict[str, Any] = {}
    code = compile(SOURCE, str(path), "exec")
    watcher = lines.Watcher(str(tmp_path), {"module.py": range(1, 30), "other.py": [1]})
    if not within_import:
        exec(code, names)
    with watcher:
        if within_import:
            exec(code, names)
        use(names)
    assert watcher.lines["other.py"] == []
    found: list[int] = watcher.lines["module.py"]
    return found


def test_only_what_ran_is_noted(tmp_path: Path) -> None:
    assert run(tmp_path, lambda names: names["plain"](0)) == [3, 5]


def test_an_import_runs_definitions_but_not_functions_on_one_line(tmp_path: Path) -> None:
    assert run(tmp_path, lambda names: None, within_import=True) == [1, 2, 7, 8, 11, 17, 21]


def test_functions_on_one_line_count_when_they_are_called(tmp_path: Path) -> None:
    assert run(tmp_path, lambda names: names["A"]().method()) == [9]
    assert run(tmp_path, lambda names: names["A"]().function()) == [10]


def test_comprehensions_count(tmp_path: Path) -> None:
    assert {13, 14} <= set(run(tmp_path, lambda names: names["A"]().other()))


def test_a_generator_counts_as_far_as_it_runs(tmp_path: Path) -> None:
    assert run(tmp_path, lambda names: next(names["generator"]())) == [18]


def test_threads_are_seen(tmp_path: Path) -> None:
    def start(function: Callable[[int], int]) -> None:
        thread = threading.Thread(target=function, args=(1,))
        thread.start()
        thread.join()

    assert run(tmp_path, lambda names: names["calls_thread"](start)) == [3, 4, 22]


def test_lines_add_up_and_can_be_added(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    names: dict[str, Any] = {}
    exec(compile(SOURCE, str(path), "exec"), names)
    watcher = lines.Watcher(str(tmp_path), {"module.py": [4]})
    with watcher:
        names["plain"](1)
    watcher.add({"module.py": [3, 4, 5]})
    with watcher:
        names["plain"](0)
    names["A"]().method()
    assert watcher.lines == {"module.py": [3, 4, 5]}


def test_a_tracer_of_others_is_there_again_afterwards(tmp_path: Path) -> None:
    if sys.version_info >= (3, 12):
        pytest.skip("does not use the tracer")
    previous = sys.gettrace()
    with lines.Watcher(str(tmp_path), {"module.py": [1]}):
        assert sys.gettrace() is not previous
    assert sys.gettrace() is previous
