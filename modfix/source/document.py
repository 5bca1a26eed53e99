"""Bytes to text and back without losing one: encoding cookie, byte order mark, every kind of line end."""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import re
import stat
import tokenize
from io import BytesIO
from pathlib import Path

from modfix.model.source import Refused, SourceFile

DEFAULT_MAX_BYTES = (
    2 * 1024 * 1024
)  # the largest hand-written modules of torch are about half of that; beyond are tables

_WIDE_BOMS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_GENERATED = re.compile(rb"@generated\b(?!\()")  # not the decorators `@generated_jit` and `@generated(...)`
_HEADER_LINES = 5


def read(root: Path, path: str, max_bytes: int = DEFAULT_MAX_BYTES) -> SourceFile | Refused:
    """Read ``path`` (relative to ``root``, forward slashes), or say why modfix leaves it alone.

    Refused are files that cannot be read, are larger than ``max_bytes``, call themselves ``@generated`` in their first
    lines, or that `decode` refuses. Nothing is raised for the state of a file.
    """
    try:
        data = _read_bytes(root / path, max_bytes)
    except OSError as error:
        return Refused(path, read_trouble(error))
    if isinstance(data, str):
        return Refused(path, data)
    if _is_generated(data):
        return Refused(path, "generated file (`@generated` in its header)")
    return decode(path, data)


def decode(path: str, data: bytes) -> SourceFile | Refused:
    """The text of ``data`` by the rules of Python source (byte order mark, cookie, else UTF-8), or why it has none.

    The result encodes to exactly ``data``. Whether it is Python is not asked here.
    """
    if data.startswith(_WIDE_BOMS):
        return Refused(path, "is UTF-16 or UTF-32, which Python cannot read as source")
    if b"\0" in data:
        return Refused(path, "contains NUL bytes: not a text file")
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    body = data[len(bom) :]
    try:
        encoding = _encoding(data)
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        return Refused(path, f"is not valid {error.encoding}: byte 0x{body[error.start]:02x} on line {line}")
    except SyntaxError as error:
        return Refused(path, f"has no usable encoding: {error.msg}")
    except (LookupError, ValueError) as error:  # a codec that is not for text, or one that fails in its own way
        return Refused(path, f"cannot be decoded: {error}")
    if encoding != "utf-8" and not _round_trips(text, encoding, body):
        return Refused(path, f"does not round-trip through its encoding `{encoding}`")
    return SourceFile(path, text, encoding, bom, content_hash(data))


def content_hash(data: bytes) -> str:
    """The identity of a file's bytes: blake2b-128 in hex."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def read_trouble(error: OSError) -> str:
    """What kept a file from being read, in the words of a report."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "vanished while modfix was running"
    return f"cannot be read: {error_text(error)}"


def error_text(error: OSError) -> str:
    """The message of an operating system error, without number and path, in lower case."""
    return (error.strerror or str(error)).lower()


def _read_bytes(path: Path, max_bytes: int) -> bytes | str:
    """The bytes of a regular file, or the reason why they are not wanted."""
    # Not blocking, because a pipe may have taken the place of the file since it was listed.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return "is not a regular file"
        if status.st_size > max_bytes:
            return too_large(status.st_size, max_bytes)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def too_large(size: int, max_bytes: int) -> str:
    """The reason for refusing a file over the size cap."""
    return f"is larger than the size cap ({size:,} bytes, cap {max_bytes:,})"


def _is_generated(data: bytes) -> bool:
    if b"@generated" not in data:
        return False
    header = data.split(b"\n", _HEADER_LINES)[:_HEADER_LINES]
    return any(_GENERATED.search(line) for line in header)


def _encoding(data: bytes) -> str:
    """The canonical name of the encoding that Python reads ``data`` in.

    Raises:
        SyntaxError: the cookie is unknown, contradicts the byte order mark, or a line before it is not UTF-8.
        LookupError, ValueError: the cookie names a codec that is not for text.
    """
    second_line_end = data.find(b"\n", data.find(b"\n") + 1)
    head = data[:second_line_end] if second_line_end >= 0 else data
    if b"coding" not in head:
        return "utf-8"
    name, _ = tokenize.detect_encoding(BytesIO(data).readline)
    if name == "utf-8-sig":
        return "utf-8"
    if "coding".encode(name) != b"coding":
        raise SyntaxError(f"Python source cannot be in `{name}`")
    return codecs.lookup(name).name


def _round_trips(text: str, encoding: str, data: bytes) -> bool:
    try:
        return text.encode(encoding) == data
    except UnicodeEncodeError:
        return False
