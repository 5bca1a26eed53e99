"""Value numbering: what must be equal, and, above all, what must not."""

import pytest
import torch
from pairs import recorded
from torch.nn import functional

X = torch.arange(12.0).reshape(3, 4) - 5
Y = torch.arange(12.0).reshape(3, 4) * 0.5
SQUARE = torch.arange(16.0).reshape(4, 4)


def _write(window, value):
    def function(x):
        out = torch.zeros(3, 4)
        out[window].copy_(x[window]) if value is None else out[window].fill_(value)
        return out

    return function


def _two_writes(first, second):
    def function(x, y):
        out = torch.empty(3, 4)
        out[:, first[0] : first[1]] = x[:, first[0] : first[1]]
        out[:, second[0] : second[1]] = y[:, second[0] : second[1]]
        return out

    return function


def _through_a_view(x):
    x.view(-1)[:4].mul_(2)
    return x


def _in_place(x):
    x.relu_()
    return x


def _swapped_data(x, y):
    x.data = y
    return x + 1


def _set(x, y):
    x.set_(y)
    return x + 1


def _out_variant(x, y):
    out = torch.empty(3, 4)
    torch.add(x, y, out=out)
    return out


EQUAL = {
    "functional and method": (torch.relu, lambda x: x.relu()),
    "nn.functional": (torch.relu, functional.relu),
    "module": (torch.relu, torch.nn.ReLU()),
    "view and reshape": (lambda x: x.view(4, 3), lambda x: x.reshape(4, 3)),
    "flatten and view": (lambda x: x.flatten() * 2, lambda x: x.view(-1) * 2),
    "transpose names": (lambda x: x.t() + 1, lambda x: x.transpose(0, 1) + 1),
    "contiguous of contiguous": (lambda x: x.contiguous() + 1, lambda x: x + 1),
    "in place": (torch.relu, _in_place),
    "clone": (lambda x: x.clone() * 2, lambda x: x * 2),
    "copy into empty": (lambda x: torch.empty_like(x).copy_(x), lambda x: x.clone()),
    "zeros": (lambda x: torch.zeros(3) + 1, lambda x: torch.empty(3).zero_() + 1),
    "fill": (lambda x: torch.full((3,), 2.0), lambda x: torch.empty(3).fill_(2)),
    "order of pure operators": (lambda x: (x.sin(), x.cos()), lambda x: tuple(reversed((x.cos(), x.sin())))),
    "dead code": (lambda x: (x.sin(), x + 1)[1], lambda x: x + 1),
    "list of constants": (lambda x: x + torch.tensor([1.0, 2, 3, 4]), lambda x: x + torch.tensor((1.0, 2.0, 3.0, 4.0))),
    "window by slice and narrow": (lambda x: x[1:2] + 1, lambda x: x.narrow(0, 1, 1) + 1),
    "same windows": (_write(0, None), _write(0, None)),
    "to its own dtype": (lambda x: x.to(torch.float32), lambda x: x),
    "default arguments": (lambda x: functional.softmax(x, -1), lambda x: torch.softmax(x, dim=-1)),
    "detach": (lambda x: x.detach() + 1, lambda x: x.data + 1),
}


@pytest.mark.parametrize("fakes", [False, True], ids=["real", "fake"])
@pytest.mark.parametrize("name", EQUAL)
def test_equal(name, fakes):
    before, after = EQUAL[name]
    assert recorded(before, X, fakes=fakes) == recorded(after, X, fakes=fakes)


EQUAL_OF_TWO = {
    "commuted sum": (lambda x, y: x + y, lambda x, y: y + x),
    "commuted windows": (
        lambda x, y: x.view(-1)[:4] + y.view(-1)[4:8],
        lambda x, y: y.view(-1)[4:8] + x.view(-1)[:4],
    ),
    "commuted product": (lambda x, y: x * y, lambda x, y: y * x),
    "matmul names": (lambda x, y: x @ y.t(), lambda x, y: torch.mm(x, y.t())),
    "out variant": (lambda x, y: x + y, _out_variant),
    "in place sum": (lambda x, y: x + y, lambda x, y: x.add_(y)),
    "data swap": (lambda x, y: y + 1, _swapped_data),
    "set_": (lambda x, y: y + 1, _set),
    "two windows": (_two_writes((0, 2), (2, 4)), _two_writes((0, 2), (2, 4))),
}


@pytest.mark.parametrize("fakes", [False, True], ids=["real", "fake"])
@pytest.mark.parametrize("name", EQUAL_OF_TWO)
def test_equal_of_two(name, fakes):
    before, after = EQUAL_OF_TWO[name]
    assert recorded(before, X, Y, fakes=fakes) == recorded(after, X, Y, fakes=fakes)


