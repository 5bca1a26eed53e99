"""Two observations of one case become a verdict. Pure functions on what the workers sent; nothing runs here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from modfix.model.verdict import Check, Divergence, Modulo, Outcome, Place, Verdict
from modfix.verify.localize import diverge, read_records

Observation = Mapping[str, object]

ALLOWANCES: Mapping[str, str] = {
    "keys-added": "state_dict or the parameters have new entries",
    "keys-lost": "state_dict or the parameters lack entries",
    "keys-renamed": "entries of state_dict have other names",
    "keys-reordered": "entries of state_dict come in another order",
    "keys-retyped": "entries of state_dict have another shape, dtype or persistence",
    "parameters-reordered": "parameters come in another order, by which optimizers keep their state",
    "children-changed": "modules that were there are lost or have another type",
    "children-reordered": "modules that were there come in another order",
    "sharing-changed": "parameters or modules are no longer one and the same, or newly are",
    "modules-registered": "modules that were hidden in lists or attributes follow train(), eval() and to()",
    "modes-changed": "modules no longer follow train() or eval()",
    "hooks-left": "there are hooks after the run that were not there before",
    "hooks-lost": "there are no longer hooks that were there before",
    "graph-lost": "objects keep values of which they kept the graph as well",
    "copy-lost": "copy.deepcopy or pickle no longer works",
    "load-lost": "checkpoints can no longer be loaded",
    "script-lost": "torch.jit.script no longer works",
    "export-lost": "torch.export no longer works",
    "rng-order": "the same random numbers are drawn in another order",
}
"""What a codemod may declare and a user may allow: name of the kind -> what it means."""

_CHECK_NAMES = {  # kind of item -> what reports call it
    "output": "outputs",
    "structure": "output structure",
    "grad": "parameter gradients",
    "input-grad": "input gradients",
    "state": "weights and buffers afterwards",
    "input": "inputs afterwards",
    "rng": "random numbers",
    "error": "errors",
    "graph": "state on a graph",
    "argument": "arguments afterwards",
    "settings": "settings of torch afterwards",
}
BEYOND_NUMBERS = frozenset(_CHECK_NAMES[kind] for kind in ("graph", "argument", "settings"))
"""Names of the checks of which the numbers of a call show nothing."""
_INITIAL = "initial weights"
_STEPS = "optimizer steps"
_EVIDENCE = ("output", "grad", "input-grad")  # what shows something about a phase
_MACHINE = ("timeout", "memory", "unsupported", "recorder", "inputs", "stdin", "network")  # says nothing about the code
IN_HOOK = re.compile(r"(^|\.)_\w*hooks\.\d+\.")
"""Found in the name of state that a hook of a module holds."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


class Item(NamedTuple):
    """The key of an item, taken apart: ``float32*30/train/output:0``."""

    variant: str  # "float32*30", or empty in a proof
    phase: str
    kind: str
    label: str

    @property
    def check(self) -> str:
        """The name of the check that it belongs to."""
        if self.phase == "step":
            return _STEPS
        if self.phase == "build" and self.kind == "state":
            return _INITIAL
        return _CHECK_NAMES.get(self.kind, self.kind)

    @classmethod
    def parse(cls, key: str) -> Item:
        """Read a key; labels may hold any character."""
        variant = ""
        head, slash, rest = key.partition("/")
        if "*" in head and slash:
            variant, key = head, rest
        phase, _, rest = key.partition("/")
        kind, _, label = rest.partition(":")
        return cls(variant, phase, kind, label)


@dataclass(frozen=True, slots=True)
class Keys:
    """How the names of parameters and buffers of both sides belong together."""

    renamed: Mapping[str, str] = field(default_factory=dict)  # before -> after
    one_sided: frozenset[str] = frozenset()  # names on one side only, judged elsewhere: not compared here
    lost_hooks: frozenset[str] = frozenset()  # what the names of state start with that only lost hooks held


class Failure(NamedTuple):
    """Why there is no observation."""

    kind: str
    message: str
    where: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" + (f" ({self.where})" if self.where else "")

    @property
    def place(self) -> Place | None:
        """The last line of the tree on the stack."""
        path, _, line = self.where.rpartition(":")
        return Place("", path=path, line=int(line)) if path and line.isdigit() else None


def failure(observation: Observation) -> Failure | None:
    """The failure that came in place of an observation, if one did."""
    entry = observation.get("failed")
    if not isinstance(entry, Mapping):
        return None
    return Failure(*(str(entry.get(key) or "") for key in ("kind", "message", "where")))


