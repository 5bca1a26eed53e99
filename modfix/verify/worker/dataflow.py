"""Value numbering: a dispatch mode that gives every storage the hash of the dataflow that made it.

Two storages with one hash were made by the same operators with the same numbers from the same leaves. Leaves are named
(parameters and buffers by qualified name, inputs by path), other tensors that come from outside are named by their
content. Works on real, meta and fake tensors, through forward, backward and optimizer steps; only hashes are kept.

What a hash stands for:

* a *content* (of a storage): leaf, or ``(operator, arguments, which output, its geometry)``, or, for a write that
  leaves part of the storage as it was, ``(content before, the window, what was written)``;
* a *value* (of a tensor): content of its storage and the geometry of the view: dtype, offset, sizes, strides, device
  type, conjugate and negative bits.

Everything that may change bits without being an argument (thread count, TF32, oneDNN, deterministic algorithms) is part
of every operator's hash, and so are the version of torch and of the rules.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Sequence

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode

from . import UnsupportedError, generators, rules, shapes
from .components import components, description, is_plain, is_real, is_wrapper_type
from .contents import storage_digest, value_digest
from .draws import Draws
from .hashing import Settings, digest, text_code, value_code
from .operators import Operator, argument, describe, dimensions, flatten, stride
from .places import Places
from .storages import Geometry, Storages

_DEVICE_OF = torch.ops.prim.device.default
_UNINITIALISED = digest(b"uninitialised")


class _Call(NamedTuple):
    op: Operator
    args: Sequence[Any]
    kwargs: dict[str, Any]
    code: bytes  # hash of operator and arguments


class _Read:
    """What the encoding of arguments came across."""

    __slots__ = ("contents", "keys", "plain", "shape", "values")

    def __init__(self, values: bool = True) -> None:
        self.values = values  # whether elements are read; views do not
        self.keys: list[int] = []  # of all storages
        self.contents: list[bytes] = []  # of those that are read, in order
        self.plain = True  # nothing but numbers and strided fake tensors of unknown content
        self.shape = b""  # the arguments without the contents


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the dataflow of everything that runs while it is entered.

    ``root`` is the folder of the tree; source lines outside it are no places. With ``strict_rng=False`` a draw is
    known by what is drawn, not by when: initialisation in another order is equal then (see `draws`). ``fakes`` says
    that the run is on fake tensors: an exception inside an operator is then no property of the model, and real tensors
    must not be written.

    Raises `UnsupportedError` from inside an operator that cannot be recorded. The model may swallow it, so look at
    `refused` afterwards.
    """

    def __init__(self, *, root: str = "", strict_rng: bool = True, fakes: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.fakes = fakes
        self.frozen = fakes
        self.strict_rng = strict_rng
        self.places = Places(root)
        self.records: list[tuple[bytes, str, str, str, int, str, str]] = []
        self.phase = ""
        self.refused = ""
        self.control = b""  # chain of the values that became Python numbers, in program order
        self._contents: dict[int, bytes] = {}
        self._storages = Storages()
        self._settings = Settings()
        self._uninitialised: dict[int, None] = {}
        self._garbage: dict[bytes, int] = {}
        self._lifted: dict[int, torch.Tensor] = {}  # fakes of real constants, whose bytes numpy may change unseen
        self._operators: dict[Any, Operator] = {}
        self._kinds: dict[type, str] = {}
        self._draws = Draws()  # used where not strict

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return os.environ.get("TORCHDYNAMO_DISABLE") != "1"  # else spare a wrapper around every operator

    # -- what observers ask ------------------------------------------------------------------------------------------

    @property
    def operators(self) -> int:
        """How many operators ran."""
        return len(self.records)

    def name(self, tensor: torch.Tensor, label: str) -> None:
        """Make the storages behind ``tensor`` leaves, known as ``label`` from now on."""
        for i, (part, _) in enumerate(components(tensor)):
            key = self._storages.key(part)
            self._contents[key] = digest(b"leaf", text_code(label), b"%d" % i)
            self._uninitialised.pop(key, None)

    def is_known(self, tensor: torch.Tensor) -> bool:
        """Whether all storages behind ``tensor`` were named, or made by recorded operators."""
        return all(self._storages.key(part) in self._contents for part, _ in components(tensor))

    def value(self, tensor: torch.Tensor) -> bytes:
        """The hash of a tensor's value. Raises `UnsupportedError` where its content is unknown."""
        return self._hash(tensor)

    def _hash(self, tensor: torch.Tensor) -> bytes:
        read = _Read(values=False)
        return digest(self._tensor(tensor, read), b"|", *read.contents)

    def value_and_bits(self, tensor: torch.Tensor) -> bytes:
        """As `value`, with the hash of the bits for a real tensor, so that also writes past the recorder show."""
        parts = [self._hash(tensor)]
        for part, _ in components(tensor):
            if is_real(part) and self._storages.key(part) not in self._uninitialised:
                parts.append(value_digest(part))
        return digest(*parts)

    def shares(self, tensor: torch.Tensor) -> list[int]:
        """Numbers that are equal for tensors which share memory."""
        return [self._storages.key(part) for part, _ in components(tensor)]

    def draws(self, named: dict[str, torch.Tensor]) -> str:
        """Which draws went into which of the named tensors, without their order: what `strict_rng=False` lets go."""
        return self._draws.users({label: self.shares(tensor) for label, tensor in named.items()})

    def refuse(self, message: str) -> None:
        """Remember that the recording is worth nothing, and raise `UnsupportedError`."""
        self.refused = self.refused or message
        raise UnsupportedError(message)

    # -- the mode ----------------------------------------------------------------------------------------------------

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is _DEVICE_OF and type(args[0]) is FakeTensor:
            return args[0].fake_device  # asked twice for each operator on fakes
        kwargs = kwargs or {}
        kinds = [self._kind(cls) for cls in types]
        if "wrapper" in kinds:
            return NotImplemented  # the subclass runs what it consists of, and that comes back here
        if "lazy" in kinds:
            return func(*args, **kwargs)  # a parameter without a shape; its values are still to come
        if "other" in kinds:
            with torch._C.DisableTorchFunctionSubclass():  # the recorder's own questions are not for its ears
                return self._dispatch(func, args, kwargs)
        return self._dispatch(func, args, kwargs)

    def _dispatch(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        op = self._operators.get(func) or self._describe(func)
        if op.query:
            return func(*args, **kwargs)
        read = _Read(values=not (op.returns_views or op.moves_only))
        code = self._encode_call(op, args, kwargs, read)
        written = self._written(op, args, kwargs)
        generator, state = self._before_draw(op, args, kwargs)
        if state:
            code = digest(code, state)
        outs = self._call(op, func, args, kwargs, read)
        flat = flatten(outs)
        if op.seeded:
            self._after_draw(op, code, generator, flat, written)
        if not op.known:
            code = digest(code, *[value_digest(o) for o in flat if isinstance(o, torch.Tensor) and is_real(o)])
        self._record(op, code)
        if op.moves_only:
            self._resized(op, args, code)
            return outs
        self._assign(_Call(op, args, kwargs, code), flat, written, read.keys)
        return outs

    def _describe(self, func: Any) -> Operator:
        if not isinstance(func, torch._ops.OpOverload):
            self.refuse(f"`{func}` runs Python code that is passed to it; it cannot be recorded")
        op = self._operators[func] = describe(func)
        if not op.known and self.fakes:
            self.refuse(f"custom operator `{op.shown}`: what it computes does not show on fake tensors")
        return op

    def _call(self, op: Operator, func: Any, args: Sequence[Any], kwargs: dict[str, Any], read: _Read) -> Any:
        try:
            if self.fakes and read.plain and op.pure:
                return shapes.call(func, args, kwargs, read.shape)
            return func(*args, **kwargs)
        except Exception as error:
            if self.fakes:
                text = str(error).split("\n", 1)[0]
                self.refuse(f"`{op.shown}` on fake tensors: {type(error).__name__}: {text}")
            raise

    def _written(self, op: Operator, args: Sequence[Any], kwargs: dict[str, Any]) -> list[torch.Tensor]:
        if op.moves_only:
            return []
        writes = op.writes
        if op.conditional_writes and op.condition and argument(op.condition, args, kwargs):
            writes = writes + op.conditional_writes
        found = [t for w in writes for t in flatten(argument(w, args, kwargs)) if isinstance(t, torch.Tensor)]
        if self.frozen and any(is_real(t) for t in found):
            self.refuse(f"`{op.shown}` writes a tensor that is no part of the model's state")
        return found

    # -- naming results ----------------------------------------------------------------------------------------------

    def _assign(self, call: _Call, flat: list[Any], written: list[torch.Tensor], keys: list[int]) -> None:
        mask = self._draws.mask(keys, call.op.seeded) if not self.strict_rng else 0
        taken = set(keys)
        position = 0
        for tensor in written:
            for part, _ in components(tensor):
                self._write(call, position, part)
                position += 1
                key = self._storages.key(part)
                taken.add(key)
                if mask:
                    self._draws.by_storage[key] = self._draws.mask([key]) | mask
        for i, out in enumerate(flat):
            if isinstance(out, torch.Tensor):
                for j, (part, _) in enumerate(components(out)):
                    key = self._storages.key(part)
                    if key in taken:
                        continue  # a view: its geometry says the rest
                    self._contents[key] = self._fresh(call, b"o%d.%d" % (i, j), part, key)
                    if mask:
                        self._draws.by_storage[key] = mask
            elif isinstance(out, (bool, int, float, complex)):
                self.control = digest(self.control, call.code, self._argument(out, _Read()))
        for key in self._storages.expired():
            for table in (self._contents, self._uninitialised, self._draws.by_storage, self._lifted):
                table.pop(key, None)

    def _fresh(self, call: _Call, which: bytes, out: torch.Tensor, key: int) -> bytes:
        geometry = self._storages.geometry(out)
        self._uninitialised.pop(key, None)
        if call.op.uninitialised:
            self._uninitialised[key] = None
            return _UNINITIALISED
        if self._storages.is_whole(out) and rules.copies(call.op.full_name):
            copied = self._content_if_same(call.args[0], geometry)
            if copied is not None:
                if self.frozen and call.op.name == "aten::lift_fresh" and is_real(call.args[0]):
                    self._lifted[key] = call.args[0]
                return copied
        filled = rules.filled(call.op.name, call.args, call.kwargs, out.dtype)
        if filled is not None:
            return digest(filled)
        return digest(call.code, which, geometry.code)

    def _write(self, call: _Call, i: int, out: torch.Tensor) -> None:
        key = self._storages.key(out)
        geometry = self._storages.geometry(out)
        content = digest(call.code, b"o%d.0" % i, geometry.code)
        if not self._storages.is_whole(out):
            before = self._content(out, key)
            if key in self._uninitialised:
                before = self._garbage_content(content)
            content = digest(before, b"w", geometry.code, content)
        elif call.op.name == "aten::copy_":
            content = self._content_if_same(call.args[1], geometry) or content
        elif call.op.overwrites:
            filled = rules.filled(call.op.name, call.args, call.kwargs, out.dtype)
            content = digest(filled) if filled is not None else content
        self._contents[key] = content
        self._uninitialised.pop(key, None)
        self._lifted.pop(key, None)

    def _content_if_same(self, source: Any, geometry: Geometry) -> bytes | None:
        if not isinstance(source, torch.Tensor) or self._is_wrapper(type(source)) or not is_plain(source):
            return None
        mine = self._storages.geometry(source)
        key = self._storages.key(source)
        if mine.code != geometry.code or not self._storages.is_whole(source) or key in self._uninitialised:
            return None
        return self._content(source, key)

    def _resized(self, op: Operator, args: Sequence[Any], code: bytes) -> None:
        if not op.name.startswith("aten::resize"):
            return
        for part, _ in components(args[0]):
            key = self._storages.key(part)
            before = self._contents.get(key)
            if before is None or key in self._uninitialised:
                self._uninitialised[key] = None
                before = _UNINITIALISED
            self._contents[key] = digest(before, b"r%d" % part.untyped_storage().nbytes())

    # -- random numbers ----------------------------------------------------------------------------------------------

    def _before_draw(self, op: Operator, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, bytes]:
        if not op.seeded:
            return None, b""
        explicit = [a for a in list(args) + list(kwargs.values()) if isinstance(a, torch.Generator)]
        if explicit:
            generator = explicit[0]
        else:
            tensors = [t for a in args for t in flatten(a) if isinstance(t, torch.Tensor)]
            device = tensors[0].device if tensors else torch.device(kwargs.get("device") or "cpu")
            generator = generators.generator_for(device)
        if generator is None:
            self.refuse(f"`{op.shown}` draws on a device whose generator is not set up")
        return generator, generators.state_of(generator) if self.strict_rng else b""

    def _after_draw(
        self, op: Operator, code: bytes, generator: Any, flat: list[Any], written: list[torch.Tensor]
    ) -> None:
        results = [o for o in flat + list(written) if isinstance(o, torch.Tensor)]
        if results and not is_real(results[0]):
            generators.advance(generator, digest(code, generators.state_of(generator)))
        if not self.strict_rng:
            self._draws.add(code)

    # -- encoding ----------------------------------------------------------------------------------------------------

    def _encode_call(self, op: Operator, args: Sequence[Any], kwargs: dict[str, Any], read: _Read) -> bytes:
        given = (*args, *op.defaults[len(args) :])
        parts = [self._named_argument(op, op.names[i], arg, args, read) for i, arg in enumerate(given)]
        if rules.commutes(op.canonical, args, kwargs.keys() - op.skipped):
            pairs = sorted(zip(read.contents, parts))
            read.contents, parts = [content for content, _ in pairs], [part for _, part in pairs]
        for name in sorted(kwargs):
            part = self._named_argument(op, name, kwargs[name], args, read)
            if name not in op.skipped:
                parts.append(b"=" + text_code(name) + part)
        read.shape = b"".join(parts)
        return digest(op.code, self._settings.code(), read.shape, b"|", *read.contents)

    def _named_argument(self, op: Operator, name: str, arg: Any, args: Sequence[Any], read: _Read) -> bytes:
        if name not in op.overwrites:
            if type(arg) is int and name in op.numbers:
                number = rules.as_float(arg, args)
                arg = arg if number is None else number
            elif name in op.dimensions:
                arg = dimensions(op, arg, args)
            elif name == "stride":
                arg = stride(op, arg, args)
            return self._argument(arg, read)
        tensors = [t for t in flatten(arg) if isinstance(t, torch.Tensor)]
        for tensor in tensors:
            read.keys.extend(self._storages.key(part) for part, _ in components(tensor))
        codes = [self._storages.geometry(t).code if is_plain(t) else text_code(description(t)) for t in tensors]
        return b"<" + b"".join(codes) + b">"

    def _argument(self, arg: Any, read: _Read) -> bytes:
        if isinstance(arg, torch.Tensor):
            return self._tensor(arg, read)
        if isinstance(arg, (list, tuple)):
            return b"[" + b"".join([self._argument(a, read) for a in arg]) + b"]"
        code = value_code(arg)
        if code is not None:
            return code
        if isinstance(arg, torch.Generator):
            return b"G" + text_code(arg.device.type)  # its state is hashed where it is drawn from
        if isinstance(arg, (torch.UntypedStorage, torch.storage.TypedStorage)):
            return self._storage(arg, read)
        kind = type(arg)
        self.refuse(f"an argument of type `{kind.__module__}.{kind.__qualname__}` cannot be compared")
        raise AssertionError

    def _storage(self, storage: Any, read: _Read) -> bytes:
        key = getattr(storage, "_untyped_storage", storage)._cdata
        read.keys.append(key)
        read.plain = False
        return b"S" + (self._contents.get(key) or b"?")

    def _tensor(self, tensor: torch.Tensor, read: _Read) -> bytes:
        if type(tensor) is not FakeTensor or tensor.constant is not None:
            read.plain = False
        if is_plain(tensor) and not self._is_wrapper(type(tensor)):
            return b"T" + self._strided(tensor, read)
        read.plain = False
        parts = [text_code(label) + self._strided(part, read) for part, label in components(tensor)]
        return b"X" + text_code(description(tensor)) + b"".join(parts) + b";"

    def _strided(self, tensor: torch.Tensor, read: _Read) -> bytes:
        key = self._storages.key(tensor)
        content = self._content(tensor, key)
        if read.values and key in self._uninitialised:
            content = self._read_garbage(tensor, key)
        read.keys.append(key)
        read.contents.append(content)
        return self._storages.geometry(tensor).code

    def _content(self, tensor: torch.Tensor, key: int) -> bytes:
        if key in self._lifted:
            return digest(b"const", storage_digest(self._lifted[key]))
        return self._contents.get(key) or self._unknown(tensor, key)

    def _unknown(self, tensor: torch.Tensor, key: int) -> bytes:
        """The content of a tensor that comes from outside, by its bytes; never by its geometry."""
        constant = getattr(tensor, "constant", None)  # of a fake tensor whose values are known
        if constant is not None:
            return digest(b"const", storage_digest(constant))
        if not is_real(tensor):
            self.refuse(f"a tensor of shape {tuple(tensor.shape)} is used whose values are not known on this rung")
        content = digest(b"const", storage_digest(tensor))
        if not self.frozen:  # else the bytes may change unseen, and nothing compares them in the end
            self._contents[key] = content
        return content

    def _read_garbage(self, tensor: torch.Tensor, key: int) -> bytes:
        """Memory that no recorded operator wrote: by its bytes if it has some, else each is a value of its own."""
        if is_real(tensor):
            return digest(_UNINITIALISED, storage_digest(tensor))
        del self._uninitialised[key]
        self._contents[key] = self._garbage_content(b"read")
        return self._contents[key]

    def _garbage_content(self, first_use: bytes) -> bytes:
        """Two pieces of memory are not equal only because nobody wrote them: numbered among those used alike."""
        count = self._garbage[first_use] = self._garbage.get(first_use, 0) + 1
        return digest(_UNINITIALISED, first_use, b"#%d" % count)

    def _is_wrapper(self, cls: type) -> bool:
        return self._kind(cls) == "wrapper"

    def _kind(self, cls: type) -> str:
        kind = self._kinds.get(cls)
        if kind is None:
            kind = self._kinds[cls] = _kind_of(cls)
        return kind

    def _record(self, op: Operator, code: bytes) -> None:
        module, path, line, node = self.places.now()
        self.records.append((code, op.shown, module, path, line, self.phase, node))


def _kind_of(cls: type) -> str:
    if is_wrapper_type(cls):
        return "wrapper"
    if issubclass(cls, (nn.UninitializedParameter, nn.UninitializedBuffer)):
        return "lazy"
    return "plain" if cls in (torch.Tensor, nn.Parameter, FakeTensor) else "other"
