"""Which draws of random numbers a content depends on, for comparisons that let their order go."""

from __future__ import annotations

from typing import Iterable

from .hashing import digest


class Draws:
    """Draws by number, and for each storage the set of those that went into it, as a bit mask."""

    def __init__(self) -> None:
        self.by_storage: dict[int, int] = {}
        self._drawn: list[bytes] = []

    def add(self, code: bytes) -> None:
        """Note a draw; ``code`` is the hash of what was drawn."""
        self._drawn.append(code)

    def mask(self, storages: Iterable[int], drew: bool = False) -> int:
        """The draws that went into any of the storages, and the latest one if ``drew``."""
        mask = 0
        for key in storages:
            mask |= self.by_storage.get(key, 0)
        return mask | (1 << (len(self._drawn) - 1)) if drew else mask

    def users(self, storages: dict[str, list[int]]) -> str:
        """Which draws went into which of the named storages, without their order."""
        users: dict[int, list[str]] = {}
        for label, keys in storages.items():
            mask = self.mask(keys)
            for number in range(mask.bit_length()):
                if mask >> number & 1:
                    users.setdefault(number, []).append(label)
        lines = sorted((self._drawn[number].hex(), sorted(labels)) for number, labels in users.items())
        return digest(repr(lines).encode()).hex()
