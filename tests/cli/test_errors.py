"""Whatever goes wrong is a message on stderr with exit code 2, without a traceback and without data on stdout."""

from __future__ import annotations

from pathlib import Path

import pytest

from modfix.engine.registry import BrokenCodemod
from tests.cli.conftest import FakeEngine, Modfix


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "--codemod", "markr"], "error: there is no codemod `markr`; did you mean `marker`?"),
        (["apply", "--codemod", "marker,othr"], "error: there is no codemod `othr`; did you mean `other`?"),
        (["check", "nowhere"], "error: `nowhere`: no such file or directory"),
        (["undo", "nowhere"], "error: `nowhere`: no such file or directory"),
        (["explain", "markr"], "error: there is no codemod `markr`; did you mean `marker`?"),
        (["explain", "models/safe.py"], "error: which class of `models/safe.py`?"),
        (["explain", "models/safe.py:Nett"], "error: `models/safe.py` has no class `Nett`; did you mean `Net`?"),
        (["explain", "models/safe.py:Zebra"], "error: `models/safe.py` has no class `Zebra`; it has: Net"),
        (["explain", "nowhere.py:Net"], "error: `nowhere.py`: no such file or directory"),
        (["explain", "models:Net"], "error: `models` is a folder; name one file"),
    ],
)
def test_wrong_usage_is_one_message(modfix: Modfix, zoo: Path, arguments: list[str], message: str) -> None:
    outcome = modfix(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(message)
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[tool.modfix]\nexlude = []", 'error: unknown key "exlude" in [tool.modfix]; did you mean "exclude"?\n'),
        ("[tool.modfix.markr]", "error: unknown table [tool.modfix.markr]: no codemod has this name; did you mean"),
        ('[tool.modfix.marker]\nstyle = "x"', "error: `style` in [tool.modfix.marker] must be one of"),
        ('[tool.modfix]\ncodemods = ["markr"]', "error: there is no codemod `markr`; did you mean `marker`?\n"),
        ("[tool.modfix", "error: pyproject.toml is not valid TOML"),
    ],
)
def test_a_wrong_configuration_is_one_message(modfix: Modfix, zoo: Path, table: str, message: str) -> None:
    (zoo / "pyproject.toml").write_text(table)
    for command in ("check", "apply"):
        outcome = modfix(command)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith(message)


def test_a_broken_codemod_is_a_warning(modfix: Modfix, zoo: Path, broken: list[BrokenCodemod]) -> None:
    broken.append(BrokenCodemod("theirs", "theirs.mod:Theirs of theirs 1.0", "importing it failed: ValueError: x"))
    warning = (
        "warning: codemod `theirs` cannot be used: importing it failed: ValueError: x "
        "(theirs.mod:Theirs of theirs 1.0)\n"
    )
    outcome = modfix("check", "clean.py")
    assert (outcome.code, outcome.err.startswith(warning)) == (0, True)
    assert modfix("codemods").err.startswith(warning)
    assert modfix("check", "--codemod", "theirs").code == 2


def test_a_bug_of_modfix_itself_shows_where_and_is_not_exit_code_1(
    modfix: Modfix, zoo: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modfix.engine import run

    monkeypatch.setattr(run, "check", lambda *args, **kwargs: {}["missing"])
    outcome = modfix("check")
    assert outcome.code == 2
    assert "Traceback" in outcome.err
    assert outcome.err.endswith("error: this is a bug in modfix, please report it with the lines above\n")


def test_nothing_to_undo_is_no_error(modfix: Modfix, zoo: Path) -> None:
    outcome = modfix("undo")
    assert (outcome.code, outcome.err) == (0, "Nothing to undo.\n")


def test_undo_does_not_overwrite_later_work(modfix: Modfix, zoo: Path) -> None:
    modfix("apply")
    (zoo / "models" / "safe.py").write_text("mine\n")
    outcome = modfix("undo")
    assert outcome.code == 2
    assert outcome.err == (
        "error: nothing was restored, because of:\n  models/safe.py: changed since modfix wrote it\n"
    )
    assert (zoo / "models" / "safe.py").read_text() == "mine\n"
