"""Finds in the `ast` of a text what edits point at, and refuses edits that get in each other's way."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from modfix.engine.rewriting.errors import RewriteError
from modfix.engine.rewriting.lines import Lines, first_line, last_line
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

PlacedEdit: TypeAlias = (
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
)


@dataclass(frozen=True, slots=True)
class Target:
    """One edit and the node it points at. ``top`` is the index of the top-level statement around it.

    ``more`` are further statements of the same block, where the edit is about several.
    """

    edit: PlacedEdit
    group: int
    node: ast.stmt | ast.expr
    parent: ast.AST
    field: str
    top: int
    more: tuple[ast.stmt, ...] = ()

    @property
    def tops(self) -> range:
        """Indices of the top-level statements that the edit changes."""
        if not self.more or not isinstance(self.parent, ast.Module):
            return range(self.top, self.top + 1)
        return range(self.top, _index(self.parent.body, self.more[-1]) + 1)


def find_targets(tree: ast.Module, lines: Lines, groups: Sequence[Sequence[Edit]]) -> list[Target]:
    """The targets of all edits but imports, in the order given; an edit that its own group repeats counts once.

    Raises:
        RewriteError: a span matches no node, or edits get in each other's way.
    """
    targets: list[Target] = []
    for index, group in enumerate(groups):
        for edit in dict.fromkeys(group):
            if isinstance(edit, (WrapStatements, MoveStatements)):
                targets.append(_find_several(tree, lines, edit, index))
            elif not isinstance(edit, EnsureImport):
                targets.append(_find(tree, lines, edit, edit.span, index))
    _refuse_conflicts(targets)
    return targets


def _find(tree: ast.Module, lines: Lines, edit: PlacedEdit, span: Span, group: int) -> Target:
    wanted: type[ast.AST] = _wanted(edit)
    for top, statement in enumerate(tree.body):
        if not _extent(statement, lines).contains(span):
            continue
        if isinstance(statement, wanted) and lines.span(statement) == span:
            return Target(edit, group, statement, tree, "body", top)
        for node, parent, field in _descend(statement, lines, span):
            if isinstance(node, wanted) and lines.span(node) == span:
                return Target(edit, group, node, parent, field, top)
    kind = {
        ast.expr: "expression",
        ast.Call: "call",
        ast.Assign: "assignment",
        ast.If: "`if` statement",
        ast.ClassDef: "class",
    }.get(wanted, "statement")
    snippet = lines.text[span.start : span.end].split("\n", 1)[0][:60]
    raise RewriteError(f"no {kind} stands at {span.start}:{span.end} (`{snippet}`)", group)


def _find_several(tree: ast.Module, lines: Lines, edit: WrapStatements | MoveStatements, group: int) -> Target:
    spans = spans_of(edit)
    first, *others = (_find(tree, lines, edit, span, group) for span in spans)
    same_block = all(other.parent is first.parent and other.field == first.field for other in others)
    if not same_block or list(spans) != sorted(spans):
        raise RewriteError(f"the statements at {spans[0].start} and behind do not follow each other in a block", group)
    if first.field == "orelse" and lines.text.startswith("elif", spans[0].start):
        raise RewriteError(f"the `elif` at {spans[0].start} is no statement of a block", group)
    if isinstance(edit, MoveStatements) and class_of(tree, first.parent) is None:
        raise RewriteError(f"the statement at {spans[0].start} stands in no method", group)
    return replace(first, more=tuple(other.node for other in others if isinstance(other.node, ast.stmt)))


def class_of(tree: ast.Module, method: ast.AST) -> ast.ClassDef | None:
    """The class in whose body a method stands."""
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return next((cls for cls in classes if any(member is method for member in cls.body)), None)


def spans_of(edit: PlacedEdit) -> tuple[Span, ...]:
    """The nodes that an edit is about."""
    if isinstance(edit, WrapStatements):
        return (edit.first, edit.last)
    return edit.statements if isinstance(edit, MoveStatements) else (edit.span,)


def _index(body: Sequence[ast.stmt], node: ast.stmt) -> int:
    return next(index for index, statement in enumerate(body) if statement is node)


def _wanted(edit: PlacedEdit) -> type[ast.AST]:
    if isinstance(edit, (ReplaceExpression, WrapExpression)):
        return ast.expr
    if isinstance(edit, ReplaceCall):
        return ast.Call
    if isinstance(edit, PassAssigned):
        return ast.Assign
    if isinstance(edit, CollapseBranch):
        return ast.If
    return ast.ClassDef if isinstance(edit, AddMethod) else ast.stmt


def _descend(node: ast.AST, lines: Lines, span: Span) -> Iterator[tuple[ast.stmt | ast.expr, ast.AST, str]]:
    """Statements and expressions below ``node`` around ``span``, each with parent and field, outermost first."""
    if isinstance(node, ast.JoinedStr):
        return  # positions inside are wrong before Python 3.12, so no version finds anything there
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, (ast.stmt, ast.expr)):
                if not _extent(child, lines).contains(span):
                    continue
                yield child, node, field
            elif not isinstance(child, ast.AST):
                continue
            yield from _descend(child, lines, span)


def _extent(node: ast.stmt | ast.expr, lines: Lines) -> Span:
    """The span of a node with its decorators."""
    span = lines.span(node)
    if getattr(node, "decorator_list", None):
        assert isinstance(node, ast.stmt)
        return Span(lines.start(first_line(node)), span.end)
    return span


def _region(edit: PlacedEdit) -> Span:
    """The text an edit claims for itself; a point for edits that only add."""
    if isinstance(edit, InsertBefore):
        return Span(edit.span.start, edit.span.start)
    if isinstance(edit, (InsertAfter, AddElse, AddMethod)):
        return Span(edit.span.end, edit.span.end)
    return edit.span


def _refuse_conflicts(targets: Sequence[Target]) -> None:
    ordered = sorted(targets, key=lambda target: (_region(target.edit).start, -_region(target.edit).end))
    around: list[Target] = []  # those whose regions may still hold the next one
    for target in ordered:
        region = _region(target.edit)
        around = [other for other in around if _region(other.edit).end > region.start]
        for other in around:
            outer = _region(other.edit)
            strictly_inside = outer.start < region.start or region.end > region.start
            if strictly_inside and (target.group != other.group or _loses(other, target)):
                raise RewriteError(
                    f"edits overlap: {type(target.edit).__name__} at {region.start} lies inside "
                    f"{type(other.edit).__name__} at {outer.start}:{outer.end}",
                    max(target.group, other.group),
                )
        if region.end > region.start:
            around.append(target)


def _loses(outer: Target, inner: Target) -> bool:
    """Whether ``outer`` throws away what ``inner``, of the same group, makes.

    Edits in a statement that goes anyway, or in the branch that goes, have no effect and do no harm. Statements are
    wrapped and moved as the other edits leave them.
    """
    several = (WrapStatements, MoveStatements)
    if isinstance(outer.edit, several) or isinstance(inner.edit, several):
        same_block = outer.parent is inner.parent and outer.field == inner.field
        if isinstance(outer.edit, several) and isinstance(inner.edit, several):
            return same_block
        if same_block:
            return False
    if outer.edit.span == inner.edit.span:
        return True
    return isinstance(outer.edit, (ReplaceExpression, ReplaceStatement))


def statement_groups(body: Sequence[ast.stmt], targets: Sequence[Target] = ()) -> list[range]:
    """Indices of the top-level statements that share lines (``a; b``) or a target, as ranges; most hold one."""
    joined = {index for target in targets for index in target.tops[1:]}
    ranges: list[range] = []
    for index, statement in enumerate(body):
        if ranges and (index in joined or first_line(statement) <= last_line(body[index - 1])):
            ranges[-1] = range(ranges[-1].start, index + 1)
        else:
            ranges.append(range(index, index + 1))
    return ranges
