"""A source file as the engine sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python file that decodes and encodes back to exactly the bytes it came from.

    ``text`` has no byte order mark and keeps every line end as it is in the file. ``path`` is relative to the project
    root, with forward slashes; it identifies the file in findings, edits, patches and the journal.
    """

    path: str
    text: str
    encoding: str = "utf-8"
    bom: bytes = b""
    content_hash: str = ""  # blake2b-128 of the bytes, in hex

    def encode(self, text: str) -> bytes:
        """The bytes of ``text`` in this file's encoding, with its byte order mark.

        Raises:
            UnicodeEncodeError: the encoding cannot express ``text``.
        """
        return self.bom + text.encode(self.encoding)


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that modfix leaves alone, and why. Expected trouble is a value, never a traceback."""

    path: str
    reason: str
