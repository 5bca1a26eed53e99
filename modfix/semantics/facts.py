"""Facts of one file: everything the project needs to know about it, without its syntax tree.

The types are named tuples rather than frozen dataclasses: a large project has hundreds of thousands of them, and
tuples are pickled, unpickled and compared by C code.

Names are *references* (``Ref``): a dotted name whose first part tells where it starts.

=====================  ==================================================================
``torch.nn.Conv2d``    resolved through an import; relative imports keep their dots
``@Block``             a class or function of this file, by its name at module level
``$norm_layer``        a parameter of the enclosing function
``!``                  among what a function returns: something that is certainly not None
``?``                  anything else: rebound, shadowed, computed
=====================  ==================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias

from modfix.model.edit import Edit
from modfix.model.span import Span
from modfix.semantics.container_facts import Container
from modfix.semantics.hook_facts import NO_HOOKS, HookFacts
from modfix.semantics.init_facts import NO_INITIALISATION, Initialisation
from modfix.semantics.tensor_facts import PlainTensor

Ref: TypeAlias = str
UNKNOWN: Ref = "?"
NOT_NONE: Ref = "!"
GIVEN = "(self)"  # among `MethodFacts.self_calls`: a method hands its object to other code


class ValueKind(str, Enum):
    """What is assigned to an attribute."""

    NONE = "none"
    OPTIONAL = "optional"  # a conditional expression with None in one of its branches
    CALL = "call"  # `ref(...)`: a constructor or a factory, the project knows which
    NAME = "name"  # a parameter or local variable
    OTHER = "other"


class UseForm(str, Enum):
    """How `self.x` is used where no None test protects it."""

    CALL = "call"  # with exactly one positional argument
    CALL_OTHER = "call-other"  # with other arguments
    CAUGHT = "caught"  # a call or member read whose failure with None a handler around may catch
    MEMBER = "member"  # `self.x.weight`, `self.x[0]`
    VALUE = "value"  # passed, returned, stored, compared
    TYPE_TEST = (
        "type-test"  # what is the same for None and an Identity: `isinstance(self.x, nn.Conv2d)`, `freeze(self.x)`
    )
    ITERATE = "iterate"
    TEST = "test"  # `if self.x`, `not self.x`, `self.x and ...`
    NONE_TEST = "none-test"  # `self.x is None` and the like
    STORE = "store"
    DELETE = "delete"
    STRING = "string"  # `getattr(obj, "x")`, `hasattr`, `setattr`, `delattr`


class Completion(NamedTuple):
    """What is missing in an ``if`` statement for it to store an attribute on all of its paths."""

    within: Span  # the `if` statement
    last_line: int  # of it
    without_else: tuple[Span, ...]  # `if` statements in it, or itself, that would get an `else`
    ends: tuple[Span, ...]  # last statements of arms that would store it behind
    rest: str  # what the statement would be that stored None before; empty if nothing


class Definition(NamedTuple):
    """One assignment to ``self.x``."""

    method: str
    span: Span  # of the assigned value
    statement: Span
    line: int
    column: int
    indentation: str  # what stands to the left of the statement
    kind: ValueKind
    refs: tuple[Ref, ...]  # of the values that are not None: callee of CALL; the name's own ref for NAME
    nones: tuple[Span, ...]  # the None constants inside the value
    source: str  # of the value, where it is a name or may be None
    optional_name: bool  # NAME: a parameter with default None, or annotated as optional, that was not rebound before
    present: bool  # NAME: a test around the assignment says that it is not None
    chain: tuple[str, ...]  # source of the other targets of `a = self.x = None`
    target: str  # source of this target
    deferred: bool  # it stands in a function inside the method, which may run at any time
    plain: bool  # certainly neither a module nor a parameter
    annotation: str | None
    completion: Completion | None  # NONE: of the `if` behind
    branches: tuple[tuple[int, str], ...]  # enclosing (offset of `if`, arm), outermost first
    value: Ref  # of a value that is a (dotted) name, e.g. `torch.nn.functional.relu`; UNKNOWN for anything else


class Use(NamedTuple):
    """One use of ``self.x`` that is no guard."""

    form: UseForm
    method: str
    line: int
    column: int
    detail: str  # the member's name; the way a value escapes
    dominated: bool  # a value other than None was stored directly before, on every path


class Guard(NamedTuple):
    """One None test of ``self.x`` and what it protects.

    ``kind`` is ``pass-through`` when the protected code does the same as calling the identity function would;
    ``edits`` then drop the guard. Otherwise ``kind`` and ``reason`` tell why not. ``test`` is the test itself (without
    the other half of an ``and``).
    """

    method: str
    line: int
    column: int
    test: Span
    present: bool  # the test is true when the attribute is not None
    truthiness: bool  # `if self.x:`, which is false for an empty container as well
    kind: str
    reason: str
    edits: tuple[Edit, ...]
    called: bool  # the protected code calls the attribute


class AttributeFacts(NamedTuple):
    """Everything one class does with ``self.<name>``."""

    name: str
    definitions: tuple[Definition, ...]
    guards: tuple[Guard, ...]
    uses: tuple[Use, ...]
    takes_tensors: bool  # every call passes what TorchScript takes for a tensor; told only where None is possible


class MethodFacts(NamedTuple):
    """One method of a class."""

    name: str
    line: int
    span: Span
    self_calls: tuple[str, ...]  # methods called as `self.method(...)`
    super_init: int  # offset behind the unconditional call of the base's __init__; -1 without one
    returns: tuple[Ref, ...]  # callees of the returned values; NOT_NONE or UNKNOWN for anything else than a call
    parameters: tuple[str, ...]
    parameter_defaults: tuple[
        tuple[str, Ref], ...
    ]  # parameters whose default is a name, e.g. `norm_layer=nn.BatchNorm2d`
    decorated: bool  # by anything but `staticmethod`
    fills_by: tuple[str, ...] | None  # the methods that it calls, if it only initialises as far as they do; else None

    @property
    def gives_self(self) -> bool:
        """Whether it hands its object to code that may change it."""
        return GIVEN in self.self_calls


class TailStatement(NamedTuple):
    """A statement at the end of an ``__init__`` that fills parameters, as far as the methods it calls do only that."""

    above: Span  # the statement above it
    methods: tuple[str, ...]


class InitFacts(NamedTuple):
    """What an ``__init__`` does first and last."""

    self_name: str
    bases: tuple[Ref, ...]  # whose `__init__` it certainly calls: `super`, `super:<class>` or a class, in order
    after_bases: Span | None  # the statement that does so last, before anything else is called on the object
    quiet: tuple[Span, ...]  # the statements behind that one, up to the first that calls something on the object
    last: Span  # the last statement
    ends: bool  # the last statement is `return` or `raise`
    returns: bool  # it may return before its last statement
    runs_self: bool  # it calls the object, or hands it to something that may
    tail: tuple[TailStatement, ...]  # the statements at its end that only initialise, in order


class ArgumentForm(str, Enum):
    """What an argument of a call depends on."""

    CONSTANT = "constant"  # nothing: numbers, strings, None, and tuples and sums of such
    ATTRIBUTE = "attribute"  # also on attributes of `self`
    OPTION = "option"  # also on options that another object holds: `self.args.dropout`, `self.opt["dropout"]`
    TRAINING = "training"  # it is `self.training`
    OTHER = "other"


class Argument(NamedTuple):
    """One argument of a call. ``name`` is empty for one by position, ``*`` or ``**`` for one that is unpacked."""

    name: str
    source: str
    form: ArgumentForm
    attributes: tuple[str, ...]  # of `self` that it reads
    options: tuple[str, ...] = ()  # as source


class CallPlace(str, Enum):
    """Where a call stands in its method."""

    METHOD = "method"
    TRAINING = "training"  # directly in a method, under `if self.training:`
    NESTED = "nested"  # in a function or lambda inside, which may run at another time
    CLASS = "class"  # in a class method, whose first parameter is no object


class TorchCall(NamedTuple):
    """A call in a method: of a function that has a module, or of a constructor of torch.nn outside ``__init__``."""

    function: Ref
    method: str
    span: Span
    line: int
    column: int
    arguments: tuple[Argument, ...]  # in source order
    place: CallPlace
    use: str  # of the result: "called", "local" for the only value of a name that is only called, or ""


class Note(NamedTuple):
    """Something dynamic that a class or a file does."""

    kind: str
    line: int
    column: int
    detail: str
    reads: bool = False  # it only looks at what is there in any case


class ClassRead(NamedTuple):
    """A method or the like that is read from a class: `Block.forward`."""

    ref: Ref  # of the class
    line: int
    column: int
    offset: int


class Origin(NamedTuple):
    """Where an object comes from, as far as one file says.

    ``made_by`` are alternatives, at least one of which is true:

    =========================  =====================================================================
    ``torch.nn.Conv2d``        what is called to make it, see `Ref`
    ``torchvision.models.*``   something of that package
    ``self.make|Block``        a method of the class with that qualified name
    ``<@Block``                it is of that class or one below
    ``%layers``                an attribute of an unknown object
    ``%layers|<@Net``          an attribute of an object of that origin
    ``^f^12^model``            the parameter ``model`` of a function that starts in line 12, see `FileFacts.arguments`
    ``=types``                 what callers pass by the keyword ``types``: unknown if one does
    ``?``                      unknown
    =========================  =====================================================================

    ``reads`` are attributes that it certainly has, for otherwise the code would fail.
    """

    made_by: tuple[Ref, ...]
    reads: frozenset[str] = frozenset()


UNKNOWN_ORIGIN = Origin((UNKNOWN,))


class Walk(NamedTuple):
    """A walk over the children of an object that would notice one more of them."""

    line: int
    column: int
    how: str  # see `modfix.semantics.walks`
    deep: bool  # over all modules below, not only over the children
    expected: frozenset[str]  # members that every child must have
    origin: Origin  # of the object


class Added(NamedTuple):
    """A module that a method registers under a name: `self.add_module(name, module)`, `setattr(self, name, module)`."""

    key: str  # the names it may have, see `modfix.semantics.names.may_name`
    made_by: tuple[Ref, ...]  # as `Origin.made_by`


class ClassFacts(NamedTuple):
    """One class."""

    name: str
    qualname: str
    span: Span
    line: int
    column: int
    bases: tuple[Ref, ...]
    decorators: tuple[Ref, ...]
    methods: dict[str, MethodFacts]
    attributes: dict[str, AttributeFacts]  # those that are optional, tested or otherwise of interest here
    mentioned: frozenset[str]  # every x of `self.x`, and every name bound in the class body
    body_names: frozenset[str]  # names bound in the class body: methods, properties, class attributes
    notes: tuple[Note, ...]
    local: bool  # defined inside a function
    conditional: bool  # under an `if` or `try`, so that another one of its name may take its place
    init: InitFacts | None  # of its own `__init__`
    calls: tuple[TorchCall, ...]  # by their ends: what is evaluated first comes first
    added: tuple[Added, ...]
    containers: tuple[Container, ...]  # those that may hold modules
    tensors: tuple[PlainTensor, ...]  # attributes in which it stores tensors
    registers: frozenset[str]  # names of the buffers and parameters that it registers; "*" for a computed one

    def method_at(self, line: int) -> str:
        """The name of the method that holds a line of the class."""
        above = [method for method in self.methods.values() if method.line <= line]
        return max(above, key=lambda method: method.line).name if above else ""


class FunctionFacts(NamedTuple):
    """One function at module level."""

    name: str
    returns: tuple[Ref, ...]  # as `MethodFacts.returns`
    parameters: frozenset[str]


class OutsideUse(NamedTuple):
    """A use of ``<receiver>.x`` where the receiver is not the ``self`` of a method."""

    form: UseForm
    line: int
    column: int
    receiver: int  # index into `FileFacts.receivers`; -1 for an expression without a name


class Receiver(NamedTuple):
    """A name through which attributes are used, with attributes that it must have for the code not to fail.

    These are all that one function reads from it, if the name means one object there, else those that are read
    whenever the use runs.
    """

    source: str
    made_by: tuple[Ref, ...]  # as `Origin.made_by`
    reads: frozenset[str]
    tested: tuple[tuple[int, int, tuple[Ref, ...]], ...]  # lines in which it is an object of one of these classes


@dataclass(frozen=True)
class FileFacts:
    """What one file says. Holds no syntax trees, and is picklable."""

    path: str
    bindings: dict[str, Ref]  # module-level names -> where they come from
    star_imports: tuple[str, ...]
    before_stars: tuple[
        tuple[str, frozenset[str]], ...
    ]  # each star import, and the names that were bound before it last
    classes: tuple[ClassFacts, ...]
    functions: dict[str, FunctionFacts]
    outside: dict[str, tuple[OutsideUse, ...]]
    receivers: tuple[Receiver, ...]
    notes: tuple[Note, ...]
    walks: tuple[Walk, ...]
    arguments: dict[str, tuple[Origin, ...]]  # the objects passed for a parameter in this file
    imports: frozenset[Ref]  # what it imports, anywhere; ``a.*`` for a star
    mentioned: frozenset[str]  # names that it imports, attributes read from other objects than `self`, keywords (`k=`)
    class_reads: dict[str, tuple[ClassRead, ...]]  # by the name of what is read
    by_position: frozenset[str]  # names of functions whose results are listed, numbered, counted or paired
    width: int  # of its longest line, in columns
    mentions: dict[str, frozenset[str]]  # see `modfix.semantics.mentions`
    initialisation: Initialisation = NO_INITIALISATION
    hooks: HookFacts = NO_HOOKS
