from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from modfix.model.verdict import Outcome
from modfix.verify.attribution import CaseResult
from modfix.verify.lockstep import LockStepError, Watch, verify_script, verify_tests
from modfix.verify.process import Workers

pytest.importorskip("torch")

FAST = "-q -p no:hypothesispytest"  # a plugin of ours that takes longer to import than all of this to run
MODEL = """\
import torch
import torch.nn.functional as F
from torch import nn

class Block(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return F.relu(self.linear(x))

class Unused(nn.Module):
    def forward(self, x):
        return x.abs()

def make(width):
    return nn.Sequential(Block(width), nn.Dropout(), Block(width))
"""
TESTS = """\
import os, time
import pytest
import torch
from pkg.model import Block, make

@pytest.fixture(scope="module")
def shared():
    return make(4)

@pytest.mark.parametrize("width", [2, 3])
def test_shape(width):
    assert make(width)(torch.randn(5, width)).shape == (5, width)

def test_backward(shared):
    shared(torch.randn(2, 4)).sum().backward()
    assert all(p.grad is not None for p in shared.parameters())

class TestClass:
    def test_method(self, shared):
        assert Block()(torch.ones(1, 4)).min() >= 0

def test_without_torch():
    assert 1 + 1 == 2

def test_failing():
    assert Block()(torch.ones(1, 4)).shape == (7,)

@pytest.mark.skip(reason="not today")
def test_skipped():
    pass
"""
HOSTILE = """\
import ctypes, os, sys, time
import torch
from pkg.model import Block

def test_before():
    Block()(torch.ones(1, 4))

def test_crash():
    ctypes.string_at(0)

def test_exit():
    os._exit(3)

def test_hang():
    time.sleep(600)

def test_recorder_only():
    from torch.utils._python_dispatch import _get_current_dispatch_mode
    assert _get_current_dispatch_mode() is None
    Block()(torch.ones(1, 4))

def test_unrecordable():
    from torch._higher_order_ops.cond import cond_op
    torch.utils._python_dispatch
    Block()(torch.ones(1, 4))

def test_after():
    Block()(torch.ones(1, 4))
"""
TRAIN = """\
import sys
import torch
from pkg.model import make

if __name__ == "__main__":
    model = make(4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(int(sys.argv[1])):
        optimizer.zero_grad()
        loss = model(torch.randn(3, 4)).pow(2).sum()
        loss.backward()
        optimizer.step()
    print("flood " * 1000)
    sys.exit(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
"""


class Pair:
    """Two versions, alike at first."""

    def __init__(self, folder: Path, workers: Workers) -> None:
        self.before, self.after = folder / "before", folder / "after"
        for name, source in (("pkg/model.py", MODEL), ("tests/test_model.py", TESTS), ("train.py", TRAIN)):
            path = self.before / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(source))
        (self.before / "tests" / "conftest.py").write_text("import pkg.model\n")
        shutil.copytree(self.before, self.after)
        self.workers = workers

    def change(self, old: str, new: str, path: str = "pkg/model.py") -> Pair:
        text = (self.after / path).read_text()
        assert old in text
        (self.after / path).write_text(text.replace(old, new))
        return self

    def tests(
        self, arguments: str = f"tests {FAST}", watch: Watch | None = None, time_limit_s: float = 60
    ) -> dict[str, CaseResult]:
        before, after = self.workers.open(self.before), self.workers.open(self.after)
        results = verify_tests(before, after, arguments, watch=watch, time_limit_s=time_limit_s)
        before.close()
        after.close()
        return {result.verdict.case.rpartition("::")[2]: result for result in results}

    def script(self, command: str, watch: Watch | None = None) -> CaseResult:
        before, after = self.workers.open(self.before), self.workers.open(self.after)
        result = verify_script(before, after, command, watch=watch)
        before.close()
        after.close()
        return result


@pytest.fixture
def pair(tmp_path: Path, plain_workers: Workers) -> Pair:
    return Pair(tmp_path, plain_workers)


def outcomes(results: dict[str, CaseResult]) -> dict[str, str]:
    return {name: result.verdict.outcome.value for name, result in results.items()}


RECORDED = ("test_shape[2]", "test_shape[3]", "test_backward", "test_method")


