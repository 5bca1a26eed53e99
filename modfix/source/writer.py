"""Writes a run's changes to the disk, and takes them back. All or nothing, both times.

`write` holds the journal's lock from its first look at the files to the last rename:

1. Every file must still hold the bytes that the plan was made on. One that does not stops the run: other fixes may rest
   on it.
2. The journal entry goes to the disk: old bytes, hashes of old and new.
3. Every new content goes to the disk as a temporary file beside its file. A full disk or a read-only folder shows here.
4. One rename per file, each directly behind a last look at its bytes.

Trouble in 3 or 4 takes back what was renamed, and the entry. Ctrl-C takes back the files; its entry stays, and undoing
it changes nothing. A kill at any moment leaves every file old or new, and an entry that knows all of them. `undo` does
the same in the other direction, on the newest entry, and removes it at the end: killed, it can be run again.

What is left open is the instant between the last look and the rename. Mode bits are kept; access control lists and
other names (hard links) of a file are not. POSIX only.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modfix.model.source import Refused
from modfix.source import journal
from modfix.source.atomic import stage, sync_folder
from modfix.source.document import content_hash, error_text, read_trouble
from modfix.source.journal import Change, Entry, WriteError

__all__ = ["UndoReport", "WriteError", "WriteReport", "undo", "write"]

_CHANGED = "changed while modfix was running"


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What `write` did. When anything is refused, nothing is written.

    ``written`` are the paths as given; ``run`` is the number of the journal entry, None when nothing was written.
    """

    written: tuple[str, ...]
    refused: tuple[Refused, ...]
    run: int | None


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What `undo` did. When anything is refused, nothing is restored and the journal entry stays.

    ``restored`` are real paths relative to the root; ``unchanged`` those that held their old bytes already, for their
    run was killed before it came to them. ``run`` and ``started`` (UTC, ISO 8601) tell which run it was, None when
    there is none to undo.
    """

    restored: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[Refused, ...]
    run: int | None
    started: str | None


@dataclass(frozen=True, slots=True)
class _Swap:
    """One file on its way from ``before`` to ``after``."""

    path: str
    real: Path
    temporary: Path
    before: bytes
    after: bytes


class _NotSwappedError(Exception):
    """A file could not be swapped; all others are as before."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.refused = refused


def write(root: Path, changes: Mapping[str, tuple[bytes, bytes]]) -> WriteReport:
    """Replace the content of files: path -> (bytes that it must hold now, new bytes). All of them, or none.

    Symbolic links are written through. Refused are files that changed or vanished since, cannot be written (read-only,
    full disk), are not regular files or lie outside the project.

    Raises:
        WriteError: another modfix is writing, or the journal cannot be kept, and nothing was written; or a failed run
            could not be taken back, and the message names the files.
    """
    root = root.resolve()
    wanted = sorted((path, before, after) for path, (before, after) in changes.items() if before != after)
    if not wanted:
        return WriteReport((), (), None)
    with journal.opened(root) as log:
        if (previous := log.last()) is not None:
            previous.sweep(root)
        located, refused = _locate(root, [(path, before) for path, before, _ in wanted])
        if refused:
            return WriteReport((), refused, None)
        entry = log.append([Change(located[path], before, content_hash(after)) for path, before, after in wanted])
        swaps = [
            _Swap(path, root / located[path], entry.temporary(root, index), before, after)
            for index, (path, before, after) in enumerate(wanted)
        ]
        try:
            _swap_all(swaps)
        except _NotSwappedError as error:
            log.remove(entry)
            return WriteReport((), (error.refused,), None)
        return WriteReport(tuple(path for path, _, _ in wanted), (), entry.number)


def undo(root: Path) -> UndoReport:
    """Restore the files of the newest run in the journal, byte for byte. All of them, or none.

    Refused are files that changed since, are gone, or cannot be written. Mode bits stay as they are now. Calling it
    again takes back the run before, as far as the journal goes.

    Raises:
        WriteError: another modfix is writing, or the journal cannot be read, and nothing was restored; or a failed undo
            could not be taken back, and the message names the files.
    """
    root = root.resolve()
    if not journal.exists(root):
        return UndoReport((), (), (), None, None)
    with journal.opened(root) as log:
        entry = log.last()
        if entry is None:
            return UndoReport((), (), (), None, None)
        entry.sweep(root)
        swaps, unchanged, refused = _plan_undo(root, entry)
        if not refused:
            try:
                _swap_all(swaps)
            except _NotSwappedError as error:
                refused = (error.refused,)
        if refused:
            return UndoReport((), unchanged, refused, entry.number, entry.started)
        log.remove(entry)
        return UndoReport(tuple(swap.path for swap in swaps), unchanged, (), entry.number, entry.started)


