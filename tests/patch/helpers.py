"""Findings, changes and repositories in few words."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from modfix.model.edit import Edit, EnsureImport, RemoveStatement
from modfix.model.finding import Applicability, Finding, Fix
from modfix.model.result import FileChange, Step
from modfix.model.source import SourceFile
from modfix.model.span import Location, Span
from modfix.patch.diff import unified_diff

Files = Mapping[str, bytes]


def finding(
    subject: str,
    *,
    path: str = "m.py",
    codemod: str = "identity",
    imports: Sequence[EnsureImport] = (),
    applicability: Applicability = Applicability.SAFE,
    title: str = "use nn.Identity()",
) -> Finding:
    edits: tuple[Edit, ...] = (RemoveStatement(path, Span(0, 1)), *imports)
    fix = Fix(title, edits, applicability)
    return Finding(codemod, Location(path, 1, 1), Span(0, 1), subject, "may be None", fix)


def change(
    before: str, *steps: tuple[Finding, str], path: str = "m.py", encoding: str = "utf-8", bom: bytes = b""
) -> FileChange:
    source = SourceFile(path, before, encoding, bom)
    return FileChange(source, tuple(Step((fix.fingerprint,), text) for fix, text in steps))


def index(*findings: Finding) -> dict[str, Finding]:
    return {fix.fingerprint: fix for fix in findings}


def diff_of(*changes: FileChange, fixes: Sequence[Finding]) -> bytes:
    return unified_diff(changes, index(*fixes))


def before_files(*changes: FileChange) -> dict[str, bytes]:
    return {c.path: c.before.encode(c.before.text) for c in changes}


def after_files(*changes: FileChange) -> dict[str, bytes]:
    return {c.path: c.before.encode(c.after) for c in changes}


def apply_with(command: Sequence[str], folder: Path, files: Files, patch: bytes) -> dict[str, bytes]:
    """Write ``files``, run ``command`` with the patch as its input, and read the files again."""
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    done = subprocess.run(command, cwd=folder, input=patch, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr + patch).decode("utf-8", "replace")
    leftovers = [p.name for p in folder.rglob("*") if p.suffix in {".rej", ".orig"}]
    assert not leftovers
    return {path: (folder / path).read_bytes() for path in files}


def git_apply(folder: Path, files: Files, patch: bytes) -> dict[str, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return apply_with(["git", "apply", "--whitespace=error-all", "--whitespace=nowarn", "-"], folder, files, patch)


def apply_by_hand(before: bytes, patch: bytes) -> bytes:
    """A strict reader of a diff of one file: every number and every line must be exactly right."""
    old = before.split(b"\n")
    old = [line + b"\n" for line in old[:-1]] + ([old[-1]] if old[-1] else [])
    new: list[bytes] = []
    position = 0
    lines = [line + b"\n" for line in patch.split(b"\n")[:-1]]
    at = 0
    while at < len(lines):
        if not lines[at].startswith(b"@@ "):
            assert lines[at].startswith((b"# ", b"diff --git ", b"--- ", b"+++ ")), lines[at]
            at += 1
            continue
        _, minus, plus, *_ = lines[at].split(b" ")
        (old_start, old_count), (new_start, new_count) = _range(minus), _range(plus)
        at += 1
        new.extend(old[position:old_start])
        position = old_start
        assert len(new) == new_start
        while old_count or new_count:
            kind, data = lines[at][:1], lines[at][1:]
            at += 1
            if lines[at : at + 1] == [b"\\ No newline at end of file\n"]:
                data = data[:-1]
                at += 1
            if kind in b" -":
                assert old[position] == data
                position += 1
                old_count -= 1
            if kind in b" +":
                new.append(data)
                new_count -= 1
    new.extend(old[position:])
    assert all(line.endswith(b"\n") for line in new[:-1]), "a line without its end in the middle"
    return b"".join(new)


def _range(text: bytes) -> tuple[int, int]:
    """Lines before, and count."""
    start, _, count = text[1:].partition(b",")
    length = int(count or 1)
    return int(start) - (1 if length else 0), length
