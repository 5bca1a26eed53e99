"""The table of functions and modules against the torch that is installed."""

from __future__ import annotations

import inspect

import pytest

from modfix.semantics.torch_functions import MODULE_FORMS, PURE_MODULES, ModuleForm
from modfix.semantics.torch_names import MODULE_CLASSES

torch = pytest.importorskip("torch")
FORMS = list(MODULE_FORMS.values())


def find(dotted: str) -> object:
    found: object = torch
    for part in dotted.split(".")[1:]:
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.function)
def test_parameters_are_those_of_torch(form: ModuleForm) -> None:
    function, constructor = find(form.function), inspect.signature(find(form.module).__init__)  # type: ignore[misc]
    assert all(name in constructor.parameters for name, _ in (*form.constructor, *form.explicit))
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]
    except ValueError:
        return  # written in C++
    if list(signature.parameters) == ["args", "kwargs"]:
        return  # dispatches on a flag
    assert tuple(signature.parameters) == form.parameters
    for name, source in form.constructor:
        if name in dict(form.explicit):
            continue
        expected, default = signature.parameters[source].default, constructor.parameters[name].default
        if expected is inspect.Parameter.empty:
            continue
        if name == "stride":  # None means the size of the kernel to both
            assert expected is None
            assert default is None
        else:
            assert expected == default, name
    if form.training_default is not None:
        assert signature.parameters["training"].default is form.training_default


@pytest.mark.parametrize("name", sorted(PURE_MODULES))
def test_stateless_modules_have_no_state(name: str) -> None:
    assert name in MODULE_CLASSES
    cls = getattr(torch.nn, name)
    needed = {
        p.name: 2
        for p in inspect.signature(cls.__init__).parameters.values()
        if p.default is p.empty and p.name not in ("self", "args", "kwargs") and p.kind is not p.VAR_KEYWORD
    }
    if name == "Unflatten":
        needed = {"dim": 1, "unflattened_size": (1, 2)}
    elif name == "Threshold":
        needed = {"threshold": 1, "value": 2}
    before = torch.get_rng_state()
    module = cls(**needed)
    assert torch.equal(before, torch.get_rng_state())
    assert not list(module.parameters())
    assert not module.state_dict()
