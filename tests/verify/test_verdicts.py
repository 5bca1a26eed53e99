from __future__ import annotations

import pytest

from modfix.model.verdict import Outcome, Place
from modfix.verify.verdicts import Item, Keys, compare_observations, differing, permit
from tests.verify.observations import ITEMS, failed, observation, row


def changed(key: str, value: str = "other") -> dict[str, object]:
    assert key in ITEMS
    return observation({**ITEMS, key: value})


def test_the_same_dataflow_is_a_proof_and_the_same_bits_are_identical() -> None:
    one = observation(ITEMS, [row("a"), row("b")])
    proof = compare_observations(one, one, case="net", rung="fake")
    assert (proof.case, proof.outcome, proof.rung, proof.reason, proof.operators) == (
        "net",
        Outcome.PROVED,
        "fake",
        "",
        2,
    )
    assert {check.name: check.outcome for check in proof.checks} == dict.fromkeys(
        [
            "initial weights",
            "random numbers",
            "outputs",
            "output structure",
            "parameter gradients",
            "weights and buffers afterwards",
        ],
        Outcome.PROVED,
    )
    assert compare_observations(one, one, rung="numeric").outcome is Outcome.IDENTICAL


@pytest.mark.parametrize("rung", ["meta", "fake", "real", "numeric"])
@pytest.mark.parametrize("key", ITEMS)
def test_every_item_counts(key: str, rung: str) -> None:
    verdict = compare_observations(observation(ITEMS), changed(key), rung=rung)
    assert verdict.outcome is Outcome.DIFFERENT
    assert f"first `{key}`" in verdict.reason
    assert verdict.divergence is not None
    assert verdict.divergence.item == key
    wrong = [check.name for check in verdict.checks if check.outcome is Outcome.DIFFERENT]
    assert wrong == [Item.parse(key).check]


@pytest.mark.parametrize("key", ITEMS)
def test_every_item_must_be_there_on_both_sides(key: str) -> None:
    less = observation({name: value for name, value in ITEMS.items() if name != key})
    for one, two in ((less, observation(ITEMS)), (observation(ITEMS), less)):
        assert compare_observations(one, two).outcome is Outcome.DIFFERENT


def test_the_divergence_names_both_places() -> None:
    before = observation(ITEMS, [row("a", "aten.relu", "act", 4)])
    after = observation({**ITEMS, "eval/output:": "x"}, [row("b", "aten.hardtanh", "act", 5)])
    divergence = compare_observations(before, after).divergence
    assert divergence is not None
    assert divergence.before == Place("aten.relu", "act", "m.py", 4)
    assert divergence.after == Place("aten.hardtanh", "act", "m.py", 5)


@pytest.mark.parametrize("kind", ["import", "constructor", "forward", "backward", "crash", "exit"])
def test_a_failure_after_only_is_a_difference(kind: str) -> None:
    verdict = compare_observations(observation(ITEMS), failed(kind))
    assert verdict.outcome is Outcome.DIFFERENT
    assert verdict.reason == f"after fails: {kind}: boom (m.py:3)"


@pytest.mark.parametrize("kind", ["timeout", "memory", "unsupported", "recorder", "inputs", "stdin", "network"])
def test_a_failure_that_says_nothing_about_the_code_is_unverified(kind: str) -> None:
    assert compare_observations(observation(ITEMS), failed(kind)).outcome is Outcome.UNVERIFIED


def test_a_failure_before_is_unverified() -> None:
    verdict = compare_observations(failed("constructor", where=""), observation(ITEMS))
    assert (verdict.outcome, verdict.reason) == (Outcome.UNVERIFIED, "before fails: constructor: boom")
    both = compare_observations(failed("import"), failed("import"))
    assert (both.outcome, both.reason) == (Outcome.UNVERIFIED, "both sides fail: import: boom (m.py:3)")


