"""Calls of functions that have a module, with their arguments told apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from modfix.model.span import Location
from modfix.semantics.facts import Argument, ArgumentForm, CallPlace, TorchCall
from modfix.semantics.inheritance import Reason
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.new_modules import NewModules
from modfix.semantics.torch_functions import MODULE_FORMS, ModuleForm


@dataclass(frozen=True)
class FunctionCall:
    """One call of a function that has a module."""

    cls: ModuleClass
    call: TorchCall
    form: ModuleForm
    given: dict[str, Argument]  # parameter of the function -> argument; "*" and "**" for what cannot be told

    @property
    def location(self) -> Location:
        """The place of the call."""
        return Location(self.cls.path, self.call.line, self.call.column)

    @property
    def kept(self) -> int:
        """The index of the input among the arguments; -1 where it cannot be told."""
        tensor = self.given.get(self.form.parameters[0])
        return next((i for i, argument in enumerate(self.call.arguments) if argument is tensor), -1)

    @property
    def constructor_arguments(self) -> str:
        """What the constructor of the module takes to do the same, as source."""
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

    @property
    def taken(self) -> tuple[Argument, ...]:
        """The arguments that the constructor takes."""
        found = (self.given.get(source) for _, source in self.form.constructor)
        return tuple([argument for argument in found if argument is not None])

    def reasons(self, new: NewModules) -> Iterator[Reason]:
        """Why the module cannot do the same, as far as the arguments say."""
        form, given = self.form, self.given
        known = {form.parameters[0], *(source for _, source in form.constructor)}
        if form.training_default is not None:
            known.add("training")
        if self.kept < 0:
            yield "unsupported-arguments", "its input cannot be told", self.location
        for name, argument in given.items():
            if name in ("*", "**"):
                yield "unsupported-arguments", "its arguments cannot be told apart", self.location
            elif name not in form.parameters:
                yield "unsupported-arguments", f"the function has no argument `{name}`", self.location
            elif name not in known:
                module = form.module.replace("torch.", "")
                yield "no-module-argument", f"`{module}` has no argument `{name}`", self.location
            elif name not in (form.parameters[0], "training"):
                yield from new.argument_reasons(self.call, argument, f"`{name}`")
        yield from self._training_reasons()

    def _training_reasons(self) -> Iterator[Reason]:
        if self.form.training_default is None:
            return
        argument = self.given.get("training")
        if argument is None or argument.source in ("True", "False"):
            active = argument.source == "True" if argument is not None else self.form.training_default
            if not active:
                yield "never-active", "without `training=self.training` it never drops anything", self.location
            elif self.call.place is not CallPlace.TRAINING:
                meant = "it is active in evaluation, too; is `training=self.training` meant?"
                yield "always-active", meant, self.location
        elif argument.form is not ArgumentForm.TRAINING:
            what = f"`{argument.source}`, not the mode of the module," if argument.source else "each call"
            yield "dynamic-training", f"{what} decides whether it is active", self.location
        yield from self.cls.training_by_hand()


def function_calls(cls: ModuleClass, groups: Collection[str]) -> Iterator[FunctionCall]:
    """The calls in methods of ``cls`` of functions of some groups of `MODULE_FORMS`, in order of evaluation."""
    for call in cls.facts.calls:
        form = MODULE_FORMS.get(call.function)
        if form is None or form.group not in groups:
            continue
        given: dict[str, Argument] = {}
        for index, argument in enumerate(call.arguments):
            name = argument.name or (form.parameters[index] if index < len(form.parameters) else "*")
            given["*" if name in given else name] = argument
        yield FunctionCall(cls, call, form, given)
