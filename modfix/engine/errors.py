"""Exceptions of codemods and of modfix itself as values, for the borders at which one failure must not stop the
rest."""

from __future__ import annotations

from pathlib import PurePath


def describe(error: BaseException) -> str:
    """What was raised and where, in one line: ``ValueError: no such attribute (identity.py:42)``."""
    text = f"{type(error).__name__}: {error}".strip(": \n")
    trace = error.__traceback__
    if trace is None:
        return text
    while trace.tb_next is not None:
        trace = trace.tb_next
    # Only the file's name: reports must not differ from machine to machine.
    return f"{text} ({PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
