"""Kinds of tensors and of code that are special: recorded and told apart, or refused with a reason."""

import pytest
import torch
from _modfix_worker import UnsupportedError
from pairs import differing, prove
from test_proof import X, linear, model
from torch import nn
from torch.nn import functional


class Silent(torch.Tensor):
    """A subclass that consists of one tensor, and does not say so."""

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)

    def __init__(self, inner):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        bare = [a.inner if isinstance(a, Silent) else a for a in args]
        out = func(*bare, **(kwargs or {}))
        return cls(out) if isinstance(out, torch.Tensor) else out


class Wrapped(Silent):
    """As above, but it tells."""

    def __tensor_flatten__(self):
        return ["inner"], "context"


class Named(torch.Tensor):
    """A subclass with a mind of its own about functions, not operators."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return super().__torch_function__(func, types, args, kwargs or {})


def sparse_parameter(number):
    return (torch.eye(4) * number).to_sparse


def rnn(cls, **options):
    return model(lambda self, x: self.a(x), a=lambda: cls(4, 3, batch_first=True, **options))


def _packed(lengths):
    def forward(self, x):
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), batch_first=True)
        return nn.utils.rnn.pad_packed_sequence(self.a(packed)[0], batch_first=True)[0]

    return model(forward, a=lambda: nn.LSTM(4, 3, batch_first=True))


SCRIPTED = {}


def scripted(slope):
    if slope not in SCRIPTED:
        SCRIPTED[slope] = torch.jit.script(nn.LeakyReLU(slope))
    return SCRIPTED[slope]


DIFFERENT = {
    "LSTM, one more layer": ("fake", rnn(nn.LSTM), rnn(nn.LSTM, num_layers=2)),
    "GRU, bias": ("fake", rnn(nn.GRU), rnn(nn.GRU, bias=False)),
    "packed sequence": ("real", _packed([4, 2]), _packed([4, 3])),
    "attention mask": (
        "fake",
        model(lambda self, x: functional.scaled_dot_product_attention(x, x, x)),
        model(lambda self, x: functional.scaled_dot_product_attention(x, x, x, is_causal=True)),
    ),
    "attention dropout": (
        "fake",
        model(lambda self, x: functional.scaled_dot_product_attention(x, x, x, dropout_p=0.1)),
        model(lambda self, x: functional.scaled_dot_product_attention(x, x, x, dropout_p=0.2)),
    ),
    "sparse COO": (
        "real",
        model(lambda self, x: torch.sparse.mm(self.a, x[0]), a=sparse_parameter(1)),
        model(lambda self, x: torch.sparse.mm(self.a, x[0]), a=sparse_parameter(2)),
    ),
    "sparse on fakes": (
        "fake",
        model(lambda self, x: torch.sparse.mm(x[0].to_sparse(), x[1])),
        model(lambda self, x: torch.sparse.mm(x[1].to_sparse(), x[0])),
    ),
    "sparse output": (
        "fake",
        model(lambda self, x: x[0].to_sparse()),
        model(lambda self, x: (x[0] * 2).to_sparse()),
    ),
    "sparse CSR": (
        "real",
        model(lambda self, x: self.a @ x[0], a=lambda: torch.eye(4).to_sparse_csr()),
        model(lambda self, x: self.a @ x[0], a=lambda: torch.ones(4, 4).to_sparse_csr()),
    ),
    "nested": (
        "real",
        model(lambda self, x: torch.nested.as_nested_tensor([x[0], x[1][:2]])),
        model(lambda self, x: torch.nested.as_nested_tensor([x[0], x[1][:3]])),
    ),
    "jagged": (
        "real",
        model(lambda self, x: torch.nested.as_nested_tensor([x[0], x[1][:2]], layout=torch.jagged) * 2),
        model(lambda self, x: torch.nested.as_nested_tensor([x[0], x[1][:3]], layout=torch.jagged) * 2),
    ),
    "complex": (
        "fake",
        model(lambda self, x: torch.fft.fft(x).conj()),
        model(lambda self, x: torch.fft.fft(x)),
    ),
    "quantised": (
        "real",
        model(lambda self, x: torch.quantize_per_tensor(x.detach(), 0.1, 3, torch.quint8)),
        model(lambda self, x: torch.quantize_per_tensor(x.detach(), 0.2, 3, torch.quint8)),
    ),
    "TorchScript": (
        "fake",
        model(lambda self, x: self.a(x), a=lambda: scripted(0.1)),
        model(lambda self, x: self.a(x), a=lambda: scripted(0.2)),
    ),
    "wrapper subclass": (
        "real",
        model(lambda self, x: Wrapped(x.detach()) * 2),
        model(lambda self, x: Wrapped(x.detach()) * 3),
    ),
    "subclass with functions of its own": (
        "real",
        model(lambda self, x: x.detach().as_subclass(Named) * 2),
        model(lambda self, x: x.detach().as_subclass(Named) * 3),
    ),
    "double backward": (
        "fake",
        model(lambda self, x: torch.autograd.grad(self.a(x).tanh().sum(), x, create_graph=True)[0], a=linear),
        model(lambda self, x: torch.autograd.grad(self.a(x).sin().sum(), x, create_graph=True)[0], a=linear),
    ),
    "vmap": (
        "fake",
        model(lambda self, x: torch.func.vmap(torch.sum)(x)),
        model(lambda self, x: torch.func.vmap(torch.mean)(x)),
    ),
    "random leaky relu": (
        "fake",
        model(lambda self, x: functional.rrelu(x, 0.1, 0.3, self.training)),
        model(lambda self, x: functional.rrelu(x, 0.1, 0.3)),
    ),
    "spectral norm": (
        "fake",
        model(lambda self, x: self.a(x), a=lambda: nn.utils.spectral_norm(linear())),
        model(lambda self, x: self.a(x), a=lambda: nn.utils.spectral_norm(linear(), n_power_iterations=2)),
    ),
    "functional batch norm": (
        "fake",
        model(
            lambda self, x: torch._native_batch_norm_legit(x, None, None, self.a, self.b, True, 0.1, 1e-5)[0],
            a=lambda: torch.zeros(4),
            b=lambda: torch.ones(4),
        ),
        model(
            lambda self, x: torch._native_batch_norm_legit(x, None, None, self.a, self.b, True, 0.2, 1e-5)[0],
            a=lambda: torch.zeros(4),
            b=lambda: torch.ones(4),
        ),
    ),
    "generator of the model": (
        "fake",
        model(lambda self, x: x + torch.randn(4, generator=self.g), g=lambda: torch.Generator().manual_seed(1)),
        model(lambda self, x: x + torch.randn(4, generator=self.g), g=lambda: torch.Generator().manual_seed(2)),
    ),
    "lazy parameters": (
        "real",
        model(lambda self, x: self.a(x), a=lambda: nn.LazyLinear(3)),
        model(lambda self, x: self.a(x), a=lambda: nn.LazyLinear(2)),
    ),
    "thread count": (
        "fake",
        model(lambda self, x: x * 2),
        model(lambda self, x: _with_threads(3, lambda: x * 2)),
    ),
}


def _with_threads(count, function):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        return function()
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", DIFFERENT)
def test_equal_to_itself_and_not_to_the_other(name):
    rung, before, after = DIFFERENT[name]
    first = prove(before, X, rung=rung)
    assert not any(key.endswith("/error") for key in first)
    again = prove(before, X, rung=rung)
    if name != "TorchScript":  # its interpreter optimises what runs the second time
        assert differing(first, again) == []
    changed = differing(first, prove(after, X, rung=rung))
    assert any(key.startswith(("eval/output", "train/output", "train/state")) for key in changed)


REFUSED = {
    "opaque layout": ("real", model(lambda self, x: x.detach().to_mkldnn().to_dense()), "do not show what they hold"),
    "packed parameters": (
        "real",
        model(
            lambda self, x: self.a(x),
            a=lambda: torch.ao.quantization.quantize_dynamic(nn.Sequential(linear()), {nn.Linear}),
        ),
        "ScriptObject",
    ),
    "higher-order operator": (
        "real",
        model(lambda self, x: torch.cond(x.sum() > 0, lambda y: y.sin(), lambda y: y.cos(), (x,))),
        "HigherOrderOperator",
    ),
    "subclass that does not tell": (
        "real",
        model(lambda self, x: Silent(x.detach()) * 2),
        "does not say what it consists of",
    ),
    "sparse state on fakes": (
        "fake",
        model(lambda self, x: torch.sparse.mm(self.a, x[0]), a=sparse_parameter(1)),
        "no fake",
    ),
    "packed sequence on fakes": ("fake", _packed([4, 2]), "_pack_padded_sequence"),
    "values as indices on fakes": ("fake", model(lambda self, x: x[x > 0]), "index"),
    "numpy on fakes": ("fake", model(lambda self, x: x + torch.from_numpy(x.detach().numpy())), "numpy"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    rung, build, message = REFUSED[name]
    with pytest.raises(UnsupportedError, match=message):
        prove(build, X, rung=rung)


def test_custom_operators_are_compared_by_what_they_return():
    """What Python code stands behind the operator, and whether both sides have the same, nobody knows."""
    factors = {"factor": 2.0}

    @torch.library.custom_op("modfix_test::scaled", mutates_args=())
    def scaled(x: torch.Tensor) -> torch.Tensor:
        return x * factors["factor"]

    scaled.register_fake(torch.empty_like)
    build = model(lambda self, x: torch.ops.modfix_test.scaled(x.detach()) + 1)
    first = prove(build, X, rung="real")
    assert differing(first, prove(build, X, rung="real")) == []
    factors["factor"] = 3.0
    assert "eval/output:" in differing(first, prove(build, X, rung="real"))
    with pytest.raises(UnsupportedError, match="custom operator"):
        prove(build, X, rung="fake")
