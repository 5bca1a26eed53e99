"""What users of a model rely on beyond its numbers, compared: differences, each of a kind that can be allowed.

The format is that of `modfix.verify.worker.contracts`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from modfix.model.verdict import Check, Modulo, Outcome
from modfix.verify.verdicts import Keys, permit

Contracts = Mapping[str, Any]  # JSON of the worker

_WORKS = "works"
_NOT_TRIED = "not tried"
_SHOWN = 3  # names in a message


class Difference(NamedTuple):
    """One difference: the check that it belongs to, its kind (of `ALLOWANCES`), and what it is."""

    check: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two contracts come to."""

    differences: tuple[Difference, ...] = ()
    listed: tuple[str, ...] = ()  # what changed and is no difference
    keys: Keys = field(default_factory=Keys)
    registers_modules: bool = False  # what was hidden in a list or an attribute is registered now

    def judge(self, allow: Collection[str], declared: Mapping[str, str]) -> tuple[list[Check], list[Modulo]]:
        """The checks, and what they pass over because a codemod declares or the user allows it."""
        modulo: list[Modulo] = []
        wrong: dict[str, list[str]] = {}
        for check, kind, detail in self.differences:
            permitted = permit(kind, detail, allow, declared)
            if permitted is None:
                wrong.setdefault(check, []).append(f"{detail} (`--allow {kind}`)")
            else:
                modulo.append(permitted)
        return [
            Check(name, Outcome.DIFFERENT, "; ".join(wrong[name])) if name in wrong else Check(name, Outcome.PROVED)
            for name in _CHECKS
        ], modulo


def compare_contracts(
    before: Contracts, after: Contracts, initial: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
) -> Comparison:
    """Compare the contracts of one case on both sides.

    Args:
        before: the entry ``contracts`` of an observation.
        after: the same of the side after.
        initial: name -> hash of the initial value, on both sides: by it renamed entries are known.
    """
    renamed = _renamed(before, after, *initial)
    differences = [
        difference
        for compare in (_keys, _parameters, _sharing, _modules, _modes, _copies, _hooks, _loading, _compiling)
        for difference in compare(before, after, renamed)
    ]
    registered = _registered_modules(before, after)
    if registered:
        differences.append(
            Difference("modules", "modules-registered", f"registered, where they were hidden: {_names(registered)}")
        )
    names = [
        {entry[0] for key in ("state_dict", "buffers", "parameters") for entry in one[key]} for one in (before, after)
    ]
    hidden = [set(one["hidden"]["tensors"]) for one in (before, after)]
    here = names[0] | hidden[0], names[1] | hidden[1]
    one_sided = (here[0] - here[1] - renamed.keys()) | (here[1] - here[0] - set(renamed.values()))
    keys = Keys(renamed, frozenset(one_sided), _tables_of(_more(before["hooks"]["run"], after["hooks"]["run"])))
    return Comparison(tuple(differences), tuple(_listed(before, after)), keys, bool(registered))


_CHECKS = ("state_dict", "parameters", "modules", "modes", "copies", "hooks", "checkpoints", "compilers")
_Renamed = Mapping[str, str]


def _renamed(
    before: Contracts, after: Contracts, first: Mapping[str, str], second: Mapping[str, str]
) -> dict[str, str]:
    """Entries of state_dict that only changed their name: the same type, shape and initial value, in the same order."""
    one, two = _entries(before["state_dict"]), _entries(after["state_dict"])
    lost = [key for key in one if key not in two]
    added = [key for key in two if key not in one]
    renamed = {}
    for key in lost:
        for candidate in added:
            if one[key] == two[candidate] and key in first and first[key] == second.get(candidate):
                renamed[key] = candidate
                added.remove(candidate)
                break
    return renamed


