from __future__ import annotations

import os
from pathlib import Path

import pytest

from modfix.source import vcs
from modfix.source.discover import discover, find_root
from tests.source.conftest import Git, put


def names(*paths: str) -> dict[str, str]:
    return dict.fromkeys(paths, "")


@pytest.fixture(params=["git", "walk"])
def lister(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The test runs once in a repository and once without."""
    if request.param == "git":
        request.getfixturevalue("git")
    return str(request.param)


def test_python_files_sorted(tmp_path: Path, lister: str) -> None:
    put(tmp_path, names("b.py", "a/z.py", "a.py", "a/y.pyi", "readme.md", "script", "a/ü b.py", "a/new\nline.py"))
    assert discover(tmp_path).paths == ("a.py", "a/new\nline.py", "a/z.py", "a/ü b.py", "b.py")
    assert discover(tmp_path).refused == ()


def test_names_that_are_not_utf8(tmp_path: Path, lister: str) -> None:
    with open(os.fsencode(tmp_path) + b"/\xe9.py", "wb") as file:
        file.write(b"x = 1\n")
    assert discover(tmp_path).paths == ("\udce9.py",)


def test_ignored_files(tmp_path: Path, lister: str) -> None:
    put(
        tmp_path,
        names("a.py", "out/b.py", "local.py", "sub/local.py", "sub/keep.py", "sub/deep/keep.py", "sub/deep/x.py"),
    )
    put(
        tmp_path,
        {".gitignore": "out/\n/local.py\n!\n", "sub/.gitignore": "*.py\n!keep.py\n", "sub/deep/.gitignore": "!x.py\n"},
    )
    assert discover(tmp_path).paths == ("a.py", "sub/deep/keep.py", "sub/deep/x.py", "sub/keep.py")


def test_an_ignored_folder_stays_ignored_whatever_stands_in_it(tmp_path: Path, lister: str) -> None:
    put(tmp_path, {".gitignore": "out/\n", "out/.gitignore": "!a.py\n", "out/a.py": "", "b.py": ""})
    assert discover(tmp_path).paths == ("b.py",)


def test_exclude(tmp_path: Path, lister: str) -> None:
    put(tmp_path, names("a.py", "tests/a.py", "pkg/tests/b.py", "pkg/test_c.py", "pkg/d.py"))
    assert discover(tmp_path, exclude=["/tests/", "test_*.py"]).paths == ("a.py", "pkg/d.py", "pkg/tests/b.py")
    assert discover(tmp_path, exclude=["*.py", "!d.py"]).paths == ("pkg/d.py",)
    with pytest.raises(ValueError, match="!"):
        discover(tmp_path, exclude=["!"])


def test_folders_of_tools_and_of_others_are_left_out(tmp_path: Path, lister: str) -> None:
    put(tmp_path, names("a.py", ".venv/b.py", "pkg/_vendor/six.py", "third_party/c/d.py", "node_modules/e.py"))
    put(tmp_path, names("env/lib/python3/site-packages/f.py", ".modfix/g.py", "vendor.py"))
    assert discover(tmp_path).paths == ("a.py", "vendor.py")


def test_build_output_is_left_out_but_a_package_of_that_name_is_not(tmp_path: Path, lister: str) -> None:
    put(tmp_path, names("build/lib/pkg/a.py", "dist/a.py", "pkg/build/__init__.py", "pkg/build/x/a.py"))
    assert discover(tmp_path).paths == ("pkg/build/__init__.py", "pkg/build/x/a.py")


def test_refused_by_their_look(tmp_path: Path, lister: str) -> None:
    put(tmp_path, {"a.ipynb": "{}", ".ipynb_checkpoints/a.ipynb": "{}", "big.py": "x" * 11, "ok.py": "x" * 10})
    listing = discover(tmp_path, max_bytes=10)
    assert listing.paths == ("ok.py",)
    assert [item.path for item in listing.refused] == ["a.ipynb", "big.py"]
    assert listing.refused[0].reason.startswith("notebooks are not supported")
    assert listing.refused[1].reason == "is larger than the size cap (11 bytes, cap 10)"


def test_what_is_no_file_is_not_listed(tmp_path: Path, lister: str) -> None:
    put(tmp_path, names("folder.py/a.py"))
    os.mkfifo(tmp_path / "pipe.py")
    assert discover(tmp_path).paths == ("folder.py/a.py",)


def test_of_several_ways_to_a_file_the_real_one_is_listed(tmp_path: Path, lister: str) -> None:
    put(tmp_path, names("pkg/real.py"))
    (tmp_path / "a.py").symlink_to("pkg/real.py")
    (tmp_path / "b.py").symlink_to("a.py")
    (tmp_path / "linked").symlink_to("pkg")
    listing = discover(tmp_path)
    assert listing.paths == ("pkg/real.py",)
    assert listing.refused == ()


def test_a_link_to_a_file_without_a_listing_of_its_own_is_listed_once(tmp_path: Path, lister: str) -> None:
    put(tmp_path, {"ignored.py": "", "tool": "", ".gitignore": "ignored.py\n"})
    (tmp_path / "a.py").symlink_to("tool")
    (tmp_path / "b.py").symlink_to("tool")
    (tmp_path / "c.py").symlink_to("ignored.py")
    assert discover(tmp_path).paths == ("a.py", "c.py")


def test_links_that_lead_nowhere_good_are_refused(tmp_path: Path, lister: str) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.py"
    outside.write_text("")
    put(tmp_path, names("vendor/v.py", "skipped/s.py"))
    (tmp_path / "away.py").symlink_to(outside)
    (tmp_path / "broken.py").symlink_to("gone.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "folder.py").symlink_to("vendor")
    (tmp_path / "v.py").symlink_to("vendor/v.py")
    (tmp_path / "s.py").symlink_to("skipped/s.py")
    (tmp_path / "around").symlink_to(".")
    listing = discover(tmp_path, exclude=["skipped"])
    assert listing.paths == ()
    assert {item.path: item.reason for item in listing.refused} == {
        "away.py": "is a symbolic link to a file outside the project",
        "broken.py": "is a broken symbolic link: no such file or directory",
        "loop.py": "is a broken symbolic link: too many levels of symbolic links",
        "s.py": "is a symbolic link to `skipped/s.py`, which is left out",
        "v.py": "is a symbolic link to `vendor/v.py`, which is left out",
    }


def test_tracked_and_new_files_count_and_deleted_ones_do_not(tmp_path: Path, git: Git) -> None:
    put(tmp_path, names("tracked.py", "deleted.py", "moved/a.py", "forced.py"))
    put(tmp_path, {".gitignore": "forced.py\n"})
    git("add", "--force", ".")
    (tmp_path / "deleted.py").unlink()
    (tmp_path / "moved").rename(tmp_path / "target")
    (tmp_path / "moved").symlink_to("target")  # `moved/a.py` is still tracked, and can still be opened
    put(tmp_path, names("new.py"))
    assert discover(tmp_path).paths == ("forced.py", "new.py", "target/a.py", "tracked.py")


def test_a_conflicted_file_is_listed_once(tmp_path: Path, git: Git) -> None:
    put(tmp_path, {"a.py": "1\n"})
    git("add", ".")
    git("commit", "-qm", "base")
    git("checkout", "-qb", "other")
    put(tmp_path, {"a.py": "2\n"})
    git("commit", "-qam", "other")
    git("checkout", "-q", "-")
    put(tmp_path, {"a.py": "3\n"})
    git("commit", "-qam", "mine")
    with pytest.raises(Exception, match="merge"):
        git("merge", "other")
    assert discover(tmp_path).paths == ("a.py",)


def test_a_broken_repository_is_walked(tmp_path: Path) -> None:
    put(tmp_path, {"a.py": "", "out/b.py": "", ".git/nonsense": "", ".gitignore": "out"})
    assert discover(tmp_path).paths == ("a.py",)


@pytest.mark.skipif(os.geteuid() == 0, reason="a superuser lists everything")
def test_a_folder_that_cannot_be_listed_is_refused(tmp_path: Path) -> None:
    put(tmp_path, names("a.py", "closed/b.py"))
    (tmp_path / "closed").chmod(0)
    try:
        listing = discover(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o755)
    assert listing.paths == ("a.py",)
    assert [item.path for item in listing.refused] == ["closed/"]


def test_a_folder_that_vanishes_during_the_walk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, names("a.py", "sub/b.py"))
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("sub/"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    listing = discover(tmp_path)
    assert listing.paths == ("a.py",)
    assert listing.refused[0].reason == "folder cannot be listed: no such file or directory"


def test_four_thousand_files_are_listed_in_no_time(tmp_path: Path, lister: str) -> None:
    for number in range(4000):
        folder = tmp_path / f"p{number % 40}" / f"q{number % 200}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"m{number}.py").touch()
    start = sum(os.times()[:4])  # with that of git
    assert len(discover(tmp_path).paths) == 4000
    assert sum(os.times()[:4]) - start < 0.3


def test_root_is_the_repository(tmp_path: Path, git: Git) -> None:
    put(tmp_path, names("pyproject.toml", "pkg/setup.py", "pkg/a.py"))
    assert find_root(tmp_path / "pkg/a.py") == (tmp_path, True)
    assert find_root(tmp_path / "pkg") == (tmp_path, True)
    assert find_root(tmp_path) == (tmp_path, True)


def test_root_without_a_repository_is_the_nearest_marked_folder(tmp_path: Path) -> None:
    put(tmp_path, names("pyproject.toml", "one/setup.cfg", "one/pkg/a.py", "two/b.py"))
    assert find_root(tmp_path / "one/pkg") == (tmp_path / "one", True)
    assert find_root(tmp_path / "two/b.py") == (tmp_path, True)


def test_root_of_nothing_is_the_folder_itself(tmp_path: Path) -> None:
    put(tmp_path, names("pkg/a.py"))
    assert find_root(tmp_path / "pkg") == (tmp_path / "pkg", False)
    assert find_root(tmp_path / "pkg/a.py") == (tmp_path / "pkg", False)


def test_a_repository_that_ignores_a_folder_is_not_its_root(tmp_path: Path, git: Git) -> None:
    put(
        tmp_path,
        names("pyproject.toml", "corpus/x/a.py", "corpus/y/setup.py", "corpus/y/src/a.py", "third_party/z/a.py"),
    )
    put(tmp_path, {".gitignore": "corpus\n"})
    assert find_root(tmp_path / "corpus/x") == (tmp_path / "corpus/x", False)
    assert find_root(tmp_path / "corpus/y/src") == (tmp_path / "corpus/y", True)
    assert find_root(tmp_path / "third_party/z") == (tmp_path / "third_party/z", False)
    assert discover(tmp_path / "corpus/x").paths == ("a.py",)


def test_an_inner_repository_is_a_root_of_its_own(tmp_path: Path, git: Git) -> None:
    put(tmp_path, names("inner/a.py"))
    git("init", "-q", "inner")
    assert vcs.is_repository(tmp_path / "inner")
    assert find_root(tmp_path / "inner/a.py") == (tmp_path / "inner", True)
