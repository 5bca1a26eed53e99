"""What a test says about an ``nn.Identity`` that a loop over modules comes to."""

from __future__ import annotations

import ast
from typing import NamedTuple

from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, dotted, is_name, is_none
from modfix.semantics.torch_names import MODULE_MEMBERS

_EMPTY_IN_IDENTITY = frozenset({"buffers", "children", "named_buffers", "named_children", "parameters"})


class Child(NamedTuple):
    """The variables of a loop over modules."""

    names: frozenset[str]  # all of them
    module: str | None  # the one that holds the module
    key: str | None  # the one that holds its name
    walked: str | None  # the object whose children they are


class IdentityTests:
    """Answers for the tests in one function, or in the code outside functions."""

    def __init__(self, names: Names, functions: tuple[FunctionNode, ...]) -> None:
        self._names = names
        self._functions = functions

    def truth(self, test: ast.expr, child: Child) -> bool | None:  # one table of tests
        """What a test says when the module is an ``nn.Identity``; None where that is unknown."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self.truth(test.operand, child)
            return None if inner is None else not inner
        if isinstance(test, ast.BoolOp):
            parts = [self.truth(value, child) for value in test.values]
            decisive = isinstance(test.op, ast.Or)
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
        if isinstance(test, ast.Call):
            if is_name(test.func, "isinstance") and len(test.args) == 2 and is_name(test.args[0], child.module):
                return self._is_one_of(test.args[1])
            named = test.args[1] if is_name(test.func, "hasattr") and len(test.args) == 2 else None
            if isinstance(named, ast.Constant) and is_name(test.args[0], child.module):
                return named.value in MODULE_MEMBERS
            if dotted(test.func) in ("len", "list", "tuple", "any") and test.args and self.is_empty(test, child):
                return False
            return None
        if not isinstance(test, ast.Compare) or len(test.ops) != 1:
            return None
        return self._compared(test.left, test.ops[0], test.comparators[0], child)

    def _compared(self, left: ast.expr, operator: ast.cmpop, right: ast.expr, child: Child) -> bool | None:
        same = isinstance(operator, (ast.Is, ast.Eq))
        if same or isinstance(operator, (ast.IsNot, ast.NotEq)):
            if isinstance(left, ast.Call) and is_name(left.func, "type") and is_name(left.args[0], child.module):
                found = self._is_one_of(right)
                return None if found is None else found is same
            if is_zero(right) and self.is_empty(left, child):
                return same
        if isinstance(operator, (ast.Gt, ast.NotEq)) and is_zero(right) and self.is_empty(left, child):
            return False
        if isinstance(operator, ast.In) and child.key is not None and is_name(left, child.key) and _no_names(right):
            return False
        return self._class_name(left, operator, right)

    def _class_name(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> bool | None:
        """`classname.find("Conv") != -1`, `"Conv" in classname`, `classname == "Conv2d"`."""
        if isinstance(operator, ast.NotEq) and isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute):
            missing = isinstance(right, ast.UnaryOp) and isinstance(right.operand, ast.Constant)
            if left.func.attr == "find" and missing and len(left.args) == 1 and self._names_class(left.func.value):
                part = _text(left.args[0])
                return None if part is None else part in "Identity"
        if isinstance(operator, ast.In) and (part := _text(left)) is not None:
            return part in "Identity" if self._names_class(right) else None
        if isinstance(operator, ast.Eq) and isinstance(right, ast.Constant) and self._names_class(left):
            return bool(right.value == "Identity")
        return None

    def _names_class(self, node: ast.expr) -> bool:
        """Whether ``node`` is `m.__class__.__name__`, or a variable that always holds such."""
        if isinstance(node, ast.Attribute):
            return node.attr == "__name__"
        if not isinstance(node, ast.Name) or not self._functions:
            return False
        values = self._names.scopes[self._functions[0]].values_of(node.id)
        return bool(values) and all(isinstance(v, ast.Attribute) and v.attr == "__name__" for v in values)

    def _is_one_of(self, classes: ast.expr) -> bool | None:
        """Whether an ``nn.Identity`` is an object of one of the classes."""
        answers = []
        for node in classes.elts if isinstance(classes, ast.Tuple) else [classes]:
            ref = self._names.resolve(node, self._functions)
            if ref in ("torch.nn.Module", "torch.nn.Identity"):
                return True
            # A class of the file is no base of `nn.Identity`; another name for it would not be bound by `class`.
            known = ref.startswith(("torch.nn.", "builtins.")) and ref != "builtins.object"
            answers.append(known or self._names.is_plain_class(ref))
        return False if all(answers) else None

    def is_empty(self, node: ast.expr, child: Child) -> bool:
        """Whether ``node`` is empty for an identity: `m.parameters()`, `list(m.children())`, the `len` of these."""
        while isinstance(node, ast.Call) and dotted(node.func) in ("any", "enumerate", "len", "list", "tuple"):
            if len(node.args) != 1:
                return False
            node = node.args[0]
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            node = node.generators[0].iter
        if isinstance(node, ast.Name) and node.id != child.module and self._functions:
            values = self._names.scopes[self._functions[0]].values_of(node.id)
            if not values or len(values) != self._names.scopes[self._functions[0]].times_stored(node.id):
                return False
            return all(not isinstance(value, ast.Name) and self.is_empty(value, child) for value in values)
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _EMPTY_IN_IDENTITY
            and is_name(node.func.value, child.module)
        )


def ignores_module(function: ast.FunctionDef) -> bool:
    """Whether a function does nothing with a first argument that is None or an ``nn.Identity``.

    As `def freeze(m): if m is not None: for p in m.parameters(): p.requires_grad = False`.
    """
    parameters = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    if not parameters or function.decorator_list:
        return False
    tests = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return all(
        isinstance(test, ast.If)
        and not test.orelse
        and _says_present(test.test, parameters[0])
        and all(_is_empty_loop(statement, parameters[0]) for statement in test.body)
        for test in tests
    )


def _says_present(test: ast.expr, name: str) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.IsNot)
        and is_name(test.left, name)
        and is_none(test.comparators[0])
    )


def _is_empty_loop(statement: ast.stmt, name: str) -> bool:
    call = statement.iter if isinstance(statement, ast.For) and not statement.orelse else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in _EMPTY_IN_IDENTITY
        and is_name(call.func.value, name)
    )


def _no_names(node: ast.expr) -> bool:
    """Whether ``node`` is a display of texts such as `["3", "8"]`, none of which can be the name of an attribute."""
    elements = node.elts if isinstance(node, (ast.List, ast.Tuple, ast.Set)) else []
    return bool(elements) and all((text := _text(e)) is not None and not text.isidentifier() for e in elements)


def is_zero(node: ast.expr) -> bool:
    """Whether ``node`` is the number 0."""
    return isinstance(node, ast.Constant) and node.value == 0


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
