"""Which numbers a case is tried with, where there is no proof."""

from __future__ import annotations

from modfix.verify.verdicts import Observation, items

Run = tuple[str, float | str]

EXTREME = ("wide", "narrow")
NUMBERS: tuple[Run, ...] = (
    ("float32", 1),
    ("float32", 30),
    ("float32", 0),
    ("bfloat16", 1),
    ("float64", 1),
    *(("float32", scale) for scale in EXTREME),
)
"""Dtypes and scales of the inputs, the most telling one first; the `EXTREME` ones scale weights and gradients as well,
so that limits are reached: of a clamp, of a ReLU6, of a hook on gradients, an eps."""

_NOT_A_NUMBER = "NaN"  # in place of a digest, see `worker.numeric`


def without_nan(pair: tuple[Observation, Observation]) -> tuple[Observation, Observation]:
    """The pair without what is not a number on one of the sides: of `EXTREME` numbers that is no evidence."""
    lost = {key for one in pair for key, value in items(one).items() if value == _NOT_A_NUMBER}
    before, after = (
        {**one, "items": {key: value for key, value in items(one).items() if key not in lost}} for one in pair
    )
    return before, after
