"""`make demo` without its installation: the script runs, proves the migration, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_demo_runs_and_cleans_up(tmp_path: Path) -> None:
    pytest.importorskip("torch")
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
    _, _, verified = outcome.stdout.partition("$ git status --short\n")
    assert re.search(r"^Verified (\d+) fixes: \1 PROVED\.$", verified, re.MULTILINE), verified
    assert list(temporary.iterdir()) == []
