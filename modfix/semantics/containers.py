"""Lists, tuples and dictionaries in attributes: what they hold and how they come about, from one class's syntax tree.

Only attributes that some method stores a container in are looked at. What is done with it is read in
`modfix.semantics.container_uses`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from modfix.semantics.container_elements import Callee, ElementReader, Functions, Remarks, self_name_of
from modfix.semantics.container_facts import Container, Element, ElementForm, Trouble, Wrap
from modfix.semantics.container_operations import RESERVED_KEYS
from modfix.semantics.container_uses import Used, uses_of
from modfix.semantics.dataflow import Parents
from modfix.semantics.facts import Ref
from modfix.semantics.positions import Positions
from modfix.semantics.records import ClassRecord, SelfStore
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, is_none, leaves_of, walk

_DISPLAYS = (ast.List, ast.Tuple, ast.ListComp, ast.Dict, ast.DictComp)
_KEYED = (ast.Dict, ast.DictComp)
_LISTS = frozenset({"builtins.list", "builtins.tuple"})
_DICTS = frozenset({"builtins.dict", "collections.OrderedDict"})
_BUILDERS = frozenset({"OrderedDict", "dict", "list", "tuple"})
_REGISTERS = frozenset({"__setattr__", "add_module", "register_module"})


class ContainersMaker:
    """Makes the facts of the containers of one file's classes; ``callee`` names what is called, see `Origin`."""

    def __init__(self, positions: Positions, names: Names, callee: Callee) -> None:
        self.positions = positions
        self.names = names
        self.callee = callee

    def containers(self, record: ClassRecord, links: Callable[[FunctionNode], Parents]) -> tuple[Container, ...]:
        """The containers of one class that may hold modules, where ``links`` gives the parents in a method."""
        found = []
        for attr, stores in sorted(record.stores.items()):
            if any(self._may_open(store) for store in stores):
                container = _Reading(self, record, links, attr).container(stores)
                if container is not None:
                    found.append(container)
        return tuple(found)

    def _may_open(self, store: SelfStore) -> bool:
        if isinstance(store.value, ast.Name):  # most are parameters
            return store.value.id in self.names.scopes[store.functions[-1]].stored
        return _may_open(store.value)


def _may_open(value: ast.expr | None) -> bool:
    """Whether a value may be a new container; quick."""
    if isinstance(value, (ast.List, ast.Tuple, ast.Dict)):
        content = value.values if isinstance(value, ast.Dict) else value.elts
        return not content or not all(isinstance(element, ast.Constant) for element in content)
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, (ast.Add, ast.Mult)) and (_may_open(value.left) or _may_open(value.right))
    if isinstance(value, ast.IfExp):
        return _may_open(value.body) or _may_open(value.orelse)
    if isinstance(value, ast.Call):
        return (dotted(value.func) or "").rpartition(".")[2] in _BUILDERS
    return isinstance(value, (ast.ListComp, ast.DictComp, ast.Name))


