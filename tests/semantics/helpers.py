"""Short ways to facts of small sources."""

from __future__ import annotations

import ast
from textwrap import dedent, indent

from modfix.model.source import SourceFile
from modfix.semantics.dataflow import Parents
from modfix.semantics.facts import AttributeFacts, FileFacts, Guard
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.project import Project
from modfix.semantics.scan import scan


def facts_of(source: str, path: str = "net.py") -> FileFacts:
    facts = scan(SourceFile(path, dedent(source)))
    assert isinstance(facts, FileFacts), facts
    return facts


def project(files: dict[str, str], *, complete: bool = True) -> Project:
    return Project({path: facts_of(text, path) for path, text in files.items()}, complete=complete)


def find(where: Project, qualname: str, path: str | None = None) -> ModuleClass:
    """The class of that name; the last one where several share it."""
    return [cls for cls in where.classes() if cls.qualname == qualname and path in (None, cls.path)][-1]


def net(forward: str, *, init: str = "self.m = None", parameters: str = "x, y, c") -> str:
    """A module whose ``forward`` has that body."""
    lines = [
        "import torch",
        "import torch.nn as nn",
        "class Net(nn.Module):",
        "    def __init__(self, m=None):",
        "        super().__init__()",
    ]
    lines += [
        indent(dedent(init).strip(), " " * 8),
        f"    def forward(self, {parameters}):",
        indent(dedent(forward).strip(), " " * 8),
    ]
    return "\n".join(lines) + "\n"


def attribute_of(source: str, name: str = "m", index: int = -1) -> AttributeFacts:
    return facts_of(source).classes[index].attributes[name]


def guard_of(forward: str) -> Guard:
    """The only None test of ``self.m`` in a ``forward`` with that body."""
    (guard,) = attribute_of(net(forward)).guards
    return guard


def function(body: str, parameters: str = "x, y, c") -> tuple[Parents, ast.FunctionDef]:
    """A function with that body, and its parent links."""
    tree = ast.parse(f"def f({parameters}):\n" + indent(dedent(body).strip(), "    "))
    (node,) = tree.body
    assert isinstance(node, ast.FunctionDef)
    return Parents(node), node


def marked(root: ast.AST) -> ast.stmt:
    """The statement ``here``."""
    return next(
        n for n in ast.walk(root) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Name) and n.value.id == "here"
    )
