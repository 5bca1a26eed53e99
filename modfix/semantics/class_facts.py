"""From the records of a class to its facts."""

from __future__ import annotations

import ast
import builtins
import re

from modfix.model.span import Span
from modfix.semantics.callees import Callees, is_plain
from modfix.semantics.calls import CallFactsMaker
from modfix.semantics.completion import completion
from modfix.semantics.containers import ContainersMaker
from modfix.semantics.dataflow import Parents, may_swallow
from modfix.semantics.facts import (
    NOT_NONE,
    UNKNOWN,
    AttributeFacts,
    ClassFacts,
    Definition,
    Guard,
    MethodFacts,
    Ref,
    Use,
    UseForm,
    ValueKind,
)
from modfix.semantics.guards import Subject, analyse
from modfix.semantics.origins import Origins
from modfix.semantics.plain_tensors import PlainTensorsMaker
from modfix.semantics.positions import Positions
from modfix.semantics.records import ClassRecord, SelfStore, SelfUse
from modfix.semantics.scopes import Names
from modfix.semantics.script_types import ScriptTypes
from modfix.semantics.syntax import (
    FunctionNode,
    arguments,
    dotted,
    is_name,
    is_none,
    leaves_of,
    walk,
)

_OPTIONAL_ANNOTATION = re.compile(r"\bOptional\b|\bNone\b")
_FUNCTIONS = "torch.nn.functional."
_TESTS = (UseForm.NONE_TEST, UseForm.TEST)
_FAILS_ON_NONE = (UseForm.CALL, UseForm.CALL_OTHER, UseForm.MEMBER)


