"""Register modules that a class keeps in plain lists, tuples and dictionaries: `nn.ModuleList` and `nn.ModuleDict`.

What it does
------------
`self.layers = [nn.Linear(8, 8) for _ in range(n)]` becomes `self.layers = nn.ModuleList([...])`; the empty list of an
`append` chain becomes `nn.ModuleList()`, a dictionary `nn.ModuleDict({...})`, lists in lists are wrapped each.
`[m] * n` keeps one module in `n` places. Tuples become lists.

Why
---
`nn.Module` looks at attributes, not into lists: `parameters()` misses what stands in them, so it does not train;
`.to()` leaves it on the CPU; `state_dict()` does not save it; `eval()` does not reach its Dropout and BatchNorm.

Example
-------
    -        self.convs = [nn.Conv2d(1, 64, (k, 128)) for k in kernel_sizes]
    +        self.convs = nn.ModuleList([nn.Conv2d(1, 64, (k, 128)) for k in kernel_sizes])

Fix safety
----------
SAFE: every element is a module of torch without parameters, buffers and a mode (pooling, activations, losses), in a
project that was read as a whole.

UNSAFE: the elements hold parameters or buffers, or behave differently in training. This repairs the model, and so
changes it: the outputs at equal weights stay, but the modules now train, move, are saved, and follow `eval()`. Every
finding names the keys that `state_dict` gains. A checkpoint from before lacks them: load it with
`load_state_dict(state, strict=False)`; it then reports exactly these keys as missing, and these weights keep their
initial values, as they always did. The verifier is told of the keys and of modules that were hidden, and of nothing
else. Also UNSAFE: whole models are pickled, or children are picked by position from an object that may be of the class.

DISPLAY: only a part of the project was read.

No finding: the elements are registered already, because they are attributes, or the list is passed to
`nn.ModuleList(...)` or `nn.Sequential(*...)`, or the class calls `add_module` or `setattr`.

Refused: elements that are not certainly modules, or that come from outside (`self.parent = [parent]` may hide a cycle
on purpose), or that are never called; names that `nn.Module` uses (`modules`, `children`); keys that `nn.ModuleDict`
does not take; operations that the containers of torch lack (`.index()`, `.get()`, `[m] + layers`); lists that other
code gets or sets; parameters that are collected by hand for an optimizer, which would get them twice; classes that
override `parameters()`, `state_dict()` or `train()`; walks such as `for m in self.modules()` that would now initialise
the elements, too; what `functional` refuses of a class that gets another child.

References
----------
`ModuleList` and `ModuleDict` in torch/nn/modules/container.py; `Module.__setattr__`.
"""

from __future__ import annotations

from collections.abc import Iterator

from modfix.api import (
    Applicability,
    Codemod,
    Edit,
    Finding,
    Fix,
    ModuleClass,
    NewModules,
    Refusal,
    ReplaceExpression,
    Unregistered,
    WrapExpression,
)


class ModuleList(Codemod):
    """See the manual at the head of this file."""

    name = "modulelist"
    summary = "modules in plain lists and dictionaries become visible, in nn.ModuleList and nn.ModuleDict"
    needles = (b"nn",)
    declares = ("keys-added", "modules-registered")

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        """Yield one finding for each container of ``cls`` that hides modules: a fix, or a refusal."""
        for hidden in Unregistered.of(cls):
            yield self._finding(hidden)

    def _finding(self, hidden: Unregistered) -> Finding:
        cls, where = hidden.cls, hidden.location
        subject, message = f"{cls.qualname}.{hidden.name}", f"`self.{hidden.name}` hides modules from `nn.Module`"
        span = hidden.facts.stored[0]
        reason = next(hidden.reasons(), None)
        if reason is not None:
            return Finding(self.name, where, span, subject, message, refusal=Refusal(*reason))
        try:
            edits = tuple(_edits(hidden))
        except LookupError as error:
            return Finding(self.name, where, span, subject, message, refusal=Refusal("no-name", str(error), where))
        applicability, note = _safety(hidden)
        fix = Fix(f"Register the modules in `self.{hidden.name}`", edits, applicability, note)
        return Finding(self.name, where, span, subject, message, fix=fix)


def _safety(hidden: Unregistered) -> tuple[Applicability, str | None]:
    applicability, note = NewModules(hidden.cls).applicability(())
    if hidden.stateless:
        return applicability, note
    told = hidden.consequences()
    return min(applicability, Applicability.UNSAFE), f"{told}; {note}" if note else told


def _edits(hidden: Unregistered) -> Iterator[Edit]:
    """The edits; `LookupError` says that ``nn`` has no name in the file."""
    new, path = NewModules(hidden.cls), hidden.cls.path
    for wrap in hidden.facts.wraps:
        function, needed = new.spelling("torch.nn.ModuleDict" if wrap.keyed else "torch.nn.ModuleList")
        yield from needed
        if wrap.empty:
            yield ReplaceExpression(path, wrap.span, f"{function}()")
        else:
            yield WrapExpression(path, wrap.span, function)
