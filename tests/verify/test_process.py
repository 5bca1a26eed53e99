from __future__ import annotations

import pytest

from modfix.verify.process import Isolation
from tests.verify.conftest import MakeProject

pytest.importorskip("torch")

NET = """
    import torch

    class Net(torch.nn.Module):
        def __init__(self, factor=2):
            super().__init__()
            self.factor = factor

        def forward(self, x):
            return x * self.factor
"""


@pytest.mark.parametrize("isolation", ["fork", "process"])
def test_a_case_is_built_and_called(make_project: MakeProject, isolation: Isolation) -> None:
    project = make_project(isolation, net=NET)
    assert project.ask("net:Net(3)")["items"] == {"call0": "tensor([3., 3.])"}
    assert project.ask("net:Net", "zeros(1)")["items"] == {"call0": "tensor([0.])"}