class ClassFactsMaker:
    """Makes the facts of the classes of one file."""

    def __init__(self, path: str, positions: Positions, names: Names, origins: Origins) -> None:
        self._callees = Callees(names)
        self._path = path
        self._positions = positions
        self._names = names
        self._origins = origins
        self._ifs: dict[FunctionNode, list[ast.If]] = {}
        self._calls = CallFactsMaker(positions, names)
        self._tensors = PlainTensorsMaker(positions, names, self._callees.callee)
        self._containers = ContainersMaker(positions, names, self._callees.callee)
        self._known_parameters: dict[FunctionNode, list[tuple[ast.arg, ast.expr | None]]] = {}

    def class_facts(self, record: ClassRecord) -> ClassFacts:
        """The facts of one class."""
        node = record.node
        span = self._positions.span(node)
        attributes = {}
        for attr in sorted(record.mentioned):  # of mixins without bases as well: a subclass has the attribute
            facts = self._attribute_facts(record, attr)
            if facts is not None:
                attributes[attr] = facts
        calls = [self._calls.torch_call(call, self._links(call.method)) for call in record.torch_calls]
        decorators = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
        return ClassFacts(
            node.name,
            record.qualname,
            span,
            node.lineno,
            self._positions.column(node),
            tuple(self._base(base, record) for base in node.bases),
            tuple(self._names.resolve(decorator, record.functions) for decorator in decorators),
            {member.name: self._method_facts(member, record) for member in record.members},
            attributes,
            record.body_names.union(record.mentioned),
            record.body_names,
            tuple(record.notes),
            bool(record.functions),
            record.conditional,
            next((self._calls.init_facts(m, record) for m in record.members if m.name == "__init__"), None),
            tuple(sorted(calls, key=lambda call: call.span.end)),
            tuple(record.added),
            self._containers.containers(record, self._links) if node.bases else (),
            self._tensors.tensors(record, self._links) if node.bases else (),
            self._tensors.registered(record),
        )

    def _base(self, base: ast.expr, record: ClassRecord) -> Ref:
        while isinstance(base, ast.Subscript):  # Generic[T]
            base = base.value
        if (dotted(base) or "").partition(".")[0] in record.shadowed:
            return UNKNOWN
        return self._names.resolve(base, record.functions)

    # Methods ----------------------------------------------------------------------------------------------------------

    def _method_facts(self, node: FunctionNode, record: ClassRecord) -> MethodFacts:
        defaults = [(arg, default) for arg, default in self._parameters(node) if default is not None]
        named = ((arg.arg, self._names.resolve(d, record.functions)) for arg, d in defaults if dotted(d))
        return MethodFacts(
            node.name,
            node.lineno,
            self._positions.span(node),
            tuple(sorted(record.self_calls.get(node.name, ()))),
            self._super_init(node) if node.name == "__init__" else -1,
            self._callees.returns(node, (*record.functions, node)),
            tuple([arg.arg for arg in arguments(node)]),
            tuple(named),
            any(not is_name(decorator, "staticmethod") for decorator in node.decorator_list),
            self._calls.fills_by(node, record),
        )

    def _parameters(self, function: FunctionNode) -> list[tuple[ast.arg, ast.expr | None]]:
        """The parameters that can be passed by name or position, with their defaults."""
        known = self._known_parameters.get(function)
        if known is None:
            args = function.args
            positional = [*args.posonlyargs, *args.args]
            required = len(positional) - len(args.defaults)
            known = self._known_parameters[function] = [(arg, None) for arg in positional[:required]]
            known += zip(positional[required:], args.defaults, strict=True)
            known += zip(args.kwonlyargs, args.kw_defaults, strict=True)
        return known

    def _super_init(self, node: FunctionNode) -> int:
        """See `MethodFacts`. Of several `Base.__init__(self)` the last one counts: the others may be of plain classes.

        Where a method of the object is called before, its assignments come too early: -1.
        """
        positional = [*node.args.posonlyargs, *node.args.args]
        self_name = positional[0].arg if positional else None
        found, called = -1, False
        for statement in node.body:
            call = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "__init__":
                end = -1 if called else self._positions.span(statement).end
                if isinstance(call.func.value, ast.Call) and is_name(call.func.value.func, "super"):
                    return end
                if call.args and is_name(call.args[0], self_name):
                    found = end
                    continue
            called = called or any(
                isinstance(n, ast.Call) and _is_method_of(n.func, self_name) for n in walk(statement)
            )
        return found

    def _made_from(self, leaf: ast.expr, functions: tuple[FunctionNode, ...]) -> Ref:
        """What is called to make a value; NOT_NONE for a function such as `F.relu`, UNKNOWN for any other value."""
        if isinstance(leaf, ast.Call):
            return self._callees.callee(leaf.func, functions)
        named = isinstance(leaf, ast.Attribute) and self._names.resolve(leaf, functions).startswith(_FUNCTIONS)
        return NOT_NONE if named or isinstance(leaf, ast.Lambda) else UNKNOWN

    # Attributes -------------------------------------------------------------------------------------------------------

    def _attribute_facts(self, record: ClassRecord, attr: str) -> AttributeFacts | None:
        uses = record.uses.get(attr, [])
        stores = record.stores.get(attr, [])
        strings = record.strings.get(attr, [])
        if not stores and not uses and not strings:
            return None
        tests = [use for use in uses if use.form.form in _TESTS]
        # Where nothing is optional dominance decides nothing: parent links would be wasted on most methods.
        linked = bool(tests) or any(self._may_be_none(store) for store in stores)
        definitions = [self._definition(store) for store in stores]
        guards: list[Guard] = []
        regions: list[Span] = []
        for use in tests:
            test = self._test(use)
            assert isinstance(use.node.value, ast.Name)
            subject = Subject(use.node.value.id, attr)
            links = self._links(use.method)
            guards.append(analyse(self._path, subject, test, links, self._positions, use.method.name))
            regions.append(self._region(test, links))
        stored_in: set[FunctionNode] = record.stored_in.get(attr, set()) if linked else set()
        others = []
        for use in uses:
            if use.form.form in _TESTS or (regions and self._inside(use.node, regions)):
                continue
            dominated = use.method in stored_in and _dominated(self._links(use.method), use.node)
            node, (form, detail) = use.node, use.form
            if linked and form in _FAILS_ON_NONE and _caught(self._links(use.method), node):
                form = UseForm.CAUGHT
            others.append(Use(form, use.method.name, node.lineno, node.col_offset + 1, detail, dominated))
        for call, function, method in strings:
            others.append(Use(UseForm.STRING, method.name, call.lineno, call.col_offset + 1, function, False))
        return AttributeFacts(
            attr,
            tuple(sorted(definitions, key=lambda definition: definition.statement)),
            tuple(sorted(guards, key=lambda guard: guard.test)),
            tuple(sorted(others, key=lambda use: (use.line, use.column))),
            linked and all(self._takes_tensor(use, record) for use in uses),
        )

    def _takes_tensor(self, use: SelfUse, record: ClassRecord) -> bool:
        """Whether ``use`` is no call, or passes a tensor as TorchScript sees it."""
        links = self._links(use.method)
        step = links.of(use.node)
        if step is not None and isinstance(step[0], ast.Attribute) and step[0].attr == "forward":
            step = links.of(step[0])
        if step is None or not isinstance(step[0], ast.Call) or step[1] != "func":
            return True
        arguments_ = step[0].args
        return len(arguments_) == 1 and ScriptTypes(self._names, record).is_tensor(arguments_[0], use.method)

    def _links(self, method: FunctionNode) -> Parents:
        return self._origins.parents((method,))

    def _test(self, use: SelfUse) -> ast.expr:
        """The test that ``use`` is: a comparison, the call of a helper, or the bare attribute."""
        step = self._links(use.method).of(use.node)
        assert step is not None  # a method is above
        return step[0] if isinstance(step[0], (ast.Compare, ast.Call)) else use.node

    def _region(self, test: ast.expr, links: Parents) -> Span:
        """What a None test governs: its `if` statement or conditional expression."""
        node: ast.AST = test
        while not isinstance(node, (ast.IfExp, ast.stmt)):
            step = links.of(node)
            assert step is not None  # a statement is above
            node = step[0]
        return self._positions.span(node)

    def _inside(self, node: ast.expr, regions: list[Span]) -> bool:
        span = self._positions.span(node)
        return any(region.contains(span) for region in regions)

    def _definition(self, store: SelfStore) -> Definition:
        statement, target, value, method, functions = store
        source = self._positions.source
        span = self._positions.span(statement)
        leaves = [] if value is None else leaves_of(value)
        nones = tuple([self._positions.span(leaf) for leaf in leaves if is_none(leaf)])
        made = [leaf for leaf in leaves if not is_none(leaf)]
        refs = tuple([self._made_from(leaf, functions) for leaf in made])
        kind = _kind(value, made, nones)
        around = self._around(store)
        targets: list[ast.expr] = statement.targets if isinstance(statement, ast.Assign) else []
        others = [other for other in targets if other is not target]
        shared = bool(others) and len(others) < len(targets)  # otherwise `target` is part of a tuple
        return Definition(
            method.name,
            span if value is None else self._positions.span(value),
            span,
            statement.lineno,
            self._positions.column(statement),
            self._positions.indentation(statement),
            kind,
            refs if value is not None else (UNKNOWN,),
            nones,
            source(value) if value is not None and kind in (ValueKind.NAME, ValueKind.OPTIONAL) else "",
            value is not None and kind is ValueKind.NAME and self._optional_name(value, functions[-1]),
            any(_proves_present(node, statement, value) for node in around),
            tuple([source(other) for other in others]) if shared else (),
            source(target),
            functions[-1] is not method,
            value is not None and (is_plain(value) or self._is_plain_parameter(value, functions[-1])),
            source(statement.annotation) if isinstance(statement, ast.AnnAssign) else None,
            completion(statement, target, self._links(method), self._positions) if kind is ValueKind.NONE else None,
            tuple([(self._positions.span(node).start, _arm(node, statement)) for node in around]),
            UNKNOWN if value is None else self._names.resolve(value, functions),
        )

    def _may_be_none(self, store: SelfStore) -> bool:
        if isinstance(store.value, ast.Name):
            return self._optional_name(store.value, store.method)
        return store.value is not None and any(map(is_none, leaves_of(store.value)))

    def _optional_name(self, value: ast.expr, function: FunctionNode) -> bool:
        """Whether a local name may be None by what the function shows.

        Its default, its annotation, or a store of None.
        """
        if not isinstance(value, ast.Name):
            return False
        scope = self._names.scopes[function]
        for arg, default in self._parameters(function):
            if arg.arg == value.id and not scope.times_stored(value.id):
                if arg.annotation is not None and _OPTIONAL_ANNOTATION.search(self._positions.source(arg.annotation)):
                    return True
                return default is not None and is_none(default)
        return any(map(is_none, scope.values_of(value.id)))

    def _is_plain_parameter(self, value: ast.expr, function: FunctionNode) -> bool:
        """Whether a parameter has a number, string or truth value as default."""
        defaults = {arg.arg: default for arg, default in self._parameters(function)}
        default = defaults.get(value.id) if isinstance(value, ast.Name) else None
        return default is not None and is_plain(default) and not is_none(default)

    def _around(self, store: SelfStore) -> list[ast.If]:
        """The `if` statements of the method around an assignment, outermost first."""
        known = self._ifs.get(store.method)
        if known is None:
            nodes = (node for scope in self._names.scopes[store.method].within() for node in scope.nodes)
            known = self._ifs[store.method] = [node for node in nodes if isinstance(node, ast.If)]
            known.sort(key=_start)
        place = _start(store.statement)
        return [node for node in known if _start(node) <= place < _end(node)]


