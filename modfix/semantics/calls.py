"""Facts about calls of torch in methods, and about what `__init__` does first and last."""

from __future__ import annotations

import ast

from modfix.semantics.dataflow import Parents
from modfix.semantics.facts import Argument, ArgumentForm, CallPlace, InitFacts, Ref, TorchCall
from modfix.semantics.positions import Positions
from modfix.semantics.records import ClassRecord, MethodCall
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, dotted, is_name, walk

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)


class CallFactsMaker:
    """Makes these facts for the classes of one file."""

    def __init__(self, positions: Positions, names: Names) -> None:
        self._positions = positions
        self._names = names

    def torch_call(self, call: MethodCall, links: Parents) -> TorchCall:
        """The facts of one call, where ``links`` are those of its method."""
        node = call.node
        arguments: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
        arguments.sort(key=lambda argument: (argument.lineno, argument.col_offset))
        return TorchCall(
            call.function,
            call.method.name,
            self._positions.span(node),
            node.lineno,
            self._positions.column(node),
            tuple([self._argument(argument, call) for argument in arguments]),
            _place(call, links),
            self._use(call, links),
        )

    def _argument(self, argument: ast.expr | ast.keyword, call: MethodCall) -> Argument:
        if isinstance(argument, ast.Starred):
            return Argument("*", "", ArgumentForm.OTHER, ())
        if isinstance(argument, ast.keyword):
            name, value = argument.arg or "**", argument.value
        else:
            name, value = "", argument
        attributes: set[str] = set()
        form = self._form(value, call, attributes)
        source = self._positions.source(value)
        if "\n" in source or "\r" in source:
            source = ast.unparse(value)
        return Argument(name, source if form is not ArgumentForm.OTHER else "", form, tuple(sorted(attributes)))

    def _form(self, node: ast.expr, call: MethodCall, attributes: set[str]) -> ArgumentForm:
        """What an expression depends on; the attributes of the object that it reads go to ``attributes``."""
        if _reads_training(node, call.self_name):
            return ArgumentForm.TRAINING
        if not self._is_static(node, call, attributes):
            return ArgumentForm.OTHER
        return ArgumentForm.ATTRIBUTE if attributes else ArgumentForm.CONSTANT

    def _is_static(self, node: ast.expr, call: MethodCall, attributes: set[str]) -> bool:
        if isinstance(node, ast.Constant):
            return node.value is not Ellipsis
        if isinstance(node, ast.Name):
            return self._names.is_constant(node.id, call.functions)
        if isinstance(node, (ast.Tuple, ast.List)):
            return all(self._is_static(element, call, attributes) for element in node.elts)
        if isinstance(node, ast.UnaryOp):
            return isinstance(node.op, (ast.USub, ast.UAdd)) and self._is_static(node.operand, call, attributes)
        if isinstance(node, ast.BinOp):
            parts = (node.left, node.right)
            return isinstance(node.op, _ARITHMETIC) and all(self._is_static(part, call, attributes) for part in parts)
        if isinstance(node, ast.Attribute) and is_name(node.value, call.self_name):
            attributes.add(node.attr)
            return node.attr != "training"
        return False

    def _use(self, call: MethodCall, links: Parents) -> str:
        step = links.of(call.node)
        assert step is not None  # a method is above
        parent, field = step
        if isinstance(parent, ast.Call) and field == "func":
            return "called"
        if not isinstance(parent, ast.Assign) or len(parent.targets) != 1:
            return ""
        target = parent.targets[0]
        if not isinstance(target, ast.Name):
            return ""
        scope = self._names.scopes[call.functions[-1]]
        if scope.times_stored(target.id) != 1 or any(name == target.id for name, _ in scope.bound) or scope.declared:
            return ""
        reads = [node for node in walk(scope.node) if is_name(node, target.id) and node is not target]
        steps = [links.of(node) for node in reads]
        only_called = all(s is not None and isinstance(s[0], ast.Call) and s[1] == "func" for s in steps)
        return "local" if only_called else ""

    def init_facts(self, node: FunctionNode, record: ClassRecord) -> InitFacts | None:
        """What an ``__init__`` does first and last; None where it has no parameter for the object."""
        positional = [*node.args.posonlyargs, *node.args.args]
        if not positional:
            return None
        self_name = positional[0].arg
        scopes = list(self._names.scopes[node].within())
        calls = [call for scope in scopes for call in scope.nodes if isinstance(call, ast.Call)]
        touching = min((call.lineno for call in calls if _is_method_of(call, self_name)), default=0)
        bases: list[Ref] = []
        after: ast.stmt | None = None
        touched = False  # something was called on the object before
        for statement in node.body:
            base = self._base_init(statement, self_name, (*record.functions, node))
            if base is not None:
                bases.append(base)
                after = None if touched else statement
            elif not touched:
                touched = 0 < touching <= (statement.end_lineno or 0)
        last = node.body[-1]
        returns = sum(len(scope.returns) for scope in scopes) - isinstance(last, ast.Return)
        return InitFacts(
            self_name,
            tuple(bases),
            None if after is None else self._positions.span(after),
            self._positions.span(last),
            isinstance(last, (ast.Return, ast.Raise)),
            bool(returns),
            any(_hands_out(call, self_name) for call in calls),
        )

    def _base_init(self, statement: ast.stmt, self_name: str, functions: tuple[FunctionNode, ...]) -> Ref | None:
        """Whose ``__init__`` a statement calls for the object: see `InitFacts`; None for any other statement."""
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"):
            return None
        owner = call.func.value
        if isinstance(owner, ast.Call):
            if not is_name(owner.func, "super"):
                return None
            return f"super:{self._names.resolve(owner.args[0], functions)}" if owner.args else "super"
        first = call.args[0] if call.args else None
        if first is None or not is_name(first, self_name):
            return None
        return self._names.resolve(owner, functions)


