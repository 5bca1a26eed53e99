"""What numbers see: each wrong rewrite of the table in the verifier's design, and what each kind of input is for."""

import pytest
import torch
from _modfix_worker import Case, UnsupportedError, kept, numeric
from torch import nn
from torch.nn import functional as F  # noqa: N812  # its usual name


class Net(nn.Module):
    """A small convolutional net; options are the wrong rewrites."""

    def __init__(self, act=F.relu, *, momentum=0.1, eps=1e-5, norm_eps=1e-5, forward=None):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.bn = nn.BatchNorm2d(6, momentum=momentum, eps=eps)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.LayerNorm(6, eps=norm_eps)
        self.head = nn.Linear(6, 4)
        self.act = act
        self.change = forward or (lambda net, x: x)

    def forward(self, x):
        x = self.act(self.bn(self.conv(x)))
        x = self.change(self, x)
        return {"logits": self.head(self.drop(self.norm(x.mean((2, 3))))), "features": [x]}


class LosesDropout(Net):
    def __init__(self):
        super().__init__()
        self.drop = nn.Identity()


class AlwaysDrops(Net):
    def __init__(self):
        super().__init__()
        del self.drop

    def drop(self, x):
        return F.dropout(x, 0.5)


class Lists(Net):
    """Keeps its layers where `nn.Module` does not look."""

    def __init__(self):
        super().__init__()
        self.layers = [self._modules.pop("head"), self._modules.pop("drop")]

    def __getattr__(self, name):
        if name in ("head", "drop"):
            return self.layers[name == "drop"]
        return super().__getattr__(name)


def images():
    return (torch.randn(2, 3, 8, 8),), {}


def run(build, inputs=images, **keywords):
    return numeric.observe(Case("case", build, inputs), **keywords)


def changed(build, **keywords):
    """The phases and kinds in which a rewrite differs."""
    before, after = run(Net, **keywords)["items"], run(build, **keywords)["items"]
    keys = [key.partition("/")[2] for key in before if before.get(key) != after.get(key)]
    return {key.partition(":")[0] for key in keys} | ({"keys"} if before.keys() != after.keys() else set())


def _extra_draw(net, x):
    if net.training:
        torch.rand(1)
    return x


def _in_place(net, x):
    x = x.clone()
    x += 0
    return x


