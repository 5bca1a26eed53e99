from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
spec: Any = pytest.importorskip("_modfix_worker.spec")

MODELS = """
import torch

class Config:
    width = 7

class Net(torch.nn.Module):
    def __init__(self, depth=1, width=2):
        super().__init__()
        self.depth, self.width = depth, width

    @classmethod
    def small(cls):
        return cls(0, 0)

def factory():
    return Net(5)

ready = Net(6)
number = 3

def wrong():
    return [Net()]

def inputs():
    return (torch.ones(1),), {"mask": None}

def one_input():
    return torch.ones(1), {}

def wrong_inputs():
    return torch.ones(1)

def cases():
    return [("first", Net, lambda: (torch.ones(1),)), ("second", factory, lambda: torch.ones(1))]

def no_cases():
    return [("first", Net)]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "spec_models.py").write_text(MODELS)
    monkeypatch.syspath_prepend(tmp_path)
    yield str(tmp_path)
    sys.modules.pop("spec_models", None)


def load(root: str, model: str, **more: Any) -> Any:
    return spec.load({"name": "x", "model": f"spec_models:{model}", **more}, root)


@pytest.mark.parametrize(
    ("model", "depth", "width"),
    [
        ("Net", 1, 2),
        ("Net(3, width=64)", 3, 64),
        (" Net( torch.tensor(4).item() ) ", 4, 2),
        ("Net(width=Config.width)", 1, 7),
        ("Net(*[1, 2])", 1, 2),
        ("Net.small", 0, 0),
        ("Net.small()", 0, 0),
        ("factory", 5, 2),
        ("ready", 6, 2),
    ],
)
def test_models(root: str, model: str, depth: int, width: int) -> None:
    case = load(root, model)
    one, two = case.build(), case.build()
    assert (one.depth, one.width) == (depth, width)
    assert one is not two


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("Nat", "`spec_models` has no `Nat`: .*; did you mean `Net`?"),
        ("Nat(3)", "`spec_models` has no `Nat.3.`: .*; did you mean `Net`?"),
        ("Net.large", "has no `Net.large`"),
        ("number", "`spec_models:number` is a int: no class, function or model"),
        ("wrong", r"`spec_models:wrong` makes a list, not a `torch.nn.Module`"),
        ("Net(", r"is not a Python expression"),
        ("", "is not a Python expression"),
    ],
)
def test_models_that_cannot_be_had(root: str, model: str, message: str) -> None:
    with pytest.raises(spec.SpecError, match=message):
        load(root, model).build()


@pytest.mark.parametrize("text", ["pkg", "pkg/mod.py:Net", ":Net", "a b:Net", "1a:Net"])
def test_references_that_are_none(root: str, text: str) -> None:
    with pytest.raises(spec.SpecError, match=r"write `package\.module:name`"):
        spec.load({"model": text}, root)


def test_a_module_outside_the_tree_is_refused(root: str) -> None:
    with pytest.raises(spec.SpecError, match="no part of the tree"):
        spec.load({"model": "torch.nn:Identity"}, root)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ones(2,16).bool()", torch.ones(2, 16).bool()),
        ("torch.zeros(1, dtype=torch.int64)", torch.zeros(1, dtype=torch.int64)),
        ("full((2,), 3.0, dtype=float64)", torch.full((2,), 3.0, dtype=torch.float64)),
        ("[ones(1), {'m': (zeros(2), None)}]", [torch.ones(1), {"m": (torch.zeros(2), None)}]),
        ("'text'", "text"),
        ("float('inf')", float("inf")),
        ("nn.functional.relu(-ones(1))", torch.zeros(1)),
    ],
)
def test_inputs(root: str, text: str, value: object) -> None:
    args, kwargs = load(root, "Net", args=[text], kwargs={"key": text}).inputs()
    torch.testing.assert_close(args, (value,), check_dtype=True) if not isinstance(value, str) else None
    assert repr(args) == repr((value,))
    assert repr(kwargs) == repr({"key": value})


def test_random_inputs_follow_the_seed(root: str) -> None:
    inputs = load(root, "Net", args=["randn(3)", "randint(0,100,(2,16))"]).inputs
    torch.manual_seed(1)
    one = inputs()
    torch.manual_seed(1)
    assert torch.equal(one[0][0], inputs()[0][0])
    assert not torch.equal(one[0][0], inputs()[0][0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rand n(2)", "input `rand n.2.` is not a Python expression"),
        ("radn(2)", "input `radn.2.`: name 'radn' is not defined.*use torch's factories"),
        ("ones(-1)", "input `ones.-1.`: RuntimeError: "),
    ],
)
def test_inputs_that_cannot_be_made(root: str, text: str, message: str) -> None:
    with pytest.raises(spec.SpecError, match=message) as error:
        load(root, "Net", args=[text]).inputs()
    assert error.value.kind == "inputs"


def test_a_function_gives_the_inputs(root: str) -> None:
    args, kwargs = load(root, "Net", inputs="spec_models:inputs").inputs()
    assert args == (torch.ones(1),)
    assert kwargs == {"mask": None}
    assert load(root, "Net", inputs="spec_models:one_input").inputs() == ((torch.ones(1),), {})
    with pytest.raises(spec.SpecError, match=r"returned a Tensor; it must return \(args, kwargs\)"):
        load(root, "Net", inputs="spec_models:wrong_inputs").inputs()


def test_listed_cases(root: str) -> None:
    assert spec.list_cases("spec_models:cases", root) == ["first", "second"]
    case = spec.load({"name": "first", "listed": "spec_models:cases"}, root)
    assert case.build().depth == 1
    assert case.inputs() == ((torch.ones(1),), {})
    with pytest.raises(spec.SpecError, match="the inputs of case `second` are a Tensor; they must be a tuple"):
        spec.load({"name": "second", "listed": "spec_models:cases"}, root).inputs()
    with pytest.raises(spec.SpecError, match="lists no case named `third`"):
        spec.load({"name": "third", "listed": "spec_models:cases"}, root)
    with pytest.raises(spec.SpecError, match=r"must return a list of \(name, build, inputs\)"):
        spec.list_cases("spec_models:no_cases", root)


def test_the_modules_of_a_case() -> None:
    assert spec.modules({"model": "a.b:C(1)", "inputs": "a.c:d"}) == ["a.b", "a.c"]
    assert spec.modules({"listed": "a:cases", "model": ""}) == ["a"]


def test_errors_say_which_phase_they_are_of(root: str) -> None:
    case = load(root, "Net('x', 2, 3)")
    with pytest.raises(TypeError) as error:
        case.build()
    assert spec.phase_of(error.value) == "constructor"


def test_code_below_src_is_found(tmp_path: Path) -> None:
    assert spec.import_paths(str(tmp_path)) == [str(tmp_path)]
    (tmp_path / "src").mkdir()
    assert spec.import_paths(str(tmp_path)) == [str(tmp_path / "src"), str(tmp_path)]
    (tmp_path / "src" / "__init__.py").touch()
    assert spec.import_paths(str(tmp_path)) == [str(tmp_path)]
