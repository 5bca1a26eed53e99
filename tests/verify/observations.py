"""Observations as workers send them, made by hand."""

from __future__ import annotations

from collections.abc import Iterable

Row = list[object]


def row(  # a row has no names
    hash_: str,
    operator: str = "aten.add",
    module: str = "",
    line: int = 1,
    phase: str = "eval",
    node: str = "",
    path: str = "m.py",
) -> Row:
    return [hash_, operator, module, path, line, phase, node]


def observation(items: dict[str, str], records: Iterable[Row] = (), **more: object) -> dict[str, object]:
    return {"items": items, "records": list(records), **more}


def failed(kind: str, message: str = "boom", where: str = "m.py:3") -> dict[str, object]:
    return {"failed": {"kind": kind, "message": message, "where": where}}


ITEMS = {
    "build/state:w": "w0",
    "build/rng": "r0",
    "eval/output:": "o1",
    "eval/structure": "s1",
    "train/output:": "o2",
    "train/grad:w": "g2",
    "train/state:w": "w2",
    "train/rng": "r2",
}


def contracts(**changes: object) -> dict[str, object]:
    """The contracts of a small model, with changes."""
    return {
        "state_dict": [["fc.weight", "parameter", "float32", [3, 3]], ["fc.bias", "parameter", "float32", [3]]],
        "buffers": [],
        "parameters": [["fc.weight", "float32", [3, 3], True], ["fc.bias", "float32", [3], True]],
        "shared": {},
        "views": {},
        "modules": [["", "m.Net", False], ["fc", "torch.nn.modules.linear.Linear", True]],
        "hidden": {"modules": [], "tensors": []},
        "modes": {"eval": [], "train": []},
        "copies": {"deepcopy": "works", "pickle": "works"},
        "hooks": {"built": [], "run": []},
        "run": "works",
        "strict_load": {"own": "works", "before": "works"},
        **changes,
    }
