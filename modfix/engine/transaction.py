"""Makes fixes in memory: each of them in all of its files, or in none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from modfix.engine.errors import describe
from modfix.engine.parallel import map_chunks
from modfix.model.edit import Edit
from modfix.model.finding import Finding
from modfix.model.result import InternalError, Step
from modfix.model.source import Refused, SourceFile

if TYPE_CHECKING:
    from modfix.source.tree import Tree

_PARALLEL_FILES = 8  # rewriting a file takes far longer than scanning it


@dataclass(slots=True)
class Transaction:
    """What came of a set of fixes."""

    made: list[Finding] = field(default_factory=list)
    failed: list[Finding] = field(default_factory=list)
    before: dict[str, SourceFile] = field(default_factory=dict)  # the changed files as they were
    steps: dict[str, list[Step]] = field(default_factory=dict)  # of the changed files, in the order of the fixes
    errors: list[InternalError] = field(default_factory=list)
    stale: list[Refused] = field(default_factory=list)  # files that are no longer what the fixes were planned on


class _Group(NamedTuple):
    """The edits of one fix in one file."""

    fix: int  # index into the findings
    edits: tuple[Edit, ...]


class _Task(NamedTuple):
    path: str
    groups: tuple[_Group, ...]


class _Written(NamedTuple):
    """A file and its text after each of the groups."""

    source: SourceFile
    texts: list[str]


class _Failed(NamedTuple):
    """Which fixes of a task cannot be made, and why. ``stale``: nobody's fault, the file has changed on the disk."""

    fixes: tuple[int, ...]
    message: str
    stale: bool = False


_Outcome: TypeAlias = "_Written | _Failed"


def make_fixes(
    tree: Tree,
    findings: Sequence[Finding],
    hashes: Mapping[str, str],
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Transaction:
    """Make the fixes of ``findings``, which must not clash with each other, in the given order. The tree stays as it
    is.

    Args:
        tree: where the files are.
        findings: what to fix; all have a fix.
        hashes: of the file contents that the fixes were planned on. A file that is something else by now stays alone.
        jobs: how many processes to use, if there is enough to do for them.
        progress: told how many files are done, and of how many.
    """
    result = Transaction()
    failed: set[int] = set()
    outcomes: dict[_Task, _Written] = {}
    while True:
        tasks = _tasks(findings, failed)
        results = _run([task for task in tasks if task not in outcomes], tree, hashes, jobs, progress)
        outcomes.update((task, outcome) for task, outcome in results if isinstance(outcome, _Written))
        failures = [(task, outcome) for task, outcome in results if isinstance(outcome, _Failed)]
        if not failures:
            break
        # A fix that cannot be made in one file is made in none: once more without it, only where it took part.
        for task, failure in failures:
            failed.update(failure.fixes)
            if failure.stale:
                result.stale.append(Refused(task.path, failure.message))
            else:
                names = dict.fromkeys(findings[index].codemod for index in failure.fixes)
                result.errors += [InternalError(failure.message, name, task.path) for name in names]
    _collect(result, findings, failed, {task: outcomes[task] for task in tasks})
    return result


def _tasks(findings: Sequence[Finding], left_out: set[int]) -> list[_Task]:
    groups: defaultdict[str, list[_Group]] = defaultdict(list)
    for index, finding in enumerate(findings):
        if index in left_out or finding.fix is None:
            continue
        edits: defaultdict[str, list[Edit]] = defaultdict(list)
        for edit in finding.fix.edits:
            edits[edit.path].append(edit)
        for path, of_file in edits.items():
            groups[path].append(_Group(index, tuple(of_file)))
    return [_Task(path, tuple(groups[path])) for path in sorted(groups)]


def _run(
    tasks: Sequence[_Task],
    tree: Tree,
    hashes: Mapping[str, str],
    jobs: int,
    progress: Callable[[int, int], None] | None,
) -> list[tuple[_Task, _Outcome]]:
    # LibCST is slow to import: once, before processes fork, and never for `check`.
    import modfix.engine.rewriter  # noqa: F401

    outcomes = map_chunks(
        partial(_rewrite, tree, hashes),
        tasks,
        jobs=jobs if len(tasks) >= _PARALLEL_FILES else 1,
        crashed=lambda task: _Failed(tuple(group.fix for group in task.groups), "rewriting this file crashed"),
        progress=None if progress is None else lambda done: progress(done, len(tasks)),
    )
    return list(zip(tasks, outcomes, strict=True))


def _rewrite(tree: Tree, hashes: Mapping[str, str], task: _Task) -> _Outcome:
    from modfix.engine.rewriter import RewriteError, rewrite

    fixes = tuple(group.fix for group in task.groups)
    source = tree.read(task.path)
    if isinstance(source, Refused):
        return _Failed(fixes, source.reason, stale=True)
    if source.content_hash != hashes[task.path]:
        return _Failed(fixes, "changed while modfix was running", stale=True)
    edits = [group.edits for group in task.groups]
    try:
        texts = rewrite(source.text, edits)
    except RewriteError as error:
        return _Failed((fixes[error.group_index],), str(error))
    except Exception as error:  # border: one fix that cannot be made must not stop the others
        return _Failed((fixes[_guilty(source.text, edits)],), describe(error))
    for fix, text in zip(fixes, texts, strict=True):
        try:
            source.encode(text)
        except UnicodeEncodeError as error:
            return _Failed((fix,), f"the file's encoding `{source.encoding}` has no {error.object[error.start]!r}")
    return _Written(source, texts)


def _guilty(text: str, edits: Sequence[Sequence[Edit]]) -> int:
    """The first group with which rewriting fails."""
    from modfix.engine.rewriter import rewrite

    for index in range(len(edits) - 1):
        try:
            rewrite(text, edits[: index + 1])
        except Exception:  # the same error again; it was described already
            return index
    return len(edits) - 1


def _collect(
    result: Transaction, findings: Sequence[Finding], failed: set[int], outcomes: Mapping[_Task, _Written]
) -> None:
    """Put the texts into ``result`` as steps, and tell which fixes were made."""
    effective: set[int] = set()
    for task, (source, texts) in outcomes.items():
        steps = []
        text = source.text
        for group, after in zip(task.groups, texts, strict=True):
            if after != text:
                steps.append(Step((findings[group.fix].fingerprint,), after))
                effective.add(group.fix)
            text = after
        if steps:
            result.before[task.path] = source
            result.steps[task.path] = steps
    for index, finding in enumerate(findings):
        if index in effective:
            result.made.append(finding)
            continue
        result.failed.append(finding)
        if index not in failed:
            result.errors.append(InternalError("the fix changes nothing", finding.codemod, finding.location.path))
