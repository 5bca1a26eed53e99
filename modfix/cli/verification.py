"""Options that `verify` and `apply --verify` share, and what they do with them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modfix.cli.border import ExitCode, UserError

if TYPE_CHECKING:
    from modfix.config import VerifyConfig
    from modfix.engine.codemod import Codemod
    from modfix.model.finding import Finding
    from modfix.model.verdict import VerifyResult
    from modfix.verify.plan import CaseSpec
    from modfix.verify.session import Session, Settings


class Device(str, Enum):
    """Where numbers are computed."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class VerdictFormat(str, Enum):
    """How verdicts are printed on stdout."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


Format = Annotated[
    VerdictFormat,
    typer.Option("--output-format", help="How to print the result; `markdown` has the verdicts, for a pull request."),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A model to run: `pkg.mod:factory` or `pkg.mod:Net(3, width=64)`; repeatable.",
        show_default=False,
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="EXPR",
        help="A positional input of the models, such as `randn(2,3,224,224)`; repeatable. Or one `pkg.mod:function` "
        "that returns (args, kwargs).",
        show_default=False,
    ),
]
Keywords = Annotated[
    list[str] | None,
    typer.Option(
        "--kwarg",
        metavar="NAME=EXPR",
        help="A keyword input of the models, such as `mask=ones(2,16).bool()`; repeatable.",
        show_default=False,
    ),
]
Cases = Annotated[
    list[str] | None,
    typer.Option(
        "--cases",
        metavar="FUNCTION",
        help="`pkg.mod:function` that returns a list of (name, build, inputs); repeatable.",
        show_default=False,
    ),
]
Tests = Annotated[
    str | None,
    typer.Option(
        "--tests",
        metavar="ARGUMENTS",
        help="The project's own tests, as arguments of pytest: `tests/ -q`. They run in both versions, in lock step.",
        show_default=False,
    ),
]
Run = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="COMMAND",
        help="A script to run in both versions, in lock step: `python train.py --epochs 1`.",
        show_default=False,
    ),
]
Python = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help="The interpreter of the project.  [default: its .venv, else ours]", show_default=False
    ),
]
DeviceName = Annotated[
    Device | None,
    typer.Option(
        "--device", help="Where numbers are computed.  [default: CUDA where there is one]", show_default=False
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND",
        help="Differences that count as none, such as `keys-added`; comma-separated or repeated.",
        show_default=False,
    ),
]
AllowClose = Annotated[
    bool | None,
    typer.Option("--allow-close/--no-allow-close", help="CLOSE is good enough.  [default: no]", show_default=False),
]
AllowUnverified = Annotated[
    bool | None,
    typer.Option(
        "--allow-unverified/--no-allow-unverified", help="UNVERIFIED is good enough.  [default: no]", show_default=False
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        metavar="SECONDS",
        help="For each run of a case; a script has ten times as long.  [default: 60]",
        show_default=False,
    ),
]
Compilers = Annotated[
    bool | None,
    typer.Option(
        "--compilers/--no-compilers",
        help="TorchScript and torch.export must work where they worked; takes seconds for each case.  [default: no]",
        show_default=False,
    ),
]
ExplainDiff = Annotated[bool, typer.Option("--explain-diff", help="Show the source of both versions where they part.")]


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line says about verifying; None where it says nothing."""

    models: Sequence[str] | None = None
    inputs: Sequence[str] | None = None
    keywords: Sequence[str] | None = None
    cases: Sequence[str] | None = None
    tests: str | None = None
    run: str | None = None
    python: Path | None = None
    device: Device | None = None
    allow: Sequence[str] | None = None
    allow_close: bool | None = None
    allow_unverified: bool | None = None
    time_limit: float | None = None
    compilers: bool | None = None

    @property
    def given(self) -> list[str]:
        """The names of the options that were given."""
        options = {
            "--model": self.models,
            "--input": self.inputs,
            "--kwarg": self.keywords,
            "--cases": self.cases,
            "--tests": self.tests,
            "--run": self.run,
            "--python": self.python,
            "--device": self.device,
            "--allow": self.allow,
            "--allow-close": self.allow_close,
            "--allow-unverified": self.allow_unverified,
            "--time-limit": self.time_limit,
            "--compilers": self.compilers,
        }
        return [name for name, value in options.items() if value is not None]


