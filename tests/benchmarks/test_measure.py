from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.measure import measure

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from /proc")

BURN_S = 0.2
HELD_MB = 80
BURN = f"import time\nwhile time.process_time() < {BURN_S}: pass"
HOLD = f"import time\nheld = bytearray(b'x' * ({HELD_MB} << 20))\ntime.sleep(0.3)"


def in_a_child(source: str) -> str:
    return f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {source!r}], check=True)"


def test_cpu_of_a_grandchild_counts(tmp_path: Path) -> None:
    usage = measure([sys.executable, "-c", in_a_child(BURN)], cwd=tmp_path)

    assert usage.exit_code == 0
    assert usage.cpu_s >= BURN_S
    assert usage.wall_s > 0


def test_memory_of_a_grandchild_is_the_worker_memory(tmp_path: Path) -> None:
    usage = measure([sys.executable, "-c", in_a_child(HOLD)], cwd=tmp_path)

    assert 0 < usage.main_mb < HELD_MB
    assert usage.worker_mb >= HELD_MB
    assert usage.tree_mb >= HELD_MB


def test_memory_does_not_include_the_harness(tmp_path: Path) -> None:
    held = bytearray(b"x" * (HELD_MB << 20))
    usage = measure([sys.executable, "-c", "import time; time.sleep(0.1)"], cwd=tmp_path)

    assert 0 < usage.main_mb < len(held) >> 20
    assert usage.worker_mb == 0


def test_exit_code_environment_folder_and_output(tmp_path: Path) -> None:
    source = "import os, sys; print(os.environ['COLOUR'], os.getcwd()); sys.exit(3)"

    usage = measure([sys.executable, "-c", source], cwd=tmp_path, env={"COLOUR": "green"}, stdout=tmp_path / "out")

    assert usage.exit_code == 3
    assert (tmp_path / "out").read_text().split() == ["green", str(tmp_path.resolve())]


def test_python_keeps_its_byte_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "module.py").write_text("")

    assert measure([sys.executable, "-c", "import module"], cwd=tmp_path).exit_code == 0
    assert list(tmp_path.glob("__pycache__/module.*.pyc"))
