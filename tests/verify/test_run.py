from __future__ import annotations

from collections.abc import Mapping

import pytest

from modfix.model.verdict import Outcome, Place, Verdict
from modfix.verify.attribution import CaseResult
from modfix.verify.plan import CaseSpec, listed_cases, model_case
from modfix.verify.run import NUMBERS, Options, expand, verify_cases
from tests.verify.observations import ITEMS, contracts, failed, observation, row
from tests.verify.sides import Answer, FakeSide

SAME = observation(ITEMS, [row("a", "aten.relu", line=4)])
OTHER = observation({**ITEMS, "eval/output:": "x"}, [row("b", "aten.clamp_min", line=5)])
CASE = CaseSpec("net", "m:Net")


def numbers(**changes: str) -> Answer:
    """Digests in every dtype and scale, the same but for ``changes``."""

    def answer(job: Mapping[str, object]) -> dict[str, object]:
        run = f"{job['dtype']}*{job['scale']}"
        return observation({f"{run}/{key}": changes.get(f"{run}/{key}", value) for key, value in ITEMS.items()})

    return answer


def verify(
    before: Mapping[str, Answer], after: Mapping[str, Answer], **options: object
) -> tuple[Verdict, FakeSide, FakeSide]:
    one, two = FakeSide(before), FakeSide(after)
    (result,) = verify_cases(one, two, [CASE], Options(**options))  # type: ignore[arg-type]
    return result.verdict, one, two


def test_a_proof_on_meta_tensors_needs_no_numbers() -> None:
    verdict, one, two = verify({"proof": SAME}, {"proof": SAME})
    assert (verdict.outcome, verdict.rung, verdict.operators) == (Outcome.PROVED, "meta", 1)
    assert one.asked == two.asked == ["proof meta", "contracts"]


@pytest.mark.parametrize(
    "trouble",
    [failed("unsupported"), failed("forward"), observation({**ITEMS, "train/error": "RuntimeError: no data"})],
)
def test_trouble_without_numbers_leads_to_the_next_rung_on_both_sides(trouble: dict[str, object]) -> None:
    answers = {"proof meta": trouble, "proof fake": SAME}
    for before, after in ((answers, {"proof": SAME}), ({"proof": SAME}, answers)):
        verdict, one, two = verify(before, after)
        assert (verdict.outcome, verdict.rung) == (Outcome.PROVED, "fake")
        assert one.asked == ["proof meta", "proof fake", "contracts"]
        assert two.asked[-2:] == ["proof fake", "contracts"]


def test_another_start_on_meta_tensors_is_looked_at_on_real_ones() -> None:
    """``torch.FloatTensor(2)`` makes a real tensor where ``torch.empty(2)`` makes one on meta."""
    other = observation({**ITEMS, "build/state:w": "real"}, [row("r")])
    verdict, _, two = verify({"proof": SAME}, {"proof meta": other, "proof": SAME})
    assert (verdict.outcome, verdict.rung) == (Outcome.PROVED, "fake")
    assert two.asked == ["proof meta", "proof fake", "contracts"]


def test_another_start_counts_where_the_model_is_too_large_to_be_built() -> None:
    other = observation({**ITEMS, "build/state:w": "other"}, [row("r")])
    large: dict[str, Answer] = {"proof fake": failed("memory"), "numeric": failed("memory")}
    verdict, one, _ = verify({"proof": SAME, **large}, {"proof": other, **large})
    assert one.asked[:2] == ["proof meta", "proof fake"]
    assert "proof real" not in one.asked
    assert not verdict.outcome.passed


def test_numbers_that_are_no_numbers_are_no_evidence_where_all_are_wide() -> None:
    def answer(value: str) -> dict[str, Answer]:
        return {"numeric": numbers(**{"float32*wide/train/grad:w": value})}

    for before, after, outcome in (
        ("NaN", "a", Outcome.IDENTICAL),
        ("a", "NaN", Outcome.IDENTICAL),
        ("a", "b", Outcome.DIFFERENT),
    ):
        one, two = {"proof": SAME, "close": {"items": {}}, **answer(before)}, {"proof": OTHER, **answer(after)}
        assert verify(one, two)[0].outcome is outcome