WRONG = {
    "leaky": (lambda: Net(act=lambda x: F.leaky_relu(x, 0.001)), "eval/output"),
    "tanh gelu": (lambda: Net(act=F.gelu), "eval/output"),
    "batch norm eps": (lambda: Net(eps=1e-4), "eval/output"),
    "layer norm eps": (lambda: Net(norm_eps=1e-6), "eval/output"),
    "batch norm momentum": (lambda: Net(momentum=0.2), "train/state"),
    "detached": (lambda: Net(forward=lambda net, x: x.detach()), "eval/grad"),
    "extra draw": (lambda: Net(forward=_extra_draw), "train/output"),
    "lost dropout": (LosesDropout, "train/output"),
    "dropout in eval": (AlwaysDrops, "eval/output"),
    "swapped": (lambda: Net(forward=lambda net, x: x.transpose(2, 3)), "eval/output"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rewrite_differs(name):
    build, first = WRONG[name]
    assert first in changed(build)


def test_momentum_shows_in_buffers_before_it_shows_in_outputs():
    differs = changed(lambda: Net(momentum=0.2))
    assert {"train/output", "train/grad", "eval/output"}.isdisjoint(differs)
    assert {"train/state", "again/state", "step/state"} <= differs


def test_only_large_inputs_tell_relu6_from_relu():
    assert not changed(lambda: Net(act=F.relu6))
    assert "eval/output" in changed(lambda: Net(act=F.relu6), scale=30)


class Limited(nn.Module):
    """Limits that neither its initial weights nor its gradients come near to."""

    def __init__(self, limit_weight=True, limit_gradient=True, sign=torch.sign):
        super().__init__()
        self.fc = nn.Linear(16, 16)
        self.norm = nn.BatchNorm1d(16)
        self.limits = limit_weight, limit_gradient, sign

    def forward(self, x):
        limit_weight, limit_gradient, sign = self.limits
        weight = self.fc.weight.clamp(-1, 1) if limit_weight else self.fc.weight
        h = self.norm(F.linear(x.flatten(1)[:, :16], weight, self.fc.bias)) + sign(self.fc.weight).sum()
        if limit_gradient and h.requires_grad:
            h.register_hook(lambda grad: grad.clamp(-5, 5))
        return h


@pytest.mark.parametrize(
    "rewrite",
    [
        {"limit_weight": False},
        {"limit_gradient": False},
        {"sign": lambda x: (x >= 0).to(x.dtype) * 2 - 1},
    ],
    ids=["clamp of weights", "clamp of gradients", "sign of zero"],
)
def test_only_wide_numbers_reach_a_limit(rewrite):
    def differs(scale):
        one, two = (run(lambda change=change: Limited(**change), scale=scale)["items"] for change in ({}, rewrite))
        return one != two

    assert not any(differs(scale) for scale in (1, 30, 0))
    assert differs("wide")


def test_only_narrow_numbers_tell_one_eps_from_another():
    def differs(scale):
        one, two = (
            run(lambda eps=eps: Normed(eps), lambda: ((torch.randn(2, 4),), {}), scale=scale)["items"]
            for eps in (1e-12, 1e-3)
        )
        return one != two

    assert not any(differs(scale) for scale in (1, 30, 0, "wide"))
    assert differs("narrow")


class Normed(nn.Module):
    """Weights of length one."""

    def __init__(self, eps):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.eps = eps

    def forward(self, x):
        return F.linear(x, F.normalize(self.fc.weight, eps=self.eps))


def test_no_number_is_no_evidence_where_numbers_are_wide():
    def overflows(x):
        return x * 1e38 * 1e38 - x * 1e38 * 1e38

    items = run(lambda: Net(forward=lambda net, x: overflows(x)), scale="wide")["items"]
    assert items["float32*wide/train/output:logits"] == numeric.NOT_A_NUMBER
    assert items["float32*wide/build/state:conv.weight"].startswith("float32")


class KeepsState(nn.Module):
    """Carries a state from call to call, in both modes unless it is reset."""

    first = None

    def __init__(self, reset=True, first=None):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.reset = reset
        KeepsState.first = first
        self.state = None

    def forward(self, x):
        x = x.flatten(1)[:, :4]
        before = self.first if self.state is None else self.state
        if before is None or (self.reset and not self.training):
            before = torch.zeros_like(x)
        self.state = self.fc(x).detach()
        return self.fc(x + before)


def test_state_that_an_eval_call_should_not_see_shows():
    one, two = (run(lambda reset=reset: KeepsState(reset), scale=30)["items"] for reset in (True, False))
    assert one["float32*30/train/output:"] == two["float32*30/train/output:"]
    assert one["float32*30/eval/output:"] != two["float32*30/eval/output:"]


def test_first_call_in_train_mode_shows():
    one, two = (run(lambda first=first: KeepsState(True, first), scale=30)["items"] for first in (None, torch.ones(4)))
    assert one["float32*30/train/output:"] != two["float32*30/train/output:"]


def test_strides_of_an_output_are_part_of_its_structure():
    class Turned(Net):
        def forward(self, x):
            return super().forward(x)["logits"].t().contiguous().t()

    class Plain(Net):
        def forward(self, x):
            return super().forward(x)["logits"]

    one, two = run(Plain)["items"], run(Turned)["items"]
    assert one["float32*1/eval/output:"] == two["float32*1/eval/output:"]
    assert one["float32*1/eval/structure"] != two["float32*1/eval/structure"]


def test_only_the_probe_tells_what_becomes_of_nan():
    def hides_nan(x):
        return torch.where(x > 0, x, torch.zeros_like(x))

    assert not changed(lambda: Net(act=hides_nan)) - {"eval/grad", "train/grad"}
    assert "eval/output" in changed(lambda: Net(act=hides_nan), scale="probe")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize("scale", [1.0, 30.0, 0.0, "probe"])
def test_repeats_bit_for_bit(dtype, scale):
    one, two = (run(Net, dtype=dtype, scale=scale) for _ in range(2))
    assert one == two
    prefix = f"{dtype}*{scale if scale == 'probe' else format(scale, 'g')}/"
    assert all(key.startswith(prefix) for key in one["items"])
    outputs = [value for key, value in one["items"].items() if "/output:" in key]
    assert all(value.startswith(dtype) for value in outputs)
    assert len(outputs) == (10 if scale == 1 else 4)


def test_rewrites_that_keep_every_bit_are_equal():
    assert not changed(lambda: Net(act=nn.ReLU(inplace=True)))
    assert not changed(lambda: Net(forward=_in_place))


def test_another_seed_gives_other_numbers():
    assert run(Net, seed=1)["items"] != run(Net)["items"]


def test_arguments_that_a_model_writes_to_are_seen():
    def write(x):
        x.add_(1)
        return x * 2

    class Writes(nn.Module):
        def forward(self, x):
            return write(x)

    class Copies(nn.Module):
        def forward(self, x):
            return write(x.clone())

    one, two = run(Writes)["items"], run(Copies)["items"]
    assert next(key for key in one if one[key] != two[key]) == "float32*1/eval/input:0.0"


def test_carried_state_is_seen():
    class Counts(nn.Module):
        def __init__(self, by):
            super().__init__()
            self.by = by
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.calls += self.by
            return x * 2

    one, two = run(lambda: Counts(1))["items"], run(lambda: Counts(2))["items"]
    assert {key for key in one if one[key] != two[key]} == {
        f"float32*1/{phase}/state:calls" for phase in ("eval", "train", "again", "step")
    }


# -- dtypes, devices, arguments ----------------------------------------------------------------------------------------


def test_a_model_that_does_not_run_in_a_dtype_raises_as_it_does():
    class Strict(Net):
        def forward(self, x):
            if x.dtype != torch.float32:
                raise TypeError("float32 only")
            return super().forward(x)

    assert run(Strict)["items"]
    with pytest.raises(TypeError, match="float32 only"):
        run(Strict, dtype="bfloat16")


def test_what_a_model_makes_on_its_way_has_the_dtype_of_the_run():
    class Makes(Net):
        def forward(self, x):
            return super().forward(x)["logits"] @ torch.eye(4)

    assert "bfloat16" in run(Makes, dtype="bfloat16")["items"]["bfloat16*1/eval/output:"]
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("keywords", [{"dtype": "int8"}, {"scale": "huge"}, {"device": "mps"}])
def test_options_that_do_not_exist(keywords):
    with pytest.raises(UnsupportedError):
        run(Net, **keywords)


def test_models_that_do_not_want_gradients_for_their_inputs():
    numpy = pytest.importorskip("numpy")

    class Detour(Net):
        def forward(self, x):
            return super().forward(torch.from_numpy(numpy.flip(x.numpy(), 2).copy()))

    items = run(Detour)["items"]
    assert "float32*1/eval/output:logits" in items
    assert not [key for key in items if "input-grad" in key]
    assert any("/grad:conv.weight" in key for key in items)


def test_a_model_whose_inputs_are_indices_is_scaled_at_its_tables():
    class Text(nn.Module):
        def __init__(self, act):
            super().__init__()
            self.table = nn.Embedding(10, 4)
            self.act = act

        def forward(self, ids):
            return self.act(self.table(ids))

    def ids():
        return (torch.randint(10, (2, 5)),), {}

    one, two = (run(lambda act=act: Text(act), ids)["items"] for act in (F.relu, F.relu6))
    assert one == two
    one, two = (run(lambda act=act: Text(act), ids, scale=30)["items"] for act in (F.relu, F.relu6))
    assert one != two
    assert "every output is constant" in run(lambda: Text(F.relu), ids, scale=0)["vacuous"]


def test_keywords_nesting_and_shared_tensors():
    class Many(nn.Module):
        def forward(self, pair, *, masks):
            a, b = pair
            a += 1  # `b` is the same tensor
            return (a + b) * masks["m"]

    def inputs():
        x = torch.randn(2, 3)
        return ([x, x],), {"masks": {"m": torch.ones(2, 3).bool()}}

    items = run(Many, inputs)["items"]
    assert items["float32*1/eval/input:0.0.0"] == items["float32*1/eval/input:0.0.1"]
    assert items["float32*1/eval/input:1.masks.m"].startswith("bool")


# -- errors and vacuity ------------------------------------------------------------------------------------------------


def test_an_error_in_one_mode_is_an_item():
    class EvalOnly(Net):
        def forward(self, x):
            if self.training:
                raise ValueError("not today at " + hex(id(self)))
            return super().forward(x)

    items = run(EvalOnly)["items"]
    assert items["float32*1/train/error"] == "ValueError: not today at 0x"
    assert "float32*1/eval/output:logits" in items


def test_an_error_of_the_backward_pass_is_an_item():
    class Refuses(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            raise ValueError("no")

    class Model(nn.Module):
        def forward(self, x):
            return Refuses.apply(x)

    assert run(Model)["items"]["float32*1/eval/error"] == "backward: ValueError: no"


def test_a_model_that_never_runs_raises_its_own_error():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("x")

    with pytest.raises(KeyError):
        run(Broken)


def test_a_factory_that_makes_no_module():
    with pytest.raises(UnsupportedError, match=r"no torch\.nn\.Module"):
        run(lambda: len)


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (lambda x: None, "no tensor in the output"),
        (lambda x: x[:0], "every output is empty"),
        (lambda x: x * float("nan"), "every output is NaN"),
        (lambda x: torch.ones(3), "every output is constant"),
        (lambda x: (torch.ones(3), x), None),
        (lambda x: x.sum(), None),
    ],
)
def test_outputs_that_show_nothing(forward, reason):
    class Model(nn.Module):
        def forward(self, x):
            return forward(x)

    assert run(Model).get("vacuous") == reason


def test_memory_that_nobody_initialised_shows_nothing():
    class Forgot(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.Tensor(8, 8))

        def forward(self, x):
            return x @ self.weight

    assert run(Forgot)["vacuous"] == "every output is NaN"


# -- the other side's state, and closeness ------------------------------------------------------------------------------


def test_starts_from_the_state_of_the_other_side(tmp_path):
    def late(net=Net):
        model = net()
        for part in (model.bn, model.norm):
            part.reset_parameters()
        nn.init.normal_(model.conv.weight)  # draws: other numbers than before
        return model

    path = str(tmp_path / "state.pt")
    assert "layers.0.weight" in kept.save_state(Case("case", Lists, images), path=path)["saved"]
    before, after = run(Lists), run(lambda: late(Lists), state=path)
    assert after["transferred"] == {"missing": [], "unused": []}
    differs = [key for key in before["items"] if before["items"][key] != after["items"][key]]
    assert {key.split("/")[1] for key in differs} == {"build"}
    assert run(Net, state=path)["transferred"] == {
        "missing": ["head.weight", "head.bias"],
        "unused": ["layers.0.weight", "layers.0.bias"],
    }


def test_hidden_modules_follow_only_when_asked():
    hidden, registered = run(Lists)["items"], run(Net)["items"]
    assert hidden["float32*1/eval/output:logits"] != registered["float32*1/eval/output:logits"], "dropout stays on"
    follows = run(Lists, hidden_follow=True)["items"]
    assert follows["float32*1/eval/output:logits"] == registered["float32*1/eval/output:logits"]
    assert "float32*1/train/grad:layers.0.weight" in hidden
    assert run(Lists, dtype="float64")["items"]["float64*1/eval/output:logits"].startswith("float64")


def _close(folder, after, dtype="float32", before=Net):
    for name, build, precision in (("b", before, dtype), ("a", after, dtype), ("r", before, "float64")):
        run(build, dtype=precision, keep=str(folder / name))
    return kept.compare_kept(str(folder / "b"), str(folder / "a"), str(folder / "r"), dtype)


class Calm(Net):
    """Without dropout, which draws other numbers in float64."""

    def __init__(self, **options):
        super().__init__(**options)
        self.drop = nn.Identity()


def _other_rounding(net, x):
    return ((x / 3) * 3).flip(3).flip(3)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_other_rounding_is_close(tmp_path, dtype):
    answer = _close(tmp_path, lambda: Calm(forward=_other_rounding), dtype, Calm)
    entry = answer["items"][f"{dtype}*1/eval/output:features.0"]
    assert entry["after"] > 0
    assert entry["close"]
    assert answer["close"], answer["worst"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("options", [{"eps": 1e-2}, {"act": F.gelu}, {"act": lambda x: F.leaky_relu(x, 0.1)}])
def test_another_computation_is_not_close(tmp_path, dtype, options):
    answer = _close(tmp_path, lambda: Calm(**options), dtype, Calm)
    assert not answer["close"]
    assert answer["items"][answer["worst"]]["reason"]


def test_equal_sides_are_close_and_name_no_worst(tmp_path):
    answer = _close(tmp_path, Net)
    assert answer["close"]
    assert answer["worst"] == ""


def test_a_reference_with_other_random_numbers_is_none(tmp_path):
    class Noisy(Net):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def forward(self, x):
            mask = torch.rand(x.shape, dtype=torch.float64 if x.dtype == torch.float64 else torch.float32) > 0.3
            return x * mask * self.factor

    answer = _close(tmp_path, lambda: Noisy(1.1), before=lambda: Noisy(1.0))
    assert "no reference" in answer["items"]["float32*1/train/output:"]["reason"]


def test_shapes_and_lost_items_are_not_close(tmp_path):
    answer = _close(tmp_path, lambda: Calm(forward=lambda net, x: x[:, :, 1:]), before=Calm)
    assert answer["items"]["float32*1/eval/output:features.0"]["reason"] == "shape or dtype differ"
    answer = _close(tmp_path / "more", lambda: Calm(forward=lambda net, x: x.detach()), before=Calm)
    assert answer["items"]["float32*1/eval/grad:conv.weight"]["reason"] == "only the before side has it"
