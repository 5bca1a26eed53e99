from __future__ import annotations

from modfix.model.verdict import Divergence, Place
from modfix.verify.localize import Record, diverge, operators, read_records
from tests.verify.observations import observation, row


def records(*rows: list[object]) -> list[Record]:
    return read_records(observation({}, rows))


def test_the_first_operator_that_the_other_side_lacks() -> None:
    before = records(row("a", "aten.mm", line=1), row("b", "aten.relu", "act", 2), row("c", "aten.sum", line=3))
    after = records(row("a", "aten.mm", line=1), row("x", "aten.hardtanh", "act", 2), row("y", "aten.sum", line=3))
    assert diverge("eval/output:", before, after, phase="eval") == Divergence(
        "eval/output:", Place("aten.relu", "act", "m.py", 2), Place("aten.hardtanh", "act", "m.py", 2)
    )


def test_reordered_operators_are_no_divergence() -> None:
    before = records(row("a", line=1), row("b", line=2), row("c", line=3))
    after = records(row("b", line=1), row("a", line=2), row("x", line=3))
    found = diverge("eval/output:", before, after)
    assert found.before is not None
    assert found.before.line == 3
    assert found.after is not None
    assert found.after.line == 3


def test_the_same_operator_once_more_on_one_side() -> None:
    found = diverge("train/rng", records(row("a", line=1)), records(row("a", line=1), row("a", line=2)))
    assert found == Divergence("train/rng", None, Place("aten.add", "", "m.py", 2))


def test_only_the_backward_pass_lacks_something() -> None:
    before = records(row("a"), row("b", "aten.threshold_backward", "act", 9, "train", "ReluBackward0"))
    found = diverge("train/grad:w", before, records(row("a")))
    assert found.before == Place("aten.threshold_backward", "act", "m.py", 9, "ReluBackward0")
    assert found.after is None
    assert str(found.before) == (
        "`aten.threshold_backward` in the backward pass of `ReluBackward0` in module `act` at m.py:9"
    )


def test_what_later_phases_do_is_not_the_cause() -> None:
    before = records(row("a", line=1, phase="eval"), row("c", line=3, phase="train"))
    after = records(row("z", line=1, phase="train"), row("a", line=1, phase="eval"), row("d", line=4, phase="eval"))
    found = diverge("eval/output:", before, after, phase="eval")
    assert found == Divergence("eval/output:", None, Place("aten.add", "", "m.py", 4))


def test_a_difference_that_no_earlier_phase_shows_is_looked_for_in_all() -> None:
    before = records(row("a", phase="eval"), row("c", line=3, phase="train"))
    after = records(row("a", phase="eval"), row("d", line=4, phase="train"))
    assert diverge("eval/state:n", before, after, phase="eval").before == Place("aten.add", "", "m.py", 3)


def test_no_records_no_places() -> None:
    assert read_records({"items": {}}) == []
    assert diverge("float32*1/eval/output:", [], [], phase="eval") == Divergence("float32*1/eval/output:")


def test_operators_are_counted() -> None:
    assert operators(records(row("a"), row("b"), row("c", "aten.mm"))) == {"aten.add": 2, "aten.mm": 1}
