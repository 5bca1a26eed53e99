"""What code does with a container: whether a registered one does the same, takes in more elements, or cannot do it.

A use is read from the syntax around it: `for m in self.layers`, `self.layers[0](x)`, `self.layers.append(m)`,
`nn.Sequential(*self.layers)`. What is not known to work with `nn.ModuleList` or `nn.ModuleDict` is trouble.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from modfix.semantics.container_operations import NO_DICT_METHODS, NO_LIST_METHODS
from modfix.semantics.dataflow import Parents
from modfix.semantics.syntax import dotted, is_name, is_none, walk

_PASSES_ON = frozenset(
    {"enumerate", "iter", "list", "reversed", "tuple", "zip"}
)  # their results give the same elements
_ONLY_LOOKS = frozenset({"all", "any", "bool", "id", "len", "print"})
_TAKES_IN_ONE = frozenset({"append", "insert"})
_FILLS = _TAKES_IN_ONE | {"extend", "pop", "update"}
_VIEWS = frozenset({"items", "keys", "values"})
_BY_HAND = frozenset({"named_parameters", "parameters"})
_STATE_BY_HAND = frozenset({"load_state_dict", "state_dict"})
_RUNS = frozenset({"bias", "forward", "weight"})
_REGISTERING = frozenset({"add_module", "register_module"})
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)
_ONLY_TESTS = (ast.BoolOp, ast.UnaryOp, ast.If, ast.While, ast.Assert, ast.Expr)


class Used(NamedTuple):
    """What one use comes to.

    ``form`` is ``one`` or ``several`` (``value`` is added), ``called`` (an element is), ``registered`` (the elements go
    to another place that registers them), ``wrapped`` (the list is an argument of ``call``), ``trouble``, or ``inner``:
    trouble if the element is a container itself.
    """

    form: str
    node: ast.expr | ast.stmt
    kind: str = ""
    reason: str = ""
    value: ast.expr | None = None
    key: ast.expr | None = None
    call: ast.Call | None = None


def uses_of(
    node: ast.Attribute | ast.Name, parents: Parents, self_name: str | None, keyed: bool, local: bool
) -> list[Used]:
    """What the use ``node`` of a container comes to; nothing where a registered one does the same.

    Args:
        node: the name or attribute that holds the container.
        parents: the parents in the method.
        self_name: what the method calls its object.
        keyed: the container is a dictionary.
        local: ``node`` is a local name that only later becomes an attribute.
    """
    return list(_Uses(parents, self_name, keyed, local).of(node, node, whole=True))


class _Uses:
    def __init__(self, parents: Parents, self_name: str | None, keyed: bool, local: bool) -> None:
        self._parents = parents
        self._self_name = self_name
        self._keyed = keyed
        self._local = local
        self._type = "nn.ModuleDict" if keyed else "nn.ModuleList"

    def of(self, node: ast.expr, origin: ast.expr, *, whole: bool) -> Iterator[Used]:  # noqa: PLR0912  # one table of forms
        """What ``node`` comes to, which is the container (``whole``) or gives the elements of ``origin``."""
        step = self._parents.of(node)
        assert step is not None  # a method is above
        parent, field = step
        if isinstance(parent, ast.Attribute):
            yield from self._member(parent, origin, whole=whole)
        elif isinstance(parent, ast.Subscript) and field == "value":
            yield from self._item(parent, origin, whole=whole)
        elif isinstance(parent, _LOOPS) and field == "iter":
            yield from self._loop(parent, origin)
        elif isinstance(parent, ast.Starred):
            yield from self._starred(parent, origin)
        elif isinstance(parent, ast.Call):
            yield from self._argument(parent, origin)
        elif isinstance(parent, ast.Compare):
            if not _keeps_working(parent, node):
                yield self._missing("==", origin)
        elif isinstance(parent, _ONLY_TESTS) or (isinstance(parent, ast.IfExp) and field == "test"):
            return
        elif isinstance(parent, ast.AugAssign) and field == "target" and isinstance(parent.op, ast.Add) and whole:
            yield Used("several", parent, value=parent.value)
        elif isinstance(parent, (ast.Assign, ast.AnnAssign)):
            yield from self._assigned(parent, origin, whole=whole)
        elif isinstance(parent, ast.BinOp):
            yield self._missing("+" if isinstance(parent.op, ast.Add) else "*", origin)
        elif isinstance(parent, ast.Return):
            yield self._trouble("handed-on", "the list is returned here, and may be used as one", origin)
        elif isinstance(parent, ast.Delete):
            yield self._trouble("set-later", "it is deleted here", origin)
        else:
            yield self._trouble("unknown-use", "what becomes of the list here is not known", origin)

    def _trouble(self, kind: str, reason: str, node: ast.expr | ast.stmt) -> Used:
        return Used("trouble", node, kind, reason)

    def _missing(self, operation: str, node: ast.expr | ast.stmt) -> Used:
        return self._trouble("missing-operation", f"`{self._type}` has no `{operation}`, or another one", node)

    def _member(self, member: ast.Attribute, origin: ast.expr, *, whole: bool) -> Iterator[Used]:
        step = self._parents.of(member)
        assert step is not None
        call, field = step
        name = member.attr
        if not isinstance(call, ast.Call) or field != "func" or not whole:
            yield self._trouble("unknown-use", f"`.{name}` is read here, and not just called", origin)
        elif name in (NO_DICT_METHODS if self._keyed else NO_LIST_METHODS):
            yield self._missing(f".{name}()", origin)
        elif self._keyed and name in _VIEWS:
            yield from self.of(call, origin, whole=False)
        elif not self._keyed and name in _TAKES_IN_ONE and len(call.args) == (1 if name == "append" else 2):
            if isinstance(call.args[-1], ast.Starred):
                yield self._trouble("unknown-elements", "it is not known what is added here", call)
            elif name == "insert":
                yield Used("one", call, value=call.args[-1], key=call.args[0])
            else:
                yield Used("one", call, value=call.args[-1])
        elif name in ("extend", "update") and len(call.args) == 1 and not call.keywords:
            yield Used("several", call, value=call.args[0])
        else:
            yield self._trouble("unknown-use", f"whether `.{name}()` does the same is not known", origin)

    def _item(self, item: ast.Subscript, origin: ast.expr, *, whole: bool) -> Iterator[Used]:
        step = self._parents.of(item)
        assert step is not None
        parent = step[0]
        if isinstance(item.ctx, ast.Del):
            yield self._trouble("set-later", "an element is deleted here", origin)
        elif isinstance(item.ctx, ast.Store):
            if isinstance(parent, ast.Assign) and whole and not isinstance(item.slice, ast.Slice):
                yield Used("one", parent, value=parent.value, key=item.slice)
            else:
                yield self._trouble("unknown-use", "what is stored here is not known", origin)
        elif isinstance(item.slice, ast.Slice):
            yield from self.of(item, origin, whole=False)
        else:
            yield from self._one(item, origin)

    def _one(self, element: ast.expr, origin: ast.expr) -> Iterator[Used]:
        """An element is taken out: `self.layers[0]`, or the variable of a loop."""
        step = self._parents.of(element)
        assert step is not None
        parent, field = step
        if not isinstance(parent, ast.Attribute) or parent.attr in _RUNS:
            yield Used("called", origin)
        if isinstance(parent, ast.Attribute):
            yield from self._member_of_one(parent, origin)
        elif isinstance(parent, (ast.BinOp, ast.Compare)):
            yield Used("inner", origin, "unknown-use", "an inner list may be added or compared here")
        elif isinstance(parent, ast.Subscript) and field == "value" and not isinstance(parent.ctx, ast.Load):
            yield self._trouble("unknown-use", "an inner element is stored here", origin)
        elif isinstance(parent, (ast.Assign, ast.AnnAssign)) and field == "value":
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            if any(isinstance(t, ast.Attribute) and is_name(t.value, self._self_name) for t in targets):
                yield Used("registered", origin)
            elif not all(isinstance(t, ast.Name) for t in targets):
                yield self._trouble("handed-on", "an element is stored in another place here", origin)
        elif isinstance(parent, ast.Call) and field == "args":
            yield from self._element_passed(parent, element, origin)
        elif isinstance(parent, (ast.List, ast.Tuple, ast.Dict, ast.Starred)) and self._constructs(element):
            yield self._trouble("shared-element", "an element goes to another list as well", origin)

    def _member_of_one(self, member: ast.Attribute, origin: ast.expr) -> Iterator[Used]:
        """A member of an element is read: `self.layers[0].weight`."""
        outer = self._parents.of(member)
        if outer is not None and isinstance(outer[0], ast.Assign) and outer[1] == "value":
            yield from (Used("registered", origin) for t in outer[0].targets if isinstance(t, ast.Attribute))
        if member.attr in _BY_HAND:
            reason = "the parameters of the elements are collected by hand: an optimizer would get them twice"
            yield self._trouble("collected-by-hand", reason, origin)
        elif member.attr in _STATE_BY_HAND:
            yield self._trouble("saved-by-hand", "the state of the elements is saved or loaded by hand", origin)
        elif member.attr in (*NO_LIST_METHODS, *_FILLS):
            yield Used("inner", origin, "unknown-use", f"`.{member.attr}()` of an inner list may be called here")

    def _element_passed(self, call: ast.Call, element: ast.expr, origin: ast.expr) -> Iterator[Used]:
        name = (dotted(call.func) or "").rpartition(".")[2]
        if name in _REGISTERING or (name in ("setattr", "__setattr__") and call.args[-1] is element):
            yield Used("registered", origin)
        elif self._constructs(element):
            if name[:1].isupper():
                yield Used("wrapped", origin, call=call)
            elif name in ("append", "extend", "insert"):
                yield self._trouble("shared-element", "an element goes to another list as well", origin)

    def _constructs(self, node: ast.AST) -> bool:
        """Whether this may run while the object is built, as far as one method says: it is ``__init__`` or a helper."""
        function = self._parents.functions(node)[0]
        return function.name not in ("forward", "__call__")

    def _loop(self, loop: ast.For | ast.AsyncFor | ast.comprehension, origin: ast.expr) -> Iterator[Used]:
        names = {n.id for n in walk(loop.target) if isinstance(n, ast.Name)}
        if any(isinstance(n, (ast.Attribute, ast.Subscript)) for n in walk(loop.target)):
            yield self._trouble("unknown-use", "the variable of the loop is no plain name", origin)
        body: list[ast.AST]
        if isinstance(loop, ast.comprehension):
            step = self._parents.of(loop)
            assert step is not None
            body = [step[0]]
        else:
            body = [*loop.body]
        for node in walk(*body):
            if isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load):
                yield from self._one(node, origin)

    def _starred(self, starred: ast.Starred, origin: ast.expr) -> Iterator[Used]:
        step = self._parents.of(starred)
        assert step is not None
        outer = self._parents.of(step[0])
        if isinstance(step[0], ast.Call):
            yield from self._passed(step[0], origin)
        elif isinstance(step[0], ast.List) and outer is not None and isinstance(outer[0], ast.Call):
            yield from self._passed(outer[0], origin)
        else:
            yield self._trouble("shared-list", "its elements go to another list here", origin)

    def _argument(self, call: ast.Call, origin: ast.expr) -> Iterator[Used]:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name in _ONLY_LOOKS:
            return
        if name in _PASSES_ON:
            yield from self.of(call, origin, whole=False)
        else:
            yield from self._passed(call, origin)

    def _passed(self, call: ast.Call, origin: ast.expr) -> Iterator[Used]:
        """The list, or all of its elements, are arguments of a call."""
        step = self._parents.of(call)
        if not self._constructs(call) and step is not None and step[1] == "func":
            name = (dotted(call.func) or "").rpartition(".")[2]
            if name == "Sequential":
                yield Used("called", origin)
                return  # `nn.Sequential(*self.layers)(x)` in forward
        yield Used("wrapped", origin, call=call)

    def _assigned(self, statement: ast.Assign | ast.AnnAssign, origin: ast.expr, *, whole: bool) -> Iterator[Used]:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if any(target is origin for target in targets):
            return  # the assignment that makes it
        unpacked = all(
            isinstance(t, (ast.Tuple, ast.List)) and all(isinstance(e, ast.Name) for e in t.elts) for t in targets
        )
        if unpacked:
            yield Used("called", origin)
            return  # `a, b = self.layers`
        what = "the list has another name from here on" if whole else "a copy of the list is kept here"
        yield self._trouble("shared-list", what, origin)


def _keeps_working(compare: ast.Compare, node: ast.expr) -> bool:
    """Whether a comparison asks only what a container of torch answers alike: `m in layers`, `layers is None`."""
    if len(compare.ops) != 1:
        return False
    operator = compare.ops[0]
    if isinstance(operator, (ast.In, ast.NotIn)):
        return compare.comparators[0] is node
    return isinstance(operator, (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)) and any(
        map(is_none, (compare.left, *compare.comparators))
    )
