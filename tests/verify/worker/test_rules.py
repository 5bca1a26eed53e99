"""Every rule that equates two operators, held against the bits."""

import math
import struct

import pytest
import torch
from _modfix_worker import rules
from torch.nn import functional as F  # noqa: N812  # as everybody calls it

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.uint8, torch.int64, torch.bool]
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, 1e-40, -1e-40, 65504.0, 3.4e38]


def bits(tensor):
    """The bytes of a tensor, with all NaNs made one: the payload is the one thing that rules leave open."""
    if tensor.dtype.is_floating_point:
        tensor = torch.where(tensor.isnan(), torch.full_like(tensor, math.nan), tensor)
    return tensor.contiguous().view(-1).view(torch.uint8).tolist()


def operands(dtype):
    torch.manual_seed(0)
    if not dtype.is_floating_point:
        return [torch.randint(0, 2 if dtype is torch.bool else 127, (333,)).to(dtype) for _ in range(2)]
    special = torch.tensor(SPECIAL, dtype=torch.float64)
    a, b = special.repeat(len(SPECIAL)), special.repeat_interleave(len(SPECIAL))
    a, b = torch.cat([a, torch.tensor([math.nan, 1.0])]), torch.cat([b, torch.tensor([2.0, math.nan])])
    noise = torch.randn(2, 333, dtype=torch.float64)
    return [torch.cat([a, noise[0] * 100]).to(dtype), torch.cat([b, noise[1]]).to(dtype)]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("operator", ["add", "mul"])
def test_commuted_operands_give_the_same_bits(operator, dtype):
    a, b = operands(dtype)
    function = getattr(torch, operator)
    assert rules.commutes(f"aten::{operator}.Tensor", (a, b), ())
    assert bits(function(a, b)) == bits(function(b, a))
    assert bits(function(a[3:], b[3:])) == bits(function(b[3:], a[3:]))  # not aligned: other vector paths
    few = b[1:4]
    for broadcast in (few[:, None], few[0], few.expand(len(few), 3).t()):
        wide = a[: 3 * len(few)].view(len(few), 3)
        assert rules.commutes(f"aten::{operator}.Tensor", (wide, broadcast), ())
        assert bits(function(wide, broadcast)) == bits(function(broadcast, wide))


def test_payload_of_nans_is_what_the_rule_leaves_open():
    """If this fails, the machine is symmetric in NaNs, and the docstring of the rule says less than it could."""
    first, second = (struct.unpack("<f", struct.pack("<I", 0x7FC00000 + n))[0] for n in (1, 2))
    a, b = torch.tensor([first]), torch.tensor([second])
    sums = {(a + b).view(torch.int32).item(), (b + a).view(torch.int32).item()}
    assert all(math.isnan(struct.unpack("<f", struct.pack("<i", s))[0]) for s in sums)


X = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("operator", "args", "keywords"),
    [
        ("aten::sub.Tensor", (X, X), ()),
        ("aten::maximum.default", (X, X), ()),  # of -0 and +0 it takes one by position
        ("aten::add.Tensor", (X, X), ("alpha",)),
        ("aten::add.Tensor", (X, 1.0), ()),
        ("aten::add.Tensor", (X, X.double()), ()),
        ("aten::add.Tensor", (X, X.to_sparse()), ()),
        ("aten::mul.Tensor", (X + 0j, X + 0j), ()),
    ],
)
def test_what_does_not_commute(operator, args, keywords):
    assert not rules.commutes(operator, args, keywords)


NUMBERS = {  # operators that take a number beside a tensor, with an integer that a float can stand for
    "hardtanh": lambda x, one: F.hardtanh(x, -one, 6 * one),
    "softplus": lambda x, one: F.softplus(x, one, 20 * one),
    "elu": F.elu,
    "leaky relu": lambda x, one: F.leaky_relu(x, 2 * one),
    "threshold": lambda x, one: F.threshold(x, one, 3 * one),
    "clamp": lambda x, one: x.clamp(0 * one, 2 * one),
    "add": lambda x, one: x + 3 * one,
    "alpha": lambda x, one: torch.add(x, x, alpha=3 * one),
    "rsub": lambda x, one: 3 * one - x,
    "multiply": lambda x, one: x * (3 * one),
    "divide": lambda x, one: x / (3 * one),
    "reciprocal": lambda x, one: (3 * one) / x,
    "floor divide": lambda x, one: x // (3 * one),
    "remainder": lambda x, one: x % (3 * one),
    "square": lambda x, one: x ** (2 * one),
    "power": lambda x, one: x ** (5 * one),
    "root": lambda x, one: x ** (-one),
    "exponential": lambda x, one: (2 * one) ** x,
    "compare": lambda x, one: x >= one,
    "lerp": lambda x, one: torch.lerp(x, x + 1, 2 * one),
    "norm": lambda x, one: torch.linalg.vector_norm(x, 2 * one),
    "masked fill": lambda x, one: x.masked_fill(x > 1, 7 * one),
    "large": lambda x, one: x + 16777217 * one,
    "index fill": lambda x, one: x.index_fill(0, torch.tensor([0]), 5 * one),
}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", NUMBERS)
def test_integers_beside_floats_are_floats(name, dtype):
    tensor = operands(dtype)[0]
    for x in (tensor, tensor[3]):
        made, other = NUMBERS[name](x, 1), NUMBERS[name](x, 1.0)
        assert made.dtype == other.dtype
        assert bits(made) == bits(other)


def test_integers_that_are_no_floats():
    assert rules.as_float(6, (X,)) == 6.0
    assert rules.as_float(6, (X.long(),)) is None
    assert rules.as_float(6, (X > 0, X)) is None
    assert rules.as_float(6, (X + 0j,)) is None
    assert rules.as_float(2**53, (X,)) is None
    assert rules.as_float(6, ([2, 3],)) is None


