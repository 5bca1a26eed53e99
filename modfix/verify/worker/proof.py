"""The proof: the dataflow of a model, as hashes that are equal where two versions do the same.

Phases: ``build``, ``eval``, ``train``, ``again`` (a second call in train mode, on the state that the first left), each
forward and backward; then forward only: ``later`` (a second call in eval mode, on what training left) and ``fresh``
(another model, whose first call is in train mode, so that nothing is there which an eval call sets up). Parameters,
buffers and hidden tensors are leaves by name, inputs by path, and so are the gradients that the outputs get; what a
leaf holds at the start is compared in ``build``.

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
from .leaves import Leaves

_ADDRESS = re.compile(r"0x[0-9a-f]+")  # another one in each process
RUNGS = ("meta", "fake", "real")


class _Phase(NamedTuple):
    name: str
    training: bool
    backward: bool


_PHASES = (
    _Phase("eval", training=False, backward=True),
    _Phase("train", training=True, backward=True),
    _Phase("again", training=True, backward=True),
    _Phase("later", training=False, backward=False),
)
_FRESH = _Phase("fresh", training=True, backward=False)


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
        model = self._build("build")
        if model is None:
            return
        self._state_at_the_start(model)
        self._phases(model, _PHASES)
        model, self._fakes, self._state, self._observed = None, None, {}, {}  # two models need twice the memory
        model = self._build(_FRESH.name)
        if model is not None:
            self._phases(model, (_FRESH,))

    # -- build -------------------------------------------------------------------------------------------------------

    def _build(self, phase: str) -> nn.Module | None:
        generators.seed_all(self._run.seed)
        recorder = self.recorder
        recorder.phase = phase
        recorder.fakes = self._rung == "meta"
        recorder.frozen = False
        try:
            with self._meta(), recorder.places.watching(lambda module: None), recorder:
                model = self._run.case.build()
        except Exception as error:
            self._failed(phase, error)
            return None
        if not isinstance(model, nn.Module):
            raise TypeError(f"the factory returned a `{type(model).__qualname__}`, not a module")
        return model

    def _state_at_the_start(self, model: nn.Module) -> None:
        self._items["build/rng"] = self._rng()
        state = {name: tensor for name, tensor in named_state(model).items() if not _is_lazy(tensor)}
        for name, tensor in state.items():
            self._items["build/state:" + name] = self._initial(tensor)
        if not self.recorder.strict_rng:
            self._items["build/draws"] = self.recorder.draws(state)

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

    def _phases(self, model: nn.Module, phases: tuple[_Phase, ...]) -> None:
        if self._rung == "real":
            if self._run.device.type != "cpu":
                model.to(self._run.device)
                hidden_state(model).to(device=self._run.device)
            self._on_rung(model, phases)
            return
        self._fakes = Fakes(self._run.device)
        with self._fakes.swapped(model):
            self._on_rung(model, phases)

    def _on_rung(self, model: nn.Module, phases: tuple[_Phase, ...]) -> None:
        recorder = self.recorder
        recorder.fakes = recorder.frozen = self._rung != "real"
        self._names = hidden_state(model).names()
        self._state = named_state(model)
        for name, tensor in reversed(list(self._state.items())):  # of tied tensors the first name wins
            if not _is_lazy(tensor):
                recorder.name(tensor, "state:" + name)
        for phase in phases:
            recorder.phase = phase.name
            recorder.control = b""
            model.train(phase.training)
            if self._run.hidden_follow:
                hidden_state(model).train(phase.training)
            self._phase(phase.name, model, phase.backward)

    def _phase(self, phase: str, model: nn.Module, backward: bool) -> None:
        generators.seed_all(self._run.seed)
        inputs = Leaves(self._run.case, self._run.device, self.recorder, self._fakes, gradients=self._input_grads)
        generators.seed_all(self._run.seed)
        outputs: list[tuple[str, torch.Tensor]] = []
        self._observed = {}
        try:
            with self._recording():
                result = model(*inputs.args, **inputs.kwargs)
            outputs = self._outputs(phase, result, inputs)
            if backward:
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

    def _outputs(self, phase: str, result: Any, inputs: Leaves) -> list[tuple[str, torch.Tensor]]:
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

    def _aliasing(self, outputs: list[tuple[str, torch.Tensor]], inputs: Leaves) -> str:
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

    def _after(self, phase: str, model: nn.Module, inputs: Leaves) -> None:
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

    def _left_behind(self, phase: str, state: dict[str, torch.Tensor], inputs: Leaves) -> None:
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


def _is_lazy(tensor: torch.Tensor) -> bool:
    return nn.parameter.is_lazy(tensor)


def _described(error: BaseException) -> str:
    text = str(error).split("\n", 1)[0]
    return f"{type(error).__name__}: {_ADDRESS.sub('0x', text)}"
