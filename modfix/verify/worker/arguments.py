"""The arguments of a case, made afresh for each forward call: converted, scaled, and ready to collect gradients."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Union

import torch
from torch.nn.parameter import is_lazy

from . import structure

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float64": torch.float64}
PROBE = "probe"  # the scale that stands for inputs with special values in them
WIDE = "wide"  # the scale that stands for large inputs, parameters and gradients, and a zero in each parameter
NARROW = "narrow"  # the scale that stands for small parameters
FACTORS = {  # of parameters
    WIDE: 8.0,  # reaches 6 (relu6) from weights of 1, and 1 from what initialisations draw
    NARROW: 2.0**-12,  # below an eps of 1e-3, even where a norm is taken
}
_SMALLEST_TABLE = 8  # elements; a zero among fewer may silence a module
Scale = Union[float, str]


class Arguments:
    """Makes the arguments of one run.

    Attributes:
        gradients: whether floating tensors are asked for gradients.
        floating: whether any tensor among the last arguments was floating or complex.
        leaves: path of each tensor of the last arguments that collects a gradient -> the tensor whose ``grad`` it is.
    """

    def __init__(
        self,
        inputs: Callable[[], tuple[tuple[Any, ...], dict[str, Any]]],
        dtype: str,
        scale: Scale,
        device: torch.device,
        *,
        gradients: bool,
    ) -> None:
        self._inputs = inputs
        self._dtype = None if dtype == "float32" else DTYPES[dtype]
        self._scale = scale
        self._device = device
        self.gradients = gradients
        self.floating = False
        self.leaves: dict[str, torch.Tensor] = {}

    def make(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Fresh positional and keyword arguments. None is a leaf of autograd, so a model may write to all."""
        self.leaves, self.floating = {}, False
        args, kwargs = structure.replace(self._inputs(), self._prepare)
        return tuple(args), kwargs

    def _prepare(self, path: str, tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.detach().to(self._device)
        if not (tensor.is_floating_point() or tensor.is_complex()):
            return tensor.clone()
        self.floating = True
        if self._dtype is not None and tensor.is_floating_point():
            tensor = tensor.to(self._dtype)
        tensor = scaled(tensor, self._scale)
        if not self.gradients:
            return tensor.clone()
        self.leaves[path] = tensor.requires_grad_()
        return tensor.clone()


def scaled(tensor: torch.Tensor, scale: Scale) -> torch.Tensor:
    """The tensor times ``scale``; for `PROBE` with special values put in."""
    if scale == WIDE:
        return tensor * FACTORS[WIDE]
    if scale == NARROW:
        return tensor
    if isinstance(scale, str):
        return _probe(tensor)
    if scale == 0:
        return torch.zeros_like(tensor)  # a product would keep signs and NaN
    return tensor if scale == 1 else tensor * scale


def _probe(tensor: torch.Tensor) -> torch.Tensor:
    """A copy with NaN and infinities in the first sample, and with -0.0, a denormal and large numbers in the last.

    Only so few, because one NaN is enough to make all outputs of a sample NaN, and NaN hides every other difference.
    """
    if tensor.layout != torch.strided or tensor.is_complex() or not tensor.numel():
        return tensor
    samples = tensor.clone(memory_format=torch.contiguous_format)
    limits = torch.finfo(tensor.dtype)
    rows = samples.view(samples.shape[0], -1) if samples.dim() else samples.view(1, 1)
    for row, values in (
        (rows[-1], (-0.0, limits.tiny / 2, limits.max / 4, limits.min / 4)),
        (rows[0], (float("nan"), float("inf"), float("-inf"))),
    ):
        for number, value in enumerate(values, start=1):
            row[number * len(row) // (len(values) + 1)] = value
    return samples


def scale_parameters(parameters: Iterable[torch.Tensor], scale: str) -> None:
    """Enlarge parameters, or make them smaller, each once.

    So limits within a model are reached that its initial weights keep away from: those of a clamp, and an eps.
    """
    with torch.no_grad():
        for parameter in {id(each): each for each in parameters}.values():
            if not parameter.is_floating_point() or is_lazy(parameter):
                continue
            parameter.mul_(FACTORS[scale])
            if scale == WIDE and parameter.layout == torch.strided and parameter.numel() >= _SMALLEST_TABLE:
                parameter[(-1,) * parameter.dim()] = 0


def scale_embeddings(models: Iterable[torch.nn.Module], scale: Scale) -> None:
    """Scale the tables that turn indices into the first numbers of these models, each once."""
    if scale == 1 or scale in FACTORS:  # `scale_parameters` has seen to these
        return
    with torch.no_grad():
        for module in dict.fromkeys(part for model in models for part in model.modules()):
            if isinstance(module, (torch.nn.Embedding, torch.nn.EmbeddingBag)):
                module.weight.copy_(scaled(module.weight.detach(), scale))
