"""`modfix.verify.compare`, as anyone's tests would call it, with real workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from modfix.model.verdict import Outcome
from modfix.verify import compare, listed_cases, model_case

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return torch.relu(self.fc(x))


def cases():
    return [("small", Net, lambda: (torch.randn(2, 3),)), ("batch", Net, lambda: (torch.randn(64, 3),))]
"""
VERSIONS = {
    "same": (NET.replace("torch.relu(self.fc(x))", "self.fc(x).relu()"), Outcome.PROVED),
    "bits": (NET.replace("torch.relu(", "torch.threshold(").replace("self.fc(x))", "self.fc(x), 0.0, 0.0)"), Outcome.IDENTICAL),
    "wrong": (NET.replace("torch.relu", "torch.nn.functional.relu6"), Outcome.DIFFERENT),
}  # fmt: skip


def write(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "net.py").write_text(text)
    return folder


@pytest.mark.parametrize("version", VERSIONS)
def test_two_folders(tmp_path: Path, version: str) -> None:
    pytest.importorskip("torch")
    text, expected = VERSIONS[version]
    assert text != NET
    before, after = write(tmp_path / "old", NET), write(tmp_path / "new", text)
    verdicts = compare(before, after, [model_case("net:Net", ["randn(2, 3)"]), listed_cases("net:cases")], device="cpu")
    assert [(verdict.case, verdict.outcome) for verdict in verdicts] == [
        ("net:Net", expected), ("small", expected), ("batch", expected)
    ]  # fmt: skip
    assert sorted(path.name for path in before.iterdir()) == ["net.py"]


def test_unknown_kinds_are_no_option(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`keys` is no kind of difference"):
        compare(tmp_path, tmp_path, [], allow=["keys"])
