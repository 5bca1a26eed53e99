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
new one did; `state_dict()`, initial weights and random numbers stay. The place in `__init__` is that of `functional`.

UNSAFE: the project pickles whole models, tells modules of that type apart (`isinstance(m, nn.ReLU)`), or picks children
by position or number of an object that may be of the class; an argument may change, as for `functional`.

DISPLAY: only a part of the project was read.

Refused: dropout, because a new module is always in training mode, so it is active in evaluation today; layers with
parameters, which are new random weights in each call; containers of other modules (`nn.Sequential(self.a, self.b)`);
`nn.Transformer()` and others that draw random numbers; arguments that change from call to call
(`nn.AvgPool2d(x.size()[2:])`); calls in class methods, in `__init__`, or in functions defined there; methods that other
objects borrow or somebody replaces, and classes that cannot get another submodule unnoticed, as for `functional`. A
module that is kept in an attribute, returned or passed on is no matter of this codemod.

References
----------
`__init__` and `forward` of these classes in torch/nn/modules; a test builds each and finds no state.
"""

from __future__ import annotations

from collections.abc import Iterator

from modfix.api import (
    PURE_MODULES,
    Codemod,
    Finding,
    Location,
    ModuleClass,
    NewModules,
    Reason,
    StoredCall,
    TorchCall,
    attribute_name,
)

CONTAINERS = ("ModuleDict", "ModuleList", "Sequential")


class ForwardModules(Codemod):
    """See the manual at the head of this file."""

    name = "forward-modules"
    summary = "modules that forward builds anew in each call are built once, in __init__"
    needles = (b"nn.", b"torch.nn")

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        """Yield one finding with a fix for the modules of ``cls`` that can move, and one refusal for each other."""
        calls = [
            call
            for call in cls.facts.calls
            if call.use and call.function.startswith("torch.nn.") and "functional" not in call.function
            if call.method not in cls.construction
        ]
        if calls:
            new = NewModules(cls)
            yield from new.findings(
                self.name,
                [(_stored(call), _reasons(call, new)) for call in calls],
                message="{what}: built in each call of {method}, could be built once",
                title="Build {what} once, in `__init__`",
                share=False,
            )


def _stored(call: TorchCall) -> StoredCall:
    module = call.function.rpartition(".")[2]
    arguments = ", ".join(f"{a.name}={a.source}" if a.name else a.source for a in call.arguments)
    message = f"`nn.{module}` is built in each call of `{call.method}`"
    name, shown = attribute_name(module), f"nn.{module}"
    return StoredCall(call, call.function, arguments, call.arguments, name, None, shown, message)


def _reasons(call: TorchCall, new: NewModules) -> Iterator[Reason]:
    """Why one module must be built in each call."""
    module, where = call.function.rpartition(".")[2], Location(new.cls.path, call.line, call.column)
    if "Dropout" in module:
        yield "fresh-dropout", "a new module is in training mode: this is active in evaluation, too", where
    elif module in CONTAINERS:
        yield "container", "what it holds belongs to somebody else, and would be registered twice", where
    elif module not in PURE_MODULES:
        yield "has-state", "each call makes new parameters, buffers or random numbers", where
    for argument in call.arguments:
        if argument.name in ("*", "**"):
            yield "unsupported-arguments", "its arguments cannot be told apart", where
        else:
            yield from new.argument_reasons(call, argument, f"`{argument.name}`" if argument.name else "an argument")