def test_a_phase_that_fails_alike_on_both_sides_shows_nothing() -> None:
    one = observation({**ITEMS, "train/error": "ValueError: <Net at 0x7f01> needs more", "train/output:": "half"})
    two = observation({**ITEMS, "train/error": "ValueError: <Net at 0x9a02> needs more", "train/output:": "other half"})
    verdict = compare_observations(one, two)
    assert verdict.outcome is Outcome.PROVED
    assert verdict.listed == ("train shows nothing, because both sides fail: ValueError: <Net at 0x7f01> needs more",)


def test_where_all_phases_fail_nothing_is_shown() -> None:
    error = {"build/rng": "r", "eval/error": "ValueError: no", "train/error": "ValueError: no"}
    verdict = compare_observations(observation(error), observation(error))
    assert (verdict.outcome, verdict.reason) == (Outcome.UNVERIFIED, "both sides fail: ValueError: no")


def test_an_error_on_one_side() -> None:
    error = observation({**ITEMS, "train/error": "ValueError: no"})
    after = compare_observations(observation(ITEMS), error)
    assert (after.outcome, after.reason) == (Outcome.DIFFERENT, "after fails in train: ValueError: no")
    before = compare_observations(error, observation(ITEMS))
    assert (before.outcome, before.reason) == (Outcome.UNVERIFIED, "before fails in train: ValueError: no")


def test_another_error() -> None:
    one = observation({**ITEMS, "train/error": "ValueError: no"})
    assert (
        compare_observations(one, observation({**ITEMS, "train/error": "TypeError: no"})).outcome is Outcome.DIFFERENT
    )
    other = compare_observations(one, observation({**ITEMS, "train/error": "ValueError: yes"}))
    assert other.outcome is Outcome.UNVERIFIED


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (observation(ITEMS, vacuous="all outputs are NaN"), observation(ITEMS)),
        (observation(ITEMS), observation(ITEMS, vacuous="all outputs are NaN")),
        (observation({}), observation({})),
        ({}, {}),
        (observation({"build/state:w": "w", "eval/rng": "r", "eval/state:w": "w"}),) * 2,
        (observation({"build/output:": "o"}),) * 2,
    ],
)
def test_what_proves_nothing_never_passes(one: dict[str, object], two: dict[str, object]) -> None:
    verdict = compare_observations(one, two)
    assert verdict.outcome is Outcome.UNVERIFIED
    assert verdict.reason.startswith("vacuous: ")


def test_a_difference_counts_although_one_side_is_vacuous() -> None:
    verdict = compare_observations(observation(ITEMS, vacuous="all NaN"), changed("train/output:"))
    assert verdict.outcome is Outcome.DIFFERENT


def test_renamed_and_one_sided_keys() -> None:
    before = observation({"build/state:old.w": "1", "train/grad:old.w": "2", "eval/output:old.w": "3"})
    after = observation(
        {"build/state:new.w": "1", "train/grad:new.w": "2", "eval/output:old.w": "3", "build/state:more": "4"}
    )
    assert len(differing(before, after)) == 5
    assert differing(before, after, Keys({"old.w": "new.w"})) == ["build/state:more"]
    assert differing(before, after, Keys({"old.w": "new.w"}, frozenset({"more"}))) == []


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("eval/output:", ("", "eval", "output", "")),
        ("eval/output:a/b:c*d", ("", "eval", "output", "a/b:c*d")),
        ("float32*30/train/grad:w", ("float32*30", "train", "grad", "w")),
        ("bfloat16*1/step/state:a*b/c", ("bfloat16*1", "step", "state", "a*b/c")),
        ("build/rng", ("", "build", "rng", "")),
    ],
)
def test_keys_are_taken_apart(key: str, parts: tuple[str, ...]) -> None:
    assert tuple(Item.parse(key)) == parts


def test_who_permits_a_difference() -> None:
    assert permit("keys-added", "`w`", (), {}) is None
    allowed, declared = (
        permit("keys-added", "`w`", ["keys-added"], {}),
        permit("keys-added", "`w`", [], {"keys-added": "modulelist"}),
    )
    assert allowed is not None
    assert declared is not None
    assert (allowed.declared_by, declared.declared_by) == ("--allow", "modulelist")
