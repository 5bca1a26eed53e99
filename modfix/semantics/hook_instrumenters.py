"""Functions that hook what they are given, and where they could leave the handles."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from modfix.semantics.hook_effects import effects_of
from modfix.semantics.hook_facts import REGISTRATIONS, HookNote, Instrumenter
from modfix.semantics.hook_lifetime import Model
from modfix.semantics.hook_sites import Found, HookSites, first_statement
from modfix.semantics.syntax import FunctionNode, arguments, is_name, walk
from modfix.semantics.torch_names import is_module_class

# What only a module has: who reads one of these from an object says that it is one.
_OF_MODULES = REGISTRATIONS | {"_modules", "children", "modules", "named_children", "named_modules", "named_parameters"}


def instrumenter(sites: HookSites, function: FunctionNode, loose: Sequence[int]) -> Instrumenter:
    """The facts about a function of the module that loses the handles of the registrations ``loose``."""
    returns = [n for n in walk(function) if isinstance(n, ast.Return) and sites.parents.scope(n) is function]
    return Instrumenter(
        tuple(loose),
        function.name,
        sites.positions.span(first_statement(function)),
        sites.positions.span(function.body[-1]),
        tuple([sites.positions.span(node) for node in returns]),
        sites.free_name(("handles", "hook_handles", "hooks")),
        _not_plain(sites, function) or _gives(sites, function, returns),
        _holder(sites, function, [sites.found[index] for index in loose]),
    )


def _not_plain(sites: HookSites, function: FunctionNode) -> HookNote | None:
    scope = sites.names.scopes[function]
    if scope.yields or isinstance(function, ast.AsyncFunctionDef) or function.decorator_list:
        return sites.note("not-plain", f"`{function.name}` is decorated, a generator or a coroutine", function)
    return None


def _gives(sites: HookSites, function: FunctionNode, returns: Sequence[ast.Return]) -> HookNote | None:
    """Why a function cannot return the handles; None if it can."""
    given = next((node for node in returns if node.value is not None), None)
    if given is not None:
        reason = f"`{function.name}` returns something else, so the handle must be kept where the model is"
        return sites.note("returns-other", reason, given)
    for node in walk(sites.tree):
        if is_name(node, function.name) or (isinstance(node, ast.Attribute) and node.attr == function.name):
            step = sites.parents.of(node)
            outer = sites.parents.of(step[0]) if step is not None else None
            if step is None or step[1] != "func" or outer is None or not isinstance(outer[0], ast.Expr):
                return sites.note("result-is-used", f"the result of `{function.name}` may be used here", node)
    return None


def _holder(sites: HookSites, function: FunctionNode, items: Sequence[Found]) -> str:
    """The argument that certainly is the model, and could keep the handles; empty without one.

    Hooks that change what it computes are part of it, as those of a spectral norm: nobody takes these off.
    """
    effects = effects_of(sites.functions, sites.hooks_of(items))
    if effects.changes_run or effects.on_module or _not_plain(sites, function) is not None:
        return ""
    stored = sites.names.scopes[function].stored
    roots = [Model(sites.names, sites.parents, function, [item.receiver], "").roots for item in items]
    for arg in arguments(function):
        if arg.arg not in stored and all(arg.arg in root for root in roots) and _is_module(sites, function, arg):
            return arg.arg
    return ""


def _is_module(sites: HookSites, function: FunctionNode, arg: ast.arg) -> bool:
    """Whether an argument is a module, by its annotation or by what is read from it."""
    if arg.annotation is not None and is_module_class(sites.names.resolve(arg.annotation, ())):
        return True
    return any(
        isinstance(node, ast.Attribute) and is_name(node.value, arg.arg) and node.attr in _OF_MODULES
        for node in walk(function)
    )