def items(observation: Observation) -> dict[str, str]:
    """What was looked at, and its hash or digest."""
    entry = observation.get("items")
    return {str(key): str(value) for key, value in entry.items()} if isinstance(entry, Mapping) else {}


def initial_state(observation: Observation) -> dict[str, str]:
    """Name -> hash or digest of the initial value, of parameters and buffers, in order."""
    parsed = ((Item.parse(key), value) for key, value in items(observation).items())
    return {item.label: value for item, value in parsed if (item.phase, item.kind) == ("build", "state")}


def differing(before: Observation, after: Observation, keys: Keys | None = None) -> list[str]:
    """The keys of the items that are not the same, in program order; under the names of the side after."""
    one, two = _aligned(before, after, keys or Keys())
    return [key for key in _union(one, two) if one.get(key) != two.get(key)]


def compare_observations(
    before: Observation,
    after: Observation,
    *,
    case: str = "",
    rung: str = "real",
    keys: Keys | None = None,
) -> Verdict:
    """What two observations of one case on the same rung come to.

    PROVED (IDENTICAL for numbers) where every item is the same; DIFFERENT with the first divergence where one is not;
    UNVERIFIED where there is nothing to compare. On the rungs of the proof DIFFERENT means that the dataflow differs:
    `modfix.verify.run` then asks for numbers.

    Args:
        before: what the worker of the side before sent.
        after: the same of the side after.
        case: name of the case, for the verdict.
        rung: "meta", "fake", "real" or "numeric".
        keys: which names belong together, where they are not the same.
    """
    failures = failure(before), failure(after)
    failed = compare_failures(*failures)
    if failed is not None:
        places = Divergence("failure", *(one and one.place for one in failures))
        return Verdict(case, *failed, rung, divergence=places if failed[0] is Outcome.DIFFERENT else None)
    one, two = _aligned(before, after, keys or Keys())
    records = read_records(before), read_records(after)
    silent, wrong = _errors(one, two)
    if wrong is not None:
        outcome, reason, key = wrong
        divergence = diverge(key, *records) if outcome is Outcome.DIFFERENT else None
        return Verdict(case, outcome, reason, rung, (Check("errors", outcome, reason),), (), divergence)
    union = [key for key in _union(one, two) if _phase(key) not in silent]
    unequal = [key for key in union if one.get(key) != two.get(key)]
    equal = Outcome.IDENTICAL if rung == "numeric" else Outcome.PROVED
    checks = tuple(_checks(union, unequal, equal))
    listed = tuple(f"{phase} shows nothing, because both sides fail: {error}" for phase, error in silent.items())
    base = Verdict(case, equal, "", rung, checks, (), None, listed, len(records[1]))
    if unequal:
        first = Item.parse(unequal[0])
        divergence = diverge(unequal[0], *records, phase=first.phase)
        names = ", ".join(check.name for check in checks if check.outcome is Outcome.DIFFERENT)
        reason = f"{names} differ, first `{unequal[0]}`"
        return replace(base, outcome=Outcome.DIFFERENT, reason=reason, divergence=divergence)
    if reason := _vacuous(before, after, union, silent):
        return replace(base, outcome=Outcome.UNVERIFIED, reason=reason)
    return base


def lost_graphs(before: Observation, after: Observation) -> list[str]:
    """The names of state that hangs on a graph before and no longer does; that of hooks is left out."""
    parsed = map(Item.parse, items(before).keys() - items(after).keys())
    return sorted({item.label for item in parsed if item.kind == "graph" and not IN_HOOK.search(item.label)})


def without_graphs(observation: Observation, names: Collection[str]) -> Observation:
    """An observation that does not say of state of these names that it hangs on a graph."""
    kept = {key: value for key, value in items(observation).items() if not _is_graph_of(key, names)}
    return {**observation, "items": kept}


def _is_graph_of(key: str, names: Collection[str]) -> bool:
    item = Item.parse(key)
    return item.kind == "graph" and item.label in names


def compare_failures(before: Failure | None, after: Failure | None) -> tuple[Outcome, str] | None:
    """Outcome and reason where one side, or both, gave no observation; None where both did."""
    if before is None and after is None:
        return None
    if before is None:
        assert after is not None  # the case above
        code = after.kind not in _MACHINE
        return (Outcome.DIFFERENT if code else Outcome.UNVERIFIED), f"after fails: {after}"
    if after is None:
        return Outcome.UNVERIFIED, f"before fails: {before}"
    return Outcome.UNVERIFIED, f"both sides fail: {before}"


