"""The journal of writes: what `modfix undo` needs, on the disk before the first file changes.

    .modfix/.gitignore             `*`: git does not see the folder
    .modfix/lock                   held by the one process that writes
    .modfix/journal/000007.json    one run: the old bytes of its files and the hashes of the new ones

An entry is one file, written in full and renamed into place, so that there are no half entries.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from modfix.source.atomic import stage, sync_folder
from modfix.source.document import content_hash, error_text

FOLDER = ".modfix"
KEPT_RUNS = 10

_FORMAT = 1
_IGNORE_ALL = b"*\n"


class WriteError(Exception):
    """A run of `write` or `undo` could not begin or could not finish; the message says what the files are like now."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file of a run: its real path relative to the root, its old bytes, and the hash of its new ones."""

    path: str
    old: bytes
    new_hash: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One run."""

    number: int
    started: str  # UTC, ISO 8601
    changes: tuple[Change, ...]

    def temporary(self, root: Path, index: int) -> Path:
        """The temporary file of change ``index``: in the folder of its file, under a name that can be found again."""
        return (root / self.changes[index].path).with_name(f".modfix-{self.number:06}-{index}.tmp")

    def sweep(self, root: Path) -> None:
        """Remove temporary files that a killed run, or a killed undo of it, left behind."""
        for index in range(len(self.changes)):
            with contextlib.suppress(OSError):  # mostly there is none; one that will not go does no harm
                self.temporary(root, index).unlink()


class Journal:
    """The entries under ``.modfix/``. Only `opened` makes one, so there is never a second writer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def last(self) -> Entry | None:
        """The newest entry.

        Raises:
            WriteError: it cannot be read, or is damaged.
        """
        numbers = self._numbers()
        return self._load(numbers[-1]) if numbers else None

    def append(self, changes: Sequence[Change]) -> Entry:
        """Add an entry; it is on the disk when this returns. Of the older ones `KEPT_RUNS` - 1 are kept.

        Raises:
            WriteError: it cannot be written.
        """
        numbers = self._numbers()
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        entry = Entry(numbers[-1] + 1 if numbers else 1, started, tuple(changes))
        with _reported("write"):
            _put(self._path(entry.number), _dump(entry))
            for number in numbers[: max(0, len(numbers) + 1 - KEPT_RUNS)]:
                self._path(number).unlink()
        return entry

    def remove(self, entry: Entry) -> None:
        """Remove an entry.

        Raises:
            WriteError: it cannot be removed.
        """
        with _reported("change"):
            self._path(entry.number).unlink()
            sync_folder(self._folder)

    def _numbers(self) -> list[int]:
        with _reported("read"):
            return sorted(int(path.stem) for path in self._folder.glob("*.json") if path.stem.isdecimal())

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}.json"

    def _load(self, number: int) -> Entry:
        with _reported("read"):
            data = self._path(number).read_bytes()
        try:
            return _parse(number, data)
        except (ValueError, KeyError, TypeError) as error:
            name = self._path(number).name
            raise WriteError(
                f"journal entry `{FOLDER}/journal/{name}` is damaged ({error}); remove it to go on"
            ) from error


@contextlib.contextmanager
def opened(root: Path) -> Iterator[Journal]:
    """The journal of the project at ``root``, made if need be, locked against other processes until the context ends.

    Raises:
        WriteError: another process holds it, or its folder cannot be written.
    """
    import fcntl  # here, so that reading commands also start on systems that lack it

    home = root / FOLDER
    folder = home / "journal"
    with _reported("write"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with _reported("lock"):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WriteError("another modfix is writing in this project; run again when it has ended") from None
        with _reported("write"):
            for left_behind in (*home.glob("*.tmp"), *folder.glob("*.tmp")):
                left_behind.unlink()
            ignore = home / ".gitignore"
            if not ignore.exists() or ignore.read_bytes() != _IGNORE_ALL:
                _put(ignore, _IGNORE_ALL)
                sync_folder(root)
        yield Journal(folder)
    finally:
        os.close(lock)  # and with it the lock goes


def exists(root: Path) -> bool:
    """Whether modfix ever wrote in the project at ``root``."""
    return (root / FOLDER / "journal").is_dir()


def _put(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    stage(temporary, data)
    os.replace(temporary, path)
    sync_folder(path.parent)


def _dump(entry: Entry) -> bytes:
    changes = [
        {
            "path": change.path,
            "old": base64.b64encode(change.old).decode("ascii"),
            "old_hash": content_hash(change.old),
            "new_hash": change.new_hash,
        }
        for change in entry.changes
    ]
    return json.dumps({"format": _FORMAT, "started": entry.started, "changes": changes}, indent=1).encode("ascii")


def _parse(number: int, data: bytes) -> Entry:
    record = json.loads(data)
    if record["format"] != _FORMAT:
        raise ValueError(f"format {record['format']} is unknown")
    changes = []
    for item in record["changes"]:
        old = base64.b64decode(item["old"], validate=True)
        if content_hash(old) != item["old_hash"]:
            raise ValueError(f"wrong hash for {item['path']}")
        changes.append(Change(item["path"], old, item["new_hash"]))
    return Entry(number, record["started"], tuple(changes))


@contextlib.contextmanager
def _reported(verb: str) -> Iterator[None]:
    """Turn what the operating system says about the journal into a `WriteError`."""
    try:
        yield
    except OSError as error:
        raise WriteError(f"cannot {verb} the journal in `{FOLDER}`: {error_text(error)}") from error
