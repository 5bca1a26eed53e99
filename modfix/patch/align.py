"""Which lines of two versions of a file are the same line."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

_JUNK_ABOVE = 250_000  # pairs of lines; difflib is quadratic in them, or worse, unless it may pass over frequent lines


class Change(NamedTuple):
    """The lines ``old_start:old_end`` became ``new_start:new_end``; one of the two ranges may be empty."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def split_lines(data: bytes) -> list[bytes]:
    """Split behind line feeds only; carriage returns, form feeds and Unicode separators are part of a line."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def changes(old: Sequence[bytes], new: Sequence[bytes]) -> list[Change]:
    """The ranges that differ, in order and never touching each other.

    Most of a file does not change, so common ends are cut off first. What is left is divided at lines that occur once
    on both sides (patience diff: such lines are seldom matched by accident, and it costs one pass); difflib sees only
    the small rest.
    """
    found: list[Change] = []
    for gap in _gaps(old, new, _trim(old, new, Change(0, len(old), 0, len(new)))):
        rest = _trim(old, new, gap)
        a, b = old[rest.old_start : rest.old_end], new[rest.new_start : rest.new_end]
        if not a or not b:
            if a or b:
                found.append(rest)
            continue
        matcher = SequenceMatcher(None, a, b, autojunk=len(a) * len(b) > _JUNK_ABOVE)
        i, j = rest.old_start, rest.new_start
        found.extend(
            Change(i + i1, i + i2, j + j1, j + j2) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"
        )
    return found


def _trim(old: Sequence[bytes], new: Sequence[bytes], within: Change) -> Change:
    """Narrow ``within`` by the lines that both sides begin and end with."""
    i1, i2, j1, j2 = within
    while i1 < i2 and j1 < j2 and old[i1] == new[j1]:
        i1 += 1
        j1 += 1
    while i1 < i2 and j1 < j2 and old[i2 - 1] == new[j2 - 1]:
        i2 -= 1
        j2 -= 1
    return Change(i1, i2, j1, j2)


def _gaps(old: Sequence[bytes], new: Sequence[bytes], within: Change) -> Iterator[Change]:
    """The ranges between lines that occur once on both sides and in the same order."""
    i, j = within.old_start, within.new_start
    for next_i, next_j in _anchors(old, new, within):
        if next_i > i or next_j > j:
            yield Change(i, next_i, j, next_j)
        i, j = next_i + 1, next_j + 1
    if i < within.old_end or j < within.new_end:
        yield Change(i, within.old_end, j, within.new_end)


def _anchors(old: Sequence[bytes], new: Sequence[bytes], within: Change) -> list[tuple[int, int]]:
    """Positions (old, new) of lines that are unique on both sides: the longest sequence that rises on both."""
    a, b = old[within.old_start : within.old_end], new[within.new_start : within.new_end]
    if not a or not b:
        return []
    count_a, count_b = Counter(a), Counter(b)
    where = {line: j for j, line in enumerate(b, within.new_start) if count_b[line] == 1}
    pairs = [(i, where[line]) for i, line in enumerate(a, within.old_start) if line in where and count_a[line] == 1]
    if all(first[1] < second[1] for first, second in pairwise(pairs)):
        return pairs
    return _longest_rise(pairs)


def _longest_rise(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of ``pairs`` (rising in the first item) that rises in the second item too."""
    tails: list[int] = []  # smallest second item that ends a rise of each length
    ends: list[int] = []  # index into pairs of that item
    previous: list[int] = []
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(tails, j)
        previous.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [j]
        ends[length : length + 1] = [index]
    rise = []
    index = ends[-1]
    while index >= 0:
        rise.append(pairs[index])
        index = previous[index]
    return rise[::-1]
