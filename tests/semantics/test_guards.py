"""Which None tests may go, and which must not; the proof by experiment is in test_guards_differential."""

from __future__ import annotations

import pytest

from modfix.model.edit import CollapseBranch, RemoveStatement, ReplaceExpression
from modfix.semantics.guards import PASS_THROUGH
from tests.semantics.helpers import guard_of, net

PASS = {
    "if": "if self.m is not None:\n    x = self.m(x)\nreturn x",
    "if, equality": "if self.m != None:\n    x = self.m(x)\nreturn x",
    "if, swapped": "if None is not self.m:\n    x = self.m(x)\nreturn x",
    "if, negated": "if not self.m is None:\n    x = self.m(x)\nreturn x",
    "if, negated twice": "if not not self.m:\n    x = self.m(x)\nreturn x",
    "else": "if self.m is None:\n    pass\nelse:\n    x = self.m(x)\nreturn x",
    "both branches": "if self.m is not None:\n    y = self.m(x)\nelse:\n    y = x\nreturn y",
    "both branches and more": "if self.m is not None:\n    x = self.m(x)\n    y = x + 1\nelse:\n    y = x + 1\nreturn y",
    "alias": "y = x\nif self.m is not None:\n    y = self.m(x)\nreturn y",
    "applied twice": "if self.m is not None:\n    x = self.m(self.m(x))\nreturn x",
    "forward": "if self.m is not None:\n    x = self.m.forward(x)\nreturn x",
    "expression": "return self.m(x) if self.m is not None else x",
    "expression, negated": "return x if self.m is None else self.m(x)",
    "expression around the call": "return f(self.m(x)) + 1 if self.m is not None else f(x) + 1",
    "two returns": "if self.m is not None:\n    return self.m(x)\nreturn x",
    "early return": "if self.m is None:\n    return x\nreturn self.m(x)",
    "early return, then a store": "if self.m is None:\n    return x\nx = self.m(x)\nreturn x",
    "and, in front": "if self.m is not None and c:\n    x = self.m(x)\nreturn x",
    "and, behind": "if f(c) and self.m is not None:\n    x = self.m(x)\nreturn x",
    "elif": "if c:\n    x = 1\nelif self.m is not None:\n    x = self.m(x)\nreturn x",
    "loop": "for _ in range(3):\n    if self.m is not None:\n        x = self.m(x)\nreturn x",
    "own list": "y = [x, x]\nif self.m is not None:\n    y = [self.m(e) for e in y]\nreturn y",
}


@pytest.mark.parametrize("forward", PASS.values(), ids=PASS)
def test_pass_through(forward: str) -> None:
    guard = guard_of(forward)
    assert (guard.kind, guard.reason) == (PASS_THROUGH, "")
    assert guard.edits


