"""What is known of the objects other than ``self`` through which attributes are used."""

from __future__ import annotations

import ast
from collections import Counter

from modfix.semantics.facts import UNKNOWN, Receiver, Ref
from modfix.semantics.records import FileRecord, ReceiverRecord
from modfix.semantics.syntax import FunctionNode, arguments, is_name


class ReceiverMaker:
    """From the records of one file to facts."""

    def __init__(self, file: FileRecord) -> None:
        self._file = file
        self._parameters: dict[FunctionNode, Counter[str]] = {}
        self._known: dict[ReceiverRecord, tuple[tuple[Ref, ...], frozenset[str] | None]] = {}

    def receiver(self, record: ReceiverRecord, use: ast.expr) -> Receiver:
        """The object of one use: of `model.head`, or of `getattr(model, "head")`."""
        known = self._known.get(record)
        if known is None:
            reads = frozenset(record.reads) if self._is_one_object(record) else None
            known = self._known[record] = self._made_by(record), reads
        made_by, reads = known
        return Receiver(record.source, made_by, self._certain(record, use) if reads is None else reads, record.spans)

    def _is_one_object(self, record: ReceiverRecord) -> bool:
        """Whether a name stands for one object all through its function, so that all reads are of that object.

        It is a parameter, or stored once by an assignment, and no test asks what it is.
        """
        if record.typed or record.function is None:
            return not record.typed
        scope, root = self._file.names.scopes[record.function], record.source.partition(".")[0]
        times, parameters = scope.times_stored(root), self._times_a_parameter(record.function, root)
        once = times == 1 and not parameters and len(scope.values_of(root)) == 1
        return once or (times == 0 and parameters <= 1)

    def _certain(self, record: ReceiverRecord, use: ast.expr) -> frozenset[str]:
        """The attributes that the object of one use must have, where the name stands for several, as in a loop."""
        if record.function is None or use.__class__ is ast.Subscript:
            return frozenset()
        name = use.value if isinstance(use, ast.Attribute) else use.args[0] if isinstance(use, ast.Call) else None
        return self._file.origins.certain_reads(name, record.function) if isinstance(name, ast.Name) else frozenset()

    def _made_by(self, record: ReceiverRecord) -> tuple[Ref, ...]:
        """What made the object, if it is an attribute of ``self``, or a local name for results of calls."""
        ref = record.known_ref()
        if ref.startswith("%"):
            return (ref,)
        if record.function is None or "." in record.source:
            return (UNKNOWN,)
        scope = self._file.names.scopes[record.function]
        made = scope.values_of(record.source)
        own = all(not is_name(node, record.source) for node in made)
        if not own or len(made) != scope.times_stored(record.source) or not all(isinstance(m, ast.Call) for m in made):
            return (UNKNOWN,)
        if self._times_a_parameter(record.function, record.source):
            return (UNKNOWN,)
        found = (self._file.origins.origin(value, (record.function,)) for value in made)
        return tuple(dict.fromkeys(ref for origin in found for ref in origin.made_by)) or (UNKNOWN,)

    def _times_a_parameter(self, function: FunctionNode, name: str) -> int:
        """How many functions, from ``function`` inwards, have a parameter of that name."""
        known = self._parameters.get(function)
        if known is None:
            scopes = list(self._file.names.scopes[function].within())
            makers = [scope.node for scope in scopes if isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef))]
            lambdas = [node for scope in scopes for node in scope.nodes if isinstance(node, ast.Lambda)]
            known = Counter(arg.arg for maker in (*makers, *lambdas) for arg in arguments(maker))
            self._parameters[function] = known
        return known[name]
