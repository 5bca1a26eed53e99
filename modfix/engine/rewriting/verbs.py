"""Carries edits out on a LibCST tree, keeping every comment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, TypeAlias, TypeVar

import libcst as cst

from modfix.engine.rewriting.blocks import BlockBuilder, Snippet
from modfix.engine.rewriting.nodes import (
    BareBlankLines,
    Statement,
    block_lines,
    comment_lines,
    comments,
    separated,
    with_leading_lines,
    without_leading_blanks,
    without_pass,
)

_Line: TypeAlias = cst.SimpleStatementLine | cst.SimpleStatementSuite
_SuiteT = TypeVar("_SuiteT", bound=cst.BaseSuite)
_WithOrelse = (cst.If, cst.For, cst.While, cst.Try, cst.TryStar)


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What to put statements into: a compound statement, whose body does not count, for all up to ``last``."""

    header: cst.BaseCompoundStatement
    last: cst.CSTNode
    newline: cst.Newline


@dataclass(slots=True)
class StatementEdits:
    """What shall become of one statement. At most one of ``remove``, ``keep`` and ``replacement`` is set."""

    newline: cst.Newline  # the line end in use there
    before: list[Snippet] = field(default_factory=list)
    after: list[Snippet] = field(default_factory=list)
    orelse: list[Snippet] = field(default_factory=list)
    remove: bool = False
    keep: Literal["body", "orelse"] | None = None
    replacement: Snippet | None = None

    @property
    def only_removes(self) -> bool:
        """Whether the statement just goes."""
        return self.remove and not self.before and not self.after


@dataclass(frozen=True, slots=True)
class NewMethod:
    """A method to add to a class, behind the last method named ``after`` or at the end."""

    snippet: Snippet
    after: str | None
    newline: cst.Newline


@dataclass(frozen=True, slots=True)
class OtherCall:
    """What a call calls instead, and which of its arguments stay, by index."""

    function: cst.BaseExpression
    keep: tuple[int, ...]
    newline: cst.Newline


@dataclass(slots=True)
class TreeEdits:
    """Everything to do in one tree, by the `id` of the LibCST node.

    ``expressions`` holds what takes a node's place, and the comments that then go above the statement.
    """

    expressions: dict[int, tuple[cst.BaseExpression, list[cst.EmptyLine]]] = field(default_factory=dict)
    calls: dict[int, OtherCall] = field(default_factory=dict)
    wraps: dict[int, cst.BaseExpression] = field(default_factory=dict)  # the function
    passed: dict[int, tuple[cst.Call, int]] = field(default_factory=dict)  # a call, and the place of the value in it
    statements: dict[int, StatementEdits] = field(default_factory=dict)
    methods: dict[int, list[NewMethod]] = field(default_factory=dict)
    wrappings: dict[int, Wrapping] = field(default_factory=dict)  # by the first of the statements


