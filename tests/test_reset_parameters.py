"""What `reset-parameters` made can be called again: it gives the parameters the values of a fresh build."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

torch = pytest.importorskip("torch")

FOLDER = Path(__file__).parents[1] / "fixtures" / "reset-parameters"
AFTER = sorted(FOLDER.glob("*/after.py"))
SEVEN = 7.0  # a value that no fixture gives to a parameter


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"reset_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """A fresh object, and the state of the generator when it called `reset_parameters`."""
    states: list[Any] = []
    reset: Callable[[Any], None] = module.Net.reset_parameters

    def watched(self: Any) -> None:
        states.append(torch.get_rng_state())
        reset(self)

    monkeypatch.setattr(module.Net, "reset_parameters", watched)
    torch.manual_seed(0)
    net = module.Net()
    monkeypatch.setattr(module.Net, "reset_parameters", reset)
    (state,) = states
    return net, state


@pytest.mark.parametrize("path", AFTER, ids=lambda path: path.parent.name)
def test_reset_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, state = build(load(path), monkeypatch)
    fresh = {name: parameter.detach().clone() for name, parameter in net.named_parameters()}
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(SEVEN)
    torch.set_rng_state(state)
    net.reset_parameters()
    touched = {}
    for name, parameter in net.named_parameters():
        set_again = parameter.detach() != SEVEN
        assert torch.equal(parameter.detach()[set_again], fresh[name][set_again]), name
        touched[name] = bool(set_again.any())
    assert any(touched.values())


def test_there_are_cases() -> None:
    assert len(AFTER) >= 20
