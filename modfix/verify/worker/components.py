"""What a tensor of any layout consists of: strided tensors, which have storages, and facts, which are text."""

from __future__ import annotations

from typing import Any

import torch

from . import UnsupportedError

_COMPRESSED = {
    torch.sparse_csr: ("crow_indices", "col_indices"),
    torch.sparse_csc: ("ccol_indices", "row_indices"),
    torch.sparse_bsr: ("crow_indices", "col_indices"),
    torch.sparse_bsc: ("ccol_indices", "row_indices"),
}

_CONTEXT_TYPES = (type(None), bool, int, float, str, torch.dtype, torch.device, torch.layout)


def is_wrapper_type(cls: type) -> bool:
    """Whether tensors of this type run code of their own for each operator, and consist of other tensors."""
    dispatch: Any = cls.__torch_dispatch__  # type: ignore[attr-defined]
    return dispatch is not torch._C._disabled_torch_dispatch_impl and cls.__name__ != "FakeTensor"


def is_plain(tensor: torch.Tensor) -> bool:
    """Whether the tensor is one window on one storage, with nothing else to know."""
    return tensor.layout is torch.strided and not tensor.is_quantized and not tensor.is_nested


def is_real(tensor: torch.Tensor) -> bool:
    """Whether the tensor has values: it is neither meta nor fake."""
    return not tensor.is_meta and type(tensor).__name__ != "FakeTensor" and not hasattr(tensor, "fake_mode")


def components(tensor: torch.Tensor) -> list[tuple[torch.Tensor, str]]:
    """The strided tensors that make up ``tensor``, each with its role. To be called with modes off.

    Raises `UnsupportedError` for layouts that hide what they hold.
    """
    if is_wrapper_type(type(tensor)):
        return [
            (part, f"{name}.{role}")
            for name in _flattened(tensor)[0]
            for part, role in components(getattr(tensor, name))
        ]
    if tensor.is_nested:
        return [(tensor.values(), "values")]
    layout = tensor.layout
    if layout is torch.strided:
        return [(tensor, "")]
    if layout is torch.sparse_coo:
        return _all(("indices", tensor._indices()), ("values", tensor._values()))
    if layout in _COMPRESSED:
        outer, inner = _COMPRESSED[layout]
        return _all((outer, getattr(tensor, outer)()), (inner, getattr(tensor, inner)()), ("values", tensor.values()))
    raise UnsupportedError(f"tensors of layout `{layout}` do not show what they hold")


def description(tensor: torch.Tensor) -> str:
    """Everything about a tensor that is not plain, except the contents of its components."""
    if is_wrapper_type(type(tensor)):
        cls = type(tensor)
        sizes = [n if type(n) is int else "*" for n in tensor.shape]  # a ragged size has a serial number
        return f"{cls.__module__}.{cls.__qualname__} {sizes} {tensor.dtype} {_context(_flattened(tensor)[1])}"
    shape = () if tensor.is_nested else tuple(tensor.shape)
    facts: list[Any] = [tensor.layout, tensor.dtype, shape, tensor.device.type]
    if tensor.layout is torch.sparse_coo:
        facts += [tensor.sparse_dim(), tensor.dense_dim(), tensor.is_coalesced()]
    if tensor.is_nested:
        facts[2] = tensor._nested_tensor_size().tolist()
        facts += [tensor._nested_tensor_strides().tolist(), tensor._nested_tensor_storage_offsets().tolist()]
    if tensor.is_quantized:
        facts += _quantizer(tensor)
    return repr(facts)


def _quantizer(tensor: torch.Tensor) -> list[Any]:
    scheme = tensor.qscheme()
    if scheme in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return [scheme, tensor.q_scale().hex(), tensor.q_zero_point()]
    scales, points = tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()
    return [scheme, tensor.q_per_channel_axis(), [s.hex() for s in scales.double().tolist()], points.tolist()]


def _flattened(tensor: Any) -> tuple[list[str], Any]:
    cls = type(tensor)
    if getattr(cls, "__tensor_flatten__", None) is None:
        raise UnsupportedError(f"tensor subclass `{cls.__qualname__}` does not say what it consists of")
    names, context = tensor.__tensor_flatten__()
    return list(names), context


def _context(context: Any) -> str:
    """What a subclass says about itself beside its tensors, as text."""
    if isinstance(context, (list, tuple)):
        return "[{}]".format(", ".join(_context(c) for c in context))
    if isinstance(context, dict):
        return "{{{}}}".format(", ".join(f"{_context(k)}: {_context(v)}" for k, v in context.items()))
    if isinstance(context, _CONTEXT_TYPES):
        return repr(context)
    raise UnsupportedError(f"a tensor subclass describes itself with a `{type(context).__qualname__}`")


def _all(*named: tuple[str, torch.Tensor]) -> list[tuple[torch.Tensor, str]]:
    return [(part, name) for name, tensor in named for part, _ in components(tensor)]


def is_dense(size: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    """Whether a window visits each element between its first and its last exactly once."""
    expected = 1
    for step, length in sorted((s, n) for n, s in zip(size, stride) if n != 1):
        if step != expected:
            return False
        expected *= length
    return True
