import copy

import pytest
import torch
from _modfix_worker import Case, contracts
from torch import nn


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU()
        self.register_buffer("scale", torch.ones(1), persistent=False)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.act(self.norm(self.conv(x))).mean((2, 3)) * self.scale)


class Hiding(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(3, 3), nn.Dropout()]
        self.weight = torch.ones(3)
        self.shown = nn.Linear(3, 3)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.shown(x * self.weight)


class LeavesHooks(Base):
    def forward(self, x):
        self.conv.register_forward_hook(self.watch)
        return super().forward(x)

    def watch(self, module, args, output):
        return None


class NoCopies(Base):
    def __init__(self):
        super().__init__()
        self.generator = (i for i in range(3))


class ForgetfulCopies(Base):
    def __deepcopy__(self, memo):
        return type(self)()  # new random weights


class Stubborn(Base):
    def train(self, mode=True):
        super().train(mode)
        self.norm.train(False)
        return self


class Renamed(Base):
    def __init__(self):
        super().__init__()
        self.fc = self.head
        del self.head

    def forward(self, x):
        return self.fc(self.norm(self.conv(x)).mean((2, 3)))


class Understanding(Renamed):
    def _load_from_state_dict(self, state, prefix, *args):
        for key in [key for key in state if key.startswith(prefix + "head.")]:
            state[key.replace("head.", "fc.")] = state.pop(key)
        super()._load_from_state_dict(state, prefix, *args)

    def load_state_dict(self, state, strict=True, assign=False):
        return super().load_state_dict({key.replace("head.", "fc."): value for key, value in state.items()}, strict)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(3, 3)
        self.two = self.one
        self.three = nn.Linear(3, 3)
        self.three.weight = self.one.weight

    def forward(self, x):
        return self.three(self.two(x))


class Unscriptable(Base):
    def forward(self, x, **kwargs):
        return super().forward(x)


class Unexportable(Base):
    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else super().forward(-x)


def observe(build, inputs=lambda: ((torch.randn(2, 3, 5, 5),), {}), **keywords):
    return contracts.observe(Case("case", build, inputs), **keywords)["contracts"]


def test_describes_what_is_registered():
    found = observe(Base)
    assert found["state_dict"][:3] == [
        ["conv.weight", "parameter", "float32", [4, 3, 3, 3]],
        ["conv.bias", "parameter", "float32", [4]],
        ["norm.weight", "parameter", "float32", [4]],
    ]
    assert ["norm.num_batches_tracked", "buffer", "int64", []] in found["state_dict"]
    assert found["buffers"] == [["scale", "float32", [1]]]
    assert [name for name, *_ in found["parameters"]][-2:] == ["head.weight", "head.bias"]
    assert found["modules"][1:4] == [
        ["conv", "torch.nn.modules.conv.Conv2d", True],
        ["norm", "torch.nn.modules.batchnorm.BatchNorm2d", True],
        ["act", "torch.nn.modules.activation.ReLU", False],
    ]
    assert found["modes"] == {"eval": [], "train": []}
    assert found["copies"] == {"deepcopy": "works", "pickle": "works"}
    assert found["hooks"] == {"built": [], "run": []}
    assert found["run"] == "works"
    assert found["strict_load"] == {"own": "works"}
    assert "compile" not in found


def test_order_and_types_show():
    def reordered():
        model = Base()
        model.conv = model._modules.pop("conv")
        return model

    def frozen():
        model = Base().half()
        model.head.bias.requires_grad_(False)
        return model

    assert [row[0] for row in observe(reordered)["parameters"]] != [row[0] for row in observe(Base)["parameters"]]
    assert [row[0] for row in observe(reordered)["modules"]] != [row[0] for row in observe(Base)["modules"]]
    assert ["head.bias", "float16", [2], False] in observe(frozen)["parameters"]


def test_names_what_is_hidden_and_which_modes_it_misses():
    found = observe(Hiding, lambda: ((torch.randn(2, 3),), {}))
    assert found["hidden"]["modules"] == ["layers.0", "layers.1"]
    assert set(found["hidden"]["tensors"]) == {"layers.0.weight", "layers.0.bias", "weight"}
    assert found["modes"] == {"eval": ["layers.0", "layers.1"], "train": []}
    assert [row[0] for row in found["state_dict"]] == ["shown.weight", "shown.bias"]


