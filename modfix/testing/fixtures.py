"""Fixture folders: ``<folder>/<codemod>/<case>/before.py`` and ``after.py``, read into `Case` values.

No ``after.py`` means that the codemod must leave the file alone. A case of several files has the folders ``before/``
and ``after/`` instead, with `cases()` in ``main.py``. ``case.toml`` is for exceptions; its keys:

``refusal``
    Pattern (as in `fnmatch`) of the kind of a refusal that must be there and name a blocking line; ``"*"`` is any kind.
``blocker``
    Text that the line named by such a refusal contains.
``unsafe_fixes``
    The fix is UNSAFE: nothing happens by default, and ``after.py`` comes out with ``--unsafe-fixes``.
``comments_lost``
    The comments that rightly go away, e.g. ``["# may be None"]``.
``behaviour``
    Why the two versions are *not* compared by running them, as a sentence.
``only_verifier``
    Why the two versions are compared by the verifier alone, as a sentence: what changes on purpose is no difference to
    it, where the codemod declares it.
``allow``
    Kinds of differences that the verifier finds and that are meant, as for ``modfix verify --allow``.
``options``
    Table of options for the codemod.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class FixtureError(Exception):
    """A fixture folder that cannot be understood. The message names the folder and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What ``case.toml`` says; see the module docstring for the meaning of the keys."""

    refusal: str | None = None
    blocker: str | None = None
    unsafe_fixes: bool = False
    comments_lost: tuple[str, ...] = ()
    behaviour: str | None = None
    only_verifier: str | None = None
    allow: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One fixture: the files before, the files expected after (None: must not change), and the exceptions."""

    codemod: str  # name of the folder above, which is the codemod's name
    name: str
    folder: Path
    before: Mapping[str, str]  # path relative to the case's tree, forward slashes -> text
    after: Mapping[str, str] | None
    expect: Expectations

    @property
    def is_run(self) -> bool:
        """Whether the two versions are compared by running them here."""
        return self.expect.behaviour is None and self.expect.only_verifier is None

    @property
    def main_before(self) -> Path:
        """The file whose `cases()` builds the modules of the version before."""
        return _main(self.folder, "before")

    @property
    def main_after(self) -> Path | None:
        """The same of the version after, None where nothing may change."""
        return None if self.after is None else _main(self.folder, "after")


def load(folder: Path) -> list[Case]:
    """All cases below ``folder``, sorted by codemod and name. Folders without a ``before`` are no cases.

    Raises:
        FixtureError: a case that cannot be understood.
        OSError: the folder cannot be read.
    """
    return [read_case(case) for codemod in _folders(folder) for case in _folders(codemod) if is_case(case)]


def is_case(folder: Path) -> bool:
    """Whether ``folder`` is the folder of one case."""
    return (folder / "before.py").is_file() or (folder / "before").is_dir()


def read_case(folder: Path) -> Case:
    """The case in ``folder``.

    Raises:
        FixtureError: the folder or its ``case.toml`` cannot be understood.
        OSError: a file cannot be read.
    """
    before = _read_side(folder, "before")
    if before is None:
        raise FixtureError(f"{folder}: neither `before.py` nor `before/`")
    after = _read_side(folder, "after")
    if after is not None and after.keys() != before.keys():
        raise FixtureError(f"{folder}: `before` and `after` hold different files")
    expect = _read_expectations(folder / "case.toml")
    if expect.unsafe_fixes and after is None:
        raise FixtureError(f"{folder}: `unsafe_fixes` needs an `after`")
    return Case(folder.parent.name, folder.name, folder, before, after, expect)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def _main(folder: Path, side: str) -> Path:
    single = folder / f"{side}.py"
    return single if single.is_file() else folder / side / "main.py"


def _read_side(folder: Path, side: str) -> dict[str, str] | None:
    single = folder / f"{side}.py"
    if single.is_file():
        return {"model.py": _read_text(single)}
    tree = folder / side
    if not tree.is_dir():
        return None
    return {path.relative_to(tree).as_posix(): _read_text(path) for path in sorted(tree.rglob("*.py"))}


def _read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8")  # not read_text: line ends are part of a fixture


def _read_expectations(path: Path) -> Expectations:
    if not path.is_file():
        return Expectations()
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise FixtureError(f"{path}: {error}") from error
    if unknown := table.keys() - {entry.name for entry in fields(Expectations)}:
        raise FixtureError(f"{path}: unknown key `{min(unknown)}`")
    for key in ("comments_lost", "allow"):
        table[key] = tuple(table.get(key, ()))
    return Expectations(**table)
