"""Lock step: the project's own tests, or a script, in both versions, compared test by test and call by call."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from modfix.model.verdict import Outcome, Verdict
from modfix.verify.attribution import CaseResult
from modfix.verify.process import Side
from modfix.verify.verdicts import Item, Observation, compare_failures, compare_observations, failure, items

RUNG = "real"
ALL_TESTS_S = 24 * 3600.0  # the limit is for each of them
MAX_RESTARTS = 20  # of pytest, after tests that end its process


class LockStepError(Exception):
    """The tests or the script cannot be run at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Lines to watch on both sides, path -> numbers."""

    before: Mapping[str, Sequence[int]] = field(default_factory=dict)
    after: Mapping[str, Sequence[int]] = field(default_factory=dict)


def verify_tests(
    before: Side, after: Side, arguments: str, *, watch: Watch | None = None, time_limit_s: float = 120
) -> list[CaseResult]:
    """The verdict of every test that ``pytest ARGUMENTS`` runs, in the order of the version before.

    Args:
        before: one version, whose interpreter has pytest.
        after: the other.
        arguments: of pytest, as on the command line: ``tests/ -q``.
        watch: lines whose execution is noted.
        time_limit_s: for each test, and for the collection.

    Raises:
        LockStepError: ``arguments`` cannot be read, or pytest does not come to run tests on either side.
        WorkerError: the workers cannot be used.
    """
    words = _split(arguments)
    watch = watch or Watch()
    sides = ((before, watch.before), (after, watch.after))
    with ThreadPoolExecutor(2) as executor:
        running = [executor.submit(_run_tests, side, words, lines, time_limit_s) for side, lines in sides]
        one, two = (future.result() for future in running)
    return [_judge(test, one.get(test), two.get(test)) for test in dict.fromkeys([*one, *two])]


def verify_script(
    before: Side, after: Side, command: str, *, watch: Watch | None = None, time_limit_s: float = 1800
) -> CaseResult:
    """The verdict about a script: ``python train.py --epochs 1``, or ``python -m package.train``.

    Raises:
        LockStepError: ``command`` cannot be read, or is none of Python's.
        WorkerError: the workers cannot be used.
    """
    words = _split(command)
    if words and PurePath(words[0]).name.startswith("python"):
        words = words[1:]
    if not words or (words[0].startswith("-") and (words[0] != "-m" or len(words) < 2)):
        raise LockStepError(f"`{command}` is no Python script: write e.g. `python train.py --epochs 1`")
    watch = watch or Watch()
    with ThreadPoolExecutor(2) as executor:
        running = [
            executor.submit(_run_script, side, words, lines, time_limit_s)
            for side, lines in ((before, watch.before), (after, watch.after))
        ]
        one, two = (future.result() for future in running)
    return _judge(command, one, two)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise LockStepError(f"`{text}` cannot be read: {str(error).lower()}") from error


# -- running -----------------------------------------------------------------------------------------------------------


def _run_tests(
    side: Side, arguments: Sequence[str], watch: Mapping[str, Sequence[int]], time_limit_s: float
) -> dict[str, Observation]:
    """What came of each test on one side. A test that ends the process is a failure, and the others go on."""
    log = side.scratch / f"{side.root.name}-{id(side)}.jsonl"
    found: dict[str, Observation] = {}
    imported: Mapping[str, Sequence[int]] = {}
    for _ in range(MAX_RESTARTS):
        log.unlink(missing_ok=True)
        job = {"job": "tests", "arguments": arguments, "log": str(log), "skip": list(found), "watch": watch}
        answer = side.ask({**job, "time_limit_s": time_limit_s}, time_limit_s=ALL_TESTS_S)
        interrupted = ""
        for test, observation in _read(log):
            interrupted = "" if observation else test
            if observation:
                found[test] = observation
        if failure(answer) is None:
            imported = answer.get("lines", {})  # type: ignore[assignment]  # as the worker writes it
            if not found:
                raise LockStepError(_explain(answer, arguments))
            break
        if not interrupted:
            raise LockStepError(f"pytest does not run in `{side.root}`: {failure(answer)}")
        found[interrupted] = answer
    return {test: _with_lines(observation, imported) for test, observation in found.items()}


def _read(log: Path) -> Iterator[tuple[str, Observation]]:
    """The tests that started (with an empty observation), and those that ended."""
    if not log.exists():
        return
    for line in log.read_text(encoding="utf-8").split("\n"):
        if not line.endswith("}"):  # the process ended while it wrote
            continue
        entry = json.loads(line)
        yield (entry["started"], {}) if "started" in entry else (entry["test"], entry["observation"])


def _explain(answer: Observation, arguments: Iterable[str]) -> str:
    errors = answer.get("errors")
    command = shlex.join(["pytest", *arguments])
    if isinstance(errors, Mapping) and errors:
        path, message = next(iter(errors.items()))
        return f"`{command}` collects no tests: {path}: {message}"
    return f"`{command}` runs no tests (exit status {answer.get('exit')})"


def _with_lines(observation: Observation, imported: Mapping[str, Sequence[int]]) -> Observation:
    """Lines that the collection ran have run for every test."""
    own = observation.get("lines")
    lines = {path: set(numbers) for path, numbers in own.items()} if isinstance(own, Mapping) else {}
    for path, numbers in imported.items():
        lines.setdefault(path, set()).update(numbers)
    return {**observation, "lines": lines}


def _run_script(
    side: Side, command: Sequence[str], watch: Mapping[str, Sequence[int]], time_limit_s: float
) -> Observation:
    job = {"job": "script", "command": command, "watch": watch}
    answer = side.ask(job, time_limit_s=time_limit_s)
    failed = failure(answer)
    if failed is None or failed.kind != "unsupported":
        return answer
    plain = side.ask({**job, "record": False}, time_limit_s=time_limit_s)
    return plain if failure(plain) else {**plain, "unrecorded": failed.message}


# -- comparing ---------------------------------------------------------------------------------------------------------


def _judge(name: str, before: Observation | None, after: Observation | None) -> CaseResult:
    if before is None or after is None:
        side = "after" if before is None else "before"
        return CaseResult(Verdict(name, Outcome.UNVERIFIED, f"it runs {side} only", RUNG))
    return CaseResult(_compare(name, before, after), _lines(before), _lines(after))


def _compare(name: str, before: Observation, after: Observation) -> Verdict:
    failed = compare_failures(failure(before), failure(after))
    if failed is not None:
        return Verdict(name, *failed, RUNG)
    reasons = [str(one["unrecorded"]) for one in (before, after) if "unrecorded" in one]
    if reasons:  # what is recorded on one side only has no counterpart; the outcome is all there is
        before, after = _only_errors(before), _only_errors(after)
    one, two = _without_one_sided_calls(before, after), _without_one_sided_calls(after, before)
    verdict = compare_observations(one, two, case=name, rung=RUNG)
    if reasons and verdict.outcome is Outcome.UNVERIFIED:
        return replace(verdict, reason=f"ran without the recorder, and ended the same: {reasons[0]}")
    added = [key for key in items(after) if key not in items(two)] + [
        key for key in items(before) if key not in items(one)
    ]
    classes = sorted({Item.parse(key).label.partition("#")[0] for key in added})
    return replace(verdict, listed=(*verdict.listed, *(f"`{cls}` is called on one side only" for cls in classes)))


def _only_errors(observation: Observation) -> Observation:
    wanted = {key: value for key, value in items(observation).items() if Item.parse(key).kind == "error"}
    return {**observation, "items": wanted}


def _without_one_sided_calls(observation: Observation, other: Observation) -> Observation:
    """Without the outputs of classes that the other side never calls: code moved into a class of its own, or out."""
    known = {Item.parse(key).label.partition("#")[0] for key in items(other)}

    def wanted(key: str) -> bool:
        item = Item.parse(key)
        return item.kind != "output" or item.label.partition("#")[0] in known

    return {**observation, "items": {key: value for key, value in items(observation).items() if wanted(key)}}


def _lines(observation: Observation) -> dict[str, frozenset[int]]:
    lines = observation.get("lines")
    return {path: frozenset(numbers) for path, numbers in lines.items()} if isinstance(lines, Mapping) else {}
