"""`modfix.verify.compare`, as anyone's tests would call it, with real workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from modfix.model.verdict import Outcome
from modfix.verify import compare, listed_cases, model_case

BEFORE = """\
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return torch.relu(self.fc(x))


class Bits(Net):
    def forward(self, x):
        return F.relu(self.fc(x))


class Wrong(Net):
    def forward(self, x):
        return F.leaky_relu(self.fc(x))


def cases():
    return [("bits", Bits, lambda: (torch.randn(2, 3),)), ("wrong", Wrong, lambda: (torch.randn(64, 3),))]
"""
AFTER = (
    BEFORE.replace("torch.relu(self.fc(x))", "self.fc(x).relu()")
    .replace("F.relu(self.fc(x))", "F.threshold(self.fc(x), 0.0, 0.0)")
    .replace("F.leaky_relu(self.fc(x))", "F.leaky_relu(self.fc(x), 0.02)")
)
EXPECTED = [("net:Net", Outcome.PROVED), ("bits", Outcome.IDENTICAL), ("wrong", Outcome.DIFFERENT)]


def write(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "net.py").write_text(text)
    return folder


def test_two_folders(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    before, after = write(tmp_path / "old", BEFORE), write(tmp_path / "new", AFTER)
    verdicts = compare(before, after, [model_case("net:Net", ["randn(2, 3)"]), listed_cases("net:cases")], device="cpu")
    assert [(verdict.case, verdict.outcome) for verdict in verdicts] == EXPECTED
    assert sorted(path.name for path in before.iterdir()) == ["net.py"]


def test_unknown_kinds_are_no_option(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`keys` is no kind of difference"):
        compare(tmp_path, tmp_path, [], allow=["keys"])