@pytest.mark.parametrize(
    ("item", "allow", "outcome"),
    [
        ("eval/graph:fc._forward_hooks.0.kept.0", ("hooks-lost",), Outcome.PROVED),
        ("eval/graph:fc._forward_hooks.0.kept.0", (), Outcome.DIFFERENT),
        ("eval/graph:kept.0", ("hooks-lost",), Outcome.DIFFERENT),
        ("eval/graph:relu._forward_hooks.0.kept.0", ("hooks-lost",), Outcome.DIFFERENT),  # that hook is not lost
    ],
)
def test_state_on_a_graph_that_a_lost_hook_held(item: str, allow: tuple[str, ...], outcome: Outcome) -> None:
    lost = {"contracts": contracts(hooks={"built": [], "run": ["fc/_forward_hooks: f.<locals>.<lambda>"]})}
    before = {"proof": observation({**ITEMS, item: "state is part of a graph"}), "contracts": lost}
    verdict, _, _ = verify(before, {"proof": observation(ITEMS)}, allow=allow)
    assert verdict.outcome is outcome
    assert [note.kind for note in verdict.modulo] == (["hooks-lost"] if outcome is Outcome.PROVED else [])


@pytest.mark.parametrize(
    ("item", "more", "allow", "outcome"),
    [
        ("eval/graph:kept.0", {}, ("graph-lost",), Outcome.PROVED),
        ("eval/graph:kept.0", {}, (), Outcome.DIFFERENT),
        ("eval/graph:kept.0", {"eval/state:kept.0": "other"}, ("graph-lost",), Outcome.IDENTICAL),
        ("eval/graph:fc._forward_hooks.0.kept.0", {}, ("graph-lost",), Outcome.DIFFERENT),
    ],
)
def test_state_that_no_longer_hangs_on_a_graph(
    item: str, more: dict[str, str], allow: tuple[str, ...], outcome: Outcome
) -> None:
    before = {"proof": observation({**ITEMS, item: "state is part of a graph"}), "numeric": numbers()}
    after = {"proof": observation({**ITEMS, **more}), "numeric": numbers()}
    verdict, _, _ = verify(before, after, allow=allow)
    assert verdict.outcome is outcome
    assert [note.kind for note in verdict.modulo] == (["graph-lost"] if outcome.passed else [])


def test_a_graph_is_not_lost_where_there_was_none() -> None:
    after = {"proof": observation({**ITEMS, "eval/graph:kept": "state is part of a graph"})}
    assert verify({"proof": observation(ITEMS)}, after, allow=("graph-lost",))[0].outcome is Outcome.DIFFERENT


def test_other_operators_with_the_same_bits_are_identical() -> None:
    verdict, one, _ = verify({"proof": SAME, "numeric": numbers()}, {"proof": OTHER, "numeric": numbers()})
    assert (verdict.outcome, verdict.rung, verdict.divergence) == (Outcome.IDENTICAL, "numeric", None)
    assert verdict.listed == (
        "other operators give the same bits: `aten.relu` at m.py:4 became `aten.clamp_min` at m.py:5",
    )
    assert len([key for key in one.asked if key.startswith("numeric")]) == len(NUMBERS)


NOT_CLOSE = {"items": {}}
KEPT = {
    f"numeric {dtype}*{scale} keep": {"items": {}}
    for dtype, scale in (("float32", 1), ("float32", 30), ("float64", 1), ("float64", 30))
}


@pytest.mark.parametrize(
    "key", ["float32*1/train/output:", "float32*30/eval/output:", "float32*0/train/grad:w", "bfloat16*1/train/rng"]
)
def test_other_bits_are_different_and_the_place_comes_from_the_dataflow(key: str) -> None:
    before = {"proof": SAME, "numeric": numbers(), "close": NOT_CLOSE}
    verdict, _, _ = verify(before, {"proof": OTHER, "numeric": numbers(**{key: "other"})})
    assert (verdict.outcome, verdict.rung) == (Outcome.DIFFERENT, "numeric")
    assert verdict.divergence is not None
    assert (verdict.divergence.item, verdict.divergence.after) == (key, Place("aten.clamp_min", "", "m.py", 5))


def close_to(*keys: str) -> dict[str, object]:
    return {"items": {key: {"close": True} for key in keys}}


def test_near_enough_to_float64_is_close() -> None:
    key = "float32*1/train/output:"
    after = {"proof": OTHER, "numeric": numbers(**{key: "other"})}
    verdict, _, _ = verify({"proof": SAME, "numeric": numbers(), "close": close_to(key)}, after)
    assert verdict.outcome is Outcome.CLOSE
    assert verdict.reason == f"1 numbers differ within the error that float32 has anyway, first `{key}`"


