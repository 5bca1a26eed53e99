"""Runs a case with real numbers and digests, bit for bit, everything that came of it.

Phases: ``build`` (initial state), ``eval``, ``train``, and with inputs at scale 1 ``again`` (train mode once more, on
the state that the phase before left), each but the first a forward and a backward pass with fresh inputs. The gradients
of ``again`` are the first of three SGD steps; the outputs of the two others (``output:2.PATH``, ``output:3.PATH``) and
the final state are the phase ``step``. At other scales ``train`` comes first, and ``eval`` sees what it left; not with
`PROBE`, whose NaN would stay in the statistics.
A backward pass starts from fixed pseudo-random numbers at every floating output, so that no two elements can trade
places or cancel. Where parameters are scaled, with `WIDE` and `NARROW`, a tensor that holds a NaN has the digest
`NOT_A_NUMBER`: nothing follows from it.
"""

from __future__ import annotations

import contextlib
from typing import Any, Iterator, NamedTuple, Tuple

import torch
from torch.nn.parameter import is_lazy

from . import Case, UnsupportedError, digests, settings, structure
from .arguments import DTYPES, FACTORS, PROBE, WIDE, Arguments, Scale, scale_embeddings, scale_parameters
from .hidden import hidden_state, named_state
from .kept import keep_phase, load_state

STEPS = 3
LEARNING_RATE = 0.01
_PERIOD = 1021  # of the numbers that a backward pass starts from: prime, so that no stride of a tensor divides it
_LONGEST_ERROR = 500
_WIDE_GRADIENT = 64.0  # of each element of an output, with `WIDE`
NOT_A_NUMBER = "NaN"

Named = Tuple[str, Any]


def observe(  # noqa: PLR0913  # the options of a run, by keyword
    case: Case,
    *,
    dtype: str = "float32",
    scale: Scale = 1.0,
    device: str = "cpu",
    seed: int = 0,
    state: str | None = None,
    keep: str | None = None,
    hidden_follow: bool = False,
) -> dict[str, Any]:
    """Run the case and digest outputs, structure, gradients, state, arguments and generators after each phase.

    Args:
        case: what to run.
        dtype: ``float32`` runs the model as it was built; for others model, inputs and torch's default are converted.
        scale: factor of every floating input, or `PROBE`, `WIDE`, `NARROW`. Where no input is a floating tensor, the
            tables of embeddings are scaled in its place.
        device: see `settings.device`.
        seed: of all generators, set anew before the model, the inputs and each forward call are made.
        state: file that `save_state` wrote for the other side; replaces the initial state, by name.
        keep: folder for the floating tensors behind the digests, one file a phase; see `kept.compare_kept`.
        hidden_follow: whether hidden modules are switched to training and evaluation like registered ones.

    Returns:
        ``items`` as the package describes, with ``DTYPE*SCALE/`` in front; ``vacuous`` where equal items would be no
        evidence (at another scale than 1 that is only to say that this run adds nothing); with ``state``:
        ``transferred``, the names that the file lacks (``missing``) and that the model lacks (``unused``).

    Raises:
        UnsupportedError: the device is not there, or there is no such version of the model.
        Exception: what building the model or its inputs raises, or what every forward call raises: the model does not
            run in ``dtype``, for one. An exception of some of the phases is their item ``error``.
    """
    if dtype not in DTYPES:
        raise UnsupportedError(f"dtype `{dtype}` is not one of {', '.join(DTYPES)}")
    if isinstance(scale, str) and scale not in (PROBE, *FACTORS):
        raise UnsupportedError(f"scale `{scale}` is neither a number nor one of {', '.join((PROBE, *FACTORS))}")
    plan = _Plan(case, dtype, scale, settings.device(device), seed, keep, hidden_follow)
    run = _Run(plan)
    run.go(state)
    if run.failures and run.arguments.gradients:
        # inputs that require gradients are more than the model was promised: `.numpy()` on them fails
        second = _Run(plan, input_gradients=False)
        second.go(state)
        run = min(run, second, key=lambda attempt: len(attempt.failures))
    return run.result()


