"""Where trouble becomes a message and an exit code: every command runs inside `border`."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import NoReturn, ParamSpec

import typer

P = ParamSpec("P")


class ExitCode(IntEnum):
    """What the exit codes of all commands mean."""

    OK = 0  # nothing to do, or all done
    FINDINGS = 1  # something is left to fix or to verify, or a diff was printed
    ERROR = 2  # wrong usage, or a bug of modfix or of a codemod
    DIFFERENT = 3  # two versions that should compute the same do not
    INTERRUPTED = 130  # Ctrl-C, as shells count it


class UserError(Exception):
    """Something that the user can put right. The message says what, where and how; it is shown without a traceback."""


def border(command: Callable[P, ExitCode]) -> Callable[P, NoReturn]:
    """Make a typer command of a function that returns its exit code and raises `UserError` for wrong usage."""

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> NoReturn:
        try:
            code = command(*args, **kwargs)
            sys.stdout.flush()  # here, where a closed pipe is caught, not at the interpreter's exit
        except UserError as error:
            say(f"error: {error}")
            code = ExitCode.ERROR
        except KeyboardInterrupt:
            say("interrupted")
            code = ExitCode.INTERRUPTED
        except BrokenPipeError:
            # `modfix check | head`: there was more to say. What is flushed at the interpreter's end goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = ExitCode.FINDINGS
        except Exception:  # Python would exit with 1, which means "findings"
            import traceback

            say(f"{traceback.format_exc()}error: this is a bug in modfix, please report it with the lines above")
            code = ExitCode.ERROR
        raise typer.Exit(code)

    return guarded


def say(line: str) -> None:
    """Write a line to the user, on stderr."""
    print(line, file=sys.stderr)
