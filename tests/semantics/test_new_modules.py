"""Where a class can create further submodules, and what they may be called."""

from __future__ import annotations

import pytest

from modfix.semantics.new_modules import NewModules, attribute_name
from modfix.semantics.set_once import set_once
from tests.semantics.helpers import find, net, project

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def new(source: str, name: str = "Net", **files: str) -> NewModules:
    return NewModules(find(project({"net.py": HEAD + source, **{f"{k}.py": HEAD + v for k, v in files.items()}}), name))


def kinds(source: str, name: str = "Net") -> set[str]:
    return {kind for kind, _, _ in new(source, name).blockers()}


PLAIN = net("return x", init="self.fc = nn.Linear(2, 2)")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (PLAIN, set()),
        (PLAIN.replace("nn.Module", "Unknown"), {"unknown-base"}),
        ("from other import Mixin\n" + PLAIN.replace("nn.Module", "Mixin, nn.Module"), {"unknown-base"}),
        (PLAIN.replace("nn.Module", "nn.Sequential"), {"container", "layer-base"}),
        (PLAIN.replace("nn.Module", "nn.LSTM"), {"layer-base"}),
        (PLAIN.replace("super().__init__()", "pass"), {"no-super-init"}),
        (PLAIN + "    def names(self):\n        return vars(self)\n", {"dynamic-access"}),
        (PLAIN + "    def __getattr__(self, name):\n        return 1\n", {"dynamic-access"}),
        (PLAIN + "class Sub(Net):\n    def __init__(self):\n        nn.Module.__init__(self)\n", {"skips-init"}),
        (PLAIN + "class Sub(Net):\n    def __init__(self):\n        super(Net, self).__init__()\n", {"skips-init"}),
        (PLAIN + "class Sub(Net):\n    def __init__(self):\n        super(Sub, self).__init__()\n", set()),
        (PLAIN + "class Sub(Net):\n    def __init__(self):\n        Net.__init__(self)\n", set()),
        (
            PLAIN + "class Sub(Net):\n    pass\nclass SubSub(Sub):\n    def __init__(self):\n        pass\n",
            {"skips-init"},
        ),
        (PLAIN + "def head(net: Net):\n    return list(net.children())[0]\n", {"child-walk"}),
    ],
)
def test_blockers(source: str, expected: set[str]) -> None:
    assert kinds(source) == expected


def test_a_class_without_init_needs_module_as_its_only_base() -> None:
    bare = "class {}({}):\n    def forward(self, x):\n        return x\n"
    assert kinds(bare.format("Net", "nn.Module")) == set()
    assert kinds(PLAIN.replace("Net", "Base") + bare.format("Net", "Base")) == {"no-init"}


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("self.fc = 1", set()),
        ("self.size = self.flat(1)", {"flat", "forward"}),
        ("self.size = self(1)", {"forward", "__call__"}),
        ("probe(self)", {"forward", "__call__"}),
        ("self.size = probe(self.forward)", {"forward"}),
    ],
)
def test_what_runs_before_init_ends(init: str, expected: set[str]) -> None:
    source = net("return x", init=init) + "    def flat(self, x):\n        return self.forward(x)\n"
    assert new(source).run_in_construction == expected


def test_names_are_free_in_all_relatives() -> None:
    sub = "class Sub(Net):\n    def relu(self):\n        return 1\n"
    outside = "def freeze(m):\n    m.gelu = None\n"
    names = new(PLAIN + sub + outside)
    assert names.free_names("relu", 1) == ["relu_layer"]
    assert names.free_names("silu", 1) == ["silu"]
    assert names.free_names("silu", 2) == ["silu1", "silu2"]
    assert names.free_names("dropout2d", 2) == ["dropout2d_1", "dropout2d_2"]
    assert names.free_names("train", 1) == ["train_layer"]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("Softmax", "softmax"),
        ("MSELoss", "mse_loss"),
        ("BCEWithLogitsLoss", "bce_with_logits_loss"),
        ("LeakyReLU", "leaky_relu"),
        ("SiLU", "silu"),
        ("GELU", "gelu"),
        ("AvgPool2d", "avg_pool2d"),
        ("KLDivLoss", "kl_div_loss"),
    ],
)
def test_attribute_name(module: str, name: str) -> None:
    assert attribute_name(module) == name


@pytest.mark.parametrize(
    ("init", "rest", "expected"),
    [
        ("self.p = 0.5", "", set()),
        ("self.p = m", "", {"optional-argument"}),
        ("self.p = nn.Parameter(m)", "", {"not-static"}),
        ("self.q = 0.5", "", {"not-static"}),
        ("self.p = 0.5", "    def anneal(self):\n        self.p = 0.1\n", {"set-later"}),
        ("self.p = 0.5", "    def anneal(self):\n        self.p *= 0.1\n", {"set-later"}),
        ("self.p = 0.5", "def anneal(net):\n    net.p = 0.1\n", {"set-later"}),
        (
            "self.p = 0.5",
            "class Sub(Net):\n    def __init__(self):\n        super().__init__()\n        self.p = 1\n",
            {"set-later"},
        ),
        ("pass", "    @property\n    def p(self):\n        return 0.5\n", {"not-static"}),
        ("pass", "    p = 0.5\n", set()),
    ],
)
def test_set_once(init: str, rest: str, expected: set[str]) -> None:
    source = net("return F.dropout(x, self.p, self.training)", init=init) + rest
    assert {kind for kind, _, _ in set_once(new(source).cls, "p")} == expected
