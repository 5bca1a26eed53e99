"""Store the module of an operation (`nn.ReLU()`) and call it, in place of the function (`F.relu`).

What it does
------------
A call of a function such as `F.relu(x)` in a method becomes `self.relu(x)`, and `__init__` gets
`self.relu = nn.ReLU()`. What the function took in each call (`p`, a slope, `inplace`) goes to the constructor.
Every call gets a module of its own, named after the operation and numbered in order of the calls; a call in a loop has
one module for all rounds. `self.act = F.relu` in `__init__` becomes `self.act = nn.ReLU()`. An import that these
changes leave without a use goes, too.

Why
---
A stored module can be hooked, listed, swapped and quantised; a function call is invisible to all tools that work on
modules.

Example
-------
    -import torch.nn.functional as F
     ...
    +        self.relu = nn.ReLU()
    +        self.dropout = nn.Dropout(p=0.5)
     ...
    -        x = F.relu(self.fc1(x))
    -        x = F.dropout(x, p=0.5, training=self.training)
    +        x = self.relu(self.fc1(x))
    +        x = self.dropout(x)

Fix safety
----------
SAFE: the function and the module call the same operator with the same arguments, since every argument but the input is
a constant, or an attribute that `__init__` sets and nothing sets later. `training=self.training` is what the module
does by itself, provided that no class of the hierarchy overrides `train()` and nobody sets `training` by hand. The
modules have no state and draw nothing when they are built: `state_dict()`, initial weights and random numbers stay.
They are created at the end of `__init__`, above calls that only initialise parameters (`self.reset_parameters()`), or
right behind `super().__init__()` and the attributes they take where a method that needs them runs before the end.

The import goes at the end of the run, if then nothing in the file can mean it: no code, no text (`__all__`, quoted
annotations, doctests), no `eval`. It stays in an `__init__.py`, where another file takes the name from this one (names
in texts of other files, as for `mock.patch`, do not count), beside a comment (`# noqa`), under `if` and `try`, and as
`import x as x`. In a patch it belongs to all fixes that removed a use: `modfix patch` keeps it as soon as one of them
is dropped.

UNSAFE: the project pickles whole models, tells modules of that type apart (`isinstance(m, nn.Dropout)`), as Monte-Carlo
dropout does, or picks children by position or number of an object that may be of the class. Calls are a fix of their
own, and UNSAFE, where an argument is read once and no longer in each call from an object that others may change
(`self.args.dropout`, `self.opt["dropout"]`), or where a test of its truth leaves open that it is `None`.

DISPLAY: only a part of the project was read.

Refused: dropout that is active in evaluation (`training` missing or `True`), unless it stands under
`if self.training:`; arguments that change from call to call (options set by way of the object that holds them, too:
`net.args.dropout = 0`), or that the module lacks (`dtype`); calls in class
methods, in `__init__`, or in functions defined there; classes without an `__init__` of their own, unless they derive
from `nn.Module` directly; subclasses that may not run it; methods that other objects borrow (`forward = Net.forward`)
or that somebody replaces (`net.forward = f`, `nn.ReLU.forward = f`); classes whose children are certainly picked by
position or number, or that store attributes under computed names. Options: `sets` names the groups of functions
(default: `activation`, `dropout`; more: `softmax`, `sigmoid`, `pool`, `resize`, `shape`, `norm`); `share = true` keeps
one module per operation and arguments.

References
----------
The `forward` of each module in torch/nn/modules calls the function that it replaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from modfix.api import (
    MODULE_FORMS,
    Attribute,
    Codemod,
    Edit,
    Finding,
    Fix,
    FunctionCall,
    Location,
    ModuleClass,
    ModuleForm,
    NewModules,
    Reason,
    Refusal,
    ReplaceExpression,
    StoredCall,
    UseForm,
    function_calls,
)

PLAIN_GROUPS = ("activation", "sigmoid")  # whose functions and modules need nothing but the input


@dataclass(frozen=True)
class FunctionalOptions:
    """Options of ``[tool.modfix.functional]``."""

    sets: tuple[str, ...] = ("activation", "dropout")
    share: bool = False


class Functional(Codemod):
    """See the manual at the head of this file."""

    name = "functional"
    summary = "operations such as F.relu become stored modules that can be hooked, listed and swapped"
    needles = tuple(sorted({name.rpartition(".")[2].encode() for name in MODULE_FORMS}))
    Options = FunctionalOptions

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        """Yield one finding with a fix for the calls of ``cls`` that can be stored, and one refusal for each other."""
        options = self.options
        assert isinstance(options, FunctionalOptions)
        new = NewModules(cls)
        yield from self._values(new, options)
        calls = list(function_calls(cls, options.sets))
        if calls:
            yield from new.findings(
                self.name,
                [(_stored(call), call.reasons(new)) for call in calls],
                message="{what}: {calls} of what could be a stored module",
                title="Store the modules of {what} and call these",
                share=options.share,
            )

    def _values(self, new: NewModules, options: FunctionalOptions) -> Iterator[Finding]:
        """Findings about functions that ``__init__`` stores in an attribute: `self.act = F.relu`."""
        cls = new.cls
        for name, facts in sorted(cls.facts.attributes.items()):
            values = [MODULE_FORMS.get(definition.value) for definition in facts.definitions]
            forms = [form for form in values if form and form.group in PLAIN_GROUPS]
            if not any(form.group in options.sets for form in forms):
                continue
            attr, first = Attribute(cls, name), facts.definitions[0]
            where, subject = Location(cls.path, first.line, first.column), f"{cls.qualname}.{name}"
            message = f"`self.{name}` holds a function that could be a stored module"
            reason = next(chain(new.blockers(), _value_reasons(attr, len(forms))), None)
            fix = None
            if reason is None:
                try:
                    fix = _value_fix(attr, new, forms)
                except LookupError as error:
                    reason = "no-name", str(error), where
            refusal = Refusal(*reason) if reason is not None else None
            yield Finding(self.name, where, first.statement, subject, message, fix=fix, refusal=refusal)


def _stored(call: FunctionCall) -> StoredCall:
    shown = call.call.function.replace("torch.nn.functional.", "F.")
    message = f"`{shown}` is no stored module"
    return StoredCall(
        call.call,
        call.form.module,
        call.constructor_arguments,
        call.taken,
        call.form.name,
        call.kept,
        shown,
        message,
    )


def _value_reasons(attr: Attribute, forms: int) -> Iterator[Reason]:
    """Why a stored function stays one."""
    kind = "function-value"
    where = attr.definitions[0].location
    if attr.class_binding is not None:
        yield kind, f"`{attr.class_binding.name}` binds `{attr.name}` in its body", attr.class_binding.location
    if len(attr.definitions) != forms:
        yield kind, "not every assignment stores a function that has a module", where
    for defined in attr.definitions:
        if defined.facts.method != "__init__" or not defined.after_super_init:
            yield kind, "a module cannot be stored here: `super().__init__()` must have run", defined.location
        if defined.facts.chain:
            yield kind, "several targets share the value", defined.location
    for use in attr.uses:
        if use.facts.form is not UseForm.CALL:
            yield kind, "it is not only called with one argument", use.location
    for guard in attr.guards:
        yield kind, "it is tested here", guard.location
    for reader in attr.owner.project.outside_readers(attr.owner, attr.name):
        yield kind, f"`{reader.receiver}.{attr.name}` is used here, and may be this attribute", reader.location


def _value_fix(attr: Attribute, new: NewModules, forms: list[ModuleForm]) -> Fix:
    """Modules in place of functions; `LookupError` says that ``nn`` has no name there."""
    edits: list[Edit] = []
    for defined in attr.definitions:
        spelled, needed = new.spelling(MODULE_FORMS[defined.facts.value].module)
        edits += [*needed, ReplaceExpression(defined.cls.path, defined.facts.span, f"{spelled}()")]
    applicability, note = new.applicability({form.module.rpartition(".")[2] for form in forms})
    frees = new.frees(defined.facts.value for defined in attr.definitions)
    return Fix(f"Store a module in `self.{attr.name}`", tuple(edits), applicability, note, frees=frees)
