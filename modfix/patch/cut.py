"""From the lines of a whole file, or of a larger hunk, to hunks with three lines of context."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from modfix.model.patch import PatchHunk, PatchLine
from modfix.patch.align import changes

CONTEXT = 3
_SECTION = re.compile(rb"[ \t]*((?:class|(?:async[ \t]+)?def)[ \t][^\r\n]*)")  # what git shows for Python
_SECTION_BYTES = 80


def cut(lines: Sequence[PatchLine], start: int, section: bytes = b"") -> Iterator[PatchHunk]:
    """Cut ``lines`` into hunks; changes that share their context share a hunk.

    ``start`` counts the lines of the old file before ``lines``; ``section`` is the heading of a hunk above which
    ``lines`` hold no ``class`` and no ``def``.
    """
    seen = 0  # lines of `lines` before the present hunk
    for first, end in _windows(lines):
        start += sum(line.kind != b"+" for line in lines[seen:first])
        section = next(_sections(lines[seen:first]), section)
        yield PatchHunk(start, section, tuple(lines[first:end]))
        start += sum(line.kind != b"+" for line in lines[first:end])
        section = next(_sections(lines[first:end]), section)
        seen = end


def tidy(lines: Sequence[PatchLine], ties: Sequence[frozenset[str]]) -> list[PatchLine]:
    """Sort each run of changes that stand or fall together: removed lines, then added ones; what is in both is context.

    Runs of different fixes stay in their order, so that each can be taken out.
    """
    tie_of = {fix: tie for tie in ties for fix in tie}
    result: list[PatchLine] = []
    for (fixes, _), run in groupby(lines, key=lambda line: (_together(line.fixes, tie_of), line.joint)):
        if not fixes:
            result.extend(run)
            continue
        changed = list(run)
        removed = [line for line in changed if line.kind == b"-"]
        added = [line for line in changed if line.kind == b"+"]
        result.extend(_replacement(removed, added) if removed and added else changed)
    return result


def _together(fixes: frozenset[str], tie_of: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The fixes that a line depends on, tied ones included: lines with an equal answer are kept or dropped together."""
    return fixes.union(*(tie_of.get(fix, ()) for fix in fixes)) if fixes else fixes


def _replacement(removed: Sequence[PatchLine], added: Sequence[PatchLine]) -> Iterator[PatchLine]:
    """``removed`` and ``added`` as one block; a line that one fix removed and the next put back is no change."""
    done = 0
    for change in changes([line.data for line in removed], [line.data for line in added]):
        yield from (PatchLine(b" ", line.data) for line in removed[done : change.old_start])
        yield from removed[change.old_start : change.old_end]
        yield from added[change.new_start : change.new_end]
        done = change.old_end
    yield from (PatchLine(b" ", line.data) for line in removed[done:])


def _windows(lines: Sequence[PatchLine]) -> Iterator[tuple[int, int]]:
    """Ranges of ``lines`` that hold all changes and up to three lines of context on both sides, and do not meet."""
    first = end = -1
    for index, line in enumerate(lines):
        if line.kind == b" ":
            continue
        if end < 0:
            first = max(0, index - CONTEXT)
        elif index - CONTEXT > end:
            yield first, end
            first = index - CONTEXT
        end = min(len(lines), index + 1 + CONTEXT)
    if end >= 0:
        yield first, end


def _sections(lines: Sequence[PatchLine]) -> Iterator[bytes]:
    """The headings in the old version of ``lines``, last one first."""
    for line in reversed(lines):
        if line.kind != b"+" and (match := _SECTION.match(line.data)):
            heading = match[1]
            if len(heading) > _SECTION_BYTES:
                heading = heading[:_SECTION_BYTES].decode("utf-8", "ignore").encode()  # no half character
            yield heading.rstrip()
