"""The numeric jobs through real worker processes, as the parent asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verify.conftest import MakeProject

pytest.importorskip("torch")

NET = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(3, 4)]
            self.head = nn.Linear(4, 2)

        def forward(self, x):
            return self.head(torch.relu(self.layers[0](x)))
"""
REGISTERED = NET.replace("[nn.Linear(3, 4)]", "nn.ModuleList([nn.Linear(3, 4)])")
REORDERED = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 2)
            self.layers = nn.ModuleList([nn.Linear(3, 4)])

        def forward(self, x):
            return self.head(torch.relu(self.layers[0](x)))
"""
CASE = {"name": "net", "model": "net:Net", "args": ["randn(5,3)"]}


def test_two_versions_are_asked_for_everything(make_project: MakeProject, tmp_path: Path) -> None:
    before, after = make_project("fork", net=NET), make_project("fork", net=REORDERED)
    ones, twos = (_ask(side, "numeric", seed=3) for side in (before, after))
    assert ones["items"] != twos["items"], "other weights, because the constructor draws them in another order"

    path = str(tmp_path / "state.pt")
    saved = _ask(before, "save", path=path, seed=3)["saved"]
    assert set(saved) == {"head.weight", "head.bias", "layers.0.weight", "layers.0.bias"}
    moved = _ask(after, "numeric", seed=3, state=path)
    assert moved["transferred"] == {"missing": [], "unused": []}
    differing = {key for key in ones["items"] if ones["items"][key] != moved["items"].get(key)}
    assert {key.split("/")[1] for key in differing} == {"build"}

    folder = str(tmp_path / "exchange")
    Path(folder).mkdir()
    first = _ask(before, "contracts", exchange=folder, side="before")["contracts"]
    second = _ask(after, "contracts", exchange=folder, side="after")["contracts"]
    assert first["hidden"]["modules"] == ["layers.0"]
    assert second["hidden"] == {"modules": [], "tensors": []}
    assert "Missing key" in second["strict_load"]["before"]
    back = _ask(before, "load-strictly", exchange=folder, side="before")["strict_load"]
    assert "Unexpected key" in back["after"]


def test_closeness_is_asked_about_kept_runs(make_project: MakeProject, tmp_path: Path) -> None:
    before = make_project("fork", net=REGISTERED)
    after = make_project("fork", net=REGISTERED.replace("torch.relu(", "torch.nn.functional.leaky_relu("))
    kept = {name: str(tmp_path / name) for name in ("before", "after", "reference")}
    _ask(before, "numeric", keep=kept["before"])
    _ask(after, "numeric", keep=kept["after"])
    _ask(before, "numeric", keep=kept["reference"], dtype="float64")
    answer = _ask(before, "close", seed=0, dtype="float32", **kept)
    assert not answer["close"]
    assert answer["items"]["float32*1/eval/output:"]["reason"] == "the error is too large"
    answer = _ask(before, "close", dtype="float32", **{**kept, "after": kept["before"]})
    assert answer["close"]


def _ask(project: Any, job: str, **keywords: object) -> dict[str, Any]:
    answer: dict[str, Any] = project.side.ask({"job": job, "case": CASE, **keywords})
    assert "failed" not in answer, answer
    return answer