def test_what_is_close_at_one_scale_must_not_be_far_at_another() -> None:
    near, far = "float32*1/train/output:", "float32*30/train/output:"
    after = {"proof": OTHER, "numeric": numbers(**{near: "other", far: "other"})}
    verdict, one, _ = verify({"proof": SAME, "numeric": numbers(), "close": close_to(near)}, after)
    assert verdict.outcome is Outcome.DIFFERENT
    assert verdict.divergence is not None
    assert verdict.divergence.item == far
    verdict, one, _ = verify({"proof": SAME, "numeric": numbers(), "close": close_to(near, far)}, after)
    assert verdict.outcome is Outcome.CLOSE
    assert f"first `{near}`" in verdict.reason
    assert "numeric float64*1" in one.asked


def test_every_unequal_item_must_be_near() -> None:
    keys = ("float32*1/train/output:", "float32*1/train/rng")
    after = {"proof": OTHER, "numeric": numbers(**dict.fromkeys(keys, "other"))}
    for answer in (
        close_to(keys[0]),
        {"items": {**close_to(keys[0])["items"], keys[1]: {"close": False}}},
        failed("memory"),
    ):  # type: ignore[dict-item]
        assert verify({"proof": SAME, "numeric": numbers(), "close": answer}, after)[0].outcome is Outcome.DIFFERENT


def test_what_differs_from_itself_is_unverified() -> None:
    key = "float32*1/train/output:"
    count = 0

    def noisy(job: Mapping[str, object]) -> Mapping[str, object]:
        nonlocal count
        count += 1
        answer = numbers(**{key: f"run {count}"})
        assert callable(answer)
        return answer(job)

    verdict, _, _ = verify(
        {"proof": SAME, "numeric": noisy, "close": NOT_CLOSE}, {"proof": OTHER, "numeric": numbers()}
    )
    assert verdict.outcome is Outcome.UNVERIFIED
    assert verdict.reason == f"not deterministic: `{key}` differs between two runs of the version before"
    other = "float32*1/eval/output:"
    mixed, _, _ = verify(
        {"proof": SAME, "numeric": noisy, "close": NOT_CLOSE}, {"proof": OTHER, "numeric": numbers(**{other: "other"})}
    )
    assert mixed.outcome is Outcome.DIFFERENT


def test_a_dtype_in_which_the_model_does_not_run_is_left_out() -> None:
    sides = {"proof": failed("unsupported"), "numeric": numbers(), "numeric bfloat16*1": failed("unsupported")}
    verdict, _, _ = verify(sides, sides)
    assert verdict.outcome is Outcome.IDENTICAL


def test_a_dtype_in_which_one_side_does_not_run_is_a_difference() -> None:
    before = {"proof": failed("unsupported"), "numeric": numbers()}
    verdict, _, _ = verify(before, {**before, "numeric bfloat16*1": failed("forward")})
    assert verdict.outcome is Outcome.DIFFERENT


def test_where_nothing_runs_nothing_is_verified() -> None:
    sides = {"proof": failed("unsupported"), "numeric": failed("forward")}
    assert verify(sides, sides)[0].outcome is Outcome.UNVERIFIED


def test_a_constructor_that_fails_after_is_different_without_numbers() -> None:
    verdict, one, _ = verify({"proof": SAME}, {"proof": failed("constructor")})
    assert (verdict.outcome, verdict.divergence and verdict.divergence.after) == (
        Outcome.DIFFERENT,
        Place("", path="m.py", line=3),
    )
    assert one.asked == ["proof meta", "proof fake", "proof real"]


def test_an_error_after_is_different_without_numbers() -> None:
    verdict, _, _ = verify({"proof": SAME}, {"proof": observation({**ITEMS, "train/error": "ValueError: no"})})
    assert (verdict.outcome, verdict.reason) == (Outcome.DIFFERENT, "after fails in train: ValueError: no")


def test_vacuous_numbers_never_pass() -> None:
    vacuous = {
        "proof": failed("unsupported"),
        "numeric": lambda job: {**numbers()(job), "vacuous": "all outputs are NaN"},
    }  # type: ignore[operator]
    assert verify(vacuous, vacuous)[0].outcome is Outcome.UNVERIFIED
    vacuous = {"proof": observation(ITEMS, vacuous="no tensor")}
    assert verify(vacuous, vacuous)[0].reason == "vacuous: no tensor"


