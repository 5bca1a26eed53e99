"""Register tensors that a class keeps in plain attributes as buffers, so that they move with the model.

What it does
------------
`self.x = torch.zeros(n)` in `__init__` becomes `self.register_buffer("x", torch.zeros(n), persistent=False)`. Every
branch that may be the first to set the attribute is rewritten, `None` as well; later assignments stay, because a buffer
may be given another tensor or None. `Variable(...)` around the tensor goes. A tensor that is moved by hand in `forward`
(`self.x.to(x.device)`) still is: that does no harm.

Why
---
`.to()`, `.cuda()` and `.half()` of a module pass over tensors in plain attributes. So the model fails on a GPU, or
needs `.cuda()` all over its code.

Example
-------
    -        self.scale = torch.arange(8).float() / 8
    +        self.register_buffer("scale", torch.arange(8).float() / 8, persistent=False)

Fix safety
----------
SAFE: everything that is ever stored in the attribute is a tensor or None, no other object shares the tensor, and it
takes no part in training. `persistent=False` (torch 1.6 and later) keeps it out of `state_dict()`, so checkpoints stay
as they are.

UNSAFE: the project casts models with `half()` or `double()`, which then cast the buffer, too; it is written in place
and the project uses `DistributedDataParallel`, which overwrites buffers with those of the first process; the project
walks over `buffers()`. With the option `persistent = true`: `state_dict()` gains the key, and checkpoints from before
lack it (load them with `strict=False`).

DISPLAY: only a part of the project was read.

Refused: attributes that also hold numbers, lists or arrays, or something unknown; what becomes a parameter or has
`requires_grad`; tensors that another object gets, too, or that share memory with another attribute and are written to;
uses that need the CPU (`.numpy()`); names that `nn.Module` or a class body uses; attributes that only others read, or
that others set; assignments before `super().__init__()`, of several targets, or with an annotation. A list of tensors
is no matter of this codemod.

References
----------
`Module.register_buffer` and `Module.__setattr__` in torch/nn/modules/module.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modfix.api import (
    Applicability,
    Bufferable,
    Codemod,
    Edit,
    Finding,
    Fix,
    ModuleClass,
    PassAssigned,
    Refusal,
    ReplaceExpression,
)


@dataclass(frozen=True)
class BuffersOptions:
    """Options of ``[tool.modfix.buffers]``."""

    persistent: bool = False


class Buffers(Codemod):
    """See the manual at the head of this file."""

    name = "buffers"
    summary = "tensors in plain attributes become buffers, which move with the model"
    needles = (b"torch",)
    Options = BuffersOptions

    def __init__(self, options: object | None = None) -> None:
        super().__init__(options)
        assert isinstance(self.options, BuffersOptions)
        if self.options.persistent:
            self.declares = ("keys-added",)  # type: ignore[misc]  # of this object: only with the option

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        """Yield one finding for each attribute of ``cls`` that holds a tensor: a fix, or a refusal."""
        for tensor in Bufferable.of(cls):
            where = tensor.location
            subject, message = f"{cls.qualname}.{tensor.name}", f"`self.{tensor.name}` is a tensor that stays behind"
            span = tensor.built[0].statement
            reason = next(tensor.reasons(), None)
            if reason is not None:
                yield Finding(self.name, where, span, subject, message, refusal=Refusal(*reason))
                continue
            applicability, note = self._safety(tensor)
            edits = tuple(self._edits(tensor))
            fix = Fix(f"Register `self.{tensor.name}` as a buffer", edits, applicability, note)
            yield Finding(self.name, where, span, subject, message, fix=fix)

    def _safety(self, tensor: Bufferable) -> tuple[Applicability, str | None]:
        assert isinstance(self.options, BuffersOptions)
        if not tensor.cls.project.complete:
            return Applicability.DISPLAY, "the rest of the project was not read"
        warnings = list(tensor.warnings())
        if self.options.persistent:
            key = f"`state_dict` gains `{tensor.name}`"
            warnings.insert(0, f"{key}: load checkpoints from before with `strict=False`")
        return (Applicability.UNSAFE if warnings else Applicability.SAFE), "; ".join(warnings) or None

    def _edits(self, tensor: Bufferable) -> Iterator[Edit]:
        assert isinstance(self.options, BuffersOptions)
        path, methods = tensor.cls.path, tensor.cls.facts.methods
        after = () if self.options.persistent else ("persistent=False",)
        for store in tensor.built:
            if store.unwrapped:
                yield ReplaceExpression(path, store.value, store.unwrapped)
            if not store.covered:
                register = f"{methods[store.method].parameters[0]}.register_buffer"
                yield PassAssigned(path, store.statement, register, (f'"{tensor.name}"',), after)
        for none in tensor.nones:
            register = f"{methods[none.method].parameters[0]}.register_buffer"
            yield PassAssigned(path, none.statement, register, (f'"{tensor.name}"',), after)
