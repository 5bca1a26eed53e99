"""Where an early `self.x = None` could go, and what the `if` behind would have to store instead."""

from __future__ import annotations

import pytest

from modfix.semantics.facts import Completion
from tests.semantics.helpers import net
from tests.semantics.test_attributes import attribute


def completion_of(init: str) -> tuple[str, Completion | None]:
    source = net("return x", init=init)
    return source, attribute(source).definitions[0].facts.completion


@pytest.mark.parametrize(
    ("init", "without_else", "ends"),
    [
        ("self.m = None\nif x:\n    self.m = nn.ReLU()", ["if x:"], []),
        ("self.m = None\nif x:\n    self.m = nn.ReLU()\nelse:\n    y = 1", [], ["y = 1"]),
        ("self.m = None\nif x:\n    self.m = nn.ReLU()\nelif y:\n    y = 1", ["elif y:"], ["y = 1"]),
        ("self.m = None\nif x:\n    self.m = nn.ReLU()\nelse:\n    raise ValueError", [], []),
        ("self.m = None\nif x:\n    if y:\n        self.m = nn.ReLU()\nelse:\n    z = 1", ["if y:"], ["z = 1"]),
        ("self.m = self.n = None\nif x:\n    self.m = nn.ReLU()", ["if x:"], []),
        ("self.m, self.n = None, None\nif x:\n    self.m = nn.ReLU()", ["if x:"], []),
    ],
)
def test_what_is_missing(init: str, without_else: list[str], ends: list[str]) -> None:
    source, found = completion_of(init)
    assert found is not None
    for spans, starts in ((found.without_else, without_else), (found.ends, ends)):
        assert len(spans) == len(starts)
        assert all(source[span.start :].startswith(start) for span, start in zip(spans, starts, strict=True))


@pytest.mark.parametrize(
    "init",
    [
        "self.m = None\nself.m = nn.ReLU()",
        "self.m = None\nfor i in x:\n    self.m = nn.ReLU()",
        "self.m = None\nif x:\n    for i in x:\n        self.m = nn.ReLU()",
        "self.m = None\nif self.m:\n    self.m = nn.ReLU()",
        "self.m = None\nf(self.m)\nif x:\n    self.m = nn.ReLU()",
        "self.m = None\nif x:\n    self.m = nn.ReLU()\nif y:\n    self.m = nn.ReLU()",
        "self.m = None\nif y:\n    return\nif x:\n    self.m = nn.ReLU()",
        "self.m = None\nif x:\n    self.m = nn.ReLU()\nelse:\n    return",
        "try:\n    self.m = None\n    if x:\n        self.m = nn.ReLU()\nexcept E:\n    pass",
        "self.m: None = None\nif x:\n    self.m = nn.ReLU()",
        "self.m, self.n = None, x\nif x:\n    self.m = nn.ReLU()",
    ],
)
def test_what_cannot_be_completed(init: str) -> None:
    assert completion_of(init)[1] is None


@pytest.mark.parametrize(
    ("statement", "rest"),
    [
        ("self.m = None", ""),
        ("self.m = self.n = None", "self.n = None"),
        ("self.m, self.n = None, None", "self.n = None"),
        ("(self.o, self.m, self.n) = (None, None, None)", "self.o, self.n = None, None"),
    ],
)
def test_what_is_left_of_the_statement(statement: str, rest: str) -> None:
    found = completion_of(f"{statement}\nif x:\n    self.m = nn.ReLU()")[1]
    assert found is not None
    assert found.rest == rest
