"""What a model keeps where `nn.Module` does not look is found, named, moved and switched."""

import collections
import dataclasses
import functools
import types

import pytest
import torch
from _modfix_worker.hidden import hidden_state, named_state
from torch import nn


@dataclasses.dataclass(frozen=True)
class Frozen:
    weight: torch.Tensor


class Plain:
    def __init__(self):
        self.weight = torch.ones(2)
        self.layer = nn.Linear(2, 2)
        self.myself = self  # a cycle

    def method(self, x):
        return self.layer(x)


class Slotted:
    __slots__ = ("weight",)

    def __init__(self):
        self.weight = torch.ones(2)


Pair = collections.namedtuple("Pair", ["first", "second"])


def closure(captured):
    return lambda x: x + captured


def hook_of(captured):
    return lambda module, args, output: output + captured


KEPT = {
    "list": (lambda: [nn.Linear(2, 2)], "kept.0", ["kept.0.weight", "kept.0.bias"]),
    "dict": (lambda: {"a": (nn.ReLU(), torch.ones(1))}, "kept.a.0", ["kept.a.1"]),
    "tuple": (lambda: (torch.ones(1), (nn.ReLU(), torch.ones(2))), "kept.1.0", ["kept.0", "kept.1.1"]),
    "named tuple": (lambda: Pair(torch.ones(1), nn.ReLU()), "kept.second", ["kept.first"]),
    "set": (lambda: {nn.Linear(2, 1, bias=False)}, "kept.0", ["kept.0.weight"]),
    "deque": (lambda: collections.deque([torch.ones(1)]), None, ["kept.0"]),
    "dataclass": (lambda: Frozen(torch.ones(1)), None, ["kept.weight"]),
    "object": (Plain, "kept.layer", ["kept.weight", "kept.layer.weight", "kept.layer.bias"]),
    "slots": (Slotted, None, ["kept.weight"]),
    "namespace": (lambda: types.SimpleNamespace(t=torch.ones(1)), None, ["kept.t"]),
    "bound method": (
        lambda: Plain().method,
        "kept.self.layer",
        ["kept.self.weight", "kept.self.layer.weight", "kept.self.layer.bias"],
    ),
    "partial": (
        lambda: functools.partial(torch.add, torch.ones(1), other=torch.ones(2)),
        None,
        ["kept.args.0", "kept.other"],
    ),
    "closure": (lambda: closure(torch.ones(1)), None, ["kept.captured"]),
    "default argument": (lambda: lambda x, t=torch.ones(1): x + t, None, ["kept.defaults.0"]),  # noqa: B008
    "module in a hidden module": (lambda: [nn.Sequential(nn.ReLU())], "kept.0", []),
    "nothing": (lambda: ["text", 3, None, torch.relu], None, []),
}


def owner(kept):
    model = nn.Module()
    model.registered = nn.Linear(2, 2)
    model.kept = kept
    return model


@pytest.mark.parametrize("name", KEPT)
def test_found_named_and_moved(name):
    make, module, tensors = KEPT[name]
    model = owner(make())
    hidden = hidden_state(model)
    assert list(hidden.modules) == ([module] if module else [])
    assert list(hidden.tensors) == tensors
    assert list(named_state(model)) == ["registered.weight", "registered.bias", *tensors]

    hidden.train(False)
    assert not any(m.training for m in hidden.modules.values())

    before = dict(hidden.tensors)
    hidden.to(dtype=torch.float64)
    assert all(t.dtype is torch.float64 and t is before[n] for n, t in hidden_state(model).tensors.items())
    assert model.registered.weight.dtype is torch.float32

    hidden.to(device=torch.device("meta"))  # tensors cannot be changed into meta tensors: their places are
    assert list(hidden_state(model).tensors) == tensors
    assert all(t.is_meta for t in hidden_state(model).tensors.values())


def test_hooks_are_looked_into():
    model = owner(None)
    model.registered.register_forward_hook(hook_of(torch.ones(2)))
    assert list(hidden_state(model).tensors) == ["registered._forward_hooks.0.captured"]


def test_registered_names_win_and_shared_things_are_found_once():
    model = owner(None)
    model.kept = [model.registered, model.registered.weight, nn.ReLU()]
    model.kept.append(model.kept[2])
    model.kept.append(model.kept)
    hidden = hidden_state(model)
    assert list(hidden.modules) == ["kept.2"]
    assert list(hidden.tensors) == []
    assert hidden.names()[id(model.registered)] == "registered"


def test_views_go_on_sharing_memory():
    base = torch.arange(6.0)
    model = owner([base, base[2:4]])
    hidden_state(model).to(dtype=torch.float64)
    model.kept[0][2] = 9
    assert model.kept[1].tolist() == [9.0, 3.0]


def test_integers_keep_their_dtype():
    model = owner([torch.tensor([1, 2])])
    hidden_state(model).to(dtype=torch.bfloat16)
    assert model.kept[0].dtype is torch.int64


def test_parameters_stay_parameters():
    model = owner([nn.Linear(2, 2)])
    hidden_state(model).to(device=torch.device("meta"))
    assert isinstance(model.kept[0].weight, nn.Parameter)
    assert model.kept[0].weight.is_meta
