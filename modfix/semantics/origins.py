"""Where the objects come from that a function works on, as far as it shows itself."""

from __future__ import annotations

import ast

from modfix.semantics.dataflow import Parents, last_value
from modfix.semantics.facts import UNKNOWN, Ref
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, walk


class Origins:
    """Answers for the expressions of one file.

    ``functions`` are always those around the expression, outermost first.
    """

    def __init__(self, names: Names, tree: ast.Module) -> None:
        self._names = names
        self._tree = tree

    def origin(self, receiver: ast.expr, functions: tuple[FunctionNode, ...]) -> Ref:
        """What was called to make an object, or its class.

        ``%blocks`` is an attribute of an unknown object, ``%blocks|<origin>`` of an object of that origin.
        """
        if isinstance(receiver, ast.Call):
            return self._names.resolve(receiver.func, functions)
        if isinstance(receiver, ast.Attribute):
            owner = self.origin(receiver.value, functions)
            known = owner != UNKNOWN and not owner.startswith("%")
            return f"%{receiver.attr}|{owner}" if known else f"%{receiver.attr}"
        if not isinstance(receiver, ast.Name):
            return UNKNOWN
        for parameter in arguments(functions[-1]) if functions else ():
            if parameter.arg == receiver.id and parameter.annotation is not None:
                return self._names.resolve(parameter.annotation, functions[:-1])
        parents = Parents(functions[-1] if functions else self._tree)
        tested = self._type_tested(receiver, parents, functions)
        if tested is not None:
            return tested
        made = last_value(parents, parents.statement(receiver), receiver.id)
        return self._names.resolve(made.func, functions) if isinstance(made, ast.Call) else UNKNOWN

    def _type_tested(self, name: ast.Name, parents: Parents, functions: tuple[FunctionNode, ...]) -> Ref | None:
        """The class of `if isinstance(name, Class):` around a use of ``name``, or None."""
        step = parents.of(name)
        while step is not None:
            node, field = step
            test = node.test if isinstance(node, ast.If) and field == "body" else None
            asked = isinstance(test, ast.Call) and is_name(test.func, "isinstance") and len(test.args) == 2
            if asked and isinstance(test, ast.Call) and is_name(test.args[0], name.id) and dotted(test.args[1]):
                return self._names.resolve(test.args[1], functions)
            step = parents.of(node)
        return None

    @staticmethod
    def held_by(value: ast.expr, functions: tuple[FunctionNode, ...]) -> str:
        """The attributes that hold ``value``, or over which loops run that yield it, by commas; empty when unknown."""
        if isinstance(value, ast.Attribute):
            return value.attr
        if isinstance(value, ast.Subscript):
            return "[...]"  # an item of a container: no attribute holds it
        if not isinstance(value, ast.Name) or not functions:
            return ""
        found = set()
        for node in walk(functions[-1]):
            if isinstance(node, (ast.For, ast.comprehension)) and any(is_name(n, value.id) for n in walk(node.target)):
                walked = node.iter
                while isinstance(walked, ast.Call) and isinstance(walked.func, ast.Name) and walked.args:
                    walked = walked.args[0]  # enumerate(self.layers)
                found.add(walked.attr if isinstance(walked, ast.Attribute) else "")
        return "" if "" in found else ",".join(sorted(found))
