"""A patch that modfix wrote, read back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modfix.model.finding import Applicability
from modfix.model.patch import FilePatch, FixRecord, Patch, PatchHunk, PatchLine
from modfix.patch.align import split_lines
from modfix.patch.names import unquote
from modfix.patch.write import checksum

if TYPE_CHECKING:
    from unidiff.patch import Hunk, PatchSet

_TITLE = re.compile(rb"# modfix \S+ patch: (\d+) fix(?:es)?, checksum ([0-9a-f]{16})\n")
_WORD = r'("(?:[^"\\]|\\.)*"|[^\s"]+)'
_FIX = re.compile(rf"# fix (\d+) (\S+) (\S+) (display|unsafe|safe) {_WORD} {_WORD}: (.*)\n")
_HUNK = re.compile(r"# hunk \d+: (.+)\n")
_RUN = re.compile(r"(\d+) by (\d+(?:\+\d+)*|\d+(?:&\d+)+)")
_TIE = re.compile(r"# inseparable (\d+(?:\+\d+)+)\n")


class PatchError(ValueError):
    """The input is no patch of modfix, or was changed since modfix wrote it. The message is for the user."""


@dataclass(frozen=True, slots=True)
class IndexedPatch:
    """A patch twice: as unidiff sees it, and as a value whose lines know their fixes.

    The text in ``patch_set`` has one character per byte (latin-1), for a patch may hold files of several encodings.
    """

    patch: Patch
    patch_set: PatchSet
    _hunks: dict[int, PatchHunk]  # by the identity of unidiff's hunk, which cannot be hashed

    @property
    def fixes(self) -> tuple[FixRecord, ...]:
        """All fixes of the patch."""
        return self.patch.fixes

    def fixes_of(self, hunk: Hunk) -> tuple[FixRecord, ...]:
        """The fixes that changed a line of ``hunk``, a member of ``patch_set``.

        Raises:
            KeyError: the hunk is from elsewhere.
        """
        ids = {fix for line in self._hunks[id(hunk)].lines for fix in line.fixes}
        return tuple(fix for fix in self.patch.fixes if fix.id in ids)


def read(data: bytes) -> IndexedPatch:
    """Read what `modfix.patch.write.patch_bytes` wrote.

    Raises:
        PatchError: ``data`` is something else, or was changed.
    """
    title = _TITLE.match(data)
    if not title:
        raise PatchError("not a patch that modfix wrote: its first line is not `# modfix ... patch: ...`")
    body = data[title.end() :]
    if checksum(body).encode() != title[2]:
        raise PatchError(
            "the patch was edited after modfix wrote it, so its index of fixes may be wrong; make a new one"
        )
    try:
        return _parse(split_lines(body), int(title[1]))
    except (ValueError, IndexError, StopIteration) as error:
        raise PatchError(f"the index of fixes is broken: {error}") from error


def _parse(lines: Sequence[bytes], count: int) -> IndexedPatch:
    comments = [line.decode("utf-8", "replace") for line in lines if line.startswith(b"#")]
    fixes = tuple(_fix(match) for match in map(_FIX.fullmatch, comments) if match)
    if len(fixes) != count:
        raise ValueError(f"{len(fixes)} fixes are listed, {count} announced")
    ties = tuple(_fixes(match[1], fixes) for match in map(_TIE.fullmatch, comments) if match)
    owners = [list(_owners(match[1], fixes)) for match in map(_HUNK.fullmatch, comments) if match]

    patch_set = _patch_set(lines)
    files: list[FilePatch] = []
    by_identity: dict[int, PatchHunk] = {}
    if sum(map(len, patch_set)) != len(owners):
        raise ValueError("hunks are missing")
    remaining = iter(owners)
    for file in patch_set:
        hunks = [_hunk(hunk, next(remaining)) for hunk in file]
        by_identity.update((id(theirs), ours) for theirs, ours in zip(file, hunks, strict=True))
        files.append(FilePatch(unquote(file.source_file).removeprefix("a/"), tuple(hunks)))
    return IndexedPatch(Patch(fixes, ties, tuple(files)), patch_set, by_identity)


def _patch_set(lines: Sequence[bytes]) -> PatchSet:
    """Let unidiff parse the diff. It gets lines, not text, for where lines end is not its decision."""
    # Here, for every start of modfix would pay for it.
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    # Only hunks and the two lines that name a file: with spaces in names `diff --git` is ambiguous.
    diff = (line.decode("latin-1") for line in lines if line[:1] in (b" ", b"+", b"-", b"@", b"\\"))
    try:
        return PatchSet(diff)
    except (UnidiffParseError, UnboundLocalError) as error:  # the latter before unidiff 1.0.1, for +++ without ---
        raise ValueError(str(error).rstrip()) from error


def _fix(match: re.Match[str]) -> FixRecord:
    _, fix, codemod, applicability, path, subject, title = match.groups()
    return FixRecord(fix, codemod, Applicability[applicability.upper()], unquote(path), unquote(subject), title)


def _fixes(numbers: str, fixes: Sequence[FixRecord]) -> frozenset[str]:
    return frozenset(fixes[int(number) - 1].id for number in re.split(r"[+&]", numbers))


def _owners(runs: str, fixes: Sequence[FixRecord]) -> Iterator[tuple[frozenset[str], bool]]:
    """The fixes of each changed line of a hunk, in order, and whether it needs all of them."""
    for run in runs.split(", "):
        match = _RUN.fullmatch(run)
        if not match:
            raise ValueError(f"`{run}` is not understood")
        for _ in range(int(match[1])):
            yield _fixes(match[2], fixes), "&" in match[2]


def _hunk(hunk: Hunk, owners: Sequence[tuple[frozenset[str], bool]]) -> PatchHunk:
    changed = iter(owners)
    lines: list[PatchLine] = []
    for line in hunk:
        data = line.value.encode("latin-1")
        if line.line_type == "\\":  # no newline at end of file
            lines[-1] = lines[-1]._replace(data=lines[-1].data[:-1])
        elif line.is_context:
            lines.append(PatchLine(b" ", data))
        else:
            lines.append(PatchLine(line.line_type.encode(), data, *next(changed)))
    if sum(line.kind != b" " for line in lines) != len(owners):
        raise ValueError("a hunk has other lines than the index says")
    start = hunk.source_start - 1 if hunk.source_length else hunk.source_start
    return PatchHunk(start, hunk.section_header.encode("latin-1"), tuple(lines))
