"""The floor for every tool that is written in Python: parse every file with `ast`, and nothing else."""

import ast
import sys
from pathlib import Path

for path in sorted(Path(sys.argv[1]).rglob("*.py")):
    ast.parse(path.read_bytes())
