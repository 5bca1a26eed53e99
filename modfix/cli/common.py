"""Options that several commands share, and what they all do before and after the engine runs."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modfix.cli.border import ExitCode, UserError, say

if TYPE_CHECKING:
    from modfix.cli.target import Target
    from modfix.engine.cache import FactsCache
    from modfix.engine.codemod import Codemod
    from modfix.engine.registry import Registry
    from modfix.engine.run import Progress
    from modfix.model.finding import Applicability, Finding
    from modfix.model.result import ApplyResult, CheckResult
    from modfix.model.source import Refused
    from modfix.report.sources import Sources
    from modfix.report.text import Text

# Commands import what they need when they run: `modfix --help` and shell completion load no engine.


class OutputFormat(str, Enum):
    """How a result is printed on stdout."""

    TEXT = "text"
    JSON = "json"


def complete_codemod(incomplete: str) -> list[str]:
    """Shell completion of ``--codemod``, also behind a comma."""
    from modfix.engine import registry

    head, comma, start = incomplete.rpartition(",")
    return [head + comma + name for name in (*registry.load().codemods, registry.ALL) if name.startswith(start)]


Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="Files or folders; `-` is stdin.  [default: .]", show_default=False),
]
CodemodNames = Annotated[
    list[str] | None,
    typer.Option(
        "--codemod",
        metavar="NAME",
        help="What to run: names, comma-separated or repeated, or `all`.  [default: all]",
        autocompletion=complete_codemod,
        show_default=False,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Leave out what matches, in .gitignore syntax.", show_default=False),
]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Number of processes.  [default: one per core]", show_default=False),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither read nor write the cache of facts about files.")]
StdinFilename = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="The place of standard input in its project.", show_default=False),
]
Format = Annotated[OutputFormat, typer.Option("--output-format", help="How to print the result.")]
Statistics = Annotated[bool, typer.Option("--statistics", help="Print counts by codemod and kind of refusal.")]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 where it would be 1.")]


@dataclass(frozen=True, slots=True)
class Session:
    """A target with the codemods and settings to run on it."""

    target: Target
    codemods: tuple[Codemod, ...]
    known: tuple[str, ...]  # names of all codemods that exist, run or not
    jobs: int
    cache: FactsCache | None

    def check(self) -> CheckResult:
        """Run the codemods and change nothing."""
        from modfix.cli.progress import progress_bar
        from modfix.engine import run

        with progress_bar() as progress:
            result = run.check(
                self.target.tree,
                self.codemods,
                scope=self.target.scope,
                complete=self.target.complete,
                known=self.known,
                jobs=self.jobs,
                cache=self.cache,
                progress=progress,
            )
        return _with_refused(result, self.target.refused)

    def apply(
        self,
        required: Applicability,
        *,
        accept: Callable[[Finding], bool] | None = None,
        progress: Progress | None = None,
    ) -> ApplyResult:
        """Run the codemods and apply, in memory, the fixes that are at least ``required`` and that ``accept`` takes.

        ``progress`` is for a caller who has a progress bar already.
        """
        from modfix.cli.progress import progress_bar
        from modfix.engine import run

        with nullcontext(progress) if progress is not None else progress_bar() as bar:
            result = run.apply(
                self.target.tree,
                self.codemods,
                required=required,
                accept=accept,
                scope=self.target.scope,
                complete=self.target.complete,
                known=self.known,
                jobs=self.jobs,
                cache=self.cache,
                progress=bar,
            )
        return replace(result, final=_with_refused(result.final, self.target.refused))


def prepare(target: Target, codemods: Sequence[str] | None, *, jobs: int | None = None, cache: bool = True) -> Session:
    """Put together what a run needs; what the command line leaves open (None) comes from the configuration.

    Raises:
        UserError: there is no codemod of a given name, or its options are wrong.
    """
    from modfix import config
    from modfix.config import ConfigError
    from modfix.engine.cache import FactsCache, default_folder
    from modfix.engine.registry import UnknownCodemodError

    registry = load_registry()
    names = (*registry.codemods, *(broken.name for broken in registry.broken))
    try:
        config.check_tables(target.config, names)
        classes = registry.resolve(codemods or target.config.codemods)
        instances = tuple(config.build(classes, target.config))
    except (ConfigError, UnknownCodemodError) as error:
        raise UserError(str(error)) from error
    if not instances:
        raise UserError("there is no codemod to run; `modfix codemods` lists what is installed")
    if not target.complete:
        say("the rest of the project is unknown, so fixes that depend on it are only shown")
    wants_cache = cache and target.config.cache and target.complete
    return Session(
        target,
        instances,
        names,
        jobs or target.config.jobs or _cores(),
        FactsCache(default_folder(), str(target.root)) if wants_cache else None,
    )


def load_registry() -> Registry:
    """All installed codemods; those that are broken are reported on stderr."""
    from modfix.engine import registry

    loaded = registry.load()
    for broken in loaded.broken:
        say(f"warning: codemod `{broken.name}` cannot be used: {broken.reason} ({broken.source})")
    return loaded


def conversation(target: Target, sources: Sources | None = None) -> Text:
    """Writes text for stderr about the files of ``target``, or about ``sources`` in their place."""
    from modfix.report.sources import Sources
    from modfix.report.text import Text

    return Text(sources or Sources(target.tree.read), shown_path=target.shown_path, colour=wants_colour(sys.stderr))


def command_for(command: str, root: Path) -> str:
    """``modfix undo`` with the path that it needs, from the current folder, to mean the project at ``root``."""
    from modfix.source.discover import find_root

    here, _ = find_root(Path())
    return f"modfix {command}" if here == root else f"modfix {command} {shlex.quote(os.path.relpath(root))}"


def say_aftermath(text: Text, result: CheckResult, *, show_refused: bool = False) -> None:
    """What else there is to tell about a run: comments without use, files that were not read, bugs."""
    for unused in result.unused_suppressions:
        say(text.unused_suppression(unused))
    if show_refused:
        for refused in result.refused_files:
            say(text.refused_file(refused))
    for error in result.errors:
        say(text.internal_error(error))
    if result.errors:
        say("A bug leaves the code as it was; please report it, with the lines above and the class they name.")


def exit_code(result: CheckResult, *, left: bool, exit_zero: bool) -> ExitCode:
    """The exit code after a run; ``left`` says whether something is left to fix."""
    if result.errors:
        return ExitCode.ERROR
    return ExitCode.FINDINGS if left and not exit_zero else ExitCode.OK


def wants_colour(stream: object) -> bool:
    """Whether terminal colours are welcome on ``stream``."""
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write_bytes(data: bytes) -> None:
    """Write ``data`` to stdout as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _with_refused(result: CheckResult, refused: Sequence[Refused]) -> CheckResult:
    every = {*result.refused_files, *refused}
    return replace(result, refused_files=tuple(sorted(every, key=lambda item: item.path)))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: what this process may use, not what the machine has
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
