"""Where a missing import goes. LibCST has no part in this: a new import is a line of its own."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from modfix.engine.rewriting.lines import Lines, first_line, last_line
from modfix.engine.rewriting.targets import statement_groups
from modfix.model.edit import Edit, EnsureImport


@dataclass(slots=True)
class ImportPoint:
    """New import lines at one place: ``offset`` is the start of a line, ``index`` a place in the body of the module."""

    offset: int
    index: int
    newline: str
    before: str = ""
    after: str = ""
    added: list[tuple[int, str]] = field(default_factory=list)  # (group that asked first, statement)

    def text(self, groups: int) -> str:
        """What the first ``groups`` groups put here."""
        new = [statement for group, statement in self.added if group < groups]
        if not new:
            return ""
        return self.before + "".join(statement + self.newline for statement in new) + self.after


def import_statement(edit: EnsureImport) -> str:
    """The statement an edit asks for, as source."""
    alias = f" as {edit.asname}" if edit.asname else ""
    if edit.name is None:
        return f"import {edit.module}{alias}"
    return f"from {edit.module} import {edit.name}{alias}"


def plan_imports(
    tree: ast.Module, lines: Lines, groups: Sequence[Sequence[Edit]], first_edited: int
) -> list[ImportPoint]:
    """Where each import goes that is not there yet, in source order.

    ``first_edited`` is the index of the first top-level statement with another edit: no import goes below it.
    """
    present = {binding for statement in tree.body for binding in _bindings(statement)}
    points: dict[int, ImportPoint] = {}
    for group, edits in enumerate(groups):
        for edit in edits:
            if not isinstance(edit, EnsureImport):
                continue
            statement = import_statement(edit)
            asked = _bindings(ast.parse(statement).body[0])
            if asked <= present:
                continue
            present |= asked
            point = _place(tree, lines, edit.module.partition(".")[0], first_edited)
            points.setdefault(point.offset, point).added.append((group, statement))
    return sorted(points.values(), key=lambda point: point.offset)


def _bindings(statement: ast.stmt) -> set[tuple[str, str]]:
    """(bound name, what it is) of an import: the same for `from torch import nn` and `import torch.nn as nn`."""
    if isinstance(statement, ast.Import):
        bindings = set()
        for alias in statement.names:
            if alias.asname is not None:
                bindings.add((alias.asname, alias.name))
                continue
            parts = alias.name.split(".")  # `import a.b.c` binds `a`, and makes `a.b` and `a.b.c` importable
            bindings.update((parts[0], ".".join(parts[: n + 1])) for n in range(len(parts)))
        return bindings
    if isinstance(statement, ast.ImportFrom):
        module = "." * statement.level + (statement.module or "")
        return {(alias.asname or alias.name, f"{module}.{alias.name}") for alias in statement.names}
    return set()


def _place(tree: ast.Module, lines: Lines, package: str, first_edited: int) -> ImportPoint:
    body = tree.body
    same_package = leading = None
    start = None  # docstring or __future__ import that nothing may precede
    in_leading_block = True
    for index, statement in enumerate(body[:first_edited]):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            break
        if _is_import(statement):
            if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
                start = index
                continue
            if in_leading_block:
                leading = index
            if package in _packages(statement):
                same_package = index
        elif index == 0 and _is_docstring(statement):
            start = index
        elif not _may_stand_among_imports(statement):
            in_leading_block = False
    anchor = same_package if same_package is not None else leading
    if anchor is not None:
        return _behind(body, lines, anchor)
    if start is not None:
        point = _behind(body, lines, start)
        point.before += point.newline
        point.after = _blank_lines_before(body, lines, point)
        return point
    return _before_first(body, lines)


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def _packages(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Import):
        return {alias.name.partition(".")[0] for alias in statement.names}
    assert isinstance(statement, ast.ImportFrom)
    return {(statement.module or "").partition(".")[0]} if statement.level == 0 else set()


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _may_stand_among_imports(statement: ast.stmt) -> bool:
    """Guarded imports, and assignments such as `__all__ = [...]`, do not end the leading import block."""
    if isinstance(statement, (ast.If, ast.Try)):
        return any(_is_import(child) for child in statement.body)
    if isinstance(statement, ast.Assign):
        return all(isinstance(name, ast.Name) and name.id.startswith("__") for name in statement.targets)
    return False


def _behind(body: list[ast.stmt], lines: Lines, anchor: int) -> ImportPoint:
    """Below the line(s) on which ``body[anchor]`` stands."""
    index = next(group.stop for group in statement_groups(body) if anchor in group)
    lineno = last_line(body[index - 1])
    newline = lines.newline_at(lines.start(lineno))
    has_line_end = lines.line(lineno).endswith(("\n", "\r"))
    return ImportPoint(lines.start(lineno + 1), index, newline, before="" if has_line_end else newline)


def _before_first(body: list[ast.stmt], lines: Lines) -> ImportPoint:
    """Above the first statement and the comments that belong to it, below the head of the file."""
    if not body:
        return ImportPoint(len(lines.text), 0, lines.newline_at(0))
    lineno = first_line(body[0])
    paragraph = lineno  # first line of the comments directly above
    while paragraph > 1 and lines.line(paragraph - 1).lstrip(" \t\f").startswith("#"):
        paragraph -= 1
    if paragraph > 1:  # else the comments are, or hold, the head of the file: licence, encoding, `#!`
        lineno = paragraph
    point = ImportPoint(lines.start(lineno), 0, lines.newline_at(lines.start(lineno)))
    point.after = _blank_lines_before(body, lines, point)
    return point


def _blank_lines_before(body: list[ast.stmt], lines: Lines, point: ImportPoint) -> str:
    """What is missing of the blank lines that a new import wants below itself."""
    if point.index >= len(body):
        return ""
    is_definition = isinstance(body[point.index], (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    is_import = _is_import(body[point.index])
    wanted = 2 if is_definition else 0 if is_import else 1
    for lineno in range(lines.starts.index(point.offset) + 1, first_line(body[point.index]) + 1):
        if lines.line(lineno).strip():
            break
        wanted -= 1
    return point.newline * max(wanted, 0)
