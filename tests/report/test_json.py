"""The JSON report is an interface: the golden file changes on purpose only, with `SCHEMA_VERSION` where a key goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import modfix
from modfix.model.finding import Finding
from modfix.model.result import ApplyResult, CheckResult, FileChange, Step
from modfix.model.source import SourceFile
from modfix.report.json import apply_report, check_report
from tests.report import samples

GOLDEN = Path(__file__).with_name("golden.json")


@pytest.fixture(autouse=True)
def _fixed_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modfix, "__version__", "1.2.3")


def test_the_report_of_a_check_is_the_golden_file() -> None:
    report = check_report(samples.RESULT, samples.sources(), root="/src/zoo", complete=True)
    assert json.loads(report) == json.loads(GOLDEN.read_text())


def test_the_report_of_an_apply_adds_what_was_done() -> None:
    change = FileChange(SourceFile("models/resnet.py", "old\n"), (Step((samples.SAFE.fingerprint,), "new\n"),))
    final = CheckResult((samples.REFUSED,), (), (), (), 0, 3)
    result = ApplyResult((change,), (samples.SAFE,), final)
    document = json.loads(apply_report(result, samples.sources(), root="/src/zoo", complete=False))
    checked = json.loads(check_report(final, samples.sources(), root="/src/zoo", complete=False))
    assert document.pop("changed") == ["models/resnet.py"]
    (applied,) = document.pop("applied")
    assert (applied["subject"], applied["line"], applied["end_line"]) == ("BasicBlock.downsample", 3, None)
    assert document == checked
    assert document["complete"] is False


def test_a_name_that_is_not_utf8_survives() -> None:
    finding = samples.SAFE
    odd = Finding("identity", finding.location._replace(path="a\udcff.py"), finding.span, "A", "m", fix=finding.fix)
    report = check_report(CheckResult((odd,), (), (), (), 0, 1), samples.sources(), root="/", complete=True)
    assert report.isascii()
    (read,) = json.loads(report)["findings"]
    assert read["path"] == "a\udcff.py"
    assert read["end_line"] is None
