"""A model on fake tensors: state swapped for tensors without values, and back."""

from __future__ import annotations

import contextlib
from typing import Any, Iterator

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from . import UnsupportedError
from .components import is_plain, is_wrapper_type
from .hidden import Slot, hidden_state


class Fakes:
    """Makes fake tensors of one mode; tensors that share memory go on sharing it."""

    def __init__(self, device: torch.device) -> None:
        from torch._subclasses.fake_tensor import FakeTensorMode

        # Real constants that a model makes or holds somewhere are read by value; the recorder sees them first.
        self.mode = FakeTensorMode(allow_non_fake_inputs=True)
        self._device = device
        self._made: dict[int, Any] = {}
        self._kept: list[Any] = []  # so that no other tensor gets the id of one in `_made`

    def of(self, tensor: torch.Tensor) -> torch.Tensor:
        """The fake of a tensor: its shape, strides, dtype and place in memory, on the device the model is to run on.

        Raises `UnsupportedError` for tensors that have no fakes.
        """
        if id(tensor) in self._made:
            known: torch.Tensor = self._made[id(tensor)]
            return known
        fake: Any = self._fake(tensor)
        fake.requires_grad_(tensor.requires_grad)
        if isinstance(tensor, nn.Parameter):
            fake = nn.Parameter(fake, tensor.requires_grad)
        for name, value in getattr(tensor, "__dict__", {}).items():
            if not hasattr(fake, name):
                setattr(fake, name, value)
        self._kept.append(tensor)
        self._made[id(tensor)] = fake
        made: torch.Tensor = fake
        return made

    def _fake(self, tensor: torch.Tensor) -> torch.Tensor:
        from torch._subclasses.fake_tensor import FakeTensor

        if not is_plain(tensor) or is_wrapper_type(type(tensor)):
            raise UnsupportedError(f"the model's state holds a `{tensor.layout}` tensor, which has no fake")
        if type(tensor) not in (torch.Tensor, nn.Parameter) and not _is_buffer(tensor):
            raise UnsupportedError(f"the model's state holds a `{type(tensor).__qualname__}`")
        plain = tensor.data
        if plain.is_meta:
            return FakeTensor(self.mode, plain, self._device)  # shares the storage, whose content is known
        return self.mode.from_tensor(plain, static_shapes=True)

    @contextlib.contextmanager
    def swapped(self, model: nn.Module) -> Iterator[None]:
        """While entered, every tensor that ``model`` holds, also hidden ones, is a fake. Then all is as it was."""
        undo: list[tuple[Slot, torch.Tensor]] = []
        try:
            for slot in hidden_state(model).slots:
                if slot.put is None:
                    continue  # stays real: read by value, and never written
                undo.append((slot, slot.tensor))
                slot.put(self.of(slot.tensor))
            yield
        finally:
            for slot, tensor in reversed(undo):
                assert slot.put is not None
                slot.put(tensor)


def _is_buffer(tensor: torch.Tensor) -> bool:
    return type(tensor).__qualname__ == "Buffer" and type(tensor).__module__.startswith("torch.")


_IS_META: Any = torch.Tensor.is_meta


class MetaConstants(TorchFunctionMode):
    """Makes constants on the CPU and moves them to the meta device, under ``torch.device("meta")``.

    ``torch.tensor([1.0])`` would be born on the meta device, and its values be lost to everyone. And code that asks
    whether a tensor is on the meta device does something else there, as ``torch.nn.init.trunc_normal_`` does nothing:
    what it would do on a real one cannot be seen.
    """

    _MAKERS = (torch.tensor, torch.as_tensor, torch.asarray)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if getattr(func, "__self__", None) is _IS_META:
            raise UnsupportedError("the code asks whether a tensor is on the meta device")
        if func not in self._MAKERS or kwargs.get("device") is not None:
            return func(*args, **kwargs)
        kwargs.pop("device", None)
        requires_grad = kwargs.pop("requires_grad", False)
        made = func(*args, device="cpu", **kwargs)
        return made.to("meta").requires_grad_(requires_grad)
