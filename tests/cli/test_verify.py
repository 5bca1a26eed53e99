"""`modfix verify` and `modfix apply --verify`, on a verifier that is told what to find and, at the end, on the real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from modfix.api import Applicability, Finding, Fix, Location, Span
from modfix.cli.verification import declared
from modfix.cli.verify import change_between
from modfix.engine.registry import load
from modfix.model.verdict import Divergence, Environment, Outcome, Place, Verdict, VerifyResult
from modfix.verify import session
from modfix.verify.attribution import CaseResult, Change, judge
from modfix.verify.plan import CaseSpec
from modfix.verify.session import Settings
from modfix.verify.trees import Tree
from modfix.verify.verdicts import ALLOWANCES
from tests.cli.conftest import Marker, Modfix, Other, commit

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        kept = None  # safe
        wrong = None  # safe
        x = self.fc(x)
        return x * 2 if wrong is None else x * 3


class Unused(nn.Module):
    def forward(self, x):
        idle = None  # safe
        return x
"""
MODEL = ("--model", "net:Net", "--input", "randn(2, 3)", "--device", "cpu")


class FakeSession:
    """Says of every case what `outcome` is, and that every watched line ran."""

    outcome = Outcome.PROVED
    seen: list[Settings]
    progress = None

    def __init__(self, settings: Settings, progress: object = None) -> None:
        self.settings = settings
        self.seen.append(settings)
        self.environment = Environment("3.11", "2.13", settings.device)

    def __enter__(self) -> FakeSession:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def revision(self, repository: Path, revision: str) -> Tree:
        before = repository.parent / "before"
        before.mkdir(exist_ok=True)
        (before / "net.py").write_text(NET)
        return Tree(before, revision)

    def folder(self, folder: Path, overlay: Mapping[str, bytes] | None = None) -> Tree:
        return Tree(folder, str(folder))

    def forget(self, tree: Tree) -> None:
        pass

    def compare(self, before: Tree, after: Tree, change: Change, **_: object) -> tuple[list[CaseResult], VerifyResult]:
        verdict = Verdict("", self.outcome, "" if self.outcome.passed else "why")
        lines = [
            {path: frozenset(lines) for path, lines in change.watched(side).items()} for side in ("before", "after")
        ]
        cases = [CaseResult(replace(verdict, case=case.name or case.listed), *lines) for case in self.settings.cases]
        return cases, VerifyResult(tuple(case.verdict for case in cases), judge(change, cases), self.environment)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "net.py").write_text(NET)
    commit(root)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeSession]:
    monkeypatch.setattr(session, "Session", FakeSession)
    monkeypatch.setattr(FakeSession, "outcome", Outcome.PROVED)
    FakeSession.seen = []
    return FakeSession


@pytest.mark.parametrize(
    ("outcome", "options", "code"),
    [
        (Outcome.PROVED, (), 0),
        (Outcome.IDENTICAL, (), 0),
        (Outcome.CLOSE, (), 1),
        (Outcome.CLOSE, ("--allow-close",), 0),
        (Outcome.CLOSE, ("--allow-unverified",), 1),
        (Outcome.CLOSE, ("--exit-zero",), 0),
        (Outcome.UNVERIFIED, (), 1),
        (Outcome.UNVERIFIED, ("--allow-unverified",), 0),
        (Outcome.DIFFERENT, (), 3),
        (Outcome.DIFFERENT, ("--allow-unverified", "--allow-close", "--exit-zero"), 3),
    ],
)
def test_exit_codes(  # parameters and fixtures
    fake: type[FakeSession], repository: Path, modfix: Modfix, outcome: Outcome, options: tuple[str, ...], code: int
) -> None:
    fake.outcome = outcome
    assert modfix("verify", *MODEL, *options).code == code


@pytest.mark.usefixtures("fake", "repository")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "nothing says what to run. Name a model and its inputs"),
        (("--input", "ones(1)"), "`--input` and `--kwarg` are inputs of the models that `--model` names; name one"),
        (("--model", "Net"), "model `Net` does not say in which module it is"),
        ((*MODEL, "--allow", "keys"), "there is no kind of difference `keys` to allow; there are keys-added, "),
        ((*MODEL, "no-such-folder"), "`no-such-folder` is no folder"),
    ],
)  # fmt: skip
def test_wrong_usage(modfix: Modfix, arguments: tuple[str, ...], complaint: str) -> None:
    outcome = modfix("verify", *arguments)
    assert outcome.code == 2
    assert complaint in outcome.err
    assert outcome.out == ""


