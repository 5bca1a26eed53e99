"""What users of a model rely on beyond its numbers: keys, order, copies, checkpoints, hooks, modes, compilation.

``contracts`` in the observation is an object with these entries; a *result* is ``"works"`` or a reason why it does not.

``state_dict``
    ``[key, kind, dtype, shape]`` of each entry, in order; kind is ``parameter``, ``buffer`` or ``extra`` (the two after
    it are null for what is no tensor). All of them are persistent.
``buffers``
    ``[name, dtype, shape]`` of each buffer that is not persistent.
``parameters``
    ``[name, dtype, shape, requires_grad]`` in the order of ``named_parameters``, by which an optimizer keeps its state.
``shared``
    name -> first name, of parameters, buffers and modules that are registered more than once.
``views``
    name -> first name, of parameters and buffers that are not the same tensor but share its memory.
``modules``
    ``[name, class, has own parameters or buffers]`` in the order of ``named_modules``: parents, then children in order.
``hidden``
    ``modules`` and ``tensors``: names of what ``.to()``, ``state_dict()`` and optimizers miss.
``modes``
    ``eval`` and ``train``: names of modules, hidden ones included, that do not follow the call of that name.
``copies``
    ``deepcopy`` and ``pickle`` (there and back, with the same bits in all state): results.
``hooks``
    ``built`` and ``run``: ``NAME/TABLE: FUNCTION`` of each hook after construction, and after a forward and backward
    pass in eval and in train mode. Names are those of modules and parameters; ``global`` is torch's own table.
``run``
    result of these passes.
``strict_load``
    ``own`` and, with ``exchange``, the name of each other side that has been observed: result of loading its state.
``compile``
    only if asked for; ``script`` and ``export``: results of ``torch.jit.script`` and ``torch.export.export``, in eval
    mode. A reason that starts with ``not tried`` says nothing about the model.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import os
import pickle
import signal
import threading
import types
import warnings
from typing import Any, Callable, Iterator

import torch
from torch.nn.parameter import is_lazy

from . import Case, UnsupportedError, digests, settings
from .arguments import Arguments
from .hidden import Hidden, hidden_state, named_state
from .numeric import describe_error

WORKS = "works"
LARGEST_COPY = 1 << 30  # bytes of state up to which copies are tried
COMPILE_SECONDS = 30.0  # time for each of the two compilers
_TABLES = tuple(sorted(name for name in torch.nn.Module().__dict__ if name.endswith("_hooks")))
_TENSOR_TABLES = ("_backward_hooks", "_post_accumulate_grad_hooks")
_GLOBAL = torch.nn.modules.module


def observe(  # noqa: PLR0913  # the options of a run, by keyword
    case: Case,
    *,
    device: str = "cpu",
    seed: int = 0,
    exchange: str | None = None,
    side: str = "",
    compile: bool = False,
) -> dict[str, Any]:
    """Build the model of the case, use it in all ways that a contract is about, and tell what is so.

    Args:
        case: what to look at.
        device: where it runs; see `settings.device`.
        seed: of all generators.
        exchange: folder in which this side leaves its state_dict, and finds those of others. The side that comes first
            finds none: ask it again with `load_strictly`.
        side: name of this side in the folder.
        compile: whether to try TorchScript and export.

    Returns:
        ``{"items": {}, "contracts": {...}}``, see the docstring of this module.

    Raises:
        UnsupportedError: the device is not there, or the case builds no module.
        Exception: what building the model or its inputs raises.
    """
    where = settings.device(device)
    settings.pin()
    settings.seed(seed)
    model = case.build()
    if not isinstance(model, torch.nn.Module):
        raise UnsupportedError(f"the case builds a `{type(model).__name__}`, which is no torch.nn.Module")
    hidden = hidden_state(model)
    found = _registered(model)
    found["hidden"] = {"modules": list(hidden.modules), "tensors": list(hidden.tensors)}
    found["modes"] = _modes(model, hidden)
    found["copies"] = {"deepcopy": _try_copy(model, copy.deepcopy), "pickle": _try_copy(model, _pickled)}
    found["strict_load"] = _exchange(model, exchange, side)
    found["hooks"] = {"built": _hooks(model)}
    model.to(where)
    hidden.to(device=where)
    found["run"] = _run(case, model, where, seed)
    found["hooks"]["run"] = _hooks(model)
    if compile:
        found["compile"] = {"script": _script(model), "export": _export(case, model, where, seed)}
    return {"items": {}, "contracts": found}


def load_strictly(case: Case, *, exchange: str, side: str, seed: int = 0) -> dict[str, Any]:
    """The entry ``strict_load`` alone, for the side that was observed before the others.

    Returns:
        ``{"strict_load": {...}}``.
    """
    settings.pin()
    settings.seed(seed)
    return {"strict_load": _exchange(case.build(), exchange, side)}


# -- what is registered ------------------------------------------------------------------------------------------


def _registered(model: torch.nn.Module) -> dict[str, Any]:
    parameters = dict(model.named_parameters())
    buffers = dict(model.named_buffers())
    state = model.state_dict(keep_vars=True)
    return {
        "state_dict": [[key, _kind(value), *_described(value)] for key, value in state.items()],
        "buffers": [[name, *_described(buffer)] for name, buffer in buffers.items() if name not in state],
        "parameters": [[name, *_described(value), value.requires_grad] for name, value in parameters.items()],
        "shared": _shared(model),
        "views": _views(model),
        "modules": [
            [name, _class_name(module), bool(_filled(module._parameters) or _filled(module._buffers))]
            for name, module in model.named_modules()
        ],
    }


def _kind(value: Any) -> str:
    if isinstance(value, torch.nn.Parameter):
        return "parameter"
    return "buffer" if isinstance(value, torch.Tensor) else "extra"


def _described(value: Any) -> list[Any]:
    """Dtype and shape, as far as there are any."""
    if not isinstance(value, torch.Tensor):
        return [None, None]
    return [str(value.dtype).rpartition(".")[2], None if is_lazy(value) else list(value.shape)]


def _class_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _filled(table: dict[str, Any]) -> bool:
    return any(value is not None for value in table.values())


def _shared(model: torch.nn.Module) -> dict[str, str]:
    first: dict[int, str] = {}
    shared: dict[str, str] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        known = first.setdefault(id(module), name)
        if known != name:
            shared[name] = known
            continue
        for table in (module._parameters, module._buffers):
            for key, tensor in table.items():
                path = f"{name}.{key}" if name else key
                if tensor is not None and first.setdefault(id(tensor), path) != path:
                    shared[path] = first[id(tensor)]
    return shared


def _views(model: torch.nn.Module) -> dict[str, str]:
    first: dict[int, str] = {}
    tensors = [*model.named_parameters(), *model.named_buffers()]  # each tensor once
    memories = [(name, first.setdefault(_memory(tensor), name)) for name, tensor in tensors]
    return {name: owner for name, owner in memories if name != owner}


def _memory(tensor: torch.Tensor) -> int:
    """A number that is the same for views of the same memory."""
    if is_lazy(tensor) or tensor.layout != torch.strided or tensor.is_meta or not tensor.numel():
        return id(tensor)
    if not hasattr(tensor, "untyped_storage"):  # torch 1.13
        return int(tensor.storage().data_ptr())  # type: ignore[no-untyped-call]
    return int(tensor.untyped_storage()._cdata)


def _modes(model: torch.nn.Module, hidden: Hidden) -> dict[str, list[str]]:
    """Names of the modules whose flag does not follow the call on the model, which ends in train mode."""
    found = {}
    for name, training in (("eval", False), ("train", True)):
        model.train(training)
        parts = [
            (path, part) for path, module in _roots(model, hidden) for path, part in module.named_modules(prefix=path)
        ]
        found[name] = [path for path, part in parts if part.training != training]
    return found


def _roots(model: torch.nn.Module, hidden: Hidden) -> Iterator[tuple[str, torch.nn.Module]]:
    yield "", model
    yield from hidden.modules.items()


# -- copies and checkpoints ----------------------------------------------------------------------------------------


def _result(attempt: Callable[[], str]) -> str:
    """What ``attempt`` returns, or the exception of the project's code that ended it."""
    try:
        return attempt()
    except Exception as error:
        return describe_error(error)


