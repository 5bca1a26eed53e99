"""The reports about verdicts. The golden files change on purpose only, that of JSON with `SCHEMA_VERSION`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import modfix
from modfix.model.result import ApplyResult, CheckResult
from modfix.model.verdict import Outcome, VerifyResult
from modfix.report import markdown
from modfix.report.json import apply_report, verify_report
from modfix.report.sources import Sources
from modfix.report.verdicts import VerdictText, summary
from modfix.source.tree import MemoryTree
from modfix.verify.rollback import Kept
from tests.report import samples
from tests.report.verdict_samples import AFTER, BEFORE, FIXES, RESULT, VERDICTS

HERE = Path(__file__).parent


def sources(text: str) -> Sources:
    return Sources(MemoryTree({"models/net.py": text}).read)


def text(*, explain: bool = False, colour: bool = False) -> str:
    report = VerdictText(before=sources(BEFORE), after=sources(AFTER), colour=colour).report(RESULT, explain=explain)
    return "".join(f"{line}\n" for line in report)


def test_the_text_is_the_golden_file() -> None:
    assert text(explain=True) == (HERE / "verdicts.txt").read_text()


def test_the_markdown_is_the_golden_file() -> None:
    assert markdown.verify_report(RESULT) == (HERE / "verdicts.md").read_text()


def test_the_json_is_the_golden_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modfix, "__version__", "1.2.3")
    assert json.loads(verify_report(RESULT)) == json.loads((HERE / "verdicts.json").read_text())


def test_after_apply_the_json_has_what_was_rolled_back() -> None:
    applied = ApplyResult((), (samples.SAFE,), CheckResult((), (), (), (), 0, 1))
    kept = Kept(applied, RESULT, ("0123",))
    report = json.loads(apply_report(applied, samples.sources(), root="/src", complete=True, kept=kept))
    assert report["rolled_back"] == ["0123"]
    assert report["verification"]["outcome"] == "different"
    assert [fix["outcome"] for fix in report["verification"]["fixes"]] == [fix.outcome.value for fix in FIXES]


def test_without_explanations_there_is_no_source() -> None:
    assert "clamp(0, 6)" in text(explain=True)
    assert "clamp(0, 6)" not in text()


def test_colours_change_nothing_but_colours() -> None:
    coloured = text(colour=True)
    assert "\x1b[31mDIFFERENT\x1b[0m" in coloured
    for code in ("31", "32", "33", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == text()


def test_tables_hold_whatever_a_case_is_called() -> None:
    rows = [line for line in markdown.verify_report(RESULT).splitlines() if line.startswith("|")]
    cells = [line.replace("\\|", "").count("|") for line in rows]
    assert set(cells) == {5, 4}
    assert "| `` models.net:Net('a\\|b', `c`) `` |" in markdown.verify_report(RESULT)


def test_what_passed_without_notes_takes_no_more_than_its_row() -> None:
    passed = VerifyResult(VERDICTS[:1], FIXES[:1])
    (quiet,) = [verdict for verdict in VERDICTS if verdict.case == "small"]
    assert sum("Net.norm" in line for line in VerdictText().report(passed)) == 1
    assert sum("small" in line for line in VerdictText().report(VerifyResult((quiet,)))) == 2


def test_where_nothing_was_verified_there_are_no_tables() -> None:
    assert list(VerdictText().report(VerifyResult((), (), RESULT.environment))) == [
        "",
        "Python 3.11.7, torch 2.13.0, cuda, 1 thread, rules 7",
    ]


def test_summaries() -> None:
    assert summary(RESULT) == "Verified 4 fixes: 1 PROVED, 1 IDENTICAL, 1 UNVERIFIED, 1 DIFFERENT."
    assert summary(VerifyResult(VERDICTS[:1])) == "Verified 1 case: 1 PROVED."
    assert summary(VerifyResult(())) == "Nothing was verified."


def test_the_outcome_of_a_result_is_the_worst() -> None:
    assert RESULT.outcome is Outcome.DIFFERENT
    assert VerifyResult(VERDICTS[:2]).outcome is Outcome.IDENTICAL
    assert VerifyResult(VERDICTS[:2], FIXES[3:]).outcome is Outcome.UNVERIFIED
    assert VerifyResult(()).outcome is Outcome.UNVERIFIED
