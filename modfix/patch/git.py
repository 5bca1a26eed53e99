"""What git says about a patch."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def apply_check(root: Path, patch: bytes) -> str | None:
    """Whether ``git apply`` would accept ``patch`` at the project root ``root``: None, or what is wrong with it.

    Nothing is changed, and ``root`` need not be under version control.
    """
    try:
        # Below the top of a repository git looks for files from the top, and *silently* skips those outside the folder.
        prefix = _git(root, "rev-parse", "--show-prefix").stdout.decode("utf-8", "surrogateescape").strip("\n")
        result = _git(root, "apply", "--check", *([f"--directory={prefix}"] if prefix else []), "-", stdin=patch)
    except FileNotFoundError:
        return "git is not installed"
    return None if result.returncode == 0 else result.stderr.decode("utf-8", "replace").strip()


def _git(root: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    # Messages in English, and no configuration that would let git repair or refuse white space.
    environment = {**os.environ, "LC_ALL": "C"}
    command = ["git", "-c", "apply.whitespace=nowarn", "-c", "apply.ignoreWhitespace=no", *arguments]
    return subprocess.run(command, cwd=root, input=stdin, env=environment, capture_output=True, check=False)
