"""Random edits in real modules: the guards hold, and replacing something by itself changes nothing."""

from __future__ import annotations

import ast
import importlib.util
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from modfix.engine.rewriter import RewriteError, rewrite
from modfix.engine.rewriting.lines import Lines
from modfix.model.edit import (
    AddMethod,
    CollapseBranch,
    Edit,
    InsertAfter,
    InsertBefore,
    RemoveStatement,
    ReplaceExpression,
    ReplaceStatement,
    WrapStatements,
)
from tests.engine.edits import PATH, as_crlf

FILES = [
    Path(ast.__file__).with_name(name)
    for name in ("ast.py", "argparse.py", "dataclasses.py", "random.py", "textwrap.py")
]
SOURCES = [
    "x = 1\n",
    "# lead\nif a:\n    b = 1\nelse:\n    # c\n    pass\n",
    "def f(self):\n    '''d\n    e'''\n    return 1\n",
]
EXPRESSIONS = ["nn.Identity()", "a if b else c", "p + q", "a or b", "-x", "lambda: 0", "(x, y)", "x ** 2", "a < b"]


def _torch_modules() -> list[Path]:
    spec = importlib.util.find_spec("torch")  # finds the files without running any
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / "nn" / "modules" / name for name in ("container.py", "rnn.py", "transformer.py")]


@pytest.mark.parametrize("path", [*FILES, *_torch_modules()], ids=lambda path: path.name)
def test_expressions_by_themselves(path: Path) -> None:
    """Many expressions at once, the outermost ones: no byte changes."""
    text = path.read_text("utf-8")
    lines = Lines(text)
    swaps: list[ReplaceExpression] = []
    for node in _nodes(ast.parse(text)):
        span = lines.span(node)
        source = text[span.start : span.end]
        if _is_replaceable(node) and "\n" not in source and not any(edit.span.overlaps(span) for edit in swaps[-40:]):
            swaps.append(ReplaceExpression(PATH, span, source))
    assert len(swaps) > 100
    assert rewrite(text, [swaps]) == [text]


@pytest.mark.parametrize("seed", range(8))
def test_random_edits(seed: int) -> None:
    """Whatever the edit, the guards agree with the result or the edit is refused for a known reason."""
    generator = random.Random(seed)
    path = generator.choice(FILES)
    text = path.read_text("utf-8")
    if seed % 3 == 0:
        text = as_crlf(text)
    lines = Lines(text)
    nodes = list(_nodes(ast.parse(text)))
    statements = [node for node in nodes if isinstance(node, ast.stmt)]
    branches = [node for node in statements if isinstance(node, ast.If)]
    expressions = [node for node in nodes if _is_replaceable(node)]
    for _ in range(5):
        edits = [
            _edit_statement(generator, generator.choice(statements), lines),
            _edit_statement(generator, generator.choice(branches), lines),
            ReplaceExpression(PATH, lines.span(generator.choice(expressions)), generator.choice(EXPRESSIONS)),
        ]
        groups: list[list[Edit]] = [[edit] for edit in edits]
        try:
            texts = rewrite(text, groups)
        except RewriteError as error:
            assert "overlap" in error.message or "`elif`" in error.message, (path, edits)  # noqa: PT017  # other reasons are bugs, these are chance
        else:
            assert len(texts) == len(groups)


def _nodes(node: ast.AST) -> Iterator[ast.stmt | ast.expr]:
    """Nodes outside f-strings, whose positions are wrong before Python 3.12."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.stmt, ast.expr)):
            yield child
        if not isinstance(child, ast.JoinedStr):
            yield from _nodes(child)


def _is_replaceable(node: ast.AST) -> bool:
    """Expressions that are nodes of their own for LibCST too, and that any other expression may replace."""
    if isinstance(node, (ast.Slice, ast.Starred, ast.Tuple, ast.NamedExpr, ast.Yield, ast.YieldFrom)) or not isinstance(
        node, ast.expr
    ):
        return False
    return not isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del))


def _edit_statement(generator: random.Random, node: ast.stmt, lines: Lines) -> Edit:
    span = lines.span(node)
    source = generator.choice(SOURCES)
    edits: list[Edit] = [
        RemoveStatement(PATH, span),
        ReplaceStatement(PATH, span, source),
        InsertBefore(PATH, span, source),
        InsertAfter(PATH, span, source),
        WrapStatements(PATH, span, span, "if p and q:"),
    ]
    if isinstance(node, ast.If):
        edits = [CollapseBranch(PATH, span, "body"), CollapseBranch(PATH, span, "orelse"), *edits]
    if isinstance(node, ast.ClassDef):
        edits.append(AddMethod(PATH, span, SOURCES[-1]))
    return generator.choice(edits)
