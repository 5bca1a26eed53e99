"""From changed files to a unified diff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modfix.model.finding import Finding
from modfix.model.patch import FilePatch, FixRecord, Patch
from modfix.model.result import FileChange
from modfix.patch.blame import blame, join_ties
from modfix.patch.cut import cut, tidy
from modfix.patch.write import diff_bytes, patch_bytes


def unified_diff(changes: Sequence[FileChange], findings: Mapping[str, Finding] | None) -> bytes:
    """The diff of ``changes``, in git's format, in the bytes of the files; empty when no file changed.

    ``findings`` (by fingerprint, all that occur in ``changes``) go into an index above the diff, with which
    `modfix.patch.hunks.read` tells the fixes apart again. Without them the diff is plain.

    Raises:
        KeyError: a step names a fix that is not in ``findings``.
        UnicodeEncodeError: the encoding of a file cannot express one of its steps.
    """
    patch = make_patch(changes, findings or {})
    if not patch.files:
        return b""
    return diff_bytes(patch.files) if findings is None else patch_bytes(patch)


def make_patch(changes: Sequence[FileChange], findings: Mapping[str, Finding]) -> Patch:
    """The same as a value; without ``findings`` there are lines that know their fixes, but no records of fixes."""
    weaves = [(change.path, blame(change, findings)) for change in changes]
    ties = join_ties(tie for _, weave in weaves for tie in weave.ties())
    files = [FilePatch(path, tuple(cut(tidy(weave.patch_lines(), ties), 0))) for path, weave in weaves]
    ids = dict.fromkeys(fix for change in changes for step in change.steps for fix in step.fixes)
    fixes = tuple(_record(fix, findings[fix]) for fix in ids) if findings else ()
    return Patch(fixes, ties, tuple(file for file in files if file.hunks))


def _record(fix: str, finding: Finding) -> FixRecord:
    if finding.fix is None:
        raise ValueError(f"finding {fix} has no fix")
    return FixRecord(
        id=fix,
        codemod=finding.codemod,
        applicability=finding.fix.applicability,
        path=finding.location.path,
        subject=finding.subject,
        title=finding.fix.title,
    )
