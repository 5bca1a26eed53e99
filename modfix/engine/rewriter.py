"""Carries edits out on the text of a file, and proves that nothing else happened.

LibCST parses only the top-level statements that hold an edit; their new text is spliced in, so all other bytes stay.
Then guards look at the result: it parses; its tree is the intended one, which is worked out separately on the `ast`; no
comment is lost.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modfix.engine.rewriting.comments import lost_comment
from modfix.engine.rewriting.errors import RewriteError
from modfix.engine.rewriting.imports import ImportPoint, plan_imports
from modfix.engine.rewriting.intended import carry_out, difference
from modfix.engine.rewriting.lines import LINE_END, Lines
from modfix.engine.rewriting.targets import Target, find_targets, statement_groups
from modfix.model.edit import Edit
from modfix.model.span import Span

if TYPE_CHECKING:
    from modfix.engine.rewriting.segments import Segment

__all__ = ["RewriteError", "rewrite"]


def rewrite(text: str, groups: Sequence[Sequence[Edit]]) -> list[str]:
    """The text after the first group of edits, after the first two, and so on.

    Every span refers to ``text``, which has no byte order mark and the line ends of the file. A group belongs to one
    fix; its edits may nest, those of different groups may not. An edit inside something that another one removes has no
    effect. Edits that only add may stand at the same statement, in the order given.

    Raises:
        RewriteError: a span matches no node, edits are in each other's way, an edit cannot be carried out, or a guard
            fired. There is no result then; the caller may try again without the group at ``group_index``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about invalid escapes, in code that is not ours
        rewriting = _Rewriting(text, groups)
        texts = rewriting.texts()
        try:
            rewriting.guard(texts)
        except RewriteError:
            for count in range(1, len(groups)):  # a group before the last may be to blame
                prefix = _Rewriting(text, groups[:count])
                prefix.guard(prefix.texts())
            raise
        return texts


