"""A result of the verifier with one of everything, for the golden tests of the reports."""

from __future__ import annotations

from modfix.api import Applicability, Finding, Fix, Location, Span
from modfix.model.verdict import (
    Check,
    Divergence,
    Environment,
    FixVerdict,
    Modulo,
    Outcome,
    Place,
    Verdict,
    VerifyResult,
)


def _fix(subject: str, line: int, codemod: str = "identity") -> Finding:
    fix = Fix(f"store `nn.Identity()` in `{subject}`", (), Applicability.SAFE)
    return Finding(
        codemod, Location("models/net.py", line, 5), Span(line, line), subject, f"`{subject}` is `None`", fix
    )


RNG_ORDER = Modulo("rng-order", "the same random numbers go to other places", "reset-parameters")
KEYS = Modulo("keys-added", "`layers.0.weight`", "--allow")
DIVERGENCE = Divergence(
    "float32*1/train/output:",
    Place("aten.relu", "blocks.0.act", "models/net.py", 4),
    Place("aten.threshold_backward", "blocks.0", "models/net.py", 5, "HardtanhBackward0"),
)
VERDICTS = (
    Verdict(
        "net",
        Outcome.PROVED,
        rung="fake",
        checks=(Check("outputs", Outcome.PROVED, "3 the same"),),
        modulo=(RNG_ORDER,),
        listed=("new child without state: `norm` (Identity)",),
        operators=412,
    ),
    Verdict(
        "models.net:Net('a|b', `c`)",
        Outcome.IDENTICAL,
        rung="numeric",
        checks=(Check("outputs", Outcome.IDENTICAL, "12 the same"), Check("errors", Outcome.IDENTICAL, "1 the same")),
        modulo=(KEYS,),
        operators=7,
    ),
    Verdict("small", Outcome.CLOSE, "2 numbers differ within the error that float32 has anyway", "numeric"),
    Verdict(
        "old", Outcome.UNVERIFIED, "before fails: constructor: TypeError: no\nsuch argument (models/net.py:3)", "real"
    ),
    Verdict(
        "wrong",
        Outcome.DIFFERENT,
        "outputs differ, first `float32*1/train/output:`",
        "numeric",
        (Check("outputs", Outcome.DIFFERENT, "`float32*1/train/output:` of 3"), Check("errors", Outcome.IDENTICAL)),
        divergence=DIVERGENCE,
    ),
)
FIXES = (
    FixVerdict(_fix("Net.norm", 3), Outcome.PROVED, cases=("net",), modulo=(RNG_ORDER,)),
    FixVerdict(_fix("Net.drop", 4), Outcome.IDENTICAL, cases=("net", "small")),
    FixVerdict(_fix("Net.act", 5), Outcome.DIFFERENT, "outputs differ", cases=("wrong",), divergence=DIVERGENCE),
    FixVerdict(
        _fix("Head", 9, "change"),
        Outcome.UNVERIFIED,
        "not executed",
        not_executed=("after:models/net.py:9", "after:models/net.py:11", "before:models/net.py:9"),
    ),
)
RESULT = VerifyResult(
    VERDICTS, FIXES, Environment("3.11.7", "2.13.0", "cuda", 1, "7"), "modfix verify --model \"m:Net('a')\""
)
BEFORE = "import torch\n\n\nx = torch.relu(x)\nreturn x\n"
AFTER = "import torch\n\n\ndef f(x):\n\tx = x.clamp(0, 6)\n"