class Rewrite(cst.CSTTransformer):
    """Visits only the nodes in ``ancestors`` (ids of the nodes to change and of those around them)."""

    def __init__(self, edits: TreeEdits, ancestors: Collection[int]) -> None:
        super().__init__()
        self._edits = edits
        self._ancestors = ancestors
        self._loose: list[list[cst.EmptyLine]] = []  # per open statement: comments that lost their place inside it
        self._emptied: dict[int, cst.BaseSuite] = {}  # suites that got a `pass`, by id (the value keeps the id taken)

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Whether to go into ``node``."""
        if id(node) not in self._ancestors:
            return False
        if isinstance(node, Statement):
            self._loose.append([])
        return id(node) not in self._edits.expressions

    def on_visit_attribute(self, node: cst.CSTNode, attribute: str) -> None:
        """Nothing; the default looks up a method by name, for every attribute."""

    def on_leave_attribute(self, original_node: cst.CSTNode, attribute: str) -> None:
        """Nothing; see above."""

    def on_leave(  # type: ignore[override]  # LibCST's type variable cannot say "another node of the same role"
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode:
        """What stands in the place of ``original_node``, whose children have been dealt with."""
        if id(original_node) not in self._ancestors:
            return updated_node
        if id(original_node) in self._edits.expressions:
            new, lost = self._edits.expressions[id(original_node)]
            self._loose[-1] += lost
            return new
        if isinstance(updated_node, (cst.BaseExpression, cst.Assign)):
            return self._expression(id(original_node), updated_node)
        if isinstance(original_node, cst.IndentedBlock) and isinstance(updated_node, cst.IndentedBlock):
            return self._block(original_node, updated_node)
        if isinstance(original_node, cst.SimpleStatementSuite) and isinstance(updated_node, cst.SimpleStatementSuite):
            return self._suite(original_node, updated_node)
        if isinstance(original_node, cst.Module) and isinstance(updated_node, cst.Module):
            return self._module(original_node, updated_node)
        if isinstance(original_node, cst.If) and isinstance(updated_node, cst.If):
            updated_node = self._elif_arm(original_node, updated_node)
            own = self._edits.statements.get(id(original_node))
            if own is not None and own.orelse:
                updated_node = _with_else(updated_node, own)
        if isinstance(updated_node, _WithOrelse):
            updated_node = self._drop_emptied_else(updated_node)
        if isinstance(updated_node, cst.ClassDef):
            updated_node = self._add_methods(updated_node, self._edits.methods.get(id(original_node), ()))
        if isinstance(updated_node, Statement):
            loose = self._loose.pop()
            if loose:
                return with_leading_lines(updated_node, [*updated_node.leading_lines, *loose])
        return updated_node

    def _expression(self, key: int, updated: cst.BaseExpression | cst.Assign) -> cst.CSTNode:
        if isinstance(updated, cst.Assign):
            return _passed(updated, *self._edits.passed[key]) if key in self._edits.passed else updated
        if isinstance(updated, cst.Call) and key in self._edits.calls:
            return self._other_call(updated, self._edits.calls[key])
        function = self._edits.wraps.get(key)
        return updated if function is None else _wrapped(updated, function)

    def _other_call(self, call: cst.Call, edit: OtherCall) -> cst.Call:
        args = [call.args[index] for index in edit.keep]
        if args and args[-1] is not call.args[-1]:  # what stands behind the last argument stays behind the last
            last = call.args[-1]
            args[-1] = args[-1].with_changes(comma=last.comma, whitespace_after_arg=last.whitespace_after_arg)
        before: cst.BaseParenthesizableWhitespace = call.whitespace_before_args
        if len(args) < len(call.args) and len(args) <= 1:  # no need for several lines any more
            before = cst.SimpleWhitespace("")
            args = [arg.with_changes(comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=before) for arg in args]
        new = call.with_changes(func=edit.function, args=args, whitespace_before_args=before)
        kept = set(comments(new))
        self._loose[-1] += comment_lines([lost for lost in comments(call) if lost not in kept], edit.newline)
        return new

    # Blocks

    def _edited(self, body: Sequence[cst.BaseStatement]) -> cst.Newline | None:
        """The line end in use at the first statement with edits; None where there is none."""
        for small in chain.from_iterable(map(_smalls, body)):
            edits = self._edits.wrappings.get(id(small)) or self._edits.statements.get(id(small))
            if edits is not None:
                return edits.newline
        return None

    def _build(
        self, original: Sequence[cst.BaseStatement], updated: Sequence[cst.BaseStatement]
    ) -> BlockBuilder | None:
        """The lines of a block with edits among its statements; None if there are none."""
        newline = self._edited(original)
        if newline is None:
            return None
        builder = BlockBuilder(newline)
        self._emit_all(builder, original, updated)
        return builder

    def _emit_all(
        self, builder: BlockBuilder, original: Sequence[cst.BaseStatement], updated: Sequence[cst.BaseStatement]
    ) -> None:
        pairs = self._split_at_wrappings(zip(original, updated, strict=True))
        for old, new in pairs:
            wrapping = self._edits.wrappings.get(id(_smalls(old)[0]))
            if wrapping is None:
                self._emit_one(builder, old, new)
            else:
                self._emit_wrapped(builder, wrapping, chain([(old, new)], pairs))

    def _emit_wrapped(
        self, builder: BlockBuilder, wrapping: Wrapping, pairs: Iterator[tuple[cst.BaseStatement, Statement]]
    ) -> None:
        """Put the statements that come next, up to the last that the block is for, into it."""
        old, new = next(pairs)
        header = with_leading_lines(wrapping.header, new.leading_lines)
        inner = BlockBuilder(wrapping.newline)
        self._emit_one(inner, old, with_leading_lines(new, ()))
        while wrapping.last is not _smalls(old)[-1]:
            old, new = next(pairs)
            self._emit_one(inner, old, new)
        block = cst.IndentedBlock(body=[], header=cst.TrailingWhitespace(newline=wrapping.newline))
        wrapped = _filled(block, inner).visit(BareBlankLines())
        assert isinstance(wrapped, cst.IndentedBlock)
        builder.statement(header.with_changes(body=wrapped))

    def _emit_one(self, builder: BlockBuilder, old: cst.BaseStatement, new: Statement) -> None:
        if isinstance(old, cst.SimpleStatementLine) and isinstance(new, cst.SimpleStatementLine):
            self._emit_line(builder, old, new)
            return
        edits = self._edits.statements.get(id(old))
        if edits is None:
            builder.statement(new)
        else:
            _emit(builder, new, edits)

    def _split_at_wrappings(
        self, pairs: Iterable[tuple[cst.BaseStatement, cst.BaseStatement]]
    ) -> Iterator[tuple[cst.BaseStatement, Statement]]:
        """Statements before and after; those of one line (`a; b`) apart where a new block begins or ends among them."""
        begins = self._edits.wrappings
        ends = {id(wrapping.last): wrapping for wrapping in begins.values()}
        for old, new in pairs:
            assert isinstance(new, Statement)
            smalls = _smalls(old)
            borders = [begins.get(id(small)) for small in smalls[1:]] + [ends.get(id(small)) for small in smalls[:-1]]
            cut = next(filter(None, borders), None)
            if cut is None:
                yield old, new
                continue
            assert isinstance(new, cst.SimpleStatementLine)
            assert isinstance(old, cst.SimpleStatementLine)
            alone = [cst.SimpleStatementLine(body=[small]) for small in old.body]
            yield from zip(alone, _split(new, cut.newline), strict=True)

    def _block(self, original: cst.IndentedBlock, updated: cst.IndentedBlock) -> cst.IndentedBlock:
        builder = self._build(original.body, updated.body)
        if builder is None:
            return updated
        filled = _filled(updated, builder)
        return filled if builder.body else self._mark_emptied(filled)

    def _module(self, original: cst.Module, updated: cst.Module) -> cst.Module:
        newline = self._edited(original.body)
        if newline is None:
            return updated
        builder = BlockBuilder(newline, is_module=True)
        self._emit_all(builder, original.body, updated.body)
        return updated.with_changes(body=builder.body, footer=builder.footer(updated.footer))

    def _suite(self, original: cst.SimpleStatementSuite, updated: cst.SimpleStatementSuite) -> cst.BaseSuite:
        """`if c: a; b`: stays on its line if statements only go, else becomes a block."""
        line = cst.SimpleStatementLine(body=original.body)
        newline = self._edited([line])
        if newline is None:
            return updated
        edits = [self._edits.statements.get(id(small)) for small in original.body]
        wraps = any(id(small) in self._edits.wrappings for small in original.body)
        if not wraps and all(edit is None or edit.only_removes for edit in edits):
            kept = self._kept_in_line(updated, edits)
            if kept:
                return updated.with_changes(body=separated(kept))
            return self._mark_emptied(updated.with_changes(body=[cst.Pass()]))
        builder = BlockBuilder(newline)
        new = cst.SimpleStatementLine(body=updated.body, trailing_whitespace=updated.trailing_whitespace)
        self._emit_all(builder, [line], [new])
        header = cst.TrailingWhitespace(newline=newline)
        return cst.IndentedBlock(body=builder.body, header=header, footer=builder.footer(()))

    def _mark_emptied(self, suite: _SuiteT) -> _SuiteT:
        self._emptied[id(suite)] = suite
        return suite

    def _kept_in_line(self, updated: _Line, edits: Sequence[StatementEdits | None]) -> list[cst.BaseSmallStatement]:
        kept = []
        for small, edit in zip(updated.body, edits, strict=True):
            if edit is None:
                kept.append(small)
            else:
                self._loose[-1] += comment_lines(comments(small), edit.newline)
        return kept

    def _emit_line(self, builder: BlockBuilder, original: _Line, updated: cst.SimpleStatementLine) -> None:
        edits = [self._edits.statements.get(id(small)) for small in original.body]
        present = [edit for edit in edits if edit is not None]
        if not present:
            builder.statement(updated)
        elif len(edits) == 1:
            _emit(builder, updated, present[0])
        elif len(present) < len(edits) and all(edit.only_removes for edit in present):
            self._loose.append([])
            kept = self._kept_in_line(updated, edits)
            lines = [*updated.leading_lines, *self._loose.pop()]
            builder.statement(updated.with_changes(body=separated(kept), leading_lines=lines))
        else:
            for small, edit, line in zip(updated.body, edits, _split(updated, present[0].newline), strict=True):
                assert small is not None
                if edit is None:
                    builder.statement(line)
                else:
                    _emit(builder, line, edit)

    # Arms of compound statements

    def _elif_arm(self, original: cst.If, updated: cst.If) -> cst.If:
        """Edit the `elif` of an `if`: it is no statement of a block, so what it becomes is the `else` of its parent."""
        arm = updated.orelse
        edits = self._edits.statements.get(id(original.orelse))
        if edits is None or not isinstance(arm, cst.If):
            return updated
        if not (edits.before or edits.after or edits.replacement or edits.remove or edits.keep):
            return updated  # it only got an `else`
        if edits.before or edits.after or edits.replacement:
            builder = BlockBuilder(edits.newline)
            _emit(builder, arm, edits)
            header = cst.TrailingWhitespace(newline=edits.newline)
            block = cst.IndentedBlock(body=builder.body, header=header, footer=builder.footer(()))
            return updated.with_changes(orelse=cst.Else(body=block))
        orelse = None if edits.remove else _collapsed_arm(arm, edits)
        if orelse is None:
            self._loose[-1] += comment_lines(comments(arm), edits.newline)
        return updated.with_changes(orelse=orelse)

    def _drop_emptied_else(self, statement: cst.CSTNode) -> cst.CSTNode:
        assert isinstance(statement, _WithOrelse)
        orelse = statement.orelse
        if not isinstance(orelse, cst.Else) or id(orelse.body) not in self._emptied:
            return statement
        self._loose[-1] += comment_lines(comments(orelse), _newline_of(orelse.body))
        return statement.with_changes(orelse=None)

    def _add_methods(self, cls: cst.ClassDef, methods: Sequence[NewMethod]) -> cst.ClassDef:
        for method in methods:
            cls = cls.with_changes(body=_with_method(cls.body, method))
        return cls


def _smalls(statement: cst.BaseStatement) -> Sequence[cst.CSTNode]:
    return statement.body if isinstance(statement, cst.SimpleStatementLine) else (statement,)


def _filled(block: cst.IndentedBlock, builder: BlockBuilder) -> cst.IndentedBlock:
    """The block with the lines that were built; with a `pass` if no statement is left."""
    if builder.body:
        return block.with_changes(body=builder.body, footer=builder.footer(block.footer))
    line = cst.SimpleStatementLine(
        body=[cst.Pass()],
        leading_lines=builder.footer(()),
        trailing_whitespace=cst.TrailingWhitespace(newline=builder.newline),
    )
    return block.with_changes(body=[line])


def _with_else(statement: cst.If, edits: StatementEdits) -> cst.If:
    builder = BlockBuilder(edits.newline)
    for snippet in edits.orelse:
        builder.added(snippet)
    header = cst.TrailingWhitespace(newline=edits.newline)
    block = cst.IndentedBlock(body=builder.body, header=header, footer=builder.footer(()))
    return statement.with_changes(orelse=cst.Else(body=block))


def _emit(builder: BlockBuilder, statement: Statement, edits: StatementEdits) -> None:
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


def _collapsed_arm(arm: cst.If, edits: StatementEdits) -> cst.Else | cst.If | None:
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


def _with_method(suite: cst.BaseSuite, method: NewMethod) -> cst.IndentedBlock:
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


def _split(line: cst.SimpleStatementLine, newline: cst.Newline) -> list[cst.SimpleStatementLine]:
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


def _newline_of(suite: cst.BaseSuite) -> cst.Newline:
    if isinstance(suite, cst.IndentedBlock):
        return suite.header.newline
    assert isinstance(suite, cst.SimpleStatementSuite)
    return suite.trailing_whitespace.newline


def _wrapped(value: cst.BaseExpression, function: cst.BaseExpression) -> cst.Call:
    """A call of ``function`` with ``value``, in which a tuple has become a list."""
    if isinstance(value, cst.Tuple):
        left, right = value.lpar[-1:], value.rpar[:1]  # its own parentheses; those around them go on standing there
        value = cst.List(
            value.elements,
            cst.LeftSquareBracket(left[0].whitespace_after if left else cst.SimpleWhitespace("")),
            cst.RightSquareBracket(right[0].whitespace_before if right else cst.SimpleWhitespace("")),
            lpar=value.lpar[:-1],
            rpar=value.rpar[1:],
        )
    return cst.Call(function, [cst.Arg(value)])


def _passed(assign: cst.Assign, call: cst.Call, place: int) -> cst.Expr:
    """The call as a statement, with the assigned value in its place."""
    args = list(call.args)
    value = assign.value
    if isinstance(value, (cst.Tuple, cst.Yield)) and not value.lpar:
        value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    args[place] = args[place].with_changes(value=value)
    return cst.Expr(call.with_changes(args=args), semicolon=assign.semicolon)
