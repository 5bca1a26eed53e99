"""The proof by experiment that `analyse` is sound: whatever it calls a pass-through is dropped, and both versions run.

The version without the guard must do with the identity function what the original does with None, and with any other function what the
original does with that function.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis.strategies import SearchStrategy

from modfix.model.edit import CollapseBranch, Edit, EnsureImport, RemoveStatement, ReplaceExpression
from modfix.model.source import SourceFile
from modfix.model.span import Span
from modfix.semantics.facts import FileFacts, Guard
from modfix.semantics.guards import PASS_THROUGH
from modfix.semantics.positions import Positions
from modfix.semantics.scan import scan
from tests.semantics.programs import functions, list_functions

INPUTS = ((5, 3, True), (5, 3, False), (0, 9, True), (-2, -2, False), (1, 300, False))


class Base:
    """What the generated classes derive from."""


class Module:
    """A submodule: a function with ``forward``."""

    def __init__(self, forward: Callable[[Any], Any]) -> None:
        self.forward = forward

    def __call__(self, value: Any) -> Any:
        return self.forward(value)


class Dropper(ast.NodeTransformer):
    """Carries out the edits of a guard on the tree, without the rewriter: node and edit meet by their span."""

    def __init__(self, text: str, edits: tuple[Edit, ...]) -> None:
        self.positions = Positions(text)
        self.edits: dict[Span, Edit] = {edit.span: edit for edit in edits if not isinstance(edit, EnsureImport)}
        self.done: list[Edit] = []

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, (ast.expr, ast.stmt)):
            return self.generic_visit(node)
        edit = self.edits.get(self.positions.span(node))
        if isinstance(edit, CollapseBranch) and isinstance(node, ast.If):
            self.done.append(edit)
            return getattr(node, edit.keep) or ast.Pass()
        if isinstance(edit, RemoveStatement) and isinstance(node, ast.stmt):
            self.done.append(edit)
            return ast.Pass()
        if isinstance(edit, ReplaceExpression) and isinstance(node, ast.expr):
            self.done.append(edit)
            return ast.parse(edit.source, mode="eval").body
        return self.generic_visit(node)


def dropped(source: str, guard: Guard) -> ast.Module:
    """The program without the guard."""
    dropper = Dropper(source, guard.edits)
    tree: ast.Module = dropper.visit(ast.parse(source))
    assert len(dropper.done) == len(guard.edits), "an edit names no node"
    return ast.fix_missing_locations(tree)


def outcome(tree: ast.Module, module: Module | None, arguments: tuple[int, int, bool]) -> str:
    """What ``forward`` returns or raises, and what it logged."""
    log: list[object] = []
    ticks = iter(range(3))

    def fail(value: object) -> None:
        if isinstance(value, int) and value % 2:
            raise KeyError

    @contextmanager
    def hold(value: object) -> Iterator[object]:
        yield value

    names: dict[str, Any] = {
        "Base": Base,
        "f": lambda v: v * 2 + 1,
        "fail": fail,
        "hold": hold,
        "log": log,
        "suppress": suppress,
        "tick": lambda: next(ticks, None) is not None,
    }
    exec(compile(tree, "net.py", "exec"), names)  # our own small programs
    net = names["Net"]()
    net.m = module
    try:
        result: object = net.forward(*arguments)
    except NameError as error:
        result = "NameError", str(error)
    except (KeyError, TypeError) as error:
        result = type(error).__name__
    return repr((result, log))  # lists as they are at the end; errors are equal when they look equal


def check(source: str) -> None:
    facts = scan(SourceFile("net.py", source))
    assert isinstance(facts, FileFacts), (facts, source)
    (guard,) = facts.classes[0].attributes["m"].guards
    event(guard.kind)
    if guard.kind != PASS_THROUGH:
        assert guard.edits == ()
        return
    event("pass-through, alias dropped" if len(guard.edits) > 1 else "pass-through, one edit")
    before, after = ast.parse(source), dropped(source, guard)
    for arguments in INPUTS:
        for original, replaced in (
            (None, Module(lambda v: v)),
            (Module(lambda v: v), Module(lambda v: v)),
            (Module(lambda v: v * 3 + 1), Module(lambda v: v * 3 + 1)),
        ):
            wanted, got = outcome(before, original, arguments), outcome(after, replaced, arguments)
            if "NameError" in wanted:
                continue  # the original is broken
            assert got == wanted, (
                f"{source}\nbecomes\n{ast.unparse(after)}\nforward{arguments} with {original}: {wanted} becomes {got}"
            )


def experiment(programs: SearchStrategy[str], examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(programs)
    def run(source: str) -> None:
        check(source)

    run()


PROGRAMS = pytest.mark.parametrize("programs", [functions(), list_functions()], ids=["numbers", "lists"])


@PROGRAMS
def test_dropping_a_pass_through_guard_changes_nothing(programs: SearchStrategy[str]) -> None:
    experiment(programs, 500)


@pytest.mark.exhaustive
@PROGRAMS
def test_dropping_a_pass_through_guard_changes_nothing_in_thousands_of_programs(programs: SearchStrategy[str]) -> None:
    experiment(programs, 3000)
