"""Jobs: what can be asked of a case."""

from __future__ import annotations

import importlib.util
import inspect
from typing import Any, Callable, Dict

import torch

from . import UnsupportedError, spec
from .main import PROOF_TORCH, version_of

Job = Callable[..., Dict[str, Any]]

JOBS = {  # job -> module and function; one with a parameter `case` gets it, likewise `root`
    "proof": (".proof", "observe"),
    "numeric": (".numeric", "observe"),
    "contracts": (".contracts", "observe"),
    "close": (".kept", "compare_kept"),
}
_NEEDS_DISPATCH_MODE = frozenset(("proof",))
_functions: dict[str, Job] = {}


def preload() -> None:
    """Import the modules of all jobs, once and before any code of the project can change what they import."""
    for job, (module, function) in JOBS.items():
        if importlib.util.find_spec(module, __package__) is None:
            continue
        if job not in _NEEDS_DISPATCH_MODE or version_of(torch) >= PROOF_TORCH:
            _functions[job] = getattr(importlib.import_module(module, __package__), function)


def perform(request: dict[str, Any], root: str) -> dict[str, Any]:
    """Do the job ``request`` in the tree at ``root``: an observation, or the names of cases.

    Raises:
        Exception: whatever the project's code raises; see `failures.describe`.
    """
    job = request["job"]
    if job == "list":
        return {"names": spec.list_cases(request["listed"], root)}
    if job not in _functions:
        raise UnsupportedError(f"job `{job}` needs torch >= 2.0; this is torch {torch.__version__}")
    function = _functions[job]
    wanted = inspect.signature(function).parameters
    keywords = {name: value for name, value in request.items() if name not in ("job", "case", "watch")}
    if "root" in wanted:
        keywords["root"] = root
    if "case" in wanted:
        keywords["case"] = spec.load(request["case"], root)
    return function(**keywords)
