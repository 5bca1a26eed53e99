"""What the tests of value numbering share: a recording of one function, and a proof of one model."""

from collections.abc import Callable
from typing import Any

import torch
from _modfix_worker import Case
from _modfix_worker.dataflow import Recorder
from _modfix_worker.proof import observe
from torch import nn


def recorded(function: Callable[..., Any], *inputs: torch.Tensor, fakes: bool = False, **options: Any) -> list[str]:
    """Hashes of the tensors that ``function`` returns, called with named copies of ``inputs``."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    torch.manual_seed(0)
    recorder = Recorder(fakes=fakes, **options)
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    args = [mode.from_tensor(t) if fakes else t.clone() for t in inputs]
    for i, arg in enumerate(args):
        recorder.name(arg, f"input:{i}")
    if fakes:
        with mode, recorder:
            results = function(*args)
    else:
        with recorder:
            results = function(*args)
    results = results if isinstance(results, (list, tuple)) else [results]
    return [recorder.value(r).hex() for r in results] + [recorder.control.hex()]


def prove(
    build: Callable[[], nn.Module], *args: Any, rung: str = "fake", kwargs: dict[str, Any] | None = None, **options: Any
) -> dict[str, Any]:
    """The items of a model on one rung; ``args`` are tensors or functions that make them."""

    def inputs() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return tuple(a() if callable(a) else a.clone() for a in args), dict(kwargs or {})

    items: dict[str, Any] = observe(Case("case", build, inputs), rung=rung, **options)["items"]
    return items


def differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Items that are not the same on both sides."""
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]
