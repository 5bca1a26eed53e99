"""File names as git writes them in patches."""

from __future__ import annotations

import re

_LETTERS = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}
_BYTES = {letter: code for code, letter in _LETTERS.items()}
_PLAIN = re.compile(r'[^\x00-\x1f"\\\x7f-\U0010ffff]*')
_ESCAPE = re.compile(r'\\(?:([abtnvfr"\\])|([0-3][0-7]{2}))')


def quote(name: str) -> str:
    r"""Quote as git does with ``core.quotePath``: ``é".py`` becomes ``"\303\251\".py"``; ``my file.py`` stays."""
    return name if _PLAIN.fullmatch(name) else _quoted(name)


def quote_word(name: str) -> str:
    """Like `quote`, but never with white space outside quotes, and never empty."""
    return _quoted(name) if " " in name or not name else quote(name)


def unquote(name: str) -> str:
    """The name that `quote` or `quote_word` was given.

    Raises:
        ValueError: a quote or an escape is broken.
    """
    if not name.startswith('"'):
        return name
    inner = name[1:-1]
    if len(name) < 2 or not name.endswith('"') or not _PLAIN.fullmatch(_ESCAPE.sub("", inner)):
        raise ValueError(f"broken quoting in `{name}`")
    decoded = _ESCAPE.sub(lambda match: chr(_BYTES[match[1]] if match[1] else int(match[2], 8)), inner)
    return decoded.encode("latin-1").decode("utf-8", "surrogateescape")


def _quoted(name: str) -> str:
    return '"' + "".join(_escaped(byte) for byte in name.encode("utf-8", "surrogateescape")) + '"'


def _escaped(byte: int) -> str:
    if byte in _LETTERS:
        return "\\" + _LETTERS[byte]
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"