def _start(node: ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.stmt) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def _arm(node: ast.If, statement: ast.stmt) -> str:
    """In which arm of an `if` statement ``statement`` stands."""
    return "body" if _start(statement) < _end(node.body[-1]) else "orelse"


def _kind(value: ast.expr | None, made: list[ast.expr], nones: tuple[Span, ...]) -> ValueKind:
    if nones:
        return ValueKind.OPTIONAL if made else ValueKind.NONE
    if made and all(isinstance(leaf, ast.Call) for leaf in made):
        return ValueKind.CALL
    return ValueKind.NAME if isinstance(value, ast.Name) else ValueKind.OTHER


def _proves_present(around: ast.If, statement: ast.stmt, value: ast.expr | None) -> bool:
    """Whether the test of an `if` around an assignment of a name says that the name is not None."""
    if not isinstance(value, ast.Name):
        return False
    test, wanted = around.test, _arm(around, statement) == "body"
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, wanted = test.operand, not wanted
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and is_none(test.comparators[0]):
        negative = isinstance(test.ops[0], (ast.IsNot, ast.NotEq))
        return is_name(test.left, value.id) and negative is wanted
    return is_name(test, value.id) and wanted


def _is_method_of(node: ast.AST, name: str | None) -> bool:
    return isinstance(node, ast.Attribute) and is_name(node.value, name)


