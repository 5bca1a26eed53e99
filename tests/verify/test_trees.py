from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from modfix.verify import trees
from modfix.verify.trees import TreeError


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, message: str = "x") -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / "sub" / "pkg").mkdir(parents=True)
    git(root, "init", "-q")
    (root / ".gitignore").write_text("*.pt\n_version.py\n*.so\n.venv/\n")
    (root / "sub" / "pkg" / "a.py").write_bytes(b"old = 1\r\n")
    (root / "tool.sh").write_text("#!/bin/sh\n")
    (root / "tool.sh").chmod(0o755)
    (root / "link").symlink_to("sub/pkg")
    commit(root)
    (root / "sub" / "pkg" / "a.py").write_text("new = 1\n")
    (root / "sub" / "pkg" / "b.py").write_text("untracked = 1\n")
    (root / "weights.pt").write_text("ignored")
    (root / "sub" / "pkg" / "_version.py").write_text("version = 1\n")
    (root / ".venv").mkdir()
    (root / ".venv" / "_version.py").write_text("")
    return root


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir()}


def test_a_revision_is_what_git_has_byte_for_byte(repository: Path, tmp_path: Path) -> None:
    tree = trees.from_revision(repository, "HEAD", tmp_path / "copy")
    assert files(tree.root) == {".gitignore", "sub/pkg/a.py", "sub/pkg/_version.py", "tool.sh"}
    assert (tree.root / "sub/pkg/a.py").read_bytes() == b"old = 1\r\n"
    assert os.access(tree.root / "tool.sh", os.X_OK)
    assert (tree.root / "link").readlink() == Path("sub/pkg")
    assert tree.name.startswith("HEAD (")
    assert tree.notes == (("sub/pkg/_version.py", "ignored by git: taken as it is now"),)


def test_the_working_tree_has_what_is_not_committed_yet(repository: Path, tmp_path: Path) -> None:
    tree = trees.from_folder(repository, tmp_path / "copy")
    assert (tree.root / "sub/pkg/a.py").read_text() == "new = 1\n"
    assert (tree.root / "sub/pkg/b.py").exists()
    assert (tree.root / "sub/pkg/_version.py").exists()
    assert not (tree.root / "weights.pt").exists()
    assert not (tree.root / ".git").exists()
    assert not (tree.root / ".venv").exists()


def test_a_project_below_the_top_comes_with_the_whole_repository(repository: Path, tmp_path: Path) -> None:
    for tree in (
        trees.from_revision(repository / "sub", "HEAD", tmp_path / "one"),
        trees.from_folder(repository / "sub", tmp_path / "two"),
    ):
        assert tree.root.name == "sub"
        assert (tree.root / "pkg" / "a.py").exists()
        assert (tree.root.parent / "tool.sh").exists()


def test_a_folder_without_git_is_copied_without_tools(tmp_path: Path) -> None:
    source = tmp_path / "project"
    for path in ("a.py", "data/x.bin", "__pycache__/a.pyc", "env/pyvenv.cfg", "env/lib/b.py"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(path)
    tree = trees.from_folder(source, tmp_path / "copy")
    assert files(tree.root) == {"a.py", "data/x.bin"}


def test_the_overlay_replaces_adds_and_removes(repository: Path, tmp_path: Path) -> None:
    overlay = {"sub/pkg/a.py": b"changed", "sub/new/c.py": b"added", "sub/pkg/b.py": None}
    tree = trees.from_folder(repository, tmp_path / "copy", overlay=overlay)
    assert (tree.root / "sub/pkg/a.py").read_bytes() == b"changed"
    assert (tree.root / "sub/new/c.py").read_bytes() == b"added"
    assert not (tree.root / "sub/pkg/b.py").exists()
    assert (repository / "sub/pkg/a.py").read_text() == "new = 1\n"


@pytest.mark.parametrize("path", ["../x.py", "sub/../../x.py", "out/x.py"])
def test_the_overlay_does_not_leave_the_copy(tmp_path: Path, path: str) -> None:
    source = tmp_path / "project"
    source.mkdir()
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "out").symlink_to(tmp_path)
    with pytest.raises(TreeError, match="leads out of the project"):
        trees.put(tmp_path / "copy", path, b"")


