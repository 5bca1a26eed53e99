"""Which files a run reads, and which it reports on."""

from __future__ import annotations

from pathlib import Path

import pytest

from modfix.cli.border import UserError
from modfix.cli.target import locate
from tests.cli.conftest import FakeEngine, Modfix

ALL = ("clean.py", "models/refused.py", "models/safe.py", "models/unsafe.py")


def test_the_root_means_everything(zoo: Path) -> None:
    for target in (locate([]), locate([zoo]), locate([zoo / "models" / ".."])):
        assert (target.root, target.tree.paths, target.scope, target.complete) == (zoo, ALL, None, True)


def test_facts_come_from_the_whole_project_and_reports_from_the_paths(zoo: Path) -> None:
    file = locate([Path("models/safe.py")])
    assert (file.root, file.tree.paths, file.complete) == (zoo, ALL, True)
    assert file.scope == {"models/safe.py"}
    assert locate([Path("models")]).scope == {"models/refused.py", "models/safe.py", "models/unsafe.py"}
    assert locate([Path("models/safe.py"), Path("clean.py")]).scope == {"models/safe.py", "clean.py"}


def test_a_folder_does_not_mean_one_whose_name_begins_alike(zoo: Path) -> None:
    (zoo / "models2").mkdir()
    (zoo / "models2" / "more.py").write_text("")
    assert "models2/more.py" not in (locate([Path("models")]).scope or ())


def test_a_file_that_is_named_is_read_though_it_is_excluded(zoo: Path) -> None:
    target = locate([Path("models/safe.py")], exclude=["models/"])
    assert target.tree.paths == ("clean.py", "models/safe.py")
    assert target.scope == {"models/safe.py"}


def test_a_folder_without_a_marker_is_a_project(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    target = locate([tmp_path])
    assert (target.root, target.tree.paths, target.complete) == (tmp_path, ("a.py",), True)


def test_a_file_without_a_marker_stands_alone(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_text("")
    target = locate([tmp_path / "a.py", tmp_path / "b.py"])
    assert (target.root, target.tree.paths, target.complete) == (tmp_path, ("a.py", "b.py"), False)


def test_two_folders_without_a_marker_do_not_drag_in_their_parent(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("")
    target = locate([tmp_path / "one", tmp_path / "two"])
    assert (target.root, target.tree.paths, target.complete) == (tmp_path, ("one/a.py", "two/a.py"), True)


def test_an_incomplete_project_is_told(modfix: Modfix, tmp_path: Path, engine: FakeEngine) -> None:
    (tmp_path / "a.py").write_text("class Net:\n    a = None  # safe\n")
    outcome = modfix("check", tmp_path / "a.py")
    assert "the rest of the project is unknown" in outcome.err
    assert engine.arguments["complete"] is False


def test_standard_input_replaces_its_file_among_the_others(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _feed(monkeypatch, b"new = 1\n")
    target = locate([Path("-")], stdin_filename=Path("models/safe.py"))
    assert (target.root, target.tree.paths, target.complete) == (zoo, ALL, True)
    assert target.scope == {"models/safe.py"}
    assert target.tree.read("models/safe.py").text == "new = 1\n"  # type: ignore[union-attr]
    assert "None" in target.tree.read("models/unsafe.py").text  # type: ignore[union-attr]


def test_standard_input_may_be_a_new_file(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _feed(monkeypatch, b"new = 1\n")
    target = locate([Path("-")], stdin_filename=Path("models/new.py"))
    assert target.tree.paths == tuple(sorted((*ALL, "models/new.py")))


def test_standard_input_without_a_name_stands_alone(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _feed(monkeypatch, b"new = 1\n")
    target = locate([Path("-")])
    assert (target.tree.paths, target.complete) == (("stdin.py",), False)


def test_findings_of_standard_input_are_shown_under_its_name(modfix: Modfix, zoo: Path) -> None:
    source = b"class Net:\n    z = None  # safe\n"
    outcome = modfix("check", "-", "--stdin-filename", "models/safe.py", stdin=source)
    assert outcome.out.startswith("models/safe.py:2:5: marker [safe] `Net.z`")
    assert outcome.err.startswith("Found 1 fixable finding (1 safe) in 1 file.")


def test_the_size_limit_of_the_configuration_holds(zoo: Path) -> None:
    (zoo / "pyproject.toml").write_text("[tool.modfix]\nmax-file-size = 30\n")
    target = locate([])
    assert "models/safe.py" not in target.tree.paths
    assert "models/safe.py" in {refused.path for refused in target.refused}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.py"], "`nowhere.py`: no such file or directory"),
        (["empty"], "no Python files in `empty`"),
        (["-", "clean.py"], "`-` (standard input) cannot be combined with other paths"),
    ],
)
def test_wrong_paths_are_errors(zoo: Path, arguments: list[str], message: str) -> None:
    (zoo / "empty").mkdir()
    with pytest.raises(UserError) as caught:
        locate([Path(argument) for argument in arguments])
    assert str(caught.value) == message


def test_a_name_for_standard_input_needs_standard_input(zoo: Path) -> None:
    with pytest.raises(UserError, match="--stdin-filename needs `-`"):
        locate([], stdin_filename=Path("a.py"))


def test_standard_input_must_be_source(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _feed(monkeypatch, b"\0")
    with pytest.raises(UserError, match="standard input contains NUL bytes"):
        locate([Path("-")])


def _feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
