"""Rules: when two recordings of different operators have the same bits. Few, each with its proof.

A rule may only equate what is equal *bitwise* for all inputs of the shapes at hand, on every device. One exception is
made and named where it is made: which of two NaN operands hands on its payload is up to the machine (x86 takes the
first), so rules that swap operands hold up to the payload and the sign of a NaN.
"""

from __future__ import annotations

import math
from typing import Any, Collection, Sequence

import torch

# Part of every hash. To be raised by whoever changes what a hash means: a rule, an encoding, the name of a leaf.
RULES_VERSION = "3"

_COMMUTATIVE = frozenset({"aten::add.Tensor", "aten::mul.Tensor"})
_COPIES = frozenset({"aten::clone.default", "aten::_to_copy.default", "aten::lift_fresh.default", "aten::lift.default"})
_COPIES = _COPIES | {"aten::lift_fresh_copy.default", "aten::detach_copy.default", "aten::alias_copy.default"}
_ZEROS = frozenset({"aten::zeros", "aten::zeros_like", "aten::new_zeros", "aten::zero_", "aten::zero"})
_ONES = frozenset({"aten::ones", "aten::ones_like", "aten::new_ones"})
_FULL = frozenset({"aten::full", "aten::full_like", "aten::new_full", "aten::fill_", "aten::fill"})
_ALONG_DIMENSIONS = frozenset(
    "aten::" + name
    for name in [
        "_log_softmax",
        "_log_softmax_backward_data",
        "_softmax",
        "_softmax_backward_data",
        "all",
        "amax",
        "amin",
        "any",
        "argmax",
        "argmin",
        "cat",
        "cumprod",
        "cumsum",
        "flip",
        "gather",
        "glu",
        "index_add",
        "index_copy",
        "index_select",
        "linalg_vector_norm",
        "logsumexp",
        "max",
        "mean",
        "median",
        "min",
        "prod",
        "scatter",
        "scatter_add",
        "sort",
        "std",
        "sum",
        "topk",
        "var",
        "var_mean",
    ]
)
_POOLS = frozenset(
    f"aten::{kind}_pool{dims}d{rest}"
    for kind, rests in [("avg", ("", "_backward")), ("max", ("", "_with_indices", "_with_indices_backward"))]
    for dims in (1, 2, 3)
    for rest in rests
)


def commutes(operator: str, args: Sequence[Any], keywords: Collection[str]) -> bool:
    """Whether ``operator(a, b)`` has the bits of ``operator(b, a)``.

    ``a + b`` and ``a * b`` of IEEE 754 round the exact result once, and the exact result does not depend on the order.
    Integers wrap, booleans are or/and: they commute as well. Required: two tensors of one dtype and layout, so that
    promotion does not depend on the order; no ``alpha``, which scales the second operand only. Broadcasting is the same
    both ways, element by element; which strides the result has may depend on the order, but they are part of its hash.
    Complex numbers are left out: their product is a sum of products, and a fused multiply-add rounds only one of the
    two. Holds up to the payload of NaNs. ``maximum`` and ``minimum`` are left out: of ``+0`` and ``-0`` they return one
    by position.
    """
    if operator not in _COMMUTATIVE or len(args) != 2 or keywords:
        return False
    a, b = args
    return (
        isinstance(a, torch.Tensor)
        and isinstance(b, torch.Tensor)
        and a.dtype == b.dtype
        and not a.dtype.is_complex
        and a.device == b.device
        and a.layout is b.layout is torch.strided
    )


def as_float(number: int, args: Sequence[Any]) -> float | None:
    """The float that an operator takes for an integer in the place of a number, None where they may differ.

    ``F.relu6`` clamps at 6, ``nn.ReLU6`` at 6.0. Beside a tensor of real floating dtype a Python number has no say in
    the dtype of the result: numbers rank below tensors, and integers below floats. The kernel converts it to that
    dtype, or to the one it computes in, by one rounding of its value, which is the same for ``6`` and ``6.0`` up to
    2**53, where every integer is a double. Required: the first tensor among the arguments is floating, for beside
    one of integers a float makes floats (``torch.where(mask, x, 0)`` is left out with these).
    """
    first = next((arg for arg in args if isinstance(arg, torch.Tensor)), None)
    if first is None or not first.dtype.is_floating_point or abs(number) >= 2**53:
        return None
    return float(number)


