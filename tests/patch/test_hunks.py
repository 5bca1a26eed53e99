from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modfix.patch.hunks import PatchError, read
from modfix.patch.write import checksum
from tests.patch.helpers import change, diff_of, finding

A = finding("Block.downsample", path="my m\u00e9.py", title="a: b `c`\nd")
B = finding('Odd "subject".x', path="my m\u00e9.py", codemod="functional")
ONE = change(
    "a\nb\f\r\n" + "c\n" * 9 + "d",
    (A, "A\nb\f\r\n" + "c\n" * 9 + "d"),
    (B, "A\n" + "c\n" * 9 + "D"),
    path="my m\u00e9.py",
)
DIFF = diff_of(ONE, fixes=[A, B])


def sealed(body: bytes, count: int = 2) -> bytes:
    """With a right checksum, as a careful forger would write it."""
    return f"# modfix 0.1.0 patch: {count} fixes, checksum {checksum(body)}\n".encode() + body


BODY = DIFF.partition(b"\n")[2]


def test_records_come_back() -> None:
    first, second = read(DIFF).fixes
    assert (first.id, first.codemod, first.path, first.subject) == (
        A.fingerprint,
        "identity",
        A.location.path,
        A.subject,
    )
    assert (second.subject, second.title) == (B.subject, "use nn.Identity()")
    assert first.title == "a: b `c` d"


def test_hunks_know_their_fixes() -> None:
    indexed = read(DIFF)
    (file,) = indexed.patch_set
    assert [[fix.id for fix in indexed.fixes_of(hunk)] for hunk in file] == [
        [A.fingerprint, B.fingerprint],
        [B.fingerprint],
    ]
    assert [line.value for line in file[0]][:4] == ["a\n", "A\n", "b\f\r\n", "c\n"]


def test_a_hunk_from_elsewhere_has_no_fixes() -> None:
    with pytest.raises(KeyError):
        read(DIFF).fixes_of(read(DIFF).patch_set[0][0])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"diff --git a/m.py b/m.py\n--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-a\n+b\n",
        BODY,
        b"From 1234\n" + DIFF,
        b"# modfix 0.1.0 patch: many fixes, checksum 0123456789abcdef\n",
    ],
)
def test_what_modfix_did_not_write_is_refused(data: bytes) -> None:
    with pytest.raises(PatchError, match="not a patch that modfix wrote"):
        read(data)


@pytest.mark.parametrize(
    ("old", "new"), [(b"+A\n", b"+B\n"), (b"\n", b"\r\n"), (b" 1 by 2", b" 1 by 1"), (b"safe", b"unsafe")]
)
def test_an_edited_patch_is_refused(old: bytes, new: bytes) -> None:
    head, _, body = DIFF.partition(b"\n")
    assert old in body
    with pytest.raises(PatchError, match="was edited"):
        read(head + b"\n" + body.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"+A\n", b""),
        (b"@@ -1,5", b"@@ -1,9"),
        (b"2 by 1", b"3 by 1"),
        (b"2 by 1", b"1 by 1"),
        (b"2 by 1", b"2 by 7"),
        (b"2 by 1", b"2 by"),
        (b"2 by 1", b"x"),
        (b"# hunk 2", b"# hank 2"),
        (b"# fix 2", b"# fox 2"),
        (b'functional safe "', b'functional safe "\\'),
        (b"--- ", b"-- "),
        (b"+++ ", b"++ "),
    ],
)
def test_a_broken_index_is_refused(old: bytes, new: bytes) -> None:
    assert old in BODY
    with pytest.raises(PatchError, match="index of fixes is broken"):
        read(sealed(BODY.replace(old, new, 1)))


@given(st.data())
def test_no_damage_makes_a_traceback(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(BODY)))
    end = data.draw(st.integers(start, min(len(BODY), start + 20)))
    junk = data.draw(
        st.one_of(st.binary(max_size=6), st.sampled_from([b"\n", b"# hunk 1: 1 by 1\n", b"@@ -1 +1 @@\n", b"\\"]))
    )
    with suppress(PatchError):
        read(sealed(BODY[:start] + junk + BODY[end:]))
