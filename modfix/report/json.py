"""The report for programs, as one JSON object. Its schema has a version; within one version keys are only added.

    version     1
    modfix      version of modfix
    root        absolute path of the project; all other paths are relative to it, with forward slashes
    complete    whether all files of the project were read; if not, less can be fixed
    files       number of files read
    suppressed  number of findings silenced by comments
    findings    what there is to say, sorted by path and position; after `apply`, what is left
    applied     findings whose fix was applied, in that order (`apply` only)
    changed     paths of changed files (`apply` only)
    statistics  codemod -> {safe, unsafe, display, refused: {kind: number}}, of ``findings``
    refused_files        [{path, reason}]: files that were not read
    unused_suppressions  [{path, line, column, codemods}]: comments that silence nothing; no codemods means all
    errors               [{message, codemod, path}]: bugs of modfix or of a codemod; codemod and path may be null

A finding is {codemod, path, line, column, end_line, end_column, subject, message, fingerprint, fix, refusal}; exactly
one of fix and refusal is not null. A fix is {title, applicability, note}, with an applicability of "safe", "unsafe" or
"display" and a note that may be null. A refusal is {kind, reason, blocker}, with a blocker of {path, line, column} or
null. Lines and columns are 1-based, columns count characters. The end is exclusive; it is null where the file cannot be
read again, and in ``applied``, whose lines are those of the moment. The fingerprint stays when lines move.

The report of `verify` has ``version``, ``modfix`` and:

    outcome      the worst verdict: proved, identical, close, unverified or different
    verdicts     [{case, outcome, reason, rung, operators, checks: [CHECK], modulo: [MODULO], divergence, listed}]
    fixes        [{finding, outcome, reason, cases, modulo: [MODULO], divergence, not_executed: ["SIDE:PATH:LINE"]}]
    environment  {python, torch, device, threads, rules}
    command      reproduces the run

A CHECK is {name, outcome, detail}. A MODULO is {kind, detail, declared_by}: a difference that a codemod declares, or
that the user allows (``--allow``). A divergence is {item, before, after} or null, a side of it {operator, module, path,
line, node} or null. The finding of a change that no codemod made has the codemod "change". After `apply --verify` the
report of `apply` has, beside ``applied``, ``rolled_back`` (fingerprints) and ``verification``: what `verify` reports.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeAlias

import modfix
from modfix.model.finding import Finding
from modfix.model.result import ApplyResult, CheckResult
from modfix.model.span import Location
from modfix.model.verdict import FixVerdict, Verdict, VerifyResult
from modfix.report.sources import Lines, Sources
from modfix.report.statistics import by_codemod

if TYPE_CHECKING:
    from modfix.verify.rollback import Kept

Json: TypeAlias = "Mapping[str, object]"

SCHEMA_VERSION = 1


def check_report(result: CheckResult, sources: Sources, *, root: str, complete: bool) -> str:
    """The report of a `check`. ``sources`` reads the texts that the findings are about."""
    return _dump(_document(result, sources, root, complete))


def apply_report(result: ApplyResult, sources: Sources, *, root: str, complete: bool, kept: Kept | None = None) -> str:
    """The report of an `apply`. ``sources`` reads the changed texts; ``kept`` is what `--verify` came to."""
    document = dict(_document(result.final, sources, root, complete))
    document["applied"] = [_finding(finding, None) for finding in result.applied]
    document["changed"] = [change.path for change in result.changes]
    if kept is not None:
        document["rolled_back"] = list(kept.rolled_back)
        document["verification"] = verification(kept.result)
    return _dump(document)


def verify_report(result: VerifyResult) -> str:
    """The report of a `verify`."""
    return _dump({"version": SCHEMA_VERSION, "modfix": modfix.__version__, **verification(result)})


def verification(result: VerifyResult) -> Json:
    """The part of a report that is about verdicts."""
    return {
        "outcome": result.outcome.value,
        "verdicts": [_verdict(verdict) for verdict in result.verdicts],
        "fixes": [_fix_verdict(fix) for fix in result.fixes],
        "environment": asdict(result.environment),
        "command": result.command,
    }


def _verdict(verdict: Verdict) -> Json:
    return {
        **_evidence(verdict),
        "case": verdict.case,
        "rung": verdict.rung,
        "operators": verdict.operators,
        "checks": [
            {"name": check.name, "outcome": check.outcome.value, "detail": check.detail} for check in verdict.checks
        ],
        "listed": list(verdict.listed),
    }


def _fix_verdict(fix: FixVerdict) -> Json:
    return {
        **_evidence(fix),
        "finding": _finding(fix.finding, None),
        "cases": list(fix.cases),
        "not_executed": list(fix.not_executed),
    }


def _evidence(about: Verdict | FixVerdict) -> Json:
    return {
        "outcome": about.outcome.value,
        "reason": about.reason,
        "modulo": [asdict(modulo) for modulo in about.modulo],
        "divergence": about.divergence and asdict(about.divergence),
    }


def _document(result: CheckResult, sources: Sources, root: str, complete: bool) -> Json:
    return {
        "version": SCHEMA_VERSION,
        "modfix": modfix.__version__,
        "root": root,
        "complete": complete,
        "files": result.files,
        "suppressed": result.suppressed,
        "findings": [_finding(finding, sources.lines(finding.location.path)) for finding in result.findings],
        "statistics": {
            codemod: {
                "safe": counts.safe,
                "unsafe": counts.unsafe,
                "display": counts.display,
                "refused": dict(sorted(counts.by_refusal.items())),
            }
            for codemod, counts in by_codemod(result.findings).items()
        },
        "refused_files": [{"path": refused.path, "reason": refused.reason} for refused in result.refused_files],
        "unused_suppressions": [
            {**_location(unused.location), "codemods": list(unused.names)} for unused in result.unused_suppressions
        ],
        "errors": [{"message": error.message, "codemod": error.codemod, "path": error.path} for error in result.errors],
    }


def _finding(finding: Finding, lines: Lines | None) -> Json:
    fix, refusal = finding.fix, finding.refusal
    end_line, end_column = (None, None) if lines is None else lines.position(finding.span.end)
    return {
        "codemod": finding.codemod,
        **_location(finding.location),
        "end_line": end_line,
        "end_column": end_column,
        "subject": finding.subject,
        "message": finding.message,
        "fingerprint": finding.fingerprint,
        "fix": fix and {"title": fix.title, "applicability": fix.applicability.name.lower(), "note": fix.note},
        "refusal": refusal
        and {
            "kind": refusal.kind,
            "reason": refusal.reason,
            "blocker": refusal.blocker and _location(refusal.blocker),
        },
    }


def _location(location: Location) -> Json:
    return {"path": location.path, "line": location.line, "column": location.column}


def _dump(document: Json) -> str:
    # ASCII, so that neither the locale nor a file name that is not UTF-8 can break it.
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"