DIFFERENT = {
    "operator": (torch.relu, functional.relu6),
    "slope": (lambda x: functional.leaky_relu(x, 0.01), lambda x: functional.leaky_relu(x, 0.011)),
    "approximation": (functional.gelu, lambda x: functional.gelu(x, approximate="tanh")),
    "number": (lambda x: x + 1.0, lambda x: x + 1.0000001),
    "negative zero": (lambda x: x * 0.0, lambda x: x * -0.0),
    "integer and float": (lambda x: x.long() + 1, lambda x: x.long() + 1.0),
    "dimension": (lambda x: x.sum(0), lambda x: x.sum(1)),
    "keepdim": (lambda x: x.sum(0), lambda x: x.sum(0, keepdim=True)),
    "geometry": (lambda x: x.view(4, 3), lambda x: x.view(2, 6)),
    "transpose and view": (lambda x: x.t(), lambda x: x.view(4, 3)),
    "offset": (lambda x: x[0] + 1, lambda x: x[1] + 1),
    "stride": (lambda x: x[:, ::2] + 1, lambda x: x[:, :2] + 1),
    "dtype": (lambda x: x.double() + 1, lambda x: x + 1),
    "bits as integers": (lambda x: x.view(torch.int32), lambda x: x.int()),
    "constant": (lambda x: x + torch.tensor([1.0, 2, 3, 4]), lambda x: x + torch.tensor([1.0, 2, 3, 5])),
    "window": (_write(0, 1.0), _write(1, 1.0)),
    "value in window": (_write(0, 1.0), _write(0, 2.0)),
    "write through a view": (lambda x: x, _through_a_view),
    "lost write": (_through_a_view, lambda x: x.clone().view(-1)[:4].mul_(2) is None or x),
    "fill value": (lambda x: torch.full((3,), 2.0), lambda x: torch.full((3,), 3.0)),
    "twice": (lambda x: x.sin(), lambda x: x.sin().sin()),
    "conjugate": (
        lambda x: torch.complex(x, x).conj() * 2,
        lambda x: torch.complex(x, x) * 2,
    ),
    "draw": (lambda x: functional.dropout(x, 0.5), lambda x: functional.dropout(x, 0.4)),
    "lost draw": (functional.dropout, lambda x: x),
    "order of draws": (lambda x: (torch.rand(2), torch.randn(2)), lambda x: (torch.randn(2), torch.rand(2))[::-1]),
    "one draw for two": (lambda x: (torch.rand(2), torch.rand(2)), lambda x: (torch.rand(2),) * 2),
    "seeded in between": (
        lambda x: (torch.manual_seed(3), torch.rand(2))[1],
        lambda x: (torch.manual_seed(4), torch.rand(2))[1],
    ),
}


@pytest.mark.parametrize("fakes", [False, True], ids=["real", "fake"])
@pytest.mark.parametrize("name", DIFFERENT)
def test_different(name, fakes):
    before, after = DIFFERENT[name]
    assert recorded(before, X, fakes=fakes) != recorded(after, X, fakes=fakes)


DIFFERENT_OF_TWO = {
    "operands of a difference": (lambda x, y: x - y, lambda x, y: y - x),
    "alpha": (lambda x, y: torch.add(x, y, alpha=2), lambda x, y: torch.add(y, x, alpha=2)),
    "maximum of zeros": (torch.maximum, lambda x, y: torch.maximum(y, x)),
    "association": (lambda x, y: (x + y) + y, lambda x, y: x + (y + y)),
    "order of writes that overlap": (_two_writes((0, 3), (2, 4)), _two_writes((2, 4), (0, 3))),
    "other window": (_two_writes((0, 2), (2, 4)), _two_writes((0, 1), (2, 4))),
    "which input": (lambda x, y: x, lambda x, y: y),
    "operands and windows swapped apart": (
        lambda x, y: x.view(-1)[:4] + y.view(-1)[4:8],
        lambda x, y: y.view(-1)[:4] + x.view(-1)[4:8],
    ),
    "alias lost": (
        lambda x, y: (x.add_(y), x)[1],
        lambda x, y: (x.clone().add_(y), x)[1],
    ),
}


@pytest.mark.parametrize("fakes", [False, True], ids=["real", "fake"])
@pytest.mark.parametrize("name", DIFFERENT_OF_TWO)
def test_different_of_two(name, fakes):
    before, after = DIFFERENT_OF_TWO[name]
    assert recorded(before, X, Y, fakes=fakes) != recorded(after, X, Y, fakes=fakes)


@pytest.mark.parametrize("fakes", [False, True], ids=["real", "fake"])
def test_in_place_result_of_other_layout_is_not_the_plain_one(fakes):
    """The same operator on the same values, but the elements lie in another order in memory."""

    def in_place(x, y):
        base = x.clone()
        base.t().add_(y.t().contiguous())
        return base.view(-1)

    def plain(x, y):
        return (x.t() + y.t().contiguous()).t().contiguous().view(-1)

    assert recorded(in_place, X, Y, fakes=fakes) != recorded(plain, X, Y, fakes=fakes) or torch.equal(
        in_place(X, Y), plain(X, Y)
    )


@pytest.mark.parametrize("fakes", [False, True], ids=["real", "fake"])
def test_two_uninitialised_tensors_are_not_one(fakes):
    def two(x):
        return torch.empty(4) - torch.empty(4)

    def one(x):
        t = torch.empty(4)
        return t - t

    def two_partly(x):
        a, b = torch.empty(4), torch.empty(4)
        a[:2], b[:2] = 1.0, 1.0
        return a - b

    def one_partly(x):
        a = torch.empty(4)
        a[:2] = 1.0
        return a - a

    if fakes:
        assert recorded(two, X, fakes=True) != recorded(one, X, fakes=True)
    assert recorded(two_partly, X, fakes=fakes) != recorded(one_partly, X, fakes=fakes)


def test_storages_that_died_are_forgotten_and_never_mistaken(monkeypatch):
    from _modfix_worker import storages

    monkeypatch.setattr(storages, "_PRUNE_AT", 10)
    kept = torch.ones(3)

    def function(x):
        values = [x + kept]
        for i in range(60):
            values[0] = values[0] + (x * i)
        return values[0]

    assert recorded(function, X[0, :3]) == recorded(function, X[0, :3])
    unpruned = recorded(function, X[0, :3])
    monkeypatch.setattr(storages, "_PRUNE_AT", 1 << 20)
    assert recorded(function, X[0, :3]) == unpruned
