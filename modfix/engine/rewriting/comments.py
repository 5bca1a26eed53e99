"""Finds comments that a rewrite would lose."""

from __future__ import annotations

import io
import re
import tokenize
from collections import Counter

_TAIL = re.compile(r"#[^\r\n]*")
_LINE_END = re.compile(r"\r\n?")


def lost_comment(before: str, after: str) -> str | None:
    """One comment that is in ``before`` but not (as often) in ``after``, or None. Both must be whole statements."""
    if not _missing(_tails(before), _tails(after)):  # text from `#` to the line's end, whether or not in a string
        return None
    missing = _missing(_comments(before), _comments(after))
    return next(iter(missing), None)


def _missing(before: Counter[str], after: Counter[str]) -> Counter[str]:
    return before - after


def _tails(text: str) -> Counter[str]:
    return Counter(tail.rstrip() for tail in _TAIL.findall(text))


def _comments(text: str) -> Counter[str]:
    readline = io.StringIO(_LINE_END.sub("\n", text)).readline
    return Counter(
        token.string.rstrip() for token in tokenize.generate_tokens(readline) if token.type == tokenize.COMMENT
    )
