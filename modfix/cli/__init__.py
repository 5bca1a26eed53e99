"""The command line: thin typer commands, one file each."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

import modfix
from modfix.cli import patch
from modfix.cli.apply import apply
from modfix.cli.check import check
from modfix.cli.codemods import codemods
from modfix.cli.explain import explain
from modfix.cli.undo import undo
from modfix.cli.verify import verify

app = typer.Typer(
    name="modfix",
    help="Migrate legacy PyTorch code to the conventions of torch.nn.Module.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: rich would be most of the start-up
    pretty_exceptions_enable=False,
)
for command in (check, apply, verify, undo, codemods, explain):
    app.command()(command)
app.add_typer(patch.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"modfix {modfix.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of all commands; the help text is that of `app`."""


def main() -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Source and file names may hold what the terminal's encoding has not.
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="modfix")
