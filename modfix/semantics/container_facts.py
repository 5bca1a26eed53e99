"""What one class says about a list, tuple or dictionary in an attribute whose elements may be modules."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from modfix.model.span import Span


class ElementForm(str, Enum):
    """Where an element comes from."""

    MADE = "made"  # by a call: `refs` tell of what
    GIVEN = "given"  # a parameter of the function, or a part of one
    NONE = "none"
    PLAIN = "plain"  # certainly no module: a number, a function
    UNKNOWN = "unknown"


class Element(NamedTuple):
    """One element, or all that one expression makes."""

    form: ElementForm
    refs: tuple[str, ...]  # references, MADE: what may be called to make it
    arguments: tuple[tuple[str, str], ...]  # MADE by one call: name ("" by position) and source of its arguments
    key: str  # how `state_dict` will call it, as far as the code says: "0", "conv", "*", "*.0"
    number: int  # how many there are; 0 if it cannot be told
    method: str  # in which it is added
    line: int
    column: int


class Wrap(NamedTuple):
    """An expression that makes a container, and is to make a registered one."""

    span: Span
    keyed: bool  # a dictionary
    empty: bool  # such as `[]`, which goes altogether


class Trouble(NamedTuple):
    """Something done with a container that a registered one would not survive: kind and reason of the refusal."""

    kind: str
    reason: str
    line: int
    column: int


class Container(NamedTuple):
    """A list, tuple or dictionary that a class stores in ``self.<attr>``, and perhaps fills and uses."""

    attr: str
    line: int
    column: int
    stored: tuple[Span, ...]  # the values that are containers, as `Definition.span` has them
    wraps: tuple[Wrap, ...]
    elements: tuple[Element, ...]
    troubles: tuple[Trouble, ...]
    called: bool  # some element is called, or passed to a function
    registered: bool  # its elements are registered in another way: it is right as it is
