"""Finds codemods, those of modfix and those of other packages, through entry points.

A package offers a codemod by an entry point in the group ``modfix.codemods`` whose name is the codemod's name::

    [project.entry-points."modfix.codemods"]
    my-codemod = "my_package.my_codemod:MyCodemod"
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modfix.engine.codemod import Codemod

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "modfix.codemods"
ALL = "all"

_OWN_DISTRIBUTION = "modfix"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class UnknownCodemodError(ValueError):
    """A name that is no codemod. The message is for the user."""


@dataclass(frozen=True, slots=True)
class BrokenCodemod:
    """An entry point that gives no usable codemod, where it comes from, and why."""

    name: str
    source: str  # e.g. "my_package.my_codemod:MyCodemod of my-package 1.0"
    reason: str


@dataclass(frozen=True, slots=True)
class Registry:
    """The codemods that can run, by name, and the ones that cannot."""

    codemods: dict[str, type[Codemod]]
    broken: tuple[BrokenCodemod, ...]

    def resolve(self, names: Sequence[str]) -> tuple[type[Codemod], ...]:
        """The codemods that ``names`` ask for, without duplicates, in the order of the registry.

        Each of ``names`` is a name, several names with commas between them, or ``all``.

        Raises:
            UnknownCodemodError: one of the names is no codemod that can run.
        """
        wanted = {name.strip() for group in names for name in group.split(",")} - {""}
        for name in sorted(wanted - {ALL}):
            if name not in self.codemods:
                raise UnknownCodemodError(self._why_unknown(name))
        return tuple(codemod for name, codemod in self.codemods.items() if ALL in wanted or name in wanted)

    def _why_unknown(self, name: str) -> str:
        for broken in self.broken:
            if broken.name == name:
                return f"codemod `{name}` cannot run: {broken.reason} ({broken.source})"
        import difflib  # only when something is misspelled

        close = difflib.get_close_matches(name, [*self.codemods, ALL], n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(self.codemods) or 'none'}"
        return f"there is no codemod `{name}`; {hint}"


def load() -> Registry:
    """All installed codemods, sorted by name. One that is broken is reported in the result and does not disturb the
    others."""
    from importlib.metadata import entry_points  # costs 15 ms, which `modfix --help` need not pay

    return build(entry_points(group=GROUP))


def build(points: Iterable[EntryPoint]) -> Registry:
    """The registry of the given entry points. Where two have the same name, the one of modfix itself wins, else the
    first by source."""
    codemods: dict[str, type[Codemod]] = {}
    broken: list[BrokenCodemod] = []
    for point in sorted(points, key=lambda point: (point.name, not _is_own(point), _source(point))):
        if point.name in codemods:
            reason = f"there is already a codemod `{point.name}`, in `{codemods[point.name].__module__}`"
            broken.append(BrokenCodemod(point.name, _source(point), reason))
            continue
        loaded = _load(point)
        if isinstance(loaded, str):
            broken.append(BrokenCodemod(point.name, _source(point), loaded))
        else:
            codemods[point.name] = loaded
    return Registry(codemods, tuple(broken))


def manual(codemod: type[Codemod]) -> str:
    """The manual of a codemod: the docstring of its module; empty if it has none."""
    return (sys.modules[codemod.__module__].__doc__ or "").strip()


def _is_own(point: EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == _OWN_DISTRIBUTION


def _source(point: EntryPoint) -> str:
    return point.value if point.dist is None else f"{point.value} of {point.dist.name} {point.dist.version}"


def _load(point: EntryPoint) -> type[Codemod] | str:
    """The codemod class of an entry point, or what is wrong with it."""
    try:
        loaded = point.load()
    except (Exception, SystemExit) as error:  # foreign code: whatever it does on import, the others must run
        return f"importing it failed: {type(error).__name__}: {error}"
    if not (isinstance(loaded, type) and issubclass(loaded, Codemod)):
        return f"`{point.value}` is no subclass of `Codemod`"
    return _fault(loaded, point.name) or loaded


def _fault(codemod: type[Codemod], registered: str) -> str | None:
    """What a codemod class lacks."""
    name = getattr(codemod, "name", None)
    summary = getattr(codemod, "summary", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name == ALL:
        return f"its `name` is {name!r}, not lower-case words with hyphens between them"
    if name != registered:
        return f"its `name` is `{name}`, but its entry point is called `{registered}`"
    if not isinstance(summary, str) or not summary:
        return "it has no `summary`"
    if not isinstance(codemod.needles, tuple) or not all(isinstance(needle, bytes) for needle in codemod.needles):
        return "its `needles` are no tuple of bytes"
    if not isinstance(codemod.declares, tuple) or not all(isinstance(kind, str) for kind in codemod.declares):
        return "its `declares` is no tuple of strings"
    if codemod.check is Codemod.check and codemod.check_file is Codemod.check_file:
        return "it defines neither `check` nor `check_file`"
    return None
