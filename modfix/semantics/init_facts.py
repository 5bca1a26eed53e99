"""Facts about how a file initialises parameters, as plain data."""

from __future__ import annotations

from typing import NamedTuple

from modfix.model.span import Span


class OldName(NamedTuple):
    """One use of such a function, or an import of it.

    ``kind`` is empty where another name can take its place, else it says with ``why`` what forbids that.
    """

    function: str  # its bare name
    bound: str  # the name that an import binds it to, where it is used by that; else empty
    span: Span
    source: str
    owner: str  # class or function around
    line: int
    column: int
    kind: str
    why: str


class OldImport(NamedTuple):
    """A statement `from torch.nn.init import ...` with such names in it."""

    span: Span
    source: str
    names: tuple[tuple[str, str], ...]  # with what they are bound to
    plain: bool  # no comment inside
    line: int
    column: int


class InitNames(NamedTuple):
    """All of one file."""

    uses: tuple[OldName, ...] = ()
    imports: tuple[OldImport, ...] = ()
    kept: frozenset[str] = frozenset()  # names that something else in the file refers to


class Initialisation(NamedTuple):
    """What one file says about initialisation."""

    names: InitNames = InitNames()


NO_INITIALISATION = Initialisation()
