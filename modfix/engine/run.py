"""Runs codemods over a tree: `check` says what there is, `apply` makes the fixes in memory until nothing is left to
fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from modfix.engine.codemod import Codemod
from modfix.engine.errors import describe
from modfix.engine.overlap import settle
from modfix.engine.parallel import paused_gc
from modfix.engine.reading import Progress, Reading, read_files
from modfix.engine.select import Chooser, Found, confine, in_order, silence, unused
from modfix.engine.transaction import Transaction, make_fixes
from modfix.engine.unused_imports import drop_unused
from modfix.model.finding import Applicability, Finding
from modfix.model.result import ApplyResult, CheckResult, FileChange, InternalError, Step
from modfix.model.source import Refused, SourceFile
from modfix.semantics.project import Project
from modfix.semantics.project_file import ProjectFile
from modfix.source.overlay import Overlay

if TYPE_CHECKING:
    from modfix.engine.cache import FactsCache
    from modfix.source.tree import Tree

__all__ = ["Progress", "apply", "check"]

_MAX_PASSES = 50  # real code needs two or three; classes that share names, one for each of them
_MAX_REPEATS = 3  # passes in which one and the same finding may be fixed


def check(  # noqa: PLR0913 - keywords, all with defaults, in place of an object that every caller must build
    tree: Tree,
    codemods: Sequence[Codemod],
    *,
    scope: Collection[str] | None = None,
    complete: bool = True,
    known: Collection[str] | None = None,
    jobs: int = 1,
    cache: FactsCache | None = None,
    progress: Progress | None = None,
) -> CheckResult:
    """What the codemods have to say about the files of ``tree``. Nothing is executed or changed.

    Args:
        tree: all files of the project.
        codemods: what to look for.
        scope: the files to report on; None for all. Facts come from all files in any case.
        complete: whether ``tree`` is a whole project; otherwise what depends on other files is unknown.
        known: the names of all codemods that exist, to tell which suppression comments are of no use; None:
            ``codemods`` are all.
        jobs: how many processes to use, if there is enough to do for them. They are forked: have no other threads
            running.
        cache: facts from earlier runs. It is saved.
        progress: told what is being done, how much of it is done, and of how much.
    """
    run = _Run(tree, codemods, scope, complete, known, jobs, cache, progress)
    with paused_gc():
        result = run.inspect(run.read(tree, tree.paths))
        run.save_cache()
    return result


def apply(  # noqa: PLR0913 - as for `check`
    tree: Tree,
    codemods: Sequence[Codemod],
    *,
    required: Applicability = Applicability.SAFE,
    accept: Callable[[Finding], bool] | None = None,
    scope: Collection[str] | None = None,
    complete: bool = True,
    known: Collection[str] | None = None,
    jobs: int = 1,
    cache: FactsCache | None = None,
    progress: Progress | None = None,
) -> ApplyResult:
    """Make the fixes of the codemods in memory, pass after pass, until there is none left to make.

    In every pass all codemods see what the passes before have changed. Fixes that want the same place are not made in
    the same pass: the later one waits for the next. A fix is made in all of its files or in none; one that fails is
    reported among the errors of the result and not tried again.

    Args:
        tree: all files of the project.
        codemods: what to fix.
        required: how safe a fix must be.
        accept: asked for every fix that is safe enough; one that it declines is not made.
        scope: the files to report on and to change; None for all. A fix that would change others as well becomes a
            refusal.
        complete: as for `check`.
        known: as for `check`.
        jobs: as for `check`.
        cache: as for `check`.
        progress: as for `check`.
    """
    run = _Run(tree, codemods, scope, complete, known, jobs, cache, progress)
    with paused_gc():
        result = _apply(run, Chooser(required, accept))
        run.save_cache()
    return result


@dataclass(frozen=True, slots=True)
class _Run:
    """The parameters of one run, and what can be done with them."""

    tree: Tree
    codemods: Sequence[Codemod]
    scope: Collection[str] | None
    complete: bool
    known: Collection[str] | None
    jobs: int
    cache: FactsCache | None
    progress: Progress | None

    def read(self, tree: Tree, paths: Collection[str]) -> Reading:
        """Facts of some of the files, in the state that ``tree`` shows."""
        needles = {needle for codemod in self.codemods for needle in codemod.needles}
        unique = dict.fromkeys(paths)
        return read_files(tree, unique, needles=needles, jobs=self.jobs, cache=self.cache, progress=self.progress)

    def inspect(self, reading: Reading) -> CheckResult:
        """What the codemods find in these facts."""
        project = Project(reading.facts, complete=self.complete)
        everything = reading.facts.keys() | reading.refused.keys()
        scope = everything if self.scope is None else everything & set(self.scope)
        files = sorted(scope & reading.facts.keys())
        errors = [error for path, error in reading.errors.items() if path in scope]
        found: list[Found] = []
        for path in files:
            for item in _check_file(project, path, _relevant(self.codemods, reading.needles[path])):
                if isinstance(item, InternalError):
                    errors.append(item)
                elif fault := _fault(item.finding, reading):
                    errors.append(InternalError(fault, item.finding.codemod, item.finding.location.path))
                elif item.finding.location.path in scope:
                    found.append(Found(confine(item.finding, scope), item.class_lines))
        silenced = silence(found, reading.comments)
        failed = {error.path for error in errors}
        ran = {codemod.name for codemod in self.codemods}
        return CheckResult(
            findings=in_order(silenced.findings),
            refused_files=tuple(reading.refused[path] for path in sorted(scope & reading.refused.keys())),
            errors=tuple(errors),
            unused_suppressions=unused(
                # Where a codemod failed, nobody knows what its comments would have silenced.
                (reading.comments[path] for path in files if path in reading.comments and path not in failed),
                silenced.used,
                ran=ran,
                known=ran if self.known is None else self.known,
            ),
            suppressed=silenced.suppressed,
            files=len(files),
        )

    def save_cache(self) -> None:
        """Keep the facts for the next run."""
        if self.cache is not None:
            self.cache.save()


def _relevant(codemods: Sequence[Codemod], needles: frozenset[bytes]) -> list[Codemod]:
    """The codemods that can find something in a file in which ``needles`` occur."""
    return [codemod for codemod in codemods if not codemod.needles or not needles.isdisjoint(codemod.needles)]


def _check_file(project: Project, path: str, codemods: Sequence[Codemod]) -> Iterator[Found | InternalError]:
    if not codemods:
        return
    try:
        classes = list(project.module_classes(path))
    except Exception as error:  # border: one file
        yield InternalError(describe(error), path=path)
        return
    lines = {cls.qualname: cls.location.line for cls in classes}
    for cls in classes:
        around = (lines[name] for name in _enclosing(cls.qualname) if name in lines)
        class_lines = (cls.location.line, *around)
        for codemod in codemods:
            for item in _guarded(partial(codemod.check, cls), codemod, f"`{cls.qualname}`", path):
                yield Found(item, class_lines) if isinstance(item, Finding) else item
    file = ProjectFile(project, path)
    for codemod in codemods:
        for item in _guarded(partial(codemod.check_file, file), codemod, f"`{path}`", path):
            if isinstance(item, Finding):
                inside = file.classes_around(item.span.start) if item.location.path == path else ()
                yield Found(item, tuple(cls.location.line for cls in inside))
            else:
                yield item


def _guarded(
    ask: Callable[[], Iterator[Finding]], codemod: Codemod, subject: str, path: str
) -> Iterator[Finding | InternalError]:
    try:
        yield from ask()
    except Exception as error:  # border: a codemod, perhaps a foreign one, that fails on one subject
        yield InternalError(f"checking {subject} failed: {describe(error)}", codemod.name, path)


def _enclosing(qualname: str) -> Iterator[str]:
    """``a.b`` and ``a`` for ``a.b.c``."""
    while qualname := qualname.rpartition(".")[0]:
        yield qualname


def _fault(finding: Finding, reading: Reading) -> str | None:
    """What is wrong with the fix of a finding, by mistake of the codemod's author."""
    if finding.fix is None:
        return None
    for edit in finding.fix.edits:
        if edit.path not in reading.facts:
            return f"the fix of `{finding.subject}` changes `{edit.path}`, which is no file of the project"
    return None


