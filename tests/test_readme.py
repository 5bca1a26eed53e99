"""The README tells the truth: its transcripts are replayed, its table and its configuration are compared.

``python -m tests.test_readme`` writes the transcripts anew, for somebody to read the difference.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from modfix import config
from modfix.config import Config
from modfix.engine import registry
from tests.cli.conftest import commit

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
TRANSCRIPT = re.compile(r"^```console\n\$ (?P<command>modfix .*)\n(?P<output>(?:.*\n)*?)```$", re.MULTILINE)


def copy_zoo(folder: Path) -> Path:
    root = folder / "legacy_zoo"
    shutil.copytree(REPOSITORY / "fixtures" / "legacy_zoo", root)
    commit(root)
    return root


def replay(command: str, zoo: Path) -> str:
    """What a command prints in ``zoo``, both streams together."""
    arguments = [sys.executable, "-m", *shlex.split(command)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "MODFIX_CACHE_DIR": str(zoo.parent / "cache")}
    process = subprocess.run(
        arguments, cwd=zoo, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return process.stdout


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_zoo(tmp_path_factory.mktemp("readme"))


@pytest.mark.parametrize("transcript", list(TRANSCRIPT.finditer(README)), ids=lambda match: match["command"])
def test_a_transcript_is_what_the_command_prints(transcript: re.Match[str], zoo: Path) -> None:
    assert replay(transcript["command"], zoo) == transcript["output"]


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPT.findall(README)) == README.count("$ modfix ") == 4


def test_the_table_lists_the_codemods_of_this_repository() -> None:
    own = [cls for cls in registry.load().codemods.values() if cls.__module__.startswith("codemods.")]
    rows = "".join(f"| `{cls.name}` | {cls.stability.value} | {cls.summary} |\n" for cls in own)
    assert f"|---|---|---|\n{rows}<!-- end of codemods -->" in README


def test_the_configuration_can_be_loaded(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(block)
    loaded = config.load(tmp_path)
    assert all(getattr(loaded, field) is not None for field in Config.__dataclass_fields__)
    codemods = registry.load().codemods
    config.check_tables(loaded, codemods)
    assert config.build([codemods["identity"]], loaded)


def main() -> None:
    """Write the transcripts anew."""
    with tempfile.TemporaryDirectory() as folder:
        zoo = copy_zoo(Path(folder))
        text = TRANSCRIPT.sub(
            lambda match: f"```console\n$ {match['command']}\n{replay(match['command'], zoo)}```", README
        )
    (REPOSITORY / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
