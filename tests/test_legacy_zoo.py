"""The repository that the demo migrates must be in working order itself."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ZOO = Path(__file__).parents[1] / "fixtures" / "legacy_zoo"


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_the_tests_of_the_zoo_pass(tmp_path: Path) -> None:
    zoo = shutil.copytree(ZOO, tmp_path / "zoo")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=zoo,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
