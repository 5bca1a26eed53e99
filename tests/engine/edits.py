"""Short ways to say in a test which edit is meant: nodes are found by how their text starts."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from modfix.engine.rewriter import rewrite
from modfix.engine.rewriting.lines import Lines
from modfix.model.edit import (
    AddElse,
    AddMethod,
    CollapseBranch,
    Edit,
    EnsureImport,
    InsertAfter,
    InsertBefore,
    MoveStatements,
    PassAssigned,
    RemoveStatement,
    ReplaceCall,
    ReplaceExpression,
    ReplaceStatement,
    WrapExpression,
    WrapStatements,
)
from modfix.model.span import Span

PATH = "model.py"
MakeEdit: TypeAlias = Callable[[str], Edit]  # from the text, so that one case can run with several line ends


def expression(text: str, snippet: str) -> Span:
    """The span of the last expression whose text is ``snippet``."""
    lines = Lines(text)
    spans = [lines.span(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.expr)]
    return max(span for span in spans if text[span.start : span.end] == snippet)


def statement(text: str, start: str) -> Span:
    """The span of the first statement whose text begins with ``start``."""
    lines = Lines(text)
    spans = [lines.span(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    return min(span for span in spans if text.startswith(start, span.start))


def swap(snippet: str, source: str) -> MakeEdit:
    return lambda text: ReplaceExpression(PATH, expression(text, snippet), source)


def call(text: str, start: str) -> Span:
    """The span of the outermost call whose text begins with ``start``."""
    lines = Lines(text)
    spans = [lines.span(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return min(span for span in spans if text.startswith(start, span.start))


def recall(start: str, function: str, *keep: int) -> MakeEdit:
    return lambda text: ReplaceCall(PATH, call(text, start), function, keep)


def passed(start: str, function: str, before: str, after: str) -> MakeEdit:
    return lambda text: PassAssigned(PATH, statement(text, start), function, (before,), (after,))


def enclose(start: str, function: str) -> MakeEdit:
    """Wraps the first and longest expression whose text begins with ``start``."""

    def make(text: str) -> Edit:
        lines = Lines(text)
        spans = [lines.span(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.expr)]
        found = [span for span in spans if text.startswith(start, span.start)]
        return WrapExpression(PATH, min(found, key=lambda span: (span.start, -span.end)), function)

    return make


def replace(start: str, source: str) -> MakeEdit:
    return lambda text: ReplaceStatement(PATH, statement(text, start), source)


def before(start: str, source: str) -> MakeEdit:
    return lambda text: InsertBefore(PATH, statement(text, start), source)


def after(start: str, source: str) -> MakeEdit:
    return lambda text: InsertAfter(PATH, statement(text, start), source)


def remove(start: str) -> MakeEdit:
    return lambda text: RemoveStatement(PATH, statement(text, start))


def collapse(start: str, keep: Literal["body", "orelse"]) -> MakeEdit:
    return lambda text: CollapseBranch(PATH, statement(text, start), keep)


def wrap(first: str, last: str, header: str) -> MakeEdit:
    return lambda text: WrapStatements(PATH, statement(text, first), statement(text, last), header)


def move(header: str, call: str, *starts: str, docstring: str = "") -> MakeEdit:
    return lambda text: MoveStatements(PATH, tuple(statement(text, s) for s in starts), header, call, docstring)


def otherwise(start: str, source: str) -> MakeEdit:
    return lambda text: AddElse(PATH, statement(text, start), source)


def method(start: str, source: str, behind: str | None = None) -> MakeEdit:
    return lambda text: AddMethod(PATH, statement(text, start), source, behind)


def ensure(module: str, name: str | None = None, asname: str | None = None) -> MakeEdit:
    return lambda text: EnsureImport(PATH, module, name, asname)


def run(text: str, *groups: Sequence[MakeEdit]) -> list[str]:
    """The texts after each group."""
    return rewrite(text, [[make(text) for make in group] for group in groups])


def as_tabs(text: str) -> str:
    """The text with a tab for every four spaces of indentation."""
    return re.sub(r"(?m)^(?:    )+", lambda match: "\t" * (len(match.group()) // 4), text)


def as_crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


def as_cr(text: str) -> str:
    return text.replace("\n", "\r")


def indented(text: str, levels: int = 1) -> str:
    """The text as the body of that many functions."""
    for _ in range(levels):
        lines = [f"    {line}" if line.strip() else line for line in text.split("\n")]
        text = "def outer():\n" + "\n".join(lines)
    return text
