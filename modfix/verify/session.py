"""One run of the verifier: trees, workers, cases, and the verdicts about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from modfix.model.verdict import Environment, Outcome, VerifyResult
from modfix.verify.attribution import CaseResult, Change, judge
from modfix.verify.lockstep import Watch, verify_script, verify_tests
from modfix.verify.plan import CaseSpec
from modfix.verify.process import Side, Workers
from modfix.verify.run import Options, Progress, expand, verify_cases
from modfix.verify.trees import Tree, from_folder, from_revision


@dataclass(frozen=True, slots=True)
class Settings:
    """What to run and how.

    Attributes:
        cases: models with inputs, and functions that list such.
        python: the interpreter of the project; ours by default.
        device: "auto", "cpu" or "cuda", for numbers.
        allow: kinds of differences (`modfix.verify.verdicts.ALLOWANCES`) that count as none.
        allow_close: whether CLOSE is good enough.
        allow_unverified: whether UNVERIFIED is good enough.
        time_limit_s: for each question about a case, and for each test; a script has ten times as long.
        tests: arguments of pytest: the project's own tests, run in lock step; none where empty.
        compilers: whether TorchScript and export must work where they worked before; that takes seconds a case.
        run: a command such as ``python train.py --epochs 1``, run in lock step; none where empty.
    """

    cases: tuple[CaseSpec, ...] = ()
    python: Path | None = None
    device: str = "auto"
    allow: frozenset[str] = frozenset()
    allow_close: bool = False
    allow_unverified: bool = False
    time_limit_s: float = 60
    tests: str = ""
    run: str = ""
    compilers: bool = False

    @property
    def acceptable(self) -> frozenset[Outcome]:
        """The verdicts that are good enough. DIFFERENT never is."""
        tolerated = {Outcome.CLOSE: self.allow_close, Outcome.UNVERIFIED: self.allow_unverified}
        return frozenset(outcome for outcome in Outcome if outcome.passed or tolerated.get(outcome, False))


class Session:
    """Versions of a project side by side; use it as a context manager, which removes all of it at the end."""

    def __init__(self, settings: Settings, progress: Progress | None = None) -> None:
        self._settings = settings
        self.progress = progress
        self._workers = Workers(python=settings.python, device=settings.device, time_limit_s=settings.time_limit_s)
        self._sides: dict[Path, Side] = {}
        self._trees = 0

    def __enter__(self) -> Session:
        """Start the workers.

        Raises:
            WorkerError: the interpreter cannot be used.
        """
        self._tell("starting workers")
        self._workers.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._workers.__exit__(kind, error, traceback)

    @property
    def environment(self) -> Environment:
        """What the verdicts are found with."""
        return self._workers.environment

    def revision(self, repository: Path, revision: str) -> Tree:
        """A copy of the project as of a git revision.

        Raises:
            TreeError: there is no such revision, or git fails.
        """
        self._tell(f"copying {revision}")
        return from_revision(repository, revision, self._folder())

    def folder(self, folder: Path, overlay: Mapping[str, bytes | None] | None = None) -> Tree:
        """A copy of a folder as it is now, with changes on top.

        Raises:
            TreeError: the folder cannot be read.
        """
        self._tell(f"copying {folder.name}")
        return from_folder(folder, self._folder(), overlay=overlay)

    def compare(
        self,
        before: Tree,
        after: Tree,
        change: Change,
        *,
        declared: Mapping[str, str] | None = None,
        only: str = "",
    ) -> tuple[list[CaseResult], VerifyResult]:
        """The verdicts about two versions, of cases and of the fixes that ``change`` consists of.

        Args:
            before: from this session.
            after: from this session.
            change: what changed between the two.
            declared: kinds of differences that codemods declare -> name of the codemod.
            only: name of the only case to run; all where it is empty.

        Raises:
            LockStepError: the tests or the script cannot be run at all.
        """
        watch = change.watched("before"), change.watched("after")
        sides = self._side(before, watch[0]), self._side(after, watch[1])
        ready, results = expand(*sides, self._settings.cases)
        options = Options(
            device=self.environment.device,
            allow=self._settings.allow,
            declared=declared or {},
            watch_before=watch[0],
            watch_after=watch[1],
            compilers=self._settings.compilers,
        )
        wanted = [case for case in ready if only in ("", case.name)]
        results += verify_cases(*sides, wanted, options, self.progress)
        if not only or not wanted:
            results += self._lock_step(*sides, Watch(*watch))
        verdicts = tuple(result.verdict for result in results)
        return results, VerifyResult(verdicts, judge(change, results), self.environment)

    def _lock_step(self, before: Side, after: Side, watch: Watch) -> Iterator[CaseResult]:
        """The verdicts about the project's own tests, and about a script."""
        limit = self._settings.time_limit_s
        if self._settings.tests:
            self._tell("running tests")
            yield from verify_tests(before, after, self._settings.tests, watch=watch, time_limit_s=limit)
        if self._settings.run:
            self._tell(f"running {self._settings.run}")
            yield verify_script(before, after, self._settings.run, watch=watch, time_limit_s=10 * limit)

    def forget(self, tree: Tree) -> None:
        """End the processes of a version that is no longer needed."""
        side = self._sides.pop(tree.root, None)
        if side is not None:
            side.close()

    def _side(self, tree: Tree, watch: Mapping[str, list[int]]) -> Side:
        if tree.root not in self._sides:
            self._sides[tree.root] = self._workers.open(tree.root, watch=watch)
        return self._sides[tree.root]

    def _folder(self) -> Path:
        self._trees += 1
        return self._workers.scratch / f"tree{self._trees}"

    def _tell(self, what: str) -> None:
        if self.progress is not None:
            self.progress(what, 0, 1)