def counted_from_the_front(operator: str, dim: int, args: Sequence[Any]) -> int:
    """The dimension ``dim`` as one that is not negative, for operators that name one of their first argument's.

    ``softmax(x, -1)`` of a matrix is ``softmax(x, 1)``: each of these operators begins by adding the number of
    dimensions to a negative one (``maybe_wrap_dim``) and never looks at what it was given. Operators that count those
    of the result or of sizes (``stack``, ``select_backward``) are not among them. Of a view only the geometry counts;
    some are here so that no harmless one is named as the place where two versions part. What is out of range stays as
    it is, and raises.
    """
    if operator not in _ALONG_DIMENSIONS or not args:
        return dim
    tensors = args[0] if isinstance(args[0], (list, tuple)) else [args[0]]
    if not all(isinstance(tensor, torch.Tensor) and tensor.dim() == tensors[0].dim() for tensor in tensors):
        return dim  # `cat` passes over empty tensors of one dimension
    count = tensors[0].dim() if tensors else 0
    return dim + count if -count <= dim < 0 else dim


def stride_of(operator: str, given: Any, kernel_size: Any) -> Any:
    """The stride of a pool, which is its kernel size where none is given.

    ``F.max_pool2d(x, 2)`` gives none, and ``nn.MaxPool2d(2)`` its kernel size. Each of these operators begins with that
    choice (``stride.empty() ? kernel_size : stride``), on the way back as well.
    """
    return kernel_size if operator in _POOLS and given == [] else given


def copies(operator: str) -> bool:
    """Whether the operator returns its first argument, value by value, when dtype and layout stay the same.

    The caller sees to that: source and result have one geometry (dtype, offset, size, strides, device) and both fill
    their storage. Then the two storages hold the same bytes, for a copy of a number to its own dtype moves its bits.
    """
    return operator in _COPIES


def filled(name: str, args: Sequence[Any], kwargs: dict[str, Any], dtype: torch.dtype) -> bytes | None:
    """The content of a storage that an operator fills with one number, however it was asked to; None: does not.

    ``torch.zeros(n)``, ``torch.empty(n).zero_()`` and ``torch.full((n,), 0.0)`` write the same bytes: the number,
    converted to ``dtype``. Every element is the same, so neither size nor strides are part of the content. Only
    numbers that the conversion keeps exactly (see `_converted`) are taken, no tensors.
    """
    if name in _ZEROS:
        number: Any = 0
    elif name in _ONES:
        number = 1
    elif name in _FULL:
        number = args[1] if len(args) > 1 else kwargs.get("fill_value", kwargs.get("value"))
        if name == "aten::new_full":
            number = args[2] if len(args) > 2 else kwargs.get("fill_value")
    else:
        return None
    converted = _converted(number, dtype)
    return None if converted is None else (f"filled {dtype} {converted}").encode()


def _converted(number: Any, dtype: torch.dtype) -> str | None:
    """The number as ``dtype`` sees it, as text; None where the conversion may lose something.

    ``fill_(1)`` and ``fill_(1.0)`` of a float tensor are one thing, and so are ``0`` and ``0.0``; ``-0.0`` is not.
    """
    if not isinstance(number, (bool, int, float)) or (isinstance(number, float) and not math.isfinite(number)):
        return None
    if dtype.is_floating_point or dtype.is_complex:
        return repr(float(number)) if abs(number) < 2**24 else None
    if dtype is torch.bool:
        return repr(bool(number))
    if number != int(number) or abs(number) > 127 or (number < 0 and dtype is torch.uint8):
        return None
    return repr(int(number))