def _aligned(before: Observation, after: Observation, keys: Keys) -> tuple[dict[str, str], dict[str, str]]:
    """The items of both sides under the names of the side after, without what is on one side by intention."""

    def wanted(key: str) -> bool:
        item = Item.parse(key)
        return item.kind not in ("state", "grad") or item.label not in keys.one_sided

    two = {key: value for key, value in items(after).items() if wanted(key)}
    one = {_renamed(key, keys.renamed): value for key, value in items(before).items() if wanted(key)}
    held = {key for key in one.keys() - two.keys() if _is_held_by(key, keys.lost_hooks)}
    return {key: value for key, value in one.items() if key not in held}, two


def _is_held_by(key: str, hooks: Collection[str]) -> bool:
    """Whether an item is about state in a hook of one of these tables."""
    item = Item.parse(key)
    return item.kind in ("state", "grad", "graph") and any(item.label.startswith(table) for table in hooks)


def _renamed(key: str, names: Mapping[str, str]) -> str:
    item = Item.parse(key)
    if item.kind not in ("state", "grad") or item.label not in names:
        return key
    return f"{key.removesuffix(item.label)}{names[item.label]}"


def _union(one: Mapping[str, str], two: Mapping[str, str]) -> list[str]:
    return list({**one, **two})


def _phase(key: str) -> str:
    """The phase with its variant: ``float32*30/train``."""
    item = Item.parse(key)
    return f"{item.variant}/{item.phase}" if item.variant else item.phase


def _errors(one: Mapping[str, str], two: Mapping[str, str]) -> tuple[dict[str, str], tuple[Outcome, str, str] | None]:
    """Phases in which both sides raise the same, with the message; and, where only one does, or another, what follows.

    That is an outcome, its reason and the key of the item.
    """
    silent: dict[str, str] = {}
    trouble: tuple[Outcome, str, str] | None = None
    for key in _union(one, two):
        if Item.parse(key).kind != "error":
            continue
        phase, first, second = _phase(key), one.get(key), two.get(key)
        if first is None:
            return silent, (Outcome.DIFFERENT, f"after fails in {phase}: {second}", key)
        if second is None:
            trouble = trouble or (Outcome.UNVERIFIED, f"before fails in {phase}: {first}", key)
        elif _error_type(first) != _error_type(second):
            return silent, (Outcome.DIFFERENT, f"other error in {phase}: {first} before, {second} after", key)
        elif _ADDRESS.sub("", first) != _ADDRESS.sub("", second):
            reason = f"both sides fail in {phase}: {first} before, {second} after"
            trouble = trouble or (Outcome.UNVERIFIED, reason, key)
        else:
            silent[phase] = first
    return silent, trouble


def _error_type(text: str) -> tuple[str, ...]:
    """``("backward", "ValueError")`` for ``backward: ValueError: message``."""
    head, _, rest = text.partition(": ")
    return (head, rest.partition(":")[0]) if head == "backward" else (text.partition(":")[0],)


def _checks(union: Sequence[str], unequal: Collection[str], equal: Outcome) -> Iterator[Check]:
    bad = set(unequal)
    by_name: dict[str, list[str]] = {}
    for key in union:
        by_name.setdefault(Item.parse(key).check, []).append(key)
    for name, keys in by_name.items():
        wrong = [key for key in keys if key in bad]
        if wrong:
            more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            yield Check(name, Outcome.DIFFERENT, f"`{wrong[0]}`{more} of {len(keys)}")
        else:
            yield Check(name, equal, f"{len(keys)} the same")


def _vacuous(before: Observation, after: Observation, union: Sequence[str], silent: Mapping[str, str]) -> str:
    """Why equality proves nothing; empty where it proves something."""
    shown = any(Item.parse(key).kind in _EVIDENCE and Item.parse(key).phase != "build" for key in union)
    if not shown and silent:
        return f"both sides fail: {next(iter(silent.values()))}"
    for observation in (before, after):
        if reason := observation.get("vacuous"):
            return f"vacuous: {reason}"
    return "" if shown else "vacuous: no output and no gradient was there to compare"


def permit(kind: str, detail: str, allow: Collection[str], declared: Mapping[str, str]) -> Modulo | None:
    """The note about a difference that is declared by a codemod or allowed by the user; None where it is neither."""
    if kind in declared:
        return Modulo(kind, detail, declared[kind])
    return Modulo(kind, detail, "--allow") if kind in allow else None
