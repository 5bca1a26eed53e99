"""A patch as bytes: what `git apply` reads, behind comment lines that say which fix changed which line.

The comments stand where `git apply`, `patch` and unidiff skip text. They look like this::

    # modfix 0.1.0 patch: 2 fixes, checksum 5d41402abc4b2a76
    # To choose fixes: modfix patch select|drop FILE. Below, `4 by 1+2`: four changed lines, there while fix 1 or 2 is;
    # `4 by 1&2`: there while both are.
    # fix 1 3f2a9c0d1b2e4f5a identity safe models/resnet.py BasicBlock.downsample: replace None by nn.Identity()
    # fix 2 77aa01d2c3b4e5f6 identity safe models/resnet.py Bottleneck.downsample: replace None by nn.Identity()
    # hunk 1: 1 by 1+2
    # hunk 2: 4 by 1, 6 by 2, 1 by 1&2
    diff --git a/models/resnet.py b/models/resnet.py

The checksum covers everything below the first line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from modfix import __version__
from modfix.model.patch import FilePatch, FixRecord, Patch, PatchHunk
from modfix.patch.names import quote, quote_word

_LEGEND = (
    b"# To choose fixes: modfix patch select|drop FILE. "
    b"Below, `4 by 1+2`: four changed lines, there while fix 1 or 2 is;\n"
    b"# `4 by 1&2`: there while both are.\n"
)


def patch_bytes(patch: Patch) -> bytes:
    """The patch with its index of fixes."""
    numbers = {fix.id: number for number, fix in enumerate(patch.fixes, 1)}
    parts = [_LEGEND]
    parts.extend(_fix_line(number, fix) for number, fix in enumerate(patch.fixes, 1))
    parts.extend(f"# inseparable {_sum(tie, numbers)}\n".encode() for tie in patch.ties)
    for file in patch.files:
        parts.extend(_hunk_line(number, hunk, numbers) for number, hunk in enumerate(file.hunks, 1))
        parts.extend(_file_parts(file))
    body = b"".join(parts)
    count = len(patch.fixes)
    title = f"# modfix {__version__} patch: {count} {'fix' if count == 1 else 'fixes'}, checksum {checksum(body)}\n"
    return title.encode() + body


def diff_bytes(files: Iterable[FilePatch]) -> bytes:
    """The plain diff, without an index."""
    return b"".join(part for file in files for part in _file_parts(file))


def checksum(body: bytes) -> str:
    """The checksum of everything below the first line of a patch."""
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def _fix_line(number: int, fix: FixRecord) -> bytes:
    title = " ".join(fix.title.split())  # one line, also for a reader that breaks lines at form feeds
    where = f"{quote_word(fix.path)} {quote_word(fix.subject)}"
    line = f"# fix {number} {fix.id} {fix.codemod} {fix.applicability.name.lower()} {where}: {title}\n"
    return line.encode("utf-8", "backslashreplace")


def _hunk_line(number: int, hunk: PatchHunk, numbers: Mapping[str, int]) -> bytes:
    changed = ((line.fixes, "&" if line.joint else "+") for line in hunk.lines if line.kind != b" ")
    runs = ", ".join(f"{len(list(run))} by {_sum(fixes, numbers, sign)}" for (fixes, sign), run in groupby(changed))
    return f"# hunk {number}: {runs}\n".encode()


def _sum(fixes: Iterable[str], numbers: Mapping[str, int], sign: str = "+") -> str:
    return sign.join(map(str, sorted(numbers[fix] for fix in fixes)))


def _file_parts(file: FilePatch) -> Iterator[bytes]:
    old, new = quote(f"a/{file.path}"), quote(f"b/{file.path}")
    tab = "\t" if " " in file.path else ""  # git's mark for the end of a name with spaces
    yield f"diff --git {old} {new}\n--- {old}{tab}\n+++ {new}{tab}\n".encode()
    shift = 0  # lines added so far, less lines removed
    for hunk in file.hunks:
        removed = sum(line.kind == b"-" for line in hunk.lines)
        added = sum(line.kind == b"+" for line in hunk.lines)
        old_range = _range(hunk.start, len(hunk.lines) - added)
        new_range = _range(hunk.start + shift, len(hunk.lines) - removed)
        yield f"@@ -{old_range} +{new_range} @@".encode() + (b" " + hunk.section if hunk.section else b"") + b"\n"
        for line in hunk.lines:
            yield line.kind + line.data
            if not line.data.endswith(b"\n"):
                yield b"\n\\ No newline at end of file\n"
        shift += added - removed


def _range(start: int, count: int) -> str:
    """Start and length of one side of a hunk: an empty side names the line before it, a length of 1 goes unsaid."""
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"
