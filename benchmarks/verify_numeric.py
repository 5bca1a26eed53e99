"""What numeric verification costs beside running both versions by hand: ``python -m benchmarks.verify_numeric``.

Both are measured in one process, one thread, in turns, in CPU seconds. By hand: build, forward and backward in eval
and in train mode with gradients for the inputs, three steps of SGD, once for each side. Target: at most 1.10 times that
over all models together, and at most 50 ms more for a model that costs nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

import torch

from benchmarks.models import MODELS, Model
from modfix.verify.worker import Case, numeric, settings

TARGET_RATIO = 1.10
TARGET_FIXED_S = 0.050
_SEED = 0


def by_hand(model: Model) -> None:
    """One side, as a person would run it."""
    settings.seed(_SEED)
    net = model.build()
    for training in (False, True):
        net.train(training)
        inputs = model.inputs()
        if inputs.is_floating_point():
            inputs.requires_grad_()
        net(inputs).sum().backward()
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    for _ in range(3):
        optimizer.zero_grad()
        net(model.inputs()).sum().backward()
        optimizer.step()


def verified(model: Model) -> None:
    """One side, as the verifier runs it."""
    observation = numeric.observe(Case("benchmark", model.build, lambda: ((model.inputs(),), {})))
    assert len(observation["items"]) > 20
    assert "vacuous" not in observation


def cpu_seconds(run: Callable[[Model], None], model: Model) -> float:
    """CPU time of both sides."""
    start = time.process_time()
    for _ in range(2):
        run(model)
    return time.process_time() - start


def measure(model: Model, rounds: int) -> tuple[float, float]:
    """The least times of by hand and verified, taken in turns after one unmeasured round."""
    by_hand(model)
    verified(model)
    times = [(cpu_seconds(by_hand, model), cpu_seconds(verified, model)) for _ in range(rounds)]
    return min(hand for hand, _ in times), min(ours for _, ours in times)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table and a line of JSON; 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    options = parser.parse_args(arguments)
    settings.pin(1)
    found = settings.describe(torch.device("cpu"))
    print(f"torch {found['torch']}, Python {found['python']}, {found['device']}, {found['threads']} thread")
    print("| model | by hand, CPU s | verified, CPU s | ratio | more, ms |\n|---|---|---|---|---|")
    rows = {}
    for name in options.models:
        hand, ours = rows[name] = measure(MODELS[name], options.rounds)
        print(f"| {name} | {hand:.3f} | {ours:.3f} | {ours / hand:.3f} | {(ours - hand) * 1000:.0f} |", flush=True)
    total = [sum(times) for times in zip(*rows.values(), strict=True)]
    ratio, fixed = total[1] / total[0], min(ours - hand for hand, ours in rows.values())
    print(f"all together {ratio:.3f} (target {TARGET_RATIO}), least cost of a case {fixed * 1000:.0f} ms")
    print(json.dumps({"ratio": ratio, "fixed_s": fixed, "models": rows}))
    return int(ratio > TARGET_RATIO or fixed > TARGET_FIXED_S)


if __name__ == "__main__":
    sys.exit(main())
