"""The syntax tree of one file with what is needed to ask about single nodes of it."""

from __future__ import annotations

import ast
from functools import cached_property

from modfix.model.span import Span
from modfix.semantics.dataflow import Parents
from modfix.semantics.facts import Ref
from modfix.semantics.positions import Positions
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import walk

MODULE = "<module>"


class FileTree:
    """One file. Parent links are made when somebody asks for them: most files do not need any."""

    def __init__(self, text: str, tree: ast.Module, names: Names, positions: Positions) -> None:
        self.text = text
        self.tree = tree
        self.names = names
        self.positions = positions

    @cached_property
    def links(self) -> Parents:
        """Parents of all nodes."""
        return Parents(self.tree)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the file."""
        return walk(self.tree)

    def nodes_around(self, *texts: str) -> list[ast.AST]:
        """All nodes of the top-level statements in which one of ``texts`` occurs, decorators left out."""
        spans = [(statement, self.positions.span(statement)) for statement in self.tree.body]
        found = [s for s, span in spans if any(self.text.find(text, span.start, span.end) >= 0 for text in texts)]
        return walk(*found)

    def resolve(self, node: ast.AST) -> Ref:
        """What a (dotted) name stands for where it is read."""
        return self.names.resolve(node, self.links.functions(node))

    def span(self, node: ast.expr | ast.stmt) -> Span:
        """Where a node stands."""
        return self.positions.span(node)

    def source(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        return self.positions.source(node)

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The class whose method holds ``node``, as far as no other class stands between."""
        step = self.links.of(node)
        while step is not None and not isinstance(step[0], ast.ClassDef):
            step = self.links.of(step[0])
        return step[0] if step is not None and isinstance(step[0], ast.ClassDef) else None

    def owner(self, node: ast.AST) -> str:
        """The qualified name of the class or function around ``node``, or `<module>`."""
        names: list[str] = []
        step = self.links.of(node)
        while step is not None:
            around = step[0]
            if isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.append(around.name)
            step = self.links.of(around)
        return ".".join(reversed(names)) or MODULE
