"""Small questions to LibCST nodes, and small changes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import libcst as cst

Statement: TypeAlias = cst.SimpleStatementLine | cst.BaseCompoundStatement
_StatementT = TypeVar("_StatementT", bound=cst.BaseStatement)


def with_leading_lines(statement: _StatementT, lines: Sequence[cst.EmptyLine]) -> _StatementT:
    """The statement with other lines above it."""
    return statement.with_changes(leading_lines=tuple(lines))


def leading_blanks(lines: Sequence[cst.EmptyLine]) -> int:
    """How many blank lines come first."""
    return next((index for index, line in enumerate(lines) if line.comment is not None), len(lines))


def without_leading_blanks(statement: Statement) -> Statement:
    """The statement without the blank lines above its first comment."""
    lines = statement.leading_lines
    blanks = leading_blanks(lines)
    return with_leading_lines(statement, lines[blanks:]) if blanks else statement


def is_definition(statement: Statement) -> bool:
    """Whether blank lines belong around a statement."""
    return isinstance(statement, (cst.FunctionDef, cst.ClassDef))


def block_lines(suite: cst.BaseSuite) -> tuple[list[Statement], Sequence[cst.EmptyLine]]:
    """The statements of a suite as they stand in an indented block, and the comments behind the last."""
    if isinstance(suite, cst.SimpleStatementSuite):
        return [cst.SimpleStatementLine(body=suite.body, trailing_whitespace=suite.trailing_whitespace)], ()
    assert isinstance(suite, cst.IndentedBlock)
    return [statement for statement in suite.body if isinstance(statement, Statement)], suite.footer


def without_pass(statement: Statement) -> Statement | None:
    """The statement without `pass`; None where nothing is left."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return statement
    kept = [small for small in statement.body if not isinstance(small, cst.Pass)]
    if len(kept) == len(statement.body):
        return statement
    return statement.with_changes(body=separated(kept)) if kept else None


def separated(body: Sequence[cst.BaseSmallStatement]) -> list[cst.BaseSmallStatement]:
    """Small statements of one line, without the semicolon that a removed one left behind."""
    return [*body[:-1], body[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)]


def comments(*nodes: cst.CSTNode | None) -> list[cst.Comment]:
    """All comments inside the nodes, in source order."""
    collector = _CommentCollector()
    for node in nodes:
        if node is not None:
            node.visit(collector)
    return collector.comments


def comment_lines(found: Sequence[cst.Comment], newline: cst.Newline) -> list[cst.EmptyLine]:
    """Comments on lines of their own."""
    return [cst.EmptyLine(comment=comment, newline=newline) for comment in found]


class BareBlankLines(cst.CSTTransformer):
    """Leaves blank lines without indentation; LibCST counts those between top-level statements as indented."""

    def leave_EmptyLine(self, original_node: cst.EmptyLine, updated_node: cst.EmptyLine) -> cst.EmptyLine:  # noqa: N802
        """The line that takes the place of a blank line."""
        return updated_node if updated_node.comment else updated_node.with_changes(indent=False)


class _CommentCollector(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.comments: list[cst.Comment] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Comment):
            self.comments.append(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        pass  # the default looks up a method by name, for every node

    def on_visit_attribute(self, node: cst.CSTNode, attribute: str) -> None:
        pass

    def on_leave_attribute(self, original_node: cst.CSTNode, attribute: str) -> None:
        pass