BLOCKED = {
    "sum": ("if self.m is not None:\n    x = y + self.m(x)\nreturn x", "arithmetic-guard"),
    "augmented": ("if self.m is not None:\n    x += self.m(x)\nreturn x", "arithmetic-guard"),
    "alias without a definition": ("if self.m is not None:\n    y = self.m(x)\nreturn y", "alias-differs"),
    "alias of something else": ("y = c\nif self.m is not None:\n    y = self.m(x)\nreturn y", "alias-differs"),
    "alias spoiled between": ("y = x\nx = f(x)\nif self.m is not None:\n    y = self.m(x)\nreturn y", "alias-differs"),
    "alias spoiled in the test": (
        "y = x\nif (x := c) and self.m is not None:\n    y = self.m(x)\nreturn y",
        "alias-differs",
    ),
    "alias spoiled by the statement before": (
        "y = x\nif self.m is not None:\n    x = self.m(c)\n    y = self.m(x)\nreturn y",
        "alias-differs",
    ),
    "alias of a name that a closure changes": (
        "def bump():\n    nonlocal x\n    x = 0\ny = x\nbump()\nif self.m is not None:\n    y = self.m(x)\nreturn y",
        "alias-differs",
    ),
    "two arguments": ("if self.m is not None:\n    x = self.m(x, y)\nreturn x", "other-arguments"),
    "keyword": ("if self.m is not None:\n    x = self.m(x=x)\nreturn x", "other-arguments"),
    "starred": ("if self.m is not None:\n    x = self.m(*x)\nreturn x", "other-arguments"),
    "member": ("if self.m is not None:\n    x = self.m.weight\nreturn x", "member-access"),
    "item": ("if self.m is not None:\n    x = self.m[0]\nreturn x", "member-access"),
    "passed on": ("if self.m is not None:\n    x = f(self.m, x)\nreturn x", "escapes"),
    "unrelated": ("if self.m is not None:\n    x = x + 1\nreturn x", "mode-flag"),
    "another branch": (
        "if self.m is not None:\n    x = self.m(x)\nelse:\n    x = f(x)\nreturn x",
        "different-branches",
    ),
    "a constant instead": (
        "if self.m is not None:\n    y = self.m(x)\nelse:\n    y = None\nreturn y",
        "constant-result",
    ),
    "an equal number of another type": ("return self.m(1) if self.m is not None else 1.0", "constant-result"),
    "an error instead": ("if self.m is not None:\n    x = self.m(x)\nelse:\n    raise ValueError\nreturn x", "raises"),
    "early return of something else": ("if self.m is None:\n    return x\ny = self.m(x)\nreturn x + y", "early-return"),
    "early return in a branch": ("if c:\n    if self.m is None:\n        return x\n    x = self.m(x)\nreturn x", None),
    "early return in a loop": (
        "for i in c:\n    if self.m is None:\n        return x\n    return self.m(x)\nreturn y",
        None,
    ),
    "return and then more": ("if self.m is not None:\n    return self.m(x)\nx = f(x)\nreturn x", "different-branches"),
    "created on demand": ("if self.m is None:\n    self.m = f()\nreturn self.m(x)", "lazy-creation"),
    "removed on demand": ("if self.m is not None:\n    x = self.m(x)\n    del self.m\nreturn x", "lazy-creation"),
    "augmented on demand": ("if self.m is not None:\n    self.m += 1\nreturn x", "lazy-creation"),
    "loop variable on demand": ("if self.m is None:\n    for self.m in c: pass\nreturn x", "lazy-creation"),
    "or": ("if self.m is not None or c:\n    x = self.m(x)\nreturn x", "unsupported-test"),
    "and of an absence": ("if self.m is None and c:\n    x = 1\nreturn x", "unsupported-test"),
    "negated and": ("if not (self.m is not None and c):\n    x = 1\nreturn x", "unsupported-test"),
    "flag": ("return self.m is not None", "unsupported-test"),
    "compared flag": ("if (self.m is not None) == c:\n    x = self.m(x)\nreturn x", "unsupported-test"),
    "while": ("while self.m is not None:\n    x = self.m(x)\nreturn x", "unsupported-test"),
    "assertion": ("assert self.m is not None\nreturn self.m(x)", "asserted"),
    "and of a call": ("if self.m is not None and f(x):\n    x = self.m(x)\nreturn x", "compound-condition"),
    "and of the module": (
        "if self.m is not None and self.m.training:\n    x = self.m(x)\nreturn x",
        "compound-condition",
    ),
    "and of another object's member": (
        "if self.m is not None and y.training:\n    x = self.m(x)\nreturn x",
        "compound-condition",
    ),
    "and of a walrus": ("if self.m is not None and (y := x):\n    x = self.m(x)\nreturn x", "compound-condition"),
    "and in an expression": ("return self.m(x) if self.m is not None and c else x", "compound-condition"),
    "comment inside and": (
        "if (self.m is not None  # why\n        and c):\n    x = self.m(x)\nreturn x",
        "compound-condition",
    ),
    "list with another owner": (
        "y = [x]\nc.y = y\nif self.m is not None:\n    y = [self.m(e) for e in y]\nreturn y",
        None,
    ),
    "tuple becomes a list": ("y = (x, x)\nif self.m is not None:\n    y = [self.m(e) for e in y]\nreturn y", None),
    "filtered list": ("y = [x]\nif self.m is not None:\n    y = [self.m(e) for e in y if e]\nreturn y", None),
    "generator": ("y = [x]\nif self.m is not None:\n    y = (self.m(e) for e in y)\nreturn y", None),
    "store into an item": ("if self.m is not None:\n    x[0] = self.m(x[0])\nreturn x", "item-assignment"),
    "store into an attribute": ("if self.m is not None:\n    x.y = self.m(x.y)\nreturn x", None),
    "effect without a counterpart": ("if self.m is not None:\n    f(self.m(x))\nreturn x", None),
    "walrus": ("if self.m is not None:\n    (x := self.m(x))\nreturn x", None),
    "await": ("if self.m is not None:\n    x = (yield self.m(x))\nreturn x", None),
    "other branch calls it, too": (
        "if self.m is not None:\n    y = self.m(x)\nelse:\n    y = self.m(x)\nreturn y",
        None,
    ),
}