def _is_method_of(call: ast.Call, self_name: str) -> bool:
    """Whether a call is of ``self_name`` or of something below it."""
    return (dotted(call.func) or "").partition(".")[0] == self_name


def _hands_out(call: ast.Call, self_name: str) -> bool:
    """Whether a call runs the object, or gets it as an argument and may run it."""
    if is_name(call.func, self_name):
        return True
    harmless = dotted(call.func) in ("super", "isinstance", "type", "id", "setattr", "getattr", "hasattr")
    if harmless or (isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"):
        return False
    return any(is_name(argument, self_name) for argument in (*call.args, *(k.value for k in call.keywords)))


def _place(call: MethodCall, links: Parents) -> CallPlace:
    if any(dotted(decorator) == "classmethod" for decorator in call.method.decorator_list):
        return CallPlace.CLASS
    if call.functions[-1] is not call.method:
        return CallPlace.NESTED
    training = False
    child: ast.AST = call.node
    step = links.of(child)
    while step is not None:
        parent, field = step
        if isinstance(parent, ast.Lambda):
            return CallPlace.NESTED
        if isinstance(parent, (ast.If, ast.IfExp)) and field in ("body", "orelse"):
            test, wanted = parent.test, "body"
            if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                test, wanted = test.operand, "orelse"
            training = training or (field == wanted and _is_training(test, call.self_name))
        step = links.of(parent)
    return CallPlace.TRAINING if training else CallPlace.METHOD


def _is_training(node: ast.expr, self_name: str) -> bool:
    """Whether an expression is true only if ``self.training`` is."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return any(_is_training(value, self_name) for value in node.values)
    return dotted(node) == f"{self_name}.training"


def _reads_training(node: ast.expr, self_name: str) -> bool:
    """Whether an expression is ``self.training``, ``bool(self.training)`` or the like."""
    if isinstance(node, ast.Call) and is_name(node.func, "bool") and len(node.args) == 1 and not node.keywords:
        node = node.args[0]
    if isinstance(node, ast.IfExp) and isinstance(node.body, ast.Constant) and isinstance(node.orelse, ast.Constant):
        return (node.body.value, node.orelse.value) == (True, False) and _reads_training(node.test, self_name)
    return dotted(node) == f"{self_name}.training"
