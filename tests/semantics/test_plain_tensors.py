"""Tensors in plain attributes: which values certainly are tensors, and what speaks against a buffer."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from modfix.semantics.bufferable import Bufferable
from modfix.semantics.tensor_facts import PlainTensor
from tests.semantics.helpers import facts_of, find, project

HEAD = "import torch\nimport numpy as np\nfrom torch import nn\nfrom torch.autograd import Variable\n"


def net(init: str, forward: str = "return x * self.a") -> str:
    return (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self, n, given):\n        super().__init__()\n"
        + indent(dedent(init).strip(), " " * 8)
        + "\n    def forward(self, x):\n"
        + indent(dedent(forward).strip(), " " * 8)
        + "\n"
    )


def tensors(init: str) -> dict[str, PlainTensor]:
    return {tensor.attr: tensor for tensor in facts_of(net(init)).classes[-1].tensors}


def kinds(init: str, forward: str = "return x * self.a") -> list[str]:
    found = [next(t.reasons(), None) for t in Bufferable.of(find(project({"net.py": net(init, forward)}), "Net"))]
    return [reason[0] if reason else "" for reason in found]


@pytest.mark.parametrize(
    "value",
    [
        "torch.zeros(3)",
        "torch.zeros(3).float()",
        "torch.zeros(3)[None, :]",
        "-torch.zeros(3)",
        "2 * torch.zeros(3)",
        "torch.zeros(3) * n",
        "torch.zeros(3) > 1",
        "torch.zeros(3) if n else torch.ones(3)",
        "torch.cat([torch.zeros(3), given])",
        "torch.from_numpy(np.zeros(3)).to(n)",
        "torch.FloatTensor([1, 2])",
        "torch.cuda.FloatTensor([1, 2])",
        "Variable(torch.zeros(3), requires_grad=False)",
        "torch.zeros(3).T",
    ],
)
def test_what_certainly_is_a_tensor(value: str) -> None:
    assert "a" in tensors(f"self.a = {value}")


@pytest.mark.parametrize(
    "value",
    [
        "given",
        "given * 2",
        "n * given",
        "np.zeros(3)",
        "[torch.zeros(3)]",
        "torch.zeros(3).size()",
        "torch.zeros(3).tolist()",
        "torch.zeros(3) if n else 1.0",
        "torch.max(given, 1)",
        "torch.zeros(3, requires_grad=True)",
        "torch.zeros(3, **given)",
        "nn.Parameter(torch.zeros(3))",
        "Variable(torch.zeros(3), requires_grad=True)",
        "torch.nn.Linear(1, 1)",
        "self.b",
        "torch.add(given, 1, out=given)",
    ],
)
def test_what_may_be_none(value: str) -> None:
    assert "a" not in tensors(f"self.a = {value}")


def test_attributes_and_locals_are_followed() -> None:
    assert set(tensors("b = torch.zeros(1)\nb = b + 1\nself.b = b\nself.a = self.b.cos()")) == {"a", "b"}
    assert set(tensors("self.b = torch.zeros(1)\nself.b = given\nself.a = self.b.cos()")) == {"b"}
    assert "a" in tensors("b = torch.zeros(1)\nb = b.view(1, 1)\nself.a = b")
    assert "a" not in tensors("b = torch.zeros(1)\nb = b.tolist()\nself.a = b")
    assert "a" not in tensors("b = torch.zeros(1)\nif n:\n    b = 1.0\nself.a = b")
    assert "a" in tensors("if n:\n    b = torch.zeros(1)\nelse:\n    b = torch.ones(1)\nself.a = b")
    assert "a" in tensors("self.a = torch.zeros(1)\nself.a = self.a + 1")
    assert "a" not in tensors("self.a = self.a + 1")
    assert "a" not in tensors("self.a = self.b + 1\nself.b = self.a + 1")


def test_the_first_assignment_on_each_path_registers() -> None:
    stores = tensors("if n:\n    self.a = torch.zeros(1)\nself.a = torch.ones(1)\nself.a = self.a * 2")["a"].stores
    assert [store.covered for store in stores] == [False, False, True]


REFUSED = [
    ("self.a = torch.zeros(1)", "self.a = 1.0\nreturn self.a", "set-to-other"),
    ("self.a = torch.zeros(1)", "self.a = x\nreturn self.a", "set-to-other"),
    ("self.a = torch.zeros(1)", "del self.a\nreturn x", "set-to-other"),
    ("self.a = torch.zeros(1)", "for self.a in x:\n    pass\nreturn self.a", "set-to-other"),
    ("self.a = torch.zeros(1)", "return np.dot(self.a, x)", "needs-cpu"),
    ("self.a = torch.zeros(1)", "return self.a.numpy()", "needs-cpu"),
    ("self.a = torch.zeros(1)", "return torch.ones(1) + self.a", "mixed-devices"),
    ("self.a = torch.zeros(1)", "self.a.requires_grad = True\nreturn self.a", "has-gradient"),
    ("self.a = torch.zeros(1)", "self.a.data = x\nreturn self.a", "shared"),
    ("self.a = torch.zeros(1)", "return x", "never-read"),
    ("self.a = torch.zeros(1)\nself.held = Other(self.a)", "return self.a", "shared"),
    ("self.a = torch.zeros(1)\nself.held = [self.a]", "return self.a", "shared"),
    ("b = torch.zeros(1)\nself.a = b\nself.held = Other(b)", "return self.a", "shared"),
]


@pytest.mark.parametrize(("init", "forward", "kind"), REFUSED)
def test_what_speaks_against_a_buffer(init: str, forward: str, kind: str) -> None:
    assert kinds(init, forward) == [kind]


@pytest.mark.parametrize(
    ("init", "forward"),
    [
        ("self.a = torch.zeros(1)", "return torch.ones(1, device=x.device) + self.a"),
        ("self.a = torch.zeros(1)", "self.a = None\nreturn x if self.a is None else self.a"),
        ("self.a = torch.zeros(1)", "self.a = torch.ones(1)\nreturn self.a"),
        ("self.a = torch.zeros(1)", "self.a[0] = 1\nself.a += 1\nreturn self.a.to(x.device)"),
        ("b = torch.zeros(1)\nb[0] = 1\nself.a = b.unsqueeze(0)", "return self.a"),
    ],
)
def test_what_a_buffer_can_do(init: str, forward: str) -> None:
    assert kinds(init, forward) == [""]
