"""Hooks that take themselves off: `handle.remove()` in the body of the hook that the handle is for.

Older versions of torch raise there, for they walk over the table from which the hook goes. A hook that sets a flag, and
does nothing where it is set, sees as much; a `with` statement around the run of the model takes it off afterwards.
"""

from __future__ import annotations

import ast

from modfix.semantics.hook_facts import Handle, OneShot
from modfix.semantics.hook_functions import handle_removals
from modfix.semantics.hook_sites import Found, HookSites, first_statement, is_removal
from modfix.semantics.syntax import is_name, walk

_FLAGS = ("has_run", "hook_has_run", "has_been_called")


def one_shot(sites: HookSites, item: Found) -> OneShot | None:
    """How the hook of a registration could stop without its handle; None unless it does stop, and owns all it needs.

    That is a function inside the one that registers it, once and outside of loops, and nothing else uses the handle.
    """
    site = item.site
    own = sites.names.scopes[item.scope]
    if site.handle is not Handle.KEPT or not site.name or isinstance(item.scope, ast.Module):
        return None
    reads = [n for n in walk(item.scope) if is_name(n, site.name) and isinstance(n, ast.Name)]
    removals = [n for n in reads if isinstance(n.ctx, ast.Load)]
    hooks = sites.hooks(item.call) or []
    if len(reads) != 2 or len(removals) != 1 or len(hooks) != 1 or sites.loop(item.call, item.scope) is not None:
        return None
    hook, removal = hooks[0].node, sites.parents.statement(removals[0])
    if not isinstance(hook, ast.FunctionDef) or hook.decorator_list or sites.parents.scope(removal) is not hook:
        return None
    uses = [n for n in walk(item.scope) if is_name(n, hook.name)]
    if hook not in [inner.node for inner in own.inner] or len(uses) != 1 or not is_removal(removal, site.name):
        return None
    if len(list(handle_removals(hook))) != 1:
        return None
    first = first_statement(hook)
    spans = [sites.positions.span(statement) for statement in (hook, first, removal)]
    return OneShot(spans[0], spans[1], spans[2], sites.free_name(_FLAGS), site.name)
