from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import corpus, run, tools
from benchmarks.corpus import FileSet

FAKE = f"""#!{sys.executable}
import sys
if "--output-format" in sys.argv:
    print('{{"files": 2}}')
if "--diff" in sys.argv:
    print("--- a/x.py")
sys.exit("--help" in sys.argv)
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus of two files, no peers, and a modfix whose `--help` fails."""
    root = tmp_path / "set"
    root.mkdir()
    for name in ("a.py", "b.py"):
        (root / name).write_text("x = 1\n")
    script = tmp_path / "modfix"
    script.write_text(FAKE)
    script.chmod(0o755)
    names = (*tools.CORPUS_SETS, *tools.SCALE_SETS, "fixable")
    monkeypatch.setattr(corpus, "build", lambda _: {name: FileSet(name, root, 2, 2) for name in names})
    monkeypatch.setattr(tools, "peer_tools", lambda _: [])
    monkeypatch.setattr(tools, "modfix_command", lambda: script)
    return tmp_path


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from /proc")
def test_a_run_measures_modfix_and_writes_what_it_found(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run.main(["--output", str(machine / "results"), "--runs", "1", "--sets", "mix80k"])

    data = json.loads(next((machine / "results").glob("*.json")).read_text())
    assert code == 1  # there are no peers to compare with
    assert {row["tool"] for row in data["rows"]} == {tool.name for tool in tools.modfix_tools(machine)}
    assert all(row["runs"] == run.FAST_FACTOR and row["failure"] is None for row in data["rows"])
    assert (data["evidence"]["files"], data["evidence"]["files_checked"], data["evidence"]["diff_lines"]) == (2, 2, 1)
    assert list(data["startup_s"]) == [tools.VERSION]  # `--help` failed, so that its time means nothing
    assert str(machine) not in json.dumps(data)
    assert "missed: CPU of `check` / TorchFix" in capsys.readouterr().err


def test_only_chooses_tools_and_leaves_modfix_alone(machine: Path) -> None:
    assert run.main(["--output", str(machine / "results"), "--only", "ruff", "--sets", "mix80k"]) == 1

    data = json.loads(next((machine / "results").glob("*.json")).read_text())
    assert (data["rows"], data["startup_s"], data["evidence"]) == ([], {}, None)
