"""The diff itself: bytes, names, and that real tools accept it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from unidiff.patch import PatchSet

from modfix import __version__
from modfix.model.edit import EnsureImport
from modfix.patch.diff import unified_diff
from modfix.patch.hunks import read
from modfix.patch.write import checksum
from tests.patch.helpers import Files, after_files, apply_with, before_files, change, diff_of, finding, git_apply, index

NN = EnsureImport("m.py", "torch", "nn")
A = finding("Block.downsample", imports=[NN])
B = finding("Head.norm", imports=[NN], title="replace `None`\u2028by nn.Identity()")

BEFORE = """\
import torch


class Block(torch.nn.Module):
    def __init__(self, stride):
        super().__init__()
        if stride > 1:
            self.downsample = Conv()
        else:
            self.downsample = None

    def forward(self, x):
        if self.downsample is not None:
            x = self.downsample(x)
        return x


class Head(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = None
"""
IMPORTED = BEFORE.replace("import torch\n", "import torch\nfrom torch import nn\n")
STEP_1 = IMPORTED.replace("self.downsample = None", "self.downsample = nn.Identity()").replace(
    "        if self.downsample is not None:\n            x = self.downsample(x)\n", "        x = self.downsample(x)\n"
)
STEP_2 = STEP_1.replace("self.norm = None", "self.norm = nn.Identity()")

GOLDEN = f"""\
# To choose fixes: modfix patch select|drop FILE. Below, `4 by 1+2`: four changed lines, there while fix 1 or 2 is;
# `4 by 1&2`: there while both are.
# fix 1 {A.fingerprint} identity safe m.py Block.downsample: use nn.Identity()
# fix 2 {B.fingerprint} identity safe m.py Head.norm: replace `None` by nn.Identity()
# hunk 1: 1 by 1+2
# hunk 2: 5 by 1, 2 by 2
diff --git a/m.py b/m.py
--- a/m.py
+++ b/m.py
@@ -1,4 +1,5 @@
 import torch
+from torch import nn
 
 
 class Block(torch.nn.Module):
@@ -7,15 +8,14 @@ def __init__(self, stride):
         if stride > 1:
             self.downsample = Conv()
         else:
-            self.downsample = None
+            self.downsample = nn.Identity()
 
     def forward(self, x):
-        if self.downsample is not None:
-            x = self.downsample(x)
+        x = self.downsample(x)
         return x
 
 
 class Head(torch.nn.Module):
     def __init__(self):
         super().__init__()
-        self.norm = None
+        self.norm = nn.Identity()
"""  # noqa: W293  # empty lines of context


def test_golden() -> None:
    diff = diff_of(change(BEFORE, (A, STEP_1), (B, STEP_2)), fixes=[A, B])
    body = GOLDEN.encode()
    assert diff.decode() == f"# modfix {__version__} patch: 2 fixes, checksum {checksum(body)}\n" + GOLDEN


def test_nothing_changed_is_no_diff() -> None:
    assert unified_diff([], {}) == b""
    assert unified_diff([change("a\n", (A, "b\n"), (B, "a\n"))], index(A, B)) == b""


def test_without_findings_the_diff_is_plain() -> None:
    diff = unified_diff([change(BEFORE, (A, STEP_1), (B, STEP_2))], None).decode()
    assert diff.startswith("diff --git a/m.py b/m.py\n")
    assert diff.split("diff --git")[1] == GOLDEN.split("diff --git")[1]


TEXTS = {
    "form_feed": ("a\n\fclass A:\n    x = 1\n\f\nb\n", "a\n\fclass A:\n    x = 2\n\f\nb\f\n"),
    "line_separators": ("s = '\u2028\u2029\x85'\nx\n", "s = '\u2028\u2029\x85'\ny\u2028\n"),
    "crlf": ("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n"),
    "mixed_ends": ("a\r\nb\nc\r\nd\n", "a\nb\r\nc\r\nD\n"),
    "lone_cr": ("a\rb\nc\r\r\nd\n", "a\rB\nc\r\r\nd\r\n"),
    "cr_in_heading": ("def f(a,\rb):\n" + "    x\n" * 5 + "y\n", "def f(a,\rb):\n" + "    x\n" * 5 + "z\n"),
    "no_newline_before": ("a\nb", "a\nB\n"),
    "no_newline_after": ("a\nb\n", "a\nB"),
    "no_newline_both": ("a\nb", "A\nb"),
    "no_newline_both_last_line": ("a\nb", "a\nB"),
    "only_the_newline": ("a", "a\n"),
    "from_empty": ("", "a\nb\n"),
    "to_empty": ("a\nb\n", ""),
    "first_line_only": ("a\n", "b\n"),
    "tabs_and_trailing_blanks": ("\tx = 1  \n\t\n", "\tx = 2\t \n\t\n"),
    "lines_that_look_like_a_patch": (
        "-- a\n@@ -1 +1 @@\n b\n\\ No newline\n",
        "++ a\n@@ -1 +1 @@\n# hunk 1: 2 by 1\nc\n",
    ),
    "nul_and_control": ("a\x00b\x1a\n\x1c\x1d\x1e\nz\n", "a\x00b\x1a\n\x1c\x1d\x1e\nZ\n"),
    "long_heading": (
        "def f(" + "é" * 60 + "):\n" + "    x\n" * 5 + "y\n",
        "def f(" + "é" * 60 + "):\n" + "    x\n" * 5,
    ),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(("encoding", "bom"), [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf")])
def test_git_and_unidiff_take_the_text(tmp_path: Path, name: str, encoding: str, bom: bytes) -> None:
    before, after = TEXTS[name]
    one = change(before, (A, after), encoding=encoding, bom=bom)
    diff = diff_of(one, fixes=[A])
    assert git_apply(tmp_path, before_files(one), diff) == after_files(one)
    indexed = read(diff)
    assert [fix.id for file in indexed.patch_set for hunk in file for fix in indexed.fixes_of(hunk)] == [A.fingerprint]


@pytest.mark.parametrize("name", [name for name in TEXTS if "nul" not in name])
def test_patch_takes_the_text(tmp_path: Path, name: str) -> None:
    if not shutil.which("patch"):
        pytest.skip("no patch program here")
    before, after = TEXTS[name]
    one = change(before, (A, after))
    diff = diff_of(one, fixes=[A])
    result = apply_with(["patch", "-p1", "--fuzz=0", "--binary"], tmp_path, before_files(one), diff)
    assert result == after_files(one)


@pytest.mark.parametrize(
    ("encoding", "letters"),
    [("latin-1", "é\xa0\x85ÿ"), ("cp1252", "€"), ("shift_jis", "表ソ"), ("gb18030", "中\u2028")],
)
def test_other_encodings(tmp_path: Path, encoding: str, letters: str) -> None:
    before = f"# coding: {encoding}\ndef {letters}():\n" + "    x\n" * 4 + f"    '{letters}'\nend\n"
    after = before.replace("x\nend", "end").replace(f"'{letters}'", f"'{letters * 2}'")
    one = change(before, (A, after), encoding=encoding)
    assert git_apply(tmp_path, before_files(one), diff_of(one, fixes=[A])) == after_files(one)


def test_files_of_several_encodings_in_one_patch(tmp_path: Path) -> None:
    changes = [
        change("é = 1\n", (A, "é = 2\n"), path="a.py", encoding="latin-1"),
        change("é = 1\n", (A, "é = 2\n"), path="b.py", bom=b"\xef\xbb\xbf"),
        change("é = 1", (A, "é = 2"), path="c.py"),
    ]
    diff = diff_of(*changes, fixes=[A])
    assert git_apply(tmp_path, before_files(*changes), diff) == after_files(*changes)
    assert read(diff).patch.files[0].hunks[0].lines[0].data == b"\xe9 = 1\n"


NAMES = [
    "my file.py",
    "dir with space/b/x b/y.py",
    "größe.py",
    'quo"te.py',
    "back\\slash.py",
    "tab\there.py",
    "line\nfeed.py",
    "é with space.py",
    "bell\a\x01\x7f.py",
    "\udcff\udcfe.py",
    "# fix.py",
    "a: b.py",
    "-dash.py",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_written_as_git_writes_them(tmp_path: Path, name: str) -> None:
    fix = finding("A", path=name)
    one = change("a\n", (fix, "b\n"), path=name)
    diff = diff_of(one, fixes=[fix])
    assert git_apply(tmp_path, before_files(one), diff) == {name: b"b\n"}
    patch = read(diff).patch
    assert (patch.fixes[0].path, patch.files[0].path) == (name, name)

    (tmp_path / name).write_bytes(b"a\n")
    assert unified_diff([one], None) == git_diff(tmp_path, after_files(one))


def git_diff(repository: Path, after: Files) -> bytes:
    """What git itself says about the change from what lies in ``repository`` to ``after``, without hashes."""
    subprocess.run(["git", "add", "."], cwd=repository, check=True)
    for path, data in after.items():
        (repository / path).write_bytes(data)
    command = ["git", "-c", "core.quotePath=true", "-c", "diff.noprefix=false", "diff", "--no-ext-diff", "--no-color"]
    diff = subprocess.run(command, cwd=repository, check=True, capture_output=True).stdout
    return b"\n".join(line for line in diff.split(b"\n") if not line.startswith(b"index "))


def test_plain_unidiff_takes_the_whole_file() -> None:
    diff = diff_of(change(BEFORE, (A, STEP_1), (B, STEP_2)), change("a\n", (A, "b\n"), path="n.py"), fixes=[A, B])
    patch_set = PatchSet(diff.decode())
    assert [(file.path, file.added, file.removed, len(file)) for file in patch_set] == [
        ("m.py", 4, 4, 2),
        ("n.py", 1, 1, 1),
    ]


def test_hunks_are_those_of_git(tmp_path: Path) -> None:
    before = "".join(f"class C{n}:\n    def f(self):\n        x = {n}\n        return x\n\n" for n in range(30))
    after = before.replace("x = 3\n", "x = 33\n").replace("x = 5\n", "x = 55\n").replace("x = 20\n", "")
    one = change(before, (A, after))
    (tmp_path / ".gitattributes").write_text("*.py diff=python\n")
    (tmp_path / "m.py").write_text(before)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert unified_diff([one], None) == git_diff(tmp_path, after_files(one))


def test_a_fix_without_finding_is_an_error() -> None:
    with pytest.raises(KeyError):
        unified_diff([change("a\n", (A, "b\n"))], index(B))


def test_large_repetitive_files_are_not_quadratic() -> None:
    before = "0,\n" * 20_000
    after = "0,\n" * 5_000 + "1,\n" + "0,\n" * 10_000 + "2,\n" + "0,\n" * 5_000
    patch = unified_diff([change(before, (A, after))], index(A))
    assert patch.count(b"\n@@ ") == 1  # frequent lines are passed over; matching each of them would find two places
