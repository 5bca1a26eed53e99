"""Results of operators on fake tensors, remembered by the shapes of the arguments.

Faster than the cache of the fake mode, and the same in the first run and in the next: that one forgets that two results
are one tensor.
"""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple, Union

import torch
from torch._subclasses.fake_tensor import FakeTensor

from .components import is_plain


class _Result(NamedTuple):
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device
    view_at: int | None = None  # offset into the storage of the first argument; None for memory of its own


_Key = Tuple[Any, bytes, torch.dtype]
_Element = Union[None, int, _Result]  # a number: the same tensor as that element
_Remembered = Tuple[Optional[type], List[_Element]]  # list, tuple, or None for a single tensor; its elements

_remembered: dict[_Key, _Remembered | None] = {}  # None: has to be asked each time


def call(func: Any, args: Sequence[Any], kwargs: dict[str, Any], shape: bytes) -> Any:
    """``func(*args, **kwargs)``; ``shape`` says everything about the arguments that the result's shape depends on.

    The operator must write no argument, and no tensor argument may have a known content.
    """
    mode = torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE)
    key = (func, shape, torch.get_default_dtype())
    known = _remembered.get(key)
    # In inference mode a view of a usual tensor is a usual tensor, but what is made there is not.
    if known is None or mode is None or torch.is_inference_mode_enabled():
        outs = _asked(mode, func, args, kwargs)
        if key not in _remembered:
            _remembered[key] = _describe(outs, args, kwargs)
        return outs
    kind, elements = known
    made: list[torch.Tensor | None] = []
    for element in elements:
        made.append(made[element] if isinstance(element, int) else element and _make(mode, element, args))
    return made[0] if kind is None else kind(made)


def _asked(mode: Any, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    cached = getattr(mode, "cache_enabled", False)
    if not cached:
        return func(*args, **kwargs)
    mode.cache_enabled = False
    try:
        return func(*args, **kwargs)
    finally:
        mode.cache_enabled = cached


def _make(mode: Any, result: _Result, args: Sequence[Any]) -> torch.Tensor:
    with torch._C._DisableTorchDispatch():
        if result.view_at is not None:
            bare = torch.empty(0, dtype=result.dtype, device="meta")
            bare.set_(args[0].untyped_storage(), result.view_at, result.size, result.stride)
            return FakeTensor(mode, bare, result.device)
        bare = torch.empty_strided(result.size, result.stride, dtype=result.dtype, device="meta")
    return FakeTensor(mode, bare, result.device)


def _describe(outs: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> _Remembered | None:
    kind = type(outs) if isinstance(outs, (list, tuple)) else None
    if kind not in (None, list, tuple):
        return None
    taken = {t.untyped_storage()._cdata for t in _tensors([*args, *kwargs.values()])}
    outputs = [outs] if kind is None else list(outs)
    elements: list[_Element] = []
    for i, out in enumerate(outputs):
        same = [j for j in range(i) if out is not None and outputs[j] is out]
        if out is None or same:
            elements.append(same[0] if same else None)
            continue
        if not _is_simple(out) or (args and out is args[0]):
            return None
        storage, offset = out.untyped_storage(), out.storage_offset()
        result = _Result(tuple(out.shape), out.stride(), out.dtype, out.fake_device)
        if args and isinstance(args[0], torch.Tensor) and storage._cdata == args[0].untyped_storage()._cdata:
            elements.append(result._replace(view_at=offset))
            continue
        if storage._cdata in taken or offset or storage.nbytes() != _extent(result) * out.element_size():
            return None
        taken.add(storage._cdata)
        elements.append(result)
    return kind, elements


def _is_simple(out: Any) -> bool:
    """Whether sizes, strides and dtype say all about it."""
    if type(out) is not FakeTensor or out.constant is not None or not is_plain(out):
        return False
    return not (out.requires_grad or out.is_conj() or out.is_neg())


def _extent(result: _Result) -> int:
    """How many elements of memory the result spans."""
    return 0 if 0 in result.size else 1 + sum((n - 1) * s for n, s in zip(result.size, result.stride))


def _tensors(values: Any) -> list[torch.Tensor]:
    if isinstance(values, torch.Tensor):
        return [values]
    return [t for value in values for t in _tensors(value)] if isinstance(values, (list, tuple)) else []
