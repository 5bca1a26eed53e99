"""The engine with nothing faked: real facts, real rewriter, and a codemod that uses neither of `identity`'s facts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modfix.api import AddMethod, Codemod, EnsureImport, Finding, Fix, Location, ModuleClass, ProjectFile, Refusal
from modfix.engine.run import apply, check
from modfix.model.finding import Applicability
from modfix.source.tree import DiskTree, MemoryTree

LEGACY = """\
from torch.nn import Module  # keep this


class Block{n}(Module):
    # first
    def forward(self, x):
        return x  # last
"""
MIGRATED = """\
from torch.nn import Module  # keep this
from torch import nn


class Block{n}(Module):
    # first
    def forward(self, x):
        return x  # last

    def extra_repr(self):
        return "{n}"
"""


class ExtraRepr(Codemod):
    name = "extra-repr"
    summary = "every module describes itself"
    needles = (b"Module",)

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        if "extra_repr" in cls.facts.methods:
            return
        number = cls.qualname.removeprefix("Block")
        edits = (
            AddMethod(cls.path, cls.span, f'def extra_repr(self):\n    return "{number}"\n'),
            EnsureImport(cls.path, "torch", "nn"),
        )
        fix = Fix("add `extra_repr`", edits, Applicability.SAFE)
        yield Finding(self.name, cls.location, cls.span, cls.qualname, "has no `extra_repr`", fix)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_project_on_disk(tmp_path: Path, jobs: int) -> None:
    paths = tuple(f"m{n:02}.py" for n in range(70))
    for n, path in enumerate(paths):
        (tmp_path / path).write_text(LEGACY.format(n=n))
    (tmp_path / "old.py").write_text("print 'Module'\n")
    result = apply(DiskTree(tmp_path, (*paths, "old.py")), [ExtraRepr()], jobs=jobs)
    assert {change.path: change.after for change in result.changes} == {
        path: MIGRATED.format(n=n) for n, path in enumerate(paths)
    }
    assert [refused.path for refused in result.final.refused_files] == ["old.py"]
    assert (result.final.errors, result.final.findings) == ((), ())
    assert (tmp_path / paths[0]).read_text() == LEGACY.format(n=0), "nothing is written"


def test_two_classes_of_one_file_make_two_steps() -> None:
    text = LEGACY.format(n=1) + "\n\n" + LEGACY.format(n=2).partition("\n\n\n")[2]
    (change,) = apply(MemoryTree({"a.py": text}), [ExtraRepr()]).changes
    first, second = change.steps
    assert first.text.count("extra_repr") == 1
    assert second.text.count("extra_repr") == 2


def test_check_imports_neither_libcst_nor_torch() -> None:
    code = (
        "import sys; from modfix.engine.run import check; from modfix.engine.registry import load;"
        "from modfix.source.tree import MemoryTree;"
        "check(MemoryTree({'a.py': 'class A: pass'}), [kind() for kind in load().codemods.values()]);"
        "print([name for name in ('libcst', 'torch', 'rich', 'typer') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_suppressed_class_stays() -> None:
    text = LEGACY.format(n=1).replace("(Module):", "(Module):  # modfix: ignore[extra-repr]")
    result = check(MemoryTree({"a.py": text}), [ExtraRepr()])
    assert (result.findings, result.suppressed, result.unused_suppressions) == ((), 1, ())


class PublicRun(Codemod):
    """A codemod about whole files, with whatever classes are in them."""

    name = "public-run"
    summary = "no class defines `run`"

    def check_file(self, file: ProjectFile) -> Iterator[Finding]:
        for cls in file.facts.classes:
            for method in cls.methods.values():
                where = Location(file.path, method.line, 1)
                refusal = Refusal("public", "others may call it", where)
                yield Finding(self.name, where, method.span, cls.name, "is public", refusal=refusal)


SCRIPT = """\
import torch


class Silenced:  # modfix: ignore[public-run]
    def run(self, net):
        return net.inner


class Plain:
    def run(self, net):
        return net.outer


Plain().run(torch.load("net.pt").eval)
"""


def test_whole_files_and_the_suppressions_of_classes_in_them() -> None:
    result = check(MemoryTree({"script.py": SCRIPT.encode()}), [PublicRun()])
    assert [finding.subject for finding in result.findings] == ["Plain"]
    assert (result.suppressed, result.errors, result.unused_suppressions) == (1, (), ())


class Failing(PublicRun):
    def check_file(self, file: ProjectFile) -> Iterator[Finding]:
        raise LookupError(file.path)


def test_a_codemod_that_fails_on_a_file_is_reported() -> None:
    result = check(MemoryTree({"script.py": SCRIPT.encode()}), [Failing()])
    assert ["script.py" in error.message and "LookupError" in error.message for error in result.errors] == [True]