def test_options_go_before_the_configuration(fake: type[FakeSession], repository: Path, modfix: Modfix) -> None:
    (repository / "pyproject.toml").write_text(
        """
        [tool.modfix.verify]
        models = [{model = "net:Net", inputs = ["ones(2, 3)"], name = "small"}]
        cases = "net:cases"
        tests = "tests/ -q"
        run = "python train.py"
        device = "cuda"
        allow = ["rng-order"]
        allow-close = true
        compilers = true
        time-limit = 7
        python = "env/bin/python"
        """
    )
    modfix("verify")
    modfix(
        "verify",
        *MODEL,
        "--allow",
        "keys-added, keys-lost",
        "--no-allow-close",
        "--no-compilers",
        "--time-limit",
        "3",
        "--python",
        "/usr/bin/python3",
    )
    small = CaseSpec("small", "net:Net", ("ones(2, 3)",))
    configured, given = fake.seen
    assert configured == Settings(
        (small, CaseSpec("", listed="net:cases")),
        repository / "env/bin/python",
        "cuda",
        frozenset({"rng-order"}),
        True,
        False,
        7,
        "tests/ -q",
        "python train.py",
        True,
    )
    assert given == Settings(
        (CaseSpec("net:Net", "net:Net", ("randn(2, 3)",)),),
        Path("/usr/bin/python3"),
        "cpu",
        frozenset({"keys-added", "keys-lost"}),
        False,
        False,
        3,
    )


def test_tests_and_scripts_go_before_the_configuration_too(
    fake: type[FakeSession], repository: Path, modfix: Modfix
) -> None:
    (repository / "pyproject.toml").write_text("[tool.modfix.verify]\ncases = 'net:cases'\ntests = 'tests/'\n")
    modfix("verify", "--run", "python train.py --epochs 1")
    modfix("verify", "--tests", "tests/ -q", *MODEL)
    one, two = fake.seen
    assert (one.cases, one.tests, one.run) == ((), "", "python train.py --epochs 1")
    assert ([case.name for case in two.cases], two.tests, two.run) == (["net:Net"], "tests/ -q", "")


@pytest.mark.usefixtures("fake")
def test_formats(repository: Path, modfix: Modfix) -> None:
    (repository / "net.py").write_text(NET.replace("x * 3", "x * 4"))
    text, json_, markdown = (modfix("verify", *MODEL, "--output-format", name) for name in ("text", "json", "markdown"))
    assert text.out.startswith("verdict  fix")
    assert "PROVED   change net.py:14 Net" in text.out
    assert json.loads(json_.out)["fixes"][0]["finding"]["subject"] == "Net"
    assert markdown.out.startswith("## modfix verify\n")
    for outcome in (text, json_, markdown):
        assert "Verified 1 fix: 1 PROVED." in outcome.err
        assert f"Compared HEAD with {repository}." in outcome.err


@pytest.mark.usefixtures("fake")
def test_apply_writes_what_passed(repository: Path, modfix: Modfix) -> None:
    outcome = modfix("apply", "--verify", *MODEL)
    assert outcome.code == 0
    assert (repository / "net.py").read_text().count("= 1") == 3
    assert "PROVED   marker net.py:11 Net.kept" in outcome.err


def test_apply_writes_nothing_that_did_not_pass(fake: type[FakeSession], repository: Path, modfix: Modfix) -> None:
    fake.outcome = Outcome.UNVERIFIED
    outcome = modfix("apply", "--verify", *MODEL)
    assert outcome.code == 1
    assert (repository / "net.py").read_text() == NET
    assert "3 fixes were rolled back" in outcome.err
    assert "could not be fixed" not in outcome.err
    assert modfix("apply", "--verify", *MODEL, "--allow-unverified").code == 0
    assert (repository / "net.py").read_text() != NET


@pytest.mark.usefixtures("fake", "repository")
def test_verifying_needs_the_option_and_files(modfix: Modfix) -> None:
    assert "`--model` needs `--verify`" in modfix("apply", *MODEL).err
    outcome = modfix("apply", "--verify", *MODEL, "-", stdin=NET.encode())
    assert (outcome.code, "standard input" in outcome.err) == (2, True)


