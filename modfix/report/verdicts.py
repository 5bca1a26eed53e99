"""Verdicts as text: a table of fixes, a table of cases, and the evidence behind what did not pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from modfix.model.verdict import Divergence, FixVerdict, Modulo, Outcome, Place, Verdict, VerifyResult
from modfix.report.sources import Sources
from modfix.report.statistics import columns
from modfix.report.text import number, plain

_COLOURS = {
    Outcome.PROVED: "32",
    Outcome.IDENTICAL: "32",
    Outcome.CLOSE: "33",
    Outcome.UNVERIFIED: "33",
    Outcome.DIFFERENT: "31",
}
_CONTEXT = 3  # lines of source around a divergence


class VerdictText:
    """Writes verdicts as text. Every method gives whole lines without line ends.

    Args:
        before: the sources of the version before, for `explained`.
        after: the same of the version after.
        colour: whether to use terminal colours.
    """

    def __init__(self, *, before: Sources | None = None, after: Sources | None = None, colour: bool = False) -> None:
        self._sources = before, after
        self._colour = colour

    def report(self, result: VerifyResult, *, explain: bool = False) -> Iterator[str]:
        """The tables and, below them, what is behind each verdict that is not PROVED or IDENTICAL."""
        if result.fixes:
            yield from self._table("fix", [self._fix_row(fix) for fix in result.fixes])
            yield ""
        if result.verdicts:
            yield from self._table("case", [self._case_row(verdict) for verdict in result.verdicts])
        for fix in result.fixes:
            yield from self._fix_details(fix)
        for verdict in result.verdicts:
            yield from self._case_details(verdict, explain=explain)
        yield ""
        yield from environment(result)

    def _table(self, what: str, rows: Sequence[tuple[Outcome, str, str]]) -> Iterator[str]:
        cells = [("verdict", what, "evidence"), *((outcome.name, name, evidence) for outcome, name, evidence in rows)]
        head, *lines = columns(cells).splitlines()
        yield head
        for line, (outcome, _, _) in zip(lines, rows, strict=True):
            yield self._paint(outcome, line[: len(outcome.name)]) + line[len(outcome.name) :]

    def _fix_row(self, fix: FixVerdict) -> tuple[Outcome, str, str]:
        return fix.outcome, fix_name(fix), fix_evidence(fix)

    def _case_row(self, verdict: Verdict) -> tuple[Outcome, str, str]:
        return verdict.outcome, plain(verdict.case), case_evidence(verdict)

    def _fix_details(self, fix: FixVerdict) -> Iterator[str]:
        if fix.outcome.passed:
            return
        yield ""
        yield f"{self._label(fix.outcome)} {fix_name(fix)}: {plain(fix.reason)}"
        for (side, path), lines in _by_file(fix.not_executed).items():
            yield f"  not executed {side}: {plain(path)}, {'line' if len(lines) == 1 else 'lines'} {', '.join(lines)}"

    def _case_details(self, verdict: Verdict, *, explain: bool) -> Iterator[str]:
        notes = [*map(modulo_note, verdict.modulo), *verdict.listed]
        if verdict.outcome.passed and not notes:
            return
        yield ""
        reason = f": {plain(verdict.reason)}" if verdict.reason else ""
        yield f"{self._label(verdict.outcome)} {plain(verdict.case)}{reason}"
        for check in verdict.checks:
            if not check.outcome.passed:
                yield f"  {check.name}: {check.outcome.name} {plain(check.detail)}".rstrip()
        for note in notes:
            yield f"  {plain(note)}"
        if verdict.divergence is not None:
            yield from self._divergence(verdict.divergence, explain=explain)

    def _divergence(self, divergence: Divergence, *, explain: bool) -> Iterator[str]:
        sides = (("before", divergence.before, self._sources[0]), ("after", divergence.after, self._sources[1]))
        for side, place, sources in sides:
            if place is None:
                continue
            yield f"  first difference {side}: {plain(str(place))}"
            if explain and sources is not None:
                yield from _excerpt(place, sources)

    def _label(self, outcome: Outcome) -> str:
        return self._paint(outcome, outcome.name)

    def _paint(self, outcome: Outcome, text: str) -> str:
        return f"\x1b[{_COLOURS[outcome]}m{text}\x1b[0m" if self._colour else text


def summary(result: VerifyResult) -> str:
    """One line: how many fixes or, where there are none, cases came to which verdict."""
    about: Iterable[FixVerdict | Verdict] = result.fixes or result.verdicts
    what = ("fix", "fixes") if result.fixes else ("case", None)
    counts = Counter(one.outcome for one in about)
    total = number(sum(counts.values()), *what)
    if not counts:
        return "Nothing was verified."
    return (
        f"Verified {total}: {', '.join(f'{counts[outcome]} {outcome.name}' for outcome in Outcome if counts[outcome])}."
    )


def environment(result: VerifyResult) -> Iterator[str]:
    """What the verdicts were found with, and how to find them again."""
    with_ = result.environment
    rules = f", rules {with_.rules}" if with_.rules else ""
    yield f"Python {with_.python}, torch {with_.torch}, {with_.device}, {number(with_.threads, 'thread')}{rules}"
    if result.command:
        yield result.command


def fix_name(fix: FixVerdict) -> str:
    """Codemod, place and subject of a fix."""
    finding = fix.finding
    return plain(f"{finding.codemod} {finding.location.path}:{finding.location.line} {finding.subject}")


def fix_evidence(fix: FixVerdict) -> str:
    """What the verdict about a fix stands on, in a few words."""
    if not fix.outcome.passed:
        return plain(fix.reason)
    cases = fix.cases[0] if len(fix.cases) == 1 else number(len(fix.cases), "case")
    return plain(f"{cases}{_modulo_kinds(fix.modulo)}")


def case_evidence(verdict: Verdict) -> str:
    """What the verdict about a case stands on, in a few words."""
    if not verdict.outcome.passed:
        return plain(verdict.reason)
    if verdict.outcome is Outcome.PROVED:
        return f"{number(verdict.operators, 'operator')} on {verdict.rung} tensors{_modulo_kinds(verdict.modulo)}"
    compared = sum(_count(check.detail) for check in verdict.checks)
    return f"{number(compared, 'digest')}{_modulo_kinds(verdict.modulo)}"


def modulo_note(modulo: Modulo) -> str:
    """A difference that does not count, and who says so."""
    by = "allowed by `--allow`" if modulo.declared_by == "--allow" else f"declared by `{modulo.declared_by}`"
    return f"modulo {modulo.kind} ({by}): {modulo.detail}"


def _modulo_kinds(modulo: Iterable[Modulo]) -> str:
    kinds = dict.fromkeys(one.kind for one in modulo)
    return f", modulo {', '.join(kinds)}" if kinds else ""


def _count(detail: str) -> int:
    head = detail.partition(" ")[0]
    return int(head) if head.isdigit() else 0


def _by_file(lines: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Side and path -> numbers, of ``after:m.py:3``."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        side, _, place = line.partition(":")
        path, _, number_ = place.rpartition(":")
        found.setdefault((side, path), []).append(number_)
    return found


def _excerpt(place: Place, sources: Sources) -> Iterator[str]:
    """The source around a place, with a mark at its line."""
    lines = sources.lines(place.path) if place.path else None
    if lines is None:
        return
    width = len(str(place.line + _CONTEXT))
    for current in range(max(1, place.line - _CONTEXT), place.line + _CONTEXT + 1):
        line = lines.line(current)
        if line is not None:
            mark = ">" if current == place.line else " "
            yield f"  {mark} {str(current).rjust(width)} | {plain(line.replace(chr(9), '    '))}".rstrip()
