"""`modfix explain`: the manual of a codemod, or everything there is to say about one class."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modfix.cli import common
from modfix.cli.border import ExitCode, UserError, border, say

if TYPE_CHECKING:
    from modfix.engine.codemod import Codemod
    from modfix.model.finding import Finding

What = Annotated[
    str, typer.Argument(metavar="NAME|FILE:CLASS", help="A codemod; or a class or `Class.attribute` of a file.")
]


@border
def explain(
    what: What,
    codemod: common.CodemodNames = None,
    no_cache: common.NoCache = False,
) -> ExitCode:
    """Explain a codemod, or what is said about a class.

    \b
      modfix explain identity
      modfix explain models/resnet.py:BasicBlock
      modfix explain models/resnet.py:BasicBlock.downsample
    """
    file, colon, subject = what.rpartition(":")
    if colon and subject:
        _explain_class(Path(file), subject, codemod, cache=not no_cache)
    elif Path(what).suffix == ".py":
        raise UserError(
            f"which class of `{what}`? `modfix explain {what}:CLASS`, or `modfix check --show-refused {what}`"
        )
    else:
        _explain_codemod(what)
    return ExitCode.OK


def _explain_codemod(name: str) -> None:
    from modfix.engine.registry import UnknownCodemodError, manual

    try:
        (cls,) = common.load_registry().resolve([name])
    except UnknownCodemodError as error:
        raise UserError(str(error)) from error
    print(f"{cls.name} ({cls.stability.value}): {cls.summary}\n")
    print(manual(cls))
    options = list(_options(cls))
    if options:
        print(f"\nOptions, in [tool.modfix.{cls.name}] of pyproject.toml\n")
        print("\n".join(options))


def _options(codemod: type[Codemod]) -> Iterator[str]:
    from modfix.config import option_lines

    return (f"    {line}" for line in option_lines(codemod))


def _explain_class(file: Path, subject: str, names: list[str] | None, *, cache: bool) -> None:
    from modfix.cli.target import locate
    from modfix.report.sources import Sources
    from modfix.report.text import Text

    target = locate([file])
    if file.is_dir():
        raise UserError(f"`{file}` is a folder; name one file")
    result = common.prepare(target, names, cache=cache).check()
    findings = [finding for finding in result.findings if _concerns(finding, subject)]
    if not findings:
        _check_subject(file, subject)
    text = Text(Sources(target.tree.read), shown_path=target.shown_path, colour=common.wants_colour(sys.stdout))
    for finding in findings:
        for line in text.finding(finding):
            print(line)
        if (title := text.fix_title(finding)) is not None:
            print(title)
    sys.stdout.flush()
    common.say_aftermath(common.conversation(target), result, show_refused=True)
    if not findings:
        say(f"There is nothing to say about `{subject}`.")
    if result.suppressed:
        say("Comments in this file silence findings, which are not shown.")


def _concerns(finding: Finding, subject: str) -> bool:
    """Whether a finding is about ``subject`` or something inside it."""
    return finding.subject == subject or finding.subject.startswith(f"{subject}.")


def _check_subject(file: Path, subject: str) -> None:
    """Raise `UserError` if the file has no class to which ``subject`` can belong."""
    from modfix.config import did_you_mean

    try:
        classes = sorted(_classes(ast.parse(file.read_bytes())))
    except (SyntaxError, ValueError, RecursionError):
        return  # the report says so
    if not any(subject == name or subject.startswith(f"{name}.") for name in classes):
        suggestion = did_you_mean(subject, classes, quote="`") or f"; it has: {', '.join(classes) or 'none'}"
        raise UserError(f"`{file}` has no class `{subject}`{suggestion}")


def _classes(tree: ast.AST, prefix: str = "") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield prefix + node.name
            yield from _classes(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _classes(node, f"{prefix}{node.name}.<locals>.")
        else:
            yield from _classes(node, prefix)
