"""Carries edits out on a LibCST tree, keeping every comment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeAlias, TypeVar

import libcst as cst

from modfix.engine.rewriting.blocks import BlockBuilder, Snippet
from modfix.engine.rewriting.nodes import (
    BareBlankLines,
    Statement,
    comment_lines,
    comments,
    leading_blanks,
    separated,
    with_leading_lines,
)
from modfix.engine.rewriting.statement_verbs import collapsed_arm, emit, newline_of, split_line, with_else, with_method
from modfix.engine.rewriting.tree_edits import Moving, NewMethod, OtherCall, StatementEdits, TreeEdits, Wrapping

_Line: TypeAlias = cst.SimpleStatementLine | cst.SimpleStatementSuite
_SuiteT = TypeVar("_SuiteT", bound=cst.BaseSuite)
_WithOrelse = (cst.If, cst.For, cst.While, cst.Try, cst.TryStar)


class Rewrite(cst.CSTTransformer):
    """Visits only the nodes in ``ancestors`` (ids of the nodes to change and of those around them)."""

    def __init__(self, edits: TreeEdits, ancestors: Collection[int]) -> None:
        super().__init__()
        self._edits = edits
        self._ancestors = ancestors
        self._loose: list[list[cst.EmptyLine]] = []  # per open statement: comments that lost their place inside it
        self._moved: list[NewMethod] = []  # to the class that is open
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
                updated_node = with_else(updated_node, own)
        if isinstance(updated_node, _WithOrelse):
            updated_node = self._drop_emptied_else(updated_node)
        if isinstance(updated_node, cst.ClassDef):
            added = self._edits.methods.get(id(original_node), ())
            last = [method for method in added if method.after is None]
            behind = [method for method in added if method.after is not None]
            methods = [*self._moved, *reversed(behind), *last]  # each goes directly behind: the first one last
            self._moved = []
            updated_node = self._add_methods(updated_node, methods)
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
            key = id(small)
            edits = self._edits.wrappings.get(key) or self._edits.movings.get(key) or self._edits.statements.get(key)
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
        pairs = self._split_where_cut(zip(original, updated, strict=True))
        for old, new in pairs:
            key = id(_smalls(old)[0])
            if key in self._edits.wrappings:
                self._emit_wrapped(builder, self._edits.wrappings[key], chain([(old, new)], pairs))
            elif key in self._edits.movings:
                self._emit_moved(builder, self._edits.movings[key], chain([(old, new)], pairs))
            else:
                self._emit_one(builder, old, new)

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

    def _emit_moved(
        self, builder: BlockBuilder, moving: Moving, pairs: Iterator[tuple[cst.BaseStatement, Statement]]
    ) -> None:
        """Put the statements that move, of those up to the last of them, into a new method, and its call here."""
        inner = BlockBuilder(moving.newline)
        if moving.docstring is not None:
            inner.added(moving.docstring)
        moved = set(map(id, moving.statements))
        is_first, previous_moved = True, False
        for old, new in pairs:
            small = _smalls(old)[-1]
            if id(small) not in moved:
                self._emit_one(builder, old, new)
                previous_moved = False
                continue
            if not previous_moved:  # the paragraph break stays, the comments go
                blanks = leading_blanks(new.leading_lines)
                builder.lines(new.leading_lines[:blanks])
                builder.gone()
                new_lines = new.leading_lines[blanks:] if is_first else new.leading_lines
                self._emit_one(inner, old, with_leading_lines(new, new_lines))
            else:
                self._emit_one(inner, old, new)
            is_first, previous_moved = False, True
            if small is moving.statements[-1]:
                break
        builder.added(moving.call)
        block = cst.IndentedBlock(body=[], header=cst.TrailingWhitespace(newline=moving.newline))
        method = moving.method.with_changes(body=_filled(block, inner))
        self._moved.append(NewMethod(Snippet((method,), ()), moving.behind, moving.newline))

    def _emit_one(self, builder: BlockBuilder, old: cst.BaseStatement, new: Statement) -> None:
        if isinstance(old, cst.SimpleStatementLine) and isinstance(new, cst.SimpleStatementLine):
            self._emit_line(builder, old, new)
            return
        edits = self._edits.statements.get(id(old))
        if edits is None:
            builder.statement(new)
        else:
            emit(builder, new, edits)

    def _split_where_cut(
        self, pairs: Iterable[tuple[cst.BaseStatement, cst.BaseStatement]]
    ) -> Iterator[tuple[cst.BaseStatement, Statement]]:
        """Statements before and after; those of one line (`a; b`) apart where a block begins or ends, or one moves."""
        begins = {key: wrapping.newline for key, wrapping in self._edits.wrappings.items()}
        ends = {id(wrapping.last): wrapping.newline for wrapping in self._edits.wrappings.values()}
        alone = {key: moving.newline for key, moving in self._edits.movings.items()}
        for old, new in pairs:
            assert isinstance(new, Statement)
            keys = list(map(id, _smalls(old)))
            cuts = [*map(begins.get, keys[1:]), *map(ends.get, keys[:-1]), *map(alone.get, keys if keys[1:] else ())]
            newline = next(filter(None, cuts), None)
            if newline is None:
                yield old, new
                continue
            assert isinstance(new, cst.SimpleStatementLine)
            assert isinstance(old, cst.SimpleStatementLine)
            lines = [cst.SimpleStatementLine(body=[small]) for small in old.body]
            yield from zip(lines, split_line(new, newline), strict=True)

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
        wraps = any(id(small) in {**self._edits.wrappings, **self._edits.movings} for small in original.body)
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
            emit(builder, updated, present[0])
        elif len(present) < len(edits) and all(edit.only_removes for edit in present):
            self._loose.append([])
            kept = self._kept_in_line(updated, edits)
            lines = [*updated.leading_lines, *self._loose.pop()]
            builder.statement(updated.with_changes(body=separated(kept), leading_lines=lines))
        else:
            for small, edit, line in zip(updated.body, edits, split_line(updated, present[0].newline), strict=True):
                assert small is not None
                if edit is None:
                    builder.statement(line)
                else:
                    emit(builder, line, edit)

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
            emit(builder, arm, edits)
            header = cst.TrailingWhitespace(newline=edits.newline)
            block = cst.IndentedBlock(body=builder.body, header=header, footer=builder.footer(()))
            return updated.with_changes(orelse=cst.Else(body=block))
        orelse = None if edits.remove else collapsed_arm(arm, edits)
        if orelse is None:
            self._loose[-1] += comment_lines(comments(arm), edits.newline)
        return updated.with_changes(orelse=orelse)

    def _drop_emptied_else(self, statement: cst.CSTNode) -> cst.CSTNode:
        assert isinstance(statement, _WithOrelse)
        orelse = statement.orelse
        if not isinstance(orelse, cst.Else) or id(orelse.body) not in self._emptied:
            return statement
        self._loose[-1] += comment_lines(comments(orelse), newline_of(orelse.body))
        return statement.with_changes(orelse=None)

    def _add_methods(self, cls: cst.ClassDef, methods: Sequence[NewMethod]) -> cst.ClassDef:
        for method in methods:
            cls = cls.with_changes(body=with_method(cls.body, method))
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
