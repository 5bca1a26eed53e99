"""The ladder of one case: contracts, then proof on ever more real tensors, then numbers where there is no proof."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from modfix.model.verdict import Check, Modulo, Outcome, Verdict
from modfix.verify.attribution import CaseResult
from modfix.verify.contracts import Comparison, compare_contracts
from modfix.verify.localize import operators, read_records
from modfix.verify.numbers import EXTREME, NUMBERS, Run, without_nan
from modfix.verify.plan import CaseSpec, named_apart
from modfix.verify.verdicts import (
    BEYOND_NUMBERS,
    IN_HOOK,
    Item,
    Keys,
    Observation,
    compare_observations,
    differing,
    failure,
    initial_state,
    items,
    lost_graphs,
    permit,
    without_graphs,
)

RUNGS = ("meta", "fake", "real")
_NOT_THE_CODE = ("unsupported", "recorder", "timeout", "memory", "crash")  # what numbers may do without

Progress = Callable[[str, int, int], None]  # what is being done, how much of it is done, and of how much


class Side(Protocol):
    """One version, ready to be asked; `modfix.verify.process` has it."""

    @property
    def scratch(self) -> Path:
        """A folder that both this process and the version's can write to; whoever ends the version removes it."""
        ...

    def ask(self, job: Mapping[str, object]) -> dict[str, object]:
        """An observation, or ``{"failed": ...}``."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How cases are compared.

    Attributes:
        device: where numbers are computed: "cpu", "cuda", or "auto" for CUDA where there is one.
        seed: of all random number generators; none that people use, for `torch.manual_seed(0)` in a model has to show.
        allow: kinds of differences (`modfix.verify.verdicts.ALLOWANCES`) that the user accepts.
        declared: kinds that codemods declare -> name of the codemod.
        watch_before: lines to watch, by path, on the side before.
        watch_after: the same on the side after.
        compilers: whether to check that TorchScript and export work where they worked, which takes seconds.
    """

    device: str = "auto"
    seed: int = 20_161
    allow: Collection[str] = ()
    declared: Mapping[str, str] = field(default_factory=dict)
    watch_before: Mapping[str, Sequence[int]] = field(default_factory=dict)
    watch_after: Mapping[str, Sequence[int]] = field(default_factory=dict)
    compilers: bool = False


def verify_cases(
    before: Side, after: Side, cases: Sequence[CaseSpec], options: Options, progress: Progress | None = None
) -> list[CaseResult]:
    """The verdicts of all cases, in order, each with the lines that ran. See `compare_case` for how it comes about."""
    results: list[CaseResult] = []
    # Each side does one thing at a time: with two cases under way, both have something to do.
    executor = ThreadPoolExecutor(2)
    try:
        running = [executor.submit(_Case(before, after, case, options).verify) for case in cases]
        for number, (case, future) in enumerate(zip(cases, running, strict=True)):
            if progress is not None:
                progress(f"verifying {case.name}", number, len(cases))
            results.append(future.result())
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nobody waits for a case that hangs
        raise
    executor.shutdown()
    return results


def expand(before: Side, after: Side, cases: Sequence[CaseSpec]) -> tuple[list[CaseSpec], list[CaseResult]]:
    """The cases with unique names, those that functions list among them, and verdicts of those that cannot be run.

    A function that lists cases is asked on both sides: what one side alone lists cannot be compared.
    """
    ready: list[CaseSpec] = []
    missing: list[CaseResult] = []
    for case in named_apart(cases):
        if not case.listed:
            ready.append(case)
            continue
        sides = [_list(side, case.listed) for side in (before, after)]
        faults = [names for names in sides if isinstance(names, str)]
        if faults:
            missing.append(CaseResult(Verdict(case.listed, Outcome.UNVERIFIED, faults[0])))
            continue
        for name in dict.fromkeys([*sides[0], *sides[1]]):
            if all(name in names for names in sides):
                ready.append(replace(case, name=name))
            else:
                side = "before" if name in sides[0] else "after"
                missing.append(CaseResult(Verdict(name, Outcome.UNVERIFIED, f"`{case.listed}` lists it {side} only")))
    return ready, missing


def _list(side: Side, listed: str) -> list[str] | str:
    """The names, or why there are none."""
    answer = side.ask({"job": "list", "listed": listed})
    names = answer.get("names")
    if isinstance(names, list):
        return names or f"`{listed}` lists no cases"
    return f"`{listed}` cannot be asked for its cases: {failure(answer)}"


