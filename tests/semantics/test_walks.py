"""What code does with children, and whether it would notice an identity among them."""

from __future__ import annotations

from textwrap import indent

import pytest

from modfix.semantics.facts import Walk
from tests.semantics.helpers import facts_of


def walks(body: str, before: str = "") -> tuple[Walk, ...]:
    """The walks of a function with that body that would notice an identity."""
    source = f"import torch\nfrom torch import nn\nclass Block(nn.Module): pass\n{before}\ndef f(net, x, found):\n"
    return facts_of(source + indent(body, "    ") + "\n").walks


HARMLESS = [
    "for m in net.children(): m.train()",
    "for m in net.children(): f(m, x, found)",
    "for m in net.children():\n    if isinstance(m, nn.Conv2d): found.append(m)",
    "for m in net.children():\n    if not isinstance(m, (nn.Conv2d, Block)): continue\n    found.append(m)",
    "for m in net.children():\n    if type(m) is nn.ReLU: found.append(m)",
    "for m in net.children():\n    if hasattr(m, 'weight') and x: found.append(m.weight)",
    "for m in net.children():\n    if len(list(m.parameters())) > 0: found.append(m)",
    "for m in net.children():\n    if m.__class__.__name__.find('Conv') != -1: found.append(m)",
    "for m in net.children():\n    for p in m.parameters(): found.append(p)",
    "for m in net.children(): x = m(x)",
    "for n, m in net.named_children(): net.add_module(n, f(m, x, found))",
    "for n, m in net.named_children(): x[n] = m",
    "for n, m in net._modules.items():\n    if n in ['3', '8']: found.append(m)",
    "for i, m in enumerate(net.children()): m.eval()",
    "found = [m for m in net.children() if isinstance(m, nn.Conv2d)]",
    "return any(isinstance(m, nn.Conv2d) for m in net.children())",
    "return dict(net.named_children())",
    "return 'fc' in [n for n, _ in net.named_children()]",
    "layers = list(net.children())\nfor m in layers:\n    m.train()",
    "names, layers = zip(*net.named_children())\nfor n, m in zip(names, layers):\n    m.eval()",
    "for m in net.modules():\n    if isinstance(m, nn.Conv2d): found.append(m)",
    "return [m for m in net.modules()]",
]


@pytest.mark.parametrize("body", HARMLESS)
def test_harmless_walks(body: str) -> None:
    assert not walks(body)


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("return list(net.children())[-1]", "picked by position"),
        ("layers = list(net.named_children())\nreturn layers[0]", "picked by position"),
        ("return nn.Sequential(*net.children())", "unpacked"),
        ("return len(list(net.children()))", "counted"),
        ("return next(net.children())", "taken one by one"),
        ("for m, y in zip(net.children(), x): f(m, y, found)", "paired"),
        ("for i, m in enumerate(net.children()): x[i] = m", "numbered"),
        ("for m in net.children(): found.append(m)", "collected"),
        ("for m in net.children():\n    if isinstance(m, nn.Identity): found.append(m)", "collected"),
        ("for m in net.children():\n    if isinstance(m, nn.Module): found.append(m)", "collected"),
        ("for m in net.children():\n    if x: found.append(m)", "collected"),
        ("for m in net.children():\n    if not isinstance(m, nn.Conv2d): found.append(m)", "collected"),
        ("for n, m in net.named_children(): x.add_module(n, m)", "collected"),
        ("for n, m in net.named_children():\n    if n in ['fc']: found.append(m)", "collected"),
        ("k = 0\nfor m in net.children(): k += 1", "counted"),
        ("for m in net.children(): x = x + m(x)", "each called"),
        ("for m in net.children():\n    if not isinstance(m, nn.Conv2d): raise ValueError", "each judged"),
        ("for m in net.children(): return m", "taken"),
        ("for m in net.children(): m.reset_parameters()", "read:reset_parameters"),
        ("for m in net.children():\n    if x: m.weight.zero_()", "read:weight"),
        ("if not list(net.children()): return x", "emptiness"),
        ("return len(list(net.children())) == 0", "emptiness"),
        ("names, layers = zip(*net.named_children())\nreturn layers[0]", "unpacked"),
        ("return x(net.children())", "kept"),
        ("return net._modules.values()", "kept"),
        ("return list(net.modules())[3]", "picked by position"),
        ("for a, b in zip(net.modules(), x.modules()): a.x = b", "paired"),
    ],
)
def test_walks_that_notice(body: str, how: str) -> None:
    assert how in {walk.how for walk in walks(body)}


def test_a_generator_that_yields_all_modules_is_told_by_its_name() -> None:
    body = "for n, m in net.named_children():\n    yield from f(m, x, found)\nyield net"
    assert [walk.how for walk in walks(body)] == ["yielded:f"]


def test_members_that_every_child_must_have() -> None:
    (walk,) = walks("for i, m in enumerate(net.children()):\n    m.norm1.weight = x[i]\n    if x: m.other = 1")
    assert walk.expected == {"norm1"}


def test_what_is_applied_to_every_module() -> None:
    init = "def init(m): m.weight.data.zero_()\ndef careful(m):\n    if hasattr(m, 'weight'): m.weight.data.zero_()\n"
    assert [walk.how for walk in walks("net.apply(init)", init)] == ["read:weight"]
    assert not walks("net.apply(careful)", init)
