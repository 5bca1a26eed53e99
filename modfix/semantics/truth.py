"""Three-valued answers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Truth(Enum):
    """A three-valued answer.

    Python is dynamic: where the code at hand does not say, the answer is unknown, and unknown means refuse.
    """

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"

    @staticmethod
    def any_of(answers: Iterable[Truth]) -> Truth:
        """Whether one of them is true: unknown if one may be, and no if there is none."""
        found = set(answers)
        return next((truth for truth in (Truth.YES, Truth.UNKNOWN) if truth in found), Truth.NO)
