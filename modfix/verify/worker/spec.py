"""A case as the user names it -> a `Case`: where the model comes from, and the expressions that make its inputs.

A model is ``package.module:name`` (a class or function without arguments, or a module that exists) or
``package.module:name(3, width=64)``, evaluated with the names of that module. Inputs are expressions over torch's
factories, with or without ``torch.``: ``randn(2,3,224,224)``, ``ones(2,16).bool()``, ``randint(0,100,(2,16))``, also in
lists, tuples and dicts.
"""

from __future__ import annotations

import ast
import builtins
import copy
import difflib
import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, Sequence, Tuple, cast

import torch

from . import Case

Inputs = Tuple[Tuple[Any, ...], "dict[str, Any]"]

# With or without `torch.`; where Python has a name too (`bool`, `float`) it is Python's.
_TORCH_NAMES = {
    name: getattr(torch, name) for name in dir(torch) if not name.startswith("_") and name not in dir(builtins)
}
_TORCH_NAMES["torch"] = torch


class SpecError(Exception):
    """A case that cannot be built as it is written. ``kind`` is that of a failure, see the package's docstring."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Reference(NamedTuple):
    """``package.module:expression``."""

    module: str
    expression: ast.expr
    text: str


def modules(spec: Mapping[str, Any]) -> list[str]:
    """The modules that a case needs, to be imported once for all cases.

    Raises:
        SpecError: a reference cannot be read.
    """
    found = [_parse(spec[key], key).module for key in ("model", "listed", "inputs") if spec.get(key)]
    return list(dict.fromkeys(found))


def load(spec: Mapping[str, Any], root: str) -> Case:
    """The case that ``spec`` (see `modfix.verify.plan.CaseSpec`) describes, in the tree at ``root``.

    Its two functions mark an exception with the phase that it comes from, see `phase_of`.

    Raises:
        SpecError: something in it does not exist, or cannot be read.
        Exception: whatever importing the module raises.
    """
    name = spec.get("name") or spec.get("model") or ""
    if spec.get("listed"):
        return _listed(spec["listed"], name, root)
    if not spec.get("model"):
        raise SpecError("constructor", "the case names no model")
    model = _parse(spec["model"], "model")
    build = _builder(model, root)
    if spec.get("inputs"):
        inputs = _inputs_function(_parse(spec["inputs"], "inputs"), root)
    else:
        inputs = _inputs_expressions(spec.get("args") or (), dict(spec.get("kwargs") or ()))
    return Case(name, _marking("constructor", build), _marking("inputs", inputs))


def list_cases(listed: str, root: str) -> list[str]:
    """The names of the cases that the function ``listed`` (``package.module:cases``) lists.

    Raises:
        SpecError: there is no such function, or it returns something else.
        Exception: whatever importing the module or calling the function raises.
    """
    return [case[0] for case in _call_listed(listed, root)]


def phase_of(error: BaseException) -> str:
    """``constructor`` or ``inputs`` for an exception out of that function of a case, else ``""``."""
    return getattr(error, "_modfix_phase", "")


def _marking(phase: str, function: Callable[[], Any]) -> Callable[[], Any]:
    def marked() -> Any:
        try:
            return function()
        except Exception as error:
            try:
                error._modfix_phase = phase  # type: ignore[attr-defined]  # read by `phase_of`
            except Exception:  # a class of the project that refuses; its place in the traceback has to do
                raise error from None
            raise

    return marked


# -- models ------------------------------------------------------------------------------------------------------------


def _parse(text: str, what: str) -> _Reference:
    module, colon, expression = text.partition(":")
    module = module.strip()
    if not colon or not all(part.isidentifier() for part in module.split(".")):
        raise SpecError(
            "import",
            f"`{text}` does not name a {what}: write `package.module:name` or `package.module:Name(arguments)`",
        )
    try:
        body = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise SpecError("constructor", f"`{expression}` in `{text}` is not a Python expression: {error}") from error
    return _Reference(module, body, expression.strip())


def _namespace(reference: _Reference, root: str) -> dict[str, Any]:
    """The names of the module that ``reference`` is evaluated in."""
    module = importlib.import_module(reference.module)
    file = getattr(module, "__file__", None)
    if file is not None and not os.path.realpath(file).startswith(os.path.realpath(root) + os.sep):
        raise SpecError(
            "import",
            f"`{reference.module}` is {file}, which is no part of the tree, so both versions would be the"
            " same; name a module of the project",
        )
    return vars(module)


def _builder(reference: _Reference, root: str) -> Callable[[], Any]:
    names = _namespace(reference, root)
    code = compile(ast.Expression(reference.expression), f"<{reference.text}>", "eval")
    if isinstance(reference.expression, ast.Call):
        _require(reference.expression.func, names, reference)

        def make() -> Any:
            return eval(code, {**_TORCH_NAMES, **names})
    else:
        value = _require(reference.expression, names, reference)
        if isinstance(value, torch.nn.Module):

            def make() -> Any:
                return copy.deepcopy(value)
        elif callable(value):
            make = value
        else:
            raise SpecError(
                "constructor",
                f"`{reference.module}:{reference.text}` is a {type(value).__name__}: no class, function or model",
            )

    def build() -> Any:
        model = make()
        if not isinstance(model, torch.nn.Module):
            raise SpecError(
                "constructor",
                f"`{reference.module}:{reference.text}` makes a {type(model).__name__}, not a `torch.nn.Module`",
            )
        return model

    return build


def _require(expression: ast.expr, names: Mapping[str, Any], reference: _Reference) -> Any:
    """The value of a dotted name, e.g. the function of a call."""
    try:
        return eval(compile(ast.Expression(expression), f"<{reference.text}>", "eval"), dict(names))
    except (NameError, AttributeError) as error:
        wanted = reference.text.partition("(")[0].partition(".")[0]
        near = difflib.get_close_matches(wanted, [name for name in names if not name.startswith("__")], 3)
        hint = f"; did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
        raise SpecError("import", f"`{reference.module}` has no `{reference.text}`: {error}{hint}") from error


# -- inputs ------------------------------------------------------------------------------------------------------------


def _inputs_expressions(args: Sequence[str], kwargs: Mapping[str, str]) -> Callable[[], Inputs]:
    positional = [_compile(text) for text in args]
    keyword = {name: _compile(text) for name, text in kwargs.items()}

    def inputs() -> Inputs:
        return tuple(_evaluate(*entry) for entry in positional), {
            name: _evaluate(*entry) for name, entry in keyword.items()
        }

    return inputs


def _compile(text: str) -> tuple[str, Any]:
    try:
        return text, compile(text.strip(), f"<{text}>", "eval")
    except (SyntaxError, ValueError) as error:
        raise SpecError("inputs", f"input `{text}` is not a Python expression: {error}") from error


def _evaluate(text: str, code: Any) -> Any:
    try:
        return eval(code, dict(_TORCH_NAMES))
    except NameError as error:
        hint = "use torch's factories, e.g. `randn(2,3,224,224)`, or a function that returns (args, kwargs)"
        raise SpecError("inputs", f"input `{text}`: {error}; {hint}") from error
    except Exception as error:
        raise SpecError("inputs", f"input `{text}`: {type(error).__name__}: {error}") from error


def _inputs_function(reference: _Reference, root: str) -> Callable[[], Inputs]:
    function = _require(reference.expression, _namespace(reference, root), reference)

    def inputs() -> Inputs:
        value = function() if callable(function) else function
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], dict):
            return (tuple(value[0]) if isinstance(value[0], (tuple, list)) else (value[0],)), value[1]
        raise SpecError(
            "inputs",
            f"`{reference.module}:{reference.text}` returned a {type(value).__name__}; it must return (args, kwargs): a"
            " tuple and a dict",
        )

    return inputs


# -- cases that a function lists ---------------------------------------------------------------------------------------


def _listed(listed: str, name: str, root: str) -> Case:
    for case in _call_listed(listed, root):
        if case[0] == name:
            return Case(name, _marking("constructor", case[1]), _marking("inputs", _positional(case[2], name)))
    raise SpecError("inputs", f"`{listed}` lists no case named `{name}`")


def _positional(function: Callable[[], Any], name: str) -> Callable[[], Inputs]:
    def inputs() -> Inputs:
        value = function()
        if not isinstance(value, (tuple, list)):
            raise SpecError("inputs", f"the inputs of case `{name}` are a {type(value).__name__}; they must be a tuple")
        return tuple(value), {}

    return inputs


def _call_listed(listed: str, root: str) -> list[tuple[str, Callable[[], Any], Callable[[], Any]]]:
    reference = _parse(listed, "function that lists cases")
    function = _require(reference.expression, _namespace(reference, root), reference)
    value = function() if callable(function) else function
    try:
        cases = [(str(name), build, inputs) for name, build, inputs in value]
    except (TypeError, ValueError) as error:
        raise SpecError("inputs", f"`{listed}` must return a list of (name, build, inputs): {error}") from error
    return cast("list[tuple[str, Callable[[], Any], Callable[[], Any]]]", cases)


def import_paths(root: str) -> list[str]:
    """What goes in front of ``sys.path`` for the tree at ``root``: the tree, and its ``src`` where that holds code."""
    source = os.path.join(root, "src")
    is_layout = os.path.isdir(source) and not os.path.exists(os.path.join(source, "__init__.py"))
    return [source, root] if is_layout else [root]


def imported(name: str) -> bool:
    """Whether a module has been imported already."""
    return name in sys.modules
