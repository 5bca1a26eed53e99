"""What is recorded of code that nobody wrote for the verifier, a test or a script: calls of modules, and operators.

Items of an observation, in the phase ``run``: ``output:CLASS#N`` (what the Nth call of a class of the tree returned),
``output:operators`` (all operators with what they were computed from, in any order), ``control`` (values that became
Python numbers), ``rng``, and ``error``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections import Counter
from typing import Any, Iterator

import torch

from . import UnsupportedError, generators, settings, structure
from .dataflow import Recorder
from .lines import Watcher

PHASE = "run"
MAX_RECORDS = 100_000  # that are sent; all count


class Recording:
    """Records what runs within `on`. ``root`` is the tree, ``watch`` the lines to watch: path -> numbers."""

    def __init__(self, root: str, watch: dict[str, list[int]], seed: int) -> None:
        self._root = root
        self._recorder = Recorder(root=root)
        self._recorder.phase = PHASE
        self._watcher = Watcher(root, watch)
        self._seed = seed
        self._calls: Counter[str] = Counter()
        self._items: dict[str, str] = {}
        self._inside: dict[type, bool] = {}

    @property
    def refused(self) -> str:
        """Why this could not be recorded; empty where it was."""
        return self._recorder.refused

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Record, from fixed seeds on."""
        start(self._seed)
        with self._outputs(), self._watcher, self._recorder.places.watching(lambda module: None), self._recorder:
            yield

    def observation(self, error: str = "") -> dict[str, Any]:
        """What was recorded; ``error`` is what it ended with."""
        records = self._recorder.records
        operators = hashlib.blake2b(digest_size=16)
        for code in sorted(record[0] for record in records):
            operators.update(code)
        items = dict(self._items)
        items[PHASE + "/output:operators"] = f"{len(records)} operators {operators.hexdigest()}"
        items[PHASE + "/control"] = self._recorder.control.hex()
        items[PHASE + "/rng"] = generators.all_states().hex()
        if error:
            items[PHASE + "/error"] = error.replace(self._root, "")
        answer: dict[str, Any] = {
            "items": items,
            "records": [[code.hex(), *rest] for code, *rest in records[:MAX_RECORDS]],
            "operators": len(records),
            "lines": self._watcher.lines,
        }
        if not any(record[3] for record in records):
            answer["vacuous"] = "no operator ran in code of the project"
        return answer

    @contextlib.contextmanager
    def _outputs(self) -> Iterator[None]:
        """While entered, what modules of the tree return is noted. No hook is left in any of them."""
        call = torch.nn.Module.__call__

        def noting_call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            result = call(module, *args, **kwargs)
            if self._is_inside(type(module)):
                self._note(type(module), result)
            return result

        torch.nn.Module.__call__ = noting_call  # type: ignore[method-assign]
        try:
            yield
        finally:
            torch.nn.Module.__call__ = call  # type: ignore[method-assign]

    def _note(self, cls: type, result: Any) -> None:
        name = f"{cls.__module__}.{cls.__qualname__}"
        key = f"{PHASE}/output:{name}#{self._calls[name]}"
        self._calls[name] += 1
        try:
            flat = structure.flatten(result)
            values = [self._text(value) for _, value in flat.leaves]
        except UnsupportedError as error:  # the operators say enough
            self._items[key] = f"not looked into: {error}"
            return
        self._items[key] = hashlib.blake2b(repr((flat.shape, values)).encode(), digest_size=16).hexdigest()

    def _text(self, value: Any) -> str:
        if isinstance(value, torch.Tensor):
            return f"{self._recorder.value(value).hex()} {value.requires_grad}"
        return repr(value).replace(self._root, "")  # the two sides live in different folders

    def _is_inside(self, cls: type) -> bool:
        """Whether a class is the project's."""
        inside = self._inside.get(cls)
        if inside is None:
            file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
            inside = self._inside[cls] = os.path.realpath(file).startswith(os.path.realpath(self._root) + os.sep)
        return inside


def start(seed: int) -> None:
    """Seed all generators and pin what could change bits."""
    settings.pin()
    generators.seed_all(seed)
