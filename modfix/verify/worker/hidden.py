"""Modules and tensors that a model keeps where `nn.Module` does not look: lists, dicts, objects, closures, hooks.

``.to()``, ``.train()`` and ``state_dict()`` miss them. They are found here and named as a ``ModuleList``,
``ModuleDict``, ``ParameterList`` or buffer in the same place would name them (``layers.1.weight``,
``heads.a.0.weight``).
"""

from __future__ import annotations

import collections
import functools
import types
import weakref
from typing import Any, Callable, Iterator, NamedTuple, Optional

import torch
from torch import nn

_Put = Optional[Callable[[Any], None]]
_MAX_OBJECTS = 200_000  # a configuration tree that is larger holds no layers
_OWN = frozenset(nn.Module().__dict__)  # what every module has
_HOOKS = tuple(sorted(name for name in _OWN if name.endswith("_hooks")))
_SIMPLE = (str, bytes, int, float, complex, bool, type(None), type, types.ModuleType)  # hold nothing
# Objects of these packages are not looked into, except containers and `functools.partial`.
_FOREIGN = (
    "torch.",
    "numpy.",
    "logging.",
    "threading.",
    "_thread.",
    "io.",
    "_io.",
    "re.",
    "pathlib.",
    "datetime.",
    "weakref.",
)


class Slot(NamedTuple):
    """A place that holds a tensor."""

    name: str
    tensor: torch.Tensor
    put: _Put  # puts something else into that place; None where nothing can be put
    registered: bool  # `state_dict` or `parameters` know it


class Hidden:
    """What a model hides. ``modules`` and ``tensors`` hold what no registered module knows, by name, in order."""

    def __init__(self, model: nn.Module) -> None:
        walk = _Walk(model)
        self.slots: list[Slot] = walk.slots
        self.modules: dict[str, nn.Module] = walk.modules
        registered = {id(slot.tensor) for slot in walk.slots if slot.registered}
        self.tensors: dict[str, torch.Tensor] = {}
        for slot in walk.slots:
            if id(slot.tensor) not in registered and not any(slot.tensor is t for t in self.tensors.values()):
                self.tensors[slot.name] = slot.tensor
        self._walk = walk

    def names(self) -> dict[int, str]:
        """``id`` of every module, registered or hidden, to its name."""
        return dict(self._walk.named)

    def train(self, mode: bool = True) -> None:
        """Switch the hidden modules to training or evaluation, as ``model.train`` does with the registered ones."""
        for module in self.modules.values():
            module.train(mode)

    def to(self, *, device: torch.device | None = None, dtype: torch.dtype | None = None) -> None:
        """Move hidden tensors, those in hidden modules included; floating-point ones only change their dtype.

        In place, so that whoever else holds the tensor sees it, except where that is impossible (to the meta device):
        there the tensor is replaced in every place that holds it. Tensors that share memory go on sharing it.
        """
        bases: dict[tuple[int, Any], torch.Tensor] = {}
        replaced: dict[int, torch.Tensor] = {}
        with torch.no_grad():
            for tensor in self.tensors.values():
                target = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
                moved = _moved(tensor, device, target, bases)
                try:
                    tensor.data = moved
                except (RuntimeError, TypeError):
                    fresh: Any = moved.requires_grad_(tensor.requires_grad)
                    replaced[id(tensor)] = nn.Parameter(fresh, tensor.requires_grad) if _is_parameter(tensor) else fresh
        for slot in self.slots:
            if id(slot.tensor) in replaced and slot.put is not None:
                slot.put(replaced[id(slot.tensor)])


def hidden_state(model: nn.Module) -> Hidden:
    """Find what ``model`` hides. The model is not changed."""
    return Hidden(model)


def named_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """All parameters and buffers by name, each tensor under its first one: registered ones first, then hidden ones."""
    named: dict[str, torch.Tensor] = {}
    seen: set[int] = set()
    for slot in Hidden(model).slots:
        if id(slot.tensor) not in seen:
            seen.add(id(slot.tensor))
            named[slot.name] = slot.tensor
    return named


def _moved(
    tensor: torch.Tensor, device: torch.device | None, dtype: torch.dtype, bases: dict[tuple[int, Any], torch.Tensor]
) -> torch.Tensor:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_nested:
        return tensor.detach().to(device=device, dtype=dtype)
    # torch 1.13 knows the untyped storage by another name
    storage = tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage().untyped()  # type: ignore[no-untyped-call]
    key = (storage._cdata, tensor.dtype)
    if key not in bases:
        whole = torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(storage)
        bases[key] = whole.to(device=device, dtype=dtype)
    return bases[key].as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())


def _is_parameter(tensor: torch.Tensor) -> bool:
    return isinstance(tensor, nn.Parameter)


