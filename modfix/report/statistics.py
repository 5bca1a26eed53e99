"""How many findings there are, by codemod and outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from modfix.model.finding import Applicability, Finding


@dataclass(frozen=True, slots=True)
class Counts:
    """The findings of one codemod, or of all."""

    by_applicability: Counter[Applicability] = field(default_factory=Counter)
    by_refusal: Counter[str] = field(default_factory=Counter)  # kind of refusal -> number

    @property
    def safe(self) -> int:
        """Findings with a safe fix."""
        return self.by_applicability[Applicability.SAFE]

    @property
    def unsafe(self) -> int:
        """Findings with a fix that may change behaviour."""
        return self.by_applicability[Applicability.UNSAFE]

    @property
    def display(self) -> int:
        """Findings with a fix that is only shown."""
        return self.by_applicability[Applicability.DISPLAY]

    @property
    def refused(self) -> int:
        """Findings that were refused a fix."""
        return self.by_refusal.total()

    def add(self, finding: Finding) -> None:
        """Count one more finding."""
        if finding.fix is not None:
            self.by_applicability[finding.fix.applicability] += 1
        elif finding.refusal is not None:
            self.by_refusal[finding.refusal.kind] += 1


def total(findings: Iterable[Finding]) -> Counts:
    """The counts of all findings together."""
    counts = Counts()
    for finding in findings:
        counts.add(finding)
    return counts


def by_codemod(findings: Iterable[Finding]) -> dict[str, Counts]:
    """The counts of each codemod that found something, sorted by name."""
    counts: dict[str, Counts] = {}
    for finding in findings:
        counts.setdefault(finding.codemod, Counts()).add(finding)
    return dict(sorted(counts.items()))


def table(counts: Mapping[str, Counts]) -> str:
    """A text table with a row for each codemod and, below it, one for each kind of refusal, most frequent first."""
    rows: list[tuple[object, ...]] = [("codemod", "safe", "unsafe", "display", "refused")]
    for codemod, count in counts.items():
        rows.append((codemod, count.safe, count.unsafe, count.display, count.refused))
        kinds = sorted(count.by_refusal.items(), key=lambda item: (-item[1], item[0]))
        rows.extend((f"  {kind}", "", "", "", number) for kind, number in kinds)
    return columns(rows, right=range(1, 5))


def columns(rows: Iterable[tuple[object, ...]], *, right: Iterable[int] = ()) -> str:
    """``rows`` as aligned columns, two spaces apart; the columns ``right`` are aligned to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rights = frozenset(right)
    lines = (
        "  ".join(
            cell.rjust(width) if index in rights else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )
    return "".join(f"{line}\n" for line in lines)
