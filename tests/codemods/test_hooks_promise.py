"""What `hooks` promises: however the forward ends, no hook of a local lifetime is left on the model."""

from __future__ import annotations

import copy
import pickle
import sys
import textwrap
import types
from collections.abc import Callable
from typing import Any

import pytest

from codemods.hooks import Hooks
from modfix.testing.harness import migrate

torch = pytest.importorskip("torch")

FUNCTIONS = {
    "registration": """
        def run(model, x):
            kept = []
            model[0].register_forward_hook(lambda m, i, o: kept.append(o))
            model(x)
            return kept[0]
        """,
    "loop": """
        def run(model, x):
            kept = []
            for layer in model:
                layer.register_forward_hook(lambda m, i, o: kept.append(o))
            model(x)
            return kept[0]
        """,
    "pair": """
        def run(model, x):
            kept = []
            handle = model[0].register_forward_hook(lambda m, i, o: kept.append(o))
            model(x)
            handle.remove()
            return kept[0]
        """,
    "pair_of_pairs": """
        def run(model, x):
            kept = []
            first = model[0].register_forward_hook(lambda module, inputs, output: kept.append(output), prepend=True)
            second = model[1].register_forward_pre_hook(lambda module, inputs: kept.append(inputs[0]), prepend=True)
            model(x)
            first.remove()
            second.remove()
            return kept[0]
        """,
    "hook_that_takes_itself_off": """
        def run(model, x):
            kept = []

            def hook(module, inputs, output):
                kept.append(output)
                handle.remove()

            handle = model[3].register_forward_hook(hook)
            model(x)
            return kept[0]
        """,
}


def _function(source: str) -> Callable[[Any, Any], Any]:
    names: dict[str, Any] = {}
    exec(compile(source, "run.py", "exec"), names)
    run: Callable[[Any, Any], Any] = names["run"]
    return run


def _model(*, fails: bool) -> Any:
    class Fails(torch.nn.Module):  # type: ignore[name-defined,misc]  # torch comes from `importorskip`
        def forward(self, x: Any) -> Any:
            raise ArithmeticError("in the middle")

    return torch.nn.Sequential(
        torch.nn.Linear(3, 3), torch.nn.ReLU(), Fails() if fails else torch.nn.ReLU(), torch.nn.Tanh()
    )


def _hooks(model: Any) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_hook_is_left_when_the_forward_raises(name: str) -> None:
    before = textwrap.dedent(FUNCTIONS[name])
    after, _ = migrate(Hooks(), {"run.py": before})
    assert after["run.py"] != before
    for source, is_left in ((before, True), (after["run.py"], False)):
        model = _model(fails=True)
        with pytest.raises(ArithmeticError):
            _function(source)(model, torch.ones(1, 3))
        assert bool(_hooks(model)) is is_left


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_hook_is_left_when_the_forward_returns(name: str) -> None:
    before = textwrap.dedent(FUNCTIONS[name])
    after, _ = migrate(Hooks(), {"run.py": before})
    model = _model(fails=False)
    expected = _function(before)(model, torch.ones(1, 3))
    fresh = _model(fails=False)
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(_function(after["run.py"])(fresh, torch.ones(1, 3)), expected)
    assert _hooks(fresh) == 0


def test_an_extractor_takes_its_hooks_off_when_the_forward_raises() -> None:
    source = """
        class Extractor:
            def __init__(self, model):
                self.model = model
                self.kept = []
                for layer in model:
                    layer.register_forward_hook(lambda m, i, o: self.kept.append(o))

            def run(self, x):
                return self.model(x)
        """
    after, _ = migrate(Hooks(), {"run.py": textwrap.dedent(source)})
    names: dict[str, Any] = {}
    exec(compile(after["run.py"], "run.py", "exec"), names)
    model = _model(fails=True)
    extractor = names["Extractor"](model)
    assert _hooks(model) == len(model)
    with pytest.raises(ArithmeticError), extractor:
        extractor.run(torch.ones(1, 3))
    assert len(extractor.kept) == 2
    assert _hooks(model) == 0


