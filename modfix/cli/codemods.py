"""`modfix codemods`: what is installed."""

from __future__ import annotations

import sys

from modfix.cli import common
from modfix.cli.border import ExitCode, border, say


@border
def codemods() -> ExitCode:
    """List the installed codemods."""
    from modfix.report.statistics import columns

    loaded = common.load_registry().codemods.values()
    rows = [("name", "stability", "summary", "module")]
    rows += [(codemod.name, codemod.stability.value, codemod.summary, codemod.__module__) for codemod in loaded]
    sys.stdout.write(columns(rows))
    sys.stdout.flush()  # before the hint, where both are one terminal
    say("`modfix explain NAME` prints the manual of a codemod.")
    return ExitCode.OK
