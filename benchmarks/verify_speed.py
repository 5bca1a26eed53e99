"""What a proof costs, in time and memory: ``python -m benchmarks.verify_speed [--output FOLDER]``.

Each model is proved on meta and fake tensors in a process of its own: one side, all five phases (forward and backward
in eval mode and twice in train mode, then forward in eval mode and of a second model). CPU seconds, one thread, after a
small proof that has torch import what it needs, as a worker does. Beside it, in the same process, what one real step
costs by hand, where the model is small enough. Targets: a ResNet-50 at most 1 s a mode, a decoder of the size of Llama
7B, on 2 x 2048 tokens in bfloat16, at most 5 s for a forward and a backward pass and less than 1 GB.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.models import MODELS, Decoder, Model, perceptron
from modfix.verify.worker import Case, proof, settings

_SEED = 0


class Target(NamedTuple):
    """Limits of a model; None where there is none."""

    phase_s: float | None = None  # of the slowest phase with forward and backward
    memory_mb: float | None = None


SUBJECTS = {**MODELS, "decoder_7b": Model(Decoder, lambda: torch.randint(32000, (2, 2048)))}
TARGETS = {"resnet50": Target(1.0), "decoder_7b": Target(5.0, 1000.0)}
_TOO_LARGE = ("decoder_7b",)  # for a real step


class Cost(NamedTuple):
    """What was measured of one model."""

    parameters: int
    operators: int
    total_s: float
    phase_s: float  # of the slowest phase with forward and backward
    memory_mb: float
    step_s: float | None  # forward and backward in eval and in train mode, by hand on real tensors


def _observe(model: Model) -> dict[str, object]:
    return proof.observe(Case("benchmark", model.build, lambda: ((model.inputs(),), {})), rung="meta", seed=_SEED)


def _by_hand(model: Model) -> float:
    net = model.build()
    start = time.process_time()
    for training in (False, True):
        net.train(training)
        net(model.inputs()).sum().backward()
    return time.process_time() - start


def measure(name: str, rounds: int) -> Cost:
    """The least time of some rounds, and the memory that they all took, of this process."""
    settings.pin(1)
    _observe(Model(perceptron, lambda: torch.randn(8, 32)))
    model = SUBJECTS[name]
    best: Cost | None = None
    for _ in range(rounds):
        phases = _PhaseClock()
        start = time.process_time()
        with phases:
            observation = _observe(model)
        total = time.process_time() - start
        assert "vacuous" not in observation
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        with torch.device("meta"):
            parameters = sum(parameter.numel() for parameter in model.build().parameters())
        operators = observation["operators"]
        assert isinstance(operators, int)
        cost = Cost(parameters, operators, total, phases.slowest_s, memory_mb, None)
        best = cost if best is None or cost.total_s < best.total_s else best
    assert best is not None
    return best if name in _TOO_LARGE else best._replace(step_s=_by_hand(model))


class _PhaseClock:
    """Takes the time of each phase of an observation, while entered."""

    def __init__(self) -> None:
        self._run = proof._Observer._phase
        self.slowest_s = 0.0

    def __enter__(self) -> None:
        run = self._run

        def timed(observer: object, phase: str, *rest: object) -> None:
            start = time.process_time()
            run(observer, phase, *rest)  # type: ignore[arg-type]  # as it was called
            self.slowest_s = max(self.slowest_s, time.process_time() - start)

        proof._Observer._phase = timed  # type: ignore[assignment, method-assign]

    def __exit__(self, *trouble: object) -> None:
        proof._Observer._phase = self._run  # type: ignore[method-assign]


def missed(costs: dict[str, Cost]) -> list[str]:
    """The targets that were not met, in words."""
    found = []
    for name, cost in costs.items():
        target = TARGETS.get(name, Target())
        if target.phase_s is not None and cost.phase_s > target.phase_s:
            found.append(f"{name}: {cost.phase_s:.2f} s a mode, target {target.phase_s} s")
        if target.memory_mb is not None and cost.memory_mb > target.memory_mb:
            found.append(f"{name}: {cost.memory_mb:.0f} MB, target {target.memory_mb:.0f} MB")
    return found


def table(costs: dict[str, Cost]) -> str:
    """Markdown."""
    load = os.getloadavg()[0]
    lines = [
        f"torch {torch.__version__}, Python {platform.python_version()}, CPU, 1 thread, load {load:.0f} on"
        f" {os.cpu_count()} cores",
        "",
        "| model | parameters | operators | proof, CPU s | slowest mode, CPU s | peak memory, MB |"
        " two real modes, CPU s | proof / real |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, cost in costs.items():
        real = ("-", "-") if cost.step_s is None else (f"{cost.step_s:.2f}", f"{cost.total_s / cost.step_s:.2f}")
        lines.append(
            f"| {name} | {cost.parameters / 1e6:.1f} M | {cost.operators} | {cost.total_s:.2f} | {cost.phase_s:.2f} |"
            f" {cost.memory_mb:.0f} | {real[0]} | {real[1]} |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table, and write it to a folder; 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--models", nargs="+", choices=list(SUBJECTS), default=list(SUBJECTS))
    parser.add_argument("--output", type=Path, help="folder for verify_speed.md and verify_speed.json")
    options = parser.parse_args(arguments)
    costs = {}
    for name in options.models:
        with multiprocessing.get_context("spawn").Pool(1) as pool:  # a process each: memory is that of one model
            costs[name] = pool.apply(measure, (name, options.rounds))
        trouble = missed(costs)
        text = table(costs) + "\n" + ("".join(f"missed: {line}\n" for line in trouble) or "all targets met\n")
        if options.output is not None:  # after each, for a busy machine may not get to the end
            options.output.mkdir(parents=True, exist_ok=True)
            (options.output / "verify_speed.md").write_text(text, encoding="utf-8")
            rows = {model: cost._asdict() for model, cost in costs.items()}
            (options.output / "verify_speed.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(text)
    return int(bool(trouble))


if __name__ == "__main__":
    sys.exit(main())
