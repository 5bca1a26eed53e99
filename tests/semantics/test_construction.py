"""Where in `__init__` a layer can be created."""

from __future__ import annotations

from textwrap import indent

import pytest

from modfix.semantics.construction import Construction
from tests.semantics.helpers import find, net, project

HEAD = "import torch\nimport torch.nn as nn\n"
METHOD = "    def {}(self{}):\n{}\n"


def place(source: str, method: str = "forward", attributes: tuple[str, ...] = ()) -> str:
    """The line behind which a layer goes, or before which after a `<`; empty if it has no place."""
    found = Construction(find(project({"net.py": HEAD + source}), "Net")).place(method, attributes, layer=True)
    if found is None:
        return ""
    text = (HEAD + source)[found.statement.start : found.statement.end].split("\n")[0]
    return f"< {text}" if found.before else text


def with_method(last: str, body: str, name: str = "reset", parameters: str = "") -> str:
    source = net("return x", init="self.fc = nn.Linear(2, 2)\n" + last)
    return source + METHOD.format(name, parameters, indent(body, " " * 8))


FC = "self.fc = nn.Linear(2, 2)"


@pytest.mark.parametrize(
    ("last", "above"),
    [
        ("self.a = 1", False),
        ("def f():\n    return 1\nnn.init.zeros_(self.fc.bias)", False),
        ("nn.init.zeros_(self.fc.bias)", True),
        ("nn.init.zeros_(self.fc.bias)\nnn.init.ones_(self.fc.weight)", True),
        ("nn.init.zeros_(self.fc.bias)\nself.a = 1", False),
        ("probe(self.fc)", False),
        ("self.unknown_init()", False),
        ("for m in self.modules():\n    if isinstance(m, nn.Linear):\n        m.bias = None", True),
        ("for m in self.modules():\n    if isinstance(m, Block):\n        m.bias = None", True),
        ("for m in self.modules():\n    if isinstance(m, nn.Linear) and m.bias is not None:\n        m.a = 1", True),
        ("for m in self.modules():\n    if isinstance(m, (nn.Linear, nn.ReLU)):\n        m.a = 1", False),
        ("for m in self.modules():\n    if isinstance(m, nn.Linear) or m.training:\n        m.a = 1", False),
        ("for m in self.modules():\n    if isinstance(m, nn.Dropout):\n        m.p = 0", False),
        ("for m in self.modules():\n    if isinstance(m, nn.Module):\n        m.a = 1", False),
        (
            "for m in self.modules():\n    if isinstance(m, nn.Linear):\n        m.a = 1\n    else:\n        m.a = 2",
            False,
        ),
        ("for m in self.modules():\n    if isinstance(m, Unknown):\n        m.a = 1", False),
        ("for m in self.modules():\n    m.a = 1", False),
        ("for n, m in self.named_children():\n    if isinstance(m, nn.Linear):\n        m.a = n", True),
        ("for i, m in enumerate(self.children()):\n    if isinstance(m, nn.Linear):\n        m.a = i", False),
        ("self.apply(unknown)", False),
        ("self.apply(fill)", True),
        ("self.apply(fill_all)", False),
    ],
)
def test_above_the_last_statements_of_init(last: str, above: bool) -> None:
    functions = (
        "class Block(nn.Module):\n    pass\ndef fill(m):\n    if isinstance(m, nn.Linear):\n        m.a = 1\n"
        "def fill_all(m):\n    m.a = 1\n"
    )
    found = place(net("return x", init=f"{FC}\n{last}") + functions)
    assert (found == FC) is above
    assert found


@pytest.mark.parametrize(
    ("body", "above"),
    [
        ("nn.init.zeros_(self.fc.bias)", True),
        ("self.fc.reset_parameters()", True),
        ("for p in self.parameters():\n    p.data.zero_()", True),
        ("for m in self.modules():\n    if isinstance(m, nn.Conv2d):\n        m.bias = None", True),
        ("for m in self.modules():\n    m.bias = None", False),
        ("self.layers = len(list(self.fc.parameters()))", False),
        ("print(len(list(self.children())))", False),
        ("print(self._modules)", False),
        ("probe(self)", False),
        ("self(torch.ones(2, 2))", False),
        ("setattr(self, 'a', 1)", False),
        ("other = self\nother.a = 1", False),
        ("if hasattr(self, 'fc'):\n    nn.init.zeros_(self.fc.bias)", True),
    ],
)
def test_above_a_method_that_only_initialises(body: str, above: bool) -> None:
    assert place(with_method("self.reset()", body)) == (FC if above else "self.reset()")


def test_a_method_counts_in_all_classes_that_have_it() -> None:
    source = with_method("self.reset()", "nn.init.zeros_(self.fc.bias)")
    walk = indent("for m in self.modules():\n    m.a = 1", " " * 8)
    quiet = METHOD.format("reset", "", " " * 8 + "super().reset()")
    assert place(source + "class Sub(Net):\n" + quiet) == FC
    assert place(source + "class Sub(Net):\n" + METHOD.format("reset", "", walk)) == "self.reset()"
    assert place(source + METHOD.format("apply", ", f", "        pass")) == "self.reset()"


@pytest.mark.parametrize(
    ("body", "above"), [("if isinstance(m, nn.Linear):\n    m.bias.data.zero_()", True), ("m.a = 1", False)]
)
def test_a_method_that_is_applied_is_asked_what_it_does_to_a_layer(body: str, above: bool) -> None:
    source = with_method("self.apply(self.init_weights)", body, "init_weights", ", m")
    assert place(source) == (FC if above else "self.apply(self.init_weights)")


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("self.p = m\nprobe(self)", "self.p = m"),
        ("self.p = m\nself.fc = 1\nprobe(self)\nself.q = 1", "self.p = m"),
        ("self.p = m\nself.p = 0.1\nprobe(self)", "self.p = 0.1"),
        ("probe(self)\nself.p = m", ""),
        ("self.fc = Block(self)\nself.p = m", ""),
        ("self.forward(1)\nself.p = m", ""),
        ("if m:\n    self.p = m\nprobe(self)", ""),
        ("if m:\n    return\nself.p = m", ""),
        ("def f():\n    return 1\nself.p = m\nself.q = f()", "self.q = f()"),
        ("self.p = m\nif m:\n    return\nself.q = m", "self.p = m"),
    ],
)
def test_behind_the_attributes_that_it_takes(init: str, expected: str) -> None:
    assert place(net("return x", init=init), attributes=("p",)) == expected


def test_behind_the_base_class_where_it_takes_nothing_or_what_that_sets() -> None:
    base = "class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.p = 0.5\n"
    source = base + net("return x", init="self.q = 1\nprobe(self)").replace("nn.Module", "Base")
    assert place(source) == "super().__init__()"
    assert place(source, attributes=("p",)) == "super().__init__()"
    assert place(source, attributes=("p", "q")) == "self.q = 1"
    assert place(source, method="other") == "probe(self)"
