"""Runs commands in this process, on a small engine whose findings are written in the source.

A line ``name = None  # safe`` is a finding with a safe fix, which replaces ``None`` by ``1``; likewise ``unsafe`` and
``display``; ``refused`` is one without a fix, ``stubborn`` one whose safe fix is not made, and ``bug`` an error of the
codemod. Engine and codemods have tests of their own; here only what the command line makes of them counts.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from modfix.api import Applicability, Codemod, Finding, Fix, Location, ModuleClass, Refusal, Span
from modfix.cli import app
from modfix.engine import registry, run
from modfix.engine.registry import BrokenCodemod, Registry
from modfix.model.result import ApplyResult, CheckResult, FileChange, InternalError, Step
from modfix.model.source import Refused, SourceFile
from modfix.source.tree import MemoryTree, Tree

_MARKED = re.compile(r"(?P<name>\w+) = None  # (?P<kind>\w+)")


@dataclass(frozen=True)
class MarkerOptions:
    """Options of the codemod below."""

    style: Literal["short", "long"] = "short"


class Marker(Codemod):
    """A codemod by name only: the fake engine does the work."""

    name = "marker"
    summary = "marked lines"
    Options = MarkerOptions

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        yield from ()


class Other(Codemod):
    """A second one, which finds nothing."""

    name = "other"
    summary = "nothing"

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        yield from ()


@dataclass
class FakeEngine:
    """Stands in for `modfix.engine.run` and keeps what it was called with."""

    arguments: dict[str, Any] = field(default_factory=dict)
    codemods: list[Codemod] = field(default_factory=list)
    interrupt: bool = False

    def check(self, tree: Tree, codemods: list[Codemod], **arguments: Any) -> CheckResult:
        self.arguments, self.codemods = arguments, list(codemods)
        if self.interrupt:
            raise KeyboardInterrupt
        findings: list[Finding] = []
        refused: list[Refused] = []
        errors: list[InternalError] = []
        paths = [path for path in tree.paths if arguments["scope"] is None or path in arguments["scope"]]
        for path in paths:
            source = tree.read(path)
            if isinstance(source, Refused):
                refused.append(source)
                continue
            for item in _inspect(source):
                (findings if isinstance(item, Finding) else errors).append(item)  # type: ignore[arg-type]  # one list each
        return CheckResult(tuple(findings), tuple(refused), tuple(errors), (), 0, len(paths) - len(refused))

    def apply(
        self,
        tree: Tree,
        codemods: list[Codemod],
        *,
        required: Applicability,
        accept: Callable[[Finding], bool] | None = None,
        **arguments: Any,
    ) -> ApplyResult:
        applied = [
            finding
            for finding in self.check(tree, codemods, **arguments).findings
            if finding.fix and finding.fix.applicability >= required and "stubborn" not in finding.fix.title
            if accept is None or accept(finding)
        ]
        changes = []
        after = {path: source.text for path in tree.paths if isinstance(source := tree.read(path), SourceFile)}
        for path in sorted({finding.location.path for finding in applied}):
            source = tree.read(path)
            assert isinstance(source, SourceFile)
            steps = []
            for finding in (finding for finding in applied if finding.location.path == path):
                name = finding.subject.partition(".")[2]
                after[path] = re.sub(rf"\b{name} = None", f"{name} = 1", after[path])
                steps.append(Step((finding.fingerprint,), after[path]))
            changes.append(FileChange(source, tuple(steps)))
        return ApplyResult(tuple(changes), tuple(applied), self.check(MemoryTree(after), codemods, **arguments))


def _inspect(source: SourceFile) -> Iterator[Finding | InternalError]:
    for match in _MARKED.finditer(source.text):
        line = source.text.count("\n", 0, match.start()) + 1
        column = match.start() - source.text.rfind("\n", 0, match.start())
        location, span = (
            Location(source.path, line, column),
            Span(match.start(), match.start() + len(match["name"]) + 7),
        )
        subject, kind = f"Net.{match['name']}", match["kind"]
        about = ("marker", location, span, subject, f"`{subject}` may be `None`")
        if kind == "bug":
            yield InternalError("output does not parse", "marker", source.path)
        elif kind == "refused":
            yield Finding(*about, refusal=Refusal("marked", "it says so", Location(source.path, 1, 1)))
        else:
            applicability = Applicability.SAFE if kind == "stubborn" else Applicability[kind.upper()]
            yield Finding(*about, fix=Fix(f"make it 1 ({kind})", (), applicability))


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


Modfix = Callable[..., Outcome]


@pytest.fixture
def broken() -> list[BrokenCodemod]:
    """Add broken codemods here."""
    return []


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: list[BrokenCodemod]) -> FakeEngine:
    fake = FakeEngine()
    monkeypatch.setattr(run, "check", fake.check)
    monkeypatch.setattr(run, "apply", fake.apply)
    monkeypatch.setattr(registry, "load", lambda: Registry({"marker": Marker, "other": Other}, tuple(broken)))
    monkeypatch.setenv("MODFIX_CACHE_DIR", str(tmp_path / "cache"))
    return fake


@pytest.fixture
def modfix(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Modfix:
    """Run a command line: ``modfix("check", "a.py", stdin=b"...")``."""

    def invoke(*arguments: str | Path, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as exit_:
            app([str(argument) for argument in arguments], prog_name="modfix")
        out, err = capsysbinary.readouterr()
        assert isinstance(exit_.value.code, int)
        return Outcome(exit_.value.code, out.decode(), err.decode())

    return invoke


@pytest.fixture(scope="session")
def committed_zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed repository with one file for each kind of finding. Not to be changed."""
    root = tmp_path_factory.mktemp("committed")
    (root / "models").mkdir()
    (root / "pyproject.toml").write_text("[project]\nname = 'zoo'\n")
    (root / "models" / "safe.py").write_text("class Net:\n    a = None  # safe\n    b = None  # safe\n")
    (root / "models" / "unsafe.py").write_text("class Net:\n    c = None  # unsafe\n")
    (root / "models" / "refused.py").write_text("class Net:\n    d = None  # refused\n")
    (root / "clean.py").write_text("class Clean:\n    pass\n")
    commit(root)
    return root


@pytest.fixture
def zoo(committed_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that repository, as the current folder."""
    root = tmp_path / "zoo"
    shutil.copytree(committed_zoo, root)
    monkeypatch.chdir(root)
    return root


def commit(root: Path) -> None:
    """Commit everything below ``root``."""
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "state")):
        subprocess.run(["git", *identity, *command], cwd=root, check=True)
