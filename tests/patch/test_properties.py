"""Random histories: whatever the fixes did, every separable part of the patch applies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from modfix.model.patch import Patch
from modfix.model.result import FileChange
from modfix.patch.diff import make_patch
from modfix.patch.hunks import read
from modfix.patch.select import keep
from modfix.patch.write import patch_bytes
from tests.patch.helpers import apply_by_hand, apply_with, change, finding, index

FIXES = [finding(f"C{n}.x") for n in range(4)]
IDS = [fix.fingerprint for fix in FIXES]
LINES = st.sampled_from(["a", "b", "c", "", "    return x", "d\r", "\f", "é\u2028", "class A:", "-- x", "@@ -1 +1 @@"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    text = "".join(line + "\n" for line in draw(st.lists(LINES, max_size=25)))
    return text if draw(st.booleans()) else text.removesuffix("\n")


@st.composite
def histories(draw: st.DrawFn) -> FileChange:
    """A text that fixes change, each at one to three places of its own choice."""
    before = text = draw(texts())
    steps = []
    for fix in draw(st.lists(st.sampled_from(FIXES), min_size=1, max_size=5)):
        for _ in range(draw(st.integers(1, 3))):
            lines = text.split("\n")
            start = draw(st.integers(0, len(lines)))
            end = draw(st.integers(start, min(len(lines), start + 3)))
            lines[start:end] = draw(st.lists(LINES, max_size=3))
            text = "\n".join(lines)
        steps.append((fix, text))
    return change(before, *steps, bom=draw(st.sampled_from([b"", b"\xef\xbb\xbf"])))


def separable(patch: Patch) -> Iterator[frozenset[str]]:
    """All sets of fixes that can be kept."""
    ids = [fix.id for fix in patch.fixes]
    for size in range(len(ids) + 1):
        for some in map(frozenset, combinations(ids, size)):
            if all(tie <= some or not tie & some for tie in patch.ties):
                yield some


@given(histories())
@settings(max_examples=300, deadline=None)
def test_every_separable_part_applies(one: FileChange) -> None:
    patch = make_patch([one], index(*FIXES))
    before = one.before.encode(one.before.text)
    assert apply_by_hand(before, patch_bytes(patch)) == one.before.encode(one.after)
    assert read(patch_bytes(patch)).patch == patch
    assert keep(patch, IDS) == patch
    for some in separable(patch):
        part = keep(patch, some)
        assert read(patch_bytes(part)).patch == part
        result = apply_by_hand(before, patch_bytes(part))
        assert some or result == before
        for fewer in separable(part):
            assert keep(part, fewer) == keep(patch, fewer)


@given(histories())
@settings(max_examples=25, deadline=None)
def test_git_takes_every_separable_part(one: FileChange) -> None:
    patch = make_patch([one], index(*FIXES))
    before = one.before.encode(one.before.text)
    with TemporaryDirectory() as folder:
        for some in separable(patch):
            part = keep(patch, some)
            if part.files:
                data = patch_bytes(part)
                result = apply_with(["git", "apply", "-"], Path(folder), {"m.py": before}, data)
                assert result == {"m.py": apply_by_hand(before, data)}


@st.composite
def disjoint_edits(draw: st.DrawFn) -> tuple[list[str], dict[int, tuple[str, list[str]]]]:
    """Distinct lines, and for some of them the one fix that replaces them, and by what.

    Two edits of one fix have a line between them that nobody edits: else they are one edit, of which nobody can tell
    where in it the lines of other fixes belong.
    """
    lines = [f"line {n}\n" for n in range(draw(st.integers(1, 20)))]
    edits: dict[int, tuple[str, list[str]]] = {}
    for at in sorted(draw(st.sets(st.integers(0, len(lines) - 1), min_size=1))):
        other = f"new {at}\n"
        new = draw(st.sampled_from([[], [other], [other, f"more {at}\n"], [lines[at], other], [other, lines[at]]]))
        near = {edits[n][0] for n in takewhile(edits.__contains__, range(at - 1, -1, -1))}
        if free := [fix for fix in IDS if fix not in near]:
            edits[at] = (draw(st.sampled_from(free)), new)
    return lines, edits


@given(disjoint_edits(), st.permutations(IDS))
@settings(max_examples=300, deadline=None)
def test_disjoint_fixes_come_apart_exactly(
    drawn: tuple[list[str], dict[int, tuple[str, list[str]]]], order: list[str]
) -> None:
    lines, edits = drawn

    def made(some: frozenset[str]) -> str:
        return "".join(
            "".join(edits[at][1]) if at in edits and edits[at][0] in some else line for at, line in enumerate(lines)
        )

    by_id = dict(zip(IDS, FIXES, strict=True))
    used = [fix for fix in order if any(owner == fix for owner, _ in edits.values())]
    steps = [(by_id[fix], made(frozenset(used[: done + 1]))) for done, fix in enumerate(used)]
    patch = make_patch([change(made(frozenset()), *steps)], index(*FIXES))
    insertions = any(lines[at] in new for at, (_, new) in edits.items())
    assert insertions or not patch.ties
    for some in separable(patch):
        data = patch_bytes(keep(patch, some))
        assert apply_by_hand(made(frozenset()).encode(), data).decode() == made(some)
