"""`modfix undo`: take back what the last `modfix apply` wrote."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from modfix.cli.border import ExitCode, UserError, border, say

Folder = Annotated[Path, typer.Argument(metavar="[PATH]", help="The project, or a file or folder in it.")]


@border
def undo(path: Folder = Path()) -> ExitCode:
    """Take back what the last `modfix apply` wrote.

    Every file is restored byte for byte; again, and the run before is taken back.

    Restores all files or none: one that changed since is not overwritten, and stops the undo with exit code 2.
    """
    from modfix.report.text import number
    from modfix.source import writer
    from modfix.source.discover import find_root

    if not path.exists():
        raise UserError(f"`{path}`: no such file or directory")
    root, _ = find_root(path)
    try:
        report = writer.undo(root)
    except writer.WriteError as error:
        raise UserError(str(error)) from error
    if report.refused:
        files = "".join(f"\n  {os.path.relpath(root / item.path)}: {item.reason}" for item in report.refused)
        raise UserError(f"nothing was restored, because of:{files}")
    if report.run is None:
        say("Nothing to undo.")
        return ExitCode.OK
    for restored in report.restored:
        say(f"restored {os.path.relpath(root / restored)}")
    say(f"Restored {number(len(report.restored), 'file')} to before the run of {report.started}.")
    return ExitCode.OK