def test_writing_to_a_copy_does_not_reach_the_project(repository: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.bin"
    outside.write_text("kept")
    (repository / "up").symlink_to("../outside.bin")
    (repository / "absolute").symlink_to(repository / "tool.sh")
    tree = trees.from_folder(repository, tmp_path / "copy")
    for path in tree.root.rglob("*"):
        if not path.is_dir():
            path.write_text("spoiled")
    assert outside.read_text() == "kept"
    assert (repository / "tool.sh").read_text() == "#!/bin/sh\n"
    assert [path for path, note in tree.notes if "leads out" in note] == ["absolute", "up"]


def test_data_over_the_limit_is_left_out_and_code_never_is(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "MAX_DATA_BYTES", 1 << 20)
    (repository / "big.bin").write_bytes(b"x" * (2 << 20))
    (repository / "big.py").write_bytes(b"#" * (2 << 20))
    commit(repository)
    for tree in (
        trees.from_folder(repository, tmp_path / "one"),
        trees.from_revision(repository, "HEAD", tmp_path / "two"),
    ):
        assert ("big.bin", "left out: over the limit of 1 MB for data") in tree.notes
        assert not (tree.root / "big.bin").exists()
        assert (tree.root / "big.py").stat().st_size == 2 << 20


def test_submodules_are_taken_where_they_are_checked_out(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / "lib.py").write_text("lib = 1\n")
    commit(other)
    git(repository, "submodule", "add", "-q", str(other), "third")
    commit(repository)
    for tree in (
        trees.from_revision(repository, "HEAD", tmp_path / "one"),
        trees.from_folder(repository, tmp_path / "two"),
    ):
        assert (tree.root / "third" / "lib.py").read_text() == "lib = 1\n"
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(repository), str(clone))
    tree = trees.from_revision(clone, "HEAD", tmp_path / "three")
    assert ("third", "left out: a submodule that is not checked out") in tree.notes


def test_a_pointer_of_lfs_is_reported(repository: Path, tmp_path: Path) -> None:
    (repository / "model.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    commit(repository)
    tree = trees.from_revision(repository, "HEAD", tmp_path / "copy")
    assert ("model.bin", "a pointer of Git LFS in place of the file") in tree.notes


def test_what_git_would_leave_out_of_an_archive_is_there(repository: Path, tmp_path: Path) -> None:
    (repository / ".gitattributes").write_text("tool.sh export-ignore\n*.py export-subst\n")
    (repository / "sub/pkg/a.py").write_text("x = '$Format:%H$'\n")
    commit(repository)
    tree = trees.from_revision(repository, "HEAD", tmp_path / "copy")
    assert (tree.root / "tool.sh").exists()
    assert (tree.root / "sub/pkg/a.py").read_text() == "x = '$Format:%H$'\n"


@pytest.mark.parametrize("revision", ["nowhere", "--help", "HEAD:sub"])
def test_an_unknown_revision_is_an_error(repository: Path, tmp_path: Path, revision: str) -> None:
    with pytest.raises(TreeError, match="is no revision of"):
        trees.from_revision(repository, revision, tmp_path / "copy")


def test_a_folder_outside_git_has_no_revisions(tmp_path: Path) -> None:
    with pytest.raises(TreeError, match="in no git repository"):
        trees.from_revision(tmp_path, "HEAD", tmp_path / "copy")


def test_a_revision_before_the_project_is_an_error(repository: Path, tmp_path: Path) -> None:
    (repository / "later").mkdir()
    (repository / "later" / "a.py").write_text("")
    with pytest.raises(TreeError, match="`HEAD` has no folder `later`"):
        trees.from_revision(repository / "later", "HEAD", tmp_path / "copy")
