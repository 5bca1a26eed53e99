"""What one element of a container is: a module that is made on the spot, a plain value, something unknown."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from modfix.semantics.container_facts import ElementForm, Trouble
from modfix.semantics.dataflow import Parents, last_value
from modfix.semantics.facts import Ref
from modfix.semantics.positions import Positions
from modfix.semantics.syntax import FunctionNode, arguments, is_name, is_none, walk

_PLAIN = (ast.Constant, ast.JoinedStr, ast.Compare, ast.Lambda, ast.UnaryOp)
_RETURNS_ITSELF = frozenset(
    {"bfloat16", "cpu", "cuda", "double", "eval", "float", "half", "requires_grad_", "to", "train"}
)
_COPIES = frozenset({"copy.copy", "copy.deepcopy"})

Functions = tuple[FunctionNode, ...]  # around a place, outermost first
Callee = Callable[[ast.expr, Functions], Ref]


class Remarks:
    """What is found out about a container on the way, besides its elements."""

    def __init__(self, positions: Positions) -> None:
        self._positions = positions
        self.troubles: list[Trouble] = []
        self.marks: set[str] = set()  # of "called" and "registered"; see `Used`

    def trouble(self, kind: str, reason: str, node: ast.expr | ast.stmt) -> None:
        """Takes down what stands against registering the elements."""
        self.troubles.append(Trouble(kind, reason, node.lineno, self._positions.column(node)))


class ElementReader:
    """Reads the elements of one container; what they give away about it goes to ``remarks``."""

    def __init__(self, callee: Callee, links: Callable[[FunctionNode], Parents], remarks: Remarks) -> None:
        self._callee = callee
        self._links = links
        self._remarks = remarks

    def form(self, value: ast.expr, method: FunctionNode, functions: Functions) -> tuple[ElementForm, ast.Call | None]:
        """What ``value`` is, with the call that makes it; ``method`` and ``functions`` are around it."""
        if is_none(value):
            return ElementForm.NONE, None
        if isinstance(value, _PLAIN):
            return ElementForm.PLAIN, None
        if isinstance(value, ast.Attribute) and is_name(value.value, self_name_of(method)):
            self._remarks.marks.add("registered")  # it is registered under its own name, if it is a module
            return ElementForm.UNKNOWN, None
        if isinstance(value, ast.Call):
            return self._made(value, method, functions)
        if isinstance(value, ast.Name):
            return self._named(value, method, functions)
        return ElementForm.UNKNOWN, None

    def _made(self, call: ast.Call, method: FunctionNode, functions: Functions) -> tuple[ElementForm, ast.Call | None]:
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in _RETURNS_ITSELF and not isinstance(func.value, ast.Name):
            return self.form(func.value, method, functions)
        if is_name(func, "getattr") and call.args and is_name(call.args[0], self_name_of(method)):
            self._remarks.marks.add("registered")
            return ElementForm.UNKNOWN, None
        ref = self._callee(func, functions)
        if ref in _COPIES and len(call.args) == 1:
            form, made = self.form(call.args[0], method, functions)
            return (form, made) if form is ElementForm.MADE else (ElementForm.UNKNOWN, None)
        return (ElementForm.PLAIN, None) if ref == "functools.partial" else (ElementForm.MADE, call)

    def _named(self, name: ast.Name, method: FunctionNode, functions: Functions) -> tuple[ElementForm, ast.Call | None]:
        """An element that has a local name, under which it may go to other places as well."""
        parents = self._links(method)
        if any(arg.arg == name.id for function in functions for arg in arguments(function)):
            return ElementForm.GIVEN, None
        value = last_value(parents, parents.statement(name), name.id)
        if isinstance(value, ast.IfExp) or value is None:
            return ElementForm.UNKNOWN, None
        for place, at in self._other_places(name, functions[-1], parents):
            if place == "registered":
                self._remarks.marks.add("registered")
            else:
                self._remarks.trouble("shared-element", f"`{name.id}` goes to another place as well", at)
        if isinstance(value, ast.Name):
            return ElementForm.UNKNOWN, None
        return self.form(value, method, functions)

    def _other_places(self, name: ast.Name, function: FunctionNode, parents: Parents) -> Iterator[tuple[str, ast.expr]]:
        """Where else a module goes that has a name: "registered" or "elsewhere"."""
        for node in walk(function):
            if not isinstance(node, ast.Name) or node.id != name.id or node is name or isinstance(node.ctx, ast.Store):
                continue
            step = parents.of(node)
            assert step is not None
            parent = step[0]
            if isinstance(parent, ast.Attribute) and self._becomes_own(parent, parents):
                yield "registered", node
            elif isinstance(parent, ast.Attribute) or (isinstance(parent, ast.Call) and step[1] == "func"):
                continue
            elif isinstance(parent, (ast.Assign, ast.AnnAssign)):
                targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
                own = all(isinstance(t, ast.Attribute) and is_name(t.value, self_name_of(function)) for t in targets)
                yield ("registered" if own else "elsewhere"), node
            elif isinstance(parent, ast.Call):
                ref = self._callee(parent.func, (function,))
                if not ref.startswith(("torch.nn.init.", "builtins.")):
                    yield "elsewhere", node
            else:
                yield "elsewhere", node

    def _becomes_own(self, member: ast.Attribute, parents: Parents) -> bool:
        """Whether a member of a module is kept by the object: `self.weight = layer.weight`."""
        step = parents.of(member)
        if step is None or not isinstance(step[0], ast.Assign) or step[1] != "value":
            return False
        return any(isinstance(target, ast.Attribute) for target in step[0].targets)


def self_name_of(method: FunctionNode) -> str | None:
    """The name of the first parameter of a method."""
    positional = [*method.args.posonlyargs, *method.args.args]
    return positional[0].arg if positional else None