class _Plan(NamedTuple):
    case: Case
    dtype: str
    scale: Scale
    device: torch.device
    seed: int
    keep: str | None
    hidden_follow: bool


class _Run:
    """One model, built, run through all phases, and what was seen."""

    def __init__(self, plan: _Plan, *, input_gradients: bool = True) -> None:
        self._plan = plan
        scale = plan.scale if isinstance(plan.scale, str) else format(plan.scale, "g")
        self._prefix = f"{plan.dtype}*{scale}/"
        self._passes = _passes(plan.scale)
        self._model: Any = None
        self._tensors: dict[str, torch.Tensor] = {}  # all state of the model by name, as of the last phase
        self._vacuity = _Vacuity()
        self.arguments = Arguments(plan.case.inputs, plan.dtype, plan.scale, plan.device, gradients=input_gradients)
        self.failures: dict[str, Exception] = {}  # phase -> what its forward call raised
        self._scaled = False  # whether embeddings were, or need not be
        self._learns = False  # whether the last backward pass had anything to do
        self._items: dict[str, str] = {}
        self._transferred: dict[str, list[str]] | None = None

    def go(self, state: str | None) -> None:
        """Build the model and run every phase."""
        settings.pin()
        settings.seed(self._plan.seed)
        self._model = self._plan.case.build()
        if not isinstance(self._model, torch.nn.Module):
            raise UnsupportedError(f"the case builds a `{type(self._model).__name__}`, which is no torch.nn.Module")
        settings.pin()  # a constructor may have switched something
        self._record("build", [*self._state(), ("rng", _generators())])
        if state is not None:
            self._transferred = load_state(self._tensors, state)
        self._convert()
        for phase, training in self._passes:
            self._phase(phase, training)
        if "again" not in self.failures and self._learns and self._plan.scale == 1:
            self._train_on()
        else:
            self._record(self._passes[-1][0], self._state())

    def result(self) -> dict[str, Any]:
        """The observation.

        Raises:
            Exception: no forward call worked.
        """
        if len(self.failures) == len(self._passes):
            raise next(iter(self.failures.values()))
        observation: dict[str, Any] = {"items": self._items}
        if self._vacuity.reason:
            observation["vacuous"] = self._vacuity.reason
        if self._transferred is not None:
            observation["transferred"] = self._transferred
        return observation

    # -- the model ---------------------------------------------------------------------------------------------------

    def _convert(self) -> None:
        """Move the model and what it hides to the device and the dtype of the run."""
        dtype = None if self._plan.dtype == "float32" else DTYPES[self._plan.dtype]
        if dtype is not None and any(tensor.is_complex() for tensor in self._tensors.values()):
            raise UnsupportedError(f"a model with complex state has no {self._plan.dtype} version")
        if dtype is not None or self._plan.device.type != "cpu":
            self._model.to(device=self._plan.device, dtype=dtype)
            hidden_state(self._model).to(device=self._plan.device, dtype=dtype)
            self._tensors = named_state(self._model)
        if self._plan.scale in FACTORS:
            parameters = [tensor for tensor in self._tensors.values() if isinstance(tensor, torch.nn.Parameter)]
            scale_parameters(parameters, str(self._plan.scale))

    def _state(self, *, parameters: bool = True) -> list[Named]:
        """Parameters, unless they are not wanted, buffers and whatever else the model keeps by now."""
        self._tensors = named_state(self._model)
        return [
            (f"state:{name}", tensor)
            for name, tensor in self._tensors.items()
            if parameters or not isinstance(tensor, torch.nn.Parameter)
        ]

    def _trainable(self) -> list[tuple[str, torch.Tensor]]:
        return [(name, tensor) for name, tensor in self._tensors.items() if tensor.requires_grad and tensor.is_leaf]

    # -- phases ------------------------------------------------------------------------------------------------------

    def _phase(self, phase: str, training: bool) -> None:
        """One forward and backward pass; digests of everything that can be seen after it."""
        for _, tensor in self._trainable():
            tensor.grad = None
        self._model.train(training)
        if self._plan.hidden_follow:
            hidden_state(self._model).train(training)
        try:
            leaves, structure_text, arguments = self._forward()
        except UnsupportedError:
            raise
        except Exception as error:
            self.failures[phase] = error
            self._record(phase, [("error", digests.Text(describe_error(error)))])
            return
        values: list[Named] = [(f"output:{path}", leaf) for path, leaf in leaves]
        values.append(("structure", digests.Text(structure_text)))
        self._vacuity.see([leaf for _, leaf in leaves])
        self._record(phase, values)  # before the backward pass, which may change an output that shares memory
        values = []
        try:
            self._learns = self._backward(leaves)
        except Exception as error:
            values.append(("error", digests.Text(f"backward: {describe_error(error)}")))
        values.extend((f"input:{path}", leaf) for path, leaf in structure.flatten(arguments)[0])
        values.extend((f"input-grad:{path}", leaf.grad) for path, leaf in self.arguments.leaves.items())
        # A digest costs a good part of what computing a gradient costs. What a phase does to parameters shows at the
        # end, and so do the gradients of `again`, in what the steps make of them.
        values.extend(self._state(parameters=False))
        if phase != "again":
            values.extend((f"grad:{name}", tensor.grad) for name, tensor in self._trainable())
        values.append(("rng", _generators()))
        self._record(phase, values)

    def _forward(self) -> tuple[list[Named], str, Any]:
        """Leaves and structure of the output, and the arguments as the call left them."""
        settings.seed(self._plan.seed)
        args, kwargs = self.arguments.make()
        if not self.arguments.floating and not self._scaled:
            scale_embeddings([self._model, *hidden_state(self._model).modules.values()], self._plan.scale)
        self._scaled = True
        settings.seed(self._plan.seed)
        with _default_dtype(self._plan.dtype):
            output = self._model(*args, **kwargs)
        leaves, text = structure.flatten(output)
        return leaves, text + _layout(leaves), (args, kwargs)

    def _backward(self, leaves: list[Named]) -> bool:
        """Accumulate gradients of a fixed weighted sum of all floating outputs; False where nothing has any."""
        size = _WIDE_GRADIENT if self._plan.scale == WIDE else 0.0
        losses = [
            (leaf * cotangent(leaf, self._plan.seed + index, size)).sum()
            for index, (_, leaf) in enumerate(leaves)
            if isinstance(leaf, torch.Tensor) and leaf.requires_grad and _is_plain(leaf)
        ]
        if not losses:
            return False
        loss = sum(losses[1:], losses[0])
        loss = loss.real if loss.is_complex() else loss
        with _default_dtype(self._plan.dtype):
            # from one number: to start at the outputs, torch would import its symbolic shapes
            loss.backward()  # type: ignore[no-untyped-call]
        return True

    def _train_on(self) -> None:
        """Three SGD steps, the first of them with the gradients that are there."""
        try:
            self._update()
            for step in range(2, STEPS + 1):
                leaves = self._forward()[0]
                self._record("step", [(f"output:{structure.join(str(step), path)}", leaf) for path, leaf in leaves])
                self._backward(leaves)
                self._update()
        except Exception as error:
            self._record("step", [("error", digests.Text(describe_error(error)))])
        self._record("step", [*self._state(), ("rng", _generators())])

    def _update(self) -> None:
        with torch.no_grad():
            for _, tensor in self._trainable():
                if tensor.grad is not None:
                    tensor.add_(tensor.grad, alpha=-LEARNING_RATE)
                    tensor.grad = None

    def _record(self, phase: str, values: list[Named]) -> None:
        if self._plan.scale in FACTORS:
            values = [(kind, digests.Text(NOT_A_NUMBER) if _has_nan(value) else value) for kind, value in values]
        keys = [f"{self._prefix}{phase}/{kind}" for kind, _ in values]
        self._items.update(zip(keys, digests.digest_all([value for _, value in values])))
        if self._plan.keep is not None:
            keep_phase(self._plan.keep, phase, dict(zip(keys, (value for _, value in values))))


