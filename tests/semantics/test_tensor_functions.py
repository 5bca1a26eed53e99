"""Functions and methods that give one tensor: our tables against the schemas of the torch at hand."""

from __future__ import annotations

import pytest

from modfix.semantics.tensor_functions import CONSTRUCTORS, CREATORS, INTEGERS, METHODS, OPERATIONS, VIEWS

torch = pytest.importorskip("torch")

UNSCHEMATIC = {"from_numpy", "bfloat16", "bool", "byte", "char", "cpu", "cuda", "double", "float", "half", "int"}
UNSCHEMATIC |= {"long", "new_tensor", "short"}


def returns(name: str) -> set[str]:
    """What the overloads that take or make a tensor return, those that write into `out` left out."""
    found = set()
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
        kinds = [str(argument.type) for argument in schema.arguments]
        scalars = kinds[:1] and kinds[0] in ("int", "float", "complex", "number", "str")
        of_tensors = any(kind in ("Tensor", "List[Tensor]") for kind in kinds)
        if any(argument.is_out for argument in schema.arguments):
            continue
        if of_tensors or (name in CREATORS and not (scalars and "Tensor" not in str(schema.returns[0].type))):
            found.add(",".join(str(value.type) for value in schema.returns))
    return found


@pytest.mark.parametrize("name", sorted(CREATORS | OPERATIONS))
def test_a_function_gives_one_tensor(name: str) -> None:
    assert callable(getattr(torch, name))
    assert name in UNSCHEMATIC or returns(name) == {"Tensor"}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_gives_one_tensor(name: str) -> None:
    assert callable(getattr(torch.Tensor, name))
    if name in UNSCHEMATIC:
        if name not in ("cuda", "new_tensor", "from_numpy"):
            assert isinstance(getattr(torch.zeros(1), name)(), torch.Tensor)
    else:
        assert returns(name) <= {"Tensor"}


@pytest.mark.parametrize("name", sorted(CONSTRUCTORS))
def test_a_constructor_makes_a_tensor(name: str) -> None:
    assert isinstance(getattr(torch, name)(2), torch.Tensor)


def test_views_are_methods() -> None:
    assert VIEWS <= METHODS


@pytest.mark.parametrize("name", sorted(INTEGERS))
def test_what_is_no_floating_point(name: str) -> None:
    if isinstance(getattr(torch, name, None), torch.dtype):
        assert not getattr(torch, name).is_floating_point
    elif name in CONSTRUCTORS:
        assert not getattr(torch, name)(2).is_floating_point()
    elif name in METHODS:
        assert not getattr(torch.zeros(2), name)().is_floating_point()
    else:
        given = {"randint": (3, (2,)), "randperm": (3,), "tril_indices": (2, 2), "triu_indices": (2, 2)}[name]
        assert not getattr(torch, name)(*given).is_floating_point()
