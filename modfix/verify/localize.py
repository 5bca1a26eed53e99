"""Where two recordings of the same case part: the first operator that the other side lacks, on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from modfix.model.verdict import Divergence, Place

_PHASES = ("build", "eval", "train", "again", "step", "later", "fresh")


class Record(NamedTuple):
    """One operator that ran, as the worker records it. Its hash covers everything that it was computed from."""

    hash: str
    operator: str
    module: str
    path: str
    line: int
    phase: str
    node: str

    @property
    def place(self) -> Place:
        """The same for reports."""
        return Place(self.operator, self.module, self.path, self.line, self.node)


def read_records(observation: Mapping[str, object]) -> list[Record]:
    """The records of an observation; none where it has no entry for them."""
    rows = observation.get("records")
    return [Record(*row) for row in rows] if isinstance(rows, list) else []


def diverge(item: str, before: Sequence[Record], after: Sequence[Record], *, phase: str = "") -> Divergence:
    """The first difference of two recordings.

    A hash holds the hashes of what it was computed from, so one wrong operator changes all that follow from it; the
    first in program order is the cause. Counting how often each hash occurs finds it whatever else was reordered.

    Args:
        item: the first item that differs.
        before: records in program order.
        after: the same of the other side.
        phase: that of the item: what only later phases show cannot be the cause, and is looked at last.
    """
    horizon = _PHASES.index(phase) if phase in _PHASES else len(_PHASES)
    soon = [
        [record for record in records if record.phase not in _PHASES or _PHASES.index(record.phase) <= horizon]
        for records in (before, after)
    ]
    first = _first_extra(soon[0], soon[1]), _first_extra(soon[1], soon[0])
    if first == (None, None):
        first = _first_extra(before, after), _first_extra(after, before)
    if first == (None, None):
        first = _first_moved(*soon)  # the same operators on each side, but their results go to each other's places
    return Divergence(item, *(record and record.place for record in first))


def operators(records: Iterable[Record]) -> Counter[str]:
    """How often each operator ran: the same on both sides where only an order, or an argument, changed."""
    return Counter(record.operator for record in records)


def _first_extra(records: Sequence[Record], others: Sequence[Record]) -> Record | None:
    """The first of ``records`` that has no counterpart left among ``others``."""
    left = Counter(record.hash for record in others)
    for record in records:
        if not left[record.hash]:
            return record
        left[record.hash] -= 1
    return None


def _first_moved(before: Sequence[Record], after: Sequence[Record]) -> tuple[Record | None, Record | None]:
    """The first place where the order of the records is not the same."""
    pairs = zip(before, after, strict=False)
    return next(((one, two) for one, two in pairs if one.hash != two.hash), (None, None))
