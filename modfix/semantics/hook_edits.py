"""The edits that give hooks a lifetime: a `with` statement around the code that needs them, or handles that go back."""

from __future__ import annotations

from collections.abc import Sequence

from modfix.model.edit import (
    Edit,
    EnsureImport,
    InsertAfter,
    InsertBefore,
    RemoveStatement,
    ReplaceExpression,
    ReplaceStatement,
    WrapExpression,
    WrapStatements,
)
from modfix.semantics.hook_facts import Handle, HandleStack, HookSite, Instrumenter, LocalPlan, OneShot, Pair
from modfix.semantics.hook_owners import append
from modfix.semantics.project_file import ProjectFile

_WIDTH = 120
HELD_LIST = "_attached_hook_handles"  # the attribute of a model that holds the handles of functions that hook it


def scoped_edits(file: ProjectFile, plan: LocalPlan) -> tuple[Edit, ...]:
    """The edits that hold hooks with a `with` statement until the code of ``plan`` has run.

    Raises:
        LookupError: there is no name for an `ExitStack`.
    """
    sites = [file.facts.hooks.sites[index] for index in plan.sites]
    header = _header([site.source for site in sites])
    if plan.heads and all(site.source for site in sites) and _fits(header, plan.indentation):
        removed = [RemoveStatement(file.path, span) for span in plan.heads]
        return (*removed, WrapStatements(file.path, plan.first, plan.last, header))
    stack, imports = _exit_stack(file)
    if not plan.stack:
        raise LookupError("the names for a stack of hooks are taken")
    first = plan.heads[0] if plan.heads else plan.first
    entered = [WrapExpression(file.path, site.span, f"{plan.stack}.enter_context") for site in sites]
    return (*imports, WrapStatements(file.path, first, plan.last, f"with {stack}() as {plan.stack}:"), *entered)


def one_shot_edits(file: ProjectFile, plan: LocalPlan, once: OneShot) -> tuple[Edit, ...]:
    """The edits that let a flag stop a hook which takes itself off, and a `with` statement take it off later.

    Raises:
        LookupError: there is no name for the flag, or the registration does not fit into one line.
    """
    path, site = file.path, file.facts.hooks.sites[plan.sites[0]]
    header = _header([site.source])
    if not once.flag or not site.source or not _fits(header, plan.indentation):
        raise LookupError("there is no name for a flag, or no room for a `with` statement")
    stop, ran = f"nonlocal {once.flag}\nif {once.flag}:\n    return\n", f"{once.flag} = True"
    if once.first == once.removal:
        stopped: tuple[Edit, ...] = (ReplaceStatement(path, once.removal, stop + ran),)
    else:
        stopped = (InsertBefore(path, once.first, stop), ReplaceStatement(path, once.removal, ran))
    made = InsertBefore(path, once.definition, f"{once.flag} = False")
    held = (RemoveStatement(path, plan.heads[0]), WrapStatements(path, plan.first, plan.last, header))
    return (made, *stopped, *held)


def paired_edits(file: ProjectFile, pair: Pair) -> tuple[Edit, ...]:
    """The edits that put what stands between registration and removal under a `with` statement."""
    sites = [file.facts.hooks.sites[index] for index in pair.sites]
    removed: list[Edit] = [RemoveStatement(file.path, span) for span in pair.removed]
    header = _header([site.source for site in sites])
    if all(site.source for site in sites) and _fits(header, pair.indentation):
        removed += [RemoveStatement(file.path, span) for span in pair.registered]
    else:
        header = _header([site.name for site in sites])
    return (*removed, WrapStatements(file.path, pair.first, pair.last, header))


def stacked_edits(file: ProjectFile, stack: HandleStack) -> tuple[Edit, ...]:
    """The edits that make an `ExitStack` of a list of handles.

    Raises:
        LookupError: there is no name for it.
    """
    path = file.path
    spelled, imports = _exit_stack(file)
    removed = (RemoveStatement(path, stack.created), RemoveStatement(path, stack.removed))
    entered = [ReplaceExpression(path, span, f"{stack.name}.enter_context") for span in stack.appends]
    wrapped = WrapStatements(path, stack.first, stack.last, f"with {spelled}() as {stack.name}:")
    return (*imports, *removed, wrapped, *entered)


def returned_edits(file: ProjectFile, function: Instrumenter) -> tuple[Edit, ...]:
    """The edits that make a function return the handles of the hooks that it registers."""
    path = file.path
    sites = [file.facts.hooks.sites[index] for index in function.sites]
    if len(sites) == 1 and not function.returns and _is_last(sites[0], function):
        return (ReplaceStatement(path, sites[0].statement, f"return {sites[0].source}"),)
    name = function.free
    edits: list[Edit] = [InsertBefore(path, function.top, f"{name} = []")]
    edits += [append(path, site, name) for site in sites]
    edits += [ReplaceStatement(path, span, f"return {name}") for span in function.returns]
    if function.last not in function.returns:
        edits.append(InsertAfter(path, function.last, f"return {name}"))
    return tuple(edits)


def held_edits(file: ProjectFile, function: Instrumenter) -> tuple[Edit, ...]:
    """The edits that make a function leave the handles with the model that it hooks."""
    sites = [file.facts.hooks.sites[index] for index in function.sites]
    source = f'{function.free} = {function.holder}.__dict__.setdefault("{HELD_LIST}", [])'
    created = InsertBefore(file.path, function.top, source)
    return (created, *(append(file.path, site, function.free) for site in sites))


def _is_last(site: HookSite, function: Instrumenter) -> bool:
    return site.source != "" and site.handle is Handle.DISCARDED and site.statement == function.last == site.span


def _header(contexts: Sequence[str]) -> str:
    return f"with {', '.join(contexts)}:"


def _fits(header: str, indentation: int) -> bool:
    return "\n" not in header and indentation + len(header) <= _WIDTH


def _exit_stack(file: ProjectFile) -> tuple[str, list[Edit]]:
    """How the file writes `contextlib.ExitStack`, with the import that this needs."""
    bindings = file.facts.bindings
    for name, ref in sorted(bindings.items()):
        if ref == "contextlib.ExitStack":
            return name, []
    for name, ref in sorted(bindings.items()):
        if ref == "contextlib":
            return f"{name}.ExitStack", []
    if "contextlib" in bindings:
        raise LookupError("`contextlib` means something else in this file")
    return "contextlib.ExitStack", [EnsureImport(file.path, "contextlib")]
