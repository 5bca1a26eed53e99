from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modfix.patch.git import apply_check
from tests.patch.helpers import change, diff_of, finding

A = finding("A.x")
DIFF = diff_of(change("a\r\n\n", (A, "b \r\n\n")), fixes=[A])


@pytest.mark.parametrize("repository", ["none", "here", "above"])
def test_a_patch_is_checked_against_the_project_root(tmp_path: Path, repository: str) -> None:
    root = tmp_path / "sub project"
    root.mkdir()
    if repository != "none":
        subprocess.run(["git", "init", "-q"], cwd=root if repository == "here" else tmp_path, check=True)
    (root / "m.py").write_bytes(b"a\r\n\n")
    assert apply_check(root, DIFF) is None
    assert (root / "m.py").read_bytes() == b"a\r\n\n"
    (root / "m.py").write_bytes(b"x\r\n\n")
    assert "m.py: patch does not apply" in (apply_check(root, DIFF) or "")
    (root / "m.py").unlink()
    assert "No such file" in (apply_check(root, DIFF) or "")


def test_configured_white_space_rules_do_not_matter(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "config", "apply.whitespace", "error-all"], cwd=tmp_path, check=True)
    (tmp_path / "m.py").write_bytes(b"a\r\n\n")
    assert apply_check(tmp_path, DIFF) is None


def test_no_git_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert apply_check(tmp_path, DIFF) == "git is not installed"
