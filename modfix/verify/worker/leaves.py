"""The arguments of a recorded call."""

from __future__ import annotations

import contextlib
from typing import Any

import torch

from . import Case, structure
from .dataflow import Recorder
from .fakes import Fakes


class Leaves:
    """Fresh arguments as leaves. Floating-point ones get a gradient, of which no operator shows.

    Attributes:
        args, kwargs: what the model is to be called with.
        named: all of them by path.
        tensors: the tensors among them, by path.
        grads: path -> gradient, once a backward pass came by.
    """

    def __init__(
        self, case: Case, device: torch.device, recorder: Recorder, fakes: Fakes | None, *, gradients: bool
    ) -> None:
        args, kwargs = case.inputs()
        self.grads: dict[str, torch.Tensor] = {}
        self._recorder = recorder
        self._fakes = fakes
        self._device = device
        self._with_grads = gradients
        named: dict[str, Any] = {str(i): arg for i, arg in enumerate(args)}
        count = len(named)
        named.update(kwargs)
        if len(named) != count + len(kwargs):
            raise ValueError("a keyword argument has a number for a name")
        replaced = structure.replace(named, self._leaf)
        self.args = tuple(replaced[str(i)] for i in range(count))
        self.kwargs = {key: replaced[key] for key in kwargs}
        self.tensors = structure.tensors(replaced)
        self.named = replaced

    def _leaf(self, path: str, tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.detach()
        if self._fakes is not None:
            tensor = self._fakes.of(tensor)
        elif self._device.type != "cpu":
            tensor = tensor.to(self._device)
        if self._with_grads and (tensor.is_floating_point() or tensor.is_complex()):
            tensor = self._differentiable(path, tensor)
        self._recorder.name(tensor, "input:" + path)
        return tensor

    def _differentiable(self, path: str, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor that requires grad and may be changed in place, unlike a leaf. Its gradient is caught on the way."""
        with self._fakes.mode if self._fakes is not None else contextlib.nullcontext():
            tensor = tensor.requires_grad_() * 1
        assert tensor.grad_fn is not None

        def catch(gradients: tuple[torch.Tensor | None, ...]) -> tuple[torch.Tensor | None, ...]:
            if gradients[0] is not None:
                self.grads[path] = gradients[0]
            return (None,) * len(gradients)  # nothing is left to compute

        tensor.grad_fn.register_prehook(catch)
        return tensor