def _dominated(links: Parents, node: ast.Attribute) -> bool:
    """Whether the nearest store of the same attribute before ``node``, on every path, stored the result of a call."""
    assert isinstance(node.value, ast.Name)
    subject = Subject(node.value.id, node.attr)
    statement = links.statement(node)
    if _waits(links, node):
        return False
    while not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        suite, index = links.suite(statement)
        for before in reversed(suite[:index]):
            if isinstance(before, (ast.Assign, ast.AnnAssign)) and before.value is not None:
                targets = before.targets if isinstance(before, ast.Assign) else [before.target]
                if any(subject.is_read(target) for target in targets):
                    return isinstance(before.value, ast.Call)
            if _stores_attribute(before, subject):
                return False
        parent = links.enclosing(statement)
        if parent is None:
            return False
        once = isinstance(parent, (ast.If, ast.With, ast.AsyncWith, ast.FunctionDef, ast.AsyncFunctionDef))
        if not once and _stores_attribute(parent, subject):
            return False  # loops come round again, handlers see half of the body
        statement = parent
    return False


def _caught(links: Parents, node: ast.AST) -> bool:
    """Whether a handler of the same function may catch what a call of None raises, or the reading of its members."""
    step = links.of(node)
    while step is not None:
        parent, field = step
        handlers: list[ast.ExceptHandler] = getattr(parent, "handlers", [])
        if field == "body" and any(_catches_none_errors(handler.type) for handler in handlers):
            return True
        if isinstance(parent, (ast.With, ast.AsyncWith)) and field == "body" and may_swallow(parent):
            return True
        step = links.of(parent)
    return False


def _catches_none_errors(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(map(_catches_none_errors, kind.elts))
    caught = getattr(builtins, kind.id, None) if isinstance(kind, ast.Name) else None
    if not isinstance(caught, type):
        return True  # a bare `except`, or an error of another module
    return issubclass(TypeError, caught) or issubclass(AttributeError, caught)


def _stores_attribute(node: ast.AST, subject: Subject) -> bool:
    return any(subject.is_read(n) and isinstance(n.ctx, ast.Store) for n in walk(node) if isinstance(n, ast.Attribute))


def _waits(links: Parents, node: ast.AST) -> bool:
    """Whether ``node`` stands in a lambda or generator, which runs later, or in the test of a loop, run again."""
    step = links.of(node)
    while step is not None and not isinstance(step[0], ast.stmt):
        if isinstance(step[0], (ast.Lambda, ast.GeneratorExp)):
            return True
        step = links.of(step[0])
    return step is not None and isinstance(step[0], ast.While)