def _passes(scale: Scale) -> list[tuple[str, bool]]:
    """Phases in order, and whether each is in train mode."""
    if scale == 1:
        return [("eval", False), ("train", True), ("again", True)]
    return [("eval", False), ("train", True)] if scale == PROBE else [("train", True), ("eval", False)]


def _layout(leaves: list[Named]) -> str:
    """Strides of the tensors that are not contiguous: whether a caller may ``view`` one is no number."""
    odd = [
        f"{path} has strides {[stride for stride, size in zip(leaf.stride(), leaf.shape) if size != 1]}"
        for path, leaf in leaves
        if isinstance(leaf, torch.Tensor) and _is_plain(leaf) and not leaf.is_contiguous()
    ]
    return "; " + ", ".join(odd) if odd else ""


def _has_nan(value: Any) -> bool:
    if not isinstance(value, torch.Tensor) or is_lazy(value) or not _is_plain(value):
        return False
    return value.is_floating_point() and bool(value.isnan().any())


def _generators() -> digests.Text:
    """One text for the states of all generators."""
    names, states = zip(*settings.generator_states())
    return digests.Text(" ".join(f"{name}={state}" for name, state in zip(names, digests.digest_all(states))))


def cotangent(tensor: torch.Tensor, seed: int, size: float = 0.0) -> torch.Tensor:
    """Fixed numbers of either sign, none of them small, with which a backward pass starts at ``tensor``.

    They repeat with a period that is prime, and shrink with the number of elements so that a step of SGD stays one;
    where ``size`` is given, they are of that size.
    """
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.rand(_PERIOD, generator=generator) + 0.5
    numbers *= torch.randint(0, 2, (_PERIOD,), generator=generator) * 2 - 1
    numbers = (numbers * size if size else numbers / max(tensor.numel(), 1) ** 0.5).to(
        device=tensor.device, dtype=tensor.dtype
    )
    return numbers.repeat(-(-tensor.numel() // _PERIOD))[: tensor.numel()].view(tensor.shape)


def _is_plain(tensor: torch.Tensor) -> bool:
    """Whether a backward pass can start at it with a dense tensor."""
    return tensor.layout == torch.strided and not getattr(tensor, "is_nested", False)


@contextlib.contextmanager
def _default_dtype(name: str) -> Iterator[None]:
    """What a model makes on its way has the dtype of the run; in float32 whatever the code under test has set."""
    if name == "float32":
        yield
        return
    before = torch.get_default_dtype()
    torch.set_default_dtype(DTYPES[name])
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def describe_error(error: BaseException) -> str:
    """Type and message, without what differs between two processes."""
    try:
        message = str(error)
    except Exception as trouble:  # code of the project
        message = f"no message: `__str__` raised {type(trouble).__name__}"
    return digests.without_addresses(f"{type(error).__name__}: {message}")[:_LONGEST_ERROR]


class _Vacuity:
    """Judges whether outputs are such that equal ones are evidence. ``reason`` says why not; empty where they are."""

    def __init__(self) -> None:
        self.reason = "no forward call worked"
        self._best = 0

    def see(self, leaves: list[Any]) -> None:
        """Take the leaves of one output; the most informative of all that were seen decides."""
        tensors = [leaf.detach() for leaf in leaves if isinstance(leaf, torch.Tensor)]
        rank, reason = max((_rank(tensor) for tensor in tensors), default=(1, "no tensor in the output"))
        if rank > self._best:
            self._best, self.reason = rank, reason


def _rank(tensor: torch.Tensor) -> tuple[int, str]:
    if not tensor.numel():
        return 2, "every output is empty"
    if not _is_plain(tensor) or tensor.is_quantized:
        return 5, ""
    if bool(torch.isnan(tensor).all()):
        return 3, "every output is NaN"
    if tensor.numel() > 1 and bool((tensor == tensor.flatten()[0]).all()):
        return 4, "every output is constant"
    return 5, ""
