"""A tiny stand-in for semantics and rewriter, so that the engine is tested by what it does itself.

Facts are the text; classes are found by a regular expression; a codemod swaps one word for another.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

import pytest

from modfix.engine.codemod import Codemod
from modfix.model.edit import Edit, EnsureImport, InsertAfter, ReplaceExpression
from modfix.model.finding import Applicability, Finding, Fix
from modfix.model.source import Refused, SourceFile
from modfix.model.span import Location, Span


@dataclass(frozen=True)
class FakeFacts:
    path: str
    text: str


@dataclass(frozen=True)
class FakeClass:
    path: str
    qualname: str
    location: Location
    span: Span
    file: str

    def words(self, word: str) -> Iterator[Span]:
        for match in re.finditer(rf"\b{word}\b", self.file[: self.span.end]):
            if match.start() >= self.span.start:
                yield Span(*match.span())

    def place(self, span: Span) -> Location:
        before = self.file[: span.start]
        return Location(self.path, before.count("\n") + 1, span.start - before.rfind("\n"))


class FakeProject:
    def __init__(self, files: Mapping[str, FakeFacts], *, complete: bool) -> None:
        self.files = files
        self.complete = complete

    def module_classes(self, path: str) -> Iterator[FakeClass]:
        text = self.files[path].text
        starts = [match.start() for match in re.finditer(r"^class ", text, re.M)]
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            name = re.match(r"class (\w+)", text[start:])
            assert name
            if name[1] == "Impossible":
                raise RuntimeError("no such class")
            location = Location(path, text[:start].count("\n") + 1, 1)
            yield FakeClass(path, name[1], location, Span(start, end), text)


def fake_scan(source: SourceFile) -> FakeFacts | Refused:
    if "SYNTAX ERROR" in source.text:
        return Refused(source.path, "is no Python 3")
    if "SCAN BUG" in source.text:
        raise ZeroDivisionError("bug")
    return FakeFacts(source.path, source.text)


class RewriteError(Exception):
    def __init__(self, message: str, group_index: int) -> None:
        super().__init__(message)
        self.group_index = group_index


def fake_rewrite(text: str, groups: Sequence[Sequence[Edit]]) -> list[str]:
    """Splices; fails as asked by the source of an edit."""
    texts = []
    done: list[tuple[int, int, str]] = []
    for index, group in enumerate(groups):
        for edit in group:
            assert isinstance(edit, (ReplaceExpression, InsertAfter, EnsureImport))
            if isinstance(edit, EnsureImport):
                done.append((0, 0, f"import {edit.module}\n"))
                continue
            if edit.source == "REFUSE":
                raise RewriteError("the tree is not what was intended", index)
            if edit.source == "CRASH":
                raise KeyError("rewriter bug")
            start = edit.span.start if isinstance(edit, ReplaceExpression) else edit.span.end
            done.append((start, edit.span.end, edit.source))
        result = text
        for start, end, source in sorted(done, reverse=True):
            result = result[:start] + source + result[end:]
        texts.append(result)
    return texts


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the fakes in the places of scan, Project and rewrite."""
    rewriter = ModuleType("modfix.engine.rewriter")
    rewriter.rewrite = fake_rewrite  # type: ignore[attr-defined]  # a fake module
    rewriter.RewriteError = RewriteError  # type: ignore[attr-defined]  # a fake module
    monkeypatch.setitem(sys.modules, "modfix.engine.rewriter", rewriter)
    monkeypatch.setattr("modfix.engine.rewriter", rewriter, raising=False)
    monkeypatch.setattr("modfix.engine.reading.scan", fake_scan)
    monkeypatch.setattr("modfix.engine.run.Project", FakeProject)


class Swap(Codemod):
    """Replaces the word ``old`` by ``new`` in every class; every occurrence is a finding."""

    summary = "swap words"

    def __init__(
        self, name: str, old: str, new: str, applicability: Applicability = Applicability.SAFE, needles: str = ""
    ) -> None:
        super().__init__()
        self.name = name  # type: ignore[misc]  # one class stands for many codemods here
        self.needles = (needles.encode(),) if needles else ()  # type: ignore[misc]  # the same
        self.old, self.new, self.applicability = old, new, applicability
        self.checked: list[str] = []

    def check(self, cls: FakeClass) -> Iterator[Finding]:  # type: ignore[override]  # a fake class
        self.checked.append(f"{cls.path}:{cls.qualname}")
        for span in cls.words(self.old):
            yield self.finding(cls, span, ReplaceExpression(cls.path, span, self.new))

    def finding(self, cls: FakeClass, span: Span, *edits: Edit) -> Finding:
        return Finding(
            self.name,
            cls.place(span),
            span,
            f"{cls.qualname}.{self.old}",
            f"`{self.old}` is old",
            Fix(f"use `{self.new}`", edits, self.applicability),
        )
