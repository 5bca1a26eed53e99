"""The bytes behind a tensor, without numpy and without operators that a recorder would see."""

from __future__ import annotations

import ctypes
import hashlib
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes


def raw_bytes(tensor: torch.Tensor) -> Any:
    """The whole storage of a CPU tensor as a buffer, not copied: valid as long as the tensor lives."""
    storage = tensor.untyped_storage()
    size = storage.nbytes()
    return (ctypes.c_char * size).from_address(storage.data_ptr()) if size else b""


def storage_digest(tensor: torch.Tensor) -> bytes:
    """Hash of all bytes of the storage that ``tensor`` views."""
    # The buffer does not keep the storage alive: `tensor` does, but not the copy of a CUDA storage.
    storage = tensor.untyped_storage()
    if storage.device.type != "cpu":
        storage = storage.cpu()  # type: ignore[no-untyped-call]
    size = storage.nbytes()
    h = hashlib.blake2b(digest_size=16)
    if size:
        h.update((ctypes.c_char * size).from_address(storage.data_ptr()))
    return h.digest()


def value_digest(tensor: torch.Tensor) -> bytes:
    """Hash of the elements of a strided real tensor in row-major order, whatever its strides are."""
    with torch.no_grad(), _disable_current_modes():
        flat = tensor.detach().resolve_conj().resolve_neg()
        if flat.is_quantized:
            flat = flat.int_repr()
        return storage_digest(flat.contiguous().clone())
