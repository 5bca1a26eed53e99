"""What shall become of the nodes of one LibCST tree, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import libcst as cst

from modfix.engine.rewriting.blocks import Snippet


@dataclass(frozen=True, slots=True)
class Wrapping:
    """What to put statements into: a compound statement, whose body does not count, for all up to ``last``."""

    header: cst.BaseCompoundStatement
    last: cst.CSTNode
    newline: cst.Newline


@dataclass(frozen=True, slots=True)
class Moving:
    """Statements of one method that become another one, whose body does not count."""

    method: cst.FunctionDef
    docstring: Snippet | None
    call: Snippet
    statements: tuple[cst.CSTNode, ...]
    behind: str  # name of the method that they stand in
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
    movings: dict[int, Moving] = field(default_factory=dict)  # by each of the statements
