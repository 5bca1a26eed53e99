"""Facts of one project on disk, so that a run over unchanged files parses nothing.

One file per project, replaced as a whole: two runs at once can overwrite each other's work, never mix it. Whatever is
not exactly what this version of modfix wrote (damaged, cut off, older, someone else's) counts as no cache and is
replaced. A cache that cannot be read or written makes a run slower, never wrong, and is not worth a message.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import modfix

_MAGIC = b"modfix facts\n"
_DIGEST_BYTES = 32
_FACT_PACKAGES = ("model", "source", "semantics")  # what a stored entry is made by and made of


def default_folder() -> Path:
    """Where caches live: ``MODFIX_CACHE_DIR``, or else the user's cache folder."""
    if folder := os.environ.get("MODFIX_CACHE_DIR"):
        return Path(folder)
    from platformdirs import user_cache_path  # only runs with a cache need it

    return user_cache_path("modfix")


class FactsCache:
    """What is known about the files of one project: byte strings under the keys that `entry_key` makes.

    ``folder`` holds the caches of all projects; ``key`` says which project this is, usually its absolute root.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._path = folder / (
            hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest() + ".facts"
        )
        self._stored = _load(self._path)
        self._used: dict[str, bytes] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing was found on disk."""
        return not self._stored

    def get(self, key: str) -> bytes | None:
        """The entry under ``key``, or None."""
        blob = self._stored.get(key)
        if blob is not None:
            self._used[key] = blob
        return blob

    def put(self, key: str, blob: bytes) -> None:
        """Remember an entry for `save`."""
        self._used[key] = blob

    def save(self) -> None:
        """Write the entries that were got or put since this object was made; the others belong to files that are no
        more.

        Does nothing when the disk holds exactly these already. Trouble with the disk is ignored.
        """
        if self._used.keys() == self._stored.keys():
            return
        with suppress(OSError):
            _store(self._path, self._used)


def entry_key(path: str, content_hash: str) -> str:
    """The key of one file. Facts name the file they come from, so that equal files at two paths are two entries."""
    return f"{content_hash} {path}"


def dumps(value: object) -> bytes:
    """An entry's value as bytes."""
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def loads(blob: bytes) -> Any:
    """The value of an entry. Only for bytes that `dumps` made in this run or that `FactsCache` vouches for."""
    return pickle.loads(blob)


@cache
def _version() -> bytes:
    """Names the code that made an entry: facts of another modfix, Python or development state are not facts."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    digest.update(f"{modfix.__version__} {sys.implementation.cache_tag}\n".encode())
    root = Path(modfix.__file__).parent
    for package in _FACT_PACKAGES:
        for file in sorted((root / package).glob("*.py")):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.digest()


def _checksum(payload: memoryview | bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_DIGEST_BYTES, key=_version()).digest()


def _load(path: Path) -> dict[str, bytes]:
    """The entries of a cache file; none if it is missing or not exactly what this version wrote."""
    try:
        with path.open("rb") as file:
            # Unpickling runs code. It is acceptable here because nobody but this user can have written the file (or
            # else the user's account is lost anyway), and a cache never comes with a repository: only the user's own
            # folder is looked at.
            if not _only_ours(os.fstat(file.fileno())):
                return {}
            data = memoryview(file.read())
    except OSError:
        return {}
    head = len(_MAGIC) + _DIGEST_BYTES
    payload = data[head:]
    if data[:head] != _MAGIC + _checksum(payload):
        return {}
    entries: dict[str, bytes] = pickle.loads(payload)
    return entries


def _only_ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _store(path: Path, entries: dict[str, bytes]) -> None:
    import tempfile  # a warm run writes nothing

    payload = dumps(entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    # `mkstemp` makes the file readable and writable for this user only. No fsync: after a power cut the checksum tells.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + _checksum(payload))
            file.write(payload)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
