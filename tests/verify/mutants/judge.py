"""Runs rewrites of the zoo through the verifier, as a user's change would run, and says what is wrong about a verdict."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from modfix.model.verdict import Outcome, Place, Verdict
from modfix.verify.plan import CaseSpec
from modfix.verify.process import Side, Workers
from modfix.verify.run import Options, expand, verify_cases
from tests.verify.mutants import ZOO, Rewrite

CHECKS = {  # what a rewrite calls it -> the checks of the verifier, any of which may say it
    "keys": ("state_dict",),
    "order": ("state_dict", "parameters", "modules"),
    "parameters": ("parameters", "state_dict"),
    "tied": ("parameters", "modules", "state_dict"),
    "hooks": ("hooks",),
    "gradients": ("parameter gradients", "input gradients"),
    "output": ("outputs", "output structure"),
    "state": ("weights and buffers afterwards", "state on a graph"),
    "input": ("inputs afterwards", "arguments afterwards"),
    "rng": ("random numbers",),
    "error": ("errors",),
    "initial": ("initial weights",),
    "global": ("settings of torch afterwards", "errors"),
}


class Remembered:
    """A side whose answers are kept: the version before is the same for all rewrites of a file."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._answers: dict[str, dict[str, object]] = {}
        self._lock = threading.Lock()

    @property
    def scratch(self) -> Path:
        return self._side.scratch

    def ask(self, job: Mapping[str, object]) -> dict[str, object]:
        if "keep" in job or job["job"] == "close":
            return self._side.ask(job)
        key = json.dumps(job, sort_keys=True)
        with self._lock:
            if key not in self._answers:
                self._answers[key] = self._side.ask(job)
            return self._answers[key]


class Judge:
    """The verifier with the zoo as the version before; one tree per rewrite as the version after."""

    def __init__(self, workers: Workers, folder: Path) -> None:
        self._workers = workers
        self._folder = folder
        self._before = Remembered(workers.open(ZOO))

    def verdict(self, rewrite: Rewrite) -> Verdict:
        """The worst verdict of the cases of a rewrite.

        Raises:
            ValueError: the rewrite cannot be applied.
        """
        root = self._folder / rewrite.id
        root.mkdir()
        (root / rewrite.file).write_text(rewrite.apply())
        after = self._workers.open(root)
        try:
            listed = CaseSpec("zoo", listed=f"{rewrite.file.removesuffix('.py')}:cases")
            ready, results = expand(self._before, after, [listed])
            results += verify_cases(self._before, after, ready, Options(device="cpu"))
        finally:
            after.close()
        return max((result.verdict for result in results), key=lambda verdict: verdict.outcome.severity)


def fault(rewrite: Rewrite, verdict: Verdict) -> str:
    """What is wrong about a verdict; empty if nothing is."""
    if verdict.outcome not in rewrite.outcomes:
        return f"{verdict.outcome.value} ({verdict.rung}): {verdict.reason}{_shown(verdict)}"
    if verdict.outcome is not Outcome.DIFFERENT:
        return ""
    if rewrite.check:
        failed = [check.name for check in verdict.checks if not check.outcome.passed]
        return "" if set(failed) & set(CHECKS[rewrite.check]) else f"no {rewrite.check} in {failed}: {verdict.reason}"
    if verdict.divergence is None:
        return f"no divergence: {verdict.reason}"
    places = verdict.divergence.before, verdict.divergence.after
    if any(place is not None and _expected(rewrite, place, side) for side, place in enumerate(places)):
        return ""
    return f"elsewhere: {verdict.reason}{_shown(verdict)}"


def _shown(verdict: Verdict) -> str:
    found = verdict.divergence
    return f"; {found.before} became {found.after}" if found else ""


def _expected(rewrite: Rewrite, place: Place, side: int) -> bool:
    """Whether a place is on a line that was changed, or on one where the rewrite says that it shows."""
    if place.path != rewrite.file or not place.operator:
        return bool(place.path == rewrite.file and place.line and "error" in rewrite.kind)
    text = rewrite.apply() if side else (ZOO / rewrite.file).read_text()
    lines = text.split("\n")
    if any(at in lines[place.line - 1] for at in rewrite.at):
        return True
    return place.line in _changed(text, [pair[side] for pair in rewrite.edits])


def _changed(text: str, pieces: list[str]) -> set[int]:
    """The lines of a text that the pieces stand on; around a piece that is empty there are none."""
    lines: set[int] = set()
    for piece in filter(None, pieces):
        for found in re.finditer(re.escape(piece.rstrip("\n")), text):
            first = text.count("\n", 0, found.start()) + 1
            lines.update(range(first, first + piece.rstrip("\n").count("\n") + 1))
    return lines
