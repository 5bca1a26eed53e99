"""Which names mean what: imports, local rebinding and shadowing.

A name is looked up as Python does it: in the function and the functions around it, then at module level. What is bound in more than one
way is unknown, except for alternatives that agree (``try: import a`` / ``except ImportError: import a``).
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator

from modfix.semantics.facts import UNKNOWN, Ref
from modfix.semantics.torch_names import canonical

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_BUILTINS = frozenset(dir(builtins))


def bound_names(statements: Iterable[ast.AST]) -> Iterator[tuple[str, Ref, ast.AST]]:
    """Every (name, reference, node) that the statements bind in their own scope, nested blocks included, nested scopes not.

    ``from a import *`` binds ``*`` to ``a.*``.
    """
    stack = list(statements)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    yield alias.asname, alias.name, node
                else:
                    top = alias.name.partition(".")[0]
                    yield top, top, node
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            joint = "" if prefix.endswith(".") else "."
            for alias in node.names:
                yield alias.asname or alias.name, f"{prefix}{joint}{alias.name}", node
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, "@" + node.name, node
            stack.extend(node.decorator_list)  # these and the like may hold a `:=`
            stack.extend((*node.bases, *node.keywords) if isinstance(node, ast.ClassDef) else (*node.args.defaults, *filter(None, node.args.kw_defaults)))
        elif isinstance(node, ast.Lambda):
            pass
        elif isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                yield node.id, UNKNOWN, node
        elif isinstance(node, ast.ExceptHandler):
            if node.name:
                yield node.name, UNKNOWN, node
            stack.extend(node.body)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar)):
            if node.name:
                yield node.name, UNKNOWN, node
            stack.extend(ast.iter_child_nodes(node))
        elif isinstance(node, ast.MatchMapping):
            if node.rest:
                yield node.rest, UNKNOWN, node
            stack.extend(ast.iter_child_nodes(node))
        else:
            stack.extend(ast.iter_child_nodes(node))


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
    parts.append(node.id)
    return ".".join(reversed(parts))


class ModuleScope:
    """The names of one file. Of several bindings at module level the last one counts; those under ``if`` and ``try`` must agree."""

    def __init__(self, tree: ast.Module) -> None:
        self.bindings: dict[str, Ref] = {}
        self.lines: dict[str, int] = {}  # where the binding that counts stands
        stars: list[str] = []
        for statement in tree.body:
            certain = not hasattr(statement, "body") or isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            for name, ref, _ in bound_names([statement]):
                if name == "*":
                    stars.append(ref.removesuffix("*"))
                    continue
                if self.bindings.get(name) != ref:
                    self.bindings[name] = ref if certain or name not in self.bindings else UNKNOWN
                    self.lines[name] = statement.lineno
        self.stars = tuple(stars)
        self._locals: dict[int, dict[str, Ref]] = {}

    def locals_of(self, function: FunctionNode) -> dict[str, Ref]:
        """Names bound inside one function: ``$name`` for a parameter that keeps its value, a reference for imports and definitions."""
        known = self._locals.get(id(function))
        if known is None:
            known = {arg.arg: "$" + arg.arg for arg in arguments(function)}
            declared: set[str] = set()
            for node in ast.walk(function):
                if isinstance(node, (ast.Global, ast.Nonlocal)):
                    declared.update(node.names)
            for name, ref, _ in bound_names(function.body):
                local = UNKNOWN if ref.startswith("@") else ref
                known[name] = local if known.get(name, local) == local else UNKNOWN
            for name in declared:
                known[name] = UNKNOWN
            self._locals[id(function)] = known
        return known

    def resolve(self, node: ast.AST, functions: tuple[FunctionNode, ...]) -> Ref:
        """The reference of a (dotted) name that is read inside ``functions``, outermost first; at module level where there is none."""
        name = dotted(node)
        if name is None:
            return UNKNOWN
        head, _, rest = name.partition(".")
        ref = UNKNOWN
        for function in reversed(functions):
            local = self.locals_of(function).get(head)
            if local is not None:
                ref = local
                break
        else:
            ref = self.bindings.get(head, UNKNOWN)
            if not functions and self.lines.get(head, 0) > getattr(node, "lineno", 0):
                ref = UNKNOWN  # bound again later: not what it means here
            if head not in self.bindings:
                if head in _BUILTINS:
                    ref = "builtins." + head
                elif len(self.stars) == 1:
                    ref = self.stars[0] + head
        if ref == UNKNOWN:
            return UNKNOWN
        return canonical(f"{ref}.{rest}" if rest else ref)
