"""A small result with one of everything, for the golden tests of the reports."""

from __future__ import annotations

from modfix.api import Applicability, Finding, Fix, Location, Refusal, Span
from modfix.model.result import CheckResult, InternalError, UnusedSuppression
from modfix.model.source import Refused
from modfix.report.sources import Sources
from modfix.source.tree import MemoryTree

RESNET = """\
class BasicBlock(nn.Module):
    def __init__(self, downsample=None):
        self.downsample = downsample
        self.norm = None
\tself.attn = None  # a tab
        self.名前 = None

    def forward(self, x):
        return x + self.norm(x)
"""
TREE = MemoryTree({"models/resnet.py": RESNET, "train.py": "net.norm = None\n"})


def sources() -> Sources:
    return Sources(TREE.read)


def _at(code: str) -> tuple[Location, Span]:
    start = RESNET.index(code)
    line = RESNET.count("\n", 0, start) + 1
    column = start - (RESNET.rfind("\n", 0, start) + 1) + 1
    return Location("models/resnet.py", line, column), Span(start, start + len(code))


def found(code: str, subject: str, applicability: Applicability, note: str | None = None) -> Finding:
    fix = Fix("store `nn.Identity()` and drop 1 guard", (), applicability, note)
    return Finding("identity", *_at(code), subject, f"`{subject}` may be `None`", fix=fix)


def refused(code: str, subject: str, kind: str, blocker: Location | None) -> Finding:
    refusal = Refusal(kind, "it is added", blocker)
    return Finding("identity", *_at(code), subject, f"`{subject}` may be `None`", refusal=refusal)


SAFE = found("self.downsample = downsample", "BasicBlock.downsample", Applicability.SAFE)
UNSAFE = found("self.attn = None", "BasicBlock.attn", Applicability.UNSAFE, "the comment goes")
DISPLAY = found("self.名前 = None", "BasicBlock.名前", Applicability.DISPLAY)
REFUSED = refused("self.norm = None", "BasicBlock.norm", "arithmetic-guard", _at("x + self.norm(x)")[0])
ELSEWHERE = refused("self.norm = None", "BasicBlock.norm", "outside-use", Location("train.py", 1, 1))

RESULT = CheckResult(
    findings=(SAFE, REFUSED, ELSEWHERE, UNSAFE, DISPLAY),
    refused_files=(Refused("old.py", "Python 2: line 3"),),
    errors=(InternalError("output does not parse", "identity", "models/resnet.py"), InternalError("cache is broken")),
    unused_suppressions=(UnusedSuppression(Location("train.py", 1, 18), ("identity",)),),
    suppressed=2,
    files=3,
)