@dataclass(slots=True)
class _Progression:
    """What the passes so far have led to."""

    overlay: Overlay
    reading: Reading
    before: dict[str, SourceFile] = field(default_factory=dict)
    steps: dict[str, list[Step]] = field(default_factory=dict)
    applied: list[Finding] = field(default_factory=list)
    passes: Counter[str] = field(default_factory=Counter)  # in how many of them each fingerprint was fixed
    given_up: set[str] = field(default_factory=set)  # fingerprints of fixes that are not tried again
    stale: list[Refused] = field(default_factory=list)
    errors: list[InternalError] = field(default_factory=list)

    def record(self, transaction: Transaction, reading: Reading) -> None:
        """Take over what a transaction has done, and the facts of the files that it changed."""
        for path, steps in transaction.steps.items():
            self.before.setdefault(path, transaction.before[path])
            self.steps.setdefault(path, []).extend(steps)
        self.applied += transaction.made
        self.passes.update({finding.fingerprint for finding in transaction.made})
        self.reading = self.reading.updated(reading)

    def give_up(self, findings: Collection[Finding]) -> None:
        """Do not try these again."""
        self.given_up.update(finding.fingerprint for finding in findings)

    def changes(self) -> Iterator[FileChange]:
        """All changed files, sorted by path."""
        for path in sorted(self.steps):
            change = FileChange(self.before[path], tuple(self.steps[path]))
            if change.after != change.before.text:
                yield change