def _keys(before: Contracts, after: Contracts, renamed: _Renamed) -> Iterator[Difference]:
    one, two = _entries(before["state_dict"]), _entries(after["state_dict"])
    buffers = [_entries(side["buffers"]) for side in (before, after)]
    lost = [key for key in one if key not in two and key not in renamed]
    added = [key for key in two if key not in one and key not in renamed.values()]
    if lost:
        note = "; no longer persistent" if all(key in buffers[1] for key in lost) else ""
        yield Difference("state_dict", "keys-lost", f"keys lost: {_names(lost)}{note}")
    if gone := [key for key in buffers[0] if key not in buffers[1] and key not in two]:
        yield Difference("state_dict", "keys-lost", f"buffers lost that are not persistent: {_names(gone)}")
    if added:
        note = "; not persistent before" if all(key in buffers[0] for key in added) else ""
        yield Difference("state_dict", "keys-added", f"keys added: {_names(added)}{note}")
    if renamed:
        pairs = [f"`{old}` is `{new}`" for old, new in renamed.items()]
        yield Difference("state_dict", "keys-renamed", f"keys renamed: {_some(pairs)}")
    if _reordered([renamed.get(key, key) for key in one], list(two)):
        yield Difference("state_dict", "keys-reordered", "keys in another order")
    for key, facts in one.items():
        other = two.get(renamed.get(key, key), facts)
        if other != facts:
            yield Difference("state_dict", "keys-retyped", f"`{key}` was {_facts(facts)} and is {_facts(other)}")


def _parameters(before: Contracts, after: Contracts, renamed: _Renamed) -> Iterator[Difference]:
    one, two = _entries(before["parameters"]), _entries(after["parameters"])
    if _reordered([renamed.get(name, name) for name in one], list(two)):
        yield Difference("parameters", "parameters-reordered", "parameters in another order")
    frozen = [name for name in one if two.get(renamed.get(name, name), one[name])[-1] != one[name][-1]]
    if frozen:
        yield Difference("parameters", "keys-retyped", f"`requires_grad` changed: {_names(frozen)}")


def _sharing(before: Contracts, after: Contracts, renamed: _Renamed) -> Iterator[Difference]:
    names = [_all_names(side) for side in (before, after)]
    known = names[0] & names[1]
    for entry, what in (("shared", "shared"), ("views", "views of one memory")):
        ties = [{(a, b) for a, b in side[entry].items() if a in known and b in known} for side in (before, after)]
        for pairs, change in ((ties[0] - ties[1], "no longer"), (ties[1] - ties[0], "newly")):
            if pairs:
                named = _some([f"`{a}` and `{b}`" for a, b in sorted(pairs)])
                yield Difference("parameters", "sharing-changed", f"{change} {what}: {named}")


def _all_names(side: Contracts) -> set[str]:
    return {entry[0] for key in ("state_dict", "buffers", "modules") for entry in side[key]} | set(side["shared"])


def _modules(before: Contracts, after: Contracts, renamed: _Renamed) -> Iterator[Difference]:
    one, two = _entries(before["modules"]), _entries(after["modules"])
    if lost := [name for name in one if name not in two]:
        yield Difference("modules", "children-changed", f"modules lost: {_names(lost)}")
    for name in one.keys() & two.keys():
        if one[name][0] != two[name][0]:
            yield Difference("modules", "children-changed", f"`{name}` was `{one[name][0]}` and is `{two[name][0]}`")
    if _reordered(list(one), list(two)):
        yield Difference("modules", "children-reordered", "modules in another order")


def _modes(before: Contracts, after: Contracts, renamed: _Renamed) -> Iterator[Difference]:
    for mode in ("eval", "train"):
        if stuck := [name for name in after["modes"][mode] if name not in before["modes"][mode]]:
            yield Difference("modes", "modes-changed", f"no longer follow `{mode}()`: {_names(stuck)}")


def _copies(before: Contracts, after: Contracts, renamed: _Renamed) -> Iterator[Difference]:
    for way in ("deepcopy", "pickle"):
        yield from _lost("copies", "copy-lost", way, before["copies"][way], after["copies"][way])


