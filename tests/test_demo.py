"""`make demo` without its installation: the script runs, and ends where it began."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


def test_the_demo_runs_and_cleans_up(tmp_path: Path) -> None:
    command = tmp_path / "bin" / "modfix"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m modfix "$@"\n')
    command.chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "TMPDIR": str(temporary),
    }
    script = REPOSITORY / "fixtures" / "demo.sh"
    outcome = subprocess.run(
        [script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stdout
    assert "\n+        self.downsample = downsample if downsample is not None else nn.Identity()\n" in outcome.stdout
    assert outcome.stdout.endswith("$ git status --short\n")
    assert list(temporary.iterdir()) == []
