"""Facts about the hooks that a file registers on modules: who gets the handle, how long the hook must live.

A registration is a call of one of `REGISTRATIONS` on an object. What becomes of its result is its *handle*; whoever
keeps that can take the hook off again. The lifetime is *local* where the function (or script) that registers the hook
also runs the model, and nobody sees what the hook does afterwards.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from modfix.model.span import Span

# Methods of `nn.Module` that give back a `torch.utils.hooks.RemovableHandle` for a hook on one module.
REGISTRATIONS = frozenset(
    {
        "register_backward_hook",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
    }
)


class Handle(str, Enum):
    """What becomes of the result of a registration."""

    DISCARDED = "discarded"
    UNUSED = "unused"  # stored in a name that nothing reads
    PAIRED = "paired"  # in a name, removed by a later statement of the same block: see `Pair`
    HELD = "held"  # by a `with` statement
    KEPT = "kept"  # anything else: appended, returned, passed on, an attribute


class HookNote(NamedTuple):
    """Something about a hook that no rewrite mends."""

    kind: str  # kebab-case, as that of a `Refusal`
    reason: str
    line: int
    column: int


class HookSite(NamedTuple):
    """One registration."""

    method: str  # one of `REGISTRATIONS`
    span: Span  # of the call
    statement: Span
    line: int
    column: int
    source: str  # of the call; empty where it cannot be written elsewhere, for a comment in it or a long string
    receiver: str  # source of the object
    receiver_known: bool  # it is an object, not an imported name or a class
    handle: Handle
    name: str  # in which the handle is stored; empty if it is not
    function: str  # qualified name of the function around; empty at module level
    owner: str  # qualified name of the class whose object registers it; empty without one
    owner_method: str  # the method of that class
    self_name: str
    owner_init: Span | None  # the first statement of the `__init__` of that class, docstring left out
    owner_top: Span | None  # the first method of that class, if it has no `__init__`
    given: bool  # the object has not made the module: it got it as an argument
    notes: tuple[HookNote, ...]


class OneShot(NamedTuple):
    """A hook that takes itself off, and the flag that could stop it."""

    definition: Span  # of the function
    first: Span  # its first statement that is no docstring
    removal: Span  # `handle.remove()` in it
    flag: str  # a free name; empty if there is none
    handle: str


class LocalPlan(NamedTuple):
    """Hooks that may go when the statements from ``first`` to ``last`` have run.

    ``heads`` are spans of registration statements right above ``first``, which a `with` statement may replace;
    empty where the registrations stand inside, so that only an `ExitStack` can hold them.
    """

    sites: tuple[int, ...]  # indices into `HookFacts.sites`
    heads: tuple[Span, ...]
    first: Span
    last: Span
    indentation: int  # columns to the left of ``first``
    function: str  # qualified name of the function around; empty at module level
    certain: bool  # nobody can see the hooks behind the last statement
    script: bool  # certain only if nobody imports the file
    note: str  # why it is not certain
    stack: str  # a free name for an `ExitStack`


class Pair(NamedTuple):
    """``handles = module.register...`` and ``handle.remove()`` in one block, with the statements between."""

    sites: tuple[int, ...]
    registered: tuple[Span, ...]  # statements
    removed: tuple[Span, ...]
    first: Span  # between
    last: Span
    indentation: int
    function: str
    left_early: bool  # the code between may leave the block without an error


class HandleStack(NamedTuple):
    """A local list to which handles are appended, and a loop that removes them all in the block that creates it."""

    sites: tuple[int, ...]
    name: str
    created: Span  # the statement
    appends: tuple[Span, ...]  # `handles.append`
    removed: Span  # the loop
    first: Span  # of the statements between
    last: Span
    function: str
    left_early: bool  # see `Pair`


class HandleList(NamedTuple):
    """An attribute of a class that holds handles of hooks and nothing else."""

    owner: str  # qualified name of the class
    name: str
    creator: str  # the method that certainly creates it: `__init__`, or another one if that does not
    created: Span | None  # the statement that does
    early: bool  # no method can have run before it is created
    remover: str  # the method that removes the hooks; empty without one


class Instrumenter(NamedTuple):
    """A function that hooks what it was given. ``blocker`` says why it cannot return the handles.

    ``holder`` is the argument that can keep them then: a module; empty without one.
    """

    sites: tuple[int, ...]
    name: str
    top: Span  # the first statement that is no docstring
    last: Span
    returns: tuple[Span, ...]  # its bare `return` statements
    free: str  # a free name for the handles
    blocker: HookNote | None
    holder: str


class StoredOutput(NamedTuple):
    """An output that a hook stores with its graph, which nobody needs."""

    site: int  # index into `HookFacts.sites`
    span: Span  # of the output, or of the entry of it that is stored
    source: str
    line: int
    column: int
    note: str  # why code may notice that it is detached; empty if none can
    changed: HookNote | None  # where it is changed in place behind the hook, so that the store has something else
    owner: str  # qualified name of the class whose object stores it; empty for a variable of a function
    attribute: str  # in which the object stores it


class GradientUse(str, Enum):
    """What a backward hook reads of its arguments, from what never changes to what may."""

    NOTHING = "nothing"
    OUTPUT = "grad_output"
    FIRST = "grad_input[0]"
    OTHER = "grad_input"
    UNKNOWN = "unknown"


class BackwardSite(NamedTuple):
    """A call of `register_backward_hook`."""

    site: int  # index into `HookFacts.sites`
    function: Span  # of `module.register_backward_hook`
    use: GradientUse
    gives: bool  # the hook may give other gradients back
    attr: str  # the module is this attribute of the object; empty for any other
    layer: str  # the class of torch.nn that it holds; with `*` behind it if it is built in an unusual way
    blocker: HookNote | None  # what may change an output in place; None if nothing does


class HookFacts(NamedTuple):
    """All of one file."""

    sites: tuple[HookSite, ...] = ()
    local: tuple[LocalPlan, ...] = ()
    pairs: tuple[Pair, ...] = ()
    stacks: tuple[HandleStack, ...] = ()
    lists: tuple[HandleList, ...] = ()
    one_shots: tuple[tuple[LocalPlan, OneShot], ...] = ()
    instrumenters: tuple[Instrumenter, ...] = ()
    backward: tuple[BackwardSite, ...] = ()
    outputs: tuple[StoredOutput, ...] = ()
    overridden: frozenset[str] = frozenset()  # of `REGISTRATIONS`: a class has a method of that name


NO_HOOKS = HookFacts()
