from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modfix.patch.align import Change, changes, split_lines

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n", b"\n"]), max_size=12)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a\n"]),
        (b"a\n\nb", [b"a\n", b"\n", b"b"]),
        (b"a\r\nb\rc\n", [b"a\r\n", b"b\rc\n"]),
        ("\f\x0b\x1c\u2028\x85\n".encode(), ["\f\x0b\x1c\u2028\x85\n".encode()]),
    ],
)
def test_only_line_feeds_end_lines(data: bytes, lines: list[bytes]) -> None:
    assert split_lines(data) == lines


@given(LINES, LINES)
def test_changes_turn_old_into_new_and_leave_equal_lines(old: list[bytes], new: list[bytes]) -> None:
    result: list[bytes] = []
    i = j = 0
    for change in changes(old, new):
        assert change.old_end > change.old_start or change.new_end > change.new_start
        assert old[i : change.old_start] == new[j : change.new_start]
        assert not result or change.old_start > i, "changes touch"
        result += old[i : change.old_start] + new[change.new_start : change.new_end]
        i, j = change.old_end, change.new_end
    assert result + old[i:] == new


def test_moved_unique_lines_leave_the_longest_common_order() -> None:
    old = [b"import a\n", b"x\n", b"y\n", b"z\n"]
    new = [b"x\n", b"y\n", b"z\n", b"import a\n"]
    assert changes(old, new) == [Change(0, 1, 0, 0), Change(4, 4, 3, 4)]
