"""Jobs: what can be asked of a case."""

from __future__ import annotations

import importlib
import inspect
from typing import Any, Callable, Dict

import torch

from . import UnsupportedError, kept, spec
from .main import PROOF_TORCH, version_of

Observe = Callable[..., Dict[str, Any]]

JOBS = {  # job -> module and function of it, which takes a case and keywords
    "proof": (".proof", "observe"),
    "numeric": (".numeric", "observe"),
    "contracts": (".contracts", "observe"),
    "load-strictly": (".contracts", "load_strictly"),
    "save-state": (".kept", "save_state"),
}
_NEEDS_DISPATCH_MODE = frozenset(("proof",))
_observers: dict[str, Observe] = {}


def preload() -> None:
    """Import the modules of all jobs, once and before any code of the project can change what they import."""
    for job, (module, function) in JOBS.items():
        if job not in _NEEDS_DISPATCH_MODE or version_of(torch) >= PROOF_TORCH:
            _observers[job] = getattr(importlib.import_module(module, __package__), function)


def perform(request: dict[str, Any], root: str) -> dict[str, Any]:
    """Do the job ``request`` in the tree at ``root``: an observation, or the names of cases.

    Raises:
        Exception: whatever the project's code raises; see `failures.describe`.
    """
    job = request["job"]
    if job == "list":
        return {"names": spec.list_cases(request["listed"], root)}
    if job == "close":  # about what runs have kept: no code of the project runs
        return kept.compare_kept(*(request[name] for name in ("before", "after", "reference", "dtype")))
    if job not in _observers:
        raise UnsupportedError(f"job `{job}` needs torch >= 2.0; this is torch {torch.__version__}")
    observe = _observers[job]
    keywords = {name: value for name, value in request.items() if name not in ("job", "case", "watch")}
    if "root" in inspect.signature(observe).parameters:
        keywords["root"] = root
    return observe(spec.load(request["case"], root), **keywords)
