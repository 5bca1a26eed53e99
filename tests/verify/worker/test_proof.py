"""Proofs of whole models: pairs that must be proved equal, and pairs that differ in one way and must not be."""

import collections
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from _modfix_worker import Case, UnsupportedError
from _modfix_worker.proof import RUNGS, observe
from pairs import differing, prove
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

MOST_ON_FAKES = ["fake", *(pytest.param(rung, marks=pytest.mark.slow) for rung in RUNGS if rung != "fake")]
X = torch.arange(32.0).reshape(2, 4, 4) / 7 - 2


def model(forward, **members):
    """A class of modules with these members (made by functions, in order) and this forward."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            for name, make in members.items():
                made = make()
                self.register_buffer(name, made) if type(made) is torch.Tensor else setattr(self, name, made)

        def forward(self, *args, **kwargs):
            return forward(self, *args, **kwargs)

    return Model


def linear():
    return nn.Linear(4, 4)


def net():
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 4))


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


class WrongTwice(Twice):
    @staticmethod
    def backward(ctx, grad):
        return grad * 3


class Counting(nn.Module):
    """Adds one more at each call."""

    def __init__(self, step):
        super().__init__()
        self.calls, self.step = 0, step

    def forward(self, x):
        self.calls += self.step
        return x + min(self.calls, 3)


class Remembering(nn.Module):
    """Adds what the call before left, where ``uses`` says so."""

    def __init__(self, uses, of_class=0.0):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.state = None
        self.uses, self.of_class = uses, of_class

    def forward(self, x):
        out = self.a(x)
        if self.uses(self):
            out = out + (self.of_class if self.state is None else self.state)
        self.state = self.a(x).detach()
        return out


def hooked(grad_of, factor=2):
    def forward(self, x):
        y = self.a(x)
        grad_of(x, y).register_hook(lambda grad: grad * factor)
        return y

    return model(forward, a=linear)


def _accumulate(order):
    def forward(self, x):
        y = x * 2
        parts = {"sin": y.sin, "cos": y.cos, "exp": y.exp}
        a, b, c = (parts[name]() for name in order)
        named = dict(zip(order, (a, b, c), strict=True))
        return named["sin"], named["cos"], named["exp"]

    return model(forward)


def _writes_argument(self, x):
    x.mul_(2)
    return x + 1


def _array_changed(x, number):
    array = numpy.zeros(4, dtype="float32")
    constant = torch.from_numpy(array)
    y = x + constant
    array[0] = number
    return y + constant


def _product(x, enabled):
    with torch.backends.mkldnn.flags(enabled=enabled):
        return x @ x


def _array_copied(x, before):
    array = numpy.zeros(4, dtype="float32")
    constant = torch.from_numpy(array)
    if before:
        array[0] = 1
    copy = constant.clone()
    array[0] = 1
    return x + copy


def _grown(number):
    y = torch.full((2,), number).resize_(4)
    y[2:] = 0
    return y


def _hooked_once():
    layer = linear()
    layer.weight.register_hook(lambda grad: grad * 2)
    return layer


def _reads_view_of_buffer(self, x):
    self.b = self.a[:]
    self.a.add_(1)
    return x + self.b


EQUAL = {
    "relu": (
        model(lambda self, x: functional.relu(self.a(x)), a=linear),
        model(lambda self, x: self.b(self.a(x)), a=linear, b=nn.ReLU),
    ),
    "identity": (
        model(lambda self, x: self.a(x), a=linear),
        model(lambda self, x: self.b(self.a(x)), a=linear, b=nn.Identity),
    ),
    "list and ModuleList": (
        model(lambda self, x: self.a[1](self.a[0](x)), a=lambda: [linear(), linear()]),
        model(lambda self, x: self.a[1](self.a[0](x)), a=lambda: nn.ModuleList([linear(), linear()])),
    ),
    "dict and ModuleDict": (
        model(lambda self, x: self.a["k"](x), a=lambda: {"k": linear()}),
        model(lambda self, x: self.a["k"](x), a=lambda: nn.ModuleDict({"k": linear()})),
    ),
    "plain attribute and buffer": (
        model(lambda self, x: x + self.a[0], a=lambda: [torch.ones(4)]),
        model(lambda self, x: x + self.get_buffer("a.0"), a=lambda: _with_buffer("0", torch.ones(4))),
    ),
    "dropout": (
        model(lambda self, x: functional.dropout(x, 0.3, self.training)),
        model(lambda self, x: self.a(x), a=lambda: nn.Dropout(0.3)),
    ),
    "checkpoint": (
        model(lambda self, x: self.a(x), a=lambda: nn.Sequential(linear(), nn.Dropout(), nn.ReLU())),
        model(
            lambda self, x: checkpoint(self.a, x, use_reentrant=False),
            a=lambda: nn.Sequential(linear(), nn.Dropout(), nn.ReLU()),
        ),
    ),
    "reentrant checkpoint": (
        model(lambda self, x: self.a(x), a=lambda: nn.Sequential(linear(), nn.ReLU())),
        model(lambda self, x: checkpoint(self.a, x, use_reentrant=True), a=lambda: nn.Sequential(linear(), nn.ReLU())),
    ),
    "custom function": (model(lambda self, x: x * 2), model(lambda self, x: Twice.apply(x))),
    "relu6": (
        model(lambda self, x: functional.relu6(self.a(x)), a=linear),
        model(lambda self, x: self.b(self.a(x)), a=linear, b=nn.ReLU6),
    ),
    "softplus": (
        model(lambda self, x: functional.softplus(self.a(x)), a=linear),
        model(lambda self, x: self.b(self.a(x)), a=linear, b=nn.Softplus),
    ),
    "number of another type": (model(lambda self, x: x * 2 + 1), model(lambda self, x: x * 2.0 + 1.0)),
    "dimension from the end": (
        model(lambda self, x: self.a(x).flatten(1).softmax(-1).topk(2, dim=1).values.sum(-1), a=linear),
        model(lambda self, x: self.a(x).flatten(1).softmax(1).topk(2, dim=-1).values.sum(1), a=linear),
    ),
    "swapped product that is broadcast": (
        model(lambda self, x: self.a(x) * x.sum(1, True), a=linear),
        model(lambda self, x: x.sum(1, True) * self.a(x), a=linear),
    ),
    "swapped sum": (
        model(lambda self, x: x + self.a(x), a=linear),
        model(lambda self, x: self.a(x) + x, a=linear),
    ),
    "keyword": (
        model(lambda self, x: torch.sum(x, -1, True)),
        model(lambda self, x: x.sum(dim=-1, keepdim=True)),
    ),
    "initialised twice alike": (
        model(lambda self, x: self.a(x), a=lambda: nn.init.zeros_(linear().weight) is None or linear()),
        model(lambda self, x: self.a(x), a=lambda: nn.init.constant_(linear().weight, 0.0) is None or linear()),
    ),
    "empty parameter": (
        model(lambda self, x: x @ self.a, a=lambda: nn.Parameter(torch.empty(4, 4))),
        model(lambda self, x: x @ self.a, a=lambda: nn.Parameter(torch.empty(4, 4))),
    ),
}


def _with_buffer(name, tensor):
    module = nn.Module()
    module.register_buffer(name, tensor, persistent=False)
    return module


@pytest.mark.parametrize("rung", MOST_ON_FAKES)
@pytest.mark.parametrize("name", EQUAL)
def test_equal(name, rung):
    before, after = EQUAL[name]
    if name == "empty parameter" and rung == "real":
        pytest.skip("garbage has other bits each time")
    assert differing(prove(before, X, rung=rung), prove(after, X, rung=rung)) == []


DIFFERENT = {
    "type of a number beside integers": (
        model(lambda self, x: (x > 0).long() * 2),
        model(lambda self, x: (x > 0).long() * 2.0),
        "eval/output:",
    ),
    "relu6": (net, lambda: nn.Sequential(*net()[:2], nn.ReLU6(), *net()[3:]), "train/output:"),
    "batch norm eps": (net, lambda: nn.Sequential(net()[0], nn.BatchNorm1d(4, eps=1e-3), *net()[2:]), "eval/output:"),
    "batch norm momentum": (
        net,
        lambda: nn.Sequential(net()[0], nn.BatchNorm1d(4, momentum=0.2), *net()[2:]),
        "train/state:1.running_mean",
    ),
    "lost dropout": (net, lambda: nn.Sequential(*net()[:3], nn.Identity(), net()[4]), "train/output:"),
    "dropout rate": (net, lambda: nn.Sequential(*net()[:3], nn.Dropout(0.4), net()[4]), "train/output:"),
    "dropout in eval": (
        model(lambda self, x: functional.dropout(x, 0.5, self.training)),
        model(lambda self, x: functional.dropout(x, 0.5)),
        "eval/output:",
    ),
    "detached": (
        model(lambda self, x: self.a(x) + x, a=linear),
        model(lambda self, x: self.a(x).detach() + x, a=linear),
        "eval/grad:a.weight",
    ),
    "no_grad": (
        model(lambda self, x: self.a(x) + x, a=linear),
        model(lambda self, x: torch.no_grad()(self.a)(x) + x, a=linear),
        "train/grad:a.bias",
    ),
    "extra draw": (
        model(lambda self, x: self.a(x), a=linear),
        model(lambda self, x: (torch.rand(1), self.a(x))[1], a=linear),
        "eval/rng",
    ),
    "extra draw at build": (
        model(lambda self, x: self.a(x), a=linear),
        model(lambda self, x: self.a(x), a=lambda: (torch.rand(1), linear())[1]),
        "build/state:a.weight",
    ),
    "order of initialisation": (
        model(lambda self, x: self.a(self.b(x)), a=linear, b=linear),
        model(lambda self, x: self.a(self.b(x)), b=linear, a=linear),
        "build/state:a.weight",
    ),
    "initialisation": (
        model(lambda self, x: x @ self.a, a=lambda: nn.Parameter(torch.zeros(4, 4))),
        model(lambda self, x: x @ self.a, a=lambda: nn.Parameter(torch.ones(4, 4))),
        "build/state:a",
    ),
    "frozen parameter": (
        model(lambda self, x: x @ self.a, a=lambda: nn.Parameter(torch.zeros(4, 4))),
        model(lambda self, x: x @ self.a, a=lambda: nn.Parameter(torch.zeros(4, 4), requires_grad=False)),
        "build/state:a",
    ),
    "constant": (
        model(lambda self, x: x + torch.tensor([1.0, 2, 3, 4])),
        model(lambda self, x: x + torch.tensor([1.0, 2, 3, 5])),
        "eval/output:",
    ),
    "buffer": (
        model(lambda self, x: x + self.a, a=lambda: torch.tensor([1.0, 2, 3, 4])),
        model(lambda self, x: x + self.a, a=lambda: torch.tensor([1.0, 2, 3, 5])),
        "build/state:a",
    ),
    "shared module": (
        model(lambda self, x: self.a[1](self.a[0](x)), a=lambda: nn.ModuleList([linear(), linear()])),
        model(lambda self, x: self.a[1](self.a[0](x)), a=lambda: nn.ModuleList([linear()] * 2)),
        "eval/output:",
    ),
    "untied weights": (
        model(lambda self, x: functional.linear(self.a(x), self.a.weight), a=linear),
        model(lambda self, x: functional.linear(self.a(x), self.b), a=linear, b=lambda: nn.Parameter(linear().weight)),
        "eval/output:",
    ),
    "swapped operands": (
        model(lambda self, x: self.a(x) - x, a=linear),
        model(lambda self, x: x - self.a(x), a=linear),
        "eval/output:",
    ),
    "swapped layers": (
        model(lambda self, x: self.b(self.a(x)), a=linear, b=linear),
        model(lambda self, x: self.a(self.b(x)), a=linear, b=linear),
        "eval/output:",
    ),
    "backward of a custom function": (
        model(lambda self, x: Twice.apply(x)),
        model(lambda self, x: WrongTwice.apply(x)),
        "eval/input-grad:0",
    ),
    "tensor hook": (hooked(lambda x, y: y), hooked(lambda x, y: y, 3), "eval/grad:a.weight"),
    "place of a hook": (hooked(lambda x, y: y), hooked(lambda x, y: x), "eval/grad:a.weight"),
    "order of three gradients": (
        _accumulate(["sin", "cos", "exp"]),
        _accumulate(["exp", "cos", "sin"]),
        "eval/input-grad:0",
    ),
    "argument written": (model(lambda self, x: x * 2 + 1), model(_writes_argument), "eval/input:0"),
    "alias of the input": (model(lambda self, x: x), model(lambda self, x: x.clone()), "eval/aliasing"),
    "array changed between two reads": (
        model(lambda self, x: _array_changed(x, 1)),
        model(lambda self, x: _array_changed(x, 2)),
        "eval/output:",
    ),
    "array changed before and after a copy": (
        model(lambda self, x: _array_copied(x, True)),
        model(lambda self, x: _array_copied(x, False)),
        "eval/output:",
    ),
    "storage and offset": (
        model(lambda self, x: torch.empty(0).set_(x.detach().untyped_storage(), 0, (4,), (1,)) * 2),
        model(lambda self, x: torch.empty(0).set_(x.detach().untyped_storage(), 4, (4,), (1,)) * 2),
        "eval/output:",
    ),
    "resized": (model(lambda self, x: _grown(1.0)), model(lambda self, x: _grown(2.0)), "eval/output:"),
    "oneDNN off": (
        model(lambda self, x: _product(x, True)),
        model(lambda self, x: _product(x, False)),
        "eval/output:",
    ),
    "hook that stays": (
        model(lambda self, x: (self.a.weight.register_hook(lambda grad: grad * 2), self.a(x))[1], a=linear),
        model(lambda self, x: self.a(x), a=_hooked_once),
        "again/grad:a.weight",
    ),
    "view of a buffer": (
        model(lambda self, x: (self.a.add_(1), x + self.b[0])[1], a=lambda: torch.ones(4), b=lambda: [torch.ones(4)]),
        model(_reads_view_of_buffer, a=lambda: torch.ones(4)),
        "eval/output:",
    ),
    "carried state": (lambda: Counting(1), lambda: Counting(0), "eval/output:"),
    "state kept in eval mode": (
        lambda: Remembering(lambda self: self.training and self.state is not None),
        lambda: Remembering(lambda self: self.state is not None),
        "later/output:",
    ),
    "state that only an eval call sets up": (
        lambda: Remembering(lambda self: False),
        lambda: Remembering(lambda self: self.training and self.state is None, of_class=2.0),
        "fresh/output:",
    ),
    "carried state, later": (lambda: Counting(2), lambda: Counting(3), "eval/output:"),
    "key of the output": (
        model(lambda self, x: {"a": x, "b": x + 1}),
        model(lambda self, x: {"a": x, "c": x + 1}),
        "eval/structure",
    ),
    "order of keys": (
        model(lambda self, x: {"a": x, "b": x + 1}),
        model(lambda self, x: {"b": x + 1, "a": x}),
        "eval/structure",
    ),
    "tuple and list": (model(lambda self, x: (x, x + 1)), model(lambda self, x: [x, x + 1]), "eval/structure"),
    "number in the output": (model(lambda self, x: (x, 1)), model(lambda self, x: (x, 2)), "eval/output:1"),
    "autocast": (
        model(lambda self, x: self.a(x), a=linear),
        model(lambda self, x: torch.autocast("cpu", dtype=torch.bfloat16)(self.a)(x), a=linear),
        "eval/output:",
    ),
    "default dtype": (
        model(lambda self, x: x + self.a, a=lambda: torch.zeros(4)),
        model(lambda self, x: x + self.a, a=lambda: torch.zeros(4, dtype=torch.float64)),
        "build/state:a",
    ),
    "inference mode": (
        model(lambda self, x: x.detach() * 2),
        model(lambda self, x: torch.inference_mode()(lambda: x.detach() * 2)()),
        "eval/structure",
    ),
    "hidden modules in eval": (
        model(lambda self, x: self.a[0](x), a=lambda: [nn.Dropout()]),
        model(lambda self, x: self.a[0](x), a=lambda: nn.ModuleList([nn.Dropout()])),
        "eval/output:",
    ),
    "seeded in forward": (
        model(lambda self, x: functional.dropout(x)),
        model(lambda self, x: (torch.manual_seed(1), functional.dropout(x))[1]),
        "eval/output:",
    ),
    "generators not restored": (
        model(lambda self, x: _draw_in_fork(x, True)),
        model(lambda self, x: _draw_in_fork(x, False)),
        "eval/output:",
    ),
}


def _draw_in_fork(x, fork):
    with torch.random.fork_rng(enabled=fork):
        x = functional.dropout(x, 0.3)
    return functional.dropout(x, 0.4)


@pytest.mark.parametrize("rung", MOST_ON_FAKES)
@pytest.mark.parametrize("name", DIFFERENT)
def test_different(name, rung):
    before, after, item = DIFFERENT[name]
    x = X[0] if before is net else X
    found = differing(prove(before, x, rung=rung), prove(after, x, rung=rung))
    assert item in found


@pytest.mark.parametrize("rung", RUNGS)
def test_same_in_another_process(rung, tmp_path):
    program = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); import conftest, torch\n"
        "from pairs import prove\nfrom torch import nn\n"
        "build = lambda: nn.Sequential(nn.LSTM(4, 4, batch_first=True, dropout=0.0))\n"
        "print(json.dumps(prove(build, torch.ones(2, 3, 4), rung=sys.argv[2])))"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, str(Path(__file__).parent), rung]
    first, second = (json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(2))
    assert first == second
    assert len(first) > 20


Pair = collections.namedtuple("Pair", ["first", "second"])


@dataclass
class Result:
    logits: Any
    extra: Any = None


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda x: Pair(x, x + 1), "second"),
        (lambda x: Result(x + 1), "logits"),
        (lambda x: Slotted(x + 1), "value"),
        (lambda x: [{"a": (x, [x + 1])}], "0.a.1.0"),
        (lambda x: collections.OrderedDict(k=x + 1), "k"),
        (lambda x: Result({"deep": Slotted(x + 1)}), "logits.deep.value"),
    ],
)
def test_outputs_of_any_kind(make, path):
    items = prove(model(lambda self, x: make(x)), X)
    assert f"eval/output:{path}" in items
    other = prove(model(lambda self, x: make(x * 2)), X)
    assert f"eval/output:{path}" in differing(items, other)


def test_generator_as_output_is_refused():
    with pytest.raises(UnsupportedError, match="cannot be looked into"):
        prove(model(lambda self, x: (y for y in [x])), X)


@pytest.mark.parametrize("rung", ["fake", "meta"])
def test_value_of_a_fake_tensor_is_refused(rung):
    with pytest.raises(UnsupportedError, match="_local_scalar_dense"):
        prove(model(lambda self, x: x * 2 if x.sum() > 0 else x), X, rung=rung)


@pytest.mark.parametrize("rung", ["fake", "meta"])
def test_swallowed_refusal_is_a_refusal(rung):
    def forward(self, x):
        try:
            return x * 2 if x.sum() > 0 else x
        except Exception:
            return x

    with pytest.raises(UnsupportedError, match="_local_scalar_dense"):
        prove(model(forward), X, rung=rung)


def test_values_that_steer_are_items_on_real_tensors():
    before = model(lambda self, x: x * 2 if x.sum() > -1e9 else x)
    after = model(lambda self, x: x * 2 if x.mean() > -1e9 else x)
    assert "eval/control" in differing(prove(before, X, rung="real"), prove(after, X, rung="real"))
    assert differing(prove(before, X, rung="real"), prove(before, X, rung="real")) == []


def test_bits_written_past_the_recorder_show_on_real_tensors():
    def writing(number):
        def forward(self, x):
            y = torch.zeros(4)
            y.numpy()[0] = number
            return x + y

        return model(forward)

    assert "eval/output:" in differing(prove(writing(1), X, rung="real"), prove(writing(2), X, rung="real"))


@pytest.mark.parametrize("rung", RUNGS)
def test_constant_on_the_meta_device_is_never_known_by_its_shape(rung):
    """Its values are lost: a refusal, or, where the constant can be caught in time, two different values."""

    def build(number):
        return model(lambda self, x: x + self.a.to(x.device), a=lambda: torch.tensor([number] * 4, device="meta"))

    try:
        found = differing(prove(build(1.0), X, rung=rung), prove(build(2.0), X, rung=rung))
    except (UnsupportedError, NotImplementedError):
        return
    assert any("error" in key or "output" in key for key in found)


def test_exception_is_an_item_on_real_tensors():
    items = prove(model(lambda self, x: x @ x.new_zeros(3, 3)), X, rung="real")
    assert items["eval/error"].startswith("RuntimeError: ")
    with pytest.raises(UnsupportedError):
        prove(model(lambda self, x: x @ x.new_zeros(3, 3)), X, rung="fake")


def test_model_is_as_before_on_fakes():
    made = []

    def build():
        module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
        module.hidden = [torch.ones(2)]
        state = {name: (id(t), t.clone()) for name, t in module.state_dict(keep_vars=True).items()}
        made.append((module, state, module.hidden[0]))
        return module

    prove(build, X[0])
    assert made
    for module, before, hidden in made:
        for name, tensor in module.state_dict(keep_vars=True).items():
            assert id(tensor) == before[name][0]
            assert torch.equal(tensor, before[name][1])
            assert tensor.grad is None
        assert module.hidden[0] is hidden
        assert not module[0]._forward_hooks


def test_records_name_module_and_line():
    observation = observe(Case("c", net, lambda: ((X[0],), {})), rung="fake", root=str(Path(__file__).parent))
    backward = [r for r in observation["records"] if r[5] == "train" and r[6] == "NativeBatchNormBackward0"]
    assert [r[2] for r in backward] == ["1"]
    assert observation["operators"] == len(observation["records"]) > 20

    located = observe(Case("c", EQUAL["relu"][0], lambda: ((X,), {})), rung="fake", root=str(Path(__file__).parent))
    relu = next(r for r in located["records"] if r[1] == "aten.relu")
    back = next(r for r in located["records"] if r[1] == "aten.threshold_backward")
    assert relu[3] == "test_proof.py"
    assert relu[4] == back[4] > 0


def test_order_of_draws_can_be_let_go():
    first = model(lambda self, x: self.a(self.b(x)), a=linear, b=lambda: nn.Linear(4, 4, bias=False))
    second = model(lambda self, x: self.a(self.b(x)), b=lambda: nn.Linear(4, 4, bias=False), a=linear)
    strict = differing(prove(first, X), prove(second, X))
    assert "build/state:a.weight" in strict
    assert differing(prove(first, X, strict_rng=False), prove(second, X, strict_rng=False)) == []


def test_two_parameters_of_one_draw_are_not_two_draws():
    def shared():
        weight = torch.randn(4, 4)
        return nn.ParameterList([weight.clone(), weight.clone()])

    def separate():
        return nn.ParameterList([torch.randn(4, 4), torch.randn(4, 4)])

    def forward(self, x):
        return x @ self.a[0] @ self.a[1]

    found = differing(
        prove(model(forward, a=shared), X, strict_rng=False), prove(model(forward, a=separate), X, strict_rng=False)
    )
    assert found == ["build/draws"]


def test_two_masks_of_one_draw_are_not_two_draws():
    def once(self, x):
        return functional.dropout(x) * 2

    def twice(self, x):
        return functional.dropout(x) + functional.dropout(x)

    def shared(self, x):
        y = functional.dropout(x)
        return y + y

    assert differing(prove(model(twice), X, strict_rng=False), prove(model(twice), X, strict_rng=False)) == []
    found = differing(prove(model(twice), X, strict_rng=False), prove(model(shared), X, strict_rng=False))
    assert "train/draws" in found
    assert differing(prove(model(once), X, strict_rng=False), prove(model(twice), X, strict_rng=False))


def test_hidden_modules_can_be_made_to_follow():
    before = model(lambda self, x: self.a[0](x), a=lambda: [nn.Dropout()])
    after = model(lambda self, x: self.a[0](x), a=lambda: nn.ModuleList([nn.Dropout()]))
    assert differing(prove(before, X, hidden_follow=True), prove(after, X, hidden_follow=True)) == []


def test_inputs_may_be_integers_and_nested():
    embed = model(lambda self, batch, scale=1: self.a(batch["ids"][0]) * scale, a=lambda: nn.Embedding(5, 3))
    ids = torch.tensor([1, 2])
    items = prove(embed, lambda: {"ids": [ids.clone()]}, kwargs={"scale": 2})
    assert "eval/input:0.ids.0" in items
    assert "eval/input-grad:0.ids.0" not in items
    assert "eval/output:" in differing(items, prove(embed, lambda: {"ids": [ids.clone()]}, kwargs={"scale": 3}))


def _state_of_a_graph(self, x):
    self.seen.add_(x.sum())
    return x * 2


def test_what_a_call_leaves_behind_shows():
    def items(forward):
        case = Case("", model(forward, seen=lambda: torch.zeros(1)), lambda: ((X.clone(), {"calls": 1}), {}))
        return observe(case, rung="fake")["items"]

    plain = items(lambda self, x, cache: x * 2)
    assert not [key for key in plain if "/graph" in key]
    assert "eval/graph:seen" in items(lambda self, x, cache: _state_of_a_graph(self, x))
    assert items(lambda self, x, cache: cache.update(calls=2) or x * 2)["eval/argument:1.calls"] == "2"
    assert items(lambda self, x, cache: cache.update(more=x) or x * 2)["eval/argument"] != plain["eval/argument"]
    switched = items(lambda self, x, cache: (torch.set_grad_enabled(False) and None) or x * 2)
    assert switched["eval/settings"] != plain["eval/settings"]
    assert torch.is_grad_enabled()


def test_code_that_asks_for_the_meta_device_is_not_proved_there() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2, 3))
            nn.init.trunc_normal_(self.weight, std=0.02)  # does nothing on the meta device

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.weight

    case = Case("net", Net, lambda: ((torch.randn(2, 3),), {}))
    with pytest.raises(UnsupportedError, match="asks whether a tensor is on the meta device"):
        observe(case, rung="meta")
    assert "build/state:weight" in observe(case, rung="fake")["items"]
