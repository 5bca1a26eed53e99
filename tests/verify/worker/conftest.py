"""Loads the worker as `_modfix_worker`, as the parent does: by path, so that no name can clash."""

import importlib.util
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # as in a worker; a second thread costs small models more than it gives them
_FOLDER = Path(__file__).parents[3] / "modfix" / "verify" / "worker"
if "_modfix_worker" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "_modfix_worker", _FOLDER / "__init__.py", submodule_search_locations=[str(_FOLDER)]
    )
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["_modfix_worker"] = _module
    _spec.loader.exec_module(_module)
