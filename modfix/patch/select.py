"""Keep some fixes of a patch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from modfix.model.patch import FilePatch, FixRecord, Patch, PatchHunk, PatchLine
from modfix.patch.cut import cut, tidy


class SelectionError(ValueError):
    """The wanted fixes cannot be had. The message is for the user."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which fixes are meant: those that meet every criterion that is not empty, each by at least one of its values.

    ``paths`` are globs, or folders, for any file that a fix changes; ``*`` also matches ``/``. ``classes`` are globs
    for the subject of a fix or anything that holds it: ``Basic*`` finds ``BasicBlock.downsample``. ``ids`` may be
    shortened.
    """

    codemods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.codemods or self.paths or self.classes or self.ids)


def matching(patch: Patch, criteria: Criteria) -> frozenset[str]:
    """The fixes that meet ``criteria``; none may do so.

    Raises:
        SelectionError: a codemod or an id does not occur in the patch, or an id is short for more than one.
    """
    _check_names(patch, criteria)
    paths = changed_paths(patch)
    return frozenset(fix.id for fix in patch.fixes if _meets(fix, paths[fix.id], criteria))


def keep(patch: Patch, ids: Collection[str]) -> Patch:
    """The patch with only the fixes ``ids``: what is left applies to the same files as the whole patch does.

    Raises:
        SelectionError: a fix of ``ids`` is tied to one that is not among them.
    """
    kept = frozenset(ids)
    for tie in patch.ties:
        if kept & tie and not tie <= kept:
            raise SelectionError(_tie_message(patch, kept & tie, tie - kept))
    ties = tuple(tie for tie in patch.ties if tie <= kept)
    files = (FilePatch(file.path, tuple(_keep_hunks(file, kept, ties))) for file in patch.files)
    return Patch(tuple(fix for fix in patch.fixes if fix.id in kept), ties, tuple(file for file in files if file.hunks))


def changed_paths(patch: Patch) -> Mapping[str, frozenset[str]]:
    """For each fix the file of its finding, and all files of which it changes a line."""
    paths = defaultdict(set, {fix.id: {fix.path} for fix in patch.fixes})
    for file in patch.files:
        for fix in {fix for hunk in file.hunks for line in hunk.lines for fix in line.fixes}:
            paths[fix].add(file.path)
    return {fix: frozenset(found) for fix, found in paths.items()}


def _keep_hunks(file: FilePatch, kept: frozenset[str], ties: tuple[frozenset[str], ...]) -> Iterator[PatchHunk]:
    for hunk in file.hunks:
        yield from cut(tidy(list(_keep_lines(hunk, kept)), ties), hunk.start, hunk.section)


def _keep_lines(hunk: PatchHunk, kept: frozenset[str]) -> Iterator[PatchLine]:
    """The hunk without other fixes: lines that they removed are context, lines that they added are gone."""
    for line in hunk.lines:
        fixes = line.fixes & kept
        if line.kind == b" " or (fixes == line.fixes if line.joint else fixes):
            yield line._replace(fixes=fixes)
        elif line.kind == b"-":
            yield PatchLine(b" ", line.data)


def _meets(fix: FixRecord, paths: Collection[str], criteria: Criteria) -> bool:
    parts = fix.subject.split(".")
    holders = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return (
        (not criteria.codemods or fix.codemod in criteria.codemods)
        and (not criteria.paths or any(_in(path, glob) for path in paths for glob in criteria.paths))
        and (not criteria.classes or any(fnmatchcase(name, glob) for name in holders for glob in criteria.classes))
        and (not criteria.ids or fix.id.startswith(criteria.ids))
    )


def _in(path: str, glob: str) -> bool:
    glob = glob.removeprefix("./")
    return fnmatchcase(path, glob) or fnmatchcase(path, glob.rstrip("/") + "/*")


def _check_names(patch: Patch, criteria: Criteria) -> None:
    """A misspelt name would silently mean no fix at all."""
    codemods = sorted({fix.codemod for fix in patch.fixes})
    for codemod in criteria.codemods:
        if codemod not in codemods:
            raise SelectionError(
                f"no fix of codemod `{codemod}` is in the patch; it has {', '.join(codemods) or 'none'}"
            )
    for short in criteria.ids:
        found = [fix.id for fix in patch.fixes if fix.id.startswith(short)]
        if not found:
            raise SelectionError(f"no fix `{short}` is in the patch")
        if len(found) > 1:
            raise SelectionError(f"`{short}` is short for {len(found)} fixes: {', '.join(found)}")


def _tie_message(patch: Patch, wanted: frozenset[str], missing: frozenset[str]) -> str:
    def names(ids: frozenset[str]) -> str:
        return ", ".join(f"{fix.id} ({fix.codemod} {fix.subject})" for fix in patch.fixes if fix.id in ids)

    return f"fixes overlap, keep or drop them together: {names(wanted)} stays, {names(missing)} goes"
