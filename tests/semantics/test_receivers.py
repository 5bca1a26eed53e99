"""What is known of the objects through which attributes are used."""

from __future__ import annotations

from textwrap import indent

import pytest

from modfix.semantics.facts import Receiver
from tests.semantics.helpers import facts_of, find, project

IMPORTS = "import copy\nimport torch.nn as nn\nimport torchvision\n"


def receiver(body: str, parameters: str = "blocks, flag") -> Receiver:
    """The object whose ``skip`` is tested in a function with that body."""
    facts = facts_of(IMPORTS + f"def f({parameters}):\n" + indent(body, "    "))
    (use,) = [use for use in facts.outside["skip"] if use.form.value == "none-test"]
    return facts.receivers[use.receiver]


@pytest.mark.parametrize(
    ("body", "made_by"),
    [
        ("m = nn.Module()\nm.skip is None\n", ("torch.nn.Module",)),
        ("m = torchvision.models.resnet18()\nm.skip is None\n", ("torchvision.models.resnet18",)),
        ("make = getattr(torchvision.models, flag)\nm = make()\nm.skip is None\n", ("torchvision.models.*",)),
        ("m = nn.Module()\nif flag:\n    m = nn.ReLU()\nm.skip is None\n", ("torch.nn.ReLU", "torch.nn.Module")),
        ("m = nn.Module()\nif flag:\n    m = blocks\nm.skip is None\n", ("?",)),
        ("m = nn.Module()\nfor m in blocks:\n    m.skip is None\n", ("?",)),
        ("flag = nn.Module()\nflag.skip is None\n", ("?",)),
        ("m = nn.Module()\nm.part.skip is None\n", ("?",)),
        ("m = nn.Module()\ndef g(m):\n    m.skip is None\n", ("?",)),
        ("m = nn.Module()\nfind = lambda m: m.skip is None\n", ("?",)),
        ("m = nn.Module()\n[m.skip is None for m in blocks]\n", ("?",)),
    ],
)
def test_what_made_it(body: str, made_by: tuple[str, ...]) -> None:
    assert receiver(body).made_by == made_by


@pytest.mark.parametrize(
    ("body", "reads"),
    [
        ("for m in blocks:\n    m.norm\n    m.skip is None\n", {"norm", "skip"}),
        ("for i, m in enumerate(blocks):\n    m.skip is None\n    m.norm\n", {"norm", "skip"}),
        ("for m in blocks:\n    if flag:\n        m.norm\n    m.skip is None\n", {"skip"}),
        ("for m in blocks:\n    if flag:\n        continue\n    m.skip is None\n    m.norm\n", {"norm", "skip"}),
        ("for m in blocks:\n    m.skip is None\n    if flag:\n        continue\n    m.norm\n", {"skip"}),
        ("for m in blocks:\n    m.norm\nfor m in flag:\n    m.skip is None\n", {"skip"}),
        ("for m in blocks:\n    m.norm\n    m = m.inner\n    m.skip is None\n", set()),
        ("for m in blocks:\n    for r in range(2):\n        getattr(m, f'norm{r + 1}')\n    m.skip is None\n",
         {"norm1", "norm2", "skip"}),
        ("for m in blocks:\n    for r in range(1, 3):\n        getattr(m, f'norm{r}')\n    m.skip is None\n",
         {"norm1", "norm2", "skip"}),
        ("for m in blocks:\n    for r in range(flag):\n        getattr(m, f'norm{r}')\n    m.skip is None\n", {"skip"}),
        ("for m in blocks:\n    for r in range(0):\n        getattr(m, f'norm{r}')\n    m.skip is None\n", {"skip"}),
        ("for m in blocks:\n    for r in range(2):\n        if flag:\n            break\n"
         "        getattr(m, f'norm{r}')\n    m.skip is None\n", {"skip"}),
        ("for m in blocks:\n    for r in range(2):\n        r = flag\n        getattr(m, f'norm{r}')\n"
         "    m.skip is None\n", {"skip"}),
        ("for m in blocks:\n    for r in range(2):\n        getattr(m, f'norm{r:03}')\n    m.skip is None\n", {"skip"}),
        ("for m in blocks:\n    for r in range(2):\n        getattr(m, f'norm{r + 0.5}')\n    m.skip is None\n", {"skip"}),
        ("for m in blocks:\n    for r in range(2):\n        getattr(m, f'norm{r}', None)\n    m.skip is None\n", {"skip"}),
        ("for m in blocks:\n    for r in range(2):\n        m.norm\n    m.skip is None\n", {"norm", "skip"}),
        ("if hasattr(blocks, 'fast'):\n    return blocks.fast\nblocks.skip is None\nblocks.rows\n", {"rows", "skip"}),
        ("if hasattr(blocks, 'fast'):\n    return blocks.fast\nif blocks.skip is None:\n    return 1\nblocks.rows\n",
         {"skip"}),
        ("blocks.norm\ndef g(blocks):\n    blocks.skip is None\n", {"skip"}),
        ("blocks.norm\ndef g():\n    blocks.skip is None\n", {"norm", "skip"}),
    ],
)  # fmt: skip
def test_what_it_has_for_certain(body: str, reads: set[str]) -> None:
    assert receiver(body).reads == reads


STORES = """\
class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.skip = None

class Plain(nn.Module): pass

class Owner(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.head = Plain()
        {store}

    def forward(self, x):
        return x if self.head.skip is None else x + 1
"""


@pytest.mark.parametrize(
    ("store", "meets"),
    [
        ("pass", False),
        ("self.add_module('other', Part())", False),
        ("self.add_module('head', Part())", True),
        ("self.add_module('head', Plain())", False),
        ("self.add_module(f'he{name}', Part())", True),
        ("self.add_module(f'tail{name}', Part())", False),
        ("self.add_module(name, part)", True),
        ("self.register_module('head', Part())", True),
        ("self.add_module(*name)", True),
        ("setattr(self, f'he{name}', Part())", True),
        ("setattr(self, 'head', Part())", True),
        ("self.__dict__['head'] = name", True),
        ("self._modules['head'] = name", True),
    ],
)
def test_what_a_class_stores_under_a_name(store: str, meets: bool) -> None:
    where = project({"m.py": IMPORTS + STORES.format(store=store)})
    assert bool(list(where.outside_readers(find(where, "Part"), "skip"))) is meets
