from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from modfix.verify.process import Isolation, Side, Workers

ENTRY = Path(__file__).with_name("entry.py")


class PlainWorkers(Workers):
    """Workers that know the job ``plain``, see entry.py."""

    entry = ENTRY


@pytest.fixture(scope="session")
def plain_workers() -> Iterator[Workers]:
    pytest.importorskip("torch")
    with PlainWorkers(device="cpu", time_limit_s=30, memory_limit_mb=500) as workers:
        yield workers


class Project:
    """A folder with modules, and the side that runs them."""

    time_limit_s: float | None = None

    def __init__(self, root: Path, workers: Workers, isolation: Isolation | None) -> None:
        self.root = root
        self.workers = workers
        self.isolation = isolation
        self._side: Side | None = None

    def write(self, **modules: str) -> Project:
        for name, source in modules.items():
            path = self.root / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(source))
        return self

    @property
    def side(self) -> Side:
        if self._side is None:
            self._side = self.workers.open(self.root, isolation=self.isolation)
        return self._side

    def ask(self, model: str, *args: str, **more: Any) -> dict[str, Any]:
        case = {"name": model, "model": model, "args": list(args or ["ones(2)"])}
        return self.side.ask({"job": "plain", "case": case, **more}, time_limit_s=self.time_limit_s)

    def failed(self, model: str, *args: str, **more: Any) -> dict[str, str]:
        answer = self.ask(model, *args, **more)
        assert "failed" in answer, answer
        failed: dict[str, str] = answer["failed"]
        return failed


MakeProject = Callable[..., Project]


@pytest.fixture
def make_project(tmp_path: Path, plain_workers: Workers) -> Iterator[MakeProject]:
    """Makes projects out of the sources of modules: ``make_project(model="...")``; ``pkg__mod`` is ``pkg/mod.py``."""
    made: list[Project] = []

    def make(isolation: Isolation | None = None, **modules: str) -> Project:
        root = tmp_path / f"tree{len(made)}"
        root.mkdir()
        made.append(Project(root, plain_workers, isolation).write(**modules))
        return made[-1]

    yield make
    for project in made:
        if project._side is not None:
            project._side.close()
