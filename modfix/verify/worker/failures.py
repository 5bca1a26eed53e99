"""An exception out of the project's code -> ``{"failed": {"kind", "message", "where"}}``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from . import UnsupportedError, isolate
from .spec import SpecError, phase_of

_MAX_MESSAGE = 2000
_WORKER = os.path.dirname(os.path.abspath(__file__))
_OUT_OF_MEMORY = ("DefaultCPUAllocator: ", "CUDA out of memory", "can't allocate memory", "std::bad_alloc")


def describe(error: BaseException, root: str, phase: str = "") -> dict[str, Any]:
    """What to answer when ``error`` ended a job in the tree at ``root``; ``phase`` is a kind for want of a better."""
    kind, message = _classify(error, phase)
    if isolate.blocked and kind not in ("network", "stdin"):
        message += f" (before that the code asked for {isolate.blocked[0]}, which it did not get)"
    where = where_in_tree(error.__traceback__, root)
    if kind == "import" and isinstance(error, SyntaxError) and error.filename and not where:
        where = _relative(error.filename, error.lineno or 0, root)
    return {"failed": {"kind": kind, "message": message, "where": where}}


def text_of(error: BaseException) -> str:
    """Type and message, cut to a sane length; of the type alone where the message cannot be had."""
    name = type(error).__name__
    try:
        message = str(error)
    except BaseException as trouble:  # `__str__` is the project's code too
        return f"{name} (its message cannot be shown: `__str__` raised {type(trouble).__name__})"
    if len(message) > _MAX_MESSAGE:
        message = f"{message[:_MAX_MESSAGE]}... ({len(message)} characters)"
    return f"{name}: {message}" if message else name


def _classify(error: BaseException, phase: str) -> tuple[str, str]:
    if isinstance(error, SpecError):
        return error.kind, str(error)
    if isinstance(error, UnsupportedError):
        return "unsupported", text_of(error).partition(": ")[2]
    for cause in _chain(error):
        if isinstance(cause, isolate.NetworkError):
            return "network", cause.strerror or text_of(cause)
        if isinstance(cause, isolate.NoInputError):
            return "stdin", text_of(cause).partition(": ")[2]
    message = text_of(error)
    if "stdin" in isolate.blocked:  # a debugger, for one, ends with an error of its own
        return "stdin", str(isolate.refusal("stdin", message))
    if isinstance(error, MemoryError) or any(text in message for text in _OUT_OF_MEMORY):
        return "memory", message
    if isinstance(error, SystemExit):
        return "exit", f"the code ended the program: {message}"
    if isinstance(error, KeyboardInterrupt):
        return "exit", "the code interrupted the program (KeyboardInterrupt)"
    return phase_of(error) or phase or _phase_by_traceback(error.__traceback__), message


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """``error``, what caused it, and what libraries wrap into it (urllib: `reason`; requests: `args`)."""
    pending: list[Any] = [error]
    seen: set[int] = set()
    while pending:
        item = pending.pop()
        if not isinstance(item, BaseException) or id(item) in seen or len(seen) > 100:
            continue
        seen.add(id(item))
        yield item
        pending += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]


def _phase_by_traceback(traceback: TracebackType | None) -> str:
    """``forward`` where code of others is on the stack, ``recorder`` where all of it is the worker's."""
    return "forward" if any(not file.startswith(_WORKER) for file, _ in _frames(traceback)) else "recorder"


def where_in_tree(traceback: TracebackType | None, root: str) -> str:
    """``path:line`` of the last frame inside the tree, or empty."""
    inside = [_relative(file, line, root) for file, line in _frames(traceback)]
    return next((place for place in reversed(inside) if place), "")


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, int]]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next


def _relative(file: str, line: int, root: str) -> str:
    prefix = root + os.sep
    return f"{file[len(prefix) :].replace(os.sep, '/')}:{line}" if file.startswith(prefix) else ""