class _Case:
    """One case on its way down the ladder."""

    def __init__(self, before: Side, after: Side, case: CaseSpec, options: Options) -> None:
        self._sides = before, after
        self._case = case
        self._options = options
        self._keys = Keys()
        self._state = ""  # file with the initial weights of the side before, where both sides are to start from these
        self._lost_graphs: Modulo | None = None  # permitted: state that no longer hangs on a graph
        self._is_partial = False  # whether some phase failed, on both sides alike
        self._ran: tuple[dict[str, set[int]], dict[str, set[int]]] = ({}, {})

    def verify(self) -> CaseResult:
        """Climb down the ladder."""
        verdict = self._verdict()
        if self._lost_graphs is not None and verdict.outcome.passed:
            verdict = replace(verdict, modulo=(*verdict.modulo, self._lost_graphs))
        if self._is_partial:  # nobody knows which lines ran only in the phase that failed, and so were not compared
            return CaseResult(verdict, partial=True)
        before, after = ({path: frozenset(numbers) for path, numbers in side.items()} for side in self._ran)
        return CaseResult(verdict, before, after)

    def _verdict(self) -> Verdict:
        proof, observations = self._prove()
        settled = proof.outcome is not Outcome.PROVED and not _numbers_may_help(proof, observations)
        if settled and not self._hooks_may_explain(observations):
            return proof
        ran = self._ran
        contracts = self._contracts(observations)
        self._ran = ran
        if isinstance(contracts, str):
            verdict = proof if proof.outcome is Outcome.PROVED else self._without_proof(proof, observations)
            return _without_contracts(verdict, contracts, observations)
        self._keys = contracts.keys
        if proof.outcome is not Outcome.PROVED and contracts.keys != Keys() and not any(map(failure, observations)):
            proof = compare_observations(*observations, case=self._case.name, rung=proof.rung, keys=self._keys)
        if proof.outcome is not Outcome.PROVED and settled:
            return proof
        if proof.outcome is not Outcome.PROVED and contracts.registers_modules:
            proof = self._following(proof)
        if proof.outcome is not Outcome.PROVED:
            proof = self._without_proof(proof, observations)
        return _with_contracts(proof, *contracts.judge(self._options.allow, self._options.declared), contracts.listed)

    def _hooks_may_explain(self, observations: tuple[Observation, Observation]) -> bool:
        """Whether all differences may be state that only lost hooks hold, which is permitted."""
        if any(map(failure, observations)):
            return False
        labels = [Item.parse(key).label for key in differing(*observations)]
        in_hooks = all(IN_HOOK.search(label) for label in labels)
        return in_hooks and permit("hooks-lost", "", self._options.allow, self._options.declared) is not None

    def _without_proof(self, proof: Verdict, observations: tuple[Observation, Observation]) -> Verdict:
        modulo = self._other_order(observations)
        if modulo is not None:
            return replace(proof, outcome=Outcome.PROVED, reason="", modulo=(modulo,), divergence=None)
        return self._count(proof)

    # -- contracts

    def _contracts(self, observations: tuple[Observation, Observation]) -> Comparison | str:
        """The contracts of both sides compared; why not, where they cannot be had."""
        with self._folder() as folder:
            found = []
            for side, name in enumerate(("before", "after")):
                keywords = {"device": "cpu", "exchange": folder, "side": name, "compile": self._options.compilers}
                found.append(self._ask_one(side, "contracts", **keywords))
                if trouble := failure(found[-1]):
                    return str(trouble)
        first, second = (one["contracts"] for one in found)
        assert isinstance(first, Mapping)
        assert isinstance(second, Mapping)
        return compare_contracts(first, second, (initial_state(observations[0]), initial_state(observations[1])))

    def _following(self, proof: Verdict) -> Verdict:
        """The proof where hidden modules follow train() and eval() on both sides, if that is permitted."""
        if permit("modules-registered", "", self._options.allow, self._options.declared) is None:
            return proof
        for rung in RUNGS:
            verdict = compare_observations(
                *self._ask("proof", rung=rung, device="cpu", hidden_follow=True),
                case=self._case.name,
                rung=rung,
                keys=self._keys,
            )
            if verdict.outcome is Outcome.PROVED:
                return verdict
        return proof

    # -- proof

    def _prove(self) -> tuple[Verdict, tuple[Observation, Observation]]:
        """The verdict of the first rung that can say anything, with what it was made from."""
        kept: tuple[Verdict, tuple[Observation, Observation]] | None = None
        for rung in RUNGS:
            self._ran = ({}, {})  # what an attempt ran that came to nothing shows nothing
            first = self._ask_one(0, "proof", rung=rung, device="cpu")
            if kept is not None and _failed_somewhere(first):
                return kept  # the model cannot be built for real
            if rung != RUNGS[-1] and _failed_somewhere(first):
                continue  # whatever the other side does there
            observations = self._permitted(first, self._ask_one(1, "proof", rung=rung, device="cpu"))
            verdict = compare_observations(*observations, case=self._case.name, rung=rung)
            self._is_partial = _failed_somewhere(observations[1])
            if verdict.outcome is Outcome.PROVED or rung == RUNGS[-1]:
                break
            if any(_failed_somewhere(observation) for observation in observations):
                continue  # may come of tensors without numbers
            first_unequal = next(iter(differing(*observations)), "")
            if rung != RUNGS[0] or Item.parse(first_unequal).phase != "build":
                break  # an answer
            kept = verdict, observations  # `FloatTensor` makes a real tensor where others are on meta
        return verdict, observations

    def _permitted(self, before: Observation, after: Observation) -> tuple[Observation, Observation]:
        """Both observations, without the graphs that are lost by permission."""
        names = lost_graphs(before, after)
        detail = f"no longer on a graph: {', '.join(names)}"
        self._lost_graphs = permit("graph-lost", detail, self._options.allow, self._options.declared) if names else None
        return (before if self._lost_graphs is None else without_graphs(before, names)), after

    def _other_order(self, observations: tuple[Observation, Observation]) -> Modulo | None:
        """Whether only the order of random numbers differs, and that is permitted."""
        kind = "rng-order"
        modulo = permit(kind, "the same random numbers go to other places", self._options.allow, self._options.declared)
        if modulo is None or len({tuple(sorted(operators(read_records(one)).items())) for one in observations}) > 1:
            return None
        for rung in RUNGS:
            relaxed = self._ask("proof", rung=rung, device="cpu", strict_rng=False)
            if compare_observations(*relaxed, keys=self._keys).outcome is Outcome.PROVED:
                return modulo
        return None

    # -- numbers

    def _count(self, proof: Verdict) -> Verdict:
        """The verdict of numbers; where they differ, the places come from the attempt at a proof."""
        kind = "rng-order"
        modulo = permit(kind, "numbers start from the same weights", self._options.allow, self._options.declared)
        if modulo is None:
            return self._compare_numbers(proof)
        with self._folder() as folder:
            state = f"{folder}/state.pt"
            if failure(self._ask_one(0, "save", path=state)):
                return self._compare_numbers(proof)
            self._state = state
            verdict = self._compare_numbers(proof)
        return replace(verdict, modulo=(*verdict.modulo, modulo))

    def _compare_numbers(self, proof: Verdict) -> Verdict:
        total: tuple[dict[str, str], dict[str, str]] = ({}, {})
        close: Verdict | None = None
        self._ran = ({}, {})
        for run in NUMBERS:
            if run[1] in EXTREME and close is not None:
                break  # what rounding has made may get any size there
            pair = self._digests(0, *run), self._digests(1, *run)
            if failure(pair[0]) and run != NUMBERS[0]:
                continue  # the version before does not run in this dtype
            if any(failure(one) for one in pair):
                verdict = self._numeric_verdict(pair, proof)
                return replace(verdict, reason=f"{verdict.reason} (inputs: {run[0]}, scale {run[1]})")
            if run[1] in EXTREME:
                pair = without_nan(pair)
            if run == NUMBERS[0]:
                self._is_partial = _failed_somewhere(pair[1])
            if differing(*pair, self._keys):
                verdict = self._judge(run, pair, proof)
                if verdict.outcome is not Outcome.CLOSE:
                    return verdict
                close = close or verdict  # another scale may show more
                continue
            if run == NUMBERS[0] and any("vacuous" in one for one in pair):
                return self._numeric_verdict(pair, proof)
            for sum_, one in zip(total, pair, strict=True):
                sum_.update(items(one))
        return close or self._numeric_verdict(({"items": total[0]}, {"items": total[1]}), proof)

    def _digests(self, side: int, dtype: str, scale: float | str) -> Observation:
        """The numbers of one side; without the phase ``build`` where the weights come from the side before."""
        observation = self._ask_one(side, "numeric", **self._numeric(dtype, scale))
        if not self._state or failure(observation):
            return observation
        kept = {key: value for key, value in items(observation).items() if Item.parse(key).phase != "build"}
        return {**observation, "items": kept}

    def _judge(self, run: Run, pair: tuple[Observation, Observation], proof: Verdict) -> Verdict:
        """The verdict about numbers that differ: too far apart, close, or different from one run to the next."""
        verdict = self._numeric_verdict(pair, proof)
        unequal = differing(*pair, self._keys)
        if self._close(run, unequal):
            reason = f"{len(unequal)} numbers differ within the error that {run[0]} has anyway, first `{unequal[0]}`"
            return replace(verdict, outcome=Outcome.CLOSE, reason=reason)
        again = self._digests(0, *run)
        noise = differing(pair[0], again)
        if set(unequal) <= set(noise):
            reason = f"not deterministic: `{noise[0]}` differs between two runs of the version before"
            return replace(verdict, outcome=Outcome.UNVERIFIED, reason=reason, divergence=None)
        return verdict

    def _close(self, run: Run, unequal: Collection[str]) -> bool:
        """Whether all unequal items are as near to float64 as the version before is."""
        dtype, scale = run
        with self._folder() as folder:
            kept = {name: f"{folder}/{name}" for name in ("before", "after", "reference")}
            for side, name, precision in ((0, "before", dtype), (1, "after", dtype), (0, "reference", "float64")):
                done = self._ask_one(side, "numeric", **self._numeric(precision, scale), keep=kept[name])
                if failure(done):
                    return False
            answer = self._sides[0].ask({"job": "close", "case": self._case.to_json(), **kept, "dtype": dtype})
        entries = answer.get("items")
        return isinstance(entries, Mapping) and all(_is_close(entries.get(key)) for key in unequal)

    def _numeric(self, dtype: str, scale: float | str) -> dict[str, object]:
        state = {"state": self._state} if self._state else {}
        return {"dtype": dtype, "scale": scale, "device": self._options.device, **state}

    def _numeric_verdict(self, pair: tuple[Observation, Observation], proof: Verdict) -> Verdict:
        verdict = compare_observations(*pair, case=self._case.name, rung="numeric", keys=self._keys)
        places = proof.divergence
        if verdict.divergence is not None and places is not None:
            places = replace(verdict.divergence, before=places.before, after=places.after)
        elif verdict.outcome is Outcome.IDENTICAL and places is not None:
            other = (
                f"other operators give the same bits: {places.before or 'nothing'} became {places.after or 'nothing'}"
            )
            verdict, places = replace(verdict, listed=(*verdict.listed, other)), None
        reason = verdict.reason
        if proof.outcome is Outcome.DIFFERENT and any(map(failure, pair)):
            reason = f"the operators differ, and numbers cannot be had: {reason}"
        return replace(verdict, reason=reason, divergence=places or verdict.divergence, operators=proof.operators)

    # -- asking

    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(dir=self._sides[0].scratch)

    def _ask(self, job: str, /, **keywords: object) -> tuple[Observation, Observation]:
        return self._ask_one(0, job, **keywords), self._ask_one(1, job, **keywords)

    def _ask_one(self, side: int, job: str, /, **keywords: object) -> Observation:
        watch = (self._options.watch_before, self._options.watch_after)[side]
        request = {"job": job, "case": self._case.to_json(), "watch": watch, "seed": self._options.seed, **keywords}
        observation = self._sides[side].ask(request)
        lines = observation.get("lines")
        if isinstance(lines, Mapping):
            for path, numbers in lines.items():
                self._ran[side].setdefault(path, set()).update(numbers)
        return observation