def settings(root: Path, config: VerifyConfig, request: Request) -> Settings:
    """What to verify in the project at ``root``, and how; what the command line leaves open comes from ``config``.

    Raises:
        UserError: nothing says what to run, or something cannot be understood.
    """
    from modfix.verify.plan import PlanError
    from modfix.verify.process import find_interpreter
    from modfix.verify.session import Settings
    from modfix.verify.verdicts import ALLOWANCES

    try:
        cases = tuple(_cases(config, request))
    except PlanError as error:
        raise UserError(str(error)) from error
    named = request.models or request.cases or request.tests or request.run
    tests, run = (request.tests or "", request.run or "") if named else (config.tests or "", config.run or "")
    if not cases and not tests and not run:
        raise UserError(_NOTHING_TO_RUN)
    allow = [kind.strip() for text in request.allow or config.allow for kind in text.split(",") if kind.strip()]
    for kind in allow:
        if kind not in ALLOWANCES:
            raise UserError(f"there is no kind of difference `{kind}` to allow; there are {', '.join(ALLOWANCES)}")
    python = request.python or (root / config.python if config.python else find_interpreter(root))
    return Settings(
        cases,
        tests=tests,
        run=run,
        compilers=config.compilers if request.compilers is None else request.compilers,
        python=Path(os.path.abspath(python)),  # not resolved: a virtual environment is known by its link
        device=request.device.value if request.device is not None else config.device,
        allow=frozenset(allow),
        allow_close=config.allow_close if request.allow_close is None else request.allow_close,
        allow_unverified=config.allow_unverified if request.allow_unverified is None else request.allow_unverified,
        time_limit_s=request.time_limit or config.time_limit,
    )


_NOTHING_TO_RUN = """\
nothing says what to run. Name a model and its inputs, where the code itself would import it from:
  --model 'pkg.mod:Net(3, width=64)' --input 'randn(2,3,224,224)'
or once for all in pyproject.toml:
  [tool.modfix.verify]
  models = [{model = "pkg.mod:Net(3, width=64)", inputs = ["randn(2,3,224,224)"]}]
The project's own tests will do as well: --tests 'tests/ -q'"""


def _cases(config: VerifyConfig, request: Request) -> Iterator[CaseSpec]:
    """The cases of the command line, or else those of the configuration."""
    from modfix.verify.plan import PlanError, listed_cases, model_case, parse_keywords

    if request.models or request.cases or ((request.tests or request.run) and not request.inputs):
        keywords = parse_keywords(request.keywords or ())
        for model in request.models or ():
            yield model_case(model, request.inputs or (), keywords)
        for function in request.cases or ():
            yield listed_cases(function)
        return
    if request.inputs or request.keywords:
        raise PlanError("`--input` and `--kwarg` are inputs of the models that `--model` names; name one")
    for entry in config.models:
        yield model_case(entry.model, entry.inputs, entry.kwargs, name=entry.name)
    if config.cases:
        yield listed_cases(config.cases)


@contextmanager
def session(chosen: Settings) -> Iterator[Session]:
    """A running verifier.

    Raises:
        UserError: the interpreter cannot be used, or a version cannot be had.
    """
    from modfix.cli.progress import progress_bar
    from modfix.verify.lockstep import LockStepError
    from modfix.verify.process import WorkerError
    from modfix.verify.session import Session
    from modfix.verify.trees import TreeError

    try:
        with progress_bar() as progress, Session(chosen, progress) as running:
            yield running
    except (WorkerError, TreeError, LockStepError) as error:
        raise UserError(str(error)) from error


def exit_code(result: VerifyResult, chosen: Settings, *, exit_zero: bool = False) -> ExitCode:
    """What the verdicts mean for the exit code."""
    from modfix.model.verdict import Outcome

    outcomes = {*(verdict.outcome for verdict in result.verdicts), *(fix.outcome for fix in result.fixes)}
    if Outcome.DIFFERENT in outcomes:
        return ExitCode.DIFFERENT
    if not outcomes <= chosen.acceptable:
        return ExitCode.OK if exit_zero else ExitCode.FINDINGS
    return ExitCode.OK


def declared(codemods: Iterable[Codemod], applied: Iterable[Finding]) -> Mapping[str, str]:
    """The kinds of differences that applied fixes make on purpose -> name of the first codemod that declares it."""
    ran = {finding.codemod for finding in applied}
    kinds: dict[str, str] = {}
    for codemod in codemods:
        if codemod.name in ran:
            kinds |= {kind: codemod.name for kind in codemod.declares if kind not in kinds}
    return kinds


def command_line() -> str:
    """The command that was given, to be shown in reports."""
    return " ".join(["modfix", *map(_quoted, sys.argv[1:])])


def _quoted(argument: str) -> str:
    """``argument`` for a shell; in double quotes where it holds single ones, which is easier to read."""
    if "'" in argument and not set(argument) & set('"$`\\!'):
        return f'"{argument}"'
    return shlex.quote(argument)
