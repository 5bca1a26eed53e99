"""The verifier put to the test, as it is installed here: pairs of versions whose verdict is known.

A verifier that cannot say DIFFERENT proves nothing. Each pair goes the way of a user's project, from two folders
through worker processes to a verdict; one that comes out otherwise shows that verdicts of this installation are worth
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from modfix.model.verdict import Outcome, Verdict
from modfix.verify.attribution import Change
from modfix.verify.plan import listed_cases
from modfix.verify.session import Session

_MODULE = "modfix_self_test"
CASES = (listed_cases(f"{_MODULE}:cases"),)

_BEFORE = """\
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 2)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        skip = x.mean(1, keepdim=True)
        out = F.relu(self.norm(self.conv(x))) + skip
        out = F.dropout(out, 0.2, self.training)
        self.calls += 1
        return self.fc(out.flatten(2).mean(2))


def cases():
    return [("net", Net, lambda: (torch.randn(2, 3, 4, 4),))]
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """One rewrite of the model above and what the verifier has to say about it."""

    name: str
    old: str
    new: str
    outcome: Outcome
    line: str = ""  # text of the line that has to be named
    check: str = ""  # the check that has to fail, where no operator differs

    @property
    def after(self) -> str:
        """The text of the version after."""
        assert _BEFORE.count(self.old) == 1, self.name
        return _BEFORE.replace(self.old, self.new)


PAIRS = (
    Pair("nothing changed", "from torch import nn\n", "from torch import nn\n\n", Outcome.PROVED),
    Pair("method for function", "F.relu(self.norm(self.conv(x)))", "self.norm(self.conv(x)).relu_()", Outcome.PROVED),
    Pair("relu6 for relu", "F.relu(", "F.relu6(", Outcome.DIFFERENT, "self.norm(self.conv(x))"),
    Pair("dropout always on", ", self.training)", ")", Outcome.DIFFERENT, "F.dropout("),
    Pair("detached branch", "x.mean(1, keepdim=True)", "x.detach().mean(1, keepdim=True)", Outcome.DIFFERENT),
    Pair("buffer not updated", "        self.calls += 1\n", "", Outcome.DIFFERENT, "self.calls += 1"),
    Pair("momentum", "nn.BatchNorm2d(4)", "nn.BatchNorm2d(4, momentum=0.2)", Outcome.DIFFERENT, "self.norm("),
    Pair(
        "random number more",
        "        self.calls += 1\n",
        "        self.calls += 1\n        torch.rand(1)\n",
        Outcome.DIFFERENT,
        "torch.rand(1)",
    ),
    Pair(
        "initial weights",
        "self.fc = nn.Linear(4, 2)",
        "self.fc = nn.Linear(4, 2)\n        nn.init.zeros_(self.fc.bias)",
        Outcome.DIFFERENT,
        "nn.init.zeros_",
    ),
    Pair(
        "buffer not saved",
        '"calls", torch.zeros(1)',
        '"calls", torch.zeros(1), persistent=False',
        Outcome.DIFFERENT,
        check="state_dict",
    ),
)


def self_test(session: Session) -> Iterator[tuple[Pair, str]]:
    """Each pair, as it is done, with what is wrong about its verdict: empty where it is as it has to be.

    Args:
        session: running, with `CASES`.

    Raises:
        TreeError: the temporary folder cannot be used.
    """
    with TemporaryDirectory(prefix="modfix-self-test-") as folder:
        before = session.folder(_write(Path(folder) / "before", _BEFORE))
        for number, pair in enumerate(PAIRS):
            after = session.folder(_write(Path(folder) / f"after{number}", pair.after))
            results, _ = session.compare(before, after, Change({}, {}))
            session.forget(after)
            yield pair, _fault(pair, [result.verdict for result in results])


def _write(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / f"{_MODULE}.py").write_text(text, encoding="utf-8")
    return folder


def _fault(pair: Pair, verdicts: list[Verdict]) -> str:
    """What is wrong about the verdicts of a pair; empty if nothing is."""
    if len(verdicts) != 1:
        return f"{len(verdicts)} verdicts in place of one"
    (verdict,) = verdicts
    if verdict.outcome is not pair.outcome:
        said = verdict.outcome.value + (f": {verdict.reason}" if verdict.reason else "")
        return f"has to be {pair.outcome.value}, but is {said}"
    if pair.check and all(check.outcome.passed for check in verdict.checks if check.name == pair.check):
        return f"the check of {pair.check} has to fail, and does not"
    if pair.line and not _names(pair, verdict):
        return f"has to name the line of `{pair.line}`, but names {verdict.divergence}"
    return ""


def _names(pair: Pair, verdict: Verdict) -> bool:
    """Whether the divergence names an operator on the line, on one of the sides."""
    found = verdict.divergence
    if found is None:
        return False
    sides = ((_BEFORE, found.before), (pair.after, found.after))
    return any(
        place is not None and place.operator and place.line and pair.line in text.split("\n")[place.line - 1]
        for text, place in sides
    )
