"""Rewrites that are wrong in one small way each: the comparison must refute every one."""

from __future__ import annotations

from pathlib import Path

import pytest

from modfix.testing import behaviour

pytest.importorskip("torch")

BEFORE = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        y = self.norm(self.fc(x))
        return {"y": y, "n": 1}


def cases():
    return [("net", Net, lambda: (torch.randn(4, 3),))]
"""
WRONG = {
    "output": ("self.norm(self.fc(x))", "self.norm(self.fc(x)) + 1e-6"),
    "output keys": ('"n"', '"m"'),
    "output['n']": ('"n": 1', '"n": 2'),
    "rng after construction": ("self.fc = nn.Linear(3, 3)", "self.fc = nn.Linear(3, 3); torch.rand(1)"),
    "rng after": ("y = self", "torch.rand(1); y = self"),
    "state_dict keys": ("self.norm", "self.bn"),
    "gradients": ("self.fc(x)", "self.fc(x).detach()"),
    "gradients of inputs": ("self.fc(x)", "self.fc(x.detach())"),
    "state after": ("nn.BatchNorm1d(3)", "nn.BatchNorm1d(3, momentum=0.2)"),
    "inputs after": ("return {", "x.add_(1)\n        return {"),
    "order of parameters": (
        "self.fc = nn.Linear(3, 3)\n        self.norm = nn.BatchNorm1d(3)",
        "self.norm = nn.BatchNorm1d(3)\n        self.fc = nn.Linear(3, 3)",
    ),
    "import/error": ("import torch\n", "import torhc\n"),
    "net/error": ("self.norm(self.fc(x))", "self.norm(self.fc(x), x)"),
}


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, behaviour.Observation]:
    """All variants in one subprocess."""
    folder = tmp_path_factory.mktemp("variants")
    texts = {"before": BEFORE, "twin": BEFORE}
    for what, (old, new) in WRONG.items():
        assert old in BEFORE
        texts[what] = BEFORE.replace(old, new)
    paths = {}
    for number, (what, text) in enumerate(texts.items()):
        paths[what] = folder / f"v{number}.py"
        paths[what].write_text(text)
    results = behaviour.observe(paths.values())
    return {what: results[path] for what, path in paths.items()}


def test_the_same_text_is_the_same(observed: dict[str, behaviour.Observation]) -> None:
    assert behaviour.differences(observed["before"], observed["twin"]) == []


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_rewrite_is_refuted(observed: dict[str, behaviour.Observation], what: str) -> None:
    found = behaviour.differences(observed["before"], observed[what])
    assert any(what in line.split(": ")[0] for line in found), found


def test_an_error_on_both_sides_is_a_difference(observed: dict[str, behaviour.Observation]) -> None:
    broken = observed["net/error"]
    assert any("TypeError" in line for line in behaviour.differences(broken, broken))


def test_modules_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    for side, value in (("before", 1), ("after", 2)):
        folder = tmp_path / side
        folder.mkdir()
        (folder / "layers.py").write_text(BEFORE.replace('"n": 1', f'"n": {value}'))
        (folder / "main.py").write_text("from layers import cases\n")
    found = behaviour.observe([tmp_path / "before/main.py", tmp_path / "after/main.py"])
    assert [seen["net/eval/output['n']"] for seen in found.values()] == ["2", "1"]  # sorted by path: after, before


def test_a_dead_runner_is_reported(tmp_path: Path) -> None:
    (tmp_path / "before.py").write_text("import os\nos._exit(7)\n")
    with pytest.raises(behaviour.RunnerError, match="exit status 7"):
        behaviour.observe([tmp_path / "before.py"])
