"""`modfix check`: say what there is to migrate, and change nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from modfix.cli import common
from modfix.cli.border import ExitCode, border, say
from modfix.cli.common import OutputFormat

if TYPE_CHECKING:
    from modfix.cli.target import Target
    from modfix.model.result import CheckResult

ShowRefused = Annotated[
    bool, typer.Option("--show-refused", help="List what was refused a fix, with the reason, and files not read.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 also when a fix was refused.")]


@border
def check(  # noqa: PLR0913, PLR0917  # one parameter per option
    paths: common.Paths = None,
    codemod: common.CodemodNames = None,
    show_refused: ShowRefused = False,
    strict: Strict = False,
    statistics: common.Statistics = False,
    output_format: common.Format = OutputFormat.TEXT,
    exclude: common.Exclude = None,
    stdin_filename: common.StdinFilename = None,
    jobs: common.Jobs = None,
    no_cache: common.NoCache = False,
    exit_zero: common.ExitZero = False,
) -> ExitCode:
    """Show what can be migrated, and change nothing.

    \b
    Exit codes:
      0  there is nothing to fix
      1  something has a fix: safe, unsafe, or only shown
      2  wrong usage, or a bug of modfix or of a codemod

    What was refused a fix is counted, and fails the run with --strict only.
    """
    from modfix.cli.target import locate

    target = locate(paths or (), exclude=exclude or (), stdin_filename=stdin_filename)
    session = common.prepare(target, codemod, jobs=jobs, cache=not no_cache)
    result = session.check()
    _report(target, result, output_format, statistics=statistics, show_refused=show_refused or strict)
    left = bool(result.fixable) or (strict and bool(result.refusals))
    return common.exit_code(result, left=left, exit_zero=exit_zero)


def _report(
    target: Target, result: CheckResult, output_format: OutputFormat, *, statistics: bool, show_refused: bool
) -> None:
    from modfix.report.sources import Sources
    from modfix.report.statistics import by_codemod, table
    from modfix.report.text import Text, summary

    sources = Sources(target.tree.read)
    if output_format is OutputFormat.JSON:
        from modfix.report.json import check_report

        sys.stdout.write(check_report(result, sources, root=str(target.root), complete=target.complete))
    elif statistics:
        sys.stdout.write(table(by_codemod(result.findings)) if result.findings else "")
    else:
        text = Text(sources, shown_path=target.shown_path, colour=common.wants_colour(sys.stdout))
        for finding in result.findings if show_refused else result.fixable:
            for line in text.finding(finding):
                print(line)
    sys.stdout.flush()  # before the conversation, where both are one terminal
    common.say_aftermath(common.conversation(target), result, show_refused=show_refused)
    say(summary(result.findings, result.files))
    for line in _hints(result, show_refused=show_refused):
        say(line)


def _hints(result: CheckResult, *, show_refused: bool) -> list[str]:
    """What to do next."""
    from modfix.report.statistics import total
    from modfix.report.text import number

    counts = total(result.findings)
    hints = []
    if counts.safe:
        hints.append(f"{counts.safe} can be fixed with `modfix apply` (`--diff` shows the patch).")
    if counts.unsafe:
        hints.append(f"{counts.unsafe} can be fixed with `modfix apply --unsafe-fixes`: look at the patch before.")
    if result.suppressed:
        hints.append(f"{number(result.suppressed, 'finding')} silenced by comments.")
    if result.refused_files:
        hints.append(f"{number(len(result.refused_files), 'file was', 'files were')} not read.")
    if (counts.refused or result.refused_files) and not show_refused:
        hints.append("`modfix check --show-refused` says what was left alone, and why.")
    return hints