def test_the_same_twice_is_proved(pair: Pair) -> None:
    results = pair.tests()
    assert outcomes(results) == {
        **dict.fromkeys(RECORDED, "proved"),
        "test_without_torch": "unverified",
        "test_failing": "unverified",
        "test_skipped": "unverified",
    }
    assert results["test_without_torch"].verdict.reason == "vacuous: no operator ran in code of the project"
    assert results["test_failing"].verdict.reason.startswith("both sides fail: call: assert torch.Size([1, 4]) == (7,)")
    assert "the test is skipped: Skipped: not today" in results["test_skipped"].verdict.reason
    assert results["test_backward"].verdict.operators > 10
    assert not list(pair.before.rglob("__pycache__")) + list(pair.before.rglob(".pytest_cache"))


def test_a_rewrite_that_keeps_the_dataflow_is_proved(pair: Pair) -> None:
    pair.change("F.relu(self.linear(x))", "self.act(self.linear(x))")
    pair.change("self.linear = nn.Linear(width, width)", "self.linear = nn.Linear(width, width); self.act = nn.ReLU()")
    assert {outcomes(pair.tests())[name] for name in RECORDED} == {"proved"}


def test_code_that_moves_into_a_new_class_is_proved_and_listed(pair: Pair) -> None:
    pair.change(
        "class Block", "class Relu(nn.Module):\n    def forward(self, x):\n        return F.relu(x)\n\nclass Block"
    )
    pair.change("return F.relu(self.linear(x))", "return Relu()(self.linear(x))")
    verdict = pair.tests()["test_backward"].verdict
    assert verdict.outcome is Outcome.PROVED
    assert verdict.listed == ("`pkg.model.Relu` is called on one side only",)


@pytest.mark.parametrize(
    ("old", "new", "side", "operator", "text"),
    [
        ("F.relu(self.linear(x))", "F.relu6(self.linear(x))", "after", "aten.hardtanh", "F.relu("),
        ("F.relu(self.linear(x))", "self.linear(x)", "before", "aten.relu", "F.relu("),
        ("nn.Dropout()", "nn.Dropout(0.4)", "after", "aten.bernoulli", "shared(torch"),
        ("super().__init__()", "super().__init__(); torch.rand(1)", "after", "aten.rand", "super()"),
        ("F.relu(self.linear(x))", "F.relu(self.linear(x.detach()))", "before", "aten.t", "F.relu("),
    ],
)
def test_a_change_is_different_with_operator_and_line(  # a table
    pair: Pair, old: str, new: str, side: str, operator: str, text: str
) -> None:
    verdict = pair.change(old, new).tests(f"tests {FAST} -k backward")["test_backward"].verdict
    assert verdict.outcome is Outcome.DIFFERENT, verdict
    assert verdict.divergence is not None
    place = verdict.divergence.before if side == "before" else verdict.divergence.after
    assert place is not None
    assert operator in place.operator
    assert text in (pair.before / place.path).read_text().split("\n")[place.line - 1]


def test_a_test_that_fails_after_is_different(pair: Pair) -> None:
    pair.change("def make(width):", "def make(width):\n    raise ValueError('gone')")
    verdict = pair.tests()["test_backward"].verdict
    assert verdict.outcome is Outcome.DIFFERENT
    assert "ValueError: gone" in verdict.reason


def test_a_test_on_one_side_is_unverified(pair: Pair) -> None:
    pair.change("def test_backward", "def test_forward", "tests/test_model.py")
    results = pair.tests()
    assert results["test_backward"].verdict.reason == "it runs before only"
    assert results["test_forward"].verdict.reason == "it runs after only"
    assert results["test_forward"].verdict.outcome is Outcome.UNVERIFIED


def test_lines_that_ran_are_noted_for_each_test(pair: Pair) -> None:
    watch = Watch({"pkg/model.py": [2, 11, 15]}, {"pkg/model.py": [2, 11, 18]})
    results = pair.tests(watch=watch)
    assert results["test_method"].before == {"pkg/model.py": frozenset({2, 11})}
    assert results["test_method"].after == {"pkg/model.py": frozenset({2, 11})}
    assert results["test_backward"].after == {"pkg/model.py": frozenset({2, 11, 18})}
    assert results["test_without_torch"].before == {"pkg/model.py": frozenset({2})}


