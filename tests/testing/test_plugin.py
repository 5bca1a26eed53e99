from __future__ import annotations

import subprocess
import sys

import pytest

from modfix.testing import behaviour, collect

pytest_plugins = ["pytester"]

MODULE = """\
import torch
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        return x * {factor}

def cases():
    return [("net", Net, lambda: (torch.ones(2),))]
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A third-party project with one case that keeps its behaviour and one that does not; the codemod is not run."""
    monkeypatch.setattr(collect, "run_case", lambda case: None)
    pytester.makeini("[pytest]\ntestpaths = fixtures\nmodfix_fixtures = fixtures\n")
    for case, factor in (("good", 2), ("wrong", 3)):
        folder = pytester.path / "fixtures" / "toy" / case
        folder.mkdir(parents=True)
        (folder / "before.py").write_text(MODULE.format(factor=2))
        (folder / "after.py").write_text(MODULE.format(factor=factor))
    zoo = pytester.path / "fixtures" / "zoo"
    zoo.mkdir()
    (zoo / "test_zoo.py").write_text("def test_zoo(): pass\n")
    return pytester


def test_cases_are_collected_by_folder(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("--collect-only", "-q")
    result.stdout.fnmatch_lines(["fixtures/toy/good::rewrite", "fixtures/toy/good::behaviour", "fixtures/toy/wrong::*"])
    result.stdout.fnmatch_lines(["fixtures/zoo/test_zoo.py::test_zoo"])


def test_behaviour_is_compared(project: pytest.Pytester) -> None:
    pytest.importorskip("torch")
    result = project.runpytest_inprocess("fixtures/toy")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*net/eval/output: torch.float32* before, torch.float32* after"])


def test_one_case_can_be_named(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("fixtures/toy/good", "-k", "rewrite")
    result.assert_outcomes(passed=1, deselected=1)


def test_without_torch_the_behaviour_is_skipped(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behaviour, "unavailable", lambda: "torch is not installed")
    result = project.runpytest_inprocess("-rs", "fixtures/toy")
    result.assert_outcomes(passed=2, skipped=2)
    result.stdout.fnmatch_lines(["*torch is not installed*"])


def test_a_failed_check_shows_its_message_only(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(case: object) -> None:
        raise AssertionError("model.py is not what was expected:\n-a\n+b")

    monkeypatch.setattr(collect, "run_case", fail)
    result = project.runpytest_inprocess("fixtures/toy/good", "-k", "rewrite")
    result.stdout.fnmatch_lines(["model.py is not what was expected:", "-a", "+b"])
    result.stdout.no_fnmatch_line("*run_case*")


def test_the_plugin_imports_no_engine() -> None:
    program = "import modfix.testing.plugin, sys; print(*[m for m in sys.modules if m.startswith('modfix')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {name for name in done.stdout.split() if name.split(".")[1:2] not in ([], ["testing"])}