def _hooks(before: Contracts, after: Contracts, renamed: _Renamed) -> Iterator[Difference]:
    one, two = before["hooks"]["run"], after["hooks"]["run"]
    if left := _more(two, one):
        yield Difference("hooks", "hooks-left", f"hooks that were not there: {_names(left)}")
    if lost := _more(one, two):
        yield Difference("hooks", "hooks-lost", f"hooks lost: {_names(lost)}")


def _tables_of(hooks: Sequence[str]) -> frozenset[str]:
    """How the names of the state begin that hooks hold: ``net.conv._forward_hooks.``."""
    return frozenset(hook.partition(": ")[0].replace("/", ".").lstrip(".") + "." for hook in hooks)


def _loading(before: Contracts, after: Contracts, renamed: _Renamed) -> Iterator[Difference]:
    if _entries(before["state_dict"]) != _entries(after["state_dict"]):
        return  # said already
    mine, others = after["strict_load"].get("own", _WORKS), after["strict_load"].get("before", _WORKS)
    if before["strict_load"].get("own", _WORKS) == _WORKS:
        for what, result in (("a checkpoint of its own", mine), ("a checkpoint of the version before", others)):
            if result != _WORKS:
                yield Difference("checkpoints", "load-lost", f"{what} cannot be loaded: {result}")


def _compiling(before: Contracts, after: Contracts, renamed: _Renamed) -> Iterator[Difference]:
    one, two = before.get("compile", {}), after.get("compile", {})
    for way, kind in (("script", "script-lost"), ("export", "export-lost")):
        yield from _lost(
            "compilers", kind, f"torch.{'jit.script' if way == 'script' else way}", one.get(way), two.get(way)
        )


def _lost(check: str, kind: str, what: str, before: str | None, after: str | None) -> Iterator[Difference]:
    if before == _WORKS and after not in (None, _WORKS) and not str(after).startswith(_NOT_TRIED):
        yield Difference(check, kind, f"`{what}` no longer works: {after}")


def _registered_modules(before: Contracts, after: Contracts) -> list[str]:
    hidden, registered = before["hidden"]["modules"], {entry[0] for entry in after["modules"]}
    return [name for name in hidden if name in registered and name not in after["hidden"]["modules"]]


def _listed(before: Contracts, after: Contracts) -> Iterator[str]:
    """New children and buffers that change no checkpoint, and what works now and did not."""
    one, two = _entries(before["modules"]), _entries(after["modules"])
    new: dict[str, list[str]] = {}
    for name, (class_name, has_state) in two.items():
        if name not in one and not has_state:
            new.setdefault(class_name.rpartition(".")[2], []).append(name)
    for class_name, names in new.items():
        yield f"new without state, {class_name}: {_names(names)}"
    known = _all_names(before)
    if buffers := [name for name in _entries(after["buffers"]) if name not in known]:
        yield f"new buffers, not persistent: {_names(buffers)}"
    for way in ("deepcopy", "pickle"):
        if before["copies"][way] != _WORKS == after["copies"][way]:
            yield f"`{way}` works now"


def _entries(rows: Sequence[Sequence[Any]]) -> dict[str, tuple[Any, ...]]:
    """Name -> the rest of the row."""
    return {row[0]: tuple(map(_hashable, row[1:])) for row in rows}


def _hashable(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _reordered(one: Sequence[str], two: Sequence[str]) -> bool:
    """Whether what is in both comes in another order."""
    return [name for name in one if name in set(two)] != [name for name in two if name in set(one)]


def _more(one: Sequence[str], two: Sequence[str]) -> list[str]:
    """What ``one`` has more often than ``two``."""
    left = list(two)
    return [item for item in one if item not in left or left.remove(item)]  # type: ignore[func-returns-value]  # None: matched


def _facts(facts: Sequence[object]) -> str:
    return " ".join(str(list(fact) if isinstance(fact, tuple) else fact) for fact in facts)


def _names(names: Sequence[str]) -> str:
    return _some([f"`{name}`" for name in names])


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return f"{', '.join(texts[:_SHOWN])}{more}"
