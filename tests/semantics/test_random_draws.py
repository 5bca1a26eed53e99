"""The table of what draws random numbers is what torch does when it is run."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable

import pytest

from modfix.semantics.random_draws import DRAWING, QUIET, draws
from modfix.semantics.torch_names import MODULE_CLASSES

torch = pytest.importorskip("torch")

# What is needed beyond the number 2 for every parameter without a default.
ARGUMENTS: dict[str, dict[str, object]] = {
    "AdaptiveLogSoftmaxWithLoss": {"in_features": 4, "n_classes": 4, "cutoffs": [2]},
    "ChannelShuffle": {"groups": 2},
    "FractionalMaxPool2d": {"kernel_size": 2, "output_size": 2},
    "FractionalMaxPool3d": {"kernel_size": 2, "output_size": 2},
    "Threshold": {"threshold": 1, "value": 2},
    "Transformer": {"d_model": 2, "nhead": 1, "num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 2},
    "Unflatten": {"dim": 1, "unflattened_size": (1, 2)},
    "RNNBase": {"mode": "LSTM", "input_size": 2, "hidden_size": 2},
    "RNNCellBase": {"input_size": 2, "hidden_size": 2, "bias": True, "num_chunks": 1},
}
FUNCTIONS: dict[str, Callable[[], object]] = {
    "torch.arange": lambda: torch.arange(3),
    "torch.bernoulli": lambda: torch.bernoulli(torch.full((4,), 0.5)),
    "torch.empty": lambda: torch.empty(2),
    "torch.eye": lambda: torch.eye(2),
    "torch.FloatTensor": lambda: torch.FloatTensor(2),
    "torch.from_numpy": lambda: torch.from_numpy(torch.zeros(2).numpy()),
    "torch.full": lambda: torch.full((2,), 1.0),
    "torch.linspace": lambda: torch.linspace(0, 1, 3),
    "torch.multinomial": lambda: torch.multinomial(torch.ones(4), 2),
    "torch.normal": lambda: torch.normal(0.0, 1.0, (2,)),
    "torch.ones": lambda: torch.ones(2),
    "torch.ones_like": lambda: torch.ones_like(torch.zeros(2)),
    "torch.rand": lambda: torch.rand(2),
    "torch.rand_like": lambda: torch.rand_like(torch.zeros(2)),
    "torch.randint": lambda: torch.randint(0, 4, (2,)),
    "torch.randn": lambda: torch.randn(2),
    "torch.randn_like": lambda: torch.randn_like(torch.zeros(2)),
    "torch.randperm": lambda: torch.randperm(4),
    "torch.tensor": lambda: torch.tensor([1.0]),
    "torch.Tensor": lambda: torch.Tensor(2),
    "torch.zeros": lambda: torch.zeros(2),
    "torch.zeros_like": lambda: torch.zeros_like(torch.zeros(2)),
    "torch.nn.Parameter": lambda: torch.nn.Parameter(torch.zeros(2)),
    "torch.nn.init.calculate_gain": lambda: torch.nn.init.calculate_gain("relu"),
    "torch.nn.init.constant_": lambda: torch.nn.init.constant_(weight(), 1),
    "torch.nn.init.dirac_": lambda: torch.nn.init.dirac_(torch.zeros(2, 2, 2)),
    "torch.nn.init.eye_": lambda: torch.nn.init.eye_(weight()),
    "torch.nn.init.kaiming_normal_": lambda: torch.nn.init.kaiming_normal_(weight()),
    "torch.nn.init.kaiming_uniform_": lambda: torch.nn.init.kaiming_uniform_(weight()),
    "torch.nn.init.normal_": lambda: torch.nn.init.normal_(weight()),
    "torch.nn.init.ones_": lambda: torch.nn.init.ones_(weight()),
    "torch.nn.init.orthogonal_": lambda: torch.nn.init.orthogonal_(weight()),
    "torch.nn.init.sparse_": lambda: torch.nn.init.sparse_(weight(), 0.5),
    "torch.nn.init.trunc_normal_": lambda: torch.nn.init.trunc_normal_(weight()),
    "torch.nn.init.uniform_": lambda: torch.nn.init.uniform_(weight()),
    "torch.nn.init.xavier_normal_": lambda: torch.nn.init.xavier_normal_(weight()),
    "torch.nn.init.xavier_uniform_": lambda: torch.nn.init.xavier_uniform_(weight()),
    "torch.nn.init.zeros_": lambda: torch.nn.init.zeros_(weight()),
}
METHODS = {
    "bernoulli_": (0.5,),
    "cauchy_": (),
    "copy_": (torch.ones(2, 2),),
    "exponential_": (),
    "fill_": (1,),
    "geometric_": (0.5,),
    "log_normal_": (),
    "normal_": (),
    "random_": (),
    "uniform_": (),
    "zero_": (),
}


def weight() -> object:
    return torch.zeros(2, 2)


def drew(run: Callable[[], object]) -> bool:
    before = torch.get_rng_state()
    run()
    return not torch.equal(before, torch.get_rng_state())


def build(name: str) -> object:
    cls = getattr(torch.nn, name)
    given = ARGUMENTS.get(name)
    if given is None:
        parameters = inspect.signature(cls.__init__).parameters.values()
        named = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        given = {p.name: 2 for p in named if p.name != "self"}
    return cls(**given)


def module_draws() -> dict[str, bool]:
    found = {}
    for name in sorted(MODULE_CLASSES - {"Container", "DataParallel", "TripletMarginWithDistanceLoss"}):
        try:
            torch.manual_seed(0)
            if name.startswith("Transformer") and name.endswith("coder"):
                given = torch.nn.TransformerEncoderLayer(2, 1, 2), torch.nn.TransformerDecoderLayer(2, 1, 2)
                found[name] = drew(lambda: getattr(torch.nn, name)(given["Decoder" in name], 1))  # noqa: B023
            else:
                found[name] = drew(lambda: build(name))  # noqa: B023
        except (TypeError, RuntimeError, ValueError):
            continue  # cannot be built from numbers alone: no claim about it
    return found


def test_table() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = {f"torch.nn.{name}": answer for name, answer in module_draws().items()}
        answers |= {name: drew(run) for name, run in FUNCTIONS.items()}
        answers |= {f".{name}": drew(lambda: getattr(weight(), name)(*METHODS[name])) for name in METHODS}  # noqa: B023
    assert {name for name, answer in answers.items() if answer} == DRAWING
    assert {name for name, answer in answers.items() if not answer} == QUIET


def test_arguments_do_not_make_a_quiet_module_draw() -> None:
    torch.manual_seed(0)
    assert not drew(lambda: torch.nn.BatchNorm2d(4, affine=True, track_running_stats=True))
    assert not drew(lambda: torch.nn.PReLU(4, 0.1))
    assert not drew(lambda: torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Dropout(0.5)))


def test_what_is_not_in_the_table_may_draw() -> None:
    assert draws("torch.nn.Linear")
    assert draws("timm.layers.DropPath")
    assert not draws("torch.nn.ReLU")
