"""What the scan collects about one file before it becomes facts: nodes, still with the syntax tree behind them."""

from __future__ import annotations

import ast
from typing import NamedTuple

from modfix.model.source import SourceFile
from modfix.semantics.callees import Callees
from modfix.semantics.facts import UNKNOWN, Added, ClassRead, Note, Ref, UseForm
from modfix.semantics.keys import Keys
from modfix.semantics.origins import Origins
from modfix.semantics.positions import Positions
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, is_name


class Form(NamedTuple):
    """How a value is used, and by which member or in which way."""

    form: UseForm
    detail: str


NONE_TESTED = Form(UseForm.NONE_TEST, "")
CALLED = Form(UseForm.CALL, "")
CALLED_OTHERWISE = Form(UseForm.CALL_OTHER, "")
OF_TYPE = Form(UseForm.TYPE_TEST, "")


class SelfUse(NamedTuple):
    """A use of ``self.x`` other than the target of an assignment."""

    node: ast.Attribute
    form: Form
    method: FunctionNode


class SelfStore(NamedTuple):
    """An assignment to ``self.x``. ``value`` is None where it is unpacked from something."""

    statement: ast.Assign | ast.AnnAssign
    target: ast.Attribute
    value: ast.expr | None
    method: FunctionNode
    functions: tuple[FunctionNode, ...]  # around the statement, outermost first


class SelfString(NamedTuple):
    """A call such as ``getattr(self, "x")``."""

    node: ast.Call
    function: str
    method: FunctionNode


class MethodCall(NamedTuple):
    """A call in a method of a function or constructor of torch."""

    node: ast.Call
    function: Ref
    method: FunctionNode
    functions: tuple[FunctionNode, ...]  # around the call, outermost first
    self_name: str


class ClassRecord:
    """One class statement, and what its methods do with ``self``."""

    def __init__(
        self, node: ast.ClassDef, qualname: str, functions: tuple[FunctionNode, ...], shadowed: frozenset[str]
    ) -> None:
        self.node = node
        self.qualname = qualname
        self.functions = functions  # around the class, outermost first
        self.shadowed = shadowed  # names of the class around, which come before those of the module
        self.conditional = False  # see `ClassFacts`
        self.members: list[FunctionNode] = []
        self.body_names: frozenset[str] = frozenset()
        self.uses: dict[str, list[SelfUse]] = {}
        self.stores: dict[str, list[SelfStore]] = {}
        self.strings: dict[str, list[SelfString]] = {}
        self.stored_in: dict[str, set[FunctionNode]] = {}  # methods with any kind of store
        self.targets: set[ast.AST] = set()  # of all `stores`
        self.self_calls: dict[str, set[str]] = {}
        self.torch_calls: list[MethodCall] = []
        self.notes: list[Note] = []
        self.added: list[Added] = []
        self.mentioned: set[str] = set()


class ReceiverRecord:
    """An object that is no ``self``, by its name in one outermost function, and what is read from it there."""

    __slots__ = ("function", "reads", "ref", "source", "tested", "typed")

    def __init__(self, source: str, function: FunctionNode | None) -> None:
        self.source = source
        self.function = function  # the outermost one; None at module level
        self.typed = False  # a test asks for its type or for an attribute
        self.ref: Ref = ""  # not resolved yet
        self.reads: set[str] = set()
        self.tested: list[tuple[int, int, tuple[Ref, ...]]] = []  # see `Receiver`

    @property
    def spans(self) -> tuple[tuple[int, int, tuple[Ref, ...]], ...]:
        """The lines with a known type, see `Receiver`."""
        return tuple(self.tested)

    def known_ref(self) -> Ref:
        """Where it comes from; unknown if nobody asked before."""
        return self.ref or UNKNOWN


class Context:
    """Where the scan is: the functions around, the objects that the outermost uses, and the ``self`` in reach."""

    __slots__ = ("body_names", "functions", "method", "receivers", "record", "self_name")

    def __init__(
        self,
        functions: tuple[FunctionNode, ...],
        receivers: dict[str, ReceiverRecord],
        record: ClassRecord | None = None,
        method: FunctionNode | None = None,
        self_name: str | None = None,
    ) -> None:
        self.functions = functions
        self.receivers = receivers
        self.record = record
        self.method = method
        self.self_name = self_name
        self.body_names: frozenset[str] = frozenset()  # of the class whose body this is: its nested classes see them

    @property
    def owner(self) -> tuple[str, str] | None:
        """The class whose ``self`` is in reach, by its qualified name, and the name of that ``self``."""
        if self.record is None or self.self_name is None:
            return None
        return self.record.qualname, self.self_name

    def receiver(self, source: str) -> ReceiverRecord:
        """The record of the object called ``source``."""
        known = self.receivers.get(source)
        if known is None:
            known = self.receivers[source] = ReceiverRecord(source, self.functions[0] if self.functions else None)
        return known


class FileRecord:
    """One file: its syntax tree, what answers questions about it, and what was found in it so far."""

    def __init__(self, source: SourceFile, tree: ast.Module) -> None:
        self.path = source.path
        self.tree = tree
        self.positions = Positions(source.text)
        self.names = Names(tree)
        self.origins = Origins(self.names, tree)
        self.callees = Callees(self.names)
        self.keys = Keys(self.names, self.origins.parents)
        self.records: list[ClassRecord] = []
        self.outside: dict[str, list[tuple[UseForm, ast.expr, ReceiverRecord | None]]] = {}
        self.notes: list[Note] = []
        self.walks: list[tuple[ast.Call, Context]] = []
        self.contexts: dict[FunctionNode, tuple[str, str]] = {}  # of methods: the class, and the name of its `self`
        self.mentioned: set[str] = set()
        self.class_reads: dict[str, list[ClassRead]] = {}
        self.by_position: set[str] = set()
        self.decorators: set[ast.AST] = set()  # of functions that are no methods

    def add_outside(self, attr: str, form: UseForm, node: ast.expr, receiver: ReceiverRecord | None) -> None:
        """Takes down a use of an attribute through another object than ``self``."""
        self.outside.setdefault(attr, []).append((form, node, receiver))

    def ref(self, receiver: ast.expr, context: Context) -> str:
        """The reference of an object by name; of `self.head` what the class stores there."""
        owner = context.owner
        if owner is not None and isinstance(receiver, ast.Attribute) and is_name(receiver.value, context.self_name):
            return f"%{receiver.attr}|<@{owner[0]}"
        return self.names.resolve(receiver, context.functions)


def note(kind: str, node: ast.expr | ast.stmt, detail: str = "", *, reads: bool = False) -> Note:
    """A note on the place of ``node``."""
    return Note(kind, node.lineno, node.col_offset + 1, detail, reads)
