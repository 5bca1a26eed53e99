"""The report for people: a place, what is wrong there, and the line of source, in the manner of ruff."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator

from modfix.model.finding import Applicability, Finding
from modfix.model.result import InternalError, UnusedSuppression
from modfix.model.source import Refused
from modfix.model.span import Location
from modfix.report.sources import Sources
from modfix.report.statistics import Counts, total

_TAB = "    "
_COLOURS = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


class Text:
    """Writes findings as text. Every method gives whole lines without line ends.

    Args:
        sources: the texts that the findings are about.
        shown_path: turns a path relative to the project root into the one to print.
        colour: whether to use terminal colours.
    """

    def __init__(self, sources: Sources, *, shown_path: Callable[[str], str] = str, colour: bool = False) -> None:
        self._sources = sources
        self._shown_path = shown_path
        self._colour = colour

    def finding(self, finding: Finding) -> Iterator[str]:
        """One finding with its line of source and, for a refusal, the line that blocks it."""
        yield f"{self._place(finding.location)} {self._paint(finding.codemod, 'bold')} {self._headline(finding)}"
        width = finding.span.end - finding.span.start
        yield from self._excerpt(finding.location, width, self._gutter(finding))
        if finding.fix is not None and finding.fix.note is not None:
            yield self._note(finding, finding.fix.note)
        if finding.refusal is not None and finding.refusal.blocker not in (None, finding.location):
            assert finding.refusal.blocker is not None  # mypy does not narrow by `not in`
            yield from self._blocker(finding, finding.refusal.blocker)

    def fix_title(self, finding: Finding) -> str | None:
        """What the fix of ``finding`` would do, as a line below it; None where there is no fix."""
        return None if finding.fix is None else self._note(finding, f"fix: {plain(finding.fix.title)}")

    def one_line(self, finding: Finding) -> str:
        """Place, codemod and what its fix did."""
        title = finding.message if finding.fix is None else finding.fix.title
        return f"{self._place(finding.location)} {self._paint(finding.codemod, 'bold')} {plain(title)}"

    def refused_file(self, refused: Refused) -> str:
        """A file that was left alone, and why."""
        return f"{self._paint(plain(self._shown_path(refused.path)), 'bold')}: not read: {plain(refused.reason)}"

    def unused_suppression(self, unused: UnusedSuppression) -> str:
        """A comment that silences nothing."""
        names = f"[{', '.join(unused.names)}]" if unused.names else ""
        return f"{self._place(unused.location)} unused suppression `modfix: ignore{plain(names)}`"

    def internal_error(self, error: InternalError) -> str:
        """A bug of modfix or of a codemod."""
        about = [f"codemod `{error.codemod}`"] if error.codemod else []
        about += [plain(self._shown_path(error.path))] if error.path else []
        where = f" ({', '.join(about)})" if about else ""
        return f"{self._paint('modfix bug', 'red')}{where}: {plain(error.message)}"

    def _headline(self, finding: Finding) -> str:
        message = plain(finding.message)
        if finding.refusal is not None:
            label = self._paint(f"[refused: {finding.refusal.kind}]", "yellow")
            return f"{label} {message}: {plain(finding.refusal.reason)}"
        assert finding.fix is not None  # a finding has either
        applicability = finding.fix.applicability
        colour = {Applicability.SAFE: "green", Applicability.UNSAFE: "red", Applicability.DISPLAY: "blue"}
        return f"{self._paint(f'[{applicability.name.lower()}]', colour[applicability])} {message}"

    def _blocker(self, finding: Finding, blocker: Location) -> Iterator[str]:
        gutter = self._gutter(finding)
        yield f"{' ' * gutter}{self._paint('-->', 'cyan')} {self._place(blocker).removesuffix(':')}"
        yield from self._excerpt(blocker, 0, gutter)

    def _excerpt(self, location: Location, width: int, gutter: int) -> Iterator[str]:
        """The line of source at ``location`` with ``width`` characters underlined, up to the end of the line."""
        lines = self._sources.lines(location.path)
        line = None if lines is None else lines.line(location.line)
        if line is None:
            return
        start = location.column - 1
        bar = self._paint("|", "cyan")
        yield f"{' ' * gutter} {bar}"
        yield f"{self._paint(str(location.line).rjust(gutter), 'cyan')} {bar} {_printable(line)}".rstrip()
        if width:
            indent = " " * _cells(line[:start])
            carets = "^" * max(1, _cells(line[start : start + width].rstrip()))
            yield f"{' ' * gutter} {bar} {indent}{self._paint(carets, 'yellow')}"

    def _note(self, finding: Finding, note: str) -> str:
        return f"{' ' * self._gutter(finding)} {self._paint('=', 'cyan')} {plain(note)}"

    def _gutter(self, finding: Finding) -> int:
        """Columns for the line numbers that one finding shows."""
        blocker = finding.refusal.blocker if finding.refusal is not None else None
        return len(str(max(finding.location.line, blocker.line if blocker is not None else 0)))

    def _place(self, location: Location) -> str:
        path = self._paint(plain(self._shown_path(location.path)), "bold")
        return f"{path}:{location.line}:{location.column}:"

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._colour else text


def summary(findings: Iterable[Finding], files: int) -> str:
    """One line: how many findings there are, of which kind, in how many files read."""
    counts = total(findings)
    fixable = counts.by_applicability.total()
    where = f"in {number(files, 'file')}"
    if not fixable and not counts.refused:
        return f"Found nothing to migrate {where}."
    if not fixable:
        return f"Found nothing to fix, and {counts.refused} refused, {where}."
    refused = f" and {counts.refused} refused" if counts.refused else ""
    return f"Found {number(fixable, 'fixable finding')} ({_kinds(counts)}){refused} {where}."


def number(count: int, noun: str, plural: str | None = None) -> str:
    """``1 file``, ``2 files``; ``plural`` where it is not the noun and an s."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def _kinds(counts: Counts) -> str:
    numbers = {"safe": counts.safe, "unsafe": counts.unsafe, "only shown": counts.display}
    return ", ".join(f"{count} {kind}" for kind, count in numbers.items() if count)


def plain(text: str) -> str:
    """``text`` on one line, without control characters: messages quote source code, and names come from disks."""
    return "".join(" " if character in "\r\n\t" else _visible(character) for character in text)


def _printable(line: str) -> str:
    return "".join(_TAB if character == "\t" else _visible(character) for character in line)


def _visible(character: str) -> str:
    """The character; for one that would move the cursor or start a terminal command, a replacement of its width."""
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character


def _cells(text: str) -> int:
    """How many columns of a terminal ``text`` takes, as `_printable` writes it."""
    return sum(map(_width, text))


def _width(character: str) -> int:
    if character == "\t":
        return len(_TAB)
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
