"""A parent process for tests that kill it: prints where its scratch folder is once its case runs."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.verify.conftest import PlainWorkers


def main() -> None:
    root, how = Path(sys.argv[1]), sys.argv[2]
    with PlainWorkers(device="cpu") as workers:
        side = workers.open(root)
        side.ask({"job": "plain", "case": {"name": "good", "model": "good:Good", "args": ["ones(2)"]}})
        print(workers.scratch, flush=True)
        if how == "exception":
            raise RuntimeError
        if how == "asking":
            side.ask({"job": "plain", "case": {"name": "bad", "model": "bad:Bad", "args": ["ones(2)"]}})
        time.sleep(600)


if __name__ == "__main__":
    main()
