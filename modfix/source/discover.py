"""Which files make up a project.

git answers where there is a repository (tracked files, and untracked ones that are not ignored), else a walk that
honours ``.gitignore`` files. Folders that hold other people's or machine-made code are left out by name, see the tables
below.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modfix.model.source import Refused
from modfix.source import vcs
from modfix.source.document import DEFAULT_MAX_BYTES, error_text, read_trouble, too_large

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

# Folders that never hold the project's own code, at any depth.
TOOL_FOLDERS = frozenset(
    (
        ".git",
        ".hg",
        ".svn",
        ".modfix",
        ".venv",
        "venv",
        ".tox",
        ".nox",
        ".eggs",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".ipynb_checkpoints",
        "__pycache__",
        "__pypackages__",
        "node_modules",
        "site-packages",
    )
)
VENDORED_FOLDERS = frozenset(("_vendor", "vendor", "vendored", "third_party", "thirdparty"))
# Build output, unless the folder is a package: `mylib/build/__init__.py` is source.
BUILD_FOLDERS = frozenset(("build", "dist"))

PYTHON = ".py"  # not .pyi: a stub has no code to migrate
NOTEBOOK = ".ipynb"

_ROOT_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg")


@dataclass(frozen=True, slots=True)
class Listing:
    """The Python files of a project, and what was refused without reading it.

    Paths are relative to the root, with forward slashes, sorted. A name that is not UTF-8 holds surrogate escapes, as
    everywhere in Python.
    """

    paths: tuple[str, ...]
    refused: tuple[Refused, ...]


def find_root(path: Path) -> tuple[Path, bool]:
    """The root of the project that ``path`` (a file or folder) belongs to, and whether something marks it as one.

    That is the nearest ancestor with ``.git``, else the nearest with a ``pyproject.toml``, ``setup.py`` or
    ``setup.cfg``. A project whose own listing would leave ``path`` out (ignored, vendored) does not count. When nothing
    marks a root it is the folder itself.
    """
    path = path.resolve()
    folder = path if path.is_dir() else path.parent
    ancestors = (folder, *folder.parents)
    repository = next((ancestor for ancestor in ancestors if vcs.is_repository(ancestor)), None)
    if repository is not None and _wants(repository, path):
        return repository, True
    for ancestor in ancestors:
        if ancestor == repository:
            break
        if any((ancestor / marker).is_file() for marker in _ROOT_MARKERS) and _wants(ancestor, path):
            return ancestor, True
    return folder, False


def discover(root: Path, *, exclude: Sequence[str] = (), max_bytes: int = DEFAULT_MAX_BYTES) -> Listing:
    """All Python files of the project at ``root``, each once.

    ``exclude`` holds patterns in the syntax of ``.gitignore``, relative to ``root``. Of several paths to one file the
    real one is listed. Links to folders are not followed: what they lead to inside the project has a path of its own.
    Refused are notebooks, files over ``max_bytes``, links that are broken or leave the project, and folders that cannot
    be listed.

    Raises:
        ValueError: a pattern of ``exclude`` is malformed.
    """
    base = os.path.realpath(root)
    folders = _Folders(base)
    is_excluded = _excluder(exclude)
    refused: list[Refused] = []
    candidates = vcs.list_files(Path(base), (PYTHON, NOTEBOOK))
    if candidates is None:
        candidates = _walk(base, folders, refused)

    def is_left_out(path: str) -> bool:
        return folders.left_out(path) or is_excluded(path)

    paths: list[str] = []
    links: list[str] = []
    for path in candidates:
        if is_left_out(path):
            continue
        try:
            status = os.lstat(f"{base}/{path}")
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):  # those two: deleted, but still tracked
                refused.append(Refused(path, read_trouble(error)))
            continue
        if stat.S_ISLNK(status.st_mode) or folders.linked(path):
            links.append(path)
        elif trouble := _trouble(path, status, max_bytes):
            refused.append(Refused(path, trouble))
        elif stat.S_ISREG(status.st_mode):
            paths.append(path)

    seen = {*paths, *(item.path for item in refused)}
    for item in _follow(base, sorted(links), seen, is_left_out, max_bytes):
        if isinstance(item, Refused):
            refused.append(item)
        else:
            paths.append(item)
    return Listing(tuple(sorted(paths)), tuple(sorted(refused, key=lambda item: item.path)))


class _Folders:
    """What there is to know about the folders below ``base``, each looked at once."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._left_out = {"": False}
        self._linked = {"": False}

    def left_out(self, path: str) -> bool:
        """Whether a folder on the way to ``path`` is in the tables above. A trailing slash counts ``path`` itself."""
        folder = path.rpartition("/")[0]
        answer = self._left_out.get(folder)
        if answer is None:
            name = folder.rpartition("/")[2]
            answer = (
                self.left_out(folder)
                or name in TOOL_FOLDERS
                or name in VENDORED_FOLDERS
                or (name in BUILD_FOLDERS and not os.path.exists(f"{self._base}/{folder}/__init__.py"))
            )
            self._left_out[folder] = answer
        return answer

    def linked(self, path: str) -> bool:
        """Whether a folder on the way to ``path`` is a symbolic link."""
        folder = path.rpartition("/")[0]
        answer = self._linked.get(folder)
        if answer is None:
            answer = self._linked[folder] = self.linked(folder) or os.path.islink(f"{self._base}/{folder}")
        return answer


