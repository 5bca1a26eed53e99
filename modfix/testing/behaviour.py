"""Run the modules of two fixture trees and compare what they compute, bit for bit.

Every fixture module has a function ``cases()`` that returns a list of ``(name, build, inputs)``: ``build()``
constructs the module in one configuration, ``inputs()`` returns the tuple of its forward arguments. All fixtures of
one side run in one subprocess, since importing torch takes longer than running a hundred of them. torch is imported
there and nowhere else.

Passed over: what `torch.nn.Module` says about its children, since that is what a codemod may want to change.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from modfix.testing.fixtures import Case

Observation = Mapping[str, str]  # what was looked at -> its digest, or the message of an error
RUNNER = Path(__file__).with_name("_observe.py")


class RunnerError(Exception):
    """The subprocess died or ran out of time; the message holds the end of its standard error."""


def unavailable() -> str | None:
    """Why fixtures cannot be run here, or None if they can."""
    return None if importlib.util.find_spec("torch") else "torch is not installed"


def observe(paths: Iterable[Path], *, python: str = sys.executable, timeout_s: float = 600) -> dict[Path, Observation]:
    """What the modules in each of ``paths`` do, all run in one subprocess.

    Raises:
        RunnerError: the subprocess did not come to its end.
    """
    wanted = sorted(set(paths))
    command = [python, "-B", str(RUNNER), *map(str, wanted)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, env=environment, check=False)
    except subprocess.TimeoutExpired as error:
        raise RunnerError(f"no result within {timeout_s:.0f} s") from error
    if done.returncode:
        raise RunnerError(f"exit status {done.returncode}: {done.stderr[-2000:]}")
    return dict(zip(wanted, json.loads(done.stdout), strict=True))


def compare(before: Path, after: Path) -> list[str]:
    """The differences between two modules, one line each; empty when they compute the same. An error is a difference.

    Raises:
        RunnerError: a subprocess did not come to its end.
    """
    return differences(observe([before])[before], observe([after])[after])


def compare_cases(cases: Sequence[Case]) -> dict[Path, list[str]]:
    """The differences for each of ``cases``, by folder, in two subprocesses for all of them.

    A case that must not change only has to run; one whose ``case.toml`` says why it is not compared has no entry.

    Raises:
        RunnerError: a subprocess did not come to its end.
    """
    cases = [case for case in cases if case.is_run]
    before = observe(case.main_before for case in cases)
    after = observe(case.main_after for case in cases if case.main_after)
    return {
        case.folder: differences(
            before[case.main_before], after[case.main_after] if case.main_after else before[case.main_before]
        )
        for case in cases
    }


def differences(before: Observation, after: Observation) -> list[str]:
    """What is not the same in two observations, and every error on either side."""
    found = []
    for what in {**before, **after}:
        one, two = before.get(what, "missing"), after.get(what, "missing")
        if one != two or what.endswith("error"):
            found.append(f"{what}: {one}" if one == two else f"{what}: {one} before, {two} after")
    return found
