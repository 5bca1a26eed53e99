"""Which statements at the end of an `__init__` only initialise parameters: further layers may stand above them.

The statement must not notice a module without parameters that is one of the children already: it sets no attribute,
hands the object to nobody, and a walk over the children or modules acts on layers of certain types alone.
"""

from __future__ import annotations

import ast
import re
from itertools import pairwise

from modfix.semantics.facts import TailStatement
from modfix.semantics.positions import Positions
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, walk
from modfix.semantics.torch_functions import MODULE_FORMS, PURE_MODULES
from modfix.semantics.torch_names import is_module_class
from modfix.semantics.walks import CHILD_WALKS, MODULE_WALKS

_INITIALISES = re.compile(r"init|reset|weight|param", re.IGNORECASE)  # in the names of methods that do
_WALKS = CHILD_WALKS | MODULE_WALKS
_INSIDE = frozenset({"__dict__", "_modules"})
_NEUTRAL = frozenset({"named_parameters", "parameters"})  # methods that do not see modules without parameters
_LOOKS = frozenset({"getattr", "hasattr", "isinstance", "super"})  # functions that may be given the object
# What a further layer may be, or a base of it: no test may ask for one of these. `nn.LayerNorm` is another matter.
_FURTHER = frozenset(
    {"Module", "_LPPoolNd", "_Loss", "_MaxPoolNd", "_WeightedLoss", *PURE_MODULES}
    | {form.module.rpartition(".")[2] for form in MODULE_FORMS.values()} - {"LayerNorm"}
)


class InitTails:
    """Answers for the classes of one file."""

    def __init__(self, positions: Positions, names: Names) -> None:
        self._positions = positions
        self._names = names

    def tail(
        self, init: FunctionNode, self_name: str, functions: tuple[FunctionNode, ...]
    ) -> tuple[TailStatement, ...]:
        """The last statements of an ``__init__`` that only initialise, in order."""
        found: list[TailStatement] = []
        for above, statement in reversed(list(pairwise(init.body))):
            methods = None
            if self._is_initialisation(statement, self_name, functions):
                methods = self._fills_by(statement, self_name, functions)
            if methods is None:
                break
            found.append(TailStatement(self._positions.span(above), methods))
        return tuple(reversed(found))

    def fills_by(self, node: FunctionNode, functions: tuple[FunctionNode, ...]) -> tuple[str, ...] | None:
        """See `MethodFacts`; None as well for methods whose name does not speak of initialisation.

        A method that takes something else than the object is asked what it does to that, whatever it is.
        """
        if node.decorator_list or not _INITIALISES.search(node.name):
            return None
        first, *others = [arg.arg for arg in arguments(node)] or [""]
        if not first or len(others) > 1 or (others and not self._asks_for_layers(node.body, {others[0]}, functions)):
            return None
        return self._fills_by(node, first, functions)

    def _is_initialisation(self, statement: ast.stmt, self_name: str, functions: tuple[FunctionNode, ...]) -> bool:
        if isinstance(statement, ast.For):
            return self._walked(statement.iter, self_name)
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call):
            return False
        if self._names.resolve(call.func, functions).startswith("torch.nn.init."):
            return True
        func = call.func
        if not isinstance(func, ast.Attribute) or not is_name(func.value, self_name):
            return False
        return func.attr == "apply" or _INITIALISES.search(func.attr) is not None

    def _fills_by(self, root: ast.stmt, self_name: str, functions: tuple[FunctionNode, ...]) -> tuple[str, ...] | None:
        """The methods of the object that code calls; None where it may notice one child more."""
        methods: set[str] = set()
        harmless: set[ast.AST] = set()  # bare mentions of the object, and walks
        for node in walk(root):  # parents come before what they hold
            if isinstance(node, ast.For) and self._walked(node.iter, self_name):
                targets = {n.id for n in walk(node.target) if isinstance(n, ast.Name)}
                if self._asks_for_layers(node.body, targets, functions) and not node.orelse:
                    harmless.add(node.iter)
            elif isinstance(node, ast.Call):
                if isinstance(node.func, ast.Name) and node.func.id in _LOOKS:
                    harmless.update(node.args)
                elif node not in harmless:
                    called = self._method(node, self_name, functions)
                    if called is None:
                        return None
                    methods.add(called)
            elif isinstance(node, ast.Attribute) and is_name(node.value, self_name):
                harmless.add(node.value)
                if node.attr in _INSIDE or not isinstance(node.ctx, ast.Load):
                    return None
            elif is_name(node, self_name) and node not in harmless:
                return None
        return tuple(sorted(methods - _NEUTRAL - {""}))

    def _method(self, call: ast.Call, self_name: str, functions: tuple[FunctionNode, ...]) -> str | None:
        """The method of the object that a call runs; empty where it runs none, None where nobody knows."""
        func = call.func
        if not isinstance(func, ast.Attribute):
            return ""
        if is_name(func.value, self_name):
            if func.attr == "apply" and len(call.args) == 1:
                return self._applied(call.args[0], self_name, functions)
            return None if func.attr in _WALKS else func.attr
        return func.attr if isinstance(func.value, ast.Call) and is_name(func.value.func, "super") else ""

    def _walked(self, node: ast.expr, self_name: str) -> bool:
        """Whether an expression is `self.modules()` or the like."""
        func = node.func if isinstance(node, ast.Call) else None
        return isinstance(func, ast.Attribute) and is_name(func.value, self_name) and func.attr in _WALKS

    def _applied(self, function: ast.expr, self_name: str, functions: tuple[FunctionNode, ...]) -> str | None:
        """The method that is applied to all modules; empty for a harmless function of the file, None for another."""
        name = dotted(function) or ""
        if name.startswith(f"{self_name}.") and name.count(".") == 1:
            return name.partition(".")[2]
        ref = self._names.resolve(function, functions)
        found = self._names.functions(ref)
        parameters = [arg.arg for node in found for arg in arguments(node)]
        alone = len(found) == 1 and len(parameters) == 1
        return "" if alone and self._asks_for_layers(found[0].body, set(parameters), (found[0],)) else None

    def _asks_for_layers(self, body: list[ast.stmt], subjects: set[str], functions: tuple[FunctionNode, ...]) -> bool:
        """Whether code is nothing but tests of what ``subjects`` are, each for layers that hold parameters."""
        for statement in body:
            if isinstance(statement, ast.Pass) or (
                isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            ):
                continue
            if not isinstance(statement, ast.If) or not self._is_layer_test(statement.test, subjects, functions):
                return False
            if not self._asks_for_layers(statement.orelse, subjects, functions):
                return False
        return True

    def _is_layer_test(self, test: ast.expr, subjects: set[str], functions: tuple[FunctionNode, ...]) -> bool:
        if isinstance(test, ast.BoolOp):
            decisive = test.values[:1] if isinstance(test.op, ast.And) else test.values
            return all(self._is_layer_test(value, subjects, functions) for value in decisive)
        if not isinstance(test, ast.Call) or len(test.args) != 2:
            return False
        if self._names.resolve(test.func, functions) != "builtins.isinstance":
            return False
        asked = isinstance(test.args[0], ast.Name) and test.args[0].id in subjects
        classes = test.args[1].elts if isinstance(test.args[1], (ast.Tuple, ast.List)) else [test.args[1]]
        refs = [self._names.resolve(node, functions) for node in classes]
        return asked and all(_holds_parameters(ref) or self._names.is_plain_class(ref) for ref in refs)


def _holds_parameters(ref: str) -> bool:
    name = ref.rpartition(".")[2]
    return is_module_class(ref) and "Dropout" not in name and name not in _FURTHER
