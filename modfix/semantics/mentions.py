"""Which classes an object of a class may hold, at any depth: by the names that classes and functions mention."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from modfix.semantics.facts import UNKNOWN, Ref
from modfix.semantics.records import ClassRecord
from modfix.semantics.syntax import walk

if TYPE_CHECKING:
    from modfix.semantics.module_class import ModuleClass
    from modfix.semantics.project import Project

SELF_WALKS = frozenset(
    {
        "apply",
        "children",
        "modules",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
    }
)
"""Methods of a module by which it reaches what is registered below it."""


def mentions(tree: ast.Module, bindings: Mapping[str, Ref], records: list[ClassRecord]) -> dict[str, frozenset[str]]:
    """The top-level names of a file that each of its top-level classes and functions mentions.

    Only for files with containers of modules, or with classes that walk over what they hold; empty for others: nobody
    asks.
    """
    walks = any(not SELF_WALKS.isdisjoint(called) for record in records for called in record.self_calls.values())
    if not walks:
        return {}
    found: dict[str, frozenset[str]] = {}
    for statement in tree.body:
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            names = {node.id for node in walk(statement) if isinstance(node, ast.Name) and node.id in bindings}
            found[statement.name] = frozenset(names) | found.get(statement.name, frozenset())
    return found


def may_hold(project: Project, holder: ModuleClass, held: ModuleClass) -> bool:
    """Whether an object of ``held`` may be somewhere below one of ``holder``, as far as names tell.

    What callers pass to the constructor of ``holder`` is not followed.
    """
    waiting = [(holder.path, holder.qualname.partition(".")[0])]
    seen = set(waiting)
    while waiting:
        path, name = waiting.pop()
        facts = project.files[path]
        names = facts.mentions.get(name) if facts.mentions else frozenset(facts.bindings)
        for mentioned in names if names is not None else facts.bindings:
            ref = facts.bindings.get(mentioned, UNKNOWN)
            if ref.startswith("@"):
                found = (path, mentioned)
            else:
                target = project.resolve(path, ref)
                if not isinstance(target, str):
                    found = (target.path, target.qualname)
                elif target.startswith("@"):
                    where, _, function = target[1:].partition("@")
                    found = (where, function)
                elif target == UNKNOWN and ref != UNKNOWN:
                    return True  # a module of the project: anything in it
                else:
                    continue
            if found == (held.path, held.qualname.partition(".")[0]):
                return True
            if found not in seen:
                seen.add(found)
                waiting.append(found)
    return False
