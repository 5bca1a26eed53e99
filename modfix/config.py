"""``[tool.modfix]`` in the project's pyproject.toml. An unknown key is an error with a suggestion, never ignored."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, Union

if TYPE_CHECKING:
    from modfix.engine.codemod import Codemod


_T = TypeVar("_T")


class ConfigError(Exception):
    """The configuration cannot be used; the message says which key, why, and what would be right."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One of ``models`` in ``[tool.modfix.verify]``; see `modfix.verify.plan.CaseSpec` for what the texts mean."""

    model: str
    inputs: tuple[str, ...] = ()
    kwargs: Mapping[str, str] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class VerifyConfig:
    """What ``[tool.modfix.verify]`` says. Options of the command line go before it."""

    models: tuple[ModelConfig, ...] = ()
    cases: str | None = None  # function that lists cases, "pkg.mod:cases"
    tests: str | None = None  # arguments of pytest
    run: str | None = None  # a command, e.g. "python train.py --epochs 1"
    python: str | None = None  # the interpreter; relative to the project
    device: Literal["auto", "cpu", "cuda"] = "auto"
    allow: tuple[str, ...] = ()
    allow_close: bool = False
    allow_unverified: bool = False
    time_limit: float = 60  # seconds for each case
    compilers: bool = False  # whether TorchScript and export must work where they worked


@dataclass(frozen=True, slots=True)
class Config:
    """What ``[tool.modfix]`` says. Options of the command line go before it."""

    codemods: tuple[str, ...] = ("all",)
    exclude: tuple[str, ...] = ()
    unsafe_fixes: bool = False
    jobs: int | None = None  # None: one for every core
    cache: bool = True
    max_file_size: int | None = None  # bytes; None: the built-in limit
    options: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict
    )  # tables [tool.modfix.<codemod>], unchecked
    verify: VerifyConfig = field(default_factory=VerifyConfig)