def _try_copy(model: torch.nn.Module, make: Callable[[torch.nn.Module], torch.nn.Module]) -> str:
    state = named_state(model)
    size = sum(0 if is_lazy(tensor) else tensor.numel() * tensor.element_size() for tensor in state.values())
    if size > LARGEST_COPY:
        return f"not tried: the state has {size >> 20} MiB"

    def attempt() -> str:
        copied = named_state(make(model))
        if list(copied) != list(state):
            return f"other names in the copy: {_first_difference(list(state), list(copied))}"
        mine, theirs = digests.digest_all(list(state.values())), digests.digest_all(list(copied.values()))
        unequal = [name for name, one, two in zip(state, mine, theirs) if one != two]
        return f"`{unequal[0]}` has other values in the copy" if unequal else WORKS

    return _result(attempt)


def _first_difference(mine: list[str], theirs: list[str]) -> str:
    odd = [name for name in [*mine, *theirs] if (name in mine) != (name in theirs)]
    return f"`{odd[0]}`" if odd else "the order"


def _pickled(model: torch.nn.Module) -> torch.nn.Module:
    with _quiet():
        copied = pickle.loads(pickle.dumps(model))
    assert isinstance(copied, torch.nn.Module)
    return copied


def _exchange(model: torch.nn.Module, folder: str | None, side: str) -> dict[str, str]:
    """Leave the state of this side, and load its own and that of every other side."""
    own = io.BytesIO()

    def attempt() -> str:
        torch.save(model.state_dict(), own)
        return _load(model, own.getvalue())

    results = {"own": _result(attempt)}
    if folder is None:
        return results
    if own.getvalue():
        with open(os.path.join(folder, f"{side}.pt"), "wb") as target:
            target.write(own.getvalue())
    for name in sorted(os.listdir(folder)):
        other, extension = os.path.splitext(name)
        if extension != ".pt" or other == side:
            continue
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        results[other] = _result(lambda content=content: _load(model, content))  # type: ignore[misc]  # mypy: a default
    if own.getvalue():
        _result(lambda: _load(model, own.getvalue()))  # what follows is about the model as it was built
    return results


