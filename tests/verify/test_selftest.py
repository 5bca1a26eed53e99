"""The self-test passes here, and a verifier that is broken on purpose does not pass it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from modfix.model.verdict import Divergence, Outcome
from modfix.verify import run, verdicts
from modfix.verify.contracts import Comparison
from modfix.verify.process import Side
from modfix.verify.selftest import CASES, PAIRS, self_test
from modfix.verify.session import Session, Settings
from modfix.verify.trees import Tree

pytestmark = pytest.mark.slow


class RememberingSide:
    """Asks each question once for all tests here: what they break is what becomes of the answers."""

    answers: dict[tuple[str, str], dict[str, object]]

    def __init__(self, side: Side, content: str) -> None:
        self._side = side
        self._content = content

    def ask(self, job: Mapping[str, object]) -> dict[str, object]:
        key = self._content, json.dumps({**job, "exchange": "", "keep": "keep" in job}, sort_keys=True)
        if key not in self.answers:
            self.answers[key] = self._side.ask(job)
        return self.answers[key]

    @property
    def scratch(self) -> Path:
        return self._side.scratch

    def close(self) -> None:
        self._side.close()


class RememberingSession(Session):
    def _side(self, tree: Tree, watch: Mapping[str, list[int]]) -> Any:
        side = super()._side(tree, watch)
        return RememberingSide(side, "".join(path.read_text() for path in Path(tree.root).glob("*.py")))


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    pytest.importorskip("torch")
    RememberingSide.answers = {}
    with RememberingSession(Settings(CASES, device="cpu", time_limit_s=300)) as running:
        yield running


def faults(session: Session) -> dict[str, str]:
    return {pair.name: fault for pair, fault in self_test(session) if fault}


def test_it_passes(session: Session) -> None:
    assert not faults(session)
    assert {pair.outcome for pair in PAIRS} == {Outcome.PROVED, Outcome.DIFFERENT}


def everywhere(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    for module in (verdicts, run):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, value)


def blind_to(*kinds: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Items of these kinds are not looked at."""
    items = verdicts.items

    def seeing(observation: Mapping[str, object]) -> dict[str, str]:
        found = items(observation)
        return {key: value for key, value in found.items() if verdicts.Item.parse(key).kind not in kinds}

    return lambda monkeypatch: everywhere(monkeypatch, "items", seeing)


def all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    items = verdicts.items
    everywhere(monkeypatch, "items", lambda observation: dict.fromkeys(items(observation), ""))


def never_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    items = verdicts.items
    numbers = iter(range(10**9))
    everywhere(monkeypatch, "items", lambda observation: {key: str(next(numbers)) for key in items(observation)})


def no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, "diverge", lambda item, *_, **__: Divergence(item))


def contracts_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere(monkeypatch, "compare_contracts", lambda *_: Comparison())


@pytest.mark.parametrize(
    ("sabotage", "caught_by"),
    [
        pytest.param(all_the_same, "relu6 for relu", id="all_the_same"),
        pytest.param(never_the_same, "nothing changed", id="never_the_same"),
        pytest.param(no_place, "relu6 for relu", id="no_place"),
        pytest.param(contracts_are_equal, "buffer not saved", id="contracts_are_equal"),
        pytest.param(blind_to("grad", "input-grad"), "detached branch", id="blind_to_gradients"),
        pytest.param(blind_to("state"), "buffer not updated", id="blind_to_state"),
        pytest.param(blind_to("rng"), "random number more", id="blind_to_random_numbers"),
    ],
)
def test_a_broken_verifier_is_caught(
    session: Session, monkeypatch: pytest.MonkeyPatch, sabotage: Callable[[pytest.MonkeyPatch], None], caught_by: str
) -> None:
    sabotage(monkeypatch)
    assert caught_by in faults(session)
