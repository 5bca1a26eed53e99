"""The story of a checkpoint: it was saved before `modulelist` came, and is loaded into what `modulelist` made."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from codemods.modulelist import ModuleList
from modfix.engine.run import apply
from modfix.model.finding import Applicability
from modfix.source.tree import MemoryTree

torch = pytest.importorskip("torch")

LITERAL = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.layers = [nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2, bias=False), nn.LayerNorm(2)]

    def forward(self, x):
        x = self.first(x)
        for layer in self.layers:
            x = layer(x)
        return x
"""
COMPREHENSION = LITERAL.replace(
    "[nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2, bias=False), nn.LayerNorm(2)]",
    "[nn.Linear(4, 4) for _ in range(3)]",
)


def migrate(source: str) -> tuple[str, str]:
    """The source after the fix, and what the finding tells."""
    result = apply(MemoryTree({"net.py": source}), [ModuleList()], required=Applicability.UNSAFE)
    (change,), (finding,) = result.changes, result.applied
    assert finding.fix is not None
    assert finding.fix.note is not None
    return change.after, finding.fix.note


def build(source: str, seed: int) -> Any:
    """An object of the class ``Net`` of a source."""
    space: dict[str, Any] = {}
    exec(source, space)
    torch.manual_seed(seed)
    return space["Net"]()


@pytest.mark.parametrize("source", [LITERAL, COMPREHENSION], ids=["literal", "comprehension"])
def test_an_old_checkpoint_lacks_exactly_the_keys_that_the_finding_names(source: str) -> None:
    after, note = migrate(source)
    named = re.findall(r"`(layers\.[^`]+)`", note)
    old, model = build(source, seed=1), build(after, seed=2)
    fresh = {key: value.clone() for key, value in model.state_dict().items()}

    with pytest.raises(RuntimeError, match="Missing key"):
        model.load_state_dict(old.state_dict())
    assert "`strict=False`" in note  # the finding says what to do
    missing, unexpected = model.load_state_dict(old.state_dict(), strict=False)

    assert not unexpected
    assert {name for name in named if any(fnmatchcase(key, name) for key in missing)} == set(named)
    assert all(any(fnmatchcase(key, name) for name in named) for key in missing)
    if "*" not in "".join(named):
        assert missing == named
    loaded = model.state_dict()
    assert torch.equal(loaded["first.weight"], old.first.weight)
    assert all(torch.equal(loaded[key], fresh[key]) for key in missing)  # they keep their initial values


def test_the_number_of_parameters_is_that_of_torch() -> None:
    after, note = migrate(LITERAL.replace("nn.LayerNorm(2)", "nn.Tanh()"))
    before, model = build(LITERAL, seed=1), build(after, seed=1)
    gained = sum(p.numel() for p in model.parameters()) - sum(p.numel() for p in before.parameters())
    assert f"{gained} parameters start to train" in note


def test_equal_weights_give_equal_outputs() -> None:
    source = LITERAL.replace("nn.LayerNorm(2)", "nn.BatchNorm1d(2)")
    after, _ = migrate(source)
    before, model = build(source, seed=1), build(after, seed=1)
    x = torch.randn(3, 4)
    assert torch.equal(before(x), model(x))
    model.eval()
    assert not model.layers[3].training
    before.eval()
    assert before.layers[3].training  # the bug that the fix repairs
