"""None tests of an optional submodule: does the code they protect do what the identity function would do?

With ``I`` for the identity function, a guard on ``self.x`` is a *pass-through* when the code that runs for None equals
the code that runs otherwise after replacing every ``self.x(E)`` by ``E``. Assignments that become ``v = v`` do
nothing; so does ``t = v`` where ``t`` is certainly ``v`` already (`dataflow.same_object`). A pass-through guard may go
once ``self.x`` is never None.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from modfix.model.edit import CollapseBranch, Edit, RemoveStatement, ReplaceExpression
from modfix.semantics.dataflow import Parents, certainly_bound, owns_list, same_object
from modfix.semantics.facts import Guard
from modfix.semantics.positions import Positions
from modfix.semantics.syntax import walk

PASS_THROUGH = "pass-through"


class Subject(NamedTuple):
    """The attribute that is tested: ``<self_name>.<attr>``."""

    self_name: str
    attr: str

    def is_read(self, node: ast.AST) -> bool:
        """Whether ``node`` is exactly ``self.x``."""
        return (
            isinstance(node, ast.Attribute)
            and node.attr == self.attr
            and isinstance(node.value, ast.Name)
            and node.value.id == self.self_name
        )

    def mentioned(self, nodes: Sequence[ast.AST]) -> bool:
        """Whether ``self.x`` occurs anywhere below the nodes."""
        return any(self.is_read(inner) for inner in walk(*nodes))

    def applied(self, node: ast.AST) -> ast.expr | None:
        """``E`` when ``node`` is ``self.x(E)`` or ``self.x.forward(E)``, with nothing but one positional argument."""
        if (
            not isinstance(node, ast.Call)
            or node.keywords
            or len(node.args) != 1
            or isinstance(node.args[0], ast.Starred)
        ):
            return None
        func = node.func
        if isinstance(func, ast.Attribute) and func.attr == "forward":
            func = func.value
        return node.args[0] if self.is_read(func) else None

    def __str__(self) -> str:
        return f"{self.self_name}.{self.attr}"


class _No(NamedTuple):
    kind: str
    reason: str


def analyse(path: str, subject: Subject, test: ast.expr, parents: Parents, positions: Positions, method: str) -> Guard:
    """What the None test ``test`` of ``subject`` protects.

    ``test`` is the comparison with None, or the bare ``self.x`` of a truth test.
    """
    present, truthiness = _polarity(test)
    node: ast.expr = test
    others: list[ast.expr] = []
    step = parents.of(node)
    assert step is not None  # an expression has a parent
    while isinstance(step[0], ast.UnaryOp) and isinstance(step[0].op, ast.Not):
        present = not present
        node = step[0]
        step = parents.of(node)
        assert step is not None
    if isinstance(step[0], ast.BoolOp) and isinstance(step[0].op, ast.And) and present:
        others = [value for value in step[0].values if value is not node]
        junction: ast.BoolOp | None = step[0]
        outer = parents.of(step[0])
        assert outer is not None
    else:
        junction, outer = None, step
    parent, field = outer
    result: tuple[Edit, ...] | _No
    protected: list[ast.AST] = []
    if isinstance(parent, ast.IfExp) and field == "test":
        protected = [parent.body if present else parent.orelse]
        result = _conditional(path, subject, parent, present, junction, positions)
    elif isinstance(parent, ast.If) and field == "test":
        protected = list(parent.body if present else parent.orelse)
        result = _statement(path, subject, parent, present, junction, node, others, parents, positions)
    elif isinstance(parent, ast.Assert):
        result = _No("asserted", f"`{subject}` is asserted not to be `None`")
    else:
        result = _No("unsupported-test", f"`{subject}` is tested in a larger expression")
        if isinstance(parent, ast.BoolOp):
            protected = [parent]
    called = any(subject.is_read(inner.func) for inner in walk(*protected) if isinstance(inner, ast.Call))
    kind, reason, edits = (result.kind, result.reason, ()) if isinstance(result, _No) else (PASS_THROUGH, "", result)
    span = positions.span(node)
    where = positions.location(path, span.start)
    return Guard(method, where.line, where.column, span, present, truthiness, kind, reason, edits, called)


def _polarity(test: ast.expr) -> tuple[bool, bool]:
    if isinstance(test, ast.Compare):
        return isinstance(test.ops[0], (ast.IsNot, ast.NotEq)), False
    return True, not isinstance(test, ast.Call)  # a call is that of a helper such as `exists(self.x)`


def _conditional(
    path: str, subject: Subject, node: ast.IfExp, present: bool, junction: ast.BoolOp | None, positions: Positions
) -> tuple[Edit, ...] | _No:
    with_module, without = (node.body, node.orelse) if present else (node.orelse, node.body)
    if junction is not None:
        return _No("compound-condition", f"`{subject}` is one of several conditions of a conditional expression")
    if _equal(subject, with_module, without):
        return (ReplaceExpression(path, positions.span(node), positions.source(with_module)),)
    return _explain(subject, [with_module], [without])


def _statement(
    path: str,
    subject: Subject,
    node: ast.If,
    present: bool,
    junction: ast.BoolOp | None,
    test: ast.expr,
    others: list[ast.expr],
    parents: Parents,
    positions: Positions,
) -> tuple[Edit, ...] | _No:
    with_module, without = (node.body, node.orelse) if present else (node.orelse, node.body)
    if any(_stores(subject, s) for s in (*node.body, *node.orelse)):
        return _No("lazy-creation", f"`{subject}` is created or replaced under a test of itself")
    keep = "body" if present else "orelse"
    if junction is None:
        drop: Edit = CollapseBranch(path, positions.span(node), "body" if keep == "body" else "orelse")
    else:
        late = [o for o in others if junction.values.index(o) > junction.values.index(test)]
        if not all(_harmless(o) for o in late) or subject.mentioned(others):
            return _No(
                "compound-condition", f"the other half of the test of `{subject}` would run without the module, too"
            )
        text = " and ".join(_operand(o, positions) for o in others)
        if "#" in positions.source(junction):
            return _No("compound-condition", f"a comment stands inside the condition on `{subject}`")
        drop = ReplaceExpression(path, positions.span(junction), text)
    if _blocks_equal(subject, with_module, without, parents):
        return (drop,)
    if _empty(without):
        suite, index = parents.suite(node)
        following = suite[index + 1 :]
        if (
            junction is None
            and len(with_module) == 1
            and isinstance(with_module[0], ast.Return)
            and len(following) == 1
            and _blocks_equal(subject, with_module, following, parents)
        ):
            return drop, RemoveStatement(path, positions.span(following[0]))
        return _no_op(path, subject, with_module, drop, junction is None, parents, positions) or _explain(
            subject, with_module, without
        )
    if (
        junction is None
        and not present
        and not node.orelse
        and len(without) == 1
        and isinstance(without[0], ast.Return)
        and isinstance(_owner(parents, node), (ast.FunctionDef, ast.AsyncFunctionDef))
    ):
        suite, index = parents.suite(node)
        rest = [s for s in suite[index + 1 :] if not _same_variable(subject, s, parents)]
        if _blocks_equal(subject, rest, without, parents):
            return (drop,)
        return _No("early-return", f"without `{subject}` the method returns early and skips what follows")
    return _explain(subject, with_module, without)


def _owner(parents: Parents, node: ast.AST) -> ast.AST | None:
    step = parents.of(node)
    return step[0] if step else None


def _no_op(
    path: str,
    subject: Subject,
    block: Sequence[ast.stmt],
    drop: Edit,
    unconditional: bool,
    parents: Parents,
    positions: Positions,
) -> tuple[Edit, ...] | _No | None:
    """The edits, if every statement of ``block`` does nothing once ``self.x`` is the identity."""
    extra: list[Edit] = []
    for statement in block:
        if _same_variable(subject, statement, parents):
            continue
        copied = _copied_list(subject, statement)
        if copied is not None and owns_list(parents, statement, copied):
            continue
        names = _renaming(subject, statement)
        if names is None:
            return None
        target, source = names
        if target == source:
            return _No("unbound", f"`{target}` may have no value here, which shows only where `{subject}` is called")
        guard = parents.of(statement)
        assert guard is not None
        assert isinstance(guard[0], ast.If)
        alias = same_object(
            parents, guard[0] if statement is block[0] and not _binds(guard[0].test) else statement, target, source
        )
        if not alias.proved:
            why = f"line {alias.line} stores another value" if alias.line else "nothing before says so"
            return _No("alias-differs", f"without `{subject}`, `{target}` is not certainly `{source}`: {why}")
        only = unconditional and len(block) == 1 and not _read_in(guard[0].test, target)
        if only and alias.definition is not None and not _left_comment(alias.definition, guard[0], parents, positions):
            extra.append(RemoveStatement(path, positions.span(alias.definition)))
    return (*extra, drop)


def _left_comment(alias: ast.stmt, guard: ast.AST, parents: Parents, positions: Positions) -> bool:
    """Whether an alias has a comment that would stand elsewhere, beside other code, if the alias went."""
    suite, index = parents.suite(alias)
    return suite[index + 1] is not guard and positions.is_commented(alias)


def _binds(test: ast.expr) -> bool:
    return any(isinstance(n, ast.NamedExpr) for n in walk(test))


def _read_in(node: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in walk(node))


def _copied_list(subject: Subject, statement: ast.stmt) -> str | None:
    """``v`` for ``v = [self.x(e) for e in v]``, which under the identity makes a copy of a list."""
    if (
        not isinstance(statement, ast.Assign)
        or len(statement.targets) != 1
        or not isinstance(statement.value, ast.ListComp)
    ):
        return None
    target, made = statement.targets[0], statement.value
    loop = made.generators[0]
    if len(made.generators) != 1 or loop.ifs or loop.is_async or not isinstance(target, ast.Name):
        return None
    applied = subject.applied(made.elt)
    same = isinstance(applied, ast.Name) and isinstance(loop.target, ast.Name) and applied.id == loop.target.id
    return target.id if same and isinstance(loop.iter, ast.Name) and loop.iter.id == target.id else None


def _same_variable(subject: Subject, statement: ast.stmt, parents: Parents) -> bool:
    """``v = self.x(v)``: does nothing under the identity, if ``v`` has a value."""
    names = _renaming(subject, statement)
    return names is not None and names[0] == names[1] and certainly_bound(parents, statement, names[0])


def _renaming(subject: Subject, statement: ast.stmt) -> tuple[str, str] | None:
    """``(t, v)`` for ``t = self.x(v)``, also nested; None for anything else."""
    if (
        not isinstance(statement, ast.Assign)
        or len(statement.targets) != 1
        or not isinstance(statement.targets[0], ast.Name)
    ):
        return None
    value: ast.expr = statement.value
    applied = subject.applied(value)
    if applied is None:
        return None
    while applied is not None:
        value, applied = applied, subject.applied(applied)
    return (statement.targets[0].id, value.id) if isinstance(value, ast.Name) else None


def _empty(block: Sequence[ast.stmt]) -> bool:
    return all(isinstance(statement, ast.Pass) for statement in block)


def _blocks_equal(
    subject: Subject, with_module: Sequence[ast.stmt], without: Sequence[ast.stmt], parents: Parents
) -> bool:
    """Whether the blocks are equal under the identity, not counting ``v = self.x(v)``.

    Never true for two empty blocks.
    """
    left = [s for s in with_module if not _same_variable(subject, s, parents)]
    right = [s for s in without if not isinstance(s, ast.Pass)]
    return (
        bool(right) and len(left) == len(right) and all(_equal(subject, a, b) for a, b in zip(left, right, strict=True))
    )


def _equal(subject: Subject, left: object, right: object) -> bool:
    """Whether two trees are equal after replacing ``self.x(E)`` by ``E`` on the left."""
    if isinstance(left, ast.AST):
        applied = subject.applied(left)
        if applied is not None:
            return _equal(subject, applied, right)
        return (
            type(left) is type(right)
            and not subject.is_read(left)
            and all(_equal(subject, getattr(left, f, None), getattr(right, f, None)) for f in left._fields)
        )
    if isinstance(left, list):
        return (
            isinstance(right, list)
            and len(left) == len(right)
            and all(_equal(subject, a, b) for a, b in zip(left, right, strict=True))
        )
    return type(left) is type(right) and left == right


def _stores(subject: Subject, statement: ast.AST) -> bool:
    return any(
        subject.is_read(node) and not isinstance(node.ctx, ast.Load)
        for node in walk(statement)
        if isinstance(node, ast.Attribute)
    )


def _harmless(node: ast.expr) -> bool:
    """Whether evaluating ``node`` once more can neither fail nor change anything.

    Names, constants, attributes of names, comparisons.
    """
    if isinstance(node, (ast.Name, ast.Constant)):
        return True
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "self"  # another object may be None just then
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) and _harmless(node.operand)
    if isinstance(node, ast.BoolOp):
        return all(map(_harmless, node.values))
    if isinstance(node, ast.Compare):
        simple = (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)
        return all(isinstance(op, simple) for op in node.ops) and all(map(_harmless, (node.left, *node.comparators)))
    return False


def _operand(node: ast.expr, positions: Positions) -> str:
    """Source of an operand of ``and``; the positions of ``ast`` leave its parentheses out."""
    text = positions.source(node)
    loose = isinstance(node, (ast.IfExp, ast.Lambda, ast.NamedExpr)) or (
        isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)
    )
    return f"({text})" if loose or "\n" in text else text


def _explain(subject: Subject, with_module: Sequence[ast.AST], without: Sequence[ast.AST]) -> _No:
    """Why the two sides differ, in the order in which a person would notice."""
    inner = [node for block in with_module for node in walk(block)]
    reads = [node for node in inner if subject.is_read(node)]
    if not reads:
        return _No("mode-flag", f"the test of `{subject}` selects code that does not use it")
    calls = [node for node in inner if isinstance(node, ast.Call) and subject.is_read(node.func)]
    for call in calls:
        if subject.applied(call) is None:
            return _No("other-arguments", f"`{subject}` is called with other than one positional argument")
    if len(calls) < len(reads):
        members = [n for n in inner if isinstance(n, (ast.Attribute, ast.Subscript)) and subject.is_read(n.value)]
        if members:
            name = (
                f"`{subject}.{members[0].attr}`" if isinstance(members[0], ast.Attribute) else f"an item of `{subject}`"
            )
            return _No("member-access", f"the guarded code reads {name}, which `nn.Identity` lacks")
        return _No("escapes", f"the guarded code passes `{subject}` on as a value")
    for node in inner:
        if isinstance(node, ast.BinOp) and any(subject.applied(side) is not None for side in (node.left, node.right)):
            return _No(
                "arithmetic-guard",
                f"the result of `{subject}` enters an arithmetic expression, so the identity would count twice",
            )
        if isinstance(node, ast.AugAssign) and any(subject.applied(n) is not None for n in walk(node.value)):
            return _No(
                "arithmetic-guard",
                f"the result of `{subject}` is added to another value, so the identity would count twice",
            )
    constants = [n.value for n in without if isinstance(n, ast.Constant)]
    constants += [
        n.value.value for n in without if isinstance(n, (ast.Assign, ast.Return)) and isinstance(n.value, ast.Constant)
    ]
    if constants:
        return _No("constant-result", f"without `{subject}` the result is `{constants[0]!r}`")
    if any(isinstance(n, ast.Raise) for n in without):
        return _No("raises", f"without `{subject}` an error is raised")
    if any(isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Subscript) for n in with_module):
        return _No("item-assignment", f"the result of `{subject}` is written into an item")
    return _No("different-branches", f"the code for a missing `{subject}` is not the guarded code without it")
