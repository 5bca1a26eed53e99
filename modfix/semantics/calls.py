"""Facts about calls of torch in methods, and about what `__init__` does first and last."""

from __future__ import annotations

import ast

from modfix.semantics.dataflow import Parents
from modfix.semantics.facts import Argument, ArgumentForm, CallPlace, InitFacts, Ref, TorchCall
from modfix.semantics.init_tails import InitTails
from modfix.semantics.names import is_configuration
from modfix.semantics.positions import Positions
from modfix.semantics.records import ClassRecord, MethodCall
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, dotted, is_name, walk

_CONVERSIONS = frozenset({"builtins.float", "builtins.int"})
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)


class CallFactsMaker:
    """Makes these facts for the classes of one file."""

    def __init__(self, positions: Positions, names: Names) -> None:
        self._positions = positions
        self._names = names
        self._tails = InitTails(positions, names)

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
        options: set[str] = set()
        form = self._form(value, call, attributes, options)
        source = self._positions.source(value)
        if "\n" in source or "\r" in source:
            source = ast.unparse(value)
        if form is ArgumentForm.OTHER:
            return Argument(name, "", form, tuple(sorted(attributes)))
        return Argument(name, source, form, tuple(sorted(attributes)), tuple(sorted(options)))

    def _form(self, node: ast.expr, call: MethodCall, attributes: set[str], options: set[str]) -> ArgumentForm:
        """What an expression depends on: the ``attributes`` of the object that it reads, and the ``options``."""
        if _reads_training(node, call.self_name):
            return ArgumentForm.TRAINING
        if not self._is_static(node, call, attributes, options):
            return ArgumentForm.OTHER
        if options:
            return ArgumentForm.OPTION
        return ArgumentForm.ATTRIBUTE if attributes else ArgumentForm.CONSTANT

    def _is_static(self, node: ast.expr, call: MethodCall, attributes: set[str], options: set[str]) -> bool:
        if isinstance(node, ast.Constant):
            return node.value is not Ellipsis
        if isinstance(node, ast.Name):
            return self._names.is_constant(node.id, call.functions)
        if isinstance(node, (ast.Tuple, ast.List)):
            return all(self._is_static(element, call, attributes, options) for element in node.elts)
        if isinstance(node, ast.UnaryOp):
            signed = isinstance(node.op, (ast.USub, ast.UAdd))
            return signed and self._is_static(node.operand, call, attributes, options)
        if isinstance(node, ast.BinOp):
            arithmetic = isinstance(node.op, _ARITHMETIC)
            return arithmetic and all(
                self._is_static(part, call, attributes, options) for part in (node.left, node.right)
            )
        if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
            converts = self._names.resolve(node.func, call.functions) in _CONVERSIONS
            return converts and self._is_static(node.args[0], call, attributes, options)
        if isinstance(node, ast.Attribute) and is_name(node.value, call.self_name):
            attributes.add(node.attr)
            return node.attr != "training"
        return self._is_option(node, call, attributes, options)

    def _is_option(self, node: ast.expr, call: MethodCall, attributes: set[str], options: set[str]) -> bool:
        """Whether an expression reads an option of `self.args`, `self.cfg["model"]` or a global `hps`."""
        holder, member = node, False
        while not (isinstance(holder, ast.Attribute) and is_name(holder.value, call.self_name)):
            if (isinstance(holder, ast.Subscript) and isinstance(holder.slice, ast.Constant)) or isinstance(
                holder, ast.Attribute
            ):
                holder = holder.value
            else:
                break
            member = True
        if not member:
            return False
        if isinstance(holder, ast.Attribute):
            attributes.add(holder.attr)
        elif not isinstance(holder, ast.Name) or any(holder.id in self._names.locals_of(f) for f in call.functions):
            return False
        options.add(self._positions.source(node))
        return is_configuration(self._positions.source(holder))

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
        scope = self._names.scopes[node]
        calls = [call for inner in scope.within() for call in inner.nodes if isinstance(call, ast.Call)]
        touching = min((call.lineno for call in calls if _is_method_of(call, self_name)), default=0)
        handing = min((call.lineno for call in calls if _hands_out(call, self_name)), default=0)
        last = node.body[-1]
        returns = len(scope.returns) - isinstance(last, ast.Return)
        bases: list[Ref] = []
        after: ast.stmt | None = None
        quiet: list[ast.stmt] = []
        touched = False  # something was called on the object before
        loud = False  # or it was handed out, or this may be the end
        for statement in node.body:
            base = self._base_init(statement, self_name, (*record.functions, node))
            if base is not None:
                bases.append(base)
                after, quiet = None if touched else statement, []
                continue
            end = statement.end_lineno or 0
            touched = touched or 0 < touching <= end
            loud = loud or touched or 0 < handing <= end
            loud = loud or (returns > 0 and any(isinstance(n, ast.Return) for n in walk(statement)))
            if not loud:
                quiet.append(statement)
        return InitFacts(
            self_name,
            tuple(bases),
            None if after is None else self._positions.span(after),
            tuple([self._positions.span(statement) for statement in quiet]),
            self._positions.span(last),
            isinstance(last, (ast.Return, ast.Raise)),
            returns > 0,
            handing > 0,
            self._tails.tail(node, self_name, (*record.functions, node)),
        )

    def fills_by(self, node: FunctionNode, record: ClassRecord) -> tuple[str, ...] | None:
        """See `MethodFacts`."""
        return self._tails.fills_by(node, (*record.functions, node))

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
