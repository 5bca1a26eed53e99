"""The attributes in which classes keep the handles of hooks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from modfix.semantics.hook_facts import HandleList
from modfix.semantics.hook_sites import HookSites, is_removal
from modfix.semantics.syntax import is_name, walk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class HandleLists:
    """Finds them in one file."""

    def __init__(self, sites: HookSites) -> None:
        self._sites = sites
        self._parents = sites.parents
        self._functions = sites.functions

    def lists(self) -> Iterator[HandleList]:
        """Every attribute that holds handles and nothing else."""
        calls: set[ast.expr] = {item.call for item in self._sites.found}
        for cls in walk(self._sites.tree):
            if isinstance(cls, ast.ClassDef):
                for name in sorted(self._appended_to(cls, calls)):
                    found = self._list(cls, name)
                    if found is not None:
                        yield found

    def _appended_to(self, cls: ast.ClassDef, calls: set[ast.expr]) -> set[str]:
        """The attributes to which methods append what a registration gave back."""
        found = set()
        for node in walk(*cls.body):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "append"
                and node.args
            ):
                target, value = node.func.value, node.args[0]
                if isinstance(value, ast.Name):
                    scope = self._sites.names.scopes[self._parents.scope(node)]
                    values = scope.values_of(value.id)
                    kept = bool(values) and all(v in calls for v in values)
                else:
                    kept = value in calls
                if (
                    kept
                    and isinstance(target, ast.Attribute)
                    and is_name(target.value, self._functions.self_name(node))
                ):
                    found.add(target.attr)
        return found

    def _list(self, cls: ast.ClassDef, name: str) -> HandleList | None:
        """The facts of one such attribute; None where it is used in other ways, too."""
        created: dict[str, ast.stmt] = {}  # by the method
        remover = ""
        for method in cls.body:
            if not isinstance(method, _FUNCTIONS):
                continue
            for node in walk(method):
                if not isinstance(node, ast.Attribute) or node.attr != name:
                    continue
                use = self._use_of_list(node)
                if use == "":
                    return None
                if use == "removed":
                    remover = method.name
                statement = self._parents.statement(node)
                if use == "created" and any(statement is s for s in method.body):
                    created.setdefault(method.name, statement)
        creator = "__init__" if "__init__" in created else next(iter(created), "")
        early = creator == "__init__" and self._is_early(created[creator])
        span = self._sites.positions.span(created[creator]) if creator else None
        return HandleList(self._sites.qualname(cls), name, creator, span, early, remover)

    def _is_early(self, created: ast.stmt) -> bool:
        """Whether nothing before a statement of `__init__` can run a method of the object."""
        suite, index = self._parents.suite(created)
        self_name = self._functions.self_name(created)
        for node in walk(*suite[:index]):
            if is_name(node, self_name):
                step = self._parents.of(node)
                assert step is not None  # a statement is above
                call = self._parents.of(step[0])
                called = call is not None and isinstance(call[0], ast.Call) and call[1] == "func"
                if not isinstance(step[0], ast.Attribute) or called:
                    return False
        return True

    def _use_of_list(self, node: ast.Attribute) -> str:
        step = self._parents.of(node)
        assert step is not None  # a statement is above
        parent = step[0]
        if isinstance(parent, ast.Attribute) and parent.attr in ("append", "clear"):
            return "kept"
        if isinstance(parent, ast.Assign) and isinstance(node.ctx, ast.Store):
            empty = isinstance(parent.value, ast.List) and not parent.value.elts
            made = isinstance(parent.value, ast.Call) and is_name(parent.value.func, "list") and not parent.value.args
            return "created" if empty or made else ""
        if isinstance(parent, ast.For) and parent.iter is node and isinstance(parent.target, ast.Name):
            only = len(parent.body) == 1 and not parent.orelse and is_removal(parent.body[0], parent.target.id)
            return "removed" if only else ""
        if isinstance(parent, (ast.If, ast.UnaryOp)):
            return "kept"
        return ""
