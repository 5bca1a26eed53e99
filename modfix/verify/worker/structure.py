"""Inputs and outputs of models: any nesting of containers and objects, as leaves with stable paths, and back."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import types
from collections import abc
from typing import Any, Callable, Iterator, NamedTuple

import torch

from . import UnsupportedError

_PLAIN: tuple[type, ...] = (type(None), bool, int, float, complex, str, bytes, bytearray, slice, range, type(Ellipsis))
_PLAIN += (torch.dtype, torch.device, torch.layout, torch.memory_format)


class Flat(NamedTuple):
    """A value taken apart."""

    leaves: list[tuple[str, Any]]  # path ("0.logits", "" for the value itself) -> tensor or plain value, in order
    shape: str  # types, keys and lengths; equal for values that can be used in the same way


def flatten(value: Any) -> Flat:
    """Take a value apart: containers, named tuples, dataclasses, and objects by their attributes.

    The order of dict keys is part of the shape. A container that was met before is named by its first path, so shared
    and cyclic structures end. Raises `UnsupportedError` for what cannot be looked into (generators, functions, files).
    """
    leaves: list[tuple[str, Any]] = []
    seen: dict[int, str] = {}
    return Flat(leaves, _walk(value, "", leaves, seen, [value]))


def tensors(value: Any) -> list[tuple[str, torch.Tensor]]:
    """The tensors in a value with their paths."""
    return [(path, leaf) for path, leaf in flatten(value).leaves if isinstance(leaf, torch.Tensor)]


def replace(value: Any, change: Callable[[str, torch.Tensor], Any]) -> Any:
    """A copy of ``value`` with ``change(path, tensor)`` in the place of each tensor.

    Lists, tuples, dicts and sets are made anew; objects are changed in place, for not every class can be copied: give
    fresh inputs. One tensor that occurs twice is changed once.
    """
    return _Replacer(change).value(value, "")


def join(path: str, key: object) -> str:
    """The path of an element."""
    return f"{path}.{key}" if path else str(key)


def _walk(value: Any, path: str, leaves: list[tuple[str, Any]], seen: dict[int, str], keep: list[Any]) -> str:
    if isinstance(value, torch.Tensor):
        leaves.append((path, value))
        return "tensor"
    if isinstance(value, _PLAIN) and not isinstance(value, enum.Enum):
        leaves.append((path, value))
        return type(value).__name__
    opaque = _opaque(value)
    if opaque is not None:
        leaves.append((path, opaque))
        return _type_name(value)
    if id(value) in seen:
        return f"<{seen[id(value)]}>"
    seen[id(value)] = path
    keep.append(value)  # no other object may get its id
    inner = [f"{key}: {_walk(element, join(path, key), leaves, seen, keep)}" for key, element in _elements(value, path)]
    return "{}({})".format(_type_name(value), ", ".join(inner))


def _opaque(value: Any) -> Any:
    """A text that says everything about a value which is not looked into, None for all others."""
    if isinstance(value, enum.Enum):
        return f"{_type_name(value)}.{value.name}"
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if type(value).__module__ == "numpy" and hasattr(value, "tobytes") and not value.dtype.hasobject:
        return f"{value.dtype}{value.shape} {hashlib.blake2b(value.tobytes(), digest_size=16).hexdigest()}"
    return None


def _elements(value: Any, path: str) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, abc.Mapping):
        for key in value:
            yield _key_text(key, path), value[key]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        for name in value._fields:
            yield name, getattr(value, name)
        return
    if isinstance(value, (list, tuple, abc.Sequence)):
        yield from enumerate(value)
    elif isinstance(value, (set, frozenset)):
        try:
            yield from enumerate(sorted(value))
        except TypeError:
            raise UnsupportedError(f"`{path}` holds a set whose order is not defined") from None
    elif isinstance(value, abc.Mapping):
        return  # attributes of ModelOutput and its like mirror the keys
    elif not _has_attributes(value):
        raise UnsupportedError(f"a value of type `{_type_name(value)}` at `{path}` cannot be looked into")
    for name, attr in _attributes(value):
        if not isinstance(value, (list, tuple)):
            yield name, attr


def _key_text(key: Any, path: str) -> str:
    if isinstance(key, (str, int, float, bool, tuple, type(None))):
        return key if isinstance(key, str) else repr(key)
    if isinstance(key, enum.Enum):
        return f"{type(key).__qualname__}.{key.name}"
    raise UnsupportedError(f"`{path}` has a key of type `{_type_name(key)}`")


def _has_attributes(value: Any) -> bool:
    if isinstance(
        value, (types.ModuleType, types.FunctionType, types.MethodType, types.GeneratorType, torch.nn.Module)
    ):
        return False
    if isinstance(value, abc.Iterator) or (callable(value) and not dataclasses.is_dataclass(value)):
        return False
    return hasattr(value, "__dict__") or hasattr(type(value), "__slots__")


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """Instance attributes: of ``__dict__`` and of slots, in order of definition."""
    yield from vars(value).items() if hasattr(value, "__dict__") else ()
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                yield name, getattr(value, name)


def _type_name(value: Any) -> str:
    cls = type(value)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


class _Replacer:
    def __init__(self, change: Callable[[str, torch.Tensor], Any]) -> None:
        self._change = change
        self._done: dict[
            int, tuple[Any, Any]
        ] = {}  # id -> what it was, so that the id stays its own; what became of it

    def value(self, value: Any, path: str) -> Any:
        """What takes the place of ``value``."""
        if id(value) in self._done:
            return self._done[id(value)][1]
        if isinstance(value, torch.Tensor):
            return self._is(value, self._change(path, value))
        if isinstance(value, (*_PLAIN, set, frozenset)) or _opaque(value) is not None:
            return value
        if isinstance(value, tuple):
            names = getattr(value, "_fields", range(len(value)))
            elements = [self.value(element, join(path, key)) for key, element in zip(names, value)]
            return type(value)._make(elements) if hasattr(value, "_make") else type(value)(elements)
        if isinstance(value, abc.MutableMapping):
            mapping: Any = self._is(value, {} if type(value) is dict else value)
            for key in list(value):
                mapping[key] = self.value(value[key], join(path, _key_text(key, path)))
            return mapping
        if isinstance(value, abc.MutableSequence):
            sequence: Any = self._is(value, list(value) if type(value) is list else value)
            for i, element in enumerate(list(value)):
                sequence[i] = self.value(element, join(path, i))
            return sequence
        return self._is(value, self._object(value, path))

    def _object(self, value: Any, path: str) -> Any:
        self._is(value, value)
        if not _has_attributes(value):
            raise UnsupportedError(f"a value of type `{_type_name(value)}` at `{path}` cannot be looked into")
        for name, attr in list(_attributes(value)):
            changed = self.value(attr, join(path, name))
            if changed is not attr:
                object.__setattr__(value, name, changed)
        return value

    def _is(self, before: Any, after: Any) -> Any:
        self._done[id(before)] = (before, after)
        return after