def load(root: Path) -> Config:
    """The configuration of the project at ``root``; the defaults where there is no such table.

    Raises:
        ConfigError: pyproject.toml cannot be read, or holds an unknown key or a value of the wrong type.
    """
    path = root / "pyproject.toml"
    try:
        text = path.read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read pyproject.toml: {error}") from error
    if "modfix" not in text:
        return Config()  # most projects: saves the TOML parser
    tool = _parse(text).get("tool", {})
    table = tool.get("modfix", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise ConfigError("`tool.modfix` in pyproject.toml must be a table")
    return _config(table)


def build(codemods: Iterable[type[Codemod]], config: Config) -> list[Codemod]:
    """One instance of each of ``codemods``, with the options that its table ``[tool.modfix.<name>]`` gives.

    Raises:
        ConfigError: a table holds a key that the codemod does not have, or a value of the wrong type.
    """
    return [cls(_options(cls, config.options.get(cls.name, {}))) for cls in codemods]


def check_tables(config: Config, known: Iterable[str]) -> None:
    """Check that every table ``[tool.modfix.<name>]`` belongs to one of the ``known`` codemods.

    Raises:
        ConfigError: it does not.
    """
    names = list(known)
    for name in config.options:
        if name not in names:
            suggestion = did_you_mean(name, [*names, *_KEYS, _VERIFY])
            raise ConfigError(f"unknown table [tool.modfix.{name}]: no codemod has this name{suggestion}")


def option_lines(codemod: type[Codemod]) -> Iterator[str]:
    """Each option of ``codemod`` as a line of TOML with its default, and what may stand there."""
    assert is_dataclass(codemod.Options)  # the registry takes no other
    hints = typing.get_type_hints(codemod.Options)
    for option in fields(codemod.Options):
        default = "" if option.default in (MISSING, None) else _toml(option.default)
        yield f"{option.name.replace('_', '-')} = {default or '...'}  # {describe(hints[option.name])}"


def did_you_mean(word: str, known: Iterable[str], *, quote: str = '"') -> str:
    """``; did you mean "exclude"?`` with the nearest of the ``known`` words, or nothing where none is near."""
    import difflib  # 3 ms that only an error needs

    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {quote}{near[0]}{quote}?" if near else ""


def _parse(text: str) -> dict[str, object]:
    # A parser is 5 ms of start-up that only projects with a configuration need.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        parsed: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"pyproject.toml is not valid TOML: {error}") from error
    return parsed


_VERIFY = "verify"  # the table that is no codemod's
_KEYS: dict[str, object] = {  # key in pyproject.toml -> type; the field of Config has the same name in snake case
    "codemods": tuple[str, ...],
    "exclude": tuple[str, ...],
    "unsafe-fixes": bool,
    "jobs": int,
    "cache": bool,
    "max-file-size": int,
}


def _config(table: Mapping[str, object]) -> Config:
    values: dict[str, typing.Any] = {}  # checked against _KEYS one by one; mypy cannot follow a keyword expansion
    options: dict[str, Mapping[str, object]] = {}
    for key, value in table.items():
        if key == _VERIFY and isinstance(value, dict):
            values[key] = _verify(value)
        elif key in _KEYS:
            values[key.replace("-", "_")] = _convert(value, _KEYS[key], f"`{key}` in [tool.modfix]")
        elif isinstance(value, dict):
            options[key] = value
        else:
            raise ConfigError(f'unknown key "{key}" in [tool.modfix]{did_you_mean(key, [*_KEYS, _VERIFY])}')
    for key in ("jobs", "max_file_size"):
        if values.get(key, 1) < 1:
            raise ConfigError(f"`{key.replace('_', '-')}` in [tool.modfix] must be at least 1, not {values[key]}")
    return Config(**values, options=options)


def _verify(table: Mapping[str, object]) -> VerifyConfig:
    where = f"[tool.modfix.{_VERIFY}]"
    models = table.get("models", [])
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        raise ConfigError(f'`models` in {where} must be a list of tables, like [{{model = "pkg.mod:Net()"}}]')
    made = tuple(_fill(ModelConfig, model, f"model {number} of {where}") for number, model in enumerate(models, 1))
    config = _fill(VerifyConfig, {key: value for key, value in table.items() if key != "models"}, where)
    if config.time_limit <= 0:
        raise ConfigError(f"`time-limit` in {where} must be more than 0, not {config.time_limit}")
    return replace(config, models=made)


def _options(codemod: type[Codemod], table: Mapping[str, object]) -> object:
    assert is_dataclass(codemod.Options)  # the registry takes no other
    return _fill(codemod.Options, table, f"[tool.modfix.{codemod.name}]")


def _fill(kind: type[_T], table: Mapping[str, object], where: str) -> _T:
    """The dataclass ``kind`` with the values of ``table``, whose keys have hyphens for underscores."""
    hints = typing.get_type_hints(kind)
    keys = {f.name.replace("_", "-"): f for f in fields(kind)}  # type: ignore[arg-type]  # callers pass dataclasses
    values = {}
    for key, value in table.items():
        if key not in keys:
            raise ConfigError(f'unknown key "{key}" in {where}{did_you_mean(key, keys)}')
        values[keys[key].name] = _convert(value, hints[keys[key].name], f"`{key}` in {where}")
    for key, option in keys.items():
        if option.name not in values and option.default is MISSING and option.default_factory is MISSING:
            raise ConfigError(f"`{key}` is missing in {where}")
    return kind(**values)


def _convert(value: object, kind: object, where: str) -> object:
    """``value`` as TOML gave it, as the type ``kind``: a list becomes a tuple where one is asked for."""
    if _fits(value, kind):
        return tuple(value) if typing.get_origin(kind) is tuple and isinstance(value, list) else value
    raise ConfigError(f"{where} must be {describe(kind)}, not {_toml(value)}")


def _fits(value: object, kind: object) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return any(value == one and type(value) is type(one) for one in arguments)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin in (tuple, list, frozenset):
        return isinstance(value, list) and all(_fits(item, arguments[0]) for item in value)
    if origin is Mapping:
        return isinstance(value, dict) and all(_fits(item, arguments[1]) for item in value.values())
    if kind is float:
        return type(value) in (int, float)
    return type(value) is kind  # not isinstance: `jobs = true` is no number


def describe(kind: object) -> str:
    """The type ``kind`` in words for people who write TOML, such as ``a list of strings`` or ``one of "a", "b"``."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return "one of " + ", ".join(_toml(one) for one in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(one) for one in arguments if one is not type(None))
    if origin in (tuple, list, frozenset):
        return f"a list of {_PLURALS.get(arguments[0], describe(arguments[0]))}"
    if origin is Mapping:
        return f"a table of {_PLURALS.get(arguments[1], describe(arguments[1]))}"
    return _WORDS.get(kind, str(kind))


_WORDS: dict[object, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
_PLURALS: dict[object, str] = {int: "whole numbers", float: "numbers", str: "strings"}


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
