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
RULES_VERSION = "1"

_COMMUTATIVE = frozenset({"aten::add.Tensor", "aten::mul.Tensor"})
_COPIES = frozenset({"aten::clone.default", "aten::_to_copy.default", "aten::lift_fresh.default", "aten::lift.default"})
_COPIES = _COPIES | {"aten::lift_fresh_copy.default", "aten::detach_copy.default", "aten::alias_copy.default"}
_ZEROS = frozenset({"aten::zeros", "aten::zeros_like", "aten::new_zeros", "aten::zero_", "aten::zero"})
_ONES = frozenset({"aten::ones", "aten::ones_like", "aten::new_ones"})
_FULL = frozenset({"aten::full", "aten::full_like", "aten::new_full", "aten::fill_", "aten::fill"})


def commutes(operator: str, args: Sequence[Any], keywords: Collection[str]) -> bool:
    """Whether ``operator(a, b)`` has the bits of ``operator(b, a)``.

    ``a + b`` and ``a * b`` of IEEE 754 round the exact result once, and the exact result does not depend on the order.
    Integers wrap, booleans are or/and: they commute as well. Required: two tensors of one dtype, shape and layout, so
    that neither promotion nor broadcasting nor the strides of the result depend on the order; no ``alpha``, which
    scales the second operand only. Complex numbers are left out: their product is a sum of products, and a fused
    multiply-add rounds only one of the two. Holds up to the payload of NaNs. ``maximum`` and ``minimum`` are left out:
    of ``+0`` and ``-0`` they return one by position.
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
        and a.shape == b.shape
        and a.layout is b.layout is torch.strided
        and a.stride() == b.stride()
    )


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
    if dtype.is_floating_point:
        return repr(float(number)) if abs(number) < 2**24 else None
    if dtype is torch.bool:
        return repr(bool(number))
    if dtype.is_complex or number != int(number) or abs(number) > 127 or (number < 0 and dtype is torch.uint8):
        return None
    return repr(int(number))
