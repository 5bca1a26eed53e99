"""How an early `self.x = None` could go: when a later ``if`` stores the attribute on all of its paths instead.

An ``nn.Module`` keeps a name in the place where it was registered first. Where other modules are registered between
`self.x = None` and the ``if`` that stores a module, another module in place of None would take that place too early.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from modfix.semantics.dataflow import Parents, may_be_left
from modfix.semantics.facts import Completion
from modfix.semantics.guards import Subject
from modfix.semantics.positions import Positions
from modfix.semantics.syntax import is_none, never_ends, walk

_LEAVES = (ast.Return, ast.Break, ast.Continue)


def completion(
    statement: ast.Assign | ast.AnnAssign, target: ast.Attribute, links: Parents, positions: Positions
) -> Completion | None:
    """What is missing in the ``if`` behind `self.x = None`, or None where the assignment cannot be done without.

    The next statement of the block that mentions the attribute must be an ``if`` that stores it, the last that does.
    """
    rest = _rest(statement, target, positions)
    assert isinstance(target.value, ast.Name)
    subject = Subject(target.value.id, target.attr)
    suite, index = links.suite(statement)
    later = [s for s in suite[index + 1 :] if subject.mentioned([s])]
    if rest is None or not later or not isinstance(later[0], ast.If) or subject.mentioned([later[0].test]):
        return None
    if any(_stores(subject, s) for s in later[1:]) or not _stores(subject, later[0]):
        return None
    until = suite[index + 1 : suite.index(later[0]) + 1]
    if may_be_left(links, statement) or any(isinstance(node, _LEAVES) for node in walk(*until)):
        return None  # someone might see an object without the attribute
    gaps = list(_gaps(subject, later[0]))
    if None in gaps:
        return None
    return Completion(
        positions.span(later[0]),
        later[0].end_lineno or later[0].lineno,
        tuple([positions.span(gap.node) for gap in gaps if gap is not None and gap.lacks_else]),
        tuple([positions.span(gap.node) for gap in gaps if gap is not None and not gap.lacks_else]),
        rest,
    )


def _rest(statement: ast.Assign | ast.AnnAssign, target: ast.Attribute, positions: Positions) -> str | None:
    """What the statement would be without this target; None if that is not plain."""
    if isinstance(statement, ast.AnnAssign):
        return None
    others = [positions.source(t) for t in statement.targets if t is not target]
    if len(others) < len(statement.targets):
        return " = ".join([*others, "None"]) if others else ""
    to, value = statement.targets[0], statement.value
    if len(others) > 1 or not isinstance(to, (ast.Tuple, ast.List)) or not isinstance(value, (ast.Tuple, ast.List)):
        return None
    if target not in to.elts or not all(map(is_none, value.elts)):
        return None
    kept = [positions.source(t) for t in to.elts if t is not target]
    return f"{', '.join(kept)} = {', '.join(['None'] * len(kept))}" if kept else ""


class _Gap(NamedTuple):
    """Where a store is missing: an ``else`` of ``node``, or what comes behind it, the last statement of an arm."""

    node: ast.stmt
    lacks_else: bool


def _gaps(subject: Subject, node: ast.If) -> Iterator[_Gap | None]:
    """The paths through ``node`` on which the attribute is not stored; None for what cannot be completed."""
    if _stores(subject, node.test):
        yield None
    for arm in (node.body, node.orelse):
        storing = [s for s in arm if _stores(subject, s)]
        if not arm:
            yield _Gap(node, lacks_else=True)
        elif arm is node.orelse and len(arm) == 1 and isinstance(arm[0], ast.If):  # an `elif`, as a rule
            yield from _gaps(subject, arm[0])
        elif not storing:
            if not never_ends(arm):
                yield _Gap(arm[-1], lacks_else=False)
        elif len(storing) == 1 and isinstance(storing[0], ast.If):
            yield from _gaps(subject, storing[0])
        elif not any(isinstance(s, (ast.Assign, ast.AnnAssign)) for s in storing):
            yield None


def _stores(subject: Subject, node: ast.AST) -> bool:
    return any(
        subject.is_read(n) and not isinstance(n.ctx, ast.Load) for n in walk(node) if isinstance(n, ast.Attribute)
    )