SHUFFLED = observation({**ITEMS, "build/state:w": "v"}, [row("c", "aten.relu", line=4)])


@pytest.mark.parametrize("options", [{"allow": ("rng-order",)}, {"declared": {"rng-order": "reset-parameters"}}])
def test_another_order_of_random_numbers_may_be_permitted(options: dict[str, object]) -> None:
    before = {"proof": SAME, "proof meta relaxed": failed("unsupported"), "proof fake relaxed": SAME}
    after = {"proof": SHUFFLED, "proof fake relaxed": SAME}
    verdict, _, _ = verify(before, {**after, "proof meta relaxed": SAME}, **options)
    assert verdict.outcome is Outcome.PROVED
    assert [modulo.kind for modulo in verdict.modulo] == ["rng-order"]


def test_another_order_of_random_numbers_is_different_otherwise() -> None:
    key = "float32*1/build/state:w"
    before, after = (
        {"proof": SAME, "numeric": numbers(), "close": NOT_CLOSE},
        {"proof": SHUFFLED, "numeric": numbers(**{key: "v"})},
    )
    assert verify(before, after)[0].outcome is Outcome.DIFFERENT


def test_lines_come_from_the_runs_that_decided() -> None:
    def ran(answer: Mapping[str, object], *lines: int) -> dict[str, object]:
        return {**answer, "lines": {"m.py": list(lines)}}

    side = {"proof meta": ran(failed("unsupported"), 1), "proof fake": ran(SAME, 2, 3)}
    (result,) = verify_cases(FakeSide(side), FakeSide(side), [CASE], Options())
    assert result.before == result.after == {"m.py": frozenset({2, 3})}
    number = numbers()
    assert callable(number)
    side = {"proof": ran(failed("unsupported"), 1), "numeric": lambda job: ran(number(job), len(str(job["dtype"])))}
    (result,) = verify_cases(FakeSide(side), FakeSide(side), [CASE], Options())
    assert result.after == {"m.py": frozenset({7, 8})}


def test_each_side_watches_its_own_lines() -> None:
    asked: list[object] = []

    def answer(job: Mapping[str, object]) -> Mapping[str, object]:
        asked.append(job["watch"])
        return SAME

    options = Options(watch_before={"m.py": [1]}, watch_after={"m.py": [2]})
    verify_cases(FakeSide({"proof": answer}), FakeSide({"proof": answer}), [CASE], options)
    assert asked == [{"m.py": [1]}, {"m.py": [2]}]


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    side = FakeSide({"proof": SAME})
    verify_cases(side, side, [model_case("m:a"), model_case("m:b")], Options(), lambda *what: told.append(what))
    assert told == [("verifying m:a", 0, 2), ("verifying m:b", 1, 2)]


def test_listed_cases_are_those_of_both_sides() -> None:
    before, after = FakeSide({"list": {"names": ["a", "b"]}}), FakeSide({"list": {"names": ["b", "c"]}})
    ready, missing = expand(before, after, [model_case("m:net"), listed_cases("zoo:cases")])
    assert ready == [model_case("m:net"), CaseSpec("b", listed="zoo:cases")]
    assert [(result.verdict.case, result.verdict.reason) for result in missing] == [
        ("a", "`zoo:cases` lists it before only"),
        ("c", "`zoo:cases` lists it after only"),
    ]


@pytest.mark.parametrize("answer", [failed("import"), {"names": []}])
def test_a_function_that_lists_nothing_is_unverified(answer: dict[str, object]) -> None:
    side = FakeSide({"list": answer})
    ready, missing = expand(side, side, [listed_cases("zoo:cases")])
    assert ready == []
    (result,) = missing
    assert isinstance(result, CaseResult)
    assert result.verdict.outcome is Outcome.UNVERIFIED
    assert "`zoo:cases`" in result.verdict.reason


def test_an_exception_of_a_side_ends_the_run() -> None:
    def broken(job: Mapping[str, object]) -> Mapping[str, object]:
        raise RuntimeError("the workers are gone")

    side = FakeSide({"proof": broken})
    with pytest.raises(RuntimeError, match="gone"):
        verify_cases(side, side, [model_case("m:a"), model_case("m:b")], Options())


def with_contracts(answer: Mapping[str, object], **changes: object) -> dict[str, Answer]:
    return {"proof": answer, "contracts": {"items": {}, "contracts": contracts(**changes)}}


FEWER = {"modules": [["", "m.Net", False]]}


