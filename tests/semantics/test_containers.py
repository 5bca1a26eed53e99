"""Containers of modules: what one class says, and what the project makes of it."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from modfix.semantics.container_facts import Container, ElementForm
from modfix.semantics.facts import ClassFacts
from modfix.semantics.unregistered import Unregistered
from tests.semantics.helpers import facts_of, find, project

HEAD = "import torch\nfrom torch import nn\n"


def net(init: str, forward: str = "return x", methods: str = "") -> str:
    return (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self, n, given=None):\n        super().__init__()\n"
        + indent(dedent(init).strip(), " " * 8)
        + "\n    def forward(self, x):\n"
        + indent(dedent(forward).strip(), " " * 8)
        + "\n"
        + indent(dedent(methods), " " * 4)
    )


def containers(source: str) -> dict[str, Container]:
    facts: ClassFacts = facts_of(source).classes[-1]
    return {container.attr: container for container in facts.containers}


def kinds(source: str, name: str = "Net") -> list[str]:
    """The kinds of the first reasons of all containers of a class."""
    where = project({"net.py": source})
    found = [next(hidden.reasons(), None) for hidden in Unregistered.of(find(where, name))]
    return [reason[0] if reason else "" for reason in found]


KEYS = [
    ("self.a = [nn.Linear(1, 1), nn.Tanh()]", ["0", "1"]),
    ("self.a = []\nself.a.append(nn.Tanh())\nself.a += [nn.Tanh()]", ["0", "1"]),
    ("self.a = [nn.Tanh() for _ in range(n)]", ["*"]),
    ("self.a = []\nfor _ in range(n):\n    self.a.append(nn.Tanh())", ["*"]),
    ("self.a = [nn.Tanh()] * n", ["*"]),
    ("self.a = [[nn.Tanh()], [nn.Tanh(), nn.Tanh()]]", ["0.0", "1.0", "1.1"]),
    ("self.a = {'x': nn.Tanh()}\nself.a['y'] = nn.Tanh()", ["x", "y"]),
    ("self.a = {}\nfor i in range(n):\n    self.a[f'x{i}'] = nn.Tanh()", ["*"]),
    ("self.a = dict(x=nn.Tanh())", ["x"]),
    ("self.a = list(nn.Tanh() for _ in range(n))", ["*"]),
]


@pytest.mark.parametrize(("init", "keys"), KEYS)
def test_elements_have_the_keys_of_state_dict(init: str, keys: list[str]) -> None:
    assert [element.key for element in containers(net(init))["a"].elements] == keys


FORMS = [
    ("self.a = [nn.Tanh(), None]", [ElementForm.MADE, ElementForm.NONE]),
    ("self.a = [nn.Tanh(), lambda x: x, 3]", [ElementForm.MADE, ElementForm.PLAIN, ElementForm.PLAIN]),
    ("self.a = [nn.Tanh(), given]", [ElementForm.MADE, ElementForm.GIVEN]),
    ("self.a = [nn.Tanh().cuda()]", [ElementForm.MADE]),
    ("m = nn.Tanh()\nself.a = [m]", [ElementForm.MADE]),
    ("self.a = [nn.Tanh() if n else nn.ReLU()]", [ElementForm.MADE, ElementForm.MADE]),
]


@pytest.mark.parametrize(("init", "forms"), FORMS)
def test_where_elements_come_from(init: str, forms: list[ElementForm]) -> None:
    assert [element.form for element in containers(net(init))["a"].elements] == forms


@pytest.mark.parametrize(
    "init",
    [
        "self.a = (1, 2)",
        "self.a = []",
        "self.a = [given]",
        "self.a = nn.ModuleList([nn.Tanh()])",
        "a = [nn.Tanh()]\na = nn.Sequential(*a)\nself.a = a",
        "self.a = n",
    ],
)
def test_what_is_no_container_of_modules(init: str) -> None:
    assert not containers(net(init))


@pytest.mark.parametrize(
    "more",
    [
        "self.b = nn.Sequential(*self.a)",
        "self.b = nn.ModuleList(self.a)",
        "self.a = nn.ModuleList(self.a)",
        "self.b = nn.ModuleList(list(self.a))",
        "self.b = self.a[0]",
        "for i, m in enumerate(self.a):\n    self.add_module(str(i), m)",
        "for m in self.a:\n    setattr(self, m.name, m)",
    ],
)
def test_what_is_registered_in_another_way(more: str) -> None:
    assert containers(net(f"self.a = [nn.Linear(1, 1)]\n{more}"))["a"].registered


@pytest.mark.parametrize(
    "forward",
    [
        "for m in self.a:\n    x = m(x)\nreturn x",
        "return sum(m(x) for m in self.a)",
        "return self.a[0](x) + self.a[-1](x) + self.a[n](x)",
        "return self.a[0](x * len(self.a)) if self.a else x",
        "for i, (m, k) in enumerate(zip(self.a, x)):\n    x = m(k)\nreturn x",
        "for m in self.a[1:]:\n    x = m(x)\nreturn x",
        "for m in reversed(list(self.a)):\n    x = m(x)\nreturn x",
        "return nn.Sequential(*self.a)(x)",
        "m, k = self.a\nreturn m(k(x))",
        "return x if self.a is None else self.a[0](x)",
        "y = [m for m in self.a if m in self.a]\nreturn y[0](x)",
    ],
)
def test_uses_that_a_module_list_answers_alike(forward: str) -> None:
    assert kinds(net("self.a = [nn.Linear(1, 1)]", forward)) == [""]


REFUSED = [
    ("return self.a.index(x)", "missing-operation"),
    ("return [x] + self.a", "missing-operation"),
    ("return self.a + [x]", "missing-operation"),
    ("return self.a * 2", "missing-operation"),
    ("return self.a == x", "missing-operation"),
    ("return self.a", "handed-on"),
    ("return run(self.a, x)", "handed-on"),
    ("return run(*self.a)", "handed-on"),
    ("b = self.a\nreturn b", "shared-list"),
    ("b = [*self.a]\nreturn b", "shared-list"),
    ("b = self.a[1:]\nreturn b", "shared-list"),
    ("self.a[0] = x\nreturn x", "filled-later"),
    ("del self.a[0]\nreturn x", "set-later"),
    ("del self.a\nreturn x", "set-later"),
    ("f = self.a.append\nreturn f", "unknown-use"),
    ("return self.a.pop()(x)", "unknown-use"),
    ("return f'{self.a}'", "unknown-use"),
    ("self.a = [x]\nreturn x", "filled-later"),
    ("for m in self.a:\n    for p in m.parameters():\n        x = x + p\nreturn x", "collected-by-hand"),
    ("return {i: m.state_dict() for i, m in enumerate(self.a)}", "saved-by-hand"),
    ("for self.m in self.a:\n    x = self.m(x)\nreturn x", "unknown-use"),
]


@pytest.mark.parametrize(("forward", "kind"), REFUSED)
def test_uses_that_need_a_list(forward: str, kind: str) -> None:
    assert kinds(net("self.a = [nn.Linear(1, 1)]", forward)) == [kind]


def test_inner_lists_are_lists_as_well() -> None:
    assert kinds(net("self.a = [[nn.Linear(1, 1)]]", "return self.a[0] + [x]")) == ["unknown-use"]
    assert kinds(net("self.a = [[nn.Linear(1, 1)]]", "return self.a[0].index(x)")) == ["unknown-use"]


def test_walks_of_whoever_holds_an_object() -> None:
    held = net("self.a = [nn.Linear(1, 1)]", "return self.a[0](x)")
    walks = """
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = make()
            self.apply(print)
    def make():
        return Net(1)
    """
    assert kinds(held + dedent(walks)) == ["initialised-anew"]
    assert kinds(held + dedent(walks.replace("make()", "nn.Tanh()", 1))) == [""]
    assert kinds(held.replace("nn.Linear(1, 1)", "nn.Tanh()") + dedent(walks)) == [""]


def test_walks_in_another_file() -> None:
    files = {
        "net.py": net("self.a = [nn.Linear(1, 1)]"),
        "outer.py": HEAD
        + "from net import Net\nclass Outer(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.net = Net(1)\n        for m in self.modules():\n            pass\n",
    }
    hidden = next(Unregistered.of(find(project(files), "Net")))
    kind, _, where = next(hidden.reasons())
    assert (kind, where.path) == ("initialised-anew", "outer.py")


def test_consequences_name_keys_and_parameters() -> None:
    source = net("self.a = [nn.Linear(2, 3), nn.Dropout(0.5), nn.Conv2d(1, 2, 3, bias=False)]")
    told = next(Unregistered.of(find(project({"net.py": source}), "Net"))).consequences()
    assert "`a.0.weight`, `a.0.bias`, `a.2.weight`;" in told
    assert "27 parameters" in told
    assert "strict=False" in told
    assert "Dropout" in told
    assert "eval()" in told
