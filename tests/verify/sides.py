"""A side that answers from a table, in place of a worker."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.verify.observations import contracts

Answer = Mapping[str, object] | Callable[[Mapping[str, object]], Mapping[str, object]]


class FakeSide:
    """Answers a job by its most telling key: ``proof meta``, ``numeric float32*30``, ``contracts``; else by its name."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers: dict[str, Answer] = {"contracts": {"items": {}, "contracts": contracts()}, **answers}
        self.asked: list[str] = []

    @property
    def scratch(self) -> Path:
        return Path(tempfile.gettempdir())

    def ask(self, job: Mapping[str, object]) -> dict[str, object]:
        key = self.key(job)
        self.asked.append(key)
        for name in (key, str(job["job"])):
            if name in self.answers:
                answer = self.answers[name]
                return dict(answer(job) if callable(answer) else answer)
        raise AssertionError(f"unexpected question: {job}")

    @staticmethod
    def key(job: Mapping[str, object]) -> str:
        if job["job"] == "proof":
            return f"proof {job['rung']}" + ("" if job.get("strict_rng", True) else " relaxed")
        if job["job"] == "numeric":
            return f"numeric {job['dtype']}*{job['scale']}" + (" keep" if "keep" in job else "")
        return str(job["job"])
