"""Imports that a run leaves without a use: which of them go, and what becomes of that in a divided patch."""

from __future__ import annotations

import ast
from itertools import combinations
from pathlib import Path

import pytest

from codemods.functional import Functional
from codemods.identity import Identity
from modfix.engine.run import apply
from modfix.engine.unused_imports import without_import
from modfix.model.result import ApplyResult
from modfix.patch.diff import make_patch
from modfix.patch.hunks import read
from modfix.patch.select import keep
from modfix.patch.write import patch_bytes
from modfix.source.tree import MemoryTree
from tests.patch.helpers import before_files, git_apply

F = "import torch.nn.functional as F\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"import torch\n{F}import os\n", "import torch\nimport os\n"),
        (f"{F}x = 1\n", "x = 1\n"),
        (f"import os\n\n{F}\nx = 1\n", "import os\n\nx = 1\n"),
        (f"import os\r\n{F[:-1]}\r\nx = 1\r\n", "import os\r\nx = 1\r\n"),
        ("import os, torch.nn.functional as F\n", "import os\n"),
        ("import torch.nn.functional as F, os\n", "import os\n"),
        ("from torch.nn import functional as F, init\n", "from torch.nn import init\n"),
        ("from torch.nn import init, functional as F\n", "from torch.nn import init\n"),
        ("from torch.nn import (\n    functional as F,\n    init,\n)\n", "from torch.nn import (\n    init,\n)\n"),
        ("from torch.nn import (\n    init,\n    functional as F,\n)\n", "from torch.nn import (\n    init,\n)\n"),
        (f"{F}{F}x = 1\n", "x = 1\n"),
        (f'"""About F."""\n{F}', '"""About F."""\n'),
        (
            f"{F}class A:\n    def f(self):\n        return self.F\n",
            "class A:\n    def f(self):\n        return self.F\n",
        ),
        (f"{F}# F.relu(x)\nx = 1\n", "# F.relu(x)\nx = 1\n"),
        (f"{F}x.eval()\n", "x.eval()\n"),
    ],
)
def test_an_unused_import_goes(before: str, after: str) -> None:
    assert without_import(before, "F") == after


@pytest.mark.parametrize(
    "text",
    [
        f"{F}x = F.relu(1)\n",
        f"{F}def f(x=F.relu):\n    return x\n",
        f"{F}def f():\n    global F\n",
        f"{F}F = None\n",
        f"{F}__all__ = ['F']\n",
        f"{F}def f(x: 'F.Tensor'):\n    return x\n",
        f"{F}def f(x):\n    # type: (F.Tensor) -> int\n    return x\n",
        f'{F}def f(x):\n    """Do it.\n\n    >>> F.relu(x)\n    """\n',
        f"{F}y = eval(name)\n",
        f"{F}y = globals()[name]\n",
        f"{F}__all__ = [n for n in dir() if n[0] != '_']\n",
        "import torch.nn.functional as F  # noqa\n",
        "from torch.nn import (\n    init,  # weights\n    functional as F,\n)\n",
        f"if fast:\n    {F}",
        f"try:\n    {F}except ImportError:\n    F = None\n",
        f"def f():\n    {F}",
        f"import os; {F}",
        f"{F}def f():\n    {F}",
        "from torch.nn import functional as functional\n",
        "import os\n",
        f"{F}x = f'{{F.relu}}'\n",
    ],
)
def test_an_import_that_may_have_a_use_or_a_reason_stays(text: str) -> None:
    assert without_import(text, "functional" if "as functional" in text else "F") is None


NET = """

class {name}(nn.Module):
    def __init__(self, skip=None):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.skip = skip

    def forward(self, x):
        return {value}
"""
HEAD = f"import torch.nn as nn\n{F}"
RELU = "F.relu(self.fc(x))"
SOFTMAX = "F.softmax(self.fc(x), dim=1)"


def nets(*values: str, head: str = HEAD) -> str:
    return head + "".join(NET.format(name=f"Net{i}", value=value) for i, value in enumerate(values))


def migrated(files: dict[str, str], result: ApplyResult) -> dict[str, str]:
    return {**files, **{change.path: change.after for change in result.changes}}