def test_contracts_count_beside_the_proof() -> None:
    verdict, _, _ = verify({"proof": SAME}, with_contracts(SAME, **FEWER))
    assert (verdict.outcome, verdict.reason) == (Outcome.DIFFERENT, "modules lost: `fc` (`--allow children-changed`)")
    assert verdict.divergence is None
    allowed, _, _ = verify({"proof": SAME}, with_contracts(SAME, **FEWER), allow=["children-changed"])
    assert (allowed.outcome, [modulo.kind for modulo in allowed.modulo]) == (Outcome.PROVED, ["children-changed"])


def test_contracts_that_cannot_be_had_are_said_to_be_missing() -> None:
    verdict, _, _ = verify({"proof": SAME, "contracts": failed("memory")}, {"proof": SAME})
    assert verdict.outcome is Outcome.PROVED
    assert verdict.listed == (
        "contracts beyond names, shapes and order of the state were not compared: memory: boom (m.py:3)",
    )
    two = observation({"build/state:v": "1", "build/state:w": "1", "eval/output:": "o"})
    turned = observation({"build/state:w": "1", "build/state:v": "1", "eval/output:": "o"})
    verdict, _, _ = verify({"proof": two, "contracts": failed("memory")}, {"proof": turned})
    assert verdict.outcome is Outcome.UNVERIFIED


def test_renamed_entries_are_compared_under_their_new_name() -> None:
    def named(name: str) -> dict[str, Answer]:
        row = [name, "parameter", "float32", [1]]
        proof = observation({f"build/state:{name}": "1", "train/grad:" + name: "2", "eval/output:": "o"})
        return with_contracts(proof, state_dict=[row], parameters=[[name, "float32", [1], True]])

    verdict, _, _ = verify(named("old"), named("new"), allow=["keys-renamed"])
    assert verdict.outcome is Outcome.PROVED
    assert [modulo.detail for modulo in verdict.modulo] == ["keys renamed: `old` is `new`"]
    assert (
        verify({**named("old"), "numeric": numbers()}, {**named("new"), "numeric": numbers()})[0].outcome
        is Outcome.DIFFERENT
    )


def test_hidden_modules_that_are_registered_may_follow_eval() -> None:
    def answer(job: Mapping[str, object]) -> Mapping[str, object]:
        return SAME if job.get("hidden_follow") else OTHER

    before = {**with_contracts(SAME, hidden={"modules": ["layers.0"], "tensors": []}), "numeric": numbers()}
    registered = [["", "m.Net", False], ["fc", "torch.nn.modules.linear.Linear", True], ["layers.0", "m.Drop", False]]
    after = {**with_contracts(SAME, modules=registered), "proof": answer, "numeric": numbers()}
    verdict, _, _ = verify(before, after, declared={"modules-registered": "modulelist"})
    assert (verdict.outcome, [modulo.declared_by for modulo in verdict.modulo]) == (Outcome.PROVED, ["modulelist"])
    assert verify(before, after)[0].outcome is Outcome.DIFFERENT


def test_lines_of_a_case_in_which_a_phase_fails_count_for_nothing() -> None:
    partial = observation({**ITEMS, "train/error": "ValueError: no"}, lines={"m.py": [1]})
    side = {"proof meta": failed("unsupported"), "proof fake": failed("unsupported"), "proof real": partial}
    (result,) = verify_cases(FakeSide(side), FakeSide(side), [CASE], Options())
    assert result.verdict.outcome is Outcome.PROVED
    assert result.verdict.listed == ("train shows nothing, because both sides fail: ValueError: no",)
    assert result.before == result.after == {}


def test_numbers_start_from_the_same_weights_where_their_order_is_permitted() -> None:
    def seen(job: Mapping[str, object]) -> Mapping[str, object]:
        number = numbers(**{"float32*1/build/state:w": "v"} if job.get("state") else {"float32*1/train/output:": "v"})
        assert callable(number)
        return number(job)

    before = {"proof": SAME, "numeric": numbers(), "close": NOT_CLOSE, "save": {"saved": ["w"]}}
    after = {"proof": OTHER, "numeric": seen}
    assert verify(before, after)[0].outcome is Outcome.DIFFERENT
    verdict, _, _ = verify(before, after, allow=["rng-order"])
    assert (verdict.outcome, [modulo.kind for modulo in verdict.modulo]) == (Outcome.IDENTICAL, ["rng-order"])
