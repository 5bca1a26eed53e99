"""`modfix verify`: run two versions of a project and say whether they compute the same."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modfix.cli import common, verification
from modfix.cli.border import ExitCode, UserError, border, say

if TYPE_CHECKING:
    from modfix.model.verdict import VerifyResult
    from modfix.report.sources import Sources
    from modfix.verify.attribution import Change
    from modfix.verify.session import Session
    from modfix.verify.trees import Tree


Repository = Annotated[
    Path | None, typer.Argument(metavar="[REPO]", help="Folder of the project.  [default: .]", show_default=False)
]
Before = Annotated[
    str, typer.Option(metavar="VERSION", help="A git revision, or a folder.  [default: HEAD]", show_default=False)
]
After = Annotated[
    str | None,
    typer.Option(metavar="VERSION", help="The same.  [default: the files as they are now]", show_default=False),
]
SelfTest = Annotated[
    bool, typer.Option("--self-test", help="Put the verifier itself to the test, with changes of known verdict.")
]


@border
def verify(  # noqa: PLR0913, PLR0917  # one parameter per option
    repository: Repository = None,
    before: Before = "HEAD",
    after: After = None,
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
    explain_diff: verification.ExplainDiff = False,
    output_format: verification.Format = verification.VerdictFormat.TEXT,
    exit_zero: common.ExitZero = False,
    self_test: SelfTest = False,
) -> ExitCode:
    """Run two versions of a project, and prove that they compute the same.

    Models run in worker processes, in copies of both versions, with the project's own interpreter. What
    `[tool.modfix.verify]` names is run unless `--model`, `--cases`, `--tests` or `--run` does.

    \b
    Exit codes:
      0  everything is PROVED or IDENTICAL
      1  something is CLOSE or UNVERIFIED, and that is not allowed
      2  wrong usage, or a bug of modfix
      3  something is DIFFERENT
    """
    from modfix.cli.target import load_config

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
    if self_test:
        return _run_self_test(python, device.value if device else "auto")
    root = _root(repository)
    chosen = verification.settings(root, load_config(root).verify, request)
    with verification.session(chosen) as session:
        trees = _version(session, root, before), _version(session, root, after)
        change = change_between(*trees)
        _, result = session.compare(*trees, change)
        print_verdicts(
            replace(result, command=verification.command_line()), output_format, _sources(*trees), explain=explain_diff
        )
        say_versions(*trees)
    return verification.exit_code(result, chosen, exit_zero=exit_zero)


def say_versions(before: Tree, after: Tree) -> None:
    """What was compared, and what a copy lacks."""
    say(f"Compared {before.name} with {after.name}.")
    for tree in (before, after):
        for path, reason in tree.notes:
            say(f"{tree.name}: {path}: {reason}")


def print_verdicts(
    result: VerifyResult, output_format: verification.VerdictFormat, sources: tuple[Sources, Sources], *, explain: bool
) -> None:
    """The verdicts on stdout, and one line that sums them up on stderr."""
    from modfix.report.verdicts import VerdictText, summary

    if output_format is verification.VerdictFormat.JSON:
        from modfix.report.json import verify_report

        sys.stdout.write(verify_report(result))
    elif output_format is verification.VerdictFormat.MARKDOWN:
        from modfix.report import markdown

        sys.stdout.write(markdown.verify_report(result))
    else:
        text = VerdictText(before=sources[0], after=sources[1], colour=common.wants_colour(sys.stdout))
        for line in text.report(result, explain=explain):
            print(line)
    sys.stdout.flush()  # before the conversation, where both are one terminal
    say(summary(result))


def _run_self_test(python: Path | None, device: str) -> ExitCode:
    """Say of each pair of the self-test whether it came out right."""
    from modfix.verify.selftest import CASES, self_test
    from modfix.verify.session import Settings

    wrong = 0
    with verification.session(Settings(CASES, python, device)) as session:
        for pair, fault in self_test(session):
            wrong += bool(fault)
            print(f"wrong  {pair.name}: {fault}" if fault else f"right  {pair.name}", flush=True)
    if wrong:
        say(f"{wrong} verdicts are wrong: `modfix verify` cannot be relied on here; please report this")
        return ExitCode.ERROR
    say("All verdicts are as they have to be.")
    return ExitCode.OK


def _root(repository: Path | None) -> Path:
    """The folder that was named, or else the project around the current one."""
    from modfix.source.discover import find_root

    if repository is None:
        return find_root(Path())[0]
    if not repository.is_dir():
        raise UserError(f"`{repository}` is no folder; name the folder of the project")
    return repository.resolve()


def _version(session: Session, root: Path, version: str | None) -> Tree:
    """A copy of one version: None is the project as it is now."""
    if version is None:
        return session.folder(root)
    if Path(version).is_dir():
        return session.folder(Path(version))
    return session.revision(root, version)


def change_between(before: Tree, after: Tree) -> Change:
    """What differs in the Python files of two versions, divided by class."""
    from modfix.model.result import FileChange, Step
    from modfix.model.source import SourceFile
    from modfix.patch.diff import make_patch
    from modfix.verify.attribution import change_by_hand

    texts = _changed_texts(before.root, after.root)
    changes = [FileChange(SourceFile(path, old), (Step(("change",), new),)) for path, (old, new) in texts.items()]
    return change_by_hand(
        make_patch(changes, {}),
        {path: old for path, (old, _) in texts.items()},
        {path: new for path, (_, new) in texts.items()},
    )


def _changed_texts(before: Path, after: Path) -> dict[str, tuple[str, str]]:
    """Path -> text before and after; empty where there is no such file, or none that Python could read."""
    paths = {path.relative_to(root).as_posix() for root in (before, after) for path in root.rglob("*.py")}
    changed = {}
    for path in sorted(paths):
        old, new = (_bytes(root / path) for root in (before, after))
        if old != new:
            changed[path] = (_text(path, old), _text(path, new))
    return changed


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _text(path: str, data: bytes) -> str:
    from modfix.model.source import SourceFile
    from modfix.source import document

    source = document.decode(path, data)
    return source.text if isinstance(source, SourceFile) else ""


def _sources(before: Tree, after: Tree) -> tuple[Sources, Sources]:
    from modfix.report.sources import Sources
    from modfix.source.tree import DiskTree

    return Sources(DiskTree(before.root, ()).read), Sources(DiskTree(after.root, ()).read)
