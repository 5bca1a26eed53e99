from __future__ import annotations

from typing import Any

import pytest

from modfix.model.verdict import Outcome
from modfix.verify.contracts import compare_contracts
from modfix.verify.verdicts import ALLOWANCES, Keys, differing
from tests.verify.observations import contracts

WEIGHT = ["fc.weight", "parameter", "float32", [3, 3]]
BIAS = ["fc.bias", "parameter", "float32", [3]]
WEIGHT_P, BIAS_P = ["fc.weight", "float32", [3, 3], True], ["fc.bias", "float32", [3], True]
NET, FC = ["", "m.Net", False], ["fc", "torch.nn.modules.linear.Linear", True]
IDENTITY = ["skip", "torch.nn.modules.linear.Identity", False]
BUFFER = ["mean", "buffer", "float32", [3]]

# before, after, kind, part of the detail
DIFFERENCES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"state_dict": [WEIGHT, BIAS, BUFFER]}, "keys-added", "keys added: `mean`"),
    ({"state_dict": [WEIGHT, BIAS, BUFFER]}, {}, "keys-lost", "keys lost: `mean`"),
    ({"state_dict": [WEIGHT, BIAS, BUFFER]}, {"buffers": [["mean", "float32", [3]]]}, "keys-lost", "no longer persistent"),
    ({"buffers": [["mean", "float32", [3]]]}, {"state_dict": [WEIGHT, BIAS, BUFFER]}, "keys-added", "not persistent before"),
    ({"buffers": [["mean", "float32", [3]]]}, {}, "keys-lost", "buffers lost that are not persistent: `mean`"),
    ({}, {"state_dict": [BIAS, WEIGHT]}, "keys-reordered", "keys in another order"),
    ({}, {"state_dict": [["fc.weight", "parameter", "float64", [3, 3]], BIAS]}, "keys-retyped", "`fc.weight` was parameter float32 [3, 3] and is parameter float64 [3, 3]"),
    ({}, {"state_dict": [["fc.weight", "buffer", "float32", [3, 3]], BIAS]}, "keys-retyped", "is buffer float32"),
    ({}, {"parameters": [BIAS_P, WEIGHT_P]}, "parameters-reordered", "parameters in another order"),
    ({}, {"parameters": [["fc.weight", "float32", [3, 3], False], BIAS_P]}, "keys-retyped", "`requires_grad` changed: `fc.weight`"),
    ({"shared": {"fc.bias": "fc.weight"}}, {}, "sharing-changed", "no longer shared: `fc.bias` and `fc.weight`"),
    ({}, {"shared": {"fc.bias": "fc.weight"}}, "sharing-changed", "newly shared: `fc.bias` and `fc.weight`"),
    (
        {"views": {"fc.bias": "fc.weight"}},
        {},
        "sharing-changed",
        "no longer views of one memory: `fc.bias` and `fc.weight`",
    ),
    ({"modules": [NET, FC, IDENTITY]}, {}, "children-changed", "modules lost: `skip`"),
    ({"modules": [NET, FC, IDENTITY]}, {"modules": [NET, IDENTITY, FC]}, "children-reordered", "modules in another order"),
    ({"modules": [NET, FC, IDENTITY]}, {"modules": [NET, FC, ["skip", "m.Skip", False]]}, "children-changed", "`skip` was `torch.nn.modules.linear.Identity` and is `m.Skip`"),
    ({}, {"modes": {"eval": ["fc"], "train": []}}, "modes-changed", "no longer follow `eval()`: `fc`"),
    ({}, {"modes": {"eval": [], "train": ["fc"]}}, "modes-changed", "no longer follow `train()`: `fc`"),
    ({}, {"copies": {"deepcopy": "TypeError: no", "pickle": "works"}}, "copy-lost", "`deepcopy` no longer works: TypeError: no"),
    ({}, {"copies": {"deepcopy": "works", "pickle": "PicklingError: x"}}, "copy-lost", "`pickle` no longer works"),
    ({}, {"hooks": {"built": [], "run": ["fc/_forward_hooks: f"]}}, "hooks-left", "`fc/_forward_hooks: f`"),
    ({"hooks": {"built": [], "run": ["fc/_forward_hooks: f"] * 2}}, {"hooks": {"built": [], "run": ["fc/_forward_hooks: f"]}}, "hooks-lost", "`fc/_forward_hooks: f`"),
    ({}, {"strict_load": {"own": "works", "before": "RuntimeError: no"}}, "load-lost", "a checkpoint of the version before cannot be loaded"),
    ({}, {"strict_load": {"own": "RuntimeError: no", "before": "works"}}, "load-lost", "a checkpoint of its own cannot be loaded"),
    ({"compile": {"script": "works", "export": "works"}}, {"compile": {"script": "x", "export": "works"}}, "script-lost", "`torch.jit.script` no longer works: x"),
    ({"compile": {"script": "works", "export": "works"}}, {"compile": {"script": "works", "export": "x"}}, "export-lost", "`torch.export` no longer works: x"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "kind", "detail"),
    DIFFERENCES,
    ids=[f"{row[2]}-{number}" for number, row in enumerate(DIFFERENCES)],
)
def test_every_difference_counts_unless_it_is_permitted(
    before: dict[str, Any], after: dict[str, Any], kind: str, detail: str
) -> None:
    found = compare_contracts(contracts(**before), contracts(**after))
    assert [difference.kind for difference in found.differences] == [kind]
    assert detail in found.differences[0].detail
    checks, modulo = found.judge((), {})
    (wrong,) = [check for check in checks if check.outcome is Outcome.DIFFERENT]
    assert f"(`--allow {kind}`)" in wrong.detail
    assert modulo == []
    for allow, declared, by in (([kind], {}, "--allow"), ([], {kind: "modulelist"}, "modulelist")):
        checks, modulo = found.judge(allow, declared)
        assert {check.outcome for check in checks} == {Outcome.PROVED}
        assert [(note.kind, note.declared_by) for note in modulo] == [(kind, by)]


