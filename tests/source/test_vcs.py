from __future__ import annotations

from pathlib import Path

import pytest

from modfix.source import vcs
from tests.source.conftest import Git, put


def test_dirty_is_modified_staged_and_untracked(tmp_path: Path, git: Git) -> None:
    put(tmp_path, dict.fromkeys(("clean.py", "modified.py", "staged.py", "pkg/é m.py", "new\nline.py"), "x\n"))
    put(tmp_path, {".gitignore": "ignored.py\n"})
    git("add", ".")
    git("commit", "-qm", "all")
    put(
        tmp_path,
        dict.fromkeys(("modified.py", "staged.py", "pkg/é m.py", "new\nline.py", "sub/new.py", "ignored.py"), "y\n"),
    )
    git("add", "staged.py")
    paths = ["clean.py", "modified.py", "staged.py", "pkg/é m.py", "new\nline.py", "sub/new.py", "ignored.py"]
    assert vcs.dirty(tmp_path, paths) == set(paths) - {"clean.py", "ignored.py"}
    assert vcs.dirty(tmp_path, ["clean.py", "sub/new.py"]) == {"sub/new.py"}


def test_a_renamed_file_is_dirty_under_its_new_name(tmp_path: Path, git: Git) -> None:
    put(tmp_path, {"old.py": "x = 1\n"})
    git("add", ".")
    git("commit", "-qm", "all")
    git("mv", "old.py", "new.py")
    assert vcs.dirty(tmp_path, ["new.py"]) == {"new.py"}


def test_everything_is_dirty_before_the_first_commit(tmp_path: Path, git: Git) -> None:
    put(tmp_path, {"a.py": "", "b.py": ""})
    git("add", "a.py")
    assert vcs.dirty(tmp_path, ["a.py", "b.py"]) == {"a.py", "b.py"}


def test_nothing_is_dirty_without_a_repository(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": ""})
    assert vcs.dirty(tmp_path, ["a.py"]) == frozenset()


def test_a_broken_repository_is_said_to_be_one(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "", ".git/nonsense": ""})
    assert vcs.list_files(tmp_path, (".py",)) is None
    with pytest.raises(vcs.GitError, match=r"`git status` failed: .*not a git repository"):
        vcs.dirty(tmp_path, ["a.py"])


def test_a_missing_git_is_said_to_be_missing(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert vcs.list_files(tmp_path, (".py",)) is None
    with pytest.raises(vcs.GitError, match="cannot be run"):
        vcs.dirty(tmp_path, ["a.py"])


def test_an_outer_repository_does_not_answer_for_a_broken_one(tmp_path: Path, git: Git) -> None:
    put(tmp_path, {"inner/a.py": "", "inner/.git/nonsense": ""})
    assert vcs.list_files(tmp_path / "inner", (".py",)) is None


def test_the_repository_of_a_running_hook_is_not_asked(
    tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"a.py": ""})
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert vcs.list_files(tmp_path, (".py",)) == ["a.py"]


def test_a_program_named_by_the_repository_is_not_run(tmp_path: Path, git: Git) -> None:
    put(tmp_path, {"a.py": "", "spy.sh": f"#!/bin/sh\ntouch {tmp_path}/ran\n"})
    (tmp_path / "spy.sh").chmod(0o755)
    git("config", "core.fsmonitor", str(tmp_path / "spy.sh"))
    vcs.list_files(tmp_path, (".py",))
    vcs.dirty(tmp_path, ["a.py"])
    assert not (tmp_path / "ran").exists()
