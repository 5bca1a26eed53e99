"""One touched top-level statement: its text, its LibCST tree, and the text that edits make of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import libcst as cst

from modfix.engine.rewriting.blocks import Snippet
from modfix.engine.rewriting.errors import RewriteError
from modfix.engine.rewriting.intended import parse_expression, parse_header, parse_method, parse_statements
from modfix.engine.rewriting.lines import Lines, first_line, last_line
from modfix.engine.rewriting.nodes import BareBlankLines, Statement, comment_lines, comments, with_leading_lines
from modfix.engine.rewriting.precedence import is_atom, needs_parentheses
from modfix.engine.rewriting.spans import SpanFinder
from modfix.engine.rewriting.targets import Target, spans_of
from modfix.engine.rewriting.tree_edits import Moving, NewMethod, OtherCall, StatementEdits, TreeEdits, Wrapping
from modfix.engine.rewriting.verbs import Rewrite
from modfix.model.edit import (
    AddElse,
    AddMethod,
    CollapseBranch,
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

_WORD = re.compile(r"\w")
_REFUSALS = (cst.ParserSyntaxError, cst.CSTValidationError)  # the second for code like `return(a if b else c)`


@dataclass(frozen=True, slots=True)
class _Planned:
    """A target with its LibCST node and its new code."""

    target: Target
    node: cst.CSTNode
    newline: cst.Newline
    expression: tuple[cst.BaseExpression, list[cst.Comment]] | None = None
    snippet: Snippet | None = None
    function: cst.BaseExpression | None = None
    wrapping: Wrapping | None = None
    moving: Moving | None = None


class _Adapted(BareBlankLines):
    """Fits the source of an edit into its place: line ends as they are there, blank lines without indentation."""

    def __init__(self, newline: cst.Newline) -> None:
        super().__init__()
        self._newline = newline

    def leave_Newline(self, original_node: cst.Newline, updated_node: cst.Newline) -> cst.Newline:  # noqa: N802
        return self._newline


class Segment:
    """The lines of one top-level statement (or several on one line) with the comments around it that belong to it.

    ``indent`` is the indentation for new blocks where the segment has no block to learn it from.

    Raises:
        RewriteError: LibCST cannot parse or reproduce the text, or does not know a target.
    """

    def __init__(self, lines: Lines, span: Span, targets: Sequence[Target], indent: str | None) -> None:
        self.span = span
        self.before = lines.text[span.start : span.end]
        self._lines = lines
        self._targets = targets
        self._newline = lines.newline_at(span.start)
        self._indent = indent
        self._lacks_line_end = not self.before.endswith(("\n", "\r"))
        self._module = self._parse()
        wanted = {found for target in targets for span in spans_of(target.edit) for found in self._spellings(span)}
        finder = SpanFinder(self._module, wanted, lines.text, span.start)
        self._module._codegen(finder)
        if finder.code != self._complete():
            same = takewhile(lambda pair: pair[0] == pair[1], zip(finder.code, self.before, strict=False))
            lineno = lines.lineno(span.start + sum(1 for _ in same))
            raise RewriteError(f"LibCST does not reproduce line {lineno}", targets[0].group)
        self._ancestors = finder.ancestors
        self._planned = [self._plan(target, finder) for target in targets]

    def text(self, groups: int) -> str:
        """What the segment becomes when the first ``groups`` groups of edits are carried out.

        Raises:
            RewriteError: the edits cannot be carried out on this statement.
        """
        planned = [item for item in self._planned if item.target.group < groups]
        if not planned:
            return self.before
        try:
            tree = self._module.visit(Rewrite(_tree_edits(planned), self._ancestors))
            code = tree.code if tree.body or tree.header or tree.footer else ""
        except cst.CSTValidationError as error:
            raise RewriteError(str(error), planned[-1].target.group) from error
        if self._lacks_line_end:
            code = code.removesuffix("\n").removesuffix("\r")
        return code

    def touched_by(self, group: int) -> bool:
        """Whether one of the edits of a group is in here."""
        return any(target.group == group for target in self._targets)

    def _complete(self) -> str:
        return self.before + self._newline if self._lacks_line_end else self.before

    def _parse(self) -> cst.Module:
        try:
            module = cst.parse_module(self._complete())
        except _REFUSALS as error:
            raise RewriteError(
                f"LibCST cannot parse this statement: {_reason(error)}", self._targets[0].group
            ) from error
        # LibCST files the comments at the start under the module; here they belong to the statement. And it takes
        # a final `\r` for no line end.
        first, *others = module.body
        assert isinstance(first, Statement)
        first = with_leading_lines(first, [*module.header, *first.leading_lines])
        module = module.with_changes(header=(), body=[first, *others], has_trailing_newline=True)
        return module.with_changes(default_indent=self._indent) if self._indent else module

    def _plan(self, target: Target, finder: SpanFinder) -> _Planned:
        edit = target.edit
        node, *others = (self._node(span, target, finder) for span in spans_of(edit))
        newline_text = self._lines.newline_at(edit.span.end if isinstance(edit, InsertAfter) else edit.span.start)
        newline = cst.Newline(value=None if newline_text == self._newline else newline_text)
        if isinstance(edit, ReplaceExpression):
            assert isinstance(node, cst.BaseExpression)
            return _Planned(target, node, newline, expression=self._expression(target, edit.source, node))
        if isinstance(edit, ReplaceCall):
            assert isinstance(node, cst.Call)
            if any(index >= len(node.args) for index in edit.keep):
                raise RewriteError(f"the call at {edit.span.start} has {len(node.args)} arguments", target.group)
        if isinstance(edit, (ReplaceCall, WrapExpression)):
            parse_expression(edit.function, target.group)
            return _Planned(target, node, newline, function=cst.parse_expression(edit.function))
        if isinstance(edit, PassAssigned):
            source = f"{edit.function}({', '.join((*edit.before, '_', *edit.after))})"
            parse_expression(source, target.group)
            return _Planned(target, node, newline, function=cst.parse_expression(source))
        if isinstance(edit, (ReplaceStatement, InsertBefore, InsertAfter, AddElse, AddMethod)):
            return _Planned(target, node, newline, snippet=self._snippet(edit.source, target.group, newline))
        if isinstance(edit, WrapStatements):
            parse_header(edit.header, target.group)
            header = cst.parse_statement(f"{edit.header} pass")
            assert isinstance(header, cst.BaseCompoundStatement)
            last = others[-1]
            return _Planned(target, node, newline, wrapping=Wrapping(header, last, newline))
        if isinstance(edit, MoveStatements):
            parse_method(edit.header, target.group)
            method = cst.parse_statement(f"{edit.header} pass")
            assert isinstance(method, cst.FunctionDef)
            docstring = self._snippet(edit.docstring, target.group, newline) if edit.docstring else None
            call = self._snippet(edit.call, target.group, newline)
            assert isinstance(target.parent, (ast.FunctionDef, ast.AsyncFunctionDef))
            moving = Moving(method, docstring, call, (node, *others), target.parent.name, newline)
            return _Planned(target, node, newline, moving=moving)
        return _Planned(target, node, newline)

    def _node(self, span: Span, target: Target, finder: SpanFinder) -> cst.CSTNode:
        kind = (
            cst.BaseExpression
            if isinstance(target.edit, (ReplaceExpression, ReplaceCall, WrapExpression))
            else (cst.BaseStatement, cst.BaseSmallStatement)
        )
        nodes = [
            node
            for found in self._spellings(span)
            for node in finder.found.get(found, ())
            if isinstance(node, kind) and not isinstance(node, (cst.SimpleStatementLine, cst.StarredElement))
        ]
        if not nodes:
            raise RewriteError(f"the node at {span.start}:{span.end} cannot be edited on its own", target.group)
        return nodes[-1]

    def _spellings(self, span: Span) -> tuple[Span, ...]:
        """A span as `ast` has it, and as LibCST does where the block of a statement ends in a needless `;`."""
        text = self._lines.text[span.start : span.end]
        bare = text.removesuffix(";").rstrip(" \t")
        return (span, Span(span.start, span.start + len(bare))) if text.endswith(";") else (span,)

    def _snippet(self, source: str, group: int, newline: cst.Newline) -> Snippet:
        parse_statements(source, group)
        source = (source.rstrip() + "\n").replace("\n", newline.value or self._newline)
        try:
            module = cst.parse_module(source)
        except _REFUSALS as error:
            raise RewriteError(f"LibCST cannot parse the new source: {_reason(error)}", group) from error
        module = module.visit(_Adapted(newline))
        statements = [statement for statement in module.body if isinstance(statement, Statement)]
        statements[0] = with_leading_lines(statements[0], [*module.header, *statements[0].leading_lines])
        return Snippet(tuple(statements), tuple(module.footer))

    def _expression(
        self, target: Target, source: str, old: cst.BaseExpression
    ) -> tuple[cst.BaseExpression, list[cst.Comment]]:
        """The new expression, with the parentheses it needs, and the comments of the old one that lose their place."""
        parsed = parse_expression(source, target.group)
        source = source.strip().replace("\n", self._newline)
        try:
            new = cst.parse_expression(source)
        except _REFUSALS as error:
            raise RewriteError(f"LibCST cannot parse the new source: {_reason(error)}", target.group) from error
        assert isinstance(target.node, ast.expr)
        span = target.edit.span
        if isinstance(old, cst.GeneratorExp) and not old.lpar:
            return new, comments(old)  # between the parentheses of a call
        lpar, rpar = list(old.lpar), list(old.rpar)
        if isinstance(old, (cst.Tuple, cst.GeneratorExp)) and lpar:
            del lpar[-1], rpar[0]  # these belong to the expression itself
        needed = not new.lpar and needs_parentheses(parsed, target.parent, target.field, target.node)
        outer = self._through_parentheses(span, len(lpar))
        if (
            len(lpar) == 1
            and not needed
            and is_atom(parsed)
            and not is_atom(target.node)
            and not comments(*lpar, *rpar)
            and not self._clings(outer, source)
        ):
            lpar, rpar = [], []  # `(a if c else b)` needed them, `d` does not
        if not lpar and not new.lpar and (needed or self._clings(span, source)):
            lpar, rpar = [cst.LeftParen()], [cst.RightParen()]
        kept = set(comments(*lpar, *rpar))
        lost = [comment for comment in comments(old) if comment not in kept]
        return new.with_changes(lpar=[*lpar, *new.lpar], rpar=[*new.rpar, *rpar]), lost

    def _through_parentheses(self, span: Span, count: int) -> Span:
        """The span with so many pairs of parentheses around it."""
        start, end = span
        text = self._lines.text
        for _ in range(count):
            start = text.rfind("(", 0, start)
            end = text.find(")", end) + 1
        return Span(start, end)

    def _clings(self, span: Span, source: str) -> bool:
        """Whether ``source`` in place of ``span`` would run into a word beside it, as in ``return"a"``."""
        text = self._lines.text
        before, behind = text[span.start - 1 : span.start], text[span.end : span.end + 1]
        return bool(
            (_WORD.match(before) and _WORD.match(source[0])) or (_WORD.match(behind) and _WORD.match(source[-1]))
        )


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, cst.ParserSyntaxError) else str(error)


def _tree_edits(planned: Sequence[_Planned]) -> TreeEdits:
    edits = TreeEdits()
    for item in planned:
        edit, key = item.target.edit, id(item.node)
        if _of_expression(edits, item):
            continue
        if isinstance(edit, AddMethod):
            assert item.snippet is not None
            edits.methods.setdefault(key, []).append(NewMethod(item.snippet, edit.after, item.newline))
            continue
        if item.wrapping is not None:
            edits.wrappings[key] = item.wrapping
            continue
        if item.moving is not None:
            edits.movings.update((id(moved), item.moving) for moved in item.moving.statements)
            continue
        statement = edits.statements.setdefault(key, StatementEdits(item.newline))
        if isinstance(edit, RemoveStatement):
            statement.remove = True
        elif isinstance(edit, CollapseBranch):
            statement.keep = edit.keep
        elif isinstance(edit, ReplaceStatement):
            statement.replacement = item.snippet
        elif isinstance(edit, AddElse):
            assert item.snippet is not None
            statement.orelse.append(item.snippet)
        else:
            assert item.snippet is not None
            (statement.before if isinstance(edit, InsertBefore) else statement.after).append(item.snippet)
    return edits


def segment_span(body: Sequence[ast.stmt], group: range, lines: Lines, not_above: int) -> Span:
    """The lines of ``body[group]`` with the blank lines and comments around that belong to it.

    Those are the ones above, but nothing above the offset ``not_above``, and indented comments behind.
    """
    first, last = body[group.start], body[group.stop - 1]
    previous = body[group.start - 1] if group.start else None
    start = max(_end(previous, first, lines) if previous else 0, not_above)
    following = body[group.stop] if group.stop < len(body) else None
    end = _end(last, following, lines)
    form_feed = lines.text.rfind(
        "\f", start, lines.start(first_line(first)) + 1
    )  # LibCST loses one at the start of a line
    return Span(max(start, form_feed + 1), end)


def _body_indent(statement: ast.stmt, lines: Lines) -> str:
    body = getattr(statement, "body", None)
    if not isinstance(body, list) or body[0].lineno == statement.lineno:
        return ""
    return lines.line(first_line(body[0]))[: body[0].col_offset]


def _end(statement: ast.stmt, following: ast.stmt | None, lines: Lines) -> int:
    """Where the lines of the next top-level statement begin. Indented comments behind a block belong to the block."""
    lineno = last_line(statement) + 1
    end = lines.start(lineno)
    if not hasattr(statement, "body") and not hasattr(statement, "cases"):
        return end
    stop = first_line(following) if following else len(lines.starts) + 1
    for number in range(lineno, stop):
        line = lines.line(number)
        if line.startswith("#"):
            break
        comment = line.lstrip(" \t\f")
        if comment.startswith("#"):
            if not line.startswith(_body_indent(statement, lines)):
                break  # neither of the block nor of the module, perhaps for spaces in place of a tab: LibCST moves it
            end = lines.start(number + 1)
    return end


def _of_expression(edits: TreeEdits, item: _Planned) -> bool:
    """Take down what becomes of an expression; whether the item is about one."""
    edit, key = item.target.edit, id(item.node)
    if item.expression is not None:
        new, lost = item.expression
        edits.expressions[key] = (new, comment_lines(lost, item.newline))
    elif isinstance(edit, ReplaceCall):
        assert item.function is not None
        edits.calls[key] = OtherCall(item.function, edit.keep, item.newline)
    elif isinstance(edit, PassAssigned):
        assert isinstance(item.function, cst.Call)
        edits.passed[key] = (item.function, len(edit.before))
    elif isinstance(edit, WrapExpression):
        assert item.function is not None
        edits.wraps[key] = item.function
    else:
        return False
    return True
