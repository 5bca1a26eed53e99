"""What TorchScript certainly takes for a tensor."""

from __future__ import annotations

import pytest

from tests.semantics.helpers import attribute_of, net


@pytest.mark.parametrize(
    ("body", "parameters", "certain"),
    [
        ("return self.m(x)", "x", True),
        ("return self.m(x)", "x: torch.Tensor", True),
        ("return self.m(x)", "x: list", False),
        ("return self.m(x)", "*x", False),
        ("return self.m(x[0])", "x", True),
        ("y = x + 1\nreturn self.m(y)", "x", True),
        ("y = torch.relu(x)\nreturn self.m(y)", "x", True),
        ("y = torch.chunk(x, 2)\nreturn self.m(y)", "x", False),
        ("y = x.view(-1)\nreturn self.m(y)", "x", True),
        ("y, z = x\nreturn self.m(y)", "x", False),
        ("y, z = x\ny = y.transpose(0, 1)\nreturn self.m(y)", "x", True),
        ("y, z = x\nif y is not None:\n    y.size()\nreturn self.m(y)", "x", False),
        ("y = [x]\nreturn self.m(y)", "x", False),
        ("y = self.conv(x)\nreturn self.m(y)", "x", True),
        ("y = self.rnn(x)\nreturn self.m(y)", "x", False),
        ("y = self.other(x)\nreturn self.m(y)", "x", False),
        ("for y in x:\n    y = self.m(y)", "x", False),
        ("return self.m(x, x)", "x", False),
        ("return self.m.weight", "x", True),
    ],
)
def test_arguments(body: str, parameters: str, certain: bool) -> None:
    init = "self.m = None\nself.conv = nn.Conv2d(1, 1, 1)\nself.rnn = nn.LSTM(1, 1)\nself.other = make()"
    assert attribute_of(net(body, init=init, parameters=parameters)).takes_tensors is certain