def test_a_stored_output_is_copied_where_it_is_changed_in_place() -> None:
    source = """
        import torch
        from torch import nn

        class Monitored(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(3, 3)
                self.act = nn.ReLU(inplace=True)
                self.handle = self.fc.register_forward_hook(self.keep)

            def keep(self, module, inputs, output):
                self.kept = output

            def forward(self, x):
                return self.act(self.fc(x)).sum() + self.kept.detach().mean()
        """
    before = textwrap.dedent(source)
    after, _ = migrate(Hooks(), {"run.py": before}, unsafe=True)
    for text, is_copy in ((before, False), (after["run.py"], True)):
        names: dict[str, Any] = {}
        exec(compile(text, "run.py", "exec"), names)
        model = names["Monitored"]()
        x = torch.randn(4, 3)
        model(x)
        assert torch.equal(model.kept, model.fc(x) if is_copy else model.fc(x).relu())
        assert model.kept.requires_grad is not is_copy


def test_objects_with_handles_are_copied_and_pickled() -> None:
    source = """
        import torch
        from torch import nn

        class Doubled(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(2, 2)
                self.calls = 0
                self.layer.register_forward_hook(self.hook)

            def hook(self, module, inputs, output):
                self.calls += 1
                return output * 2

            def forward(self, x):
                return self.layer(x)
        """
    after, _ = migrate(Hooks(), {"doubled.py": textwrap.dedent(source)})
    module = types.ModuleType("doubled")
    exec(after["doubled.py"], module.__dict__)
    sys.modules["doubled"] = module
    try:
        first = module.Doubled()
        copies = [copy.deepcopy(first), pickle.loads(pickle.dumps(first))]
    finally:
        del sys.modules["doubled"]
    x = torch.ones(1, 2)
    expected = first(x)
    for other in copies:
        assert torch.equal(other(x), expected)
        assert other.calls == first.calls == 1  # each has its own hook
        other.remove_hooks()
        assert torch.equal(other(x) * 2, expected)
        assert other.calls == 1
    assert torch.equal(first(x), expected)


@pytest.mark.filterwarnings("ignore:Using a non-full backward hook")
@pytest.mark.parametrize("grad_of_input", [True, False])
def test_old_and_full_backward_hooks(grad_of_input: bool) -> None:
    """The table in the manual of `full-backward-hook`, and the gradients that keep their value."""
    seen: dict[str, tuple[Any, ...]] = {}

    def run(layer: Any, x: Any, register: str) -> tuple[Any, ...]:
        layer = copy.deepcopy(layer)  # a module remembers which kind it had
        getattr(layer, register)(lambda m, grad_input, grad_output: seen.update(i=grad_input, o=grad_output))
        (layer(x) ** 2).sum().backward()
        return (*seen["i"], None, *seen["o"])

    convolution, linear = torch.nn.Conv2d(2, 3, 3), torch.nn.Linear(4, 3)
    image = torch.randn(1, 2, 5, 5, requires_grad=grad_of_input)
    old = run(convolution, image, "register_backward_hook")
    full = run(convolution, image, "register_full_backward_hook")
    assert [None if g is None else tuple(g.shape) for g in old[:3]] == [
        (1, 2, 5, 5) if grad_of_input else None,
        (3, 2, 3, 3),
        (3,),
    ]
    assert len(full) == 3
    assert old[0] is full[0] is None or torch.equal(old[0], full[0])
    assert torch.equal(old[-1], full[-1])
    row = torch.randn(2, 4, requires_grad=grad_of_input)
    old, full = run(linear, row, "register_backward_hook"), run(linear, row, "register_full_backward_hook")
    assert tuple(old[0].shape) == (3,)  # the bias
    assert full[0] is None or tuple(full[0].shape) == (2, 4)
    assert torch.equal(old[-1], full[-1])
