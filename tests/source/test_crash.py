"""SIGKILL at random moments: every file is old or new, and `undo` brings all of them back."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modfix.source.writer import undo

FILES = 40

# Writes and undoes without end. The pause before each rename gives the kill something to hit; nothing else is changed.
CHILD = """
import os, sys, time
from pathlib import Path
from modfix.source.writer import undo, write

def replace(source, target, real=os.replace):
    time.sleep(0.002)
    real(source, target)

os.replace = replace
root = Path(sys.argv[1])
old = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.py")}
changes = {path: (data, data.replace(b"old", b"new and longer")) for path, data in old.items()}
print("ready", flush=True)
while True:
    assert len(write(root, changes).written) == len(changes)
    assert len(undo(root).restored) == len(changes)
"""


def kill_again_and_again(root: Path, runs: int, seed: int) -> int:
    """Kill the child ``runs`` times, check each time, and count the kills that left old and new files side by side."""
    chance = random.Random(seed)
    old = {f"p{n % 5}/m{n}.py": b"old %d\r\n" % n * chance.randint(1, 3000) for n in range(FILES)}
    for path, data in old.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(data)
    new = {path: data.replace(b"old", b"new and longer") for path, data in old.items()}
    before = listing(root)
    mixed = 0
    for _ in range(runs):
        with subprocess.Popen([sys.executable, "-c", CHILD, str(root)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0, 0.4))
            child.kill()
            assert child.wait() == -signal.SIGKILL
        now = {path: (root / path).read_bytes() for path in old}
        assert all(data in (old[path], new[path]) for path, data in now.items())
        mixed += now not in (old, new)
        report = undo(root)
        assert report.refused == ()
        assert {path: (root / path).read_bytes() for path in old} == old
        assert listing(root) == before
    return mixed


def listing(root: Path) -> set[str]:
    """Everything below ``root`` but the journal."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if ".modfix" not in path.parts}


def test_killed_a_few_times(tmp_path: Path) -> None:
    assert kill_again_and_again(tmp_path, runs=15, seed=1) >= 1


@pytest.mark.slow
def test_killed_two_hundred_times(tmp_path: Path) -> None:
    assert kill_again_and_again(tmp_path, runs=200, seed=2) >= 40