class _Rewriting:
    """One run over one text."""

    def __init__(self, text: str, groups: Sequence[Sequence[Edit]]) -> None:
        self._text = text
        self._groups = groups
        try:
            self._tree = ast.parse(text)
        except SyntaxError as error:
            raise RewriteError(f"the file does not parse: {error.msg}", 0) from error
        self._lines = Lines(text)
        self._targets = find_targets(self._tree, self._lines, groups)
        first_edited = min((target.top for target in self._targets), default=len(self._tree.body))
        self._imports = plan_imports(self._tree, self._lines, groups, first_edited)
        self._segments = self._make_segments()
        self._after: dict[Span, str] = {}  # the new text of each segment

    def texts(self) -> list[str]:
        """The cumulative texts, all but the last checked to parse."""
        pieces: list[Segment | ImportPoint] = [*self._segments, *self._imports]
        pieces.sort(key=_place)
        current = [_original(piece) for piece in pieces]
        texts = []
        for group in range(len(self._groups)):
            for index, piece in enumerate(pieces):
                if isinstance(piece, ImportPoint):
                    current[index] = piece.text(group + 1)
                elif piece.touched_by(group):
                    current[index] = self._after[piece.span] = piece.text(group + 1)
                    if group + 1 < len(self._groups):  # the last text goes through all guards
                        _require_parses(current[index], group)
            texts.append(self._splice(pieces, current))
        return texts

    def _make_segments(self) -> list[Segment]:
        if not self._targets:
            return []
        from modfix.engine.rewriting.segments import Segment, segment_span  # here, because LibCST is slow to import

        body = self._tree.body
        by_top: dict[int, list[Target]] = {}
        for target in self._targets:
            by_top.setdefault(target.top, []).append(target)
        above_all = next((point.offset for point in self._imports if point.index == 0), 0)
        segments = []
        file_indent = _first_indent(body, self._lines)
        for group in statement_groups(body, self._targets):
            targets = [target for top in group for target in by_top.get(top, ())]
            if targets:
                span = segment_span(body, group, self._lines, above_all if group.start == 0 else 0)
                has_block = _first_indent([body[index] for index in group], self._lines)
                segments.append(Segment(self._lines, span, targets, None if has_block else file_indent))
        return segments

    def _splice(self, pieces: Sequence[Segment | ImportPoint], new: Sequence[str]) -> str:
        """The text with the new text of each piece.

        A segment that lost its last statement ends with the blank lines that stood above it; they and the blank lines
        that follow become one paragraph break.
        """
        parts: list[str] = []
        blank = ""  # blank lines left behind, not yet written
        position = 0
        for piece, text in zip(pieces, new, strict=True):
            start, end = _place(piece)
            if start > position:
                parts.append(_meet(blank, self._text[position:start]))
                blank = ""
            position = end
            if text:
                met = _meet(blank, text)
                blank = "" if isinstance(piece, ImportPoint) else _trailing_blank_lines(met)
                parts.append(met.removesuffix(blank))
        if position < len(self._text):
            parts.append(_meet(blank, self._text[position:]))
        result = "".join(parts)
        if self._text and not self._text.endswith(("\n", "\r")):
            result = result.removesuffix("\n").removesuffix("\r")
        return result

    def guard(self, texts: Sequence[str]) -> None:
        """Check the last of the `texts`, once: this uses up the tree.

        Raises:
            RewriteError: a guard fired; the last group is named, because it cannot be known here which one is to blame.
        """
        if not texts:
            return
        group = len(texts) - 1
        try:
            actual = ast.parse(texts[-1])
        except SyntaxError as error:
            raise RewriteError(f"the result does not parse: {error.msg} (line {error.lineno})", group) from error
        edited = {index for target in self._targets for index in target.tops}
        untouched = {id(statement) for index, statement in enumerate(self._tree.body) if index not in edited}
        carry_out(self._tree, self._targets, self._imports)
        if len(self._tree.body) != len(actual.body):
            message = f"{len(actual.body)} top-level statements where {len(self._tree.body)} are meant to be"
            raise RewriteError(f"the result is not the intended tree: {message}", group)
        for intended, statement in zip(self._tree.body, actual.body, strict=True):
            if id(intended) in untouched and type(intended) is type(statement):
                continue  # its bytes were copied
            found = difference(intended, statement)
            if found:
                raise RewriteError(f"the result is not the intended tree: {found}", group)
        for segment in self._segments:
            lost = lost_comment(segment.before, self._after[segment.span])
            if lost:
                raise RewriteError(f"would lose the comment `{lost}`", group)


def _trailing_blank_lines(text: str) -> str:
    end = text.rstrip(" \t\f\r\n")
    tail = text[len(end) :]
    return LINE_END.sub("", tail, count=1).lstrip(" \t\f") if end else tail


def _meet(blank: str, text: str) -> str:
    """``text`` behind blank lines: the longer of the two runs of blank lines stays."""
    if not blank:
        return text
    head = text[: len(text) - len(text.lstrip(" \t\f\r\n"))]
    head = head[: max(head.rfind("\n"), head.rfind("\r")) + 1]
    is_shorter = len(LINE_END.findall(head)) < len(LINE_END.findall(blank))
    return blank + text[len(head) :] if is_shorter else text


def _place(piece: Segment | ImportPoint) -> Span:
    return Span(piece.offset, piece.offset) if isinstance(piece, ImportPoint) else piece.span


def _original(piece: Segment | ImportPoint) -> str:
    return "" if isinstance(piece, ImportPoint) else piece.before


def _require_parses(text: str, group: int) -> None:
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise RewriteError(f"the result does not parse: {error.msg}", group) from error


def _first_indent(body: Sequence[ast.stmt], lines: Lines) -> str:
    """The indentation of the first block below some statements; empty where there is none."""
    for statement in body:
        children: list[ast.stmt] = getattr(statement, "body", [])
        if children and children[0].lineno > statement.lineno:
            line = lines.line(children[0].lineno)
            return line[: len(line) - len(line.lstrip(" \t"))]
    return ""
