"""The entries of `state_dict` and the numbers of parameters that we tell, against layers that torch builds."""

from __future__ import annotations

import ast

import pytest

from modfix.semantics.layer_state import parameter_count, state_entries

torch = pytest.importorskip("torch")

CALLS = [
    "BatchNorm1d(3)",
    "BatchNorm2d(3, affine=False)",
    "BatchNorm2d(3, 1e-5, 0.1, False)",
    "BatchNorm3d(3, track_running_stats=False)",
    "Bilinear(2, 3, 4)",
    "Conv1d(2, 4, 3)",
    "Conv2d(2, 4, (1, 3), bias=False)",
    "Conv2d(2, 4, 3, padding=1)",
    "Conv3d(1, 2, 2, 1, 0, 1, 1, False)",
    "ConvTranspose1d(2, 4, 3)",
    "ConvTranspose2d(2, 4, 3, bias=False)",
    "ConvTranspose3d(2, 4, 3)",
    "Embedding(5, 2)",
    "Embedding(num_embeddings=5, embedding_dim=2)",
    "EmbeddingBag(5, 2)",
    "GroupNorm(2, 4)",
    "GroupNorm(2, 4, affine=False)",
    "GRUCell(2, 3)",
    "LayerNorm(4)",
    "LayerNorm(4, elementwise_affine=False)",
    "LayerNorm((2, 3), 1e-5, True, False)",
    "Linear(3, 4)",
    "Linear(3, 4, False)",
    "Linear(in_features=3, out_features=4)",
    "LSTMCell(2, 3, bias=False)",
    "PReLU()",
    "RNNCell(2, 3)",
]


def arguments(call: str) -> list[tuple[str, str]]:
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    return [("", ast.unparse(a)) for a in node.args] + [(k.arg or "**", ast.unparse(k.value)) for k in node.keywords]


@pytest.mark.parametrize("call", CALLS)
def test_entries_and_count_are_those_of_torch(call: str) -> None:
    layer = eval(f"torch.nn.{call}", {"torch": torch})
    name = f"torch.nn.{call.partition('(')[0]}"
    assert state_entries(name, arguments(call)) == tuple(layer.state_dict())
    count = parameter_count(name, arguments(call))
    assert count in (None, sum(p.numel() for p in layer.parameters()))
    known = call.startswith(("Linear", "Conv1", "Conv2", "Embedding(")) or call == "Conv3d(1, 2, 2, 1, 0, 1, 1, False)"
    assert known == (count is not None)


@pytest.mark.parametrize("call", ["Linear(3, 4, bias=b)", "Linear(*sizes)", "Conv2d(**options)", "LSTM(3, 4)"])
def test_what_cannot_be_told(call: str) -> None:
    name = f"torch.nn.{call.partition('(')[0]}"
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    assert state_entries(name, arguments(call)) is None
    assert parameter_count(name, arguments(call)) is None


def test_a_size_that_is_a_variable() -> None:
    assert parameter_count("torch.nn.Linear", [("", "n"), ("", "4")]) is None
    assert parameter_count("torch.nn.Conv2d", [("", "2"), ("", "4"), ("", "3"), ("groups", "2")]) is None
