from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from modfix.cli.patch import app
from modfix.patch.hunks import read
from tests.patch.helpers import before_files, change, diff_of, finding, git_apply

A = finding("Block.downsample", path="models/a.py")
B = finding("Head.norm", path="models/a.py")
C = finding("Net.act", path="größe.py", codemod="functional")
CHANGES = (
    change("a\r\nb\r\nc\r\n", (A, "A\r\nb\r\nc\r\n"), (B, "A\r\nb\r\nC\r\n"), path="models/a.py"),
    change("é\f\n", (C, "É\f\n"), path="größe.py", encoding="latin-1"),
)
DIFF = diff_of(*CHANGES, fixes=[A, B, C])
TIED = diff_of(change("a\n", (A, "b\n"), (B, "c\n")), fixes=[A, B])


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "all.patch"
    path.write_bytes(DIFF)
    return str(path)


def ids(data: bytes) -> list[str]:
    return [fix.id for fix in read(data).fixes]


def test_show_lists_the_fixes(file: str) -> None:
    result = CliRunner().invoke(app, ["show", file])
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["fix", "codemod", "applicability", "path", "class", "hunks", "title"]
    assert rows[1][:6] == [A.fingerprint, "identity", "safe", "models/a.py", "Block.downsample", "1"]
    assert rows[3][:6] == [C.fingerprint, "functional", "safe", "größe.py", "Net.act", "1"]
    assert len(rows) == 4


def test_show_diff_adds_the_plain_diff(file: str) -> None:
    result = CliRunner().invoke(app, ["show", "--diff", file])
    assert result.stdout_bytes.endswith(b"\n\n" + DIFF[DIFF.index(b"diff --git") :].replace(b"# hunk 1: 2 by 3\n", b""))


def test_show_names_what_is_inseparable() -> None:
    result = CliRunner().invoke(app, ["show", "-"], input=TIED)
    assert result.stdout.splitlines()[-1] == f"inseparable: {A.fingerprint}, {B.fingerprint}"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["select", "--codemod", "identity"], [A, B]),
        (["select", "--codemod", "identity, functional", "--path", "models"], [A, B]),
        (["select", "--class", "Block", "--class", "Net"], [A, C]),
        (["select", "--fix", B.fingerprint[:8]], [B]),
        (["drop", "--path", "gr*"], [A, B]),
        (["drop", "--class", "Head.norm"], [A, C]),
        (["drop", "--path", "nowhere"], [A, B, C]),
    ],
)
def test_results_are_complete_patches(tmp_path: Path, file: str, arguments: list[str], expected: list[object]) -> None:
    result = CliRunner().invoke(app, [*arguments, file])
    assert result.exit_code == 0
    assert ids(result.stdout_bytes) == [fix.fingerprint for fix in (A, B, C) if fix in expected]
    assert f"{len(expected)} fixes kept" in result.stderr.replace("1 fix kept", "1 fixes kept")
    after = git_apply(tmp_path / "repo", before_files(*CHANGES), result.stdout_bytes)
    assert (
        after["models/a.py"]
        == (b"A" if A in expected else b"a") + b"\r\nb\r\n" + (b"C" if B in expected else b"c") + b"\r\n"
    )
    assert after["größe.py"] == (b"\xc9\f\n" if C in expected else b"\xe9\f\n")


def test_output_of_one_is_input_of_the_next_and_may_be_the_same_file(file: str) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["drop", "--fix", A.fingerprint, "-o", file, file]).stdout_bytes == b""
    result = runner.invoke(app, ["select", "--codemod", "identity", "-"], input=Path(file).read_bytes())
    assert ids(result.stdout_bytes) == [B.fingerprint]


def test_nothing_left_is_said(file: str) -> None:
    result = CliRunner().invoke(app, ["drop", "--path", "*", file])
    assert result.exit_code == 0
    assert ids(result.stdout_bytes) == []
    assert result.stderr == "0 fixes kept, 3 dropped; the patch is empty, `git apply` will refuse it\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["select"], "say which fixes"),
        (["drop"], "say which fixes"),
        (
            ["select", "--codemod", "identiy"],
            "no fix of codemod `identiy` is in the patch; it has functional, identity",
        ),
        (["drop", "--fix", "zz"], "no fix `zz` is in the patch"),
        (["select", "--path", "models", "-o", "no/such/folder/x"], "No such file"),
    ],
)
def test_usage_errors(file: str, arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, [*arguments, file])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert message in result.stderr


def test_what_cannot_be_divided_is_refused() -> None:
    result = CliRunner().invoke(app, ["drop", "--fix", A.fingerprint, "-"], input=TIED)
    assert (result.exit_code, result.stdout) == (2, "")
    assert A.fingerprint in result.stderr
    assert B.fingerprint in result.stderr


@pytest.mark.parametrize("command", [["show"], ["select", "--path", "a"], ["drop", "--path", "a"]])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a patch that modfix wrote"),
        (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "not a patch that modfix wrote"),
        (DIFF.replace(b"+A", b"+B"), "was edited"),
    ],
)
def test_other_input_is_refused(command: list[str], data: bytes, message: str) -> None:
    result = CliRunner().invoke(app, [*command, "-"], input=data)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: -: ")
    assert message in result.stderr


def test_a_missing_file_is_no_traceback(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["show", str(tmp_path / "none.patch")])
    assert result.exit_code == 2
    assert "No such file" in result.stderr
