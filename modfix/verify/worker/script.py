"""A script of the project in lock step: run as ``python`` would, with everything recorded."""

from __future__ import annotations

import os
import runpy
import sys
from typing import Any

from . import UnsupportedError
from .failures import text_of
from .lockstep import Recording, start


def observe(
    *, command: list[str], root: str, watch: dict[str, list[int]], seed: int = 0, record: bool = True
) -> dict[str, Any]:
    """Run ``command``, the arguments of an interpreter: ``train.py --epochs 1`` or ``-m package.train``.

    Returns an observation as described in `lockstep`; without ``record``, the error alone, if there was one.

    Raises:
        UnsupportedError: it cannot be recorded.
    """
    if not record:
        start(seed)
        error = _run(command)
        return {
            "items": {"run/error": error.replace(root, "")} if error else {},
            "vacuous": "it ran without the recorder",
        }
    recording = Recording(root, watch, seed)
    with recording.on():
        error = _run(command)
    if recording.refused:
        raise UnsupportedError(recording.refused)
    return recording.observation(error)


def _run(command: list[str]) -> str:
    """The error that the script ended with; empty where it came to its end."""
    try:
        if command[0] == "-m":
            sys.argv[:] = command[1:]
            runpy.run_module(command[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv[:] = command
            sys.path.insert(0, os.path.dirname(os.path.abspath(command[0])))
            runpy.run_path(os.path.abspath(command[0]), run_name="__main__")
    except SystemExit as end:
        return "" if end.code in (None, 0) else text_of(end)
    except UnsupportedError:
        return ""  # the recording knows
    except Exception as error:
        return text_of(error)
    return ""
