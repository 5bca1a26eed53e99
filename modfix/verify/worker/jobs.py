"""Jobs: what can be asked of a case."""

from __future__ import annotations

import importlib.util
import inspect
from typing import Any, Callable, Dict

import torch

from . import UnsupportedError, spec
from .main import PROOF_TORCH, version_of

Observe = Callable[..., Dict[str, Any]]

JOBS = {"proof": ".proof", "numeric": ".numeric", "contracts": ".contracts"}  # job -> module with `observe(case, ...)`
_NEEDS_DISPATCH_MODE = frozenset(("proof",))
_observers: dict[str, Observe] = {}


def preload() -> None:
    """Import the modules of all jobs, once and before any code of the project can change what they import."""
    for job, module in JOBS.items():
        if importlib.util.find_spec(module, __package__) is None:
            continue
        if job not in _NEEDS_DISPATCH_MODE or version_of(torch) >= PROOF_TORCH:
            _observers[job] = importlib.import_module(module, __package__).observe
    if "proof" in _observers and importlib.util.find_spec("torch._dynamo") is not None:
        # The first call of a dispatch mode imports it: seconds, which each process that is forked would pay again.
        importlib.import_module("torch._dynamo")


def perform(request: dict[str, Any], root: str) -> dict[str, Any]:
    """Do the job ``request`` in the tree at ``root``: an observation, or the names of cases.

    Raises:
        Exception: whatever the project's code raises; see `failures.describe`.
    """
    job = request["job"]
    if job == "list":
        return {"names": spec.list_cases(request["listed"], root)}
    if job not in _observers:
        raise UnsupportedError(f"job `{job}` needs torch >= 2.0; this is torch {torch.__version__}")
    observe = _observers[job]
    keywords = {name: value for name, value in request.items() if name not in ("job", "case", "watch")}
    if "root" in inspect.signature(observe).parameters:
        keywords["root"] = root
    return observe(spec.load(request["case"], root), **keywords)