@pytest.mark.parametrize(
    ("others", "goes"),
    [
        ({}, True),
        ({"b.py": "from a import Net0\n"}, True),
        ({"b.py": HEAD + "x = F.relu(1)\n"}, True),
        ({"b.py": "from other import F\n"}, True),
        ({"b.py": "from torch.nn import *\n"}, True),
        ({"b.py": "from a import F\n"}, False),
        ({"b.py": "def f():\n    from a import F\n"}, False),
        ({"b.py": "from .a import F as G\n"}, False),
        ({"b.py": "from a import *\n"}, False),
        ({"b.py": "try:\n    from .a import *\nexcept ImportError:\n    pass\n"}, False),
        ({"b.py": "import a\nx = a.F.relu(1)\n"}, False),
    ],
)
def test_an_import_that_another_file_takes_stays(others: dict[str, str], goes: bool) -> None:
    files = {"a.py": nets(RELU), **others}
    result = apply(MemoryTree(files), [Functional()])
    assert len(result.applied) == 1
    assert (F not in migrated(files, result)["a.py"]) is goes


def test_the_import_of_a_package_stays() -> None:
    files = {"pkg/__init__.py": nets(RELU)}
    result = apply(MemoryTree(files), [Functional()])
    assert F in migrated(files, result)["pkg/__init__.py"]


def test_an_import_without_a_use_before_the_run_stays() -> None:
    files = {"a.py": nets("torch.relu(self.fc(x))", head=f"import torch\n{HEAD}")}
    result = apply(MemoryTree(files), [Functional()])
    after = migrated(files, result)["a.py"]
    assert "import torch\n" not in after
    assert F in after


def test_the_import_stays_where_a_fix_is_declined() -> None:
    files = {"a.py": nets(RELU, RELU)}
    result = apply(MemoryTree(files), [Functional()], accept=lambda finding: finding.subject.startswith("Net0"))
    assert F in migrated(files, result)["a.py"]


def test_what_is_reported_at_last_fits_the_shorter_file() -> None:
    files = {"a.py": nets(RELU, SOFTMAX.replace("F.softmax", "nn.functional.dropout").replace("dim=1", "0.5"))}
    result = apply(MemoryTree(files), [Functional()])
    after = migrated(files, result)["a.py"]
    assert F not in after
    (refused,) = result.final.refusals
    assert "functional.dropout" in after.split("\n")[refused.location.line - 1]


def test_in_a_divided_patch_the_import_goes_with_the_last_use(tmp_path: Path) -> None:
    files = {"a.py": nets(RELU, RELU, "self.fc(x)")}
    result = apply(MemoryTree(files), [Functional()])
    patch = make_patch(result.changes, {finding.fingerprint: finding for finding in result.applied})
    assert not patch.ties
    for number, chosen in enumerate([(0,), (1,), (0, 1)]):
        part = keep(patch, {result.applied[index].fingerprint for index in chosen})
        assert read(patch_bytes(part)).patch == part
        after = git_apply(tmp_path / str(number), before_files(*result.changes), patch_bytes(part))["a.py"].decode()
        ast.parse(after)
        assert after.count("F.relu") == 2 - len(chosen)
        assert (F in after) is (len(chosen) < 2)


BRANCHES = """x

    def act(self, x):
        if self.skip is not None:
            x = self.skip(F.relu(x))
        else:
            x = F.relu(x)
        return x"""


def test_every_selection_of_fixes_has_the_import_that_it_uses(tmp_path: Path) -> None:
    """Also where a fix of another codemod removed a use."""
    files = {"a.py": nets(RELU, BRANCHES, RELU)}
    result = apply(MemoryTree(files), [Identity(), Functional()])
    assert {finding.codemod for finding in result.applied} == {"identity", "functional"}
    patch = make_patch(result.changes, {finding.fingerprint: finding for finding in result.applied})
    everything = [finding.fingerprint for finding in result.applied]
    seen = set()
    for count in range(1, len(everything) + 1):
        for chosen in map(set, combinations(everything, count)):
            if any(chosen & tie and not tie <= chosen for tie in patch.ties):
                continue
            folder = tmp_path / "-".join(sorted(chosen))
            after = git_apply(folder, before_files(*result.changes), patch_bytes(keep(patch, chosen)))["a.py"].decode()
            assert F in after or "F." not in after
            seen.add(F in after)
    assert seen == {True, False}
