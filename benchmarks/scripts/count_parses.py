"""Run modfix with the arguments behind the first one, and write to the file named first how many sources it parsed.

Python tells an audit hook of every `compile`, which is what `ast.parse` calls. Imports of modules without byte code (an
absolute path) and the code that dataclasses generate (`<string>`) do not count.
"""

import os
import runpy
import sys
from pathlib import Path

parsed: list[str] = []


def count(event: str, arguments: tuple[object, ...]) -> None:
    if event != "compile":
        return
    name = arguments[1]
    text = os.fsdecode(name) if isinstance(name, (str, bytes)) else ""
    if text != "<string>" and not os.path.isabs(text):
        parsed.append(text)


report = Path(sys.argv[1])
sys.argv[:2] = ["modfix"]
sys.addaudithook(count)
try:
    runpy.run_module("modfix", run_name="__main__", alter_sys=True)
finally:
    report.write_text(str(len(parsed)))
