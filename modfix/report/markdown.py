"""Verdicts for the body of a pull request, in the Markdown of GitHub and GitLab."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from modfix.model.verdict import Divergence, FixVerdict, Outcome, Verdict, VerifyResult
from modfix.report.text import plain
from modfix.report.verdicts import case_evidence, fix_evidence, modulo_note, summary


def verify_report(result: VerifyResult) -> str:
    """A table of fixes, a table of cases, what is behind each verdict that did not pass, and how to find it again."""
    return "".join(f"{line}\n" for line in _lines(result))


def _lines(result: VerifyResult) -> Iterator[str]:
    yield "## modfix verify"
    yield ""
    yield summary(result)
    if result.fixes:
        yield ""
        yield from _table(("verdict", "fix", "place", "evidence"), [_fix_row(fix) for fix in result.fixes])
    yield ""
    yield from _table(("verdict", "case", "evidence"), [_case_row(verdict) for verdict in result.verdicts])
    details = [line for verdict in result.verdicts for line in _details(verdict)]
    details += [line for fix in result.fixes for line in _unexecuted(fix)]
    if details:
        yield ""
        yield from details
    yield ""
    yield from _environment(result)


def _fix_row(fix: FixVerdict) -> tuple[str, ...]:
    finding = fix.finding
    place = f"{finding.location.path}:{finding.location.line}"
    return (
        _outcome(fix.outcome),
        f"`{finding.codemod}` {_code(finding.subject)}",
        _code(place),
        _cell(fix_evidence(fix)),
    )


def _case_row(verdict: Verdict) -> tuple[str, ...]:
    return _outcome(verdict.outcome), _code(verdict.case), _cell(case_evidence(verdict))


def _details(verdict: Verdict) -> Iterator[str]:
    """A list item for each thing to know about a case."""
    name = _code(verdict.case)
    for modulo in verdict.modulo:
        yield f"- {name}: {plain(modulo_note(modulo))}"
    for note in verdict.listed:
        yield f"- {name}: {plain(note)}"
    if verdict.divergence is not None:
        yield from (f"- {name}: {line}" for line in _places(verdict.divergence))


def _unexecuted(fix: FixVerdict) -> Iterator[str]:
    if fix.not_executed:
        yield f"- {_code(fix.finding.subject)}: not executed: {', '.join(map(_code, fix.not_executed))}"


def _places(divergence: Divergence) -> Iterator[str]:
    for side, place in (("before", divergence.before), ("after", divergence.after)):
        if place is not None:
            yield f"first difference {side}: {plain(str(place))}"


def _environment(result: VerifyResult) -> Iterator[str]:
    with_ = result.environment
    facts = [f"Python {with_.python}", f"torch {with_.torch}", f"device {with_.device}", f"threads {with_.threads}"]
    facts += [f"rules {with_.rules}"] if with_.rules else []
    yield f"Found with {', '.join(facts)}."
    if result.command:
        yield ""
        yield "```console"
        yield f"$ {plain(result.command)}"
        yield "```"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _outcome(outcome: Outcome) -> str:
    return outcome.name if outcome.passed else f"**{outcome.name}**"


def _code(text: str) -> str:
    """``text`` as code, also within a table, whatever it holds."""
    text = _cell(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"`{text}`"


def _cell(text: str) -> str:
    return plain(text).replace("|", "\\|")
