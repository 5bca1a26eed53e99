"""Takes away an import that the fixes of a run have left without a use.

That is a question about a file as the whole run leaves it, so it is asked once, when there is nothing left to fix. The
answer belongs to no single fix: it holds only while all fixes that removed a use are made (`Step.joint`). In doubt the
import stays, for it costs nothing.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from modfix.engine.rewriting.errors import RewriteError
from modfix.engine.rewriting.lines import Lines, first_line, last_line
from modfix.model.edit import RemoveStatement
from modfix.model.result import Step
from modfix.semantics.project import Project

_Import = ast.Import | ast.ImportFrom
# Builtins that reach names of the module by a string; `dir` and `vars` only without an argument.
_BY_STRING = frozenset({"eval", "exec", "globals", "locals"})
_BY_STRING_ALONE = frozenset({"dir", "vars"})


def drop_unused(
    project: Project, path: str, before: str, steps: Sequence[Step], names: Collection[str]
) -> Iterator[Step]:
    """The further steps of one file: one for each import that goes.

    Args:
        project: what all files say after ``steps``.
        path: of the file.
        before: its text before ``steps``.
        steps: how it has been changed, at least one.
        names: of imports that may have lost a use.
    """
    text = steps[-1].text
    for name in sorted(names):
        involved = tuple(dict.fromkeys(_involved(before, steps, name)))
        if not involved or project.may_be_imported(path, name):
            continue
        shorter = without_import(text, name)
        if shorter is not None:
            text = shorter
            yield Step(involved, text, joint=True)


def _involved(before: str, steps: Sequence[Step], name: str) -> Iterator[str]:
    """The fixes that changed a line in which ``name`` occurs: without one of them, it may have a use."""
    old = _lines_with(name, before)
    for step in steps:
        new = _lines_with(name, step.text)
        if new != old:
            yield from step.fixes
        old = new


def _lines_with(name: str, text: str) -> Counter[str]:
    word = re.compile(rf"\b{re.escape(name)}\b")
    return Counter(line for line in text.split("\n") if name in line and word.search(line))


def without_import(text: str, name: str) -> str | None:
    """``text`` without the imports that bind ``name``.

    None where something in it may use the name, where there is no such import, or where one is more than a plain line:
    under `if` or `try`, in a function, beside a comment or another statement, or `import name as name`, which says that
    the name is meant for others.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid escapes, in code that is not ours
            return _without_import(text, name)
    except (RewriteError, tokenize.TokenError):
        return None


def _without_import(text: str, name: str) -> str | None:
    tree = ast.parse(text)
    imports = [node for node in ast.walk(tree) if isinstance(node, _Import) and _binds(node, name)]
    if not imports or _may_use(tree, text, name):
        return None
    occupied = _comment_lines(text)
    for node in imports:
        others = [other for other in tree.body if other is not node]
        occupied_here = occupied.union(*(range(first_line(o), last_line(o) + 1) for o in others))
        reexported = any(alias.name == alias.asname == name for alias in node.names)
        if len(others) == len(tree.body) or reexported or not occupied_here.isdisjoint(_extent(node)):
            return None
    for node in reversed(imports):
        text = _without(text, node, name)
    expected = [_unparsed(node, name) if node in imports else ast.dump(node) for node in tree.body]
    actual = [ast.dump(node) for node in ast.parse(text).body]
    return text if actual == [statement for statement in expected if statement] else None


def _binds(node: _Import, name: str) -> bool:
    return any((alias.asname or alias.name.partition(".")[0]) == name for alias in node.names)


def _extent(node: _Import) -> range:
    return range(first_line(node), last_line(node) + 1)


def _may_use(tree: ast.Module, text: str, name: str) -> bool:
    word = re.compile(rf"\b{re.escape(name)}\b")
    docstrings = {id(node.value) for node in map(_docstring, ast.walk(tree)) if node is not None}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if node.id == name:
                return True
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            if name in node.names:
                return True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in _BY_STRING or (node.func.id in _BY_STRING_ALONE and not node.args):
                return True
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # `__all__`, annotations in quotes, names for `getattr`; prose is none, but examples in it are.
            prose = id(node) in docstrings and ">>>" not in node.value
            if not prose and word.search(node.value):
                return True
    return any("type:" in comment and word.search(comment) for _, comment in _comments(text))


def _docstring(node: ast.AST) -> ast.Expr | None:
    if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) or not node.body:
        return None
    first = node.body[0]
    return first if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else None


def _comments(text: str) -> Iterator[tuple[int, str]]:
    """The comments of a text, each with its line."""
    readline = io.StringIO(re.sub(r"\r\n?", "\n", text)).readline
    for token in tokenize.generate_tokens(readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _comment_lines(text: str) -> frozenset[int]:
    return frozenset(line for line, _ in _comments(text))


def _without(text: str, node: _Import, name: str) -> str:
    """``text`` without what ``node`` imports as ``name``; the layout of what it imports beside stays."""
    from modfix.engine.rewriter import rewrite  # slow to import, and most runs free nothing

    lines = Lines(text)
    kept = [not _binds(ast.Import([alias]), name) for alias in node.names]
    if not any(kept):
        return rewrite(text, [[RemoveStatement("", lines.span(node))]])[-1]
    starts = [lines.offset(alias.lineno, alias.col_offset) for alias in node.names]
    ends = [lines.offset(alias.end_lineno or 0, alias.end_col_offset or 0) for alias in node.names]
    for index in reversed([index for index, stays in enumerate(kept) if not stays]):
        last = index == len(starts) - 1
        start, end = (ends[index - 1], ends[index]) if last else (starts[index], starts[index + 1])
        text = text[:start] + text[end:]
    return text


def _unparsed(node: _Import, name: str) -> str:
    """The tree of an import without what it binds to ``name``, as `ast.dump` writes it; empty if nothing is left."""
    kept = [alias for alias in node.names if not _binds(ast.Import([alias]), name)]
    if not kept:
        return ""
    if isinstance(node, ast.ImportFrom):
        return ast.dump(ast.ImportFrom(node.module, kept, node.level))
    return ast.dump(ast.Import(kept))
