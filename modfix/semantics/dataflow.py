"""Local def-use: what a name holds at one statement of a function.

Good enough to answer a few questions with certainty, above all: is `target` certainly the same object as `other` when
this statement starts? Everything that could spoil the answer (a store in between, a loop that comes round again,
`nonlocal`) makes it "no", with the line that spoils it.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

from modfix.semantics.syntax import CHILD_FIELDS, FunctionNode, arguments, children, dotted, never_ends, walk

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.GeneratorExp)  # run when asked to
_SWALLOWING = frozenset({"suppress", "raises", "assertRaises", "assertRaisesRegex"})
# Methods of a list that give it to nobody.
_LIST_METHODS = frozenset({"append", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"})


class Parents:
    """Parent, field and position of every node below a root."""

    def __init__(self, root: ast.AST) -> None:
        self._root = root
        self._parent: dict[ast.AST, tuple[ast.AST, str]] = {}
        parents = self._parent
        stack = [root]
        while stack:
            node = stack.pop()
            for field in CHILD_FIELDS[node.__class__]:
                value = getattr(node, field)
                if value.__class__ is list:
                    step = (node, field)
                    for child in value:
                        parents[child] = step
                    stack += value
                elif value is not None:
                    parents[value] = (node, field)
                    stack.append(value)

    @property
    def root(self) -> ast.AST:
        """The node above all others."""
        return self._root

    def of(self, node: ast.AST) -> tuple[ast.AST, str] | None:
        """The parent of ``node`` and the name of the field that holds it; None for the root."""
        return self._parent.get(node)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that holds ``node``."""
        while not isinstance(node, ast.stmt):
            node = self._parent[node][0]
        return node

    def enclosing(self, statement: ast.stmt) -> ast.stmt | None:
        """The statement around ``statement``; None at module level."""
        step = self._parent.get(statement)
        while step is not None and not isinstance(step[0], ast.stmt):
            step = self._parent.get(step[0])
        return step[0] if step is not None and isinstance(step[0], ast.stmt) else None

    def suite(self, statement: ast.stmt) -> tuple[list[ast.stmt], int]:
        """The list of statements that ``statement`` stands in, and its index."""
        parent, field = self._parent[statement]
        suite: list[ast.stmt] = getattr(parent, field)
        return suite, next(index for index, other in enumerate(suite) if other is statement)

    def functions(self, node: ast.AST) -> tuple[FunctionNode, ...]:
        """The functions around ``node``, outermost first."""
        found: list[FunctionNode] = []
        step = self._parent.get(node)
        while step:
            if isinstance(step[0], (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.append(step[0])
            step = self._parent.get(step[0])
        return tuple(reversed(found))

    def scope(self, node: ast.AST) -> ast.AST:
        """The innermost function around ``node``, or the root."""
        functions = self.functions(node)
        return functions[-1] if functions else self._root


class Alias(NamedTuple):
    """Whether two names hold the same object."""

    proved: bool
    line: int  # the definition that proves it, or the line that spoils it; 0 without one
    definition: ast.Assign | None = None  # the statement `target = other`, when it may go once `target` is stored anew


def stores(node: ast.AST, name: str) -> ast.AST | None:
    """The first node below ``node`` that binds or deletes ``name`` in its scope; comprehension variables do not.

    What nested functions do to the name when they are called is not seen: see ``_changed_elsewhere``.
    """
    stack: list[ast.AST] = [node]
    while stack:
        current = stack.pop()
        if _binds(current, name):
            return current
        if isinstance(current, (ast.FunctionDef, ast.AsyncFunctionDef)):
            stack.extend((*current.decorator_list, current.args))
        elif isinstance(current, ast.ClassDef):
            stack.extend((*current.decorator_list, *current.bases, *current.keywords))
        elif isinstance(current, _COMPREHENSIONS):
            stack.extend(n for n in walk(current) if isinstance(n, ast.NamedExpr))
        elif isinstance(current, ast.Lambda):
            stack.append(current.args)  # their defaults
        else:
            stack.extend(children(current))
    return None


def _binds(node: ast.AST, name: str) -> bool:
    """Whether ``node`` itself, without what is below, binds or deletes ``name``."""
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return any((alias.asname or alias.name.partition(".")[0]) == name for alias in node.names)
    if isinstance(node, ast.MatchMapping):
        return node.rest == name
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
    return isinstance(node, kinds) and node.name == name


def loads(node: ast.AST, name: str) -> bool:
    """Whether ``name`` is read anywhere below ``node``, nested functions included."""
    return any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load) for n in walk(node))


def _changed_elsewhere(scope: ast.AST, name: str) -> bool:
    """Whether ``name`` may change without a store in ``scope``: an outer scope has it, or a nested one shares it."""
    if isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)):
        own = any(arg.arg == name for arg in arguments(scope)) or any(
            stores(statement, name) for statement in scope.body
        )
        if not own:
            return True
    for node in walk(scope):
        if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
            return True
        if isinstance(node, ast.GeneratorExp) and stores(node, name):  # `:=` inside runs when the generator does
            return True
    return False


