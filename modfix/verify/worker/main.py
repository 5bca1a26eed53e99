"""Where the worker starts: ``python -B main.py DESCRIPTOR SCRATCH``, by path.

Becomes the package `_modfix_worker`, which no name of the project can clash with, checks that torch is there, and
serves. DESCRIPTOR is the number of the socket to the parent, SCRATCH a folder that is removed at the end.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any

NAME = "_modfix_worker"
MINIMUM_TORCH = (1, 13)
PROOF_TORCH = (2, 0)  # TorchDispatchMode as value numbering needs it


def main() -> None:
    """Run the server until the parent is gone."""
    load_package()
    connection: Any = importlib.import_module(f"{NAME}.channel")
    channel = connection.Channel(connection.move_out_of_reach(int(sys.argv[1])))
    try:
        import torch
    except Exception as error:
        channel.send({"failed": {"kind": "torch", "message": f"{type(error).__name__}: {error}"}})
        return
    version = version_of(torch)
    if version < MINIMUM_TORCH:
        channel.send({"failed": {"kind": "torch", "message": f"torch {torch.__version__} is older than 1.13"}})
        return
    server: Any = importlib.import_module(f"{NAME}.server")
    server.serve(channel, sys.argv[2])


def load_package() -> None:
    """Make the folder of this file importable as `_modfix_worker`, and in no other way."""
    if NAME in sys.modules:
        return
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != here]
    package = importlib.util.spec_from_file_location(
        NAME, os.path.join(here, "__init__.py"), submodule_search_locations=[here]
    )
    assert package is not None
    assert package.loader is not None
    module = importlib.util.module_from_spec(package)
    sys.modules[NAME] = module
    package.loader.exec_module(module)


def version_of(torch: Any) -> tuple[int, ...]:
    """Major and minor version."""
    return tuple(int(part) for part in str(torch.__version__).split(".")[:2])


if __name__ == "__main__":
    main()