class _Walk:
    """Registered modules first, all of them: their names win. Then the attributes of each, in the same order."""

    def __init__(self, model: nn.Module) -> None:
        self.slots: list[Slot] = []
        self.modules: dict[str, nn.Module] = {}  # hidden ones, each below no other hidden one
        self.named: dict[int, str] = {}
        self._seen: dict[int, Any] = {}  # id -> object, kept alive so that the id stays its own
        self._left = _MAX_OBJECTS
        for name, module in self._register(model, "", True):
            self._attributes_of(module, name)

    def _register(self, module: nn.Module, name: str, registered: bool) -> list[tuple[str, nn.Module]]:
        """Take in a module and its registered children; returns them, for their attributes to be looked into."""
        if id(module) in self.named:
            return []
        self.named[id(module)] = name
        self._seen[id(module)] = module
        for table in (module._parameters, module._buffers):
            for key, tensor in table.items():
                if tensor is not None:
                    self.slots.append(Slot(_join(name, key), tensor, _setter(table, key), registered))
        found = [(name, module)]
        for key, child in module._modules.items():
            if child is not None:
                found += self._register(child, _join(name, key), registered)
        return found

    def _attributes_of(self, module: nn.Module, name: str) -> None:
        attrs = module.__dict__
        for key, value in list(attrs.items()):
            if key not in _OWN and not isinstance(value, _SIMPLE):
                self._value(value, _join(name, key), _setter(attrs, key))
        for key in _HOOKS:
            for number, hook in enumerate(list(attrs.get(key, {}).values())):
                self._value(hook, _join(name, f"{key}.{number}"), None)

    def _value(self, value: Any, name: str, put: _Put) -> None:
        if isinstance(value, torch.Tensor):
            self.slots.append(Slot(name, value, put, False))
            return
        if isinstance(value, _SIMPLE):
            return
        if isinstance(value, nn.Module):
            if id(value) not in self.named:
                self.modules[name] = value
                for inner_name, module in self._register(value, name, False):
                    self._attributes_of(module, inner_name)
            return
        if id(value) in self._seen or self._left <= 0:
            return
        self._seen[id(value)] = value
        self._left -= 1
        for key, element, inner_put in _elements(value, put):
            self._value(element, _join(name, key), inner_put)


def _elements(value: Any, put: _Put) -> Iterator[tuple[str, Any, _Put]]:
    """What a value holds: name, element, and how to put another in its place."""
    if isinstance(value, tuple):
        names = getattr(value, "_fields", range(len(value)))
        current = [value]  # a tuple is made anew, and then it is the new one that is changed next
        for i, key in enumerate(names):
            yield str(key), value[i], _in_tuple(current, i, put)
    elif isinstance(value, (list, collections.deque)):
        for i, element in enumerate(list(value)):
            yield str(i), element, _setter(value, i)
    elif isinstance(value, dict):
        for key, element in list(value.items()):
            yield str(key), element, _setter(value, key)
    elif isinstance(value, (set, frozenset)):
        for i, element in enumerate(_ordered(value)):
            yield str(i), element, _in_set(value, element)
    elif isinstance(value, functools.partial):
        yield from _of_partial(value)
    elif isinstance(value, types.MethodType):
        yield "self", value.__self__, None
        yield "func", value.__func__, None
    elif isinstance(value, types.FunctionType):
        yield from _of_function(value)
    elif not isinstance(value, weakref.ReferenceType):
        yield from _of_object(value)


def _of_partial(function: Any) -> Iterator[tuple[str, Any, _Put]]:
    yield "func", function.func, None
    for i, element in enumerate(function.args):
        yield f"args.{i}", element, _in_partial(function, i)
    for key, element in list(function.keywords.items()):
        yield key, element, _setter(function.keywords, key)


def _of_function(function: types.FunctionType) -> Iterator[tuple[str, Any, _Put]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            yield name, cell.cell_contents, functools.partial(setattr, cell, "cell_contents")
        except ValueError:  # not assigned yet
            continue
    for i, default in enumerate(function.__defaults__ or ()):
        current = [function.__defaults__]
        yield f"defaults.{i}", default, _in_tuple(current, i, functools.partial(setattr, function, "__defaults__"))
    for name, default in (function.__kwdefaults__ or {}).items():
        yield name, default, _setter(function.__kwdefaults__, name)


def _of_object(value: Any) -> Iterator[tuple[str, Any, _Put]]:
    if (type(value).__module__ + ".").startswith(_FOREIGN) and not isinstance(value, torch.optim.Optimizer):
        return
    for key, element in list(getattr(value, "__dict__", {}).items()):
        yield key, element, functools.partial(object.__setattr__, value, key)
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for key in (slots,) if isinstance(slots, str) else tuple(slots):
            if key not in ("__dict__", "__weakref__") and hasattr(value, key):
                yield key, getattr(value, key), functools.partial(object.__setattr__, value, key)


def _ordered(value: Any) -> list[Any]:
    """The elements of a set in an order that is the same in every process, as far as they can be told apart."""
    return sorted(value, key=_rank)


def _rank(element: Any) -> str:
    if isinstance(element, nn.Module):
        shapes = [(name, tuple(t.shape)) for name, t in element.state_dict(keep_vars=True).items()]
        return f"{type(element).__qualname__} {shapes!r} {element.extra_repr()}"
    if isinstance(element, torch.Tensor):
        return f"tensor {tuple(element.shape)} {element.dtype}"
    return type(element).__qualname__


def _setter(container: Any, key: Any) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        container[key] = value

    return put


def _in_tuple(current: list[Any], i: int, put: _Put) -> _Put:
    if put is None:
        return None

    def put_element(value: Any) -> None:
        old = current[0]
        elements = [*old[:i], value, *old[i + 1 :]]
        current[0] = type(old)._make(elements) if hasattr(old, "_fields") else type(old)(elements)
        put(current[0])

    return put_element


def _in_set(container: Any, old: Any) -> _Put:
    current = [old]

    def put(value: Any) -> None:
        container.discard(current[0])
        container.add(value)
        current[0] = value

    return put if isinstance(container, set) else None


def _in_partial(function: Any, i: int) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        args = (*function.args[:i], value, *function.args[i + 1 :])
        function.__setstate__((function.func, args, function.keywords, function.__dict__ or None))

    return put


def _join(name: str, key: object) -> str:
    return f"{name}.{key}" if name else str(key)
