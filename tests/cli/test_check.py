"""`modfix check`: what goes to stdout, what to stderr, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import FakeEngine, Modfix


def test_findings_go_to_stdout_and_the_summary_to_stderr(modfix: Modfix, zoo: Path) -> None:
    outcome = modfix("check")
    assert outcome.code == 1
    assert outcome.out == (
        "models/safe.py:2:5: marker [safe] `Net.a` may be `None`\n"
        "  |\n2 |     a = None  # safe\n  |     ^^^^^^^^\n"
        "models/safe.py:3:5: marker [safe] `Net.b` may be `None`\n"
        "  |\n3 |     b = None  # safe\n  |     ^^^^^^^^\n"
        "models/unsafe.py:2:5: marker [unsafe] `Net.c` may be `None`\n"
        "  |\n2 |     c = None  # unsafe\n  |     ^^^^^^^^\n"
    )
    assert outcome.err == (
        "Found 3 fixable findings (2 safe, 1 unsafe) and 1 refused in 4 files.\n"
        "2 can be fixed with `modfix apply` (`--diff` shows the patch).\n"
        "1 can be fixed with `modfix apply --unsafe-fixes`: look at the patch before.\n"
        "`modfix check --show-refused` says what was left alone, and why.\n"
    )


@pytest.mark.parametrize(
    ("path", "options", "code"),
    [
        ("clean.py", [], 0),
        ("models/safe.py", [], 1),
        ("models/unsafe.py", [], 1),
        ("models/refused.py", [], 0),
        ("models/refused.py", ["--strict"], 1),
        ("clean.py", ["--strict"], 0),
        ("models/safe.py", ["--exit-zero"], 0),
        ("models/refused.py", ["--strict", "--exit-zero"], 0),
    ],
)
def test_the_exit_code_says_whether_something_can_be_fixed(
    modfix: Modfix, zoo: Path, path: str, options: list[str], code: int
) -> None:
    assert modfix("check", path, *options).code == code


def test_a_fix_that_is_only_shown_is_a_finding(modfix: Modfix, zoo: Path) -> None:
    (zoo / "shown.py").write_text("class Net:\n    e = None  # display\n")
    outcome = modfix("check", "shown.py")
    assert outcome.code == 1
    assert "[display]" in outcome.out
    assert "(1 only shown)" in outcome.err
    assert "modfix apply" not in outcome.err


def test_refusals_are_listed_on_request_with_reason_and_blocker(modfix: Modfix, zoo: Path) -> None:
    outcome = modfix("check", "models/refused.py", "--show-refused")
    assert outcome.code == 0
    assert outcome.out == (
        "models/refused.py:2:5: marker [refused: marked] `Net.d` may be `None`: it says so\n"
        "  |\n2 |     d = None  # refused\n  |     ^^^^^^^^\n"
        " --> models/refused.py:1:1\n  |\n1 | class Net:\n"
    )
    assert modfix("check", "models/refused.py").out == ""


def test_files_that_were_not_read_are_counted_and_listed_on_request(modfix: Modfix, zoo: Path) -> None:
    (zoo / "bad.py").write_bytes(b"\0")
    (zoo / "notes.ipynb").write_text("{}")
    quiet = modfix("check", "--exit-zero").err
    assert "2 files were not read." in quiet
    assert "bad.py" not in quiet
    listed = modfix("check", "--exit-zero", "--show-refused").err
    assert "bad.py: not read: contains NUL bytes" in listed
    assert "notes.ipynb: not read: notebooks" in listed
    assert "not read" not in modfix("check", "models", "--show-refused").err


def test_statistics_take_the_place_of_the_findings(modfix: Modfix, zoo: Path) -> None:
    assert modfix("check", "--statistics").out == (
        "codemod   safe  unsafe  display  refused\n"
        "marker       2       1        0        1\n"
        "  marked                               1\n"
    )
    assert modfix("check", "clean.py", "--statistics").out == ""


def test_json_is_all_that_stdout_gets(modfix: Modfix, zoo: Path) -> None:
    outcome = modfix("check", "--output-format", "json")
    document = json.loads(outcome.out)
    assert outcome.code == 1
    assert document["root"] == str(zoo)
    assert [finding["subject"] for finding in document["findings"]] == ["Net.d", "Net.a", "Net.b", "Net.c"]
    assert document["statistics"]["marker"] == {"safe": 2, "unsafe": 1, "display": 0, "refused": {"marked": 1}}


def test_a_bug_is_told_last_and_is_exit_code_2(modfix: Modfix, zoo: Path) -> None:
    (zoo / "trap.py").write_text("class Net:\n    f = None  # bug\n")
    for options in ([], ["--exit-zero"]):
        outcome = modfix("check", *options)
        assert outcome.code == 2
        assert "models/safe.py:2:5" in outcome.out
        assert "modfix bug (codemod `marker`, trap.py): output does not parse\n" in outcome.err
        assert "please report it" in outcome.err


def test_paths_are_shown_from_the_current_folder(modfix: Modfix, zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(zoo / "models")
    assert modfix("check", "safe.py").out.startswith("safe.py:2:5: ")
    monkeypatch.chdir(zoo.parent)
    assert modfix("check", "zoo").out.startswith("zoo/models/safe.py:2:5: ")


def test_the_command_line_goes_before_the_configuration(modfix: Modfix, zoo: Path, engine: FakeEngine) -> None:
    (zoo / "pyproject.toml").write_text(
        '[tool.modfix]\ncodemods = ["other"]\njobs = 3\ncache = false\nexclude = ["clean.py"]\n'
        '[tool.modfix.marker]\nstyle = "long"\n'
    )
    modfix("check")
    assert [codemod.name for codemod in engine.codemods] == ["other"]
    assert (engine.arguments["jobs"], engine.arguments["cache"]) == (3, None)
    assert engine.arguments["known"] == ("marker", "other")
    outcome = modfix("check", "--codemod", "marker,other", "--jobs", "2", "--exclude", "models/unsafe.py")
    assert [codemod.name for codemod in engine.codemods] == ["marker", "other"]
    assert engine.codemods[0].options.style == "long"  # type: ignore[attr-defined]  # MarkerOptions
    assert engine.arguments["jobs"] == 2
    assert outcome.err.startswith("Found 2 fixable findings (2 safe) and 1 refused in 2 files.")


def test_a_cache_is_used_unless_it_is_not_wanted(modfix: Modfix, zoo: Path, engine: FakeEngine) -> None:
    modfix("check")
    assert engine.arguments["cache"] is not None
    modfix("check", "--no-cache")
    assert engine.arguments["cache"] is None


def test_colour_is_for_terminals_only(modfix: Modfix, zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in modfix("check").out
    monkeypatch.setattr("modfix.cli.common.wants_colour", lambda stream: True)
    assert "\x1b[" in modfix("check").out


def test_ctrl_c_is_one_word_and_its_own_exit_code(modfix: Modfix, zoo: Path, engine: FakeEngine) -> None:
    engine.interrupt = True
    outcome = modfix("check")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "interrupted\n")


def test_check_changes_nothing(modfix: Modfix, zoo: Path) -> None:
    before = {path: path.read_bytes() for path in zoo.rglob("*") if path.is_file() and ".git" not in path.parts}
    modfix("check")
    assert {path: path.read_bytes() for path in zoo.rglob("*") if path.is_file() and ".git" not in path.parts} == before
