"""Rewrites of the zoo as data: wrong ones, each wrong in one way, and equal ones.

A file here is named after the file of `tests/verify/zoo` that it rewrites and holds two lists, ``WRONG`` and ``EQUAL``.
A rewrite is a list of replacements of text; each old text must occur exactly once, else the rewrite is in error.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from modfix.model.verdict import Outcome

ZOO = Path(__file__).parents[1] / "zoo"


@dataclass(frozen=True)
class Rewrite:
    """One rewrite of one file of the zoo, and what the verifier has to say about it."""

    name: str
    kind: str
    edits: tuple[tuple[str, str], ...]
    outcomes: tuple[Outcome, ...]  # any of these is right
    at: tuple[str, ...] = ()  # texts of lines where the difference may show, besides the lines that were changed
    check: str = ""  # no operator differs: the check that says DIFFERENT instead
    file: str = ""  # of the zoo

    @property
    def id(self) -> str:
        return f"{self.file.removesuffix('.py')}-{self.name}"

    def apply(self) -> str:
        """The text of the file after the rewrite.

        Raises:
            ValueError: an old text does not occur exactly once, or nothing changes.
        """
        text = (ZOO / self.file).read_text()
        for old, new in self.edits:
            if text.count(old) != 1:
                raise ValueError(f"{self.id}: {text.count(old)} times in {self.file}: {old!r}")
            if old == new:
                raise ValueError(f"{self.id}: changes nothing")
            text = text.replace(old, new)
        return text


def wrong(name: str, kind: str, *texts: str, at: str | tuple[str, ...] = (), check: str = "") -> Rewrite:
    """A rewrite that must be DIFFERENT: ``texts`` are old, new, old, new, ..."""
    lines = (at,) if isinstance(at, str) else at
    return Rewrite(name, kind, _pairs(texts), (Outcome.DIFFERENT,), lines, check)


def equal(name: str, *texts: str, kind: str = "equal", outcome: Outcome = Outcome.PROVED) -> Rewrite:
    """A rewrite that keeps the meaning: PROVED, or IDENTICAL where other operators do the same."""
    return Rewrite(name, kind, _pairs(texts), (outcome,))


def _pairs(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    if len(texts) % 2 or not texts:
        raise ValueError(f"an odd number of texts: {texts}")
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def load(which: str) -> Iterator[Rewrite]:
    """All rewrites of the list ``which``, "WRONG" or "EQUAL", of all files, with their `file` filled in."""
    for path in sorted(ZOO.glob("*.py")):
        module = importlib.import_module(f"{__name__}.{path.stem}")
        for rewrite in getattr(module, which):
            yield replace(rewrite, file=path.name)
