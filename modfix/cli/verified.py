"""`modfix apply --verify`: make fixes, run both versions, and keep what was proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modfix.cli import verification
from modfix.cli.border import say

if TYPE_CHECKING:
    from modfix.cli.common import Session
    from modfix.model.finding import Applicability
    from modfix.model.result import ApplyResult
    from modfix.verify.attribution import Change
    from modfix.verify.rollback import Kept
    from modfix.verify.session import Settings


def apply_verified(session: Session, required: Applicability, chosen: Settings) -> Kept:
    """Apply, in memory, the fixes that are at least ``required`` and whose verdict is good enough.

    Raises:
        UserError: nothing can be run here.
    """
    from dataclasses import replace

    from modfix.model.verdict import VerifyResult
    from modfix.verify.rollback import Attempt, keep

    root = session.target.root
    with verification.session(chosen) as running:
        before = running.folder(root)

        def attempt(left_out: frozenset[str], only: str) -> Attempt:
            applied = session.apply(
                required, accept=lambda finding: finding.fingerprint not in left_out, progress=running.progress
            )
            change = _change(applied)
            if not applied.changes:
                return Attempt(applied, change, (), VerifyResult((), (), running.environment))
            overlay = {one.path: one.before.encode(one.after) for one in applied.changes}
            after = running.folder(root, overlay)
            declared = verification.declared(session.codemods, applied.applied)
            cases, result = running.compare(before, after, change, declared=declared, only=only)
            running.forget(after)
            return Attempt(applied, change, cases, result)

        kept = keep(attempt, chosen.acceptable)
    return replace(kept, result=replace(kept.result, command=verification.command_line()))


def say_verdicts(kept: Kept, *, colour: bool) -> None:
    """The verdicts, as conversation."""
    from modfix.report.text import number
    from modfix.report.verdicts import VerdictText, summary

    for line in VerdictText(colour=colour).report(kept.result):
        say(line)
    say(summary(kept.result))
    if kept.rolled_back:
        fixes = number(len(kept.rolled_back), "fix was", "fixes were")
        say(f"{fixes} rolled back: DIFFERENT, or not verified well enough (`--allow-unverified`, `--allow-close`).")


def _change(applied: ApplyResult) -> Change:
    from modfix.patch.diff import make_patch
    from modfix.verify.attribution import change_of_fixes

    findings = {finding.fingerprint: finding for finding in applied.applied}
    before = {change.path: change.before.text for change in applied.changes}
    after = {change.path: change.after for change in applied.changes}
    return change_of_fixes(make_patch(applied.changes, findings), applied.applied, before, after)
