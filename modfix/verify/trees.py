"""Copies of one version of a project in a folder of its own, since running code may write next to it.

The project itself is never written, and nothing in a copy leads back to it: files are copied (or shared by the file
system, where it can do that without sharing later changes), never linked. git's blobs are taken as they are: no filter
and no ``export-ignore`` applies, so that a revision and a folder of the same content give the same copy.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from modfix.source import vcs
from modfix.source.discover import TOOL_FOLDERS

MAX_DATA_BYTES = 2 << 30  # of files that are no Python code; beyond it the biggest are left out

_FICLONE = 0x40049409  # Linux: share the blocks of a file until one of the two is written
_LFS_MARK = b"version https://git-lfs.github.com/spec/"
_IMPORTABLE = (".py", ".so", ".pyd")


class TreeError(Exception):
    """A version that cannot be had; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One version of a project, as files.

    ``root`` is the folder of the project in the copy. ``notes`` are paths relative to the top of the copy, with what is
    special about each: ``("data/big.bin", "left out: ...")``; code that needs it fails in both versions.
    """

    root: Path
    name: str  # of the version, for messages: "HEAD~1 (1a2b3c4d5e)", or the folder
    notes: tuple[tuple[str, str], ...] = ()


def from_revision(repository: Path, revision: str, into: Path) -> Tree:
    """The project in the folder ``repository`` as git has it in ``revision``, in the new folder ``into``.

    All of its git repository is there, with submodules that are checked out. Compiled extensions and generated modules
    that git ignores are taken from the folder, since the project cannot be imported without them.

    Raises:
        TreeError: ``repository`` is in no git repository, or has no such revision.
        OSError: a file cannot be written.
    """
    top = _find_top(repository)
    if top is None:
        raise TreeError(f"`{repository}` is in no git repository, so it has no revisions: name a folder")
    try:
        commit = vcs.run(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except vcs.GitError as error:
        raise TreeError(f"`{revision}` is no revision of `{top}`") from error
    number = commit.decode("ascii").strip()
    copy = _Copy(into)
    copy.add_revision(top, number)
    copy.add_ignored_modules(top)
    root = into / repository.resolve().relative_to(top)
    if not root.is_dir():
        raise TreeError(f"`{revision}` has no folder `{root.relative_to(into)}`")
    return Tree(root, f"{revision} ({number[:10]})", copy.notes)


def from_folder(folder: Path, into: Path, *, overlay: Mapping[str, bytes | None] | None = None) -> Tree:
    """The files of ``folder`` as they are now, in the new folder ``into``.

    In a git work tree these are the tracked files and the untracked ones that are not ignored, of the whole repository;
    else all but version control data, virtual environments and caches. ``overlay`` (path relative to ``folder`` ->
    bytes, or None to remove the file) goes on top.

    Raises:
        TreeError: ``folder`` is none, or a path of the overlay leads out of it.
        OSError: a file cannot be read or written.
    """
    if not folder.is_dir():
        raise TreeError(f"`{folder}` is no folder")
    top = _find_top(folder) or folder.resolve()
    copy = _Copy(into)
    copy.add_folder(top)
    copy.add_ignored_modules(top)
    root = into / folder.resolve().relative_to(top)
    root.mkdir(parents=True, exist_ok=True)
    for path, content in (overlay or {}).items():
        put(root, path, content)
    return Tree(root, str(folder), copy.notes)


def put(root: Path, path: str, content: bytes | None) -> None:
    """Make ``content`` that of the file ``path`` in the copy at ``root``; None removes it.

    Raises:
        TreeError: ``path`` leads out of the copy.
        OSError: the file cannot be written.
    """
    target = root / PurePosixPath(path)
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise TreeError(f"`{path}` leads out of the project")
    target.unlink(missing_ok=True)
    if content is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _find_top(folder: Path) -> Path | None:
    """The top of the work tree that ``folder`` belongs to."""
    folder = folder.resolve()
    return next((parent for parent in (folder, *folder.parents) if vcs.is_repository(parent)), None)


class _Blob(NamedTuple):
    """A file in a revision."""

    mode: int
    number: str
    size: int
    path: str


class _Copy:
    """A copy in the making, and what there is to say about it."""

    def __init__(self, into: Path) -> None:
        into.mkdir(parents=True)
        self._into = into
        self._budget = MAX_DATA_BYTES
        self._notes: list[tuple[str, str]] = []

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(self._notes))

    # -- from a revision

    def add_revision(self, top: Path, commit: str, prefix: str = "") -> None:
        """Everything that ``commit`` of the repository at ``top`` holds, below ``prefix``."""
        blobs = []
        for entry in vcs.run(top, "ls-tree", "-r", "-z", "-l", "--full-tree", commit).split(b"\0"):
            if not entry:
                continue
            head, _, name = entry.partition(b"\t")
            mode, _, number, size = head.decode("ascii").split()
            path = os.fsdecode(name)
            if mode == "160000":
                self._add_submodule(top / path, number, prefix + path)
            else:
                blobs.append(_Blob(int(mode, 8), number, int(size), path))
        wanted = [blob for blob in sorted(blobs, key=_blob_order) if self._may_add(prefix + blob.path, blob.size)]
        for blob, content in zip(wanted, _read_blobs(top, wanted), strict=True):
            self._write(prefix + blob.path, blob.mode, content)

    def _add_submodule(self, folder: Path, commit: str, path: str) -> None:
        if not vcs.is_repository(folder):
            self._notes.append((path, "left out: a submodule that is not checked out"))
            return
        try:
            self.add_revision(folder, commit, f"{path}/")
        except vcs.GitError:
            self._notes.append((path, f"left out: the submodule has no commit {commit[:10]}; fetch it"))

    def _write(self, path: str, mode: int, content: bytes) -> None:
        target = self._into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(mode):
            self._link(path, os.fsdecode(content))
            return
        target.write_bytes(content)
        if mode & 0o100:
            target.chmod(0o755)
        if content.startswith(_LFS_MARK):
            self._notes.append((path, "a pointer of Git LFS in place of the file"))

    # -- from a folder

    def add_folder(self, top: Path, prefix: str = "") -> None:
        """The files of the folder ``top``, below ``prefix``."""
        paths = vcs.list_files(top, ("",))
        files = _walk(top) if paths is None else [path for path in paths if os.path.lexists(top / path)]
        for path in files:
            if (top / path).is_dir() and not (top / path).is_symlink():  # a submodule, a nested repository
                self.add_folder(top / path, f"{prefix}{path.rstrip('/')}/")
        self._add_files(top, files, prefix)

    def add_ignored_modules(self, top: Path) -> None:
        """What git ignores and Python imports, next to files that git knows: built extensions, `_version.py`."""
        if not vcs.is_repository(top):
            return
        patterns = [f"*{suffix}" for suffix in _IMPORTABLE]
        output = vcs.run(top, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *patterns)
        found = [os.fsdecode(name) for name in output.split(b"\0") if name]
        fresh = [path for path in found if not _is_left_out(path) and (self._into / path).parent.is_dir()]
        fresh = [path for path in fresh if not os.path.lexists(self._into / path)]
        self._add_files(top, fresh, "")
        self._notes += [(path, "ignored by git: taken as it is now") for path in fresh]

    def _add_files(self, top: Path, paths: Iterable[str], prefix: str) -> None:
        entries = []
        for path in paths:
            status = (top / path).lstat()
            if stat.S_ISLNK(status.st_mode) or stat.S_ISREG(status.st_mode):
                entries.append(_Blob(status.st_mode, "", status.st_size, path))
        for entry in sorted(entries, key=_blob_order):
            path = prefix + entry.path
            if not self._may_add(path, entry.size):
                continue
            target = self._into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISLNK(entry.mode):
                self._link(path, os.readlink(top / entry.path))
            else:
                _copy_file(top / entry.path, target)
                target.chmod(stat.S_IMODE(entry.mode) | stat.S_IRUSR | stat.S_IWUSR)

    # -- both

    def _link(self, path: str, target: str) -> None:
        """A symbolic link inside the copy; one that leads out could be used to write there."""
        folder = (self._into / path).parent
        if os.path.isabs(target) or not (folder / target).resolve().is_relative_to(self._into.resolve()):
            self._notes.append((path, f"left out: a link that leads out of the project, to `{target}`"))
        else:
            os.symlink(target, self._into / path)

    def _may_add(self, path: str, size: int) -> bool:
        """Whether there is room; Python code always has it."""
        if path.endswith(_IMPORTABLE):
            return True
        if size > self._budget:
            self._notes.append((path, f"left out: over the limit of {MAX_DATA_BYTES >> 20} MB for data"))
            return False
        self._budget -= size
        return True


def _blob_order(blob: _Blob) -> tuple[int, str]:
    return blob.size, blob.path  # small files first: the limit is for what is big


def _read_blobs(top: Path, blobs: Iterable[_Blob]) -> Iterator[bytes]:
    """The contents of ``blobs``, in batches that fit into memory."""
    batch: list[_Blob] = []
    size = 0
    for blob in blobs:
        batch.append(blob)
        size += blob.size
        if size > 64 << 20:
            yield from _read_batch(top, batch)
            batch, size = [], 0
    yield from _read_batch(top, batch)


def _read_batch(top: Path, batch: list[_Blob]) -> Iterator[bytes]:
    if not batch:
        return
    output = vcs.run(top, "cat-file", "--batch", stdin="".join(f"{blob.number}\n" for blob in batch).encode("ascii"))
    position = 0
    for blob in batch:
        start = output.index(b"\n", position) + 1  # after "<number> blob <size>"
        position = start + blob.size + 1
        yield output[start : start + blob.size]


def _walk(top: Path) -> list[str]:
    """All files below ``top`` but those of tools."""
    found = []
    for folder, folders, files in os.walk(top):
        base = Path(folder)
        linked = [name for name in folders if (base / name).is_symlink()]
        folders[:] = [
            name for name in folders if name not in TOOL_FOLDERS and not (base / name / "pyvenv.cfg").exists()
        ]
        found += [(base / name).relative_to(top).as_posix() for name in (*files, *linked)]
    return found


def _is_left_out(path: str) -> bool:
    return any(part in TOOL_FOLDERS or part in ("build", "dist") for part in path.split("/")[:-1])


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        try:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except OSError:  # another system, or a file system that cannot
            shutil.copyfileobj(reader, writer, 1 << 20)
