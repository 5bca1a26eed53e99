"""What becomes of single statements, branches and class bodies, keeping every comment."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from modfix.engine.rewriting.blocks import BlockBuilder, Snippet
from modfix.engine.rewriting.nodes import (
    Statement,
    block_lines,
    comment_lines,
    comments,
    separated,
    with_leading_lines,
    without_leading_blanks,
    without_pass,
)
from modfix.engine.rewriting.tree_edits import NewMethod, StatementEdits


def with_else(statement: cst.If, edits: StatementEdits) -> cst.If:
    """The `if` statement with the `else` that it gets."""
    builder = BlockBuilder(edits.newline)
    for snippet in edits.orelse:
        builder.added(snippet)
    header = cst.TrailingWhitespace(newline=edits.newline)
    block = cst.IndentedBlock(body=builder.body, header=header, footer=builder.footer(()))
    return statement.with_changes(orelse=cst.Else(body=block))


def emit(builder: BlockBuilder, statement: Statement, edits: StatementEdits) -> None:
    """Add one edited statement, whose children have been dealt with, to a block."""
    if edits.before:
        above, own = _split_own_comments(statement.leading_lines)
        builder.lines(above)
        for snippet in edits.before:
            builder.added(snippet)
        statement = with_leading_lines(statement, own)
    if edits.remove:
        builder.lines(statement.leading_lines)
        builder.lines(comment_lines(_inner_comments(statement), edits.newline))
        builder.gone()
    elif edits.keep is not None:
        assert isinstance(statement, cst.If)
        _emit_branch(builder, statement, edits)
    elif edits.replacement is not None:
        _emit_replacement(builder, statement, edits.replacement, edits.newline)
    else:
        builder.statement(statement)
    for snippet in edits.after:
        builder.added(snippet)


def _emit_branch(builder: BlockBuilder, statement: cst.If, edits: StatementEdits) -> None:
    builder.lines(statement.leading_lines)
    dropped, kept, footer = _branch(statement, edits.keep == "body")
    builder.lines(comment_lines(dropped, edits.newline))
    is_first = True
    for old in kept:
        new = without_pass(old)
        if new is None:
            builder.lines(comment_lines(comments(old), edits.newline))
            builder.gone()
            continue
        builder.statement(without_leading_blanks(new) if is_first else new)
        is_first = False
    if is_first:
        builder.gone()
    builder.lines(comment_lines(comments(*footer), edits.newline))


def _branch(statement: cst.If, keep_body: bool) -> tuple[list[cst.Comment], list[Statement], Sequence[cst.EmptyLine]]:
    """Of an `if` that collapses: comments that lose their place, statements that stay, the lines behind them."""
    if keep_body:
        kept, footer = block_lines(statement.body)
        return comments(statement.test, _header(statement.body), statement.orelse), kept, footer
    orelse = statement.orelse
    dropped = comments(statement.test, statement.body)
    if orelse is None:
        return dropped, [], ()
    if isinstance(orelse, cst.If):
        return dropped, [orelse], ()
    kept, footer = block_lines(orelse.body)
    return dropped + comments(*orelse.leading_lines, _header(orelse.body)), kept, footer


def collapsed_arm(arm: cst.If, edits: StatementEdits) -> cst.Else | cst.If | None:
    """What an `elif` leaves to its parent when it collapses; None if nothing."""
    if edits.keep == "orelse" and isinstance(arm.orelse, cst.If):
        dropped = comment_lines(comments(arm.test, arm.body), edits.newline)
        return with_leading_lines(arm.orelse, [*arm.leading_lines, *dropped, *arm.orelse.leading_lines])
    if edits.keep == "body":
        suite: cst.BaseSuite | None = arm.body
        dropped = comment_lines(comments(arm.test, arm.orelse), edits.newline)
    else:
        suite = arm.orelse.body if isinstance(arm.orelse, cst.Else) else None
        own = arm.orelse.leading_lines if arm.orelse else ()
        dropped = [*comment_lines(comments(arm.test, arm.body), edits.newline), *own]
    if suite is None:
        return None
    suite = _suite_without_pass(suite, edits.newline)
    return None if suite is None else cst.Else(body=suite, leading_lines=[*arm.leading_lines, *dropped])


def _suite_without_pass(suite: cst.BaseSuite, newline: cst.Newline) -> cst.BaseSuite | None:
    old, footer = block_lines(suite)
    new = [without_pass(statement) for statement in old]
    if not any(new):
        return None
    if all(a is b for a, b in zip(old, new, strict=True)):
        return suite
    builder = BlockBuilder(newline)
    for before, after in zip(old, new, strict=True):
        if after is None:
            builder.lines(comment_lines(comments(before), newline))
            builder.gone()
        else:
            builder.statement(after)
    if isinstance(suite, cst.IndentedBlock):
        return suite.with_changes(body=builder.body, footer=builder.footer(footer))
    return cst.IndentedBlock(body=builder.body, header=cst.TrailingWhitespace(newline=newline))


def _emit_replacement(builder: BlockBuilder, statement: Statement, snippet: Snippet, newline: cst.Newline) -> None:
    builder.lines(statement.leading_lines)
    *others, last = snippet.statements
    inner = _inner_comments(statement)
    if (
        isinstance(statement, cst.SimpleStatementLine)
        and isinstance(last, cst.SimpleStatementLine)
        and last.trailing_whitespace.comment is None
    ):
        inner = comments(*statement.body)
        last = last.with_changes(trailing_whitespace=statement.trailing_whitespace)
    builder.lines(comment_lines(inner, newline))
    for new in (*others, last):
        builder.statement(new)
    builder.lines(snippet.tail)


def with_method(suite: cst.BaseSuite, method: NewMethod) -> cst.IndentedBlock:
    """The body of a class with one method more."""
    old, footer = block_lines(suite)
    header = cst.TrailingWhitespace(newline=method.newline)
    if isinstance(suite, cst.IndentedBlock):
        header = suite.header
    elif without_pass(old[0]) is None:
        assert isinstance(suite, cst.SimpleStatementSuite)
        header, old = suite.trailing_whitespace, []  # `class A: pass  # why` keeps its comment on the line
    named = [
        index
        for index, statement in enumerate(old)
        if method.after is not None and isinstance(statement, cst.FunctionDef) and statement.name.value == method.after
    ]
    builder = BlockBuilder(method.newline)
    for index, statement in enumerate(old):
        new = without_pass(statement)
        if new is None:
            builder.lines(comment_lines(comments(statement), method.newline))
            builder.gone()
        else:
            builder.statement(new)
        if named and index == named[-1]:
            builder.added(method.snippet)
    if method.after is None:
        builder.added(method.snippet)
    indent = suite.indent if isinstance(suite, cst.IndentedBlock) else None
    return cst.IndentedBlock(body=builder.body, header=header, indent=indent, footer=builder.footer(footer))


def split_line(line: cst.SimpleStatementLine, newline: cst.Newline) -> list[cst.SimpleStatementLine]:
    """`a; b  # why` as one line for each statement; the comment stays with the last."""
    lines = [
        cst.SimpleStatementLine(body=separated([small]), trailing_whitespace=cst.TrailingWhitespace(newline=newline))
        for small in line.body
    ]
    lines[0] = with_leading_lines(lines[0], line.leading_lines)
    lines[-1] = lines[-1].with_changes(trailing_whitespace=line.trailing_whitespace)
    return lines


def _split_own_comments(lines: Sequence[cst.EmptyLine]) -> tuple[Sequence[cst.EmptyLine], Sequence[cst.EmptyLine]]:
    """Of the lines above a statement: those further up, and the comments directly above, which belong to it."""
    own = next((count for count, line in enumerate(reversed(lines)) if line.comment is None), len(lines))
    return lines[: len(lines) - own], lines[len(lines) - own :]


def _inner_comments(statement: Statement) -> list[cst.Comment]:
    return comments(with_leading_lines(statement, ()))


def _header(suite: cst.BaseSuite) -> cst.CSTNode | None:
    return suite.header if isinstance(suite, cst.IndentedBlock) else None


def newline_of(suite: cst.BaseSuite) -> cst.Newline:
    """The line end in use at the start of a suite."""
    if isinstance(suite, cst.IndentedBlock):
        return suite.header.newline
    assert isinstance(suite, cst.SimpleStatementSuite)
    return suite.trailing_whitespace.newline
