"""Digests of values, bit for bit: equal where type, shape and every bit are equal, also of -0.0 and of NaN payloads.

A tensor on the CPU is hashed as bytes. One on another device stays there: it is folded to two 64-bit sums by that
device, and only these 16 bytes come over. The fold is multilinear, ``sum(weight[i] * word[i]) mod 2**64`` over words of
at most 32 bits, each weight a 64-bit hash of its index. Two different lists of words of one length collide in one sum
for at most one in 2**33 choices of weights (the difference of two words has fewer than 32 trailing zeros), hence in two
independent sums for one in 2**66. A hash by XOR or by a sum without weights, which torch offers, is blind to
permutation and to any constant that occurs an even number of times; one over 64-bit words is nearly blind to signs.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import re
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.parameter import is_lazy

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by size: for a view of the bits
_CHUNK = 1 << 20  # words folded at a time: bounds the memory for weights and products
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}\b")
_LONGEST_TEXT = 200  # characters; what is longer is hashed
_COMPRESSED = {  # layout -> names of the parts of a tensor that has it
    "sparse_csr": ("crow_indices", "col_indices", "values"),
    "sparse_bsr": ("crow_indices", "col_indices", "values"),
    "sparse_csc": ("ccol_indices", "row_indices", "values"),
    "sparse_bsc": ("ccol_indices", "row_indices", "values"),
}


class Text(str):
    """A text that is its own digest."""


def digest(value: Any) -> str:
    """The digest of one tensor, or the text of another value; see `digest_all`."""
    return digest_all([value])[0]


def digest_all(values: Sequence[Any]) -> list[str]:
    """Digests of many values, with one transfer from each device for all of them together.

    Args:
        values: tensors of any dtype, layout and device, numpy arrays, or anything with a repr that tells its value.

    Returns:
        For a tensor ``float32[2,3]:HEX``, with its class and layout in front where they are not the plain ones. Strides
        and device do not count. For other values their repr without addresses in memory, cut to a hash if it is long.
    """
    heads: list[str] = []
    pieces: list[torch.Tensor] = []
    owners: list[int] = []
    with torch.no_grad(), _plain_functions():
        for index, value in enumerate(values):
            if not isinstance(value, torch.Tensor):
                heads.append(text(value))
                continue
            head, own = _take_apart(value)
            heads.append(head)
            pieces.extend(own)
            owners.extend([index] * len(own))
        hashes: dict[int, list[bytes]] = {}
        for index, content in zip(owners, _hash_pieces(pieces)):
            hashes.setdefault(index, []).append(content)
    return [f"{head}:{_join(hashes[i])}" if i in hashes else head for i, head in enumerate(heads)]


def text(value: Any) -> str:
    """What tells the value of something that is no tensor: its repr without addresses, or type and hash of it."""
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, (bytes, bytearray)) and len(value) > _LONGEST_TEXT:
        return f"{len(value)} bytes:{_sha1(value)}"
    if type(value).__module__ == "numpy" and hasattr(value, "tobytes") and hasattr(value, "dtype"):
        content = repr(value.tolist()) if value.dtype.hasobject else value.tobytes()
        return f"numpy.{value.dtype}{list(value.shape)}:{_sha1(content)}"
    words = without_addresses(repr(value))
    if len(words) <= _LONGEST_TEXT:
        return words
    return f"{type(value).__name__} of {len(words)} characters:{_sha1(words)}"


def without_addresses(words: str) -> str:
    """The text with addresses in memory replaced: they differ between two processes."""
    return _ADDRESS.sub("0x", words)


def _plain_functions() -> Any:
    """A context in which subclasses of Tensor do not see what we do with them."""
    if hasattr(torch._C, "DisableTorchFunctionSubclass"):
        return torch._C.DisableTorchFunctionSubclass()
    return torch._C.DisableTorchFunction()  # torch 1.13


def _join(parts: list[bytes]) -> str:
    return _sha1(b"".join(parts)) if len(parts) > 1 else parts[0].hex()


def _sha1(content: str | bytes | bytearray) -> str:
    return hashlib.sha1(
        content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    ).hexdigest()


def _take_apart(tensor: torch.Tensor) -> tuple[str, list[torch.Tensor]]:
    """Everything about a tensor but its elements as text, and plain dense tensors that hold these."""
    if is_lazy(tensor):
        return "uninitialised", []
    if getattr(tensor, "is_nested", False):
        inner = [_take_apart(part) for part in tensor.unbind()]
        return "nested(" + ",".join(h for h, _ in inner) + ")", [piece for _, pieces in inner for piece in pieces]
    if type(tensor) not in (torch.Tensor, torch.nn.Parameter) and hasattr(tensor, "__tensor_flatten__"):
        names, context = tensor.__tensor_flatten__()
        inner = [_take_apart(getattr(tensor, name)) for name in names]
        heads = ",".join(f"{name}={head}" for name, (head, _) in zip(names, inner))
        kind = f"{type(tensor).__name__}({heads};{without_addresses(repr(context))})"
        return kind, [piece for _, pieces in inner for piece in pieces]
    layout = str(tensor.layout).rpartition(".")[2]
    head = f"{str(tensor.dtype).rpartition('.')[2]}[{','.join(str(n) for n in tensor.shape)}]"
    if tensor.is_meta or _is_fake(tensor):
        return f"{head} without data", []
    if layout == "sparse_coo":
        coalesced = "" if tensor.is_coalesced() else " not coalesced"
        return f"sparse {tensor.sparse_dim()}{coalesced} {head}", [tensor._indices(), tensor._values()]
    if layout in _COMPRESSED:
        return f"{layout} {head}", [getattr(tensor, name)() for name in _COMPRESSED[layout]]
    if layout != "strided":  # mkldnn: an opaque format
        return f"{layout} {head}", [tensor.to_dense()]
    if tensor.is_quantized:
        if str(tensor.qscheme()).startswith("torch.per_channel"):
            axis = tensor.q_per_channel_axis()
            pieces = [tensor.int_repr(), tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()]
            return f"{head} quantised along {axis}", pieces
        return f"{head} quantised {tensor.q_scale()!r} {tensor.q_zero_point()}", [tensor.int_repr()]
    return head, [tensor]


def _is_fake(tensor: torch.Tensor) -> bool:
    return hasattr(tensor, "fake_mode")


def _hash_pieces(pieces: list[torch.Tensor]) -> list[bytes]:
    """One hash for each dense tensor."""
    hashes: list[bytes] = [b""] * len(pieces)
    waiting: dict[torch.device, list[tuple[int, torch.Tensor]]] = {}
    for index, piece in enumerate(pieces):
        if piece.device.type == "cpu":
            hashes[index] = hash_bytes(piece)
        else:
            waiting.setdefault(piece.device, []).append((index, fold(piece)))
    for sums in waiting.values():
        values = torch.stack([pair for _, pair in sums]).tolist()
        for (index, _), pair in zip(sums, values):
            hashes[index] = b"".join(value.to_bytes(8, "little", signed=True) for value in pair)
    return hashes


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """The elements in logical order as a flat, contiguous tensor of integers with the same bits."""
    tensor = tensor.detach()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    tensor = tensor.resolve_neg()
    return tensor.view(_INTEGERS[tensor.element_size()]).contiguous().view(-1)


def hash_bytes(tensor: torch.Tensor) -> bytes:
    """Hash of the elements of a dense tensor on the CPU, read in place."""
    bits = _bits(tensor)
    size = bits.numel() * bits.element_size()
    if not size:
        return hashlib.sha1().digest()
    return hashlib.sha1((ctypes.c_char * size).from_address(bits.data_ptr())).digest()


def fold(tensor: torch.Tensor, chunk: int = _CHUNK) -> torch.Tensor:
    """Two 64-bit sums that stand for the elements of a dense tensor, computed and left on its device.

    Args:
        tensor: dense, on any device.
        chunk: words that are folded at a time, at least 8: the sums of a chunk are four words of the next round.

    Returns:
        An int64 tensor of two elements. Equal on every device for equal elements and an equal ``chunk``.
    """
    words = _bits(tensor)
    first, second = _weights(str(tensor.device), chunk)
    while True:
        if words.element_size() == 8:
            words = words.view(torch.int32)
        sums = []
        for start in range(0, max(words.numel(), 1), chunk):
            part = words[start : start + chunk]
            sums.append((part * first[: part.numel()]).sum())
            sums.append((part * second[: part.numel()]).sum())
        words = torch.stack(sums)
        if len(sums) == 2:
            return words


@functools.lru_cache(maxsize=8)
def _weights(device: str, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two lists of 64-bit weights: splitmix64 of the index, from two starting points."""
    index = torch.arange(1, 2 * count + 1, device=device, dtype=torch.int64)
    mixed = index * _signed(0x9E3779B97F4A7C15)
    mixed = (mixed ^ _shift(mixed, 30)) * _signed(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ _shift(mixed, 27)) * _signed(0x94D049BB133111EB)
    mixed = mixed ^ _shift(mixed, 31)
    return mixed[:count], mixed[count:]


def _signed(constant: int) -> int:
    """The 64 bits read as torch reads them."""
    return constant - (1 << 64) if constant >= 1 << 63 else constant


def _shift(words: torch.Tensor, by: int) -> torch.Tensor:
    """Shift to the right that fills with zeros; torch's own repeats the sign."""
    return (words >> by) & ((1 << (64 - by)) - 1)
