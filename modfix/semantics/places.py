"""Where in a file a node stands, for people."""

from __future__ import annotations

import ast

from modfix.semantics.dataflow import Parents

MODULE = "<module>"


def owner(node: ast.AST, links: Parents) -> str:
    """The qualified name of the class or function around ``node``, or `<module>`."""
    names: list[str] = []
    step = links.of(node)
    while step is not None:
        around = step[0]
        if isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.append(around.name)
        step = links.of(around)
    return ".".join(reversed(names)) or MODULE
