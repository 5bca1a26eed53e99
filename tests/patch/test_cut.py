from __future__ import annotations

import pytest

from modfix.model.patch import PatchLine
from modfix.patch.cut import cut

BODY = [PatchLine(b" ", b"    x\n")] * 4
CHANGE = PatchLine(b"-", b"    y\n", frozenset({"fix"}))


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        (b"class A(B):\n", b"class A(B):"),
        (b"\t async  def f(self):  \r\n", b"async  def f(self):"),
        (b"def f(a,\rb):\n", b"def f(a,"),
        (f"def ff({'é' * 40}):\n".encode(), f"def ff({'é' * 36}".encode()),  # 79 bytes: no half character
        (b"define = 1\n", b"before"),
    ],
)
def test_headings(line: bytes, heading: bytes) -> None:
    (hunk,) = cut([PatchLine(b" ", line), *BODY, CHANGE], 0, b"before")
    assert hunk.section == heading


def test_a_heading_may_stand_in_the_hunk_above() -> None:
    lines = [CHANGE, PatchLine(b" ", b"def f():\n"), *BODY, *BODY, CHANGE]
    assert [(hunk.start, hunk.section) for hunk in cut(lines, 10)] == [(10, b""), (17, b"def f():")]


def test_an_added_heading_is_not_in_the_old_file() -> None:
    lines = [PatchLine(b"+", b"def new():\n", frozenset({"fix"})), *BODY, *BODY, CHANGE]
    assert [hunk.section for hunk in cut(lines, 0)] == [b"", b""]