def _load(model: torch.nn.Module, content: bytes) -> str:
    with _quiet():
        # not `weights_only`: extra state is any object of the project, whose code runs here anyway
        model.load_state_dict(torch.load(io.BytesIO(content), weights_only=False), strict=True)
    return WORKS


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# -- hooks -----------------------------------------------------------------------------------------------------------


def _hooks(model: torch.nn.Module) -> list[str]:
    found = [
        f"{name}/{table}: {_function_name(hook)}"
        for name, module in model.named_modules()
        for table in _TABLES
        for hook in (getattr(module, table, None) or {}).values()
    ]
    for name, tensor in model.named_parameters():
        for table in _TENSOR_TABLES:
            found.extend(
                f"{name}/{table}: {_function_name(hook)}" for hook in (getattr(tensor, table, None) or {}).values()
            )
    for table in sorted(vars(_GLOBAL)):
        hooks = getattr(_GLOBAL, table)
        if table.startswith("_global_") and table.endswith("_hooks") and isinstance(hooks, dict):
            found.extend(f"global/{table}: {_function_name(hook)}" for hook in hooks.values())
    return found


def _function_name(hook: Any) -> str:
    hook = getattr(hook, "func", hook)  # of a functools.partial
    return getattr(hook, "__qualname__", None) or type(hook).__qualname__


def _run(case: Case, model: torch.nn.Module, device: torch.device, seed: int) -> str:
    """A forward and a backward pass in each mode."""

    def attempt() -> str:
        for training in (False, True):
            model.train(training)
            args, kwargs = _arguments(case, device, seed, gradients=False)
            output = model(*args, **kwargs)
            losses = [leaf.sum() for leaf in _floating(output) if leaf.requires_grad]
            if losses:
                loss = sum(losses[1:], losses[0])
                (loss.real if loss.is_complex() else loss).backward()  # type: ignore[no-untyped-call]
        return WORKS

    return _result(attempt)


def _arguments(
    case: Case, device: torch.device, seed: int, *, gradients: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    settings.seed(seed)
    made = Arguments(case.inputs, "float32", 1.0, device, gradients=gradients).make()
    settings.seed(seed)
    return made


def _floating(output: Any) -> list[torch.Tensor]:
    from .structure import tensors

    return [t for _, t in tensors(output) if t.layout == torch.strided and not getattr(t, "is_nested", False)]


# -- compilers -------------------------------------------------------------------------------------------------------


class _TimeUp(BaseException):
    """No Exception, so that no ``except Exception`` on the way stops it."""


def _within(seconds: float, attempt: Callable[[], str]) -> str:
    """The result of ``attempt``, which is interrupted after that time (between two steps of the interpreter)."""
    if threading.current_thread() is not threading.main_thread():
        return "not tried: only the main thread can be interrupted"

    def interrupt(number: int, frame: types.FrameType | None) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        return _result(attempt)
    except _TimeUp:
        return f"not tried: it takes more than {seconds:g} s"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _script(model: torch.nn.Module) -> str:
    def attempt() -> str:
        with _quiet():
            torch.jit.script(model.eval())
        return WORKS

    return _within(COMPILE_SECONDS, attempt)


def _export(case: Case, model: torch.nn.Module, device: torch.device, seed: int) -> str:
    export = getattr(getattr(torch, "export", None), "export", None)
    if export is None or "strict" not in inspect.signature(export).parameters:
        return f"not tried: torch {torch.__version__} cannot export without its compiler"

    def attempt() -> str:
        args, kwargs = _arguments(case, device, seed, gradients=False)
        with _quiet():
            export(model.eval(), args, kwargs, strict=False)
        return WORKS

    return _within(COMPILE_SECONDS, attempt)
