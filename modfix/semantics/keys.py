"""Which attributes a computed name may stand for."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from modfix.semantics.dataflow import Parents
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, dotted, is_plain_call, walk
from modfix.semantics.walks import DICTIONARY_WALKS

_DEPTH = 6  # of names that stand for names
_READS = frozenset({"copy", "get", "items", "keys", "values"})  # methods of a dictionary that leave it as it is
_TAKES = frozenset({"copy", "deepcopy", "dict", "len", "list", "set", "sorted", "tuple", "update"})
_FIELD = re.compile(r"\{(\w+)")  # of a format string


class Keys:
    """Answers for the names of one file; ``parents`` gives the links of the outermost of some functions."""

    def __init__(self, names: Names, parents: Callable[[tuple[FunctionNode, ...]], Parents]) -> None:
        self._names = names
        self._parents = parents

    def key_of(self, name: ast.expr, functions: tuple[FunctionNode, ...]) -> str:
        """The attributes that a computed name may stand for, as the detail of a note: see `modfix.semantics.names`."""
        scope = self._names.scopes[functions[0]] if functions else None
        for _ in range(_DEPTH):
            while isinstance(name, ast.BinOp):
                name = name.left
            values = scope.values_of(name.id) if scope is not None and isinstance(name, ast.Name) else []
            if len(values) != 1 or scope is None or not isinstance(name, ast.Name) or scope.times_stored(name.id) != 1:
                break
            name = values[0]
        if isinstance(name, ast.Constant) and isinstance(name.value, str) and "%" not in name.value:
            whole = self._parents(functions).of(name)
            if whole is not None and not isinstance(whole[0], (ast.BinOp, ast.JoinedStr, ast.Attribute)):
                return "=" + name.value
        return prefix(name)

    def entry(self, dictionary: ast.expr, functions: tuple[FunctionNode, ...]) -> str | None:
        """As `key_of` for the entry of `self._modules` or `self.__dict__` that is used; None if it makes no difference.

        An entry that is called with one argument cannot have been None.
        """
        parents = self._parents(functions)
        step = parents.of(dictionary)
        parent = step[0] if step is not None else None
        above = parents.of(parent) if parent is not None else None
        if isinstance(parent, ast.Subscript):
            call = above[0] if above is not None and above[1] == "func" else None
            if isinstance(call, ast.Call) and is_plain_call(call) and not caught(parents, call):
                return None
            return self.key_of(parent.slice, functions)
        user = above[0] if above is not None else None
        if not isinstance(user, ast.Call):
            return ""
        if isinstance(parent, ast.Attribute) and parent.attr in DICTIONARY_WALKS and is_modules(dictionary):
            return None  # a walk over children
        if isinstance(parent, ast.Attribute) and parent.attr in ("get", "pop") and user.args:
            return self.key_of(user.args[0], functions)
        formats = isinstance(user.func, ast.Attribute) and user.func.attr == "format"  # of `extra_repr`
        if formats and isinstance(parent, ast.keyword) and parent.arg is None and functions:
            texts = [n.value for n in walk(functions[-1]) if isinstance(n, ast.Constant)]
            named = {name for text in texts if isinstance(text, str) for name in _FIELD.findall(text)}
            return "=" + ",".join(sorted(named))
        return ""

    def only_reads(self, dictionary: ast.expr, functions: tuple[FunctionNode, ...]) -> bool:
        """Whether a use of `self._modules` or `self.__dict__` only looks at entries that are there in any case."""
        parents = self._parents(functions)
        step = parents.of(dictionary)
        if step is None:
            return False
        parent, field = step
        if isinstance(parent, ast.Subscript):
            return isinstance(parent.ctx, ast.Load) and not caught(parents, parent)
        if isinstance(parent, ast.Compare):
            return isinstance(parent.ops[0], (ast.In, ast.NotIn)) and field == "comparators"
        if is_modules(dictionary):
            return False  # what is there is more than before
        if isinstance(parent, ast.Attribute):
            return parent.attr in _READS
        if isinstance(parent, ast.Call):
            return (dotted(parent.func) or "").rpartition(".")[2] in _TAKES
        return isinstance(parent, (ast.For, ast.comprehension)) or (isinstance(parent, ast.keyword) and not parent.arg)


def prefix(name: ast.expr) -> str:
    """What a computed attribute name certainly starts with.

    ``fc`` for ``f"fc{i}"``, ``"fc" + str(i)`` and ``"fc%d" % i``.
    """
    while isinstance(name, ast.BinOp):
        name = name.left
    if isinstance(name, ast.Call) and isinstance(name.func, ast.Attribute) and name.func.attr == "format":
        name = name.func.value
    if isinstance(name, ast.JoinedStr) and name.values:
        name = name.values[0]
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return re.split(r"[%{]", name.value, maxsplit=1)[0]
    return ""


def caught(parents: Parents, node: ast.AST) -> bool:
    """Whether ``node`` stands in the body of a `try`."""
    step = parents.of(node)
    while step is not None:
        if getattr(step[0], "handlers", None) and step[1] == "body":
            return True
        step = parents.of(step[0])
    return False


def is_modules(node: ast.expr) -> bool:
    """Whether ``node`` is `m._modules`."""
    return isinstance(node, ast.Attribute) and node.attr == "_modules"
