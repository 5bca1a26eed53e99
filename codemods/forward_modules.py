"""Build a module once, in `__init__`, where a method built it anew in each call.

What it does
------------
`nn.Softmax(dim=-1)(x)` in a method becomes `self.softmax(x)`, and `__init__` gets `self.softmax = nn.Softmax(dim=-1)`.
A local (`criterion = nn.MSELoss()`) keeps its name and becomes `criterion = self.mse_loss`.

Why
---
A module that is built in each call costs time, and cannot be hooked, listed, swapped or quantised.

Example
-------
    +        self.softmax = nn.Softmax(dim=-1)
     ...
    -        return nn.Softmax(dim=-1)(scores)
    +        return self.softmax(scores)

Fix safety
----------
SAFE: the class has no parameters, buffers and random numbers, behaves alike in training and evaluation, and every
argument is a constant, or an attribute that `__init__` sets and nothing sets later. So one object computes what each
new one did; `state_dict()`, initial weights and random numbers stay. It is created at the end of `__init__`, or right
behind `super().__init__()` where a method that needs it runs before the end.

UNSAFE: the project pickles whole models, or tells modules of that type apart (`isinstance(m, nn.ReLU)`).

DISPLAY: only a part of the project was read.

Refused: dropout, because a new module is always in training mode, so it is active in evaluation today; layers with
parameters, which are new random weights in each call; `nn.Transformer()` and others that draw random numbers;
arguments that change from call to call (`nn.AvgPool2d(x.size()[2:])`); calls in class methods, in `__init__`, or in
functions defined there; classes that cannot get another submodule unnoticed, as for `functional`. A module that is
kept in an attribute, returned or passed on is no matter of this codemod.

References
----------
`__init__` and `forward` of these classes in torch/nn/modules; a test builds each and finds no state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modfix.api import (
    PURE_MODULES,
    ArgumentForm,
    Codemod,
    Edit,
    Finding,
    Fix,
    Location,
    ModuleClass,
    NewModules,
    Reason,
    Refusal,
    ReplaceExpression,
    TorchCall,
    attribute_name,
    set_once,
)


@dataclass(frozen=True)
class Site:
    """One constructor call that moves to `__init__`."""

    call: TorchCall
    early: bool  # its method may run before the end of `__init__`

    @property
    def module(self) -> str:
        """The bare name of the class."""
        return self.call.function.rpartition(".")[2]

    @property
    def arguments(self) -> str:
        """The arguments of the constructor, as source."""
        return ", ".join(f"{a.name}={a.source}" if a.name else a.source for a in self.call.arguments)


class ForwardModules(Codemod):
    """See the manual at the head of this file."""

    name = "forward-modules"
    summary = "modules that forward builds anew in each call are built once, in __init__"
    needles = (b"nn",)

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        """Yield one finding with a fix for the modules of ``cls`` that can move, and one refusal for each other."""
        calls = [
            call
            for call in cls.facts.calls
            if call.use and call.function.startswith("torch.nn.") and "functional" not in call.function
            if call.method not in cls.construction
        ]
        if not calls:
            return
        new = NewModules(cls)
        blocked = next(new.blockers(), None)
        sites = []
        for call in calls:
            site = Site(call, call.method in new.run_in_construction or not new.at_the_end)
            reason = next(_reasons(site, new), None) or blocked
            if reason is None:
                sites.append(site)
                continue
            kind, why, where = reason
            message = f"`nn.{site.module}` is built in each call of `{call.method}`"
            yield self._finding(cls, call, message, refusal=Refusal(kind, why, where))
        if sites:
            yield self._fixed(new, sites)

    def _fixed(self, new: NewModules, sites: list[Site]) -> Finding:
        cls, first = new.cls, sites[0].call
        classes = ", ".join(dict.fromkeys(f"`nn.{site.module}`" for site in sites))
        message = f"{classes}: built in each call of `{first.method}`, could be built once"
        try:
            named = list(_named(new, sites))
            edits = tuple(_edits(new, named))
        except LookupError as error:
            return self._finding(cls, first, message, refusal=Refusal("no-name", str(error), cls.location))
        applicability, note = new.applicability({site.module for site in sites})
        claims = new.claims([name for _, name in named])
        fix = Fix(f"Build {classes} once, in `__init__`", edits, applicability, note, claims)
        return self._finding(cls, first, message, fix=fix)

    def _finding(
        self, cls: ModuleClass, call: TorchCall, message: str, *, fix: Fix | None = None, refusal: Refusal | None = None
    ) -> Finding:
        where = Location(cls.path, call.line, call.column)
        return Finding(self.name, where, call.span, f"{cls.qualname}.{call.method}", message, fix=fix, refusal=refusal)


def _reasons(site: Site, new: NewModules) -> Iterator[Reason]:
    """Why one call stays as it is; the first reason counts."""
    call, where = site.call, Location(new.cls.path, site.call.line, site.call.column)
    if "Dropout" in site.module:
        yield "fresh-dropout", "a new module is in training mode: this is active in evaluation, too", where
    elif site.module not in PURE_MODULES:
        yield "has-state", "each call makes new parameters, buffers or random numbers", where
    yield from new.place_reasons(call)
    for argument in call.arguments:
        if argument.name in ("*", "**"):
            yield "unsupported-arguments", "its arguments cannot be told apart", where
        elif argument.form not in (ArgumentForm.CONSTANT, ArgumentForm.ATTRIBUTE):
            yield "dynamic-argument", "an argument may change from call to call", where
        elif argument.attributes and site.early:
            yield "runs-in-init", f"an argument is not set yet when `{call.method}` may run first", where
        for attr in argument.attributes:
            yield from set_once(new.cls, attr)


def _named(new: NewModules, sites: list[Site]) -> Iterator[tuple[Site, str]]:
    """Every call with the name of its attribute; `LookupError` says that there is none."""
    groups: dict[str, list[Site]] = {}
    for site in sites:
        groups.setdefault(site.module, []).append(site)
    for module, alike in groups.items():
        yield from zip(alike, new.free_names(attribute_name(module), len(alike)), strict=True)


def _edits(new: NewModules, named: list[tuple[Site, str]]) -> Iterator[Edit]:
    """The edits of one class; `LookupError` says that ``nn`` has no name there."""
    created = [(site.call.function, site.arguments, name, site.early) for site, name in named]
    for site, name in named:
        receiver = new.cls.facts.methods[site.call.method].parameters[0]
        yield ReplaceExpression(new.cls.path, site.call.span, f"{receiver}.{name}")
    yield from new.create(created)
