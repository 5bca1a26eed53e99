"""Settles which fixes can be made in the same pass.

Fixes of one pass are planned on the same text. Two of them that want the same place cannot both be made; the later one
waits, is planned again on the new text, and is made then if there is still something to do.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence

from modfix.model.edit import AddElse, AddMethod, Edit, EnsureImport, InsertAfter, InsertBefore
from modfix.model.finding import Finding
from modfix.model.span import Span


def settle(findings: Sequence[Finding]) -> list[Finding]:
    """The findings whose fixes can be made together, in the given order; where two clash, the first of them."""
    claims = _Claims()
    taken: set[str] = set()
    settled = []
    for finding in findings:
        fix = finding.fix
        if fix is not None and taken.isdisjoint(fix.claims) and not any(map(claims.clash, fix.edits)):
            claims.add(fix.edits)
            taken |= fix.claims
            settled.append(finding)
    return settled


class _Claims:
    """The places that edits want, per file.

    An edit that replaces or removes wants its *span* for itself. One that inserts or adds needs its *anchor*, the
    statement or class it names, to survive: others may insert at it and change its inside, but not replace or remove it
    as a whole. An import wants its *name*, which others may import as well if it means the same to them.
    """

    def __init__(self) -> None:
        self._spans: defaultdict[str, list[Span]] = defaultdict(
            list
        )  # sorted; disjoint, or else they would have clashed
        self._anchors: defaultdict[str, list[Span]] = defaultdict(list)  # sorted
        self._names: dict[tuple[str, str], str] = {}

    def clash(self, edit: Edit) -> bool:
        """Whether ``edit`` cannot be made together with the edits added so far."""
        if isinstance(edit, EnsureImport):
            name, meaning = _binding(edit)
            return self._names.get((edit.path, name), meaning) != meaning
        spans = self._spans[edit.path]
        if _is_anchored(edit):
            before = bisect_right(spans, (edit.span.start, float("inf"))) - 1
            return before >= 0 and spans[before].contains(edit.span)
        after = bisect_left(spans, edit.span)
        if any(span.overlaps(edit.span) for span in spans[max(after - 1, 0) : after + 1]):
            return True
        anchors = self._anchors[edit.path]
        first = bisect_left(anchors, (edit.span.start,))
        last = bisect_left(anchors, (edit.span.end,))
        return any(edit.span.contains(anchor) for anchor in anchors[first:last])

    def add(self, edits: Sequence[Edit]) -> None:
        """Claim the places of the edits of one fix, none of which clashes."""
        for edit in edits:
            if isinstance(edit, EnsureImport):
                name, meaning = _binding(edit)
                self._names[edit.path, name] = meaning
            elif _is_anchored(edit):
                insort(self._anchors[edit.path], edit.span)
        replaced = [edit for edit in edits if not isinstance(edit, EnsureImport) and not _is_anchored(edit)]
        claimed = Span(0, 0)
        path = ""
        for edit in sorted(replaced, key=lambda edit: (edit.path, edit.span.start, -edit.span.end)):
            # Edits of one fix may lie inside each other; the outermost speaks for them.
            if edit.path != path or not claimed.contains(edit.span):
                path, claimed = edit.path, edit.span
                insort(self._spans[path], claimed)


def _is_anchored(edit: Edit) -> bool:
    return isinstance(edit, (InsertBefore, InsertAfter, AddElse, AddMethod))


def _binding(edit: EnsureImport) -> tuple[str, str]:
    """The name that an import binds and what it stands for."""
    if edit.name is not None:
        return edit.asname or edit.name, f"{edit.module}.{edit.name}"
    if edit.asname is not None:
        return edit.asname, edit.module
    top = edit.module.partition(".")[0]
    return top, top