ALONG = {
    "_softmax": torch.softmax,
    "_log_softmax": torch.log_softmax,
    "sum": lambda x, dim: x.sum((0, dim)),
    "amax": lambda x, dim: x.amax(dim),
    "max": lambda x, dim: x.max(dim).values,
    "topk": lambda x, dim: x.topk(2, dim).values,
    "cat": lambda x, dim: torch.cat([x, x], dim),
    "cumsum": lambda x, dim: x.cumsum(dim),
    "flip": lambda x, dim: x.flip(dim),
    "gather": lambda x, dim: x.gather(dim, torch.zeros(2, 3, 4, dtype=torch.int64)),
    "glu": F.glu,
    "index_select": lambda x, dim: x.index_select(dim, torch.tensor([1, 0])),
    "linalg_vector_norm": lambda x, dim: torch.linalg.vector_norm(x, dim=dim),
    "logsumexp": lambda x, dim: x.logsumexp(dim),
    "sort": lambda x, dim: x.sort(dim).values,
    "var": lambda x, dim: x.var(dim),
}


@pytest.mark.parametrize("name", ALONG)
def test_dimensions_counted_from_the_end(name):
    x = torch.randn(2, 3, 4)
    assert rules.counted_from_the_front("aten::" + name, -1, ([x, x] if name == "cat" else x,)) == 2
    assert bits(ALONG[name](x, -1)) == bits(ALONG[name](x, 2))


@pytest.mark.parametrize(
    ("operator", "dim", "args"),
    [
        ("aten::stack", -1, ([X, X],)),
        ("aten::select_backward", -1, (X, [2, 3, 4])),
        ("aten::sum", -3, (X,)),
        ("aten::cat", -1, ([torch.empty(0), X],)),
        ("aten::cat", -1, ([],)),
    ],
)
def test_dimensions_that_stay_as_they_are(operator, dim, args):
    assert rules.counted_from_the_front(operator, dim, args) == dim


FILLS = [
    ("aten::zeros", lambda d: torch.zeros(3, dtype=d), ([3],), {}, 0),
    ("aten::zero_", lambda d: torch.empty(3, dtype=d).zero_(), (X,), {}, 0),
    ("aten::full", lambda d: torch.full((3,), 0.0, dtype=d), ([3], 0.0), {}, 0),
    ("aten::fill_", lambda d: torch.empty(3, dtype=d).fill_(0), (X, 0), {}, 0),
    ("aten::ones", lambda d: torch.ones(3, dtype=d), ([3],), {}, 1),
    ("aten::full", lambda d: torch.full((3,), 1.0, dtype=d), ([3], 1.0), {}, 1),
    ("aten::fill_", lambda d: torch.empty(3, dtype=d).fill_(True), (X, True), {}, 1),
    ("aten::new_full", lambda d: X.new_full((3,), 1, dtype=d), (X, [3], 1), {}, 1),
]


@pytest.mark.parametrize("dtype", [torch.complex64, *(d for d in DTYPES if d is not torch.uint8)], ids=str)
def test_equal_fills_have_equal_bits(dtype):
    seen = {}
    for name, make, args, kwargs, number in FILLS:
        content = rules.filled(name, args, kwargs, dtype)
        assert content is not None
        assert seen.setdefault(number, (content, make(dtype).view(torch.uint8).tolist())) == (
            content,
            make(dtype).view(torch.uint8).tolist(),
        )
    assert seen[0][0] != seen[1][0]


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        (math.nan, torch.float32),
        (1e300, torch.float32),
        (0.5, torch.int64),
        (-1, torch.uint8),
        (300, torch.int8),
        (1j, torch.complex64),
    ],
)
def test_fills_that_a_conversion_may_change_are_left_alone(number, dtype):
    assert rules.filled("aten::full", ([3], number), {}, dtype) is None


def test_negative_zero_is_no_zero():
    assert rules.filled("aten::full", ([3], -0.0), {}, torch.float32) != rules.filled(
        "aten::zeros", ([3],), {}, torch.float32
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("operator", "function"),
    [
        ("aten::clone.default", torch.clone),
        ("aten::_to_copy.default", lambda x: x.to(x.dtype, copy=True)),
        ("aten::lift_fresh_copy.default", torch.ops.aten.lift_fresh_copy),
        ("aten::detach_copy.default", torch.detach_copy),
        ("aten::alias_copy.default", torch.alias_copy),
    ],
)
def test_copies_keep_every_bit(operator, function, dtype):
    source = operands(dtype)[0]
    if dtype is torch.float32:
        source = torch.cat([source, torch.tensor([0x7FC00001, 0x7F800001, -1], dtype=torch.int32).view(dtype)])
    assert rules.copies(operator)
    assert function(source).view(torch.uint8).tolist() == source.view(torch.uint8).tolist()


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("kind", ["avg", "max"])
def test_a_pool_without_stride_steps_by_its_kernel(kind, dims):
    pool = getattr(F, f"{kind}_pool{dims}d")
    operator = f"aten::{kind}_pool{dims}d"
    for kernel in (2, [3, 2, 1][:dims]):
        made = []
        for stride in (None, kernel):
            x = torch.randn(1, 2, *[7] * dims, generator=torch.Generator().manual_seed(0)).requires_grad_()
            out = pool(x, kernel, stride)
            out.backward(out.detach())
            made.append((bits(out.detach()), bits(x.grad)))
        assert made[0] == made[1]
    assert rules.stride_of(operator, [], [2] * dims) == [2] * dims
    assert rules.stride_of(operator, [1] * dims, [2] * dims) == [1] * dims
    assert rules.stride_of("aten::convolution", [], [2]) == []
