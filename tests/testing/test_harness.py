"""The harness must see what a bad codemod does; the engine is replaced by a function from text to text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import pytest

from modfix.api import Applicability, Codemod, Finding, Fix, Location, Refusal, RemoveStatement, Span
from modfix.model.result import ApplyResult, CheckResult
from modfix.testing import check_noop, check_rewrite, harness
from modfix.testing.fixtures import Expectations
from modfix.testing.harness import check

BEFORE = """\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        self.norm = None  # optional


class Other(nn.Module):
    def forward(self, x):
        return x
"""
AFTER = BEFORE.replace("None", "nn.Identity()")
CODEMOD = cast(Codemod, None)  # only handed through to the engine

Engine = Callable[[str], str]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def install(
        change: Engine, *, needs_unsafe: bool = False, refusal: Refusal | None = None, subject: str = "Net"
    ) -> None:
        def migrate(
            _: Codemod, files: Mapping[str, str], *, unsafe: bool = False
        ) -> tuple[dict[str, str], ApplyResult]:
            result = (
                dict(files) if needs_unsafe and not unsafe else {path: change(text) for path, text in files.items()}
            )
            return result, account(files, result, subject, refusal)

        monkeypatch.setattr(harness, "migrate", migrate)

    return install


def account(before: Mapping[str, str], after: Mapping[str, str], subject: str, refusal: Refusal | None) -> ApplyResult:
    place = Location("model.py", 1, 1), Span(0, 1)
    edits = tuple(RemoveStatement(path, Span(0, 1)) for path in before if before[path] != after[path])
    fixed = Finding("toy", *place, f"{subject}.norm", "", fix=Fix("", edits, Applicability.SAFE))
    refused = (Finding("toy", *place, "Net.norm", "", refusal=refusal),) if refusal else ()
    return ApplyResult((), (fixed,) if edits else (), CheckResult(refused, (), (), (), 0, len(before)))


def good(text: str) -> str:
    return text.replace("None", "nn.Identity()")


def test_a_good_rewrite_passes(engine: Callable[..., None]) -> None:
    engine(good)
    check_rewrite(CODEMOD, BEFORE, AFTER)


def test_a_codemod_that_does_nothing_passes_noop_only(engine: Callable[..., None]) -> None:
    engine(lambda text: text)
    check_noop(CODEMOD, BEFORE)
    with pytest.raises(AssertionError, match=r"(?s)not what was expected.*\+        self.norm = None"):
        check_rewrite(CODEMOD, BEFORE, AFTER)


def test_noop_forbids_unsafe_changes_too(engine: Callable[..., None]) -> None:
    engine(good, needs_unsafe=True)
    with pytest.raises(AssertionError, match="must not change"):
        check_noop(CODEMOD, BEFORE)


def test_an_unsafe_fix_must_not_be_made_by_default(engine: Callable[..., None]) -> None:
    files = {"model.py": BEFORE}, {"model.py": AFTER}
    engine(good, needs_unsafe=True)
    check(CODEMOD, *files, Expectations(unsafe_fixes=True))
    engine(good)
    with pytest.raises(AssertionError, match="must not change without"):
        check(CODEMOD, *files, Expectations(unsafe_fixes=True))


BAD = {
    "changes in a second run": (lambda text: text.replace("return x", "return x + 0"), "Other"),
    "expected with CRLF": (lambda text: good(text).replace("\r\n", "\n"), "Net"),
    "expected with tabs": (lambda text: good(text).replace("\t", "    "), "Net"),
    "comments got lost: # optional": (lambda text: text.replace("None  # optional", "nn.Identity()"), "Net"),
    "text outside of": (good, "Other"),
    "does not parse": (lambda text: text.replace("None", "nn.Identity("), "Net"),
}


@pytest.mark.parametrize("complaint", BAD)
def test_each_kind_of_damage_is_seen(engine: Callable[..., None], complaint: str) -> None:
    change, subject = BAD[complaint]
    engine(change, subject=subject)
    with pytest.raises(AssertionError, match=complaint):
        check_rewrite(CODEMOD, BEFORE, change(BEFORE))


def test_a_comment_may_be_lost_if_the_case_says_so(engine: Callable[..., None]) -> None:
    def change(text: str) -> str:
        return text.replace("None  # optional", "nn.Identity()")

    engine(change)
    check(CODEMOD, {"m.py": BEFORE}, {"m.py": change(BEFORE)}, Expectations(comments_lost=("# optional",)))


@pytest.mark.parametrize(
    ("refusal", "expect", "complaint"),
    [
        (None, Expectations(refusal="*"), "no refusal of kind"),
        (Refusal("late-none", "set to None"), Expectations(refusal="*"), "no refusal of kind"),
        (Refusal("late-none", "", Location("model.py", 6, 1)), Expectations(refusal="arith*"), "refusals: late-none"),
        (Refusal("late-none", "", Location("model.py", 6, 1)), Expectations(blocker="forward"), "no refusal names"),
        (Refusal("late-none", "", Location("model.py", 6, 1)), Expectations("late-*", "self.norm"), None),
    ],
)
def test_refusals(
    engine: Callable[..., None], refusal: Refusal | None, expect: Expectations, complaint: str | None
) -> None:
    engine(lambda text: text, refusal=refusal)
    if complaint is None:
        check(CODEMOD, {"model.py": BEFORE}, None, expect)
        return
    with pytest.raises(AssertionError, match=complaint):
        check(CODEMOD, {"model.py": BEFORE}, None, expect)


def test_tabs_keep_what_is_left_of_an_alignment() -> None:
    source = "def f(a):\n  if a:\n    return g(a,\n             a)\n"
    assert harness.tabs(source) == "def f(a):\n\tif a:\n\t\treturn g(a,\n\t\t\t\t\t\t a)\n"


def test_form_feeds_do_not_end_lines() -> None:
    assert harness.outside("import os\n\f\nx = '\u2028'\n", set()) == ["\f\n", "x = '\u2028'\n"]


def test_a_script_is_all_that_is_no_definition() -> None:
    text = "import os\n\nx = 1\n\ndef f():\n    return 2\n\nprint(x)\n"
    assert harness.outside(text, {"<module>"}) == ["\n", "\n", "def f():\n", "    return 2\n", "\n"]
