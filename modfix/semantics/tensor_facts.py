"""What one class says about tensors in plain attributes."""

from __future__ import annotations

from typing import NamedTuple

from modfix.model.span import Span


class TensorStore(NamedTuple):
    """An assignment `self.x = value` whose value certainly is a tensor."""

    statement: Span
    value: Span
    unwrapped: str  # source of what is to be registered, if that is not the whole value
    method: str
    covered: bool  # an assignment of the same attribute has run before, on every path
    simple: bool  # one target, no annotation
    integer: bool  # it certainly holds whole numbers, which `half()` leaves alone
    double: bool  # it may hold double precision, which `float()` changes: made from numpy
    reads: tuple[str, ...]  # attributes of the object of which it may be a view


class NoneStore(NamedTuple):
    """An assignment `self.x = None` that may be the first of the attribute."""

    statement: Span
    method: str


class TensorTrouble(NamedTuple):
    """Something done with the attribute that a buffer would not survive: kind and reason of the refusal."""

    kind: str
    reason: str
    line: int
    column: int


class PlainTensor(NamedTuple):
    """An attribute in which a class stores tensors."""

    attr: str
    line: int
    column: int
    stores: tuple[TensorStore, ...]
    nones: tuple[NoneStore, ...]
    troubles: tuple[TensorTrouble, ...]
    written: bool  # in place, somewhere in the class
    read: bool  # somewhere in the class
