"""What git knows: which files belong to the project, and which hold changes that are not committed.

git is asked only in a folder that is itself the top of a work tree, so that paths relative to it mean the same to both
sides.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

# Set in hooks and aliases, for the repository that runs them; here they would point git at the wrong one.
_FOREIGN_VARIABLES = frozenset(
    (
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_LITERAL_PATHSPECS",
        "GIT_GLOB_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
    )
)


class GitError(Exception):
    """git was needed and could not answer; the message says what was asked and what it said."""


def is_repository(root: Path) -> bool:
    """Whether ``root`` is the top of a git work tree (of a linked one or a submodule too)."""
    return os.path.lexists(root / ".git")


def list_files(root: Path, suffixes: Sequence[str]) -> list[str] | None:
    """Tracked files and untracked ones that are not ignored whose names end in one of ``suffixes``.

    Deleted files that are still tracked are among them; files of submodules and of nested repositories are not. None
    when ``root`` is no repository, or git is missing or unwilling: the caller then has to walk.
    """
    if not is_repository(root):
        return None
    patterns = [f"*{suffix}" for suffix in suffixes]
    try:
        output = run(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns)
    except GitError:
        return None
    return sorted({os.fsdecode(name) for name in output.split(b"\0") if name})


def is_ignored(root: Path, path: str) -> bool:
    """Whether ``root`` is a repository whose rules ignore ``path``; false when git cannot tell."""
    if not is_repository(root):
        return False
    try:
        return bool(run(root, "check-ignore", "--", path, success=(0, 1)))
    except GitError:
        return False


def dirty(root: Path, paths: Iterable[str]) -> frozenset[str]:
    """Those of ``paths`` with changes that are not committed: modified, staged, or never committed at all.

    Empty when ``root`` is no repository. Ignored files count as clean, for git does not watch them.

    Raises:
        GitError: this is a repository, but git is missing or failed, so that nobody knows.
    """
    if not is_repository(root):
        return frozenset()
    output = run(
        root, "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all"
    )
    uncommitted = {os.fsdecode(line[3:]) for line in output.split(b"\0")}  # "XY path"
    return frozenset(uncommitted.intersection(paths))


def run(root: Path, *arguments: str, success: tuple[int, ...] = (0,), stdin: bytes = b"") -> bytes:
    """What a git command that changes nothing prints, run at the top ``root`` of a work tree.

    Raises:
        GitError: git is missing, or its exit status is not in ``success``.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN_VARIABLES}
    environment["LC_ALL"] = "C"
    environment["GIT_OPTIONAL_LOCKS"] = "0"  # reading must not write the index
    environment["GIT_CEILING_DIRECTORIES"] = str(root.resolve().parent)  # a broken .git must not lead to an outer one
    # core.fsmonitor names a program to run: not one that the repository under inspection chooses.
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(root), *arguments]
    try:
        result = subprocess.run(command, env=environment, capture_output=True, input=stdin, check=False)
    except OSError as error:
        raise GitError(f"`git {arguments[0]}` cannot be run: {(error.strerror or str(error)).lower()}") from error
    if result.returncode not in success:
        message = result.stderr.decode("utf-8", "replace").strip() or f"exit status {result.returncode}"
        raise GitError(f"`git {arguments[0]}` failed: {message}")
    return result.stdout
