"""From lines to fixes: which fix changed what, whether that ran, and which fix a divergence comes from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from modfix.model.finding import Applicability, Finding, Fix
from modfix.model.patch import Patch
from modfix.model.span import Location, Span
from modfix.model.verdict import Divergence, FixVerdict, Modulo, Outcome, Place, Verdict
from modfix.verify.lines import Source

Lines = Mapping[str, frozenset[int]]  # path -> line numbers
BY_HAND = "change"  # the codemod of findings that stand for what no codemod did


@dataclass(frozen=True, slots=True)
class Side:
    """What one fix changed in one version."""

    changed: Lines = field(default_factory=dict)
    called: Lines = field(default_factory=dict)  # lines that only a case can run
    imported: Lines = field(default_factory=dict)  # lines that the import of the file runs
    scopes: frozenset[tuple[str, str]] = frozenset()  # path and name of the classes and functions that were changed


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one fix changed in both versions."""

    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)

    @property
    def empty(self) -> bool:
        """Whether no line with code was changed."""
        return not any((self.before.called, self.before.imported, self.after.called, self.after.imported))


@dataclass(frozen=True, slots=True)
class Change:
    """All that changed between two trees, divided into fixes."""

    fixes: Mapping[str, Finding]  # by fingerprint
    footprints: Mapping[str, Footprint]  # by fingerprint
    before: Mapping[str, Source] = field(default_factory=dict)
    after: Mapping[str, Source] = field(default_factory=dict)

    def sources(self, side: str) -> Mapping[str, Source]:
        """The changed files of one side."""
        return self.before if side == "before" else self.after

    def watched(self, side: str) -> dict[str, list[int]]:
        """The lines that a worker of ``side`` ("before" or "after") should watch.

        Where a fix changed nothing but lines that the import runs, all functions of that file are watched: that one of
        them ran shows that the case uses the file.
        """
        wanted: defaultdict[str, set[int]] = defaultdict(set)
        sources = self.sources(side)
        for footprint in self.footprints.values():
            part: Side = getattr(footprint, side)
            for path, numbers in chain(part.called.items(), part.imported.items()):
                wanted[path] |= numbers
            for path in part.imported.keys() - part.called.keys():
                wanted[path] |= sources[path].called
        return {path: sorted(numbers) for path, numbers in sorted(wanted.items())}


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A verdict with the lines that ran for it."""

    verdict: Verdict
    before: Lines = field(default_factory=dict)
    after: Lines = field(default_factory=dict)
    partial: bool = False  # some phase failed on both sides alike: nobody knows what ran only there, so no line counts

    def ran(self, side: str) -> Lines:
        """The lines that ran on one side."""
        return self.before if side == "before" else self.after


def change_of_fixes(
    patch: Patch, findings: Iterable[Finding], before: Mapping[str, str], after: Mapping[str, str]
) -> Change:
    """The change that codemods made.

    Args:
        patch: what they changed; its lines know their fixes.
        findings: those whose fixes were made.
        before: text of each changed file.
        after: the same of the version after.
    """
    sources = _read(before), _read(after)
    lines: _Lines = defaultdict(lambda: ({}, {}))
    for side, path, number, fixes in _changed(patch):
        for fix in fixes:
            lines[fix][side].setdefault(path, set()).add(number)
    made = {finding.fingerprint: finding for finding in findings}
    return Change(made, {fix: _footprint(lines[fix], sources) for fix in made}, *sources)


def change_by_hand(patch: Patch, before: Mapping[str, str], after: Mapping[str, str]) -> Change:
    """The change between two revisions: everything within one class or function at the top level is one fix.

    Files that do not parse, and changes of comments and blank lines only, are left out.
    """
    sources = _read(before), _read(after)
    lines: dict[tuple[str, str], _Sides] = {}
    for side, path, number, _ in _changed(patch):
        scope = sources[side][path].scope(number) if path in sources[side] else ""
        lines.setdefault((path, scope), ({}, {}))[side].setdefault(path, set()).add(number)
    fixes, footprints = {}, {}
    for (path, scope), sides in lines.items():
        footprint = _footprint(sides, sources)
        if not footprint.empty:
            finding = _by_hand(path, scope, min(chain(*sides[1].values(), *sides[0].values())))
            fixes[finding.fingerprint], footprints[finding.fingerprint] = finding, footprint
    return Change(fixes, footprints, *sources)


def judge(change: Change, results: Sequence[CaseResult]) -> tuple[FixVerdict, ...]:
    """The verdict about every fix, in the order in which they were made: that of the cases that ran its lines.

    A case that is DIFFERENT counts as that for the fixes that may have caused it, and as UNVERIFIED for others that
    ran in it. What passed counts only if all changed lines with code ran, in both versions, in cases that passed.
    """
    return tuple(_judge(fix, finding, change.footprints[fix], change, results) for fix, finding in change.fixes.items())


def suspects(change: Change, result: CaseResult) -> list[str]:
    """The fixes that may have caused the divergence of a case: those with the best claim to it.

    First those that changed the very line, in the version after, else in the one before; then those in the same class
    or function; then all of which the case ran a line.
    """
    # Where a side failed, nobody knows what ran.
    touching = [fix for fix in change.footprints if touches(fix, change, result)] or list(change.footprints)
    divergence = result.verdict.divergence or Divergence("")
    places = [("after", divergence.after), ("before", divergence.before)]
    for claims in (_changed_line, _changed_scope):
        for side, place in places:
            if place is None or not place.path:
                continue
            guilty = [fix for fix in touching if claims(getattr(change.footprints[fix], side), place, change, side)]
            if guilty:
                return guilty
    return touching


def touches(fix: str, change: Change, result: CaseResult) -> bool:
    """Whether a case ran at least one changed line of a fix.

    What the import runs, all cases run: it counts only for a fix that changed nothing else in the file, and then for
    the cases that ran any function of it.
    """
    for side in ("before", "after"):
        part, sources, ran = getattr(change.footprints[fix], side), change.sources(side), result.ran(side)
        if any(not numbers.isdisjoint(ran.get(path, ())) for path, numbers in part.called.items()):
            return True
        for path in part.imported.keys() - part.called.keys():
            witnesses = sources[path].called or part.imported[path]
            if not witnesses.isdisjoint(ran.get(path, ())):
                return True
    return False


def not_executed(footprint: Footprint, results: Iterable[CaseResult]) -> list[str]:
    """The changed lines with code that ran in none of the cases, as ``after:path:line``."""
    cases = list(results)
    missing = []
    for side in ("after", "before"):
        part: Side = getattr(footprint, side)
        for path in sorted(part.called.keys() | part.imported.keys()):
            ran = frozenset().union(*(case.ran(side).get(path, ()) for case in cases))
            lines = part.called.get(path, frozenset()) - ran
            if not ran:  # the file may never have been imported
                lines |= part.imported.get(path, frozenset())
            missing += [f"{side}:{path}:{number}" for number in sorted(lines)]
    return missing


_Sides = tuple[dict[str, set[int]], dict[str, set[int]]]
_Lines = defaultdict[str, _Sides]


def _read(texts: Mapping[str, str]) -> dict[str, Source]:
    return {path: Source.read(text, path) for path, text in texts.items()}


def _changed(patch: Patch) -> Iterator[tuple[int, str, int, frozenset[str]]]:
    """Every changed line: side (0 before, 1 after), path, number, fixes."""
    for file in patch.files:
        shift = 0
        for hunk in file.hunks:
            old, new = hunk.start, hunk.start + shift
            for line in hunk.lines:
                old += line.kind != b"+"
                new += line.kind != b"-"
                if line.kind == b"-":
                    yield 0, file.path, old, line.fixes
                elif line.kind == b"+":
                    yield 1, file.path, new, line.fixes
            shift = new - old


def _footprint(sides: _Sides, sources: tuple[Mapping[str, Source], Mapping[str, Source]]) -> Footprint:
    return Footprint(*(_side(lines, of_side) for lines, of_side in zip(sides, sources, strict=True)))


def _side(lines: Mapping[str, set[int]], sources: Mapping[str, Source]) -> Side:
    called: dict[str, frozenset[int]] = {}
    imported: dict[str, frozenset[int]] = {}
    scopes: set[tuple[str, str]] = set()
    for path, numbers in lines.items():
        source = sources[path]
        executable = source.executable(numbers)
        if executable & source.called:
            called[path] = executable & source.called
        if executable & source.imported:
            imported[path] = executable & source.imported
        scopes.update((path, source.scope(number)) for number in numbers)
    changed = {path: frozenset(numbers) for path, numbers in lines.items()}
    return Side(changed, called, imported, frozenset(scopes - {(path, "") for path in lines}))


def _by_hand(path: str, scope: str, line: int) -> Finding:
    what = f"`{scope}` was changed" if scope else "code outside of classes and functions was changed"
    fix = Fix(what, (), Applicability.UNSAFE)
    return Finding(BY_HAND, Location(path, line, 1), Span(0, 0), scope or path, what, fix)


def _changed_line(part: Side, place: Place, change: Change, side: str) -> bool:
    return place.line in part.changed.get(place.path, ())


def _changed_scope(part: Side, place: Place, change: Change, side: str) -> bool:
    source = change.sources(side).get(place.path)
    return source is not None and (place.path, source.scope(place.line)) in part.scopes


def _judge(
    fix: str, finding: Finding, footprint: Footprint, change: Change, results: Sequence[CaseResult]
) -> FixVerdict:
    ran = [result for result in results if touches(fix, change, result)]
    names = tuple(result.verdict.case for result in ran)
    modulo = _unique(chain.from_iterable(result.verdict.modulo for result in ran))
    for result in results:
        verdict = result.verdict
        if verdict.outcome is Outcome.DIFFERENT and fix in suspects(change, result):
            return FixVerdict(finding, Outcome.DIFFERENT, verdict.reason, names, modulo, verdict.divergence)
    for result in ran:
        if result.verdict.outcome is Outcome.DIFFERENT:
            reason = f"`{result.verdict.case}` differs because of another fix"
            return FixVerdict(finding, Outcome.UNVERIFIED, reason, names, modulo)
    worst = max((result.verdict for result in ran), key=lambda verdict: verdict.outcome.severity, default=None)
    missing = tuple(not_executed(footprint, ran))
    if worst is None or (missing and worst.outcome.passed):
        partial = [result.verdict.case for result in results if result.partial]
        reason = "not executed"
        if partial:
            reason += f" by a case that runs to its end; lines do not count for `{partial[0]}`, which fails in part"
        return FixVerdict(finding, Outcome.UNVERIFIED, reason, names, modulo, not_executed=missing)
    return FixVerdict(finding, worst.outcome, worst.reason, names, modulo, not_executed=missing)


def _unique(modulo: Iterable[Modulo]) -> tuple[Modulo, ...]:
    return tuple(dict.fromkeys(modulo))


def dropped(verdicts: Collection[FixVerdict], acceptable: Collection[Outcome]) -> list[str]:
    """The fingerprints of the fixes whose verdict is not acceptable."""
    return [verdict.finding.fingerprint for verdict in verdicts if verdict.outcome not in acceptable]