def _locate(root: Path, expected: Sequence[tuple[str, bytes]]) -> tuple[Mapping[str, str], tuple[Refused, ...]]:
    """The real path, relative to ``root``, of every path; and the files that are not as expected or not writable."""
    located: dict[str, str] = {}
    owners: dict[str, str] = {}
    refused: list[Refused] = []
    for path, before in expected:
        real = Path(os.path.realpath(root / path))
        if not real.is_relative_to(root):
            refused.append(Refused(path, "lies outside the project"))
            continue
        content = _content(path, real)
        located[path] = real.relative_to(root).as_posix()
        owner = owners.setdefault(located[path], path)
        if isinstance(content, Refused):
            refused.append(content)
        elif content != before:
            refused.append(Refused(path, _CHANGED))
        elif owner != path:
            refused.append(Refused(path, f"is the same file as `{owner}`"))
    return located, tuple(refused)


def _plan_undo(root: Path, entry: Entry) -> tuple[list[_Swap], tuple[str, ...], tuple[Refused, ...]]:
    """The files to restore, those that are old already, and those that stand in the way."""
    swaps: list[_Swap] = []
    unchanged: list[str] = []
    refused: list[Refused] = []
    for index, change in enumerate(entry.changes):
        real = root / change.path
        if not os.path.lexists(real):
            refused.append(Refused(change.path, "was deleted since"))
        elif os.path.realpath(real) != str(real):
            refused.append(Refused(change.path, "was replaced by a symbolic link since"))
        elif isinstance(content := _content(change.path, real), Refused):
            refused.append(content)
        elif content == change.old:
            unchanged.append(change.path)
        elif content_hash(content) != change.new_hash:
            refused.append(Refused(change.path, "changed since modfix wrote it"))
        else:
            swaps.append(_Swap(change.path, real, entry.temporary(root, index), content, change.old))
    return swaps, tuple(unchanged), tuple(refused)


def _content(path: str, real: Path) -> bytes | Refused:
    """The bytes of a regular file that may be written, or why it must not be."""
    try:
        status = os.stat(real)
        if not stat.S_ISREG(status.st_mode):
            return Refused(path, "is not a regular file")
        # A rename gets past a read-only file, and a superuser past the permission; the bits say that neither is wanted.
        if not status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(real, os.W_OK):
            return Refused(path, "is read-only")
        return real.read_bytes()
    except OSError as error:
        return Refused(path, read_trouble(error))


def _swap_all(swaps: Sequence[_Swap]) -> None:
    """Swap all files, or none.

    Raises:
        _NotSwappedError: one could not be swapped, and no file has changed.
        WriteError: as above, but not all files could be put back.
    """
    try:
        for swap in swaps:
            with _refusing(swap.path):
                stage(swap.temporary, swap.after, like=os.stat(swap.real))
        for swap in swaps:
            with _refusing(swap.path):
                if swap.real.read_bytes() != swap.before:
                    raise _NotSwappedError(Refused(swap.path, _CHANGED))
                os.replace(swap.temporary, swap.real)
        for folder, path in {swap.real.parent: swap.path for swap in swaps}.items():
            with _refusing(path):
                sync_folder(folder)
    except BaseException:  # Ctrl-C too
        _take_back(swaps)
        raise


def _take_back(swaps: Sequence[_Swap]) -> None:
    """Bring every file back to ``before``, whether its rename was reached or not."""
    troubles: list[str] = []
    for swap in swaps:  # all of them first: the disk may be full
        with contextlib.suppress(OSError):  # the next run sweeps
            swap.temporary.unlink()
    for swap in swaps:
        try:
            if swap.real.read_bytes() == swap.after:
                stage(swap.temporary, swap.before, like=os.stat(swap.real))
                os.replace(swap.temporary, swap.real)
        except FileNotFoundError:
            continue  # somebody removed it: not ours to bring back
        except OSError as error:
            troubles.append(f"`{swap.path}`: {error_text(error)}")
    if troubles:
        files = "; ".join(troubles)
        raise WriteError(f"writing failed, and these files could not be put back: {files}; try `modfix undo`")


@contextlib.contextmanager
def _refusing(path: str) -> Iterator[None]:
    """Turn what the operating system says about a file into `_NotSwappedError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise _NotSwappedError(Refused(path, read_trouble(error))) from error
    except OSError as error:
        raise _NotSwappedError(Refused(path, f"cannot be written: {error_text(error)}")) from error