def test_every_kind_is_tried_here_or_is_about_the_run() -> None:
    tried = {row[2] for row in DIFFERENCES} | {"keys-renamed", "modules-registered"}
    assert set(ALLOWANCES) - tried == {"graph-lost", "rng-order"}


@pytest.mark.parametrize(
    ("before", "after", "listed"),
    [
        ({}, {}, ()),
        ({}, {"modules": [NET, IDENTITY, FC]}, ("new without state, Identity: `skip`",)),
        ({}, {"buffers": [["pe", "float32", [3]]]}, ("new buffers, not persistent: `pe`",)),
        ({"copies": {"deepcopy": "x", "pickle": "works"}}, {}, ("`deepcopy` works now",)),
        ({"copies": {"deepcopy": "works", "pickle": "works"}}, {"copies": {"deepcopy": "not tried: large", "pickle": "works"}}, ()),
        ({"strict_load": {"own": "x", "before": "works"}}, {"strict_load": {"own": "x", "before": "x"}}, ()),
        ({"modes": {"eval": ["fc"], "train": []}}, {}, ()),
        ({"compile": {"script": "x", "export": "works"}}, {"compile": {"script": "y", "export": "not tried: slow"}}, ()),
    ],
)  # fmt: skip
def test_what_is_no_difference(before: dict[str, Any], after: dict[str, Any], listed: tuple[str, ...]) -> None:
    found = compare_contracts(contracts(**before), contracts(**after))
    assert found.differences == ()
    assert found.listed == listed


RENAMED = {
    "state_dict": [["linear.weight", *WEIGHT[1:]], BIAS],
    "parameters": [["linear.weight", *WEIGHT_P[1:]], BIAS_P],
}


def test_entries_are_known_by_their_initial_value() -> None:
    found = compare_contracts(contracts(), contracts(**RENAMED), ({"fc.weight": "1"}, {"linear.weight": "1"}))
    assert [(d.kind, d.detail) for d in found.differences] == [
        ("keys-renamed", "keys renamed: `fc.weight` is `linear.weight`")
    ]
    assert found.keys == Keys({"fc.weight": "linear.weight"})
    for initial in (({}, {}), ({"fc.weight": "1"}, {"linear.weight": "2"})):
        other = compare_contracts(contracts(), contracts(**RENAMED), initial)
        assert [d.kind for d in other.differences] == ["keys-lost", "keys-added"]
        assert other.keys == Keys({}, frozenset({"fc.weight", "linear.weight"}))


def test_what_was_hidden_is_registered() -> None:
    hidden = contracts(hidden={"modules": ["layers.0"], "tensors": ["layers.0.w"]})
    registered = contracts(
        state_dict=[WEIGHT, BIAS, ["layers.0.w", "parameter", "float32", [1]]],
        modules=[NET, FC, ["layers", "torch.nn.modules.container.ModuleList", False], ["layers.0", "m.Layer", True]],
    )
    found = compare_contracts(hidden, registered)
    assert {difference.kind for difference in found.differences} == {"keys-added", "modules-registered"}
    assert found.registers_modules
    assert found.keys == Keys()  # both sides have it, under the same name


def test_state_that_only_lost_hooks_hold_is_not_compared() -> None:
    one = contracts(hooks={"built": [], "run": ["fc/_forward_hooks: f", "/_backward_hooks: g", "a/_forward_hooks: h"]})
    found = compare_contracts(one, contracts(hooks={"built": [], "run": ["a/_forward_hooks: h"]}))
    assert found.keys == Keys(lost_hooks=frozenset({"fc._forward_hooks.", "_backward_hooks."}))
    held, other = "eval/graph:fc._forward_hooks.0.kept.0", "eval/state:a._forward_hooks.0.kept.0"
    sides = [{"items": {"eval/output:": "1", held: "2", other: "3"}}, {"items": {"eval/output:": "1", other: "3"}}]
    assert differing(sides[0], sides[1]) == [held]
    assert differing(sides[0], sides[1], found.keys) == []
    sides[1]["items"][held] = "4"  # there are two such hooks, one is left, and holds something else
    assert differing(sides[0], sides[1], found.keys) == [held]
    del sides[1]["items"][other]
    assert other in differing(sides[0], sides[1], found.keys)


def test_many_names_are_cut() -> None:
    many = [[f"b{number}", "buffer", "float32", [1]] for number in range(9)]
    (difference,) = compare_contracts(contracts(), contracts(state_dict=[WEIGHT, BIAS, *many])).differences
    assert difference.detail == "keys added: `b0`, `b1`, `b2` and 6 more"