class _Reading:
    """The reading of one attribute of one class."""

    def __init__(
        self, maker: ContainersMaker, record: ClassRecord, links: Callable[[FunctionNode], Parents], attr: str
    ) -> None:
        self._positions = maker.positions
        self._names = maker.names
        self._callee = maker.callee
        self._record = record
        self._links = links
        self._attr = attr
        self._wraps: list[Wrap] = []
        self._elements: list[Element] = []
        self._remarks = Remarks(maker.positions)
        self._reader = ElementReader(maker.callee, links, self._remarks)
        self._inner: list[Trouble] = []  # those that there are if an element is a container itself
        self._nested = False
        self._next = 0  # index of the next element of a list; -1 when it is not known
        self._keyed = False

    def container(self, stores: list[SelfStore]) -> Container | None:
        """What there is to say, or None where no store makes a container or nothing in it may be a module."""
        stores = sorted(stores, key=lambda store: (store.statement.lineno, store.statement.col_offset))
        stored = [store for store in stores if store.value is not None and self._store(store)]
        if not stored:
            return None
        uses = self._record.uses.get(self._attr, [])
        for use in sorted(uses, key=lambda use: (use.node.lineno, use.node.col_offset)):
            self._use(use.node, use.method)
        if not any(element.form is ElementForm.MADE for element in self._elements):
            return None
        if self._registers_by_hand():
            self._remarks.marks.add("registered")
        first = stored[0].statement
        return Container(
            self._attr,
            first.lineno,
            self._positions.column(first),
            tuple(self._positions.span(store.value) for store in stored if store.value is not None),
            tuple(dict.fromkeys(self._wraps)),
            tuple(self._elements),
            (*self._remarks.troubles, *(self._inner if self._nested else ())),
            "called" in self._remarks.marks,
            "registered" in self._remarks.marks,
        )

    def _registers_by_hand(self) -> bool:
        """Whether the class calls `add_module` or the like on itself."""
        if any(not _REGISTERS.isdisjoint(called) for called in self._record.self_calls.values()):
            return True
        return any(
            isinstance(node, ast.Call)
            and is_name(node.func, "setattr")
            and node.args
            and is_name(node.args[0], self_name_of(method))
            and len(node.args) == 3
            and not isinstance(node.args[2], ast.Constant)
            for method in self._record.members
            for scope in self._names.scopes[method].within()
            for node in scope.nodes
        )

    # How it comes about

    def _store(self, store: SelfStore) -> bool:
        """Take in the value of an assignment to the attribute; whether it is a container."""
        assert store.value is not None
        leaves = [leaf for leaf in leaves_of(store.value) if not is_none(leaf)]
        if isinstance(store.value, ast.Name):
            return self._local(store.value, store)
        opened = [leaf for leaf in leaves if self._opens(leaf, store.functions)]
        if not opened or len(opened) != len(leaves) or (len(leaves) > 1 and any(map(is_none, leaves_of(store.value)))):
            return False
        targets = store.statement.targets if isinstance(store.statement, ast.Assign) else [store.statement.target]
        if len(targets) > 1 or store.target is not targets[0]:
            self._remarks.trouble("shared-list", "several names share the list", store.statement)
        for leaf in opened:
            self._open(leaf, store.method, store.functions)
        return True

    def _local(self, name: ast.Name, store: SelfStore) -> bool:
        """A list that is built under a local name: `layers = []`, `layers.append(...)`, `self.layers = layers`."""
        function = store.functions[-1]
        scope = self._names.scopes[function]
        values = scope.values_of(name.id)
        if len(values) != 1 or any(arg.arg == name.id for arg in arguments(function)):
            return False
        if not self._opens(values[0], store.functions) or not isinstance(values[0], (*_DISPLAYS, ast.Call, ast.BinOp)):
            return False
        self._wraps.append(Wrap(self._positions.span(name), self._is_keyed(values[0], store.functions), False))
        kept = len(self._wraps)
        self._open(values[0], store.method, store.functions)
        del self._wraps[kept]  # the outermost one: the name is wrapped instead
        parents = self._links(store.method)
        if parents.scope(values[0]) is not function:
            self._remarks.trouble("shared-list", f"`{name.id}` is shared with another function", store.statement)
        nodes = [node for node in walk(function) if isinstance(node, ast.Name)]
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
            if node.id == name.id and node is not name:
                if isinstance(node.ctx, ast.Store) and isinstance(parents.of(node), tuple):
                    step = parents.of(node)
                    assert step is not None
                    if isinstance(step[0], ast.Assign):
                        continue
                self._use(node, store.method, local=store)
        return True

    def _opens(self, value: ast.expr, functions: Functions) -> bool:
        """Whether an expression makes a new list, tuple or dictionary."""
        if isinstance(value, _DISPLAYS):
            return True
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
            return self._opens(value.left, functions) or self._opens(value.right, functions)
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            return self._opens(value.left, functions) and self._opens(value.right, functions)
        return isinstance(value, ast.Call) and self._callee(value.func, functions) in (*_LISTS, *_DICTS)

    def _is_keyed(self, value: ast.expr, functions: Functions) -> bool:
        return isinstance(value, _KEYED) or (
            isinstance(value, ast.Call) and self._callee(value.func, functions) in _DICTS
        )

    def _open(self, value: ast.expr, method: FunctionNode, functions: Functions, prefix: str = "") -> None:
        """Take in a new container and what is in it; ``prefix`` is the key of a container inside another."""
        keyed = self._is_keyed(value, functions)
        if prefix:
            self._nested = True
        else:
            self._keyed = self._keyed or keyed
        empty = _is_empty(value)
        self._wraps.append(Wrap(self._positions.span(value), keyed, empty))
        if not prefix:
            self._next = 0
        self._fill(value, method, functions, prefix)

    def _fill(self, value: ast.expr, method: FunctionNode, functions: Functions, prefix: str) -> None:
        """Take in what a container expression holds."""
        if isinstance(value, (ast.List, ast.Tuple)):
            for index, element in enumerate(value.elts):
                if isinstance(element, ast.Starred):
                    self._fill_starred(element, method, functions, prefix)
                else:
                    self._element(element, method, functions, prefix + (str(index) if prefix else self._index()))
        elif isinstance(value, ast.ListComp):
            self._next = self._next if prefix else -1
            self._element(value.elt, method, functions, prefix + "*", many=True)
        elif isinstance(value, ast.BinOp):
            self._fill_operation(value, method, functions, prefix)
        elif isinstance(value, ast.Dict):
            for key, element in zip(value.keys, value.values, strict=True):
                if key is None:
                    self._remarks.trouble("unknown-elements", "it is not known what is unpacked here", element)
                else:
                    self._element(element, method, functions, prefix + self._key(key, method))
        elif isinstance(value, ast.DictComp):
            self._element(value.value, method, functions, prefix + self._key(value.key, method), many=True)
        elif isinstance(value, ast.Call):
            self._fill_call(value, method, functions, prefix)

    def _fill_starred(self, value: ast.Starred, method: FunctionNode, functions: Functions, prefix: str) -> None:
        if isinstance(value.value, (ast.List, ast.ListComp, ast.Tuple)):
            self._fill(value.value, method, functions, prefix)
        else:
            self._remarks.trouble("unknown-elements", "it is not known what is unpacked here", value)

    def _fill_operation(self, value: ast.BinOp, method: FunctionNode, functions: Functions, prefix: str) -> None:
        for side in (value.left, value.right):
            if self._opens(side, functions):
                if isinstance(value.op, ast.Mult):
                    self._next = -1
                self._fill(side, method, functions, prefix)

    def _fill_call(self, value: ast.Call, method: FunctionNode, functions: Functions, prefix: str) -> None:
        keyed = self._is_keyed(value, functions)
        for keyword in value.keywords:
            if keyword.arg is None or not keyed:
                self._remarks.trouble("unknown-elements", "it is not known what is unpacked here", keyword.value)
            else:
                self._check_key(keyword.arg, keyword.value)
                self._element(keyword.value, method, functions, f"{prefix}{keyword.arg}")
        for argument in value.args:
            if isinstance(argument, ast.GeneratorExp):
                self._next = -1
                self._element(argument.elt, method, functions, prefix + "*", many=True)
            elif self._opens(argument, functions) and self._is_keyed(argument, functions) == self._is_keyed(
                value, functions
            ):
                self._fill(argument, method, functions, prefix)
            else:
                self._remarks.trouble("unknown-elements", "it is not known what this holds", argument)

    def _index(self) -> str:
        if self._next < 0:
            return "*"
        self._next += 1
        return str(self._next - 1)

    def _key(self, key: ast.expr, method: FunctionNode) -> str:
        """How `state_dict` calls what has this key; the trouble with it is noted."""
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            self._check_key(key.value, key)
            return key.value
        if not _is_text(key):
            kinds = {ast.Tuple: "a tuple", ast.Constant: "no string"}
            what = kinds.get(type(key), "computed, and may be no string")
            self._remarks.trouble("bad-key", f"a key is {what}: `nn.ModuleDict` takes strings without a dot", key)
        elif any(isinstance(n, ast.Constant) and isinstance(n.value, str) and "." in n.value for n in walk(key)):
            self._remarks.trouble("bad-key", "a key has a dot, which `nn.ModuleDict` does not take", key)
        return "*"

    def _check_key(self, key: str, node: ast.expr) -> None:
        if not key or "." in key or key in RESERVED_KEYS or key.startswith("_"):
            self._remarks.trouble("bad-key", f"`nn.ModuleDict` does not take the key `{key}`", node)

    # Elements

    def _element(
        self,
        value: ast.expr,
        method: FunctionNode,
        functions: Functions,
        key: str,
        *,
        many: bool = False,
    ) -> None:
        """Take in one element."""
        if self._opens(value, functions):
            self._open(value, method, functions, f"{key}.")
            return
        if isinstance(value, ast.NamedExpr):
            self._remarks.trouble("shared-element", "an element has a name of its own", value)
        self._read_element(value, method, functions, key, 0 if many or "*" in key else 1)

    def _read_element(self, value: ast.expr, method: FunctionNode, functions: Functions, key: str, number: int) -> None:
        if isinstance(value, ast.IfExp):
            for leaf in leaves_of(value):
                self._read_element(leaf, method, functions, key, 0)
            return
        form, made = self._reader.form(value, method, functions)
        refs: tuple[Ref, ...] = ()
        given: tuple[tuple[str, str], ...] = ()
        if made is not None:
            refs = (self._callee(made.func, functions),)
            given = tuple(
                [("", self._positions.source(a)) for a in made.args]
                + [(k.arg or "**", self._positions.source(k.value)) for k in made.keywords]
            )
            if any(is_name(a, self_name_of(method)) for a in (*made.args, *(k.value for k in made.keywords))):
                self._remarks.trouble("cycle", "an element gets the object itself, and may register it: a cycle", made)
        column = self._positions.column(value)
        self._elements.append(Element(form, refs, given, key, number, method.name, value.lineno, column))

    # What is done with it

    def _use(self, node: ast.Attribute | ast.Name, method: FunctionNode, *, local: SelfStore | None = None) -> None:
        parents = self._links(method)
        used = uses_of(node, parents, self_name_of(method), self._keyed, local is not None)
        functions = local.functions if local is not None else (method, *parents.functions(node)[1:])
        if method is parents.functions(node)[0]:
            functions = parents.functions(node)
        self._take_in(used, node, method, functions, local)

    def _take_in(
        self, used: list[Used], node: ast.expr, method: FunctionNode, functions: Functions, local: SelfStore | None
    ) -> None:
        for use in used:
            if use.form in ("called", "registered"):
                self._remarks.marks.add(use.form)
            elif use.form == "wrapped":
                ref = self._callee(use.call.func, functions) if use.call is not None else "?"
                if ref.startswith("torch.nn."):
                    self._remarks.marks.add("registered")
                else:
                    self._remarks.trouble("handed-on", "the list is handed to other code here, which may keep it", node)
            elif use.form == "trouble":
                self._remarks.trouble(use.kind, use.reason, use.node)
            elif use.form == "inner":
                column = self._positions.column(use.node)
                self._inner.append(Trouble(use.kind, use.reason, use.node.lineno, column))
            elif local is not None and node.lineno > (local.statement.end_lineno or 0):
                self._remarks.trouble(
                    "shared-list", "the list grows here, when a registered one has been made of it", node
                )
            elif use.form == "one" and use.value is not None:
                key = self._key(use.key, method) if use.key is not None and self._keyed else "*" if use.key else ""
                self._element(use.value, method, functions, key or self._added(use.value, method))
            elif use.form == "several" and use.value is not None:
                if self._opens(use.value, functions):
                    self._next = -1 if self._in_loop(use.value, method) else self._next
                    self._fill(use.value, method, functions, "")
                else:
                    self._remarks.trouble("unknown-elements", "it is not known what is added here", use.value)

    def _added(self, value: ast.expr, method: FunctionNode) -> str:
        """The key of an element that is appended."""
        if self._in_loop(value, method):
            self._next = -1
        return self._index()

    def _in_loop(self, node: ast.AST, method: FunctionNode) -> bool:
        parents = self._links(method)
        step = parents.of(node)
        while step is not None and step[0] is not method:
            if isinstance(step[0], (ast.For, ast.While, ast.If, ast.Try, ast.FunctionDef)):
                return True
            step = parents.of(step[0])
        return False


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, (ast.List, ast.Tuple)):
        return not value.elts
    if isinstance(value, ast.Dict):
        return not value.values
    return isinstance(value, ast.Call) and not value.args and not value.keywords


def _is_text(key: ast.expr) -> bool:
    """Whether an expression certainly is a string: an f-string, `str(...)`, a constant with `%`, `+` or `.format`."""
    if isinstance(key, ast.JoinedStr):
        return True
    if isinstance(key, ast.Constant):
        return isinstance(key.value, str)
    if isinstance(key, ast.BinOp):
        return isinstance(key.op, (ast.Add, ast.Mod)) and (_is_text(key.left) or _is_text(key.right))
    if isinstance(key, ast.Call):
        named = isinstance(key.func, ast.Attribute) and key.func.attr == "format" and _is_text(key.func.value)
        return named or is_name(key.func, "str")
    return False
