"""Which names mean what: imports, local rebinding and shadowing.

A name is looked up as Python does it: in the function and the functions around it, then at module level. What is bound
in more than one way is unknown, except for alternatives that agree (``try: import a`` / ``except ImportError: import
a``).

All of it comes from one walk over the tree, which also hands on the nodes that somebody may have to look at
(`Scope.nodes`): nine nodes in ten say nothing, and are visited this once.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from modfix.semantics.facts import UNKNOWN, Ref
from modfix.semantics.syntax import CHILD_FIELDS, FunctionNode, arguments, children, dotted
from modfix.semantics.torch_names import canonical

_BUILTINS = frozenset(dir(builtins))

ScopeNode: TypeAlias = ast.Module | ast.ClassDef | FunctionNode

# What decides how an attribute is used, besides attributes and calls themselves.
_TELLING = frozenset(
    {
        ast.AnnAssign,
        ast.Assert,
        ast.BoolOp,
        ast.Compare,
        ast.For,
        ast.If,
        ast.IfExp,
        ast.Lambda,
        ast.Starred,
        ast.Subscript,
        ast.UnaryOp,
        ast.While,
        ast.comprehension,
    }
)
# What binds names, returns, or opens a scope of its own.
_WITH_HOOKS = frozenset({"ABC", "Protocol"})  # bases that have a say in `isinstance`
_SPECIAL = frozenset(
    {
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.ExceptHandler,
        ast.FunctionDef,
        ast.Global,
        ast.Import,
        ast.ImportFrom,
        ast.MatchAs,
        ast.MatchMapping,
        ast.MatchStar,
        ast.Nonlocal,
        ast.Return,
        ast.Yield,
        ast.YieldFrom,
    }
)


class Scope:
    """A module, class or function, without the classes and functions inside, which are scopes of their own (`inner`).

    ``nodes`` are the nodes of it that say something about attributes, parents before their children, and where a class
    or function stands, that statement. Annotations are left out: they use nothing.
    """

    __slots__ = ("assigns", "bound", "declared", "globals", "inner", "node", "nodes", "returns", "stored", "yields")

    def __init__(self, node: ScopeNode) -> None:
        self.node = node
        self.nodes: list[ast.AST] = []
        self.inner: list[Scope] = []
        self.bound: list[tuple[str, Ref]] = []  # by imports, definitions, handlers, patterns
        self.stored: list[str] = []  # by everything else; once for each time
        self.assigns: list[ast.Assign] = []  # to bare names; once for each of them
        self.declared: list[str] = []  # `global`, `nonlocal`
        self.globals: list[str] = []
        self.returns: list[ast.expr | None] = []
        self.yields = False

    def within(self) -> Iterator[Scope]:
        """This scope and all inside."""
        yield self
        for scope in self.inner:
            yield from scope.within()

    def times_stored(self, name: str) -> int:
        """How often the name is stored here and inside, not counting imports and definitions."""
        return sum(scope.stored.count(name) for scope in self.within())

    def values_of(self, name: str) -> list[ast.expr]:
        """The values of all plain assignments to the name, here and inside."""
        return [
            assign.value
            for scope in self.within()
            for assign in scope.assigns
            if any(isinstance(target, ast.Name) and target.id == name for target in assign.targets)
        ]


def collect(tree: ast.Module) -> dict[ast.AST, Scope]:
    """All scopes of a file, by the node that opens them."""
    top = Scope(tree)
    scopes: dict[ast.AST, Scope] = {tree: top}
    waiting = [top]
    while waiting:
        _fill(waiting.pop(), scopes, waiting)
    return scopes


def _fill(scope: Scope, scopes: dict[ast.AST, Scope], waiting: list[Scope]) -> None:  # noqa: PLR0912, PLR0915  # for speed
    stack: list[ast.AST] = list(scope.node.body)
    pop, push = stack.pop, stack.append
    telling = scope.nodes.append
    while stack:
        node = pop()
        kind = node.__class__
        if kind is ast.Name:
            if node.ctx.__class__ is not ast.Load:  # type: ignore[attr-defined]  # `kind` narrows
                scope.stored.append(node.id)  # type: ignore[attr-defined]  # `kind` narrows
            continue
        if kind is ast.Constant:
            continue
        if kind is ast.Attribute:
            telling(node)
            value = node.value  # type: ignore[attr-defined]  # `kind` narrows
            if value.__class__ is not ast.Name:
                push(value)
            continue
        if kind is ast.Call:
            assert isinstance(node, ast.Call)
            telling(node)
            push(node.func)
            stack += node.args
            for keyword in node.keywords:
                push(keyword.value)
            continue
        if kind is ast.Assign:
            assert isinstance(node, ast.Assign)
            telling(node)
            for target in node.targets:
                if target.__class__ is ast.Name:
                    scope.stored.append(target.id)
                    scope.assigns.append(node)
                else:
                    push(target)
            push(node.value)
            continue
        if kind in _TELLING:
            telling(node)
            if kind is ast.AnnAssign:
                assert isinstance(node, ast.AnnAssign)
                push(node.target)
                if node.value is not None:
                    push(node.value)
                continue
        elif kind in _SPECIAL:
            if kind is ast.FunctionDef or kind is ast.AsyncFunctionDef or kind is ast.ClassDef:
                assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
                telling(node)
                inner = scopes[node] = Scope(node)
                scope.inner.append(inner)
                scope.bound.append((node.name, "@" + node.name))
                waiting.append(inner)
                stack += node.decorator_list
                if isinstance(node, ast.ClassDef):
                    stack += node.bases
                    stack += [keyword.value for keyword in node.keywords]
                else:
                    stack += node.args.defaults
                    stack += [default for default in node.args.kw_defaults if default is not None]
                continue
            _note(scope, node)
        for field in CHILD_FIELDS[kind]:
            value = getattr(node, field)
            if value.__class__ is list:
                stack += value
            elif value is not None:
                push(value)


def _note(scope: Scope, node: ast.AST) -> None:
    """Take down what ``node``, one of `_SPECIAL`, does to names and to the flow of control."""
    if isinstance(node, ast.Return):
        scope.returns.append(node.value)
    elif isinstance(node, (ast.Yield, ast.YieldFrom)):
        scope.yields = True
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        scope.declared += node.names
        scope.globals += node.names if isinstance(node, ast.Global) else ()
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        scope.bound += imported(node)
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        scope.bound.append((node.name, UNKNOWN))
    elif isinstance(node, ast.MatchMapping) and node.rest:
        scope.bound.append((node.rest, UNKNOWN))


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Ref]]:
    """The names that an import binds, and what they stand for. ``from a import *`` binds ``*`` to ``a.*``."""
    if isinstance(node, ast.ImportFrom):
        prefix = "." * node.level + (node.module or "")
        joint = "" if prefix.endswith(".") else "."
        for alias in node.names:
            yield alias.asname or alias.name, f"{prefix}{joint}{alias.name}"
    else:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)


def bound_names(statements: Iterable[ast.AST]) -> Iterator[tuple[str, Ref]]:
    """Every name that the statements bind in their own scope, nested blocks included, nested scopes not."""
    stack = list(statements)
    while stack:
        node = stack.pop()
        if node.__class__ is ast.Constant:
            continue  # most of a table
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                yield node.id, UNKNOWN
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from imported(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, "@" + node.name
            stack.extend(node.decorator_list)  # these and the like may hold a `:=`
            if isinstance(node, ast.ClassDef):
                stack.extend((*node.bases, *node.keywords))
            else:
                stack.extend((*node.args.defaults, *filter(None, node.args.kw_defaults)))
        elif not isinstance(node, ast.Lambda):
            if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
                yield node.name, UNKNOWN
            elif isinstance(node, ast.MatchMapping) and node.rest:
                yield node.rest, UNKNOWN
            stack.extend(children(node))


class Names:
    """The names of one file.

    Of several bindings at module level the last one counts; those under ``if`` and ``try`` must agree.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self.scopes = collect(tree)
        self.bindings: dict[str, Ref] = {}
        self._lines: dict[str, int] = {}  # where the binding that counts stands
        stars: list[tuple[str, set[str]]] = []
        for statement in tree.body:
            certain = not hasattr(statement, "body") or isinstance(
                statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            )
            for name, ref in bound_names([statement]):
                if name == "*":
                    stars.append((ref.removesuffix("*"), set(self.bindings)))
                    continue
                for _, earlier in stars:
                    earlier.discard(name)
                if self.bindings.get(name) != ref:
                    self.bindings[name] = ref if certain or name not in self.bindings else UNKNOWN
                    self._lines[name] = statement.lineno
        self.stars = tuple([star for star, _ in stars])
        self.before_stars = tuple([(star, frozenset(earlier)) for star, earlier in stars])  # see `FileFacts`
        for scope in self.scopes.values():
            self.bindings.update((name, UNKNOWN) for name in scope.globals)
        self._locals: dict[ast.AST, dict[str, Ref]] = {}

    def locals_of(self, function: FunctionNode) -> dict[str, Ref]:
        """Names bound inside one function: ``$name`` for a parameter that keeps its value, a reference for imports."""
        known = self._locals.get(function)
        if known is None:
            scope = self.scopes[function]
            known = {arg.arg: "$" + arg.arg for arg in arguments(function)}
            for name, ref in scope.bound:
                local = UNKNOWN if ref.startswith("@") else ref
                known[name] = local if known.get(name, local) == local else UNKNOWN
            known.update(dict.fromkeys(scope.stored, UNKNOWN))
            for inner in scope.within():
                known.update(dict.fromkeys(inner.declared, UNKNOWN))
            self._locals[function] = known
        return known

    def is_constant(self, name: str, functions: tuple[FunctionNode, ...]) -> bool:
        """Whether a name read inside ``functions`` is a constant of the module, stored once and never again."""
        if any(name in self.locals_of(function) for function in functions):
            return False
        top = self.scopes[self._tree]
        values = top.values_of(name)
        once = len(values) == 1 and isinstance(values[0], ast.Constant) and top.stored.count(name) == 1
        return (
            once
            and all(bound != name for bound, _ in top.bound)
            and all(name not in scope.globals for scope in self.scopes.values())
        )

    def functions(self, ref: Ref) -> list[ast.FunctionDef]:
        """The function of this file that ``ref`` stands for; several where the name is defined again."""
        return [s for s in self._tree.body if isinstance(s, ast.FunctionDef) and f"@{s.name}" == ref]

    def is_plain_class(self, ref: Ref) -> bool:
        """Whether ``ref`` is a class of this file of which only objects of it and its subclasses are instances.

        A protocol, an abstract class and one with a metaclass may take others for instances, too.
        """
        same = [s for s in self._tree.body if isinstance(s, ast.ClassDef) and f"@{s.name}" == ref]
        hooks = {(dotted(base) or "").rpartition(".")[2] for node in same for base in node.bases} & _WITH_HOOKS
        return bool(same) and not hooks and not any(node.keywords for node in same)

    def resolve(self, node: ast.AST, functions: tuple[FunctionNode, ...]) -> Ref:
        """The reference of a (dotted) name that is read inside ``functions``, outermost first.

        At module level where there is none.
        """
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
            if not functions and self._lines.get(head, 0) > getattr(node, "lineno", 0):
                ref = UNKNOWN  # bound again later: not what it means here
            if head not in self.bindings:
                if head in _BUILTINS:
                    ref = "builtins." + head
                elif len(self.stars) == 1:
                    ref = self.stars[0] + head
        if ref == UNKNOWN:
            return UNKNOWN
        return canonical(f"{ref}.{rest}" if rest else ref)