def _apply(run: _Run, chooser: Chooser) -> ApplyResult:
    overlay = Overlay(run.tree)
    so_far = _Progression(overlay, run.read(overlay, overlay.paths))
    for remaining in reversed(range(_MAX_PASSES + 1)):
        result = run.inspect(so_far.reading)
        chosen = settle(_still_to_make(chooser.choose(result.findings), so_far))
        if not chosen:
            break
        if remaining == 0:
            names = ", ".join(f"`{name}`" for name in dict.fromkeys(finding.codemod for finding in chosen))
            so_far.errors.append(InternalError(f"no rest after {_MAX_PASSES} passes: {names} would go on"))
            break
        _make_pass(run, so_far, chosen)
    if _drop_unused_imports(run, so_far):
        result = run.inspect(so_far.reading)
    final = replace(
        result,
        errors=result.errors + tuple(so_far.errors),
        refused_files=tuple(sorted((*result.refused_files, *so_far.stale), key=lambda refused: refused.path)),
    )
    return ApplyResult(tuple(so_far.changes()), tuple(so_far.applied), final)


def _drop_unused_imports(run: _Run, so_far: _Progression) -> bool:
    """Remove the imports that the fixes have left without a use; whether there are any."""
    freed: dict[str, set[str]] = {}
    for path, name in chain.from_iterable(finding.fix.frees for finding in so_far.applied if finding.fix):
        freed.setdefault(path, set()).add(name)
    project = Project(so_far.reading.facts, complete=run.complete)
    dropped = []
    for path in sorted(freed.keys() & so_far.steps.keys()):
        steps = so_far.steps[path]
        further = list(drop_unused(project, path, so_far.before[path].text, steps, freed[path]))
        if further:
            steps += further
            so_far.overlay.replace(path, steps[-1].text)
            dropped.append(path)
    so_far.reading = so_far.reading.updated(run.read(so_far.overlay, dropped))
    return bool(dropped)


def _still_to_make(findings: Sequence[Finding], so_far: _Progression) -> list[Finding]:
    """Leave out what failed before, and what has been fixed so often that its codemod is not idempotent."""
    tired = {f.fingerprint: f for f in findings if so_far.passes[f.fingerprint] >= _MAX_REPEATS}
    for fingerprint, finding in tired.items():
        if fingerprint not in so_far.given_up:
            message = f"`{finding.subject}` was fixed {_MAX_REPEATS} times and is found again: {finding.message}"
            so_far.errors.append(InternalError(message, finding.codemod, finding.location.path))
    so_far.given_up |= tired.keys()
    return [finding for finding in findings if finding.fingerprint not in so_far.given_up]


def _make_pass(run: _Run, so_far: _Progression, chosen: Sequence[Finding]) -> None:
    """Make the chosen fixes, unless modfix cannot read what comes of them; then the overlay is as it was."""
    progress = run.progress
    transaction = make_fixes(
        so_far.overlay,
        chosen,
        so_far.reading.hashes,
        jobs=run.jobs,
        progress=None if progress is None else lambda done, total: progress("rewriting", done, total),
    )
    so_far.give_up(transaction.failed)
    so_far.stale += transaction.stale
    so_far.errors += transaction.errors
    for path, steps in transaction.steps.items():
        so_far.overlay.replace(path, steps[-1].text)
    reading = run.read(so_far.overlay, transaction.steps)
    if not reading.refused:
        so_far.record(transaction, reading)
        return
    for path, source in transaction.before.items():
        so_far.overlay.replace(path, source.text)
    guilty = [f for f in transaction.made if f.fix and any(edit.path in reading.refused for edit in f.fix.edits)]
    so_far.give_up(guilty)
    for finding in guilty:
        reason = next(iter(reading.refused.values())).reason
        so_far.errors.append(
            InternalError(f"the fix makes a file unreadable: {reason}", finding.codemod, finding.location.path)
        )
