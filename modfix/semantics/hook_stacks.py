"""Local lists of handles, and the loops that remove them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from modfix.semantics.hook_facts import HandleStack
from modfix.semantics.hook_sites import HookSites, is_removal
from modfix.semantics.syntax import FunctionNode, is_name, walk


class HandleStacks:
    """Finds them in one scope, of which ``indices`` are the registrations."""

    def __init__(self, sites: HookSites, scope: ast.Module | FunctionNode, indices: Sequence[int]) -> None:
        self._sites = sites
        self._scope = scope
        self._parents = sites.parents
        self._appended: dict[str, dict[ast.AST, tuple[int, ast.Attribute]]] = {}  # by the name in `name.append(...)`
        for index in indices:
            step = self._parents.of(sites.found[index].call)
            call = step[0] if step is not None else None
            function = call.func if isinstance(call, ast.Call) else None
            if (
                isinstance(function, ast.Attribute)
                and function.attr == "append"
                and isinstance(function.value, ast.Name)
            ):
                self._appended.setdefault(function.value.id, {})[function.value] = index, function

    def stacks(self, splits: Callable[[ast.AST, list[ast.stmt]], bool]) -> Iterator[HandleStack]:
        """Every list that holds handles from its creation to the loop that removes them, and nothing else."""
        own = self._sites.names.scopes[self._scope]
        if own.yields or isinstance(self._scope, ast.AsyncFunctionDef):
            return
        for name, appended in self._appended.items():
            found = list(self._episodes(name, appended, splits))
            used = {node for _, nodes in found for node in nodes}
            reads = {n for n in walk(self._scope) if is_name(n, name)}
            if reads <= used and not any(name in inner.declared for inner in own.within()):
                yield from (stack for stack, _ in found)

    def _episodes(
        self,
        name: str,
        appended: dict[ast.AST, tuple[int, ast.Attribute]],
        splits: Callable[[ast.AST, list[ast.stmt]], bool],
    ) -> Iterator[tuple[HandleStack, set[ast.AST]]]:
        """Each creation with its removal, and the nodes of the name that they explain."""
        position = self._sites.positions
        for node in walk(self._scope):
            if not _creates(node, name):
                continue
            assert isinstance(node, ast.Assign)
            suite, start = self._parents.suite(node)
            end = next((i for i in range(start + 1, len(suite)) if _removes_all(suite[i], name)), 0)
            between = suite[start + 1 : end]
            inside = {n for statement in between for n in walk(statement) if n in appended}
            if not inside or splits(self._scope, between):
                continue
            loop = suite[end]
            assert isinstance(loop, ast.For)
            assert isinstance(loop.target, ast.Name)
            if self._reads_elsewhere(loop.target.id, loop):
                continue
            known = sorted(appended[n] for n in inside)
            stack = HandleStack(
                tuple([index for index, _ in known]),
                name,
                position.span(node),
                tuple([position.span(function) for _, function in known]),
                position.span(loop),
                position.span(between[0]),
                position.span(between[-1]),
                self._sites.qualname(self._scope),
                leaves_early(between),
            )
            yield stack, {node.targets[0], loop.iter, *inside}

    def _reads_elsewhere(self, name: str, loop: ast.For) -> bool:
        """Whether the variable of a loop, which goes, is read outside of it."""
        inside = {n for n in walk(loop) if is_name(n, name)}
        others = (n for n in walk(self._scope) if isinstance(n, ast.For) and is_name(n.target, name))
        inside |= {n for other in others for n in walk(*other.body) if is_name(n, name)}
        reads = (n for n in walk(self._scope) if is_name(n, name) and isinstance(n, ast.Name))
        return any(isinstance(n.ctx, ast.Load) and n not in inside for n in reads)


def leaves_early(statements: Sequence[ast.stmt]) -> bool:
    """Whether statements may be left before the last of them without an error."""
    return any(isinstance(n, (ast.Return, ast.Break, ast.Continue)) for s in statements for n in walk(s))


def _creates(node: ast.AST, name: str) -> bool:
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not is_name(node.targets[0], name):
        return False
    value = node.value
    return (isinstance(value, ast.List) and not value.elts) or (
        isinstance(value, ast.Call) and is_name(value.func, "list") and not value.args and not value.keywords
    )


def _removes_all(statement: ast.stmt, name: str) -> bool:
    return (
        isinstance(statement, ast.For)
        and is_name(statement.iter, name)
        and isinstance(statement.target, ast.Name)
        and len(statement.body) == 1
        and not statement.orelse
        and is_removal(statement.body[0], statement.target.id)
    )