def _wants(root: Path, path: Path) -> bool:
    """Whether the listing of ``root`` has a place for ``path``."""
    if path == root:
        return True
    relative = path.relative_to(root).as_posix() + ("/" if path.is_dir() else "")
    return not _Folders(str(root)).left_out(relative) and not vcs.is_ignored(root, relative)


def _walk(base: str, folders: _Folders, refused: list[Refused]) -> list[str]:
    """Python files and notebooks that no ``.gitignore`` ignores. Folders that cannot be listed go to ``refused``."""
    found: list[str] = []
    pending: list[tuple[str, tuple[_Rules, ...]]] = [("", ())]
    while pending:
        prefix, rules = pending.pop()
        try:
            with os.scandir(f"{base}/{prefix}") as entries:
                children = list(entries)
        except OSError as error:
            refused.append(Refused(prefix or ".", f"folder cannot be listed: {error_text(error)}"))
            continue
        if any(child.name == ".gitignore" for child in children):
            rules = (*rules, _Rules(prefix, _read_patterns(f"{base}/{prefix}.gitignore")))
        for child in children:
            path = prefix + child.name
            if child.is_dir(follow_symlinks=False):
                folder = f"{path}/"
                if not folders.left_out(folder) and not _is_ignored(folder, rules):
                    pending.append((folder, rules))
            elif child.name.endswith((PYTHON, NOTEBOOK)) and not _is_ignored(path, rules):
                found.append(path)
    return found


@dataclass(frozen=True, slots=True)
class _Rules:
    """The patterns of one ``.gitignore``, which hold below the folder ``prefix``."""

    prefix: str
    patterns: GitIgnoreSpec


def _is_ignored(path: str, rules: Sequence[_Rules]) -> bool:
    """Whether the deepest ``.gitignore`` with an opinion ignores ``path``."""
    for rule in reversed(rules):
        opinion = rule.patterns.check_file(path[len(rule.prefix) :]).include
        if opinion is not None:
            return opinion
    return False


def _read_patterns(path: str) -> GitIgnoreSpec:
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = file.read().split("\n")
    except OSError:  # a folder of that name, or not ours to read: git goes on without it too
        lines = []
    return _compile(line for line in lines if _is_pattern(line))


def _is_pattern(line: str) -> bool:
    """Whether ``line`` can be compiled; git, too, passes over lines that cannot."""
    try:
        _compile((line,))
    except ValueError:
        return False
    return True


def _compile(patterns: Iterable[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # here, because it takes as long to import as the listing of a small project

    return GitIgnoreSpec.from_lines(patterns)


def _excluder(patterns: Sequence[str]) -> Callable[[str], bool]:
    if not patterns:
        return lambda path: False
    return _compile(patterns).match_file


def _trouble(path: str, status: os.stat_result, max_bytes: int) -> str | None:
    """Why the file is refused by what its name and status say, if it is."""
    if not stat.S_ISREG(status.st_mode):
        return None
    if path.endswith(NOTEBOOK):
        return "notebooks are not supported: move the model code to a module"
    if status.st_size > max_bytes:
        return too_large(status.st_size, max_bytes)
    return None


def _follow(
    base: str, links: Sequence[str], seen: set[str], is_left_out: Callable[[str], bool], max_bytes: int
) -> Iterator[str | Refused]:
    """The links that lead to a file of the project which is not in ``seen``, and those that lead nowhere good."""
    inside = f"{base.rstrip('/')}/"
    for path in links:
        try:
            real = os.path.realpath(f"{base}/{path}", strict=True)
            status = os.stat(real)
        except OSError as error:
            yield Refused(path, f"is a broken symbolic link: {error_text(error)}")
            continue
        target = real.removeprefix(inside)
        if target in seen:
            continue
        if target == real:
            yield Refused(path, "is a symbolic link to a file outside the project")
        elif is_left_out(target):
            yield Refused(path, f"is a symbolic link to `{target}`, which is left out")
        elif trouble := _trouble(path, status, max_bytes):
            yield Refused(path, trouble)
        elif stat.S_ISREG(status.st_mode):
            seen.add(target)
            yield path