@pytest.mark.usefixtures("fake", "repository")
def test_apply_reports_verdicts_in_markdown(modfix: Modfix) -> None:
    outcome = modfix("apply", "--verify", *MODEL, "--output-format", "markdown")
    assert outcome.out.startswith("## modfix verify\n\nVerified 3 fixes: 3 PROVED.\n")
    assert "it needs `--verify`" in modfix("apply", "--output-format", "markdown").err
    complaint = modfix("apply", "--verify", *MODEL, "--diff", "--output-format", "markdown").err
    assert "Markdown cannot go to stdout together with a patch" in complaint


def test_what_changed_between_two_trees(tmp_path: Path) -> None:
    versions = {
        "before": {"net.py": NET, "gone.py": "def f():\n    return 1\n", "same.py": "x = 1\n", "pkg/latin.py": b"# \xe9\nx = 1\n"},
        "after": {"net.py": NET.replace("* 2", "* 4"), "new/mod.py": "def g():\n    return 2\n", "same.py": "x = 1\n", "pkg/latin.py": "x = 2\n"},
    }  # fmt: skip
    for version, files in versions.items():
        for path, content in files.items():
            (tmp_path / version / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / version / path).write_bytes(content.encode() if isinstance(content, str) else content)
    made = change_between(Tree(tmp_path / "before", "1"), Tree(tmp_path / "after", "2"))
    assert {finding.subject for finding in made.fixes.values()} == {"Net", "f", "g", "pkg/latin.py"}
    assert made.watched("before") == {"gone.py": [1, 2], "net.py": [14]}
    assert made.watched("after") == {"net.py": [14], "new/mod.py": [1, 2], "pkg/latin.py": [1]}


def test_codemods_declare_kinds_that_exist() -> None:
    registered = load().codemods.values()
    assert all(set(codemod.declares) <= ALLOWANCES.keys() for codemod in registered)


def test_what_an_applied_codemod_declares_counts() -> None:
    class Registering(Marker):
        declares = ("keys-added", "modules-registered")

    class Late(Other):
        declares = ("keys-added", "rng-order")

    finding = Finding("marker", Location("m.py", 1, 1), Span(0, 1), "Net.a", "m", Fix("t", (), Applicability.SAFE))
    codemods = [Registering(), Late()]
    assert declared(codemods, [finding]) == {"keys-added": "marker", "modules-registered": "marker"}
    assert declared(codemods, [finding, replace(finding, codemod="other")]) == {
        "keys-added": "marker", "modules-registered": "marker", "rng-order": "other"
    }  # fmt: skip
    assert declared(codemods, []) == {}


def test_the_real_verifier_rolls_back_the_guilty_fix(repository: Path, modfix: Modfix) -> None:
    pytest.importorskip("torch")
    outcome = modfix("apply", "--verify", *MODEL, "--output-format", "json")
    assert outcome.code == 3
    after = (repository / "net.py").read_text()
    assert after == NET.replace("kept = None", "kept = 1")
    report = json.loads(outcome.out)
    verdicts = {fix["finding"]["subject"]: fix for fix in report["verification"]["fixes"]}
    assert {name: fix["outcome"] for name, fix in verdicts.items()} == {
        "Net.kept": "proved", "Net.wrong": "different", "Net.idle": "unverified"
    }  # fmt: skip
    assert verdicts["Net.idle"]["reason"] == "not executed"
    assert [change["subject"] for change in report["applied"]] == ["Net.kept"]
    assert len(report["rolled_back"]) == 2


def test_the_real_verifier_says_where_two_versions_part(repository: Path, modfix: Modfix) -> None:
    pytest.importorskip("torch")
    (repository / "net.py").write_text(NET.replace("x * 2", "x + 2"))
    outcome = modfix("verify", *MODEL, "--explain-diff")
    assert outcome.code == 3
    assert "DIFFERENT  change net.py:14 Net" in outcome.out
    assert "first difference before: `aten.mul` at net.py:14" in outcome.out
    assert "> 14 |         return x + 2 if wrong is None else x * 3" in outcome.out
    assert sorted(path.name for path in repository.iterdir()) == [".git", "net.py"]
    assert str(Divergence("x", Place("aten.mul")).before) == "`aten.mul`"


@pytest.mark.usefixtures("fake", "repository")
def test_self_test_of_a_verifier_that_proves_everything(modfix: Modfix) -> None:
    done = modfix("verify", "--self-test", "--device", "cpu")
    assert done.code == 2
    assert "right  nothing changed\n" in done.out
    assert "wrong  relu6 for relu: has to be different, but is proved\n" in done.out
    assert "cannot be relied on" in done.err
