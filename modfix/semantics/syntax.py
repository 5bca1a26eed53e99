"""Small questions about syntax trees, and a walk that is several times faster than `ast.walk`.

Most of what a tree holds says nothing here: contexts (``Load``), operators, and strings and numbers in fields. The
tables below name the fields that hold nodes worth a visit, so that nothing else is touched.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TypeAlias

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_WITHOUT_NODES = frozenset(
    """
    arg asname attr conversion ctx id is_async kind kwd_attrs level module name names op ops rest simple tag
    type_comment type_ignores
    """.split()
)

# The fields of each kind of node that hold nodes (operators and contexts left out), in the order of the grammar.
CHILD_FIELDS: dict[type, tuple[str, ...]] = {
    kind: tuple(field for field in kind._fields if field not in _WITHOUT_NODES)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
CHILD_FIELDS |= {
    ast.Constant: (),
    ast.MatchSingleton: (),
    ast.Import: ("names",),
    ast.ImportFrom: ("names",),
    type(None): (),  # `{**other}` has the key None
}


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below ``node``."""
    found: list[ast.AST] = []
    for field in CHILD_FIELDS[node.__class__]:
        value = getattr(node, field)
        if value.__class__ is list:
            found += value
        elif value is not None:
            found.append(value)
    return [child for child in found if child is not None] if None in found else found


def walk(*roots: ast.AST) -> list[ast.AST]:
    """The nodes at and below ``roots``, level by level as `ast.walk` has them, but without operators and contexts."""
    found: list[ast.AST] = list(roots)
    for node in found:  # the list grows as it is read
        for field in CHILD_FIELDS[node.__class__]:
            value = getattr(node, field)
            if value.__class__ is list:
                found += value
            elif value is not None:
                found.append(value)
    return [node for node in found if node is not None] if None in found else found


def arguments(function: FunctionNode | ast.Lambda) -> Iterator[ast.arg]:
    """All parameters of a function."""
    args = function.args
    yield from args.posonlyargs
    yield from args.args
    yield from args.kwonlyargs
    if args.vararg:
        yield args.vararg
    if args.kwarg:
        yield args.kwarg


def dotted(node: ast.AST) -> str | None:
    """``a.b.c`` for a chain of attributes on a name, else None."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    if not parts:
        return node.id
    parts.append(node.id)
    return ".".join(reversed(parts))


def is_none(node: ast.AST) -> bool:
    """Whether ``node`` is the constant None."""
    return isinstance(node, ast.Constant) and node.value is None


def is_true(node: ast.AST) -> bool:
    """Whether ``node`` is the constant True."""
    return isinstance(node, ast.Constant) and node.value is True


def is_false(node: ast.AST) -> bool:
    """Whether ``node`` is the constant False."""
    return isinstance(node, ast.Constant) and node.value is False


def is_name(node: ast.AST, name: str | None) -> bool:
    """Whether ``node`` is the bare name ``name``."""
    return isinstance(node, ast.Name) and node.id == name


def flat(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements of a class body, with those under `if` and `try` in place of these."""
    found: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.If):
            found.extend(flat([*statement.body, *statement.orelse]))
        elif isinstance(statement, ast.Try):
            handled = (inner for handler in statement.handlers for inner in handler.body)
            found.extend(flat([*statement.body, *handled, *statement.orelse, *statement.finalbody]))
        else:
            found.append(statement)
    return found


def leaves_of(value: ast.expr) -> list[ast.expr]:
    """The possible values of nested conditional expressions."""
    if isinstance(value, ast.IfExp):
        return [*leaves_of(value.body), *leaves_of(value.orelse)]
    return [value]


def never_ends(body: Sequence[ast.stmt]) -> bool:
    """Whether the end of a block is never reached: it ends with `return` or `raise`, or with branches that all do."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, (ast.Return, ast.Raise)):
        return True
    if isinstance(last, ast.If):
        return never_ends(last.body) and never_ends(last.orelse)
    return False  # a `with` may swallow the error that kept its body from returning


def evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes at and below a statement that run whenever it does."""
    yield node
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Try)):
        return
    inner: list[ast.AST]
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        inner = [node.test]
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        inner = [node.iter]
    elif isinstance(node, ast.BoolOp):
        inner = [node.values[0]]
    elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
        inner = [node.generators[0].iter]
    else:
        inner = children(node)
    for child in inner:
        yield from evaluated(child)


def is_plain_call(call: ast.Call) -> bool:
    """Whether a call has one positional argument and nothing else."""
    return len(call.args) == 1 and not call.keywords and call.args[0].__class__ is not ast.Starred


def picked_from(func: ast.expr) -> ast.expr | None:
    """The package ``nn`` of `getattr(nn, name)` and `eval("nn." + name)`, of which some member is called."""
    if not isinstance(func, ast.Call) or not isinstance(func.func, ast.Name) or func.keywords or not func.args:
        return None
    first, *more = func.args
    if func.func.id == "getattr":
        otherwise = more[1:]  # calling None fails
        return first if len(more) in (1, 2) and dotted(first) and all(map(is_none, otherwise)) else None
    if func.func.id != "eval" or more:
        return None
    text = first.left if isinstance(first, ast.BinOp) and isinstance(first.op, ast.Add) else first
    text = text.values[0] if isinstance(text, ast.JoinedStr) and text.values else text
    code = text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else ""
    package, dot, rest = code.partition(".")
    plain = package.isidentifier() and dot and (not rest or rest.isidentifier())
    return ast.copy_location(ast.Name(package, ast.Load()), func) if plain else None
