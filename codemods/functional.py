"""Store the module of an operation (`nn.ReLU()`) and call it, in place of the function (`F.relu`).

What it does
------------
A call of a function such as `F.relu(x)` in a method becomes `self.relu(x)`, and `__init__` gets
`self.relu = nn.ReLU()`. What the function took in each call (`p`, a slope, `inplace`) goes to the constructor.
Every call gets a module of its own, named after the operation and numbered in order of the calls; a call in a loop has
one module for all rounds. `self.act = F.relu` in `__init__` becomes `self.act = nn.ReLU()`. An import of
`torch.nn.functional` that nothing uses any more stays; `ruff check --select F401 --fix` takes it away.

Why
---
A stored module can be hooked, listed, swapped and quantised; a function call is invisible to all tools that work on
modules.

Example
-------
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
They are created at the end of `__init__`, or right behind `super().__init__()` where a method that needs them runs
before the end.

UNSAFE: the project pickles whole models, or tells modules of that type apart (`isinstance(m, nn.Dropout)`), as
Monte-Carlo dropout does.

DISPLAY: only a part of the project was read.

Refused: dropout that is active in evaluation (`training` missing or `True`), unless it stands under
`if self.training:`; arguments that change from call to call, or that the module lacks (`dtype`); calls in class
methods, in `__init__`, or in functions defined there; classes without an `__init__` of their own, unless they derive
from `nn.Module` directly; subclasses that may not run it; classes whose children are picked by position or number, or
reached by computed names. Options: `sets` names the groups of functions (default: `activation`, `dropout`; more:
`softmax`, `sigmoid`, `pool`, `resize`, `shape`, `norm`); `share = true` keeps one module per operation and arguments.

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
    Argument,
    ArgumentForm,
    Attribute,
    CallPlace,
    Codemod,
    Edit,
    Finding,
    Fix,
    Location,
    ModuleClass,
    ModuleForm,
    NewModules,
    Reason,
    Refusal,
    ReplaceCall,
    ReplaceExpression,
    TorchCall,
    UseForm,
    set_once,
)

_PLAIN_GROUPS = ("activation", "sigmoid")  # whose functions and modules need nothing but the input


@dataclass(frozen=True)
class FunctionalOptions:
    """Options of ``[tool.modfix.functional]``."""

    sets: tuple[str, ...] = ("activation", "dropout")
    share: bool = False


@dataclass(frozen=True)
class Site:
    """One call that becomes a call of a stored module."""

    call: TorchCall
    form: ModuleForm
    given: dict[str, Argument]  # parameter of the function -> argument
    early: bool  # its method may run before the end of `__init__`

    @property
    def arguments(self) -> str:
        """The arguments of the constructor, as source."""
        parts = []
        in_order = True  # as long as every parameter before was given by position, so can this one be
        implied = dict(self.form.explicit)
        for name, source in self.form.constructor:
            argument = self.given.get(source)
            if argument is not None:
                by_position = in_order and not argument.name
                parts.append(argument.source if by_position else f"{name}={argument.source}")
            elif name in implied:
                parts.append(f"{name}={implied[name]}")
            in_order = in_order and argument is not None and not argument.name
        named = {name for name, _ in self.form.constructor}
        parts += [f"{name}={source}" for name, source in self.form.explicit if name not in named]
        return ", ".join(parts)


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
        calls = [
            c for c in cls.facts.calls if c.function in MODULE_FORMS and MODULE_FORMS[c.function].group in options.sets
        ]
        if not calls:
            return
        blocked = next(new.blockers(), None)
        sites: list[Site] = []
        for call in calls:
            site = _site(call, new)
            reason = blocked or _reason(site, new)
            if reason is None:
                sites.append(site)
                continue
            kind, why, where = reason
            yield self._finding(cls, call, f"`{_short(call)}` is no stored module", refusal=Refusal(kind, why, where))
        if sites:
            yield self._fixed(new, sites, options)

    def _values(self, new: NewModules, options: FunctionalOptions) -> Iterator[Finding]:
        """Findings about functions that ``__init__`` stores in an attribute: `self.act = F.relu`."""
        cls = new.cls
        for name, facts in sorted(cls.facts.attributes.items()):
            values = [MODULE_FORMS.get(definition.value) for definition in facts.definitions]
            forms = [form for form in values if form and form.group in options.sets and form.group in _PLAIN_GROUPS]
            if not forms:
                continue
            attr = Attribute(cls, name)
            message = f"`self.{name}` holds a function that could be a stored module"
            first = facts.definitions[0]
            where, subject = Location(cls.path, first.line, first.column), f"{cls.qualname}.{name}"
            try:
                reason = next(chain(new.blockers(), _value_reasons(attr, len(forms))), None)
                edits = [] if reason else list(_stored_instead(attr, new))
            except LookupError as error:
                reason, edits = ("no-name", str(error), where), []
            if reason is not None:
                refusal = Refusal(*reason)
                yield Finding(self.name, where, first.statement, subject, message, refusal=refusal)
                continue
            applicability, note = new.applicability(set(map(_bare, forms)))
            fix = Fix(f"Store a module in `self.{name}`", tuple(edits), applicability, note)
            yield Finding(self.name, where, first.statement, subject, message, fix=fix)

    def _fixed(self, new: NewModules, sites: list[Site], options: FunctionalOptions) -> Finding:
        cls = new.cls
        count = f"{len(sites)} calls" if len(sites) > 1 else "1 call"
        functions = ", ".join(dict.fromkeys(f"`{_short(site.call)}`" for site in sites))
        message = f"{functions}: {count} of what could be a stored module"
        try:
            named = list(_named(new, sites, share=options.share))
            edits = tuple(_edits(new, named))
        except LookupError as error:
            refusal = Refusal("no-name", str(error), cls.location)
            return self._finding(cls, sites[0].call, message, refusal=refusal)
        applicability, note = new.applicability({_bare(site.form) for site in sites})
        claims = new.claims([name for _, name in named])
        fix = Fix(f"Store the modules of {functions} and call these", edits, applicability, note, claims)
        return self._finding(cls, sites[0].call, message, fix=fix)

    def _finding(
        self, cls: ModuleClass, call: TorchCall, message: str, *, fix: Fix | None = None, refusal: Refusal | None = None
    ) -> Finding:
        where = Location(cls.path, call.line, call.column)
        return Finding(self.name, where, call.span, f"{cls.qualname}.{call.method}", message, fix=fix, refusal=refusal)


def _bare(form: ModuleForm) -> str:
    return form.module.rpartition(".")[2]


def _short(call: TorchCall) -> str:
    return call.function.replace("torch.nn.functional.", "F.")


def _site(call: TorchCall, new: NewModules) -> Site:
    form = MODULE_FORMS[call.function]
    given: dict[str, Argument] = {}
    for index, argument in enumerate(call.arguments):
        name = argument.name or (form.parameters[index] if index < len(form.parameters) else "*")
        given["*" if name in given else name] = argument
    return Site(call, form, given, call.method in new.run_in_construction or not new.at_the_end)


# Reasons


def _reason(site: Site, new: NewModules) -> Reason | None:
    """Why one call stays as it is; the first reason counts."""
    for reason in (*new.place_reasons(site.call), *_argument_reasons(site, new), *_training_reasons(site, new.cls)):
        return reason
    return None


def _argument_reasons(site: Site, new: NewModules) -> Iterator[Reason]:
    where = Location(new.cls.path, site.call.line, site.call.column)
    form, given = site.form, site.given
    known = {form.parameters[0], *(source for _, source in form.constructor)}
    if form.training_default is not None:
        known.add("training")
    if form.parameters[0] not in given:
        yield "unsupported-arguments", "its input cannot be told", where
    for name, argument in given.items():
        if name in ("*", "**") or name not in form.parameters:
            yield "unsupported-arguments", "its arguments cannot be told apart", where
        elif name not in known:
            yield "no-module-argument", f"`{form.module.replace('torch.', '')}` has no argument `{name}`", where
        elif name in (form.parameters[0], "training") or argument.form is ArgumentForm.CONSTANT:
            continue
        elif argument.form is not ArgumentForm.ATTRIBUTE:
            yield "dynamic-argument", f"`{name}` may change from call to call", where
        elif site.early:
            yield "runs-in-init", f"`{name}` is not set yet when `{site.call.method}` may run first", where
        else:
            for attr in argument.attributes:
                yield from set_once(new.cls, attr)


def _training_reasons(site: Site, cls: ModuleClass) -> Iterator[Reason]:
    if site.form.training_default is None:
        return
    where = Location(cls.path, site.call.line, site.call.column)
    argument = site.given.get("training")
    if argument is None or argument.form is ArgumentForm.CONSTANT:
        active = argument.source == "True" if argument is not None else site.form.training_default
        if not active:
            yield "never-active", "without `training=self.training` it never drops anything", where
        elif site.call.place is not CallPlace.TRAINING:
            yield "always-active", "it is active in evaluation, too; is `training=self.training` meant?", where
    elif argument.form is not ArgumentForm.TRAINING:
        yield "dynamic-training", "whether it is active is decided in each call", where
    yield from cls.training_by_hand()


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


# Edits


def _stored_instead(attr: Attribute, new: NewModules) -> Iterator[Edit]:
    """The edits that store modules in place of functions."""
    for defined in attr.definitions:
        spelled, needed = new.spelling(MODULE_FORMS[defined.facts.value].module)
        yield from needed
        yield ReplaceExpression(defined.cls.path, defined.facts.span, f"{spelled}()")


def _edits(new: NewModules, named: list[tuple[Site, str]]) -> Iterator[Edit]:
    """The edits of one class; `LookupError` says that ``nn`` has no name there."""
    for site, name in named:
        receiver = new.cls.facts.methods[site.call.method].parameters[0]
        kept = next(i for i, a in enumerate(site.call.arguments) if a is site.given[site.form.parameters[0]])
        yield ReplaceCall(new.cls.path, site.call.span, f"{receiver}.{name}", (kept,))
    yield from new.create((site.form.module, site.arguments, name, site.early) for site, name in named)


def _named(new: NewModules, sites: list[Site], *, share: bool) -> Iterator[tuple[Site, str]]:
    """Every call with the name of the attribute that it calls; `LookupError` says that there is none."""
    groups: dict[str, dict[object, list[Site]]] = {}
    for index, site in enumerate(sites):
        key = (site.form.module, site.arguments) if share else index
        groups.setdefault(site.form.name, {}).setdefault(key, []).append(site)
    for base, alike in groups.items():
        for name, same in zip(new.free_names(base, len(alike)), alike.values(), strict=True):
            for site in same:
                yield site, name