@pytest.mark.parametrize(("forward", "kind"), BLOCKED.values(), ids=BLOCKED)
def test_not_pass_through(forward: str, kind: str | None) -> None:
    guard = guard_of(forward)
    assert guard.kind != PASS_THROUGH
    assert kind is None or guard.kind == kind
    assert guard.edits == ()
    assert guard.reason


@pytest.mark.parametrize(
    ("body", "called"), [("x = self.m(x)", True), ("x = f(self.m(x, y))", True), ("x = f(self.m)", False)]
)
def test_whether_the_protected_code_calls_it(body: str, called: bool) -> None:
    assert guard_of(f"if self.m is not None:\n    {body}\nreturn x").called is called


def test_the_test_is_told_from_truth() -> None:
    assert guard_of("if self.m:\n    x = self.m(x)\nreturn x").truthiness
    assert not guard_of("if self.m is not None:\n    x = self.m(x)\nreturn x").truthiness


@pytest.mark.parametrize("test", ["self.m is not None", "self.m", "not self.m is None", "None != self.m"])
def test_present(test: str) -> None:
    assert guard_of(f"if {test}:\n    x = self.m(x)\nreturn x").present


@pytest.mark.parametrize("test", ["self.m is None", "not self.m", "not self.m is not None", "None == self.m"])
def test_absent(test: str) -> None:
    assert not guard_of(f"if {test}:\n    pass\nelse:\n    x = self.m(x)\nreturn x").present


def text_at(forward: str, index: int = 0) -> str:
    edit = guard_of(forward).edits[index]
    assert isinstance(edit, (CollapseBranch, RemoveStatement, ReplaceExpression))
    return net(forward)[edit.span.start : edit.span.end]


def test_the_alias_goes_with_the_guard() -> None:
    forward = "y = x\nz = f(c)\nif self.m is not None:\n    y = self.m(x)\nreturn y + z"
    assert isinstance(guard_of(forward).edits[0], RemoveStatement)
    assert text_at(forward) == "y = x"


def test_an_alias_that_is_read_stays() -> None:
    assert len(guard_of("y = x\nf(y)\nif self.m is not None:\n    y = self.m(x)\nreturn y").edits) == 1


def test_an_alias_stays_where_another_condition_remains() -> None:
    assert len(guard_of("y = x\nif self.m is not None and c:\n    y = self.m(x)\nreturn y").edits) == 1


def test_only_the_test_goes_from_a_condition() -> None:
    (edit,) = guard_of("if c and self.m is not None and (x or y):\n    x = self.m(x)\nreturn x").edits
    assert isinstance(edit, ReplaceExpression)
    assert edit.source == "c and (x or y)"


def test_the_branch_that_stays_is_named() -> None:
    (edit,) = guard_of("if self.m is None:\n    y = x\nelse:\n    y = self.m(x)\nreturn y").edits
    assert isinstance(edit, CollapseBranch)
    assert edit.keep == "orelse"


def test_a_return_that_is_never_reached_goes() -> None:
    forward = "if self.m is not None:\n    return self.m(x)\nreturn x"
    assert isinstance(guard_of(forward).edits[1], RemoveStatement)
    assert text_at(forward, 1) == "return x"


def test_a_return_that_another_branch_reaches_stays() -> None:
    guard = guard_of("if c:\n    x = 1\nelif self.m is not None:\n    return self.m(x)\nreturn x")
    assert guard.kind != PASS_THROUGH
