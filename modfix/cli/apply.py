"""`modfix apply`: fix what can be fixed, in memory; then write it, or the patch that would do it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modfix.cli import common, verification, verified
from modfix.cli.border import ExitCode, UserError, border, say
from modfix.cli.verification import VerdictFormat

if TYPE_CHECKING:
    from modfix.cli.target import Target
    from modfix.model.finding import Finding
    from modfix.model.result import ApplyResult
    from modfix.report.sources import Sources
    from modfix.verify.rollback import Kept
    from modfix.verify.session import Settings

Diff = Annotated[bool, typer.Option("--diff", help="Print the patch on stdout and write nothing.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="Write the patch to this file, with an index for `modfix patch`, and write nothing else.",
        show_default=False,
    ),
]
UnsafeFixes = Annotated[
    bool | None,
    typer.Option(
        "--unsafe-fixes/--no-unsafe-fixes",
        help="Also make fixes that may change behaviour. A refused fix stays refused.  [default: no]",
        show_default=False,
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify", help="Run both versions, and make only the fixes that were proved: see `modfix verify --help`."
    ),
]
AllowDirty = Annotated[bool, typer.Option("--allow-dirty", help="Also write files with uncommitted changes.")]


@dataclass(frozen=True, slots=True)
class _Sink:
    """Where the result goes."""

    diff: bool  # the patch, to stdout
    output: Path | None  # the patch, to a file
    stdin: bool  # the source came from standard input, and goes to stdout unless a patch is wanted
    report: VerdictFormat

    @property
    def patch(self) -> bool:
        """Whether a patch is wanted in place of changed files."""
        return self.diff or self.output is not None

    @property
    def stdout_taken(self) -> bool:
        """Whether stdout gets something else than statistics."""
        return self.diff or self.report is not VerdictFormat.TEXT or (self.stdin and not self.patch)


@border
def apply(  # noqa: PLR0913, PLR0917  # one parameter per option
    paths: common.Paths = None,
    codemod: common.CodemodNames = None,
    diff: Diff = False,
    output: Output = None,
    unsafe_fixes: UnsafeFixes = None,
    allow_dirty: AllowDirty = False,
    statistics: common.Statistics = False,
    output_format: verification.Format = VerdictFormat.TEXT,
    exclude: common.Exclude = None,
    stdin_filename: common.StdinFilename = None,
    jobs: common.Jobs = None,
    no_cache: common.NoCache = False,
    exit_zero: common.ExitZero = False,
    verify: Verify = False,
    model: verification.Models = None,
    input_: verification.Inputs = None,
    kwarg: verification.Keywords = None,
    cases: verification.Cases = None,
    tests: verification.Tests = None,
    run: verification.Run = None,
    python: verification.Python = None,
    device: verification.DeviceName = None,
    allow: verification.Allow = None,
    allow_close: verification.AllowClose = None,
    allow_unverified: verification.AllowUnverified = None,
    time_limit: verification.TimeLimit = None,
    compilers: verification.Compilers = None,
) -> ExitCode:
    """Make the safe fixes, or a patch of them.

    All files are written, or none; `modfix undo` takes them back.

    \b
    Exit codes:
      0  every wanted fix was made, or there was none
      1  a wanted fix is left, or a patch was made in place of changes
      2  wrong usage (also: uncommitted changes), or a bug of modfix or of a codemod
      3  with --verify: a fix made a difference, and was not made

    With `-` as the path the source comes from stdin, and the fixed source goes to stdout.
    """
    from modfix.cli.target import locate
    from modfix.model.finding import Applicability

    target = locate(paths or (), exclude=exclude or (), stdin_filename=stdin_filename)
    sink = _Sink(diff, output, target.stdin is not None, output_format)
    if output_format is not VerdictFormat.TEXT and replace(sink, report=VerdictFormat.TEXT).stdout_taken:
        name = "JSON" if output_format is VerdictFormat.JSON else "Markdown"
        raise UserError(
            f"{name} cannot go to stdout together with a patch or with fixed source; `-o` puts a patch elsewhere"
        )
    if output_format is VerdictFormat.MARKDOWN and not verify:
        raise UserError("`--output-format markdown` reports verdicts: it needs `--verify`")
    request = verification.Request(
        models=model,
        inputs=input_,
        keywords=kwarg,
        cases=cases,
        tests=tests,
        run=run,
        python=python,
        device=device,
        allow=allow,
        allow_close=allow_close,
        allow_unverified=allow_unverified,
        time_limit=time_limit,
        compilers=compilers,
    )
    chosen = _what_to_verify(target, request, verify=verify)
    session = common.prepare(target, codemod, jobs=jobs, cache=not no_cache)
    wants_unsafe = target.config.unsafe_fixes if unsafe_fixes is None else unsafe_fixes
    required = Applicability.UNSAFE if wants_unsafe else Applicability.SAFE
    kept = None if chosen is None else verified.apply_verified(session, required, chosen)
    result = session.apply(required) if kept is None else kept.applied
    _deliver(target, result, sink, allow_dirty=allow_dirty)
    rolled_back = kept.rolled_back if kept is not None else ()
    wanted = [f for f in result.final.fixable if f.fix is not None and f.fix.applicability.allowed_at(required)]
    left = [finding for finding in wanted if finding.fingerprint not in rolled_back]
    _report(target, result, sink, left, kept, statistics=statistics)
    code = common.exit_code(
        result.final, left=bool(wanted) or (sink.patch and bool(result.changes)), exit_zero=exit_zero
    )
    if kept is None or chosen is None or code is ExitCode.ERROR:
        return code
    return max(code, verification.exit_code(kept.result, chosen, exit_zero=exit_zero))


def _what_to_verify(target: Target, request: verification.Request, *, verify: bool) -> Settings | None:
    if not verify:
        if request.given:
            raise UserError(f"`{request.given[0]}` needs `--verify`")
        return None
    if target.stdin is not None:
        raise UserError("`--verify` runs the code, so it needs files, not standard input")
    return verification.settings(target.root, target.config.verify, request)


def _deliver(target: Target, result: ApplyResult, sink: _Sink, *, allow_dirty: bool) -> None:
    """Bring the changes to where they belong: a patch, stdout, or the files."""
    if sink.patch:
        _deliver_patch(result, sink)
    elif target.stdin is not None:
        (text,) = [change.after for change in result.changes] or [target.stdin.text]
        common.write_bytes(target.stdin.encode(text))
    else:
        _write(target, result, allow_dirty=allow_dirty)


def _deliver_patch(result: ApplyResult, sink: _Sink) -> None:
    from modfix.patch.diff import unified_diff

    if sink.diff:
        common.write_bytes(unified_diff(result.changes, None))
    if sink.output is None:
        return
    # A file is for later: it gets the index by which `modfix patch` tells the fixes apart. `git apply` passes over it.
    patch = unified_diff(result.changes, {finding.fingerprint: finding for finding in result.applied})
    try:
        sink.output.write_bytes(patch)
    except OSError as error:
        raise UserError(f"cannot write `{sink.output}`: {error.strerror}") from error


def _write(target: Target, result: ApplyResult, *, allow_dirty: bool) -> None:
    from modfix.source import vcs, writer

    changes = {change.path: change for change in result.changes}
    try:
        dirty = frozenset() if allow_dirty else vcs.dirty(target.root, changes)
        if dirty:
            files = "".join(f"\n  {target.shown_path(path)}" for path in sorted(dirty))
            raise UserError(
                "nothing was written, because these files have uncommitted changes; commit or stash them, or pass "
                f"--allow-dirty:{files}"
            )
        report = writer.write(
            target.root,
            {
                path: (change.before.encode(change.before.text), change.before.encode(change.after))
                for path, change in changes.items()
            },
        )
    except (vcs.GitError, writer.WriteError) as error:
        raise UserError(str(error)) from error
    if report.refused:
        files = "".join(f"\n  {target.shown_path(item.path)}: {item.reason}" for item in report.refused)
        raise UserError(f"nothing was written, because of:{files}")


def _report(  # noqa: PLR0913  # all that there is to tell
    target: Target, result: ApplyResult, sink: _Sink, left: list[Finding], kept: Kept | None, *, statistics: bool
) -> None:
    from modfix.report.statistics import by_codemod, table

    sources = _changed_sources(target, result)
    if sink.report is VerdictFormat.MARKDOWN and kept is not None:
        from modfix.report import markdown

        sys.stdout.write(markdown.verify_report(kept.result))
    if sink.report is VerdictFormat.JSON:
        from modfix.report.json import apply_report

        sys.stdout.write(apply_report(result, sources, root=str(target.root), complete=target.complete, kept=kept))
    text = common.conversation(target, sources)
    if not sink.diff:
        for finding in result.applied:
            say(text.one_line(finding))
    if kept is not None:
        verified.say_verdicts(kept, colour=common.wants_colour(sys.stderr))
    if left:
        say("These could not be fixed:")
    for finding in left:
        for line in text.finding(finding):
            say(line)
    if statistics:
        everything = (*result.applied, *result.final.findings)
        print(table(by_codemod(everything)), end="", file=sys.stderr if sink.stdout_taken else sys.stdout)
    common.say_aftermath(text, result.final)
    for line in _summary(target, result, sink):
        say(line)


def _changed_sources(target: Target, result: ApplyResult) -> Sources:
    """The texts as they are now, or would be."""
    from modfix.report.sources import Sources

    changed = {change.path: replace(change.before, text=change.after) for change in result.changes}
    return Sources(lambda path: changed.get(path) or target.tree.read(path))


def _summary(target: Target, result: ApplyResult, sink: _Sink) -> list[str]:
    from modfix.report.statistics import total
    from modfix.report.text import number

    counts = total(result.final.findings)
    files = number(len(result.changes), "file")
    if not result.applied:
        lines = [f"Nothing to fix in {number(result.final.files, 'file')}."]
    elif sink.patch:
        where = "" if sink.output is None else f"; the patch is in {sink.output}"
        lines = [f"Would apply {number(len(result.applied), 'fix', 'fixes')} in {files}{where}."]
    elif sink.stdin:
        lines = [f"Applied {number(len(result.applied), 'fix', 'fixes')}."]
    else:
        undo = common.command_for("undo", target.root)
        lines = [f"Applied {number(len(result.applied), 'fix', 'fixes')} in {files} (`{undo}` takes them back)."]
    rest = {"unsafe (`--unsafe-fixes`)": counts.unsafe, "only shown": counts.display, "refused": counts.refused}
    if any(rest.values()):
        numbers = ", ".join(f"{count} {kind}" for kind, count in rest.items() if count)
        lines.append(f"Left alone: {numbers}; `modfix check --show-refused` says why.")
    return lines