def _with_contracts(
    verdict: Verdict, checks: Sequence[Check], modulo: Sequence[Modulo], listed: Sequence[str]
) -> Verdict:
    """The verdict about the numbers, with what the contracts add to it."""
    verdict = replace(
        verdict,
        checks=(*verdict.checks, *checks),
        modulo=(*verdict.modulo, *modulo),
        listed=(*verdict.listed, *listed),
    )
    wrong = [check for check in checks if check.outcome is Outcome.DIFFERENT]
    if not wrong or verdict.outcome is Outcome.DIFFERENT:
        return verdict
    reason = "; ".join(check.detail for check in wrong)
    return replace(verdict, outcome=Outcome.DIFFERENT, reason=reason, divergence=None)


def _without_contracts(verdict: Verdict, trouble: str, observations: Sequence[Observation]) -> Verdict:
    """The verdict where there are no contracts, since the model is too large for it, or cannot be built for real.

    Names, shapes and order of the state are known from the observations.
    """
    names = [list(initial_state(observation)) for observation in observations]
    note = f"contracts beyond names, shapes and order of the state were not compared: {trouble}"
    if verdict.outcome.passed and names[0] != names[1]:
        return replace(verdict, outcome=Outcome.UNVERIFIED, reason=note)
    return replace(verdict, listed=(*verdict.listed, note))


def _failed_somewhere(observation: Observation) -> bool:
    return failure(observation) is not None or any(Item.parse(key).kind == "error" for key in items(observation))


def _numbers_may_help(proof: Verdict, observations: Sequence[Observation]) -> bool:
    """Whether running the case once more, without the recorder, can say more than the attempt at a proof."""
    failures = [one for one in map(failure, observations) if one is not None]
    if failures:
        return any(one.kind in _NOT_THE_CODE for one in failures)
    settled = any(check.name in ("errors", *BEYOND_NUMBERS) and not check.outcome.passed for check in proof.checks)
    return proof.outcome is Outcome.DIFFERENT and not settled


def _is_close(entry: object) -> bool:
    return isinstance(entry, Mapping) and entry.get("close") is True
