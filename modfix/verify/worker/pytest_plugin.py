"""The project's own tests in lock step: pytest with a recording around each test.

What comes of a test is written to a file at once, one JSON object a line, so that a test which ends the process takes
no others with it: ``{"started": id}``, then ``{"test": id, "observation": ...}``. A test that cannot be recorded, or
that fails under the recorder only, runs again without: its observation has ``unrecorded`` with the reason, and its
outcome is all there is to compare.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import io
import os
import sys
from typing import Any, Iterable, Sequence, TextIO

from . import UnsupportedError
from .channel import encode
from .lines import Watcher
from .lockstep import PHASE, Recording, start

# Plugins that write into the tree, choose another order, or take hold of what we hold.
_OFF = ("cacheprovider", "randomly", "random_order", "faulthandler")
_QUIET = {"xdist": "-n0", "pytest_cov": "--no-cov"}  # package -> option: both would get between us and the tests


def observe(  # noqa: PLR0913  # all by name, and what a request may say
    *,
    arguments: Sequence[str],
    log: str,
    skip: Sequence[str],
    time_limit_s: float,
    root: str,
    watch: dict[str, list[int]],
    seed: int = 0,
) -> dict[str, Any]:
    """Run ``pytest ARGUMENTS`` but for the tests ``skip``; write to the file ``log``.

    The process ends where the collection, or one test, takes longer than ``time_limit_s``.

    Returns ``exit`` (pytest's exit status) and ``errors`` (of the collection, by file).

    Raises:
        UnsupportedError: there is no pytest.
    """
    try:
        import pytest
    except ImportError as error:
        raise UnsupportedError(f"`{sys.executable}` has no pytest: install it there, or use `--python`") from error
    options = [option for package, option in _QUIET.items() if importlib.util.find_spec(package) is not None]
    for name in _OFF:
        options += ["-p", f"no:{name}"]
    with open(log, "a", encoding="utf-8") as file:
        plugin = LockStep(file, frozenset(skip), root, watch, seed)
        plugin.time_limit_s = time_limit_s
        plugin.wind_up()
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = pytest.main([*arguments, *options], plugins=[plugin])
        faulthandler.cancel_dump_traceback_later()
    if said.getvalue().strip():
        plugin.errors.setdefault("pytest", said.getvalue().strip().rpartition("\n")[2])
    return {"exit": int(status), "errors": plugin.errors}


class LockStep:
    """The plugin."""

    def __init__(self, log: TextIO, skip: Iterable[str], root: str, watch: dict[str, list[int]], seed: int) -> None:
        self.errors: dict[str, str] = {}
        self.time_limit_s = 120.0
        self._stderr = os.dup(2)  # pytest redirects the descriptor
        faulthandler.enable(file=self._stderr, all_threads=False)
        self._log = log
        self._skip = frozenset(skip)
        self._root = root
        self._watch = watch
        self._seed = seed

    def wind_up(self) -> None:
        """Start the clock of what comes next. It ends the process, for code in C listens to nothing else."""
        faulthandler.dump_traceback_later(self.time_limit_s, exit=True, file=self._stderr)

    def pytest_collectreport(self, report: Any) -> None:
        """Keep errors of the collection."""
        if report.failed:
            self.errors[report.nodeid] = str(report.longrepr).strip().rpartition("\n")[2]

    def pytest_internalerror(self, excrepr: Any) -> None:
        """Keep why pytest, or a plugin, gave up."""
        self.errors["pytest"] = str(excrepr).strip().rpartition("\n")[2]

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Leave out the tests that have run, or must not run again."""
        items[:] = [item for item in items if item.nodeid not in self._skip]

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> bool:
        """Run one test, and say that nobody else has to."""
        self._write({"started": item.nodeid})
        self.wind_up()
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports, observation = self._run(item)
        try:
            item.session._setupstate.teardown_exact(nextitem)  # of fixtures that later tests do not share
        except Exception as error:
            observation["items"].setdefault(f"{PHASE}/error", f"at teardown: {type(error).__name__}: {error}")
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        self._write({"test": item.nodeid, "observation": observation})
        self.wind_up()
        return True

    def _run(self, item: Any) -> tuple[list[Any], dict[str, Any]]:
        recording = Recording(self._root, self._watch, self._seed)
        with recording.on():
            reports = _protocol(item)
        error = _error(reports)
        if not recording.refused and not error:
            observation = recording.observation()
            if skipped := _skip_reason(reports):
                observation["vacuous"] = skipped
            return reports, observation
        watcher = Watcher(self._root, self._watch)
        again = self._run_plain(item, watcher)
        if error and _error(again) and not recording.refused:  # the test fails in any case
            return again, recording.observation(error)
        reason = recording.refused or f"fails under the recorder only: {error}"
        items = {f"{PHASE}/error": _error(again).replace(self._root, "")} if _error(again) else {}
        return again, {
            "items": items,
            "lines": watcher.lines,
            "vacuous": f"ran without the recorder: {reason}",
            "unrecorded": reason,
        }

    def _run_plain(self, item: Any, watcher: Watcher) -> list[Any]:
        if hasattr(item, "_initrequest"):
            item._initrequest()  # fixtures anew
        start(self._seed)
        with watcher:
            return _protocol(item)

    def _write(self, entry: dict[str, Any]) -> None:
        self._log.write(encode(entry) + "\n")
        self._log.flush()


def _protocol(item: Any) -> list[Any]:
    from _pytest.runner import runtestprotocol

    reports: list[Any] = runtestprotocol(item, log=False, nextitem=item)  # shared fixtures live on
    return reports


def _error(reports: Iterable[Any]) -> str:
    """Message of the first report that failed."""
    for report in reports:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash is not None else str(report.longrepr)
            return f"{report.when}: {text.partition(chr(10))[0][:500]}"
    return ""


def _skip_reason(reports: Iterable[Any]) -> str:
    for report in reports:
        if report.skipped:
            expected = getattr(report, "wasxfail", None)
            if expected is not None:
                return f"the test is expected to fail: {expected}"
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            return f"the test is skipped: {text}"
    return ""