def _read_later(scope: ast.AST, name: str) -> bool:
    """Whether something inside ``scope`` reads ``name`` when it is called, which may be anywhere."""
    return any(loads(node, name) for node in walk(scope) if isinstance(node, _LATER) and node is not scope)


def same_object(parents: Parents, at: ast.stmt, target: str, other: str) -> Alias:
    """Whether `target is other` certainly holds when the statement ``at`` starts.

    Walks backwards through the suite of ``at`` and the suites around it, up to the function, and looks for the last
    `target = other` (or `other = target`); any other store of one of the two on the way spoils the proof.
    """
    scope = parents.scope(at)
    if _changed_elsewhere(scope, target) or _changed_elsewhere(scope, other):
        return Alias(False, 0)
    statement = at
    while True:
        suite, index = parents.suite(statement)
        for position in range(index - 1, -1, -1):
            before = suite[position]
            if _assigns(before, target, other):
                removable = statement is at and _only_for(parents, before, target, suite[position + 1 : index])
                return Alias(True, before.lineno, before if removable and isinstance(before, ast.Assign) else None)
            if _assigns(before, other, target):
                return Alias(True, before.lineno)
            spoiler = stores(before, target) or stores(before, other)
            if spoiler is not None:
                return Alias(False, getattr(spoiler, "lineno", before.lineno))
        parent = parents.enclosing(statement)
        if parent is None or isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return Alias(False, 0)
        if not isinstance(parent, ast.If):  # loops come round again, handlers see half of the body
            for name in (target, other):
                spoiler = _stores_except(parent, name, at)
                if spoiler is not None:
                    return Alias(False, getattr(spoiler, "lineno", parent.lineno))
        elif stores(parent.test, target) or stores(parent.test, other):
            return Alias(False, parent.lineno)
        statement = parent


def may_swallow(statement: ast.With | ast.AsyncWith) -> bool:
    """Whether a `with` may go on behind an error in its body, by the name of what it enters: `contextlib.suppress`."""
    names = (
        (dotted(item.context_expr.func) or "") for item in statement.items if isinstance(item.context_expr, ast.Call)
    )
    return any(name.rpartition(".")[2] in _SWALLOWING for name in names)


def certainly_bound(parents: Parents, at: ast.stmt, name: str) -> bool:
    """Whether the local ``name`` certainly has a value when ``at`` starts, so that reading it cannot fail."""
    scope = parents.scope(at)
    if not isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    statement = at
    while True:
        suite, index = parents.suite(statement)
        for before in reversed(suite[:index]):
            if _always_binds(before, name):
                return True
            if any(isinstance(n, ast.Delete) and stores(n, name) is not None for n in walk(before)):
                return False
        parent = parents.enclosing(statement)
        if parent is None or parent is scope:
            return any(arg.arg == name for arg in arguments(scope))
        in_loop = isinstance(parent, (ast.For, ast.AsyncFor)) and any(statement is s for s in parent.body)
        if isinstance(parent, (ast.For, ast.AsyncFor)) and in_loop and stores(parent.target, name) is not None:
            return True
        if isinstance(parent, (ast.With, ast.AsyncWith)) and any(
            item.optional_vars is not None and stores(item.optional_vars, name) is not None for item in parent.items
        ):
            return True
        statement = parent


def _always_binds(statement: ast.stmt, name: str) -> bool:
    """Whether ``name`` has a value on every path that goes on behind ``statement``."""
    if isinstance(statement, ast.If):
        return _suite_binds(statement.body, name) and _suite_binds(statement.orelse, name)
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        targets = [item.optional_vars for item in statement.items if item.optional_vars is not None]
        bound = any(stores(target, name) is not None for target in targets)
        return bound or (not may_swallow(statement) and _suite_binds(statement.body, name))
    if isinstance(statement, ast.Try):
        whole = _suite_binds(statement.body, name) or _suite_binds(statement.orelse, name)
        return _suite_binds(statement.finalbody, name) or (
            whole and all(_suite_binds(handler.body, name) for handler in statement.handlers)
        )
    if isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return statement.value is not None and any(stores(target, name) is not None for target in targets)
    return _binds(statement, name) and not isinstance(statement, ast.ExceptHandler)


def _suite_binds(suite: list[ast.stmt], name: str) -> bool:
    return never_ends(suite) or any(_always_binds(statement, name) for statement in suite)


def last_value(parents: Parents, at: ast.stmt, name: str) -> ast.expr | None:
    """What the assignment stored that ``name`` certainly holds when ``at`` starts; None when that is unknown.

    Looks through the suite of ``at`` and, while that stands in plain ``if`` statements, the suites around it.
    """
    found = _last_store(parents, at, name)
    return found[0].value if found is not None else None


