"""Storages by identity, and the windows that tensors are on them."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.multiprocessing.reductions import StorageWeakRef

from .components import is_dense
from .hashing import digest

_PRUNE_AT = 1 << 15  # storages; those that died are forgotten then


class Geometry(NamedTuple):
    """A window on a storage."""

    code: bytes  # hash of dtype, offset, sizes, strides, device type, conjugate and negative bits
    dense: bool  # every element of the window once, none left out between
    nbytes: int  # of the window if it is dense
    offset: int


class Storages:
    """Gives every storage a number that no other gets as long as it is known."""

    def __init__(self) -> None:
        self._pins: dict[int, StorageWeakRef] = {}  # keep the address taken, not the memory
        self._geometries: dict[Any, Geometry] = {}

    def key(self, tensor: torch.Tensor) -> int:
        """The number of the storage behind a strided tensor."""
        storage = tensor.untyped_storage()
        key: int = storage._cdata
        if key not in self._pins:
            self._pins[key] = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
        return key

    def geometry(self, tensor: torch.Tensor) -> Geometry:
        """The window that a strided tensor is."""
        facts = (
            tensor.dtype,
            tensor.storage_offset(),
            tensor.shape,
            tensor.stride(),
            (tensor.fake_device if type(tensor) is FakeTensor else tensor.device).type,
            tensor.is_conj(),
            tensor.is_neg(),
        )
        geometry = self._geometries.get(facts)
        if geometry is None:
            text = repr((str(facts[0]), facts[1], tuple(facts[2]), *facts[3:]))
            dense = is_dense(tuple(facts[2]), facts[3]) and not facts[5] and not facts[6]
            nbytes = tensor.numel() * tensor.element_size()
            geometry = self._geometries[facts] = Geometry(digest(text.encode()), dense, nbytes, int(facts[1]))
        return geometry

    def is_whole(self, tensor: torch.Tensor) -> bool:
        """Whether the window is all of its storage."""
        geometry = self.geometry(tensor)
        return geometry.dense and geometry.offset == 0 and geometry.nbytes == tensor.untyped_storage().nbytes()

    def expired(self) -> list[int]:
        """Forget storages that died, once in a while; returns their numbers."""
        if len(self._pins) < _PRUNE_AT:
            return []
        gone = [key for key, pin in self._pins.items() if pin.expired()]  # type: ignore[no-untyped-call]
        for key in gone:
            del self._pins[key]
        return gone
