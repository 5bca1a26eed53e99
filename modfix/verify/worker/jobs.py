"""Jobs: what can be asked of a tree."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from typing import Any, Callable, Dict

import torch

from . import Case, UnsupportedError, isolate, spec
from .main import PROOF_TORCH, version_of

Job = Callable[..., Dict[str, Any]]

# Job -> module and function. It gets the case if its first parameter is `case`, and the rest of the request by keyword.
JOBS = {
    "proof": (".proof", "observe"),
    "numeric": (".numeric", "observe"),
    "contracts": (".contracts", "observe"),
    "load-strictly": (".contracts", "load_strictly"),
    "save": (".kept", "save_state"),
    "close": (".kept", "compare_kept"),
    "tests": (".pytest_plugin", "observe"),
    "script": (".script", "observe"),
}
_NEED_DISPATCH_MODE = frozenset(("proof", "tests", "script"))
_jobs: dict[str, Job] = {}


def preload() -> None:
    """Import the modules of all jobs, once and before any code of the project can change what they import."""
    for job, (module, function) in JOBS.items():
        if importlib.util.find_spec(module, __package__) is None:
            continue
        if job not in _NEED_DISPATCH_MODE or version_of(torch) >= PROOF_TORCH:
            _jobs[job] = getattr(importlib.import_module(module, __package__), function)
    if "proof" in _jobs:
        _warm_up()


def _warm_up() -> None:
    """Prove something small, for torch imports 800 modules on first use: 2.5 s that not every fork should take.

    Nothing requires a gradient: where there is a GPU, a backward pass starts threads, after which no fork can have one.
    """

    def build() -> torch.nn.Module:
        layers = (torch.nn.Linear(4, 2), torch.nn.BatchNorm1d(2), torch.nn.ReLU(), torch.nn.Dropout())
        return torch.nn.Sequential(torch.nn.Embedding(2, 4), *layers, torch.nn.LayerNorm(2)).requires_grad_(False)

    case = Case("warm-up", build, lambda: ((torch.ones(2, dtype=torch.int64),), {}))
    for rung in ("meta", "fake", "real"):
        _jobs["proof"](case, rung=rung)


def perform(request: dict[str, Any], root: str) -> dict[str, Any]:
    """Do the job ``request`` in the tree at ``root``: an observation, or the names of cases.

    Raises:
        Exception: whatever the project's code raises; see `failures.describe`.
    """
    job = request["job"]
    if job == "list":
        return {"names": spec.list_cases(request["listed"], root)}
    if job not in _jobs:
        needs = "needs torch >= 2.0" if job in _NEED_DISPATCH_MODE else "is unknown"
        raise UnsupportedError(f"job `{job}` {needs}; this is torch {torch.__version__}")
    function = _jobs[job]
    parameters = inspect.signature(function).parameters
    keywords = {name: value for name, value in request.items() if name not in ("job", "case", "watch", "seed")}
    offered = {"root": root, "seed": request.get("seed", 0), "watch": request.get("watch") or {}}
    keywords.update((name, value) for name, value in offered.items() if name in parameters)
    if next(iter(parameters)) != "case":
        return function(**keywords)
    answer = function(spec.load(request["case"], root), **keywords)
    _check_refusals(answer)
    return answer


def _check_refusals(answer: dict[str, Any]) -> None:
    """An error that an observer noted is no property of the model if it asked for the network or for input before."""
    errors = [value for key, value in answer.get("items", {}).items() if key.endswith("/error")]
    if errors and isolate.blocked:
        raise isolate.refusal(isolate.blocked[0], str(errors[0]))
