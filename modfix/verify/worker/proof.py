"""The proof: the dataflow of a model, as hashes that are equal where two versions do the same.

Phases: ``build``, ``eval``, ``train``, ``again`` (a second call in train mode, on the state that the first left). In
each phase but the first, the model runs forward and backward. Parameters, buffers and hidden tensors are leaves by
name, inputs by path, and so are the gradients that the outputs get; what a leaf holds at the start is compared in
``build``.

Items beyond those that the package describes: ``PHASE/aliasing`` (which outputs share memory with what),
``PHASE/control`` (chain of the values that became Python numbers), ``PHASE/graph:FQN`` (state that hangs on the graph
of the call), ``PHASE/argument`` (what containers among the arguments hold afterwards), ``PHASE/settings`` (of torch),
``PHASE/draws`` (with ``strict_rng=False``: which draws went into which item).
"""

from __future__ import annotations

import contextlib
import re
from typing import Any, Iterator, NamedTuple

import torch
from torch import nn

from . import Case, UnsupportedError, generators, structure
from .components import is_real
from .dataflow import Recorder
from .fakes import Fakes, MetaConstants
from .hashing import digest
from .hidden import hidden_state, named_state

_ADDRESS = re.compile(r"0x[0-9a-f]+")  # another one in each process
RUNGS = ("meta", "fake", "real")


def observe(  # noqa: PLR0913  # all by name, and what a request may say
    case: Case,
    *,
    rung: str,
    device: str = "cpu",
    seed: int = 0,
    root: str = "",
    strict_rng: bool = True,
    hidden_follow: bool = False,
) -> dict[str, Any]:
    """Record a case; returns an observation (see the package) with ``operators``, the number of operators that ran.

    ``rung`` says on what: ``meta`` builds on the meta device and runs on fake tensors, ``fake`` builds really and runs
    on fakes, ``real`` does all for real; there the bits of everything that is observed are part of the items as well.
    With ``strict_rng=False`` the order of draws is let go. ``hidden_follow`` switches hidden modules to train and eval
    as well, as they would be if they were registered.

    Raises `UnsupportedError` where this rung cannot: a value of a fake tensor is needed, the content of a constant is
    unknown, an operator hides what it does, or anything at all is raised on meta or fake tensors, for that may be
    their doing. On real tensors an exception of the model is the item ``PHASE/error``.
    """
    if rung not in RUNGS:
        raise ValueError(f"no rung {rung!r}")
    run = _Run(case, rung, torch.device(device), seed, root, strict_rng, hidden_follow)
    try:
        observation = _attempt(run, input_grads=True)
    except UnsupportedError:
        return _attempt(run, input_grads=False)
    if _failures(observation):
        second = _attempt(run, input_grads=False)
        return second if len(_failures(second)) < len(_failures(observation)) else observation
    return observation


class _Run(NamedTuple):
    case: Case
    rung: str
    device: torch.device
    seed: int
    root: str
    strict_rng: bool
    hidden_follow: bool


def _attempt(run: _Run, *, input_grads: bool) -> dict[str, Any]:
    """Not every model can give its inputs a gradient: integers from floats, kernels without a backward."""
    observer = _Observer(run, input_grads)
    try:
        observer.run()
    except UnsupportedError:
        raise
    except Exception as error:
        if run.rung == "real":
            raise
        raise UnsupportedError(f"on {run.rung} tensors: {_described(error)}") from error
    if observer.recorder.refused:  # and the model swallowed it
        raise UnsupportedError(observer.recorder.refused)
    return observer.observation()


def _failures(observation: dict[str, Any]) -> list[str]:
    return [key for key in observation["items"] if key.endswith("/error")]


