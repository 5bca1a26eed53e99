"""What lists and dictionaries do and containers of torch do not: our tables against the torch at hand."""

from __future__ import annotations

import pytest

from modfix.semantics.container_operations import NO_DICT_METHODS, NO_LIST_METHODS, RESERVED_KEYS

torch = pytest.importorskip("torch")


def lacking(plain: type, container: type) -> set[str]:
    return {name for name in dir(plain) if not name.startswith("_") and not hasattr(container, name)}


def test_methods_that_the_containers_lack() -> None:
    assert lacking(list, torch.nn.ModuleList) <= NO_LIST_METHODS
    assert lacking(dict, torch.nn.ModuleDict) <= NO_DICT_METHODS


@pytest.mark.parametrize("name", sorted(NO_LIST_METHODS | NO_DICT_METHODS))
def test_a_method_listed_is_one_of_the_plain_type(name: str) -> None:
    assert hasattr(list, name) or hasattr(dict, name)


def test_keys_that_module_dict_refuses() -> None:
    refused = {name for name in dir(torch.nn.ModuleDict()) if not name.startswith("_")}
    assert refused <= RESERVED_KEYS
    for key in sorted(refused):
        with pytest.raises(KeyError):
            torch.nn.ModuleDict({key: torch.nn.Tanh()})


@pytest.mark.parametrize("key", ["a.b", ""])
def test_keys_that_are_no_names(key: str) -> None:
    with pytest.raises(KeyError):
        torch.nn.ModuleDict({key: torch.nn.Tanh()})


def test_operators() -> None:
    """What the manual says of operators: the refusals rest on it."""
    layers = torch.nn.ModuleList([torch.nn.Tanh()])
    others = [torch.nn.Tanh()]
    for operate in (lambda: others + layers, lambda: layers * 2, lambda: layers < others):
        with pytest.raises(TypeError):
            operate()
    assert (layers == torch.nn.ModuleList(layers)) is False
    assert layers[0] in layers
    assert list(reversed(layers)) == [layers[0]]
    assert not torch.nn.ModuleList()
