"""The text report, character by character."""

from __future__ import annotations

import pytest

from modfix.api import Finding
from modfix.model.source import Refused
from modfix.report.text import Text, summary
from tests.report import samples

GOLDEN = {
    "safe": (
        samples.SAFE,
        """\
models/resnet.py:3:9: identity [safe] `BasicBlock.downsample` may be `None`
  |
3 |         self.downsample = downsample
  |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
""",
    ),
    "unsafe with a note, behind a tab": (
        samples.UNSAFE,
        """\
models/resnet.py:5:2: identity [unsafe] `BasicBlock.attn` may be `None`
  |
5 |     self.attn = None  # a tab
  |     ^^^^^^^^^^^^^^^^
  = the comment goes
""",
    ),
    "wide characters": (
        samples.DISPLAY,
        """\
models/resnet.py:6:9: identity [display] `BasicBlock.名前` may be `None`
  |
6 |         self.名前 = None
  |         ^^^^^^^^^^^^^^^^
""",
    ),
    "refused, blocked in the same file": (
        samples.REFUSED,
        """\
models/resnet.py:4:9: identity [refused: arithmetic-guard] `BasicBlock.norm` may be `None`: it is added
  |
4 |         self.norm = None
  |         ^^^^^^^^^^^^^^^^
 --> models/resnet.py:9:16
  |
9 |         return x + self.norm(x)
""",
    ),
    "refused, blocked in another file": (
        samples.ELSEWHERE,
        """\
models/resnet.py:4:9: identity [refused: outside-use] `BasicBlock.norm` may be `None`: it is added
  |
4 |         self.norm = None
  |         ^^^^^^^^^^^^^^^^
 --> train.py:1:1
  |
1 | net.norm = None
""",
    ),
}


@pytest.mark.parametrize(("finding", "expected"), GOLDEN.values(), ids=GOLDEN.keys())
def test_a_finding_reads_like_this(finding: Finding, expected: str) -> None:
    text = Text(samples.sources())
    assert "".join(f"{line}\n" for line in text.finding(finding)) == expected


def test_a_file_that_is_gone_costs_only_the_excerpt() -> None:
    text = Text(samples.Sources(lambda path: Refused(path, "vanished")))
    assert len(list(text.finding(samples.SAFE))) == 1


def test_colours_only_add_escapes() -> None:
    plain, coloured = Text(samples.sources()), Text(samples.sources(), colour=True)
    for finding in samples.RESULT.findings:
        lines = list(coloured.finding(finding))
        assert "\x1b[" in lines[0]
        assert [_without_escapes(line) for line in lines] == list(plain.finding(finding))


def test_source_cannot_command_the_terminal() -> None:
    tree = samples.MemoryTree({"models/resnet.py": "\n\n\x1b[2Jevil\x0cline\n"})
    lines = list(Text(samples.Sources(tree.read)).finding(samples.SAFE))
    assert "evil" in "".join(lines)
    assert not any(character in line for line in lines for character in "\x1b\x0c")


def test_paths_are_shown_as_the_caller_wants() -> None:
    text = Text(samples.sources(), shown_path=lambda path: f"repo/{path}")
    assert next(text.finding(samples.SAFE)).startswith("repo/models/resnet.py:3:9: ")
    assert text.refused_file(Refused("old.py", "Python 2")) == "repo/old.py: not read: Python 2"
    first, second = (text.internal_error(error) for error in samples.RESULT.errors)
    assert first == "modfix bug (codemod `identity`, repo/models/resnet.py): output does not parse"
    assert second == "modfix bug: cache is broken"


def test_the_summary_counts_each_kind() -> None:
    findings = samples.RESULT.findings
    assert summary(findings, 120) == (
        "Found 3 fixable findings (1 safe, 1 unsafe, 1 only shown) and 2 refused in 120 files."
    )
    assert summary([samples.SAFE], 1) == "Found 1 fixable finding (1 safe) in 1 file."
    assert summary([samples.REFUSED], 2) == "Found nothing to fix, and 1 refused, in 2 files."
    assert summary([], 0) == "Found nothing to migrate in 0 files."


def _without_escapes(line: str) -> str:
    import re

    return re.sub(r"\x1b\[\d+m", "", line)
