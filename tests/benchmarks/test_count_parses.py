from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.tools import SCRIPTS

FAKE = """
import ast, dataclasses, sys
from modfix import helper
assert sys.argv[1:] == ["check", "."], sys.argv
ast.parse("a = 1")
ast.parse("b = 2", "models/b.py")
sys.exit(1)
"""


def test_counts_parsed_sources_and_neither_imports_nor_generated_code(tmp_path: Path) -> None:
    package = tmp_path / "modfix"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "helper.py").write_text("import dataclasses\n\n@dataclasses.dataclass\nclass C:\n    x: int\n")
    (package / "__main__.py").write_text(FAKE)
    report = tmp_path / "parses"

    done = subprocess.run(
        [sys.executable, SCRIPTS / "count_parses.py", report, "check", "."],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )

    assert done.returncode == 1
    assert report.read_text() == "2"
