"""Hashes, and what goes into all of them."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import torch

from . import rules

SIZE = 16
_BASE = hashlib.blake2b(digest_size=SIZE)
_BASE.update((f"modfix {rules.RULES_VERSION} torch {torch.__version__}\n").encode())


def digest(*parts: bytes) -> bytes:
    """Hash of parts that delimit themselves (fixed length, or tagged), bound to the versions of rules and torch."""
    h = _BASE.copy()
    h.update(b"".join(parts))
    return h.digest()


def text_code(text: str) -> bytes:
    """A text that delimits itself."""
    encoded = text.encode()
    return b"s%d:" % len(encoded) + encoded


def value_code(value: Any) -> bytes | None:
    """A plain argument of an operator, so that it delimits itself; None for what is no plain value."""
    kind = type(value)
    if kind is int:
        return b"i%d;" % value
    if kind is float:
        return b"f" + struct.pack("<d", value)
    if value is None:
        return b"N"
    if kind is bool:
        return b"1" if value else b"0"
    if kind is str:
        return text_code(value)
    if kind is complex:
        return b"c" + struct.pack("<dd", value.real, value.imag)
    if isinstance(value, torch.device):
        return b"d" + text_code(value.type)
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format, torch.qscheme)):
        return b"t" + text_code(str(value))
    return None


class Settings:
    """What changes the bits of a result without being an argument: thread count, TF32, oneDNN and their like."""

    def __init__(self) -> None:
        self._codes: dict[Any, bytes] = {}

    def code(self) -> bytes:
        """Hash of the settings as they are now."""
        flags = _global_flags()
        code = self._codes.get(flags)
        if code is None:
            code = self._codes[flags] = digest(repr(flags).encode())
        return code


_SUBNORMAL = 5e-324


def _global_flags() -> tuple[Any, ...]:
    return (_SUBNORMAL * 1.0 == 0.0, *[read() for read in _FLAG_READERS])  # the first: are subnormals flushed?


def _flag_readers() -> list[Any]:
    names = [
        "_get_deterministic_algorithms",
        "_get_deterministic_fill_uninitialized_memory",
        "_get_mkldnn_enabled",
        "_get_float32_matmul_precision",
        "_get_cudnn_enabled",
        "_get_cudnn_benchmark",
        "_get_cudnn_deterministic",
        "_get_cudnn_allow_tf32",
        "_get_cublas_allow_tf32",
        "_get_cublas_allow_fp16_reduced_precision_reduction",
        "_get_cublas_allow_bf16_reduced_precision_reduction",
        "_get_nnpack_enabled",
        "_get_qengine",
        "_get_linalg_preferred_backend",
        "_get_onednn_allow_tf32",
    ]
    return [torch.get_num_threads] + [getattr(torch._C, name) for name in names if hasattr(torch._C, name)]


_FLAG_READERS = _flag_readers()
