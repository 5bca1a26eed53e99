"""Tensors behind digests, in files: to start one side from the other's state, and to tell how far two are apart.

A folder has one file a phase, ``PHASE.pt``: item -> tensor on the CPU, of what is dense and floating.
"""

from __future__ import annotations

import math
import os
from typing import Any, NamedTuple

import torch
from torch.nn.parameter import is_lazy

from . import Case, settings
from .hidden import named_state

_FACTOR = {"float32": 2.0, "float64": 2.0, "bfloat16": 3.0}  # of the error that the before side has: dynamo's rule
_SMALL = 1000  # elements; the error of fewer is luck, so they get the larger factor, as there
_USABLE = {"float32": 1e-2, "float64": 1e-6, "bfloat16": 0.1}  # relative error up to which a reference is one
_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}


def keep_phase(folder: str, phase: str, values: dict[str, Any]) -> None:
    """Add the dense floating tensors among ``values`` to what the folder has of this phase."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{phase}.pt")
    kept = torch.load(path, weights_only=True) if os.path.exists(path) else {}
    kept.update({item: value.detach().cpu().clone() for item, value in values.items() if _can_keep(value)})
    torch.save(kept, path)


def _can_keep(value: Any) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and not value.is_quantized
        and not value.is_meta
        and not getattr(value, "is_nested", False)
        and (value.is_floating_point() or value.is_complex())
        and not is_lazy(value)
    )


def save_state(case: Case, *, path: str, seed: int = 0) -> dict[str, Any]:
    """Build the model and save its initial state, hidden tensors included, for `numeric.observe` of the other side.

    Returns:
        ``saved``: the names.
    """
    settings.pin()
    settings.seed(seed)
    model = case.build()
    state = {name: tensor.detach().cpu().clone() for name, tensor in named_state(model).items() if _can_load(tensor)}
    torch.save(state, path)
    return {"saved": list(state)}


def _can_load(tensor: torch.Tensor) -> bool:
    return not is_lazy(tensor) and not tensor.is_meta


def load_state(tensors: dict[str, torch.Tensor], path: str) -> dict[str, list[str]]:
    """Copy what `save_state` wrote into tensors of the same name.

    Returns:
        ``missing``: names that keep their own value, for the file lacks them or has another shape; ``unused``: names
        of the file only.
    """
    saved = torch.load(path, weights_only=True)
    missing = []
    with torch.no_grad():
        for name, tensor in tensors.items():
            if name in saved and _can_load(tensor) and saved[name].shape == tensor.shape:
                tensor.copy_(saved[name])
            else:
                missing.append(name)
    return {"missing": missing, "unused": [name for name in saved if name not in tensors]}


def compare_kept(before: str, after: str, reference: str, dtype: str) -> dict[str, Any]:
    """How far the two sides are from a reference in float64, item by item.

    An item is close if the root mean square error of the after side is at most twice that of the before side (three
    times for bfloat16 and for fewer than 1000 elements), or no more than what one rounding makes. That needs a
    reference that the before side agrees with: where float64 draws other random numbers, both sides are equally far
    from it, whatever they compute, and nothing is close.

    Args:
        before, after: folders that `numeric.observe` kept with the same dtype and scale.
        reference: folder that it kept with ``dtype="float64"`` of the before side.
        dtype: of the two sides.

    Returns:
        ``items``: item as the before side calls it -> ``before`` and ``after`` (errors relative to the size of the
        reference, None where there is no number for it), ``ratio`` of the two, ``close``, and ``reason`` where it is
        not; ``close``: whether all are; ``worst``: the item that says most against it, empty where all are equal.
    """
    items: dict[str, dict[str, Any]] = {}
    for phase in sorted(name for name in os.listdir(before) if name != "build.pt"):
        mine, others, exact = (_load(folder, phase) for folder in (before, after, reference))
        sizes = _sizes_of_kinds(exact)
        for name, (item, tensor) in mine.items():
            pair = _Pair(tensor, *(side[name][1] if name in side else None for side in (others, exact)))
            items[item] = _judge(pair, sizes.get(_kind(name), 0.0), dtype)
        for name, (item, _) in others.items():
            if name not in mine:
                items[item] = _entry(reason="only the after side has it")
    return {"items": items, "close": all(entry["close"] for entry in items.values()), "worst": _worst(items)}


class _Pair(NamedTuple):
    """One item of both sides, and of the reference."""

    before: torch.Tensor
    after: torch.Tensor | None
    reference: torch.Tensor | None


def _load(folder: str, phase: str) -> dict[str, tuple[str, torch.Tensor]]:
    """Item without dtype and scale -> the item and its tensor."""
    path = os.path.join(folder, phase)
    kept = torch.load(path, weights_only=True) if os.path.exists(path) else {}
    return {item.partition("/")[2]: (item, tensor) for item, tensor in kept.items()}


def _kind(name: str) -> str:
    return name.partition(":")[0]


def _sizes_of_kinds(tensors: dict[str, tuple[str, torch.Tensor]]) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for name, (_, tensor) in tensors.items():
        values = _real(tensor)
        size = _size(values[torch.isfinite(values)])
        sizes[_kind(name)] = max(sizes.get(_kind(name), 0.0), size)
    return sizes


def _real(tensor: torch.Tensor) -> torch.Tensor:
    return (torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor).to(torch.float64).flatten()


def _size(values: torch.Tensor) -> float:
    """Root mean square."""
    return float(values.square().mean().sqrt()) if values.numel() else 0.0


def _judge(pair: _Pair, size_of_kind: float, dtype: str) -> dict[str, Any]:
    if pair.after is None:
        return _entry(reason="only the before side has it")
    if pair.before.shape != pair.after.shape or pair.before.dtype != pair.after.dtype:
        return _entry(reason="shape or dtype differ")
    if torch.equal(pair.before, pair.after):
        return _entry(close=True)
    if pair.reference is None or pair.reference.shape != pair.before.shape:
        return _entry(reason="the float64 run of the before side has no such item")
    before, after, reference = _real(pair.before), _real(pair.after), _real(pair.reference)
    if not torch.equal(_special(before), _special(after)):
        return _entry(reason="NaN or infinities in other places")
    finite = torch.isfinite(before) & torch.isfinite(reference)
    size = _size(reference[finite])
    errors = _size((before - reference)[finite]), _size((after - reference)[finite])
    if errors[0] > _USABLE[dtype] * max(size, size_of_kind):
        return _entry(errors, size, reason="the before side itself is far from float64, which is no reference then")
    factor = max(_FACTOR[dtype], 3.0 if pair.before.numel() < _SMALL else 0.0)
    # a value that is all rounding error (the gradient of a bias before a batch norm) has the size of its kind's
    rounding = torch.finfo(_DTYPES[dtype]).eps * (size if errors[0] < 0.1 * size else size_of_kind)
    close = errors[1] <= factor * errors[0] + rounding
    return _entry(errors, size, close=close, reason="" if close else "the error is too large")


def _special(values: torch.Tensor) -> torch.Tensor:
    """0 for finite, 1 and -1 for infinities, 2 for NaN."""
    signs = torch.where(torch.isinf(values), torch.sign(values), torch.zeros_like(values))
    return torch.where(torch.isnan(values), torch.full_like(values, 2.0), signs)


def _entry(
    errors: tuple[float, float] | None = None, size: float = 1.0, *, close: bool = False, reason: str = ""
) -> dict[str, Any]:
    entry: dict[str, Any] = {"before": None, "after": None, "ratio": None, "close": close}
    if errors is not None:
        entry["ratio"] = errors[1] / errors[0] if errors[0] else None
        entry["before"], entry["after"] = (error / size if size else error for error in errors)
    if reason:
        entry["reason"] = reason
    return entry


def _worst(items: dict[str, dict[str, Any]]) -> str:
    """The item that says most against being close, of those that are not equal."""

    def against(item: str) -> tuple[bool, float, float]:
        entry = items[item]
        return not entry["close"], math.inf if entry["ratio"] is None else entry["ratio"], entry["after"] or 0.0

    return max((item for item, entry in items.items() if entry["after"] or not entry["close"]), key=against, default="")