def test_a_module_that_does_not_follow_train_is_named():
    assert observe(Stubborn)["modes"] == {"eval": [], "train": ["norm"]}


def test_hooks_that_a_run_leaves_are_seen():
    found = observe(LeavesHooks)["hooks"]
    assert found["built"] == []
    assert found["run"] == ["conv/_forward_hooks: LeavesHooks.watch"] * 2  # one a pass


def test_hooks_of_a_constructor_are_told_apart():
    def build():
        model = Base()
        model.head.weight.register_hook(lambda grad: grad)
        model.norm.register_forward_pre_hook(LeavesHooks.watch)
        return model

    found = observe(build)["hooks"]["built"]
    assert "norm/_forward_pre_hooks: LeavesHooks.watch" in found
    assert any(hook.startswith("head.weight/_backward_hooks: ") for hook in found)


def test_copies_that_fail_and_copies_that_are_none():
    assert observe(NoCopies)["copies"]["deepcopy"].startswith("TypeError: cannot pickle 'generator'")
    assert "generator" in observe(NoCopies)["copies"]["pickle"]
    assert observe(ForgetfulCopies)["copies"] == {
        "deepcopy": "`conv.weight` has other values in the copy",
        "pickle": "works",
    }


def test_large_models_are_not_copied(monkeypatch):
    monkeypatch.setattr(contracts, "LARGEST_COPY", 100)
    assert observe(Base)["copies"]["pickle"].startswith("not tried")


@pytest.mark.parametrize(("after", "works"), [(Base, True), (Renamed, False), (Understanding, True)])
def test_checkpoints_are_loaded_both_ways(tmp_path, after, works):
    first = observe(Base, exchange=str(tmp_path), side="before")
    assert first["strict_load"] == {"own": "works"}
    second = observe(after, exchange=str(tmp_path), side="after")["strict_load"]
    assert second["own"] == "works"
    assert (second["before"] == "works") is works
    if not works:
        assert "fc.weight" in second["before"]
    back = contracts.load_strictly(Case("case", Base, tuple), exchange=str(tmp_path), side="before")["strict_load"]
    assert (back["after"] == "works") is (after is Base)


def test_sharing_is_named():
    found = observe(Tied, lambda: ((torch.randn(2, 3),), {}))
    assert found["shared"] == {"two": "one", "three.weight": "one.weight"}
    assert [row[0] for row in found["parameters"]] == ["one.weight", "one.bias", "three.bias"]


def test_views_of_one_memory_are_shared():
    class Views(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("all", torch.arange(6.0))
            self.register_buffer("first", self.all[:3])
            self.register_buffer("copy", self.all[:3].clone())

        def forward(self, x):
            return x * self.first

    assert observe(Views, lambda: ((torch.randn(2, 3),), {}))["views"] == {"first": "all"}


def test_a_model_that_cannot_run_still_has_contracts():
    found = observe(Base, lambda: ((torch.randn(2, 9, 5, 5),), {}))
    assert found["run"].startswith("RuntimeError: ")
    assert found["state_dict"]


@pytest.mark.slow  # export loads torch's compiler
def test_compilers_work_or_say_why_not():
    assert observe(Base, compile=True)["compile"] == {"script": "works", "export": "works"}
    assert observe(Unscriptable, compile=True)["compile"]["script"] != "works"
    assert observe(Unexportable, compile=True)["compile"]["export"] != "works"


def test_a_compiler_is_interrupted():
    def forever():
        while True:
            copy.copy(1)

    assert contracts._within(0.05, forever) == "not tried: it takes more than 0.05 s"


def test_scripting_alone(monkeypatch):
    monkeypatch.setattr(contracts, "_export", lambda *rest: "not tried")
    assert observe(Base, compile=True)["compile"]["script"] == "works"
    assert "kwargs" in observe(Unscriptable, compile=True)["compile"]["script"]
