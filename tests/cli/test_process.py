"""What only a real process shows: start-up, pipes, encodings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import modfix

REPOSITORY = Path(modfix.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def python(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_help_starts_fast_because_it_loads_little() -> None:
    code = (
        "import sys; from modfix.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = ('rich', 'libcst', 'torch', 'unidiff', 'pathspec', 'ast', 'multiprocessing', 'modfix.engine.run')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    outcome = python("-c", code)
    assert "Usage" in outcome.stdout
    loaded = set(outcome.stderr.strip("[]\n' ").split("', '")) - {"", "ast"}  # inspect, which typer needs, loads ast
    assert loaded == set()


def test_check_loads_neither_torch_nor_libcst(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        "import torch.nn as nn\n\n\nclass Net(nn.Module):\n    def __init__(self, norm=None):\n"
        "        super().__init__()\n        self.norm = norm\n\n    def forward(self, x):\n"
        "        if self.norm is not None:\n            x = self.norm(x)\n        return x\n"
    )
    code = (
        "import sys; from modfix.cli import app\n"
        "try: app(['check', '--no-cache', sys.argv[1]])\n"
        "except SystemExit as exit: assert exit.code in (0, 1), exit.code\n"
        "assert 'modfix.engine.run' in sys.modules\n"
        "print([name for name in ('torch', 'libcst', 'rich') if name in sys.modules])"
    )
    outcome = python("-c", code, str(tmp_path))
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines()[-1] == "[]"


def test_the_version_is_printed() -> None:
    outcome = python("-m", "modfix", "--version")
    assert (outcome.returncode, outcome.stdout) == (0, f"modfix {modfix.__version__}\n")


def test_a_closed_pipe_is_not_an_error_message() -> None:
    # The manual of a codemod is shorter than a pipe's buffer: only a pipe that is closed from the start is certain.
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [sys.executable, "-m", "modfix", "codemods"], env=ENVIRONMENT, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
    assert "Exception ignored" not in err


def test_output_survives_an_encoding_that_lacks_characters(tmp_path: Path) -> None:
    (tmp_path / "é.py").write_text("x = 1\n")
    code = (
        "from modfix.cli import main, border, app\n"
        "@app.command()\ndef shout():\n    border.say('é'); print('é')\n"
        "main()"
    )
    outcome = python("-c", code, "shout", cwd=tmp_path)
    assert outcome.returncode == 0
    for variable in ("ascii", "latin-1"):
        environment = {**ENVIRONMENT, "PYTHONIOENCODING": variable}
        process = subprocess.run(
            [sys.executable, "-c", code, "shout"], env=environment, capture_output=True, check=True, cwd=tmp_path
        )
        expected = b"\\xe9\n" if variable == "ascii" else b"\xe9\n"
        assert (process.stdout, process.stderr) == (expected, expected)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_is_offered(shell: str) -> None:
    environment = {**ENVIRONMENT, "_MODFIX_COMPLETE": f"source_{shell}"}
    outcome = subprocess.run(
        [sys.executable, "-m", "modfix"], env=environment, capture_output=True, text=True, check=False
    )
    assert "_MODFIX_COMPLETE" in outcome.stdout