class _Observer:
    def __init__(self, run: _Run, input_grads: bool) -> None:
        self.recorder = Recorder(root=run.root, strict_rng=run.strict_rng)
        self._run = run
        self._rung = run.rung
        self._input_grads = input_grads
        self._items: dict[str, str] = {}
        self._state: dict[str, torch.Tensor] = {}
        self._names: dict[int, str] = {}
        self._fakes: Fakes | None = None
        self._tensors_seen = False
        self._observed: dict[str, torch.Tensor] = {}  # in the phase at hand

    def observation(self) -> dict[str, Any]:
        result: dict[str, Any] = {
            "items": self._items,
            "records": [[code.hex(), *rest] for code, *rest in self.recorder.records],
            "operators": self.recorder.operators,
        }
        if not self._tensors_seen:
            result["vacuous"] = "no tensor in the output"
        return result

    def run(self) -> None:
        model = self._build()
        if model is None:
            return
        if self._rung == "real":
            self._phases(model)
            return
        self._fakes = Fakes(self._run.device)
        with self._fakes.swapped(model):
            self._phases(model)

    # -- build -------------------------------------------------------------------------------------------------------

    def _build(self) -> nn.Module | None:
        generators.seed_all(self._run.seed)
        recorder = self.recorder
        recorder.phase = "build"
        recorder.fakes = self._rung == "meta"
        try:
            with self._meta(), recorder.places.watching(lambda module: None), recorder:
                model = self._run.case.build()
        except Exception as error:
            self._failed("build", error)
            return None
        if not isinstance(model, nn.Module):
            raise TypeError(f"the factory returned a `{type(model).__qualname__}`, not a module")
        self._items["build/rng"] = self._rng()
        state = named_state(model)
        for name, tensor in state.items():
            if not _is_lazy(tensor):
                self._items["build/state:" + name] = self._initial(tensor)
        if not recorder.strict_rng:
            self._items["build/draws"] = recorder.draws({n: t for n, t in state.items() if not _is_lazy(t)})
        if self._rung == "real" and self._run.device.type != "cpu":
            model.to(self._run.device)
            hidden_state(model).to(device=self._run.device)
        return model

    @contextlib.contextmanager
    def _meta(self) -> Iterator[None]:
        if self._rung != "meta":
            yield
            return
        with torch.device("meta"), MetaConstants():
            yield

    def _initial(self, tensor: torch.Tensor) -> str:
        flag = b"g" if tensor.requires_grad else b"-"
        if self._rung == "meta" or not self.recorder.strict_rng:
            return digest(flag, self.recorder.value(tensor)).hex()
        return digest(flag, self.recorder.value_and_bits(tensor)).hex()

    # -- phases ------------------------------------------------------------------------------------------------------

    def _phases(self, model: nn.Module) -> None:
        recorder = self.recorder
        recorder.fakes = recorder.frozen = self._rung != "real"
        self._names = hidden_state(model).names()
        self._state = named_state(model)
        for name, tensor in reversed(list(self._state.items())):  # of tied tensors the first name wins
            if not _is_lazy(tensor):
                recorder.name(tensor, "state:" + name)
        for phase, training in (("eval", False), ("train", True), ("again", True)):
            recorder.phase = phase
            recorder.control = b""
            model.train(training)
            if self._run.hidden_follow:
                hidden_state(model).train(training)
            self._phase(phase, model)

    def _phase(self, phase: str, model: nn.Module) -> None:
        generators.seed_all(self._run.seed)
        inputs = _Inputs(self._run, self.recorder, self._fakes, self._input_grads)
        generators.seed_all(self._run.seed)
        outputs: list[tuple[str, torch.Tensor]] = []
        self._observed = {}
        try:
            with self._recording():
                result = model(*inputs.args, **inputs.kwargs)
            outputs = self._outputs(phase, result, inputs)
            self._backward(outputs)
        except Exception as error:
            self._failed(phase, error)
        self._after(phase, model, inputs)

    @contextlib.contextmanager
    def _recording(self) -> Iterator[None]:
        names = self._names
        with self._fake_mode(), self.recorder.places.watching(lambda module: names.get(id(module))), self.recorder:
            yield

    def _fake_mode(self) -> Any:
        return self._fakes.mode if self._fakes is not None else contextlib.nullcontext()

    def _outputs(self, phase: str, result: Any, inputs: _Inputs) -> list[tuple[str, torch.Tensor]]:
        flat = structure.flatten(result)
        outputs = []
        for path, leaf in flat.leaves:
            if isinstance(leaf, torch.Tensor):
                outputs.append((path, leaf))
                self._put(f"{phase}/output:{path}", leaf)
            else:
                self._items[f"{phase}/output:{path}"] = repr(leaf)
        differentiable = [path for path, tensor in outputs if tensor.requires_grad]
        inference = [path for path, tensor in outputs if tensor.is_inference()]
        self._items[phase + "/structure"] = f"{flat.shape}; requires grad: {differentiable}; inference: {inference}"
        self._items[phase + "/aliasing"] = self._aliasing(outputs, inputs)
        self._tensors_seen = self._tensors_seen or bool(outputs)
        return outputs

    def _aliasing(self, outputs: list[tuple[str, torch.Tensor]], inputs: _Inputs) -> str:
        """Which outputs share memory with another output, an input or the state."""
        owners: dict[int, str] = {}
        named = [("state:" + n, t) for n, t in self._state.items() if not _is_lazy(t)]
        for label, tensor in named + [("input:" + p, t) for p, t in inputs.tensors]:
            for key in self.recorder.shares(tensor):
                owners.setdefault(key, label)
        shared = []
        for path, tensor in outputs:
            for key in self.recorder.shares(tensor):
                if key in owners:
                    shared.append(f"output:{path} is {owners[key]}")
                owners.setdefault(key, "output:" + path)
        return "; ".join(shared)

    def _backward(self, outputs: list[tuple[str, torch.Tensor]]) -> None:
        roots, cotangents = [], []
        for path, tensor in outputs:
            if tensor.requires_grad:
                roots.append(tensor)
                cotangents.append(self._cotangent(path, tensor))
        if roots:
            with self._recording():
                torch.autograd.backward(roots, cotangents)

    def _cotangent(self, path: str, output: torch.Tensor) -> torch.Tensor:
        with self._fake_mode(), torch.no_grad():
            plain = output.layout is torch.strided
            cotangent = torch.ones_like(output) if plain else output.detach().clone()
        if is_real(output) and output.layout is torch.strided and type(output) is torch.Tensor and not output.is_nested:
            source = torch.Generator().manual_seed(self._run.seed)
            cotangent = torch.randn(output.shape, generator=source).to(output.device, output.dtype)
        self.recorder.name(cotangent, "ct:" + path)
        return cotangent

    def _after(self, phase: str, model: nn.Module, inputs: _Inputs) -> None:
        items = self._items
        self._state = named_state(model)
        state = {name: tensor for name, tensor in self._state.items() if not _is_lazy(tensor)}
        self._left_behind(phase, state, inputs)
        for name, tensor in state.items():
            if tensor.is_leaf and tensor.grad is not None:
                self._put(f"{phase}/grad:{name}", tensor.grad)
                tensor.grad = None
        for path, grad in inputs.grads.items():
            self._put(f"{phase}/input-grad:{path}", grad)
        for name, tensor in state.items():
            self._put(f"{phase}/state:{name}", tensor)
        for path, tensor in inputs.tensors:
            self._put(f"{phase}/input:{path}", tensor)
        if self.recorder.control:
            items[phase + "/control"] = self.recorder.control.hex()
        items[phase + "/rng"] = self._rng()
        if not self.recorder.strict_rng:
            items[phase + "/draws"] = self.recorder.draws(self._observed)

    def _left_behind(self, phase: str, state: dict[str, torch.Tensor], inputs: _Inputs) -> None:
        """What a call leaves besides values: state that hangs on its graph, other arguments, switches of torch."""
        items = self._items
        for name, tensor in state.items():
            if tensor.grad_fn is not None:
                items[f"{phase}/graph:{name}"] = "state is part of a graph"
        given = {id(tensor) for _, tensor in inputs.tensors}
        flat = structure.flatten(inputs.named)
        items[phase + "/argument"] = str(flat.shape)
        for path, leaf in flat.leaves:
            if not isinstance(leaf, torch.Tensor):
                items[f"{phase}/argument:{path}"] = repr(leaf)
            elif id(leaf) not in given:
                self._put(f"{phase}/argument:{path}", leaf)
        items[phase + "/settings"] = (
            f"default dtype {torch.get_default_dtype()}, grad mode {torch.is_grad_enabled()}, "
            f"deterministic {torch.are_deterministic_algorithms_enabled()}, threads {torch.get_num_threads()}"
        )
        torch.set_grad_enabled(True)  # the next phase needs it

    # -- values ------------------------------------------------------------------------------------------------------

    def _put(self, item: str, tensor: torch.Tensor) -> None:
        self._observed[item] = tensor
        with_bits = self._rung == "real" and self.recorder.strict_rng
        value = self.recorder.value_and_bits(tensor) if with_bits else self.recorder.value(tensor)
        self._items[item] = value.hex()

    def _rng(self) -> str:
        return generators.all_states().hex() if self.recorder.strict_rng else ""

    def _failed(self, phase: str, error: Exception) -> None:
        if self._rung == "meta" or (self._rung == "fake" and phase != "build") or isinstance(error, UnsupportedError):
            raise error
        if isinstance(error, NotImplementedError) and "HigherOrderOperator" in str(error):
            raise UnsupportedError(_described(error)) from error  # our doing, and not the model's
        self._items[phase + "/error"] = _described(error)


class _Inputs:
    """Fresh arguments as leaves. Floating-point ones get a gradient, of which no operator shows."""

    def __init__(self, run: _Run, recorder: Recorder, fakes: Fakes | None, with_grads: bool) -> None:
        args, kwargs = run.case.inputs()
        self.grads: dict[str, torch.Tensor] = {}
        self._recorder = recorder
        self._fakes = fakes
        self._device = run.device
        self._with_grads = with_grads
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


def _is_lazy(tensor: torch.Tensor) -> bool:
    return nn.parameter.is_lazy(tensor)


def _described(error: BaseException) -> str:
    text = str(error).split("\n", 1)[0]
    return f"{type(error).__name__}: {_ADDRESS.sub('0x', text)}"
