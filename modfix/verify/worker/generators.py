"""Random number generators as part of a dataflow.

The state of a generator *is* the chain of draws: an operator that draws is hashed together with the state that it
finds. Whatever saves, restores or seeds a generator (checkpointing, ``fork_rng``, ``manual_seed``) is therefore
accounted for without being watched. On fake and meta tensors nothing is drawn and the state would stand still, so
after each draw it is set to one that is computed from the state before and the operator.
"""

from __future__ import annotations

import hashlib
import random
import sys
from typing import Any

import torch


def generator_for(device: torch.device) -> Any:
    """The default generator of a device; that of the CPU for meta tensors, None where the device was never used."""
    if device.type in ("cpu", "meta"):
        return torch.default_generator
    if device.type == "cuda" and _cuda_runs():
        return torch.cuda.default_generators[device.index or torch.cuda.current_device()]
    if device.type == "mps":
        return torch.mps._get_default_mps_generator()
    return None


def state_of(generator: Any) -> bytes:
    """Hash of the state of a ``torch.Generator``."""
    return hashlib.blake2b(_bytes(generator.get_state()), digest_size=16).digest()


def advance(generator: Any, drawn: bytes) -> None:
    """Set the state of a generator to one that stands for ``drawn``, the hash of a draw that did not happen."""
    generator.manual_seed(int.from_bytes(drawn[:7], "little"))


def all_states() -> bytes:
    """Hash of the states of every generator that a model may draw from: torch, ``random``, numpy where it is loaded."""
    h = hashlib.blake2b(digest_size=16)
    h.update(state_of(torch.default_generator))
    if _cuda_runs():
        for generator in torch.cuda.default_generators:
            h.update(state_of(generator))
    h.update(repr(random.getstate()).encode())
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        kind, keys, position, has_gauss, cached = numpy.random.get_state()
        h.update(repr((kind, position, has_gauss, cached)).encode())
        h.update(keys.tobytes())
    return h.digest()


def seed_all(seed: int) -> None:
    """Seed torch (every device), ``random`` and numpy where it is loaded."""
    torch.manual_seed(seed)
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed % 2**32)


def _cuda_runs() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_initialized()  # type: ignore[no-untyped-call]


def _bytes(state: torch.Tensor) -> bytes:
    from .contents import raw_bytes

    return bytes(raw_bytes(state))
