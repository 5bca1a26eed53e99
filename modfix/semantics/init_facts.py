"""Facts about how a file initialises parameters, as plain data."""

from __future__ import annotations

from enum import Enum
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


class Presence(str, Enum):
    """Whether an object has a bias."""

    CERTAIN = "certain"  # the constructor in sight makes one
    ABSENT = "absent"  # the constructor in sight makes none: what is accessed was put there later
    OPTIONAL = "optional"  # the attribute is there, and may be None
    UNKNOWN = "unknown"  # nothing is known of the object, not even that it has the attribute
    FOREIGN = "foreign"  # a constructor that is not torch's made it


class BiasAccess(NamedTuple):
    """A statement that fills the bias of an object in place, with no test around it for whether there is one."""

    statement: Span
    layer: str  # source of the object
    member: str  # `bias`; of a norm layer also `weight`
    presence: Presence  # never CERTAIN
    owner: str  # class or function around
    line: int
    column: int
    block: tuple[int, int]  # where the block starts, and the index of the statement in it
    kind: str  # with ``why``: what stands against a guard, if anything does
    why: str


class BiasTest(NamedTuple):
    """A test for the truth of a bias, `if m.bias:`, which raises for more than one element."""

    span: Span
    source: str
    owner: str
    line: int
    column: int
    zeroes: bool  # all that it protects is filling with zeros


class Obstacle(NamedTuple):
    """Why initialisation stays where it is. ``kind`` and ``why`` as for a refusal."""

    kind: str
    why: str
    line: int
    column: int


class InitPlan(NamedTuple):
    """The initialisation in the `__init__` of one class, and what forbids to move it to a method of its own."""

    cls: Span  # the class statement
    statements: tuple[Span, ...]  # what would move; empty where there is an obstacle
    line: int  # of the first initialisation
    column: int
    self_name: str
    annotated: bool  # `-> None`
    documented: bool  # most methods of the class have a docstring
    saved: tuple[tuple[Span, str, str], ...]  # reads of an argument: where, its name, the attribute that keeps it
    unsaved: tuple[tuple[Span, str], ...]  # reads of arguments that no attribute keeps
    insert: Span | None  # the statement behind which they could be kept
    obstacles: tuple[Obstacle, ...]
    reorders: Obstacle | None  # the weights that a seed builds would change


class ResetSweep(NamedTuple):
    """Code that resets whatever has a method `reset_parameters`."""

    line: int
    column: int
    how: str


class Initialisation(NamedTuple):
    """What one file says about initialisation."""

    names: InitNames = InitNames()
    biases: tuple[BiasAccess, ...] = ()
    bias_tests: tuple[BiasTest, ...] = ()
    plans: tuple[InitPlan, ...] = ()
    sweeps: tuple[ResetSweep, ...] = ()


NO_INITIALISATION = Initialisation()
