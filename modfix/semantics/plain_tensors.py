"""Tensors in plain attributes: which assignments certainly store one, from one class's syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from modfix.semantics.dataflow import Parents, last_value
from modfix.semantics.facts import Ref
from modfix.semantics.positions import Positions
from modfix.semantics.records import ClassRecord, SelfStore
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, is_none, walk
from modfix.semantics.tensor_facts import NoneStore, PlainTensor, TensorStore, TensorTrouble
from modfix.semantics.tensor_functions import CONSTRUCTORS, CREATORS, INTEGERS, METHODS, OPERATIONS, VIEWS
from modfix.semantics.tensor_uses import trouble_with, writes_in_place

_VARIABLE = frozenset({"torch.autograd.Variable", "torch.autograd.variable.Variable"})
_DEPTH = 12  # of expressions and names that are followed
_BRANCHES = (ast.If, ast.With)
_REGISTERS = frozenset({"register_buffer", "register_parameter"})

Functions = tuple[FunctionNode, ...]  # around a place, outermost first
Callee = Callable[[ast.expr, Functions], Ref]


class PlainTensorsMaker:
    """Makes these facts for the classes of one file; ``callee`` names what is called, see `Origin`."""

    def __init__(self, positions: Positions, names: Names, callee: Callee) -> None:
        self.positions = positions
        self.names = names
        self.callee = callee

    def tensors(self, record: ClassRecord, links: Callable[[FunctionNode], Parents]) -> tuple[PlainTensor, ...]:
        """The attributes of one class in which a tensor is stored, where ``links`` gives the parents in a method."""
        reading = _Reading(self, record, links)
        found = (reading.attribute(attr, stores) for attr, stores in sorted(record.stores.items()))
        return tuple(tensor for tensor in found if tensor is not None)

    def registered(self, record: ClassRecord) -> frozenset[str]:
        """The names under which the class registers buffers and parameters; ``*`` for a computed one."""
        if all(_REGISTERS.isdisjoint(called) for called in record.self_calls.values()):
            return frozenset()
        return frozenset(_registered(record, self.names))


def _registered(record: ClassRecord, names: Names) -> Iterator[str]:
    for method in record.members:
        for scope in names.scopes[method].within():
            for node in scope.nodes:
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _REGISTERS:
                    given = [*node.args, *(k.value for k in node.keywords if k.arg == "name")]
                    name = given[0] if given else None
                    yield str(name.value) if isinstance(name, ast.Constant) else "*"


class _Reading:
    """The reading of the attributes of one class."""

    def __init__(self, maker: PlainTensorsMaker, record: ClassRecord, links: Callable[[FunctionNode], Parents]) -> None:
        self._positions = maker.positions
        self._names = maker.names
        self._callee = maker.callee
        self._record = record
        self._links = links
        self._known: dict[str, bool] = {}  # whether all that is stored in an attribute is a tensor

    def attribute(self, attr: str, stores: list[SelfStore]) -> PlainTensor | None:
        """What there is to say about one attribute, or None where no assignment certainly stores a tensor."""
        stores = sorted(stores, key=lambda store: (store.statement.lineno, store.statement.col_offset))
        tensors = [store for store in stores if self._store_is_tensor(store, 0)]
        if not tensors:
            return None
        first = tensors[0].statement
        uses = self._record.uses.get(attr, ())
        used = (trouble_with(use.node, self._links(use.method), _may_build(use.method)) for use in uses)
        troubles = [trouble for trouble in used if trouble is not None]
        troubles += [t for store in tensors for t in self._aliases(store)]
        nones = [s for s in stores if s.value is not None and is_none(s.value)]
        return PlainTensor(
            attr,
            first.lineno,
            self._positions.column(first),
            tuple([self._store(store, stores) for store in tensors]),
            tuple(
                [
                    NoneStore(self._positions.span(s.statement), s.method.name)
                    for s in nones
                    if not self._covered(s, stores)
                ]
            ),
            tuple([TensorTrouble(kind, why, at.lineno, self._positions.column(at)) for kind, why, at in troubles]),
            any(writes_in_place(use.node, self._links(use.method)) for use in uses),
            any(isinstance(use.node.ctx, ast.Load) for use in uses),
        )

    # Values

    def _is_tensor(self, value: ast.expr, functions: Functions, self_name: str | None, depth: int = 0) -> bool:
        """Whether an expression certainly gives a tensor."""
        if depth > _DEPTH:
            return False
        if isinstance(value, ast.Call):
            return self._call_is_tensor(value, functions, self_name, depth)
        if isinstance(value, ast.BinOp):
            left = self._is_tensor(value.left, functions, self_name, depth + 1)
            return left or (_is_number(value.left) and self._is_tensor(value.right, functions, self_name, depth + 1))
        if isinstance(value, ast.UnaryOp):
            negative = isinstance(value.op, (ast.USub, ast.Invert))
            return negative and self._is_tensor(value.operand, functions, self_name, depth + 1)
        if isinstance(value, ast.Compare):
            return len(value.ops) == 1 and self._is_tensor(value.left, functions, self_name, depth + 1)
        if isinstance(value, ast.Subscript):
            return self._is_tensor(value.value, functions, self_name, depth + 1)
        if isinstance(value, ast.IfExp):
            return all(self._is_tensor(v, functions, self_name, depth + 1) for v in (value.body, value.orelse))
        if isinstance(value, ast.Attribute):
            if value.attr in ("T", "data") and self._is_tensor(value.value, functions, self_name, depth + 1):
                return True
            return is_name(value.value, self_name) and self._attribute_is_tensor(value.attr, depth)
        return isinstance(value, ast.Name) and self._local_is_tensor(value, functions, self_name, depth)

    def _call_is_tensor(self, call: ast.Call, functions: Functions, self_name: str | None, depth: int) -> bool:
        if any(k.arg == "out" for k in call.keywords):
            return False
        ref = self._callee(call.func, functions)
        package, _, name = ref.rpartition(".")
        if package == "torch" and (name in CREATORS or name in OPERATIONS):
            return not _asks_for_gradient(call)
        if package in ("torch", "torch.cuda") and name in CONSTRUCTORS:
            return True
        if ref in _VARIABLE:
            inner = call.args[0] if call.args else None
            return (
                inner is not None
                and not _asks_for_gradient(call)
                and self._is_tensor(inner, functions, self_name, depth + 1)
            )
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in METHODS:
            return self._is_tensor(func.value, functions, self_name, depth + 1)
        return False

    def _attribute_is_tensor(self, attr: str, depth: int) -> bool:
        known = self._known.get(attr)
        if known is None:
            stores = self._record.stores.get(attr, [])
            again = [store for store in stores if _reads(store, attr)]  # `self.x = self.x + 1`
            self._known[attr] = False  # while it is being found out
            known = len(again) < len(stores)
            known = known and all(self._store_is_tensor(store, depth) for store in stores if store not in again)
            self._known[attr] = known
            self._known[attr] = known = known and all(self._store_is_tensor(store, depth) for store in again)
        return known

    def _store_is_tensor(self, store: SelfStore, depth: int) -> bool:
        value = store.value
        return value is not None and self._is_tensor(value, store.functions, _self(store.method), depth + 1)

    def _local_is_tensor(self, name: ast.Name, functions: Functions, self_name: str | None, depth: int) -> bool:
        if not functions:
            return False
        scope = self._names.scopes[functions[-1]]
        if name.id not in scope.stored:  # a parameter, or a name of the module: the quick answer for most
            return False
        assigned = scope.values_of(name.id)
        first = [v for v in assigned if not any(is_name(n, name.id) for n in walk(v))]
        tensors = [v for v in first if self._is_tensor(v, functions, self_name, depth + 4)]
        if not tensors:
            return False
        given = any(argument.arg == name.id for argument in arguments(functions[-1]))
        if not given and len(tensors) == len(assigned) == scope.times_stored(name.id):
            return True
        parents = self._links(functions[0])
        value = last_value(parents, parents.statement(name), name.id)
        return value is not None and self._is_tensor(value, functions, self_name, depth + 1)

    # One assignment

    def _store(self, store: SelfStore, stores: list[SelfStore]) -> TensorStore:
        assert store.value is not None
        value = self._unwrapped(store.value, store.functions)
        statement = store.statement
        simple = (
            isinstance(statement, ast.Assign) and len(statement.targets) == 1 and statement.targets[0] is store.target
        )
        words = self._words(store.value, store.functions, _self(store.method))
        return TensorStore(
            self._positions.span(statement),
            self._positions.span(store.value),
            "" if value is store.value else self._positions.source(value),
            store.method.name,
            self._covered(store, stores),
            simple,
            bool(words & INTEGERS) and "float" not in words,
            "from_numpy" in words and not words & {"float", "half", "type_as"},
            tuple(sorted(self._viewed(store.value, _self(store.method)))),
        )

    def _unwrapped(self, value: ast.expr, functions: Functions) -> ast.expr:
        if isinstance(value, ast.Call) and self._callee(value.func, functions) in _VARIABLE:
            return value.args[0]
        return value

    def _words(self, value: ast.expr, functions: Functions, self_name: str | None, depth: int = 0) -> set[str]:
        """The names of functions, methods and dtypes that a value goes through last; of locals as well."""
        found: set[str] = set()
        if isinstance(value, ast.Call):
            name = dotted(value.func) or (value.func.attr if isinstance(value.func, ast.Attribute) else "")
            found.add(name.rpartition(".")[2])
            if isinstance(value.func, ast.Attribute) and value.func.attr in METHODS:
                found |= self._words(value.func.value, functions, self_name, depth)
                found |= {(dotted(a) or "").rpartition(".")[2] for a in value.args}
            found |= {(dotted(k.value) or "").rpartition(".")[2] for k in value.keywords if k.arg == "dtype"}
        elif isinstance(value, (ast.Subscript, ast.Attribute)) and not is_name(value.value, self_name):
            found |= self._words(value.value, functions, self_name, depth)
        elif isinstance(value, ast.BinOp):
            found |= self._words(value.left, functions, self_name, depth) - INTEGERS
            found |= self._words(value.right, functions, self_name, depth) - INTEGERS
        elif isinstance(value, ast.Name) and depth < 2:
            parents = self._links(functions[0])
            made = last_value(parents, parents.statement(value), value.id)
            if made is not None:
                found |= self._words(made, functions, self_name, depth + 1)
        return found

    def _viewed(self, value: ast.expr, self_name: str | None) -> set[str]:
        """The attributes of the object of which a value may be a view."""
        while True:
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in VIEWS:
                value = value.func.value
            elif isinstance(value, ast.Subscript):
                value = value.value
            elif isinstance(value, ast.Attribute):
                if is_name(value.value, self_name):
                    return {value.attr}
                value = value.value
            else:
                return set()

    def _covered(self, store: SelfStore, stores: list[SelfStore]) -> bool:
        """Whether another assignment of the attribute, in the same method, has run before on every path."""
        parents = self._links(store.method)
        others = {s.statement for s in stores if s is not store and s.method is store.method}
        statement: ast.stmt = store.statement
        while True:
            suite, index = parents.suite(statement)
            if any(before in others for before in suite[:index]):
                return True
            parent = parents.enclosing(statement)
            if parent is None or parent is store.method:
                return False
            statement = parent

    def _aliases(self, store: SelfStore) -> Iterator[tuple[str, str, ast.expr]]:
        """Other places in which the tensor goes, when it has a local name."""
        value = store.value
        if isinstance(value, ast.Attribute) and is_name(value.value, _self(store.method)):
            yield "shared", f"`{value.attr}` is the same tensor", value
        while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in VIEWS:
            value = value.func.value
        if isinstance(value, ast.Subscript):
            value = value.value
        if not isinstance(value, ast.Name):
            return
        parents = self._links(store.method)
        for node in walk(store.functions[-1]):
            if (
                not isinstance(node, ast.Name)
                or node.id != value.id
                or node is value
                or not isinstance(node.ctx, ast.Load)
            ):
                continue
            step = parents.of(node)
            assert step is not None
            holder, field = step
            if isinstance(holder, (ast.List, ast.Tuple, ast.Dict)):
                outer = parents.of(holder)
                holder = outer[0] if outer is not None else holder
            keeps = isinstance(holder, (ast.Assign, ast.AnnAssign)) and field == "value"
            if isinstance(holder, (ast.Call, ast.keyword)):
                call = holder if isinstance(holder, ast.Call) else (parents.of(holder) or (None, ""))[0]
                assert isinstance(call, ast.Call)
                ref = self._callee(call.func, store.functions)
                method = isinstance(call.func, ast.Attribute) and call.func.attr in METHODS
                known = ref.startswith(("torch.", "builtins.")) and not ref.startswith("torch.nn.Parameter")
                keeps = not known and not method and call.func is not node
            if keeps:
                yield "shared", f"`{node.id}` goes to another place as well, which would keep the old tensor", node


def _may_build(method: FunctionNode) -> bool:
    return method.name not in ("forward", "__call__")


def _reads(store: SelfStore, attr: str) -> bool:
    nodes = walk(store.value) if store.value is not None else ()
    return any(isinstance(node, ast.Attribute) and node.attr == attr for node in nodes)


def _self(method: FunctionNode) -> str | None:
    positional = [*method.args.posonlyargs, *method.args.args]
    return positional[0].arg if positional else None


def _is_number(value: ast.expr) -> bool:
    if isinstance(value, ast.UnaryOp):
        return _is_number(value.operand)
    if isinstance(value, ast.BinOp):
        return _is_number(value.left) and _is_number(value.right)
    return isinstance(value, ast.Constant) and isinstance(value.value, (int, float))


def _asks_for_gradient(call: ast.Call) -> bool:
    return any(
        k.arg is None or (k.arg == "requires_grad" and not (isinstance(k.value, ast.Constant) and not k.value.value))
        for k in call.keywords
    )
