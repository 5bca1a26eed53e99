"""Edits: what a codemod wants changed, as data.

An edit names a syntax node by its exact span in the decoded text of a file, and says what shall become of it. It is
plain data, so that `check` can plan without LibCST and a worker process can receive it. `modfix.engine.rewriter`
carries edits out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from modfix.model.span import Span


@dataclass(frozen=True, slots=True)
class ReplaceExpression:
    """Replace the expression at ``span`` by ``source``, in parentheses where precedence asks for them."""

    path: str
    span: Span
    source: str


@dataclass(frozen=True, slots=True)
class ReplaceCall:
    """Make the call at ``span`` a call of ``function``, with only some of its arguments.

    ``keep`` are indices of arguments in source order, positional or by keyword. Calls inside the arguments that stay
    can be edited by the same fix.
    """

    path: str
    span: Span
    function: str
    keep: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WrapExpression:
    """Make the expression at ``span`` the only argument of a call of ``function``; a tuple becomes a list there.

    What stands inside it stays, comments and line breaks included, and can be edited by the same fix.
    """

    path: str
    span: Span
    function: str


@dataclass(frozen=True, slots=True)
class PassAssigned:
    """Make the assignment at ``span`` a call of ``function``, with the assigned value among the arguments.

    ``PassAssigned(p, s, "self.register_buffer", ('"x"',), ("persistent=False",))`` makes ``self.x = v`` to
    ``self.register_buffer("x", v, persistent=False)``. The assignment has one target; what stands inside the value
    stays, and can be edited by the same fix.
    """

    path: str
    span: Span
    function: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplaceStatement:
    """Replace the statement at ``span`` by the statements of ``source``; comments above and behind it stay.

    ``source`` starts at column 0, uses four spaces and ``\\n``; the rewriter adapts indentation and line ends.
    """

    path: str
    span: Span
    source: str


@dataclass(frozen=True, slots=True)
class InsertBefore:
    """Insert the statements of ``source`` before the statement at ``span``, above the comments that belong to it."""

    path: str
    span: Span
    source: str


@dataclass(frozen=True, slots=True)
class InsertAfter:
    """Insert the statements of ``source`` behind the statement at ``span``."""

    path: str
    span: Span
    source: str


@dataclass(frozen=True, slots=True)
class RemoveStatement:
    """Remove the statement at ``span``. Comments above it stay; a block that becomes empty gets a ``pass``."""

    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class CollapseBranch:
    """Replace the ``if`` statement (or ``elif`` arm) at ``span`` by the statements of one of its branches.

    ``keep`` names the branch; keeping a missing ``orelse`` removes the statement. An ``elif`` that collapses becomes
    the ``else`` of its parent. All comments of the kept branch, and those above the ``if``, stay.
    """

    path: str
    span: Span
    keep: Literal["body", "orelse"]


@dataclass(frozen=True, slots=True)
class AddElse:
    """Give the ``if`` statement (or ``elif`` arm) at ``span``, which has no ``else``, one with ``source`` in it."""

    path: str
    span: Span
    source: str


@dataclass(frozen=True, slots=True)
class WrapStatements:
    """Put the statements from ``first`` to ``last``, which stand in one block, into a block of their own.

    ``header`` is the first line of a compound statement, as `if m.bias is not None:`. Comments above the first
    statement stay above the header, all others keep their places. Edits inside the statements, and edits of the
    statements themselves, can be part of the same fix; what they insert goes into the new block.
    """

    path: str
    first: Span
    last: Span
    header: str

    @property
    def span(self) -> Span:
        """From the start of the first statement to the end of the last."""
        return Span(self.first.start, self.last.end)


@dataclass(frozen=True, slots=True)
class MoveStatements:
    """Move statements of a method into a new method behind it, and leave ``call`` where the last of them stood.

    ``statements`` stand in the body of the method itself, in this order; others may stand between them. ``header`` is
    the first line of the new method, ``docstring`` an expression that comes first in it, or empty. Comments above and
    behind the statements move along, and so do blank lines between those that touch. Edits inside the statements can be
    part of the same fix.
    """

    path: str
    statements: tuple[Span, ...]
    header: str
    call: str
    docstring: str = ""

    @property
    def span(self) -> Span:
        """From the start of the first statement to the end of the last."""
        return Span(self.statements[0].start, self.statements[-1].end)


@dataclass(frozen=True, slots=True)
class AddMethod:
    """Append the method ``source`` (one ``def`` at column 0) to the class at ``span``, or put it behind ``after``."""

    path: str
    span: Span
    source: str
    after: str | None = None


@dataclass(frozen=True, slots=True)
class EnsureImport:
    """Make ``module`` (or ``name`` of it) importable at module level under ``asname``.

    ``EnsureImport(p, "torch", "nn", None)`` is ``from torch import nn``; ``EnsureImport(p, "torch.nn", None, "nn")`` is
    ``import torch.nn as nn``. Nothing happens when the same binding is there already. The new line goes behind the
    last import of the same top-level package, else behind the last import of the leading import block, else below
    docstring and ``__future__``.
    """

    path: str
    module: str
    name: str | None = None
    asname: str | None = None


Edit: TypeAlias = (
    ReplaceExpression
    | ReplaceCall
    | WrapExpression
    | PassAssigned
    | ReplaceStatement
    | InsertBefore
    | InsertAfter
    | RemoveStatement
    | CollapseBranch
    | AddElse
    | WrapStatements
    | MoveStatements
    | AddMethod
    | EnsureImport
)
