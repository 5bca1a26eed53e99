"""What the scan collects about one class before it becomes facts: nodes, still with the syntax tree behind them."""

from __future__ import annotations

import ast
from typing import NamedTuple

from modfix.semantics.facts import UNKNOWN, Note, Ref, UseForm
from modfix.semantics.syntax import FunctionNode


class Form(NamedTuple):
    """How a value is used, and by which member or in which way."""

    form: UseForm
    detail: str


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
