"""The names that statements take from the function around them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from modfix.semantics.syntax import arguments, children, walk

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def reads(node: ast.AST, bound: frozenset[str] = frozenset()) -> Iterator[ast.Name]:
    """The names that are read at and below ``node`` and not bound by a function or comprehension in it."""
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load) and node.id not in bound:
            yield node
        return
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        for outer in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            yield from reads(outer, bound)
        inner = bound | {arg.arg for arg in arguments(node)} | stored(node.body)
        for statement in node.body:
            yield from reads(statement, inner)
        return
    if isinstance(node, ast.Lambda):
        for outer in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            yield from reads(outer, bound)
        yield from reads(node.body, bound | {arg.arg for arg in arguments(node)})
        return
    if isinstance(node, _COMPREHENSIONS):
        targets = frozenset(n.id for g in node.generators for n in walk(g.target) if isinstance(n, ast.Name))
        yield from reads(node.generators[0].iter, bound)
        for child in children(node):
            yield from reads(child, bound | targets)
        return
    for child in children(node):
        yield from reads(child, bound)


def stored(statements: Sequence[ast.AST]) -> frozenset[str]:
    """The names that statements bind in their own scope."""
    found: set[str] = set()
    stack = list(statements)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler):
            found.update([node.name] if node.name else [])
            stack += node.body
        elif not isinstance(node, (ast.Lambda, *_COMPREHENSIONS)):
            stack += children(node)
    return frozenset(found)