def owns_list(parents: Parents, at: ast.stmt, name: str) -> bool:
    """Whether ``name`` certainly holds a list of its own when ``at`` starts, so that a copy may take its place."""
    found = _last_store(parents, at, name)
    if found is None or len(found[0].targets) != 1 or not isinstance(found[0].value, (ast.List, ast.ListComp)):
        return False
    return not _read_later(parents.scope(at), name) and not any(_gives_away(parents, node, name) for node in found[1])


def _last_store(parents: Parents, at: ast.stmt, name: str) -> tuple[ast.Assign, list[ast.AST]] | None:
    """The one assignment `name = ...` that counts when ``at`` starts, and all that may run between the two."""
    if _changed_elsewhere(parents.scope(at), name):
        return None
    statement = at
    between: list[ast.AST] = []
    while True:
        suite, index = parents.suite(statement)
        for before in reversed(suite[:index]):
            if stores(before, name) is not None:
                plain = isinstance(before, ast.Assign) and all(
                    isinstance(target, ast.Name) for target in before.targets
                )
                return (
                    (before, between)
                    if plain and isinstance(before, ast.Assign) and not stores(before.value, name)
                    else None
                )
            between.append(before)
        step = parents.of(statement)
        if step is None or not isinstance(step[0], ast.If) or stores(step[0].test, name) is not None:
            return None
        between.append(step[0].test)
        statement = step[0]


def _gives_away(parents: Parents, node: ast.AST, name: str) -> bool:
    """Whether ``node`` may keep the list ``name``: it reads more than items, loops, `len` and methods of lists."""
    for inner in walk(node):
        if not isinstance(inner, ast.Name) or inner.id != name:
            continue
        step = parents.of(inner)
        assert step is not None  # a statement is above
        parent, field = step
        called = parents.of(parent)
        if isinstance(parent, ast.Attribute):
            kept = (
                parent.attr not in _LIST_METHODS
                or called is None
                or not isinstance(called[0], ast.Call)
                or called[1] != "func"
            )
        elif isinstance(parent, ast.Call):
            kept = not (isinstance(parent.func, ast.Name) and parent.func.id == "len")
        else:
            kept = not (isinstance(parent, ast.Subscript) and field == "value") and not (
                isinstance(parent, ast.For) and field == "iter"
            )
            if isinstance(parent, ast.comprehension):
                kept = field != "iter"
        if kept:
            return True
    return False


def _stores_except(statement: ast.stmt, name: str, excluded: ast.stmt) -> ast.AST | None:
    """As ``stores``, but what ``excluded`` stores does not count."""
    if statement is excluded:
        return None
    for child in children(statement):
        found = _stores_except(child, name, excluded) if isinstance(child, ast.stmt) else stores(child, name)
        if found is not None:
            return found
    return None


def _assigns(statement: ast.stmt, target: str, value: str) -> bool:
    """Whether ``statement`` is an assignment after which ``target`` and ``value`` are the same object.

    That is `target = value`, also `target = z = value`, or `target, z = value, ...` that stores neither otherwise.
    """
    if not isinstance(statement, ast.Assign):
        return False
    made, to = statement.value, statement.targets[0]
    if isinstance(made, ast.Name):
        names = [t.id if isinstance(t, ast.Name) else None for t in statement.targets]
        return made.id == value and target in names and None not in names
    if len(statement.targets) != 1 or not isinstance(to, ast.Tuple) or not isinstance(made, ast.Tuple):
        return False
    if len(to.elts) != len(made.elts) or any(isinstance(e, ast.Starred) for e in made.elts):
        return False
    proofs = [i for i, t in enumerate(to.elts) if isinstance(t, ast.Name) and t.id == target]
    source = made.elts[proofs[0]] if len(proofs) == 1 else None
    others = [t for i, t in enumerate(to.elts) if i not in proofs]
    spoiled = any(stores(node, name) for node in (*others, made) for name in (target, value))
    return isinstance(source, ast.Name) and source.id == value and not spoiled


def _only_for(parents: Parents, definition: ast.stmt, target: str, between: list[ast.stmt]) -> bool:
    """Whether nobody reads what `target = other` stores until the statement behind ``between`` stores anew."""
    if (
        not isinstance(definition, ast.Assign)
        or len(definition.targets) != 1
        or not isinstance(definition.targets[0], ast.Name)
    ):
        return False
    jumps = any(isinstance(node, (ast.Break, ast.Continue)) for statement in between for node in walk(statement))
    read = any(loads(statement, target) for statement in between) or _read_later(parents.scope(definition), target)
    return not jumps and not read and not may_be_left(parents, definition)


def may_be_left(parents: Parents, statement: ast.stmt) -> bool:
    """Whether the function may go on after an error in the suite of ``statement``: in a `try` or `with`."""
    step = parents.of(statement)
    while step and not isinstance(step[0], (ast.FunctionDef, ast.AsyncFunctionDef)):
        if step[0].__class__.__name__ in ("Try", "TryStar", "With", "AsyncWith"):
            return True
        step = parents.of(step[0])
    return False
