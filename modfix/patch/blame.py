"""Which fix added or removed which line, when several fixes changed a file one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from modfix.model.edit import EnsureImport
from modfix.model.finding import Finding
from modfix.model.patch import PatchLine
from modfix.model.result import FileChange
from modfix.patch.align import Change, changes, split_lines


class Weave:
    """Every line that was in the file at any time, in one order, each with the fixes that added and that removed it.

    The order is one that all versions share, so leaving out the lines of any fix leaves the others where they belong.
    """

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = list(lines)
        self.added: list[frozenset[str] | None] = [None] * len(lines)  # None: was there from the start
        self.removed: list[frozenset[str] | None] = [None] * len(lines)  # None: is there at the end
        self.joint = [False] * len(lines)  # added or removed because all of the fixes were made
        self._ties: list[frozenset[str]] = []

    def advance(self, new: list[bytes], fixes: frozenset[str], *, joint: bool = False) -> None:
        """Record that ``fixes`` turned the present lines into ``new``; see `Step.joint`."""
        if not joint:
            self._ties.append(fixes)
        live = [index for index, gone in enumerate(self.removed) if gone is None]
        for change in reversed(changes([self.lines[index] for index in live], new)):
            if change.new_end > change.new_start:
                self._ties.extend(fixes | rival for rival in self._rivals(live, change))
            for index in live[change.old_start : change.old_end]:
                self.removed[index] = fixes
                self.joint[index] = joint
                if (earlier := self.added[index]) is not None:
                    self._ties.append(earlier | fixes)  # the line between the two fixes is in neither version
            # Directly behind the line above, hence before lines that are gone: edits are anchored to what they follow.
            at = live[change.old_end - 1] + 1 if change.old_end else 0
            lines = new[change.new_start : change.new_end]
            self.lines[at:at] = lines
            self.added[at:at] = [fixes] * len(lines)
            self.removed[at:at] = [None] * len(lines)
            self.joint[at:at] = [joint] * len(lines)

    def _rivals(self, live: list[int], change: Change) -> Iterator[frozenset[str]]:
        """Fixes that removed lines of which nobody can tell whether the new lines of ``change`` go above or below."""
        if (
            change.old_end > change.old_start
        ):  # a replacement: takes the place of what it replaces, if that is one place
            first, end = live[change.old_start], live[change.old_end - 1]
            successor = None
        else:
            first = live[change.old_start - 1] + 1 if change.old_start else 0
            end = live[change.old_end] if change.old_end < len(live) else len(self.lines)
            successor = self.added[end] if end < len(self.lines) else None
        for index in range(first, end):
            rival = self.removed[index]
            # What another fix replaced, and did not just remove, is below the insertion together with its replacement.
            if rival is not None and rival != successor and self.added[index] is None:
                yield rival

    def fixes_at(self, index: int) -> frozenset[str]:
        """The fixes that added or removed this line."""
        return (self.added[index] or frozenset()) | (self.removed[index] or frozenset())

    def ties(self) -> Iterator[frozenset[str]]:
        """Fixes of which none can be had without the others."""
        yield from self._ties
        # A line without a line feed must be the last one in whatever is selected.
        for index, line in enumerate(self.lines):
            if not line.endswith(b"\n"):
                yield frozenset().union(*(self.fixes_at(later) for later in range(index, len(self.lines))))

    def patch_lines(self) -> list[PatchLine]:
        """The whole file as a diff from the first to the last version."""
        result = []
        for line, added, removed, joint in zip(self.lines, self.added, self.removed, self.joint, strict=True):
            if added is None and removed is None:
                result.append(PatchLine(b" ", line))
            elif added is None and removed is not None:
                result.append(PatchLine(b"-", line, removed, joint))
            elif added is not None and removed is None:
                result.append(PatchLine(b"+", line, added, joint))
        return result


def blame(change: FileChange, findings: Mapping[str, Finding]) -> Weave:
    """Attribute the lines of one changed file to fixes.

    ``findings`` (by fingerprint) tell which imports are shared; without them an import belongs to the fix that
    added it.

    Raises:
        UnicodeEncodeError: the encoding of the file cannot express a step.
    """
    weave = Weave(split_lines(change.before.encode(change.before.text)))
    for step in change.steps:
        fixes = frozenset(step.fixes)
        weave.advance(split_lines(change.before.encode(step.text)), fixes, joint=step.joint and len(fixes) > 1)
    if findings:
        _share_imports(weave, change, findings)
    return weave


def join_ties(ties: Iterable[frozenset[str]]) -> tuple[frozenset[str], ...]:
    """Merge ties that have a fix in common; a tie of one fix says nothing and is left out."""
    group: dict[str, frozenset[str]] = {}
    for tie in ties:
        if len(tie) > 1:
            merged = tie.union(*(group.get(fix, ()) for fix in tie))
            group.update(dict.fromkeys(merged, merged))
    return tuple(dict.fromkeys(group.values()))


def _share_imports(weave: Weave, change: FileChange, findings: Mapping[str, Finding]) -> None:
    """Give an added import to every fix that needs it: only the first of them shows in the text."""
    order = [fix for step in change.steps for fix in step.fixes]
    wanted = {fix: dict(_imports(findings[fix], change.path)) for fix in dict.fromkeys(order)}
    for index, line in enumerate(weave.lines):
        adders = weave.added[index]
        if adders is None or weave.removed[index] is not None or weave.joint[index]:
            continue
        statement = line.strip().decode("ascii", "replace")
        bound = next((wanted[fix][statement] for fix in order if fix in adders and statement in wanted[fix]), None)
        if bound is None:
            continue
        later = order[order.index(next(fix for fix in order if fix in adders)) :]
        # A fix of a later pass finds the import in place and asks for nothing: that it adds the name must do.
        sharers = {fix for fix in later if statement in wanted[fix]} | _users(weave, bound).intersection(later)
        for neighbour in _with_blank_lines(weave, index, adders):
            weave.added[neighbour] = adders | sharers


def _imports(finding: Finding, path: str) -> Iterator[tuple[str, str]]:
    """The import statements that a fix asks for in ``path``, each with the name that it binds."""
    for edit in finding.fix.edits if finding.fix else ():
        if isinstance(edit, EnsureImport) and edit.path == path:
            alias = f" as {edit.asname}" if edit.asname else ""
            if edit.name is None:
                yield f"import {edit.module}{alias}", edit.asname or edit.module.partition(".")[0]
            else:
                yield f"from {edit.module} import {edit.name}{alias}", edit.asname or edit.name


def _users(weave: Weave, name: str) -> set[str]:
    """The fixes that added a line, other than an import, in which ``name`` occurs as a word."""
    word = re.compile(rb"(?!\s*(?:import|from)\s).*\b%s\b" % re.escape(name.encode()))
    return {
        fix
        for line, added, removed in zip(weave.lines, weave.added, weave.removed, strict=True)
        if added is not None and removed is None and word.match(line)
        for fix in added
    }


def _with_blank_lines(weave: Weave, index: int, adders: frozenset[str]) -> Iterator[int]:
    """``index``, and the blank lines around it that came with it."""
    yield index
    for step in (-1, 1):
        neighbour = index + step
        while 0 <= neighbour < len(weave.lines) and weave.added[neighbour] == adders:
            if weave.removed[neighbour] is not None or weave.lines[neighbour].strip():
                break
            yield neighbour
            neighbour += step
