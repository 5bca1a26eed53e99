"""The worker with one more job, ``plain``: build, call, and say what came out. Started by path, as `main.py` is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

SEED: Any = None
MAIN = Path(__file__).parents[2] / "modfix" / "verify" / "worker" / "main.py"


def observe(case: Any, *, calls: int = 1, device: str = "cpu") -> dict[str, Any]:
    SEED(0)
    model = case.build()
    args, kwargs = case.inputs()
    outputs = [model(*args, **kwargs) for _ in range(calls)]
    return {"items": {f"call{index}": repr(output) for index, output in enumerate(outputs)}}


def main() -> None:
    spec = importlib.util.spec_from_file_location("entry_main", MAIN)
    assert spec is not None
    assert spec.loader is not None
    start: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    start.load_package()
    jobs: Any = importlib.import_module("_modfix_worker.jobs")
    jobs._jobs["plain"] = observe
    global SEED  # noqa: PLW0603  # bound early, as an observer must
    SEED = importlib.import_module("torch").manual_seed
    start.main()


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file is no place for the project's imports
    main()
