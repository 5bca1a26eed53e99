"""What to run: models with inputs, named on the command line or in the project's configuration."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")
_FUNCTION = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*\Z")  # no expression looks like this: "pkg.mod:name"


class PlanError(Exception):
    """A case that cannot be understood. The message says what, where, and how to write it."""


@dataclass(frozen=True, slots=True)
class CaseSpec:
    """A model and its inputs, as text that is evaluated inside each tree; the parent evaluates nothing.

    Either ``model`` is set, with ``args`` and ``kwargs`` or with ``inputs``; or ``listed`` is, and ``name`` picks one
    of the cases that the function gives (all of them, before `modfix.verify.run.expand` has asked for their names).

    Attributes:
        name: what reports call the case; unique within a run.
        model: ``pkg.mod:factory`` or ``pkg.mod:Net(3, width=64)``: gives a fresh `torch.nn.Module`.
        args: expressions of the positional inputs, e.g. ``randn(2,3,224,224)`` or ``[randn(2,3), {'m': ones(2)}]``.
        kwargs: names and expressions of the keyword inputs.
        inputs: ``pkg.mod:function``, which gives ``(args, kwargs)``, in place of ``args`` and ``kwargs``.
        listed: ``pkg.mod:function``, which gives a list of ``(name, build, inputs)``.
    """

    name: str
    model: str = ""
    args: tuple[str, ...] = ()
    kwargs: tuple[tuple[str, str], ...] = ()
    inputs: str = ""
    listed: str = ""

    def to_json(self) -> dict[str, object]:
        """The same for the worker."""
        return {
            "name": self.name,
            "model": self.model,
            "args": list(self.args),
            "kwargs": dict(self.kwargs),
            "inputs": self.inputs,
            "listed": self.listed,
        }


def model_case(
    model: str, inputs: Sequence[str] = (), kwargs: Mapping[str, str] | None = None, *, name: str = ""
) -> CaseSpec:
    """The case of one model.

    Args:
        model: as in `CaseSpec`.
        inputs: expressions of the positional inputs, or the one name of a function that gives all inputs.
        kwargs: expressions of the keyword inputs.
        name: what reports call it; default: ``model``.

    Raises:
        PlanError: a text is not what it should be.
    """
    _check_model(model)
    functions = [text for text in inputs if _FUNCTION.match(text.strip())]
    if functions and (len(inputs) > 1 or kwargs):
        raise PlanError(
            f"input `{functions[0]}` of `{model}` names a function, which gives all inputs: leave the other inputs out"
        )
    if functions:
        return CaseSpec(name or model, model, inputs=functions[0].strip())
    for number, text in enumerate(inputs, 1):
        _check_expression(text, f"input {number} of `{model}`", "randn(2, 3, 224, 224)")
    for key, text in (kwargs or {}).items():
        if not key.isidentifier():
            raise PlanError(
                f"keyword `{key}` of `{model}` is no name of an argument; write e.g. mask='ones(2,16).bool()'"
            )
        _check_expression(text, f"keyword `{key}` of `{model}`", "ones(2, 16).bool()")
    return CaseSpec(name or model, model, tuple(inputs), tuple((kwargs or {}).items()))


def listed_cases(function: str) -> CaseSpec:
    """All cases that a function gives, as a spec that is still to be expanded.

    Raises:
        PlanError: ``function`` is not ``pkg.mod:function``.
    """
    if not _FUNCTION.match(function):
        raise PlanError(f"`{function}` must name a function that returns a list of cases, like `pkg.mod:cases`")
    return CaseSpec(name="", listed=function)


def parse_keywords(options: Iterable[str]) -> dict[str, str]:
    """``name=expression`` from the command line.

    Raises:
        PlanError: an option has no name, or a name comes twice.
    """
    parsed: dict[str, str] = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals or not name.strip().isidentifier():
            raise PlanError(f"`--kwarg {option}` must be name=expression, like `--kwarg mask='ones(2,16).bool()'`")
        if name.strip() in parsed:
            raise PlanError(f"`--kwarg {name.strip()}` is given twice")
        parsed[name.strip()] = text.strip()
    return parsed


def named_apart(cases: Iterable[CaseSpec]) -> tuple[CaseSpec, ...]:
    """The cases with names that are unique: the second ``net`` is called ``net #2``. Those still to expand stay."""
    taken: set[str] = set()
    result = []
    for case in cases:
        name = case.name if case.listed else _free(case.name, taken)
        taken.add(name)
        result.append(replace(case, name=name))
    return tuple(result)


def _free(name: str, taken: Collection[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} #{number}"
    return free


def _check_model(text: str) -> None:
    example = "write `pkg.mod:factory` or `pkg.mod:Net(3, width=64)`"
    module, colon, expression = text.partition(":")
    if not colon:
        raise PlanError(f"model `{text}` does not say in which module it is; {example}")
    if not _MODULE.match(module.strip()):
        path = module.strip().removesuffix(".py").strip("./").replace("/", ".")
        hint = f"did you mean `{path}:{expression}`?" if _MODULE.match(path) else example
        raise PlanError(f"model `{text}`: `{module}` is no name of a module; {hint}")
    tree = _check_expression(expression, f"model `{text}`", "Net(3, width=64)")
    if not isinstance(tree, ast.Name | ast.Attribute | ast.Call):
        raise PlanError(f"model `{text}`: `{expression.strip()}` is neither a name nor a call; {example}")


def _check_expression(text: str, where: str, example: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise PlanError(f"{where}: `{text}` is no Python expression ({reason}); write e.g. `{example}`") from error
