"""The halves of an atomic write that the standard library lacks: a durable temporary file, and durable names. POSIX."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path


def stage(temporary: Path, data: bytes, like: os.stat_result | None = None) -> None:
    """Create ``temporary`` with ``data``, on the disk when this returns.

    ``like`` gives it its mode and, where allowed, its owner.

    Raises:
        OSError: it exists, or cannot be written. Nothing is left behind.
    """
    first_mode = 0o666 if like is None else 0o600  # until it has its own, nobody else may look
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, first_mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if like is not None:
                with contextlib.suppress(PermissionError):  # only a superuser may give files away
                    os.fchown(descriptor, like.st_uid, like.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(like.st_mode))  # last: writing and fchown clear set-user-id
            os.fsync(descriptor)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable: what was created, renamed or removed in it.

    Raises:
        OSError: the disk failed. A file system that cannot do this for folders is no error.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