def test_tests_that_end_the_process_take_no_others_along(pair: Pair) -> None:
    for root in (pair.before, pair.after):
        (root / "tests" / "test_model.py").write_text(HOSTILE)
    results = pair.tests(f"tests {FAST}", time_limit_s=8)
    reasons = {name: result.verdict.reason for name, result in results.items()}
    proved = [name for name, result in results.items() if result.verdict.outcome is Outcome.PROVED]
    assert proved == ["test_before", "test_unrecordable", "test_after"]
    assert reasons["test_crash"].startswith("both sides fail: crash: the process was ended by signal 11")
    assert reasons["test_crash"].endswith("(tests/test_model.py:9)")
    assert reasons["test_exit"].startswith("both sides fail: exit: the code ended the process with exit status 3")
    assert reasons["test_hang"].startswith("both sides fail: timeout: it did not end within the time limit")
    assert reasons["test_recorder_only"].startswith(
        "ran without the recorder, and ended the same: fails under the recorder only"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nowhere", r"`pytest nowhere` collects no tests: pytest: ERROR: file or directory not found: nowhere"),
        ("--nonsense", r"collects no tests: pytest: .*unrecognized arguments: --nonsense|collects no tests: pytest:"),
        ("tests -k nothing", r"runs no tests \(exit status 5\)"),
        ("tests 'x", "cannot be read: no closing quotation"),
    ],
)
def test_without_tests_there_is_nothing_to_say(pair: Pair, arguments: str, message: str) -> None:
    with pytest.raises(LockStepError, match=message):
        pair.tests(arguments)


def test_an_import_that_fails_is_told(pair: Pair) -> None:
    for root in (pair.before, pair.after):
        (root / "tests" / "test_model.py").write_text("import not_there\n")
    with pytest.raises(LockStepError, match=r"collects no tests: tests/test_model\.py: .*No module named 'not_there'"):
        pair.tests()


# -- scripts -----------------------------------------------------------------------------------------------------------


def test_a_script_is_proved(pair: Pair) -> None:
    result = pair.script("python train.py 2", Watch({"train.py": [7, 14]}, {"train.py": [7]}))
    assert result.verdict.outcome is Outcome.PROVED, result
    assert result.verdict.operators > 50
    assert result.before == {"train.py": frozenset({7, 14})}


def test_a_module_is_run_as_one(pair: Pair) -> None:
    assert pair.script("python3 -m train 1").verdict.outcome is Outcome.PROVED


@pytest.mark.parametrize(
    ("old", "new", "path", "line"),
    [
        ("momentum=0.9", "momentum=0.8", "train.py", 12),
        ("lr=0.1", "lr=0.2", "train.py", 12),
        ("F.relu(", "F.gelu(", "pkg/model.py", 11),
    ],
)
def test_a_change_in_training_is_different(pair: Pair, old: str, new: str, path: str, line: int) -> None:
    verdict = pair.change(old, new, path).script("python train.py 3").verdict
    assert verdict.outcome is Outcome.DIFFERENT
    assert verdict.divergence is not None
    assert verdict.divergence.after is not None
    assert (verdict.divergence.after.path, verdict.divergence.after.line) == (path, line)


def test_gradients_that_add_up_are_different(pair: Pair) -> None:
    verdict = pair.change("optimizer.zero_grad()", "pass", "train.py").script("python train.py 3").verdict
    assert verdict.outcome is Outcome.DIFFERENT
    assert verdict.divergence is not None
    assert verdict.divergence.after is not None
    assert "AccumulateGrad" in verdict.divergence.after.node


def test_a_script_that_ends_with_an_error(pair: Pair) -> None:
    verdict = pair.script("train.py 1 3").verdict
    assert verdict.outcome is Outcome.UNVERIFIED
    assert "both sides fail: SystemExit: 3" in verdict.reason
    assert "No such file" in pair.script("nowhere.py").verdict.reason


@pytest.mark.parametrize("command", ["", "python", "python -c 1", "-m", "'"])
def test_a_command_that_is_none(pair: Pair, command: str) -> None:
    with pytest.raises(LockStepError):
        pair.script(command)
