"""Whatever happens to the parent: no process and no file is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.verify.test_hostile import GOOD, module_with

pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")

ROOT = Path(__file__).parents[2]
DETACHED = (
    "subprocess.Popen(['sleep', '600'], start_new_session=True, env={**os.environ, 'MARK': os.environ['MARK']})\n"
)


def marked(mark: str) -> list[str]:
    """The processes with ``mark`` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("how", "number"),
    [
        ("asking", signal.SIGINT),
        ("asking", signal.SIGTERM),
        ("asking", signal.SIGKILL),
        ("exception", None),
    ],
)
def test_nothing_is_left_behind(tmp_path: Path, how: str, number: signal.Signals | None) -> None:
    (tmp_path / "good.py").write_text(GOOD.replace("\n    ", "\n"))
    (tmp_path / "bad.py").write_text(module_with(in_forward=f"{DETACHED}while True: pass"))
    mark = f"modfix-test-{os.getpid()}-{time.monotonic_ns()}"
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.verify.parent", str(tmp_path), how],
        cwd=ROOT,
        env={**os.environ, "MARK": mark, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        scratch = Path(parent.stdout.readline().strip())
    assert scratch.name.startswith("modfix-verify-")
    if number is not None:
        wait_for(lambda: any("sleep" in command for command in marked(mark)))
        assert len(marked(mark)) >= 3  # the parent, the server, the tree
        os.killpg(parent.pid, number)  # as a terminal does
    parent.wait(60)
    wait_for(lambda: not marked(mark) and not scratch.exists())


def wait_for(condition: object, timeout_s: float = 30) -> None:
    assert callable(condition)
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
