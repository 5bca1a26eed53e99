"""`modfix apply`: the same changes as a patch, on stdout, or written; all of them or none."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from modfix.source import writer
from tests.cli.conftest import Modfix

FIXED = "class Net:\n    a = 1  # safe\n    b = 1  # safe\n"


def contents(root: Path) -> dict[str, bytes]:
    """All files but those of git and the journal."""
    files = (path for path in root.rglob("*") if path.is_file() and not {".git", ".modfix"} & set(path.parts))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_safe_fixes_are_written_and_can_be_undone(modfix: Modfix, zoo: Path) -> None:
    before = contents(zoo)
    outcome = modfix("apply")
    assert outcome.code == 0
    assert outcome.out == ""
    assert outcome.err == (
        "models/safe.py:2:5: marker make it 1 (safe)\n"
        "models/safe.py:3:5: marker make it 1 (safe)\n"
        "Applied 2 fixes in 1 file (`modfix undo` takes them back).\n"
        "Left alone: 1 unsafe (`--unsafe-fixes`), 1 refused; `modfix check --show-refused` says why.\n"
    )
    assert contents(zoo) == before | {"models/safe.py": FIXED.encode()}
    undone = modfix("undo")
    assert (undone.code, undone.out) == (0, "")
    assert "restored models/safe.py\nRestored 1 file to before the run of 2" in undone.err
    assert contents(zoo) == before


def test_a_second_run_has_nothing_to_do(modfix: Modfix, zoo: Path) -> None:
    modfix("apply")
    outcome = modfix("apply")
    assert outcome.code == 0
    assert outcome.err.startswith("Nothing to fix in 4 files.\n")


def test_unsafe_fixes_are_opt_in_and_never_override_a_refusal(modfix: Modfix, zoo: Path) -> None:
    assert modfix("apply", "--unsafe-fixes").code == 0
    assert (zoo / "models/unsafe.py").read_text() == "class Net:\n    c = 1  # unsafe\n"
    assert (zoo / "models/refused.py").read_text() == "class Net:\n    d = None  # refused\n"


def test_the_configuration_can_ask_for_unsafe_fixes_and_the_command_line_can_decline(modfix: Modfix, zoo: Path) -> None:
    (zoo / "pyproject.toml").write_text("[tool.modfix]\nunsafe-fixes = true\n")
    assert "+    c = 1" in modfix("apply", "--diff").out
    assert "+    c = 1" not in modfix("apply", "--diff", "--no-unsafe-fixes").out


def test_a_diff_is_the_real_run_up_to_the_last_step(modfix: Modfix, zoo: Path) -> None:
    before = contents(zoo)
    outcome = modfix("apply", "--diff")
    assert outcome.code == 1
    assert "Would apply 2 fixes in 1 file.\n" in outcome.err
    assert contents(zoo) == before
    subprocess.run(["git", "apply", "-"], input=outcome.out.encode(), cwd=zoo, check=True)
    by_patch = contents(zoo)
    subprocess.run(["git", "checkout", "-q", "."], cwd=zoo, check=True)
    modfix("apply")
    assert contents(zoo) == by_patch


def test_without_a_change_the_diff_is_empty_and_the_exit_code_0(modfix: Modfix, zoo: Path) -> None:
    outcome = modfix("apply", "--diff", "clean.py")
    assert (outcome.code, outcome.out) == (0, "")
    assert modfix("apply", "--diff", "--exit-zero").code == 0


def test_a_patch_goes_to_a_file(modfix: Modfix, zoo: Path, tmp_path: Path) -> None:
    before = contents(zoo)
    patch = tmp_path / "fixes.patch"
    outcome = modfix("apply", "-o", patch)
    assert (outcome.code, outcome.out) == (1, "")
    assert f"Would apply 2 fixes in 1 file; the patch is in {patch}." in outcome.err
    assert contents(zoo) == before
    without_index = [line for line in patch.read_text().split("\n") if not line.startswith("#")]
    assert without_index == modfix("apply", "--diff").out.split("\n")
    assert "marker" in modfix("patch", "show", patch).out
    assert modfix("apply", "-o", tmp_path / "no" / "such").code == 2


def test_files_with_uncommitted_changes_stop_the_whole_run(modfix: Modfix, zoo: Path) -> None:
    (zoo / "models" / "new.py").write_text("class Net:\n    a = None  # safe\n")
    before = contents(zoo)
    outcome = modfix("apply")
    assert outcome.code == 2
    assert outcome.err == (
        "error: nothing was written, because these files have uncommitted changes; commit or stash them, or pass "
        "--allow-dirty:\n  models/new.py\n"
    )
    assert contents(zoo) == before
    assert modfix("apply", "--diff").code == 1
    assert modfix("apply", "models/safe.py").code == 0
    assert modfix("apply", "--allow-dirty").code == 0
    assert (zoo / "models" / "new.py").read_text() == "class Net:\n    a = 1  # safe\n"


def test_a_file_that_changes_meanwhile_stops_the_whole_run(
    modfix: Modfix, zoo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = writer.write

    def late(root: Path, changes: dict[str, tuple[bytes, bytes]]) -> writer.WriteReport:
        (zoo / "models" / "safe.py").write_text("mine\n")
        return real(root, changes)

    monkeypatch.setattr(writer, "write", late)
    outcome = modfix("apply", "--unsafe-fixes")
    assert outcome.code == 2
    assert "nothing was written, because of:\n  models/safe.py: changed while modfix was running\n" in outcome.err
    assert (zoo / "models" / "safe.py").read_text() == "mine\n"
    assert "None" in (zoo / "models" / "unsafe.py").read_text()


def test_a_wanted_fix_that_is_left_is_shown_and_is_exit_code_1(modfix: Modfix, zoo: Path) -> None:
    (zoo / "models" / "new.py").write_text("class Net:\n    a = None  # stubborn\n")
    outcome = modfix("apply", "models/new.py")
    assert outcome.code == 1
    assert "These could not be fixed:\nmodels/new.py:2:5: marker [safe]" in outcome.err
    assert modfix("apply", "models/new.py", "--exit-zero").code == 0


def test_a_bug_does_not_stop_the_other_fixes_but_is_exit_code_2(modfix: Modfix, zoo: Path) -> None:
    (zoo / "trap.py").write_text("class Net:\n    f = None  # bug\n")
    outcome = modfix("apply")
    assert outcome.code == 2
    assert (zoo / "models" / "safe.py").read_text() == FIXED
    assert "modfix bug (codemod `marker`, trap.py): output does not parse\n" in outcome.err


def test_json_tells_what_was_done_and_what_is_left(modfix: Modfix, zoo: Path) -> None:
    outcome = modfix("apply", "--output-format", "json")
    document = json.loads(outcome.out)
    assert outcome.code == 0
    assert [finding["subject"] for finding in document["applied"]] == ["Net.a", "Net.b"]
    assert [finding["subject"] for finding in document["findings"]] == ["Net.d", "Net.c"]
    assert document["changed"] == ["models/safe.py"]
    assert (zoo / "models/safe.py").read_text() == FIXED


@pytest.mark.parametrize("arguments", [["--diff"], ["-"]])
def test_json_and_source_do_not_share_stdout(modfix: Modfix, zoo: Path, arguments: list[str]) -> None:
    outcome = modfix("apply", "--output-format", "json", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert "error: JSON cannot go to stdout together" in outcome.err


def test_statistics_count_what_was_applied_and_what_is_left(modfix: Modfix, zoo: Path) -> None:
    row = "marker       2       1        0        1\n"
    assert row in modfix("apply", "--diff", "--statistics").err
    assert row in modfix("apply", "--statistics").out


def test_standard_input_comes_back_fixed(modfix: Modfix, zoo: Path) -> None:
    source = b"\xef\xbb\xbfclass Net:\r\n    x = None  # safe\r\n    # \xc3\xa9"
    outcome = modfix("apply", "-", "--stdin-filename", "models/safe.py", stdin=source)
    assert outcome.code == 0
    assert outcome.out.encode() == source.replace(b"None", b"1")
    assert (zoo / "models" / "safe.py").read_text() != FIXED
    unchanged = modfix("apply", "-", "--stdin-filename", "models/safe.py", stdin=b"x = 1")
    assert (unchanged.code, unchanged.out) == (0, "x = 1")


def test_standard_input_as_a_diff(modfix: Modfix, zoo: Path) -> None:
    outcome = modfix("apply", "-", "--diff", stdin=b"class Net:\n    x = None  # safe\n")
    assert outcome.code == 1
    assert "-    x = None  # safe\n+    x = 1  # safe\n" in outcome.out
