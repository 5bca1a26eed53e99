"""The subprocess of `modfix.testing.behaviour`: imports fixture modules, runs them, prints what they did as JSON.

Imports nothing of modfix, so that any interpreter with torch can run it. Arguments: paths of fixture modules. Output:
a list with one object per path, which maps what was looked at to a digest of every bit of it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import torch


def main(paths: list[str]) -> None:
    warnings.simplefilter("ignore")  # legacy code is full of deprecated calls
    torch.set_num_threads(1)  # the order of a reduction may depend on the number of threads
    json.dump([observe_module(Path(path).resolve()) for path in paths], sys.stdout)


def observe_module(path: Path) -> dict[str, str]:
    seen: dict[str, str] = {}
    known = set(sys.modules)
    search_path = sys.path[:]
    sys.path.insert(0, str(path.parent))
    try:
        for name, build, inputs in load(path).cases():
            try:
                observe_case(name, build, inputs, seen)
            except Exception as error:
                seen[f"{name}/error"] = f"{type(error).__name__}: {error}"
    except Exception as error:
        seen["import/error"] = f"{type(error).__name__}: {error}"
    finally:  # the other side, and other fixtures, have modules of the same names
        sys.path[:] = search_path
        for module in set(sys.modules) - known:
            if str(getattr(sys.modules[module], "__file__", None) or "").startswith(str(path.parent)):
                del sys.modules[module]
    return seen or {"import/error": "`cases()` is empty"}


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("fixture", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fixture"] = module  # pickle and dataclasses look the module up by name
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["fixture"]
    return module


def observe_case(name: str, build: Any, inputs: Any, seen: dict[str, str]) -> None:
    torch.manual_seed(0)
    module = build()
    seen[f"{name}/rng after construction"] = digest(torch.get_rng_state())
    note(seen, f"{name}/state_dict", dict(module.state_dict()))
    seen[f"{name}/order of parameters"] = " ".join(key for key, _ in module.named_parameters())
    for mode in ("eval", "train"):
        observe_call(f"{name}/{mode}", module.train(mode == "train"), inputs, seen)


def observe_call(where: str, module: Any, inputs: Any, seen: dict[str, str]) -> None:
    torch.manual_seed(1)
    leaves = [leaf(argument) for argument in inputs()]
    arguments = [copy(argument) for argument in leaves]  # so that a module may work in place
    module.zero_grad(set_to_none=True)
    result = module(*arguments)
    note(seen, f"{where}/output", result)
    note(seen, f"{where}/inputs after", arguments)
    seen[f"{where}/rng after"] = digest(torch.get_rng_state())
    losses = [weighted_sum(value) for value in tensors(result) if value.requires_grad]
    if losses:
        torch.autograd.backward(losses)
    note(seen, f"{where}/gradients of inputs", [value.grad for value in tensors(leaves)])
    note(seen, f"{where}/gradients", {key: value.grad for key, value in module.named_parameters()})
    note(seen, f"{where}/state after", dict(module.state_dict()))  # without what was a plain attribute before


def leaf(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.is_floating_point())
    return type(value)(leaf(item) for item in value) if isinstance(value, list | tuple) else value


def copy(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    return type(value)(copy(item) for item in value) if isinstance(value, list | tuple) else value


def weighted_sum(value: torch.Tensor) -> torch.Tensor:
    """A loss that no normalisation layer makes constant."""
    return (value * torch.linspace(-1, 2, value.numel()).reshape(value.shape)).sum()


def tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [found for item in value for found in tensors(item)] if isinstance(value, list | tuple) else []


def note(seen: dict[str, str], where: str, value: Any) -> None:
    if isinstance(value, dict):
        seen[f"{where} keys"] = " ".join(map(str, value))
        for key, item in value.items():
            note(seen, f"{where}[{key!r}]", item)
    elif isinstance(value, list | tuple):
        seen[f"{where} structure"] = f"{type(value).__name__} of {len(value)}"
        for index, item in enumerate(value):
            note(seen, f"{where}[{index}]", item)
    else:
        seen[where] = digest(value) if isinstance(value, torch.Tensor) else repr(value)


def digest(value: torch.Tensor) -> str:
    flat = value.detach().contiguous().reshape(-1)
    data = bytes(flat.view(torch.uint8).tolist()) if flat.numel() else b""
    return f"{value.dtype}{list(value.shape)} {hashlib.blake2b(data, digest_size=8).hexdigest()}"


if __name__ == "__main__":
    main(sys.argv[1:])
