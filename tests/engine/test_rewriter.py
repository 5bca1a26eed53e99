"""Spans, parentheses, groups, errors and guards of the rewriter."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Sequence

import libcst as cst
import pytest

from modfix.engine.rewriter import RewriteError, rewrite
from modfix.engine.rewriting import intended, statement_verbs, verbs
from modfix.engine.rewriting.blocks import BlockBuilder
from modfix.engine.rewriting.precedence import needs_parentheses
from modfix.model.edit import CollapseBranch, RemoveStatement, ReplaceExpression
from modfix.model.span import Span
from tests.engine.edits import (
    PATH,
    MakeEdit,
    after,
    before,
    collapse,
    ensure,
    expression,
    method,
    move,
    remove,
    replace,
    run,
    statement,
    swap,
    wrap,
)


@pytest.mark.parametrize(
    ("text", "old", "new", "expected"),
    [
        ("a.b ** 2", "a.b", "p + q", "(p + q) ** 2"),
        ("2 ** a", "a", "-p", "2 ** -p"),
        ("a ** 2", "a", "-p", "(-p) ** 2"),
        ("(a.b) ** 2", "a.b", "p + q", "(p + q) ** 2"),
        ("x - a", "a", "p - q", "x - (p - q)"),
        ("a - x", "a", "p - q", "p - q - x"),
        ("f(a)", "a", "x if c else y", "f(x if c else y)"),
        ("f(k=a)", "a", "x if c else y", "f(k=x if c else y)"),
        ("a + 1", "a", "x if c else y", "(x if c else y) + 1"),
        ("a.b", "a", "x if c else y", "(x if c else y).b"),
        ("a.b", "a", "1", "(1).b"),
        ("a(b)", "a", "lambda: 0", "(lambda: 0)(b)"),
        ("a[b]", "b", "x, y", "a[x, y]"),
        ("f(a)", "a", "x, y", "f((x, y))"),
        ("f(a)", "a", "(x, y)", "f((x, y))"),
        ("a and b", "b", "x or y", "a and (x or y)"),
        ("a and b", "b", "x and y", "a and (x and y)"),
        ("a or b", "b", "x and y", "a or x and y"),
        ("not a", "a", "x is None", "not x is None"),
        ("not a", "a", "x or y", "not (x or y)"),
        ("a is None", "a", "x == y", "(x == y) is None"),
        ("[*a]", "a", "x or y", "[*(x or y)]"),
        ("{**a, 'b': c}", "a", "x or y", "{**(x or y), 'b': c}"),
        ("{**a, 'b': c}", "c", "x or y", "{**a, 'b': x or y}"),
        ("[i for i in a]", "a", "x if c else y", "[i for i in (x if c else y)]"),
        ("[a for i in z]", "a", "x if c else y", "[x if c else y for i in z]"),
        ("x if a else y", "a", "p if q else r", "x if (p if q else r) else y"),
        ("x if y else a", "a", "p if q else r", "x if y else p if q else r"),
        ("lambda: a", "a", "lambda: b", "lambda: lambda: b"),
        ("x = (a if b else c)", "a if b else c", "d", "x = d"),
        ("x = (a if b else c)", "a if b else c", "d or e", "x = (d or e)"),
        ("x = (a)", "a", "d", "x = (d)"),
        ("x = (a if b else c)(d)", "a if b else c", "e", "x = e(d)"),
        ("return(a or b)", "a or b", "d", "return(d)"),
        ("x = (  # why\n    a\n)", "a", "d", "x = (  # why\n    d\n)"),
        ("x = 'a'if b else c", "'a'", "d", "x = (d)if b else c"),
        ("return'a'", "'a'", "d", "return(d)"),
        ("x = a, b", "a, b", "c", "x = c"),
        ("x = (a, b)", "(a, b)", "c", "x = c"),
        ("x = ((a, b))", "(a, b)", "c", "x = c"),
        ("f((a, b), c)", "(a, b)", "x or y", "f(x or y, c)"),
        ("f(a for a in b)", "(a for a in b)", "x or y", "f(x or y)"),
        ("f( a for a in b )", "( a for a in b )", "c", "f( c )"),
        ("f((a for a in b), c)", "(a for a in b)", "x", "f(x, c)"),
        ("a, b = c", "a, b", "d", "d = c"),
        ("f'{a}' + b", "b", "c * d", "f'{a}' + c * d"),
        ("x = é + a", "a", "b", "x = é + b"),
        ("x = '𝄞' 'é', a", "a", "b", "x = '𝄞' 'é', b"),
        ("if x: y = é; z = a", "a", "b", "if x: y = é; z = b"),
        ("@a\nclass B: pass", "a", "c.d", "@c.d\nclass B: pass"),
        ("class B(a): pass", "a", "c.d", "class B(c.d): pass"),
        ("def f(x: a = b) -> c: pass", "b", "x if y else z", "def f(x: a = x if y else z) -> c: pass"),
        ("with a as b, c: pass", "c", "d()", "with a as b, d(): pass"),
    ],
)
def test_swap(text: str, old: str, new: str, expected: str) -> None:
    if text.startswith("return"):
        text, expected = f"def f():\n    {text}", f"def f():\n    {expected}"
    assert run(text, [swap(old, new)]) == [expected]


PLACES = """
X ** 2; 2 ** X; -X; ~X; await X; not X; a + X; X + a; a * X; X @ a; a << X; a | X; X & a; a < X; X in a; a and X
X or a; X.a; X[0]; a[X]; a[X:1]; a[0:X, ...]; X(a); f(X); f(*X); f(**X); f(k=X); [X]; (X,); {X}; {X: 1}; {1: X}
{**X}; [*X, 1]; X if a else b; a if X else b; a if b else X; lambda: X; lambda a=X: a; [X for a in b]
[a for a in X]; [a for a in b if X]; {X: a for a in b}; {a: X for a in b}; (X for a in b); f(X for a in b); (a := X)
x = X; x += X; x: X = 1; x: a = X; return X; del X[0]; assert X; assert a, X; raise X; raise a from X
x = (yield X); x = (yield from X); X; x = f"{a}" + X; print(X, end=X)
"""
NEW = """
a; a.b; a(); a[0]; 1; 1.5; "s"; "s" "t"; [a]; (a, b); a, b; -a; ~a; not a; a ** b; a * b; a + b; a << b; a & b; a ^ b
a | b; a < b; a is not b; a and b; a or b; a if b else c; lambda: a; lambda a, b=1: a; await a; (yield); (a := b)
(a for a in b); {**a}; f"{a}"; None; ...
"""


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.strip().replace("\n", ";").split(";")]


@pytest.mark.parametrize("place", _items(PLACES))
def test_parentheses_in_every_place(place: str) -> None:
    """The guard compares the trees; this checks that no parentheses are written that the same tree does not need."""
    text = f"async def f():\n    {place}\n"
    for source in _items(NEW):
        edits = [ReplaceExpression(PATH, Span(m, m + 1), source) for m in range(len(text)) if text[m] == "X"]
        [result] = rewrite(text, [edits])
        bare = text.replace("X", source)
        if place != "f(*X)":  # a call would take `*a or b`, but elsewhere a star asks for parentheses
            assert result == bare or _dump(bare) != _dump(result), result


def _dump(text: str) -> str | None:
    try:
        return ast.dump(ast.parse(text))
    except SyntaxError:
        return None


@pytest.mark.parametrize(
    ("text", "edits", "expected"),
    [
        ("x = f(  # why\n    a,\n)\n", [swap("f(  # why\n    a,\n)", "b")], "# why\nx = b\n"),
        ("if a == f(  # why\n    b,\n):\n    c = 1\n", [swap("f(  # why\n    b,\n)", "d")],
         "# why\nif a == d:\n    c = 1\n"),
        ("def f():\n    if a: x = [  # why\n        b]\n", [swap("[  # why\n        b]", "c")],
         "def f():\n    # why\n    if a: x = c\n"),
    ],
)  # fmt: skip
def test_comments_inside_an_expression_go_above_its_statement(
    text: str, edits: Sequence[MakeEdit], expected: str
) -> None:
    assert run(text, edits) == [expected]


def test_a_source_of_several_lines_keeps_its_line_ends() -> None:
    assert run("def f():\r\n    x = a\r\n", [swap("a", "g(\n    b,\n)")]) == [
        "def f():\r\n    x = g(\r\n        b,\r\n    )\r\n"
    ]


def test_new_lines_end_like_their_neighbours() -> None:
    text = "def f():\n    a = 1\n    b = 1\r\n    c = 1\r\n"
    expected = "def f():\n    a = 1\n    b = 1\r\n    if x:\r\n        y = 1\r\n    c = 1\r\n"
    assert run(text, [after("b", "if x:\n    y = 1\n")]) == [expected]


@pytest.mark.parametrize("comment", ["  # spaces", "    # spaces", " \t# both", "# none", "\t# tab", "\t  # more"])
def test_a_comment_behind_a_block_of_tabs_stays_where_it_is(comment: str) -> None:
    text = f"def f():\n\tx = a\n\n{comment}\n\ny = 1\n"
    assert run(text, [swap("a", "b")]) == [text.replace("a", "b", 1)]


def test_groups_are_carried_out_one_after_another() -> None:
    text = "import os\n\nclass A:\n    x = 1\n    y = 2\n\nclass B:\n    z = 3\n"
    texts = run(
        text,
        [swap("1", "4"), ensure("torch")],
        [remove("z"), ensure("torch"), ensure("math")],
        [],
        [swap("2", "5"), method("class A", "def f(self):\n    return 1\n")],
    )
    first = text.replace("1", "4").replace("import os\n", "import os\nimport torch\n")
    second = first.replace("import torch\n", "import torch\nimport math\n").replace("z = 3", "pass")
    fourth = second.replace("y = 2\n", "y = 5\n\n    def f(self):\n        return 1\n")
    assert texts == [first, second, second, fourth]


def test_no_groups() -> None:
    assert rewrite("x = 1\n", []) == []
    assert rewrite("x = 1\n", [[], []]) == ["x = 1\n"] * 2


def test_groups_may_add_at_one_statement() -> None:
    assert run("x = 1\n", [after("x", "y = 1\n")], [after("x", "z = 1\n")]) == [
        "x = 1\ny = 1\n",
        "x = 1\ny = 1\nz = 1\n",
    ]


def test_top_level_statements_that_are_wrapped_need_not_touch() -> None:
    text = "import a\n\n\nx = 1\n\n\ndef f():\n    return b\n\n\ny = 2\nz = 3\n"
    texts = run(text, [swap("3", "4")], [wrap("x", "y", "with c:"), swap("b", "d"), ensure("e")])
    wrapped = "x = 1\n\n\n    def f():\n        return d\n\n\n    y = 2\nz = 4\n"
    assert texts == [text.replace("3", "4"), f"import a\nimport e\n\n\nwith c:\n    {wrapped}"]


def test_an_edit_given_twice_counts_once() -> None:
    assert run("x = 1\n", [after("x", "y = 1\n"), after("x", "y = 1\n")]) == ["x = 1\ny = 1\n"]


@pytest.mark.parametrize(
    ("groups", "message", "index"),
    [
        ([[swap("c", "y")], [remove("b")]], "edits overlap", 1),
        ([[remove("b")], [swap("c", "y")]], "edits overlap", 1),
        ([[collapse("if", "body")], [before("b", "y = 1\n")]], "edits overlap", 1),
        ([[swap("c", "x")], [swap("c", "y")]], "edits overlap", 1),
        ([[swap("c", "x"), swap("c", "y")]], "edits overlap", 0),
        ([[replace("if", "y = 1\n"), remove("b")]], "edits overlap", 0),
        ([[remove("b")], [swap("a", "b c")]], "the new source is no expression", 1),
        ([[before("b", "y = \n")]], "the new source is no Python", 0),
        ([[before("b", "# nothing\n")]], "the new source holds no statement", 0),
        ([[lambda _: RemoveStatement(PATH, Span(0, 3))]], "no statement stands at 0:3", 0),
        ([[lambda _: ReplaceExpression(PATH, Span(0, 2), "x")]], "no expression stands at 0:2", 0),
        ([[lambda text: CollapseBranch(PATH, statement(text, "b"), "body")]], "no `if` statement stands at", 0),
        ([[lambda text: ReplaceExpression(PATH, Span(500, 501), "x")]], "no expression stands at", 0),
        ([[remove("b")], [wrap("b", "b", "if d:")]], "edits overlap", 1),
        ([[wrap("b", "b", "if d:")], [wrap("if", "if", "if d:")]], "edits overlap", 1),
        ([[wrap("b", "b", "if d:"), wrap("b", "b", "if e:")]], "edits overlap", 0),
        ([[wrap("b", "b", "if d")]], "the new source is no Python", 0),
        ([[wrap("b", "b", "def f():")]], "`def f\\(\\):` starts no block", 0),
        ([[wrap("b", "b", "if d: b = 1\nif e:")]], "starts no block", 0),
        ([[wrap("if", "b", "if d:")]], "do not follow each other in a block", 0),
    ],
)
def test_refused(groups: Sequence[Sequence[MakeEdit]], message: str, index: int) -> None:
    with pytest.raises(RewriteError, match=message) as error:
        run("if a:\n    b = c\n", *groups)
    assert error.value.group_index == index


@pytest.mark.parametrize(
    ("text", "edits", "message"),
    [
        ("x = f'{a}'\n", [lambda _: ReplaceExpression(PATH, Span(7, 8), "b")], "no expression stands at"),
        ("x = a[1:2]\n", [swap("1:2", "b")], "cannot be edited on its own"),
        ("f(*a)\n", [swap("*a", "b")], "cannot be edited on its own"),
        ("[*a]\n", [swap("*a", "b")], "cannot be edited on its own"),
        ("class A:\n    pass\n", [method("class", "def f(self): pass\n", "g")], "class `A` has no method `g`"),
        ("try:\n    a = 1\nexcept (B, C) :\n    a = 2\n", [swap("2", "3")], "LibCST does not reproduce line 3"),
        ("def f():\n    return(a if b else c)\n", [swap("b", "d")], "LibCST cannot parse this statement"),
        ("x = \n", [lambda _: RemoveStatement(PATH, Span(0, 1))], "the file does not parse"),
        ("if a:\n    b = 1\nelif c:\n    d = 1\n", [wrap("elif", "elif", "if e:")], "is no statement of a block"),
        ("x = 1\ny = 2\nz = 3\n", [wrap("y", "x", "if e:")], "do not follow each other in a block"),
        ("x = 1\ny = 2\nz = 3\n", [wrap("x", "y", "if e:"), wrap("y", "z", "if e:")], "edits overlap"),
        ("def f():\n    x = 1\n", [move("def r():", "r()", "x")], "stands in no method"),
        ("class A:\n    def f(self):\n        x = 1\n", [move("if a:", "r()", "x")], "`if a:` starts no method"),
        ("import torch; x = 1\ny = 2\n", [wrap("x", "y", "if a:"), ensure("math")], "an import would go between"),
    ],
)
def test_refused_for_what_stands_there(text: str, edits: Sequence[MakeEdit], message: str) -> None:
    with pytest.raises(RewriteError, match=message):
        run(text, edits)


def _print(monkeypatch: pytest.MonkeyPatch, spoil: Callable[[str], str]) -> None:
    """Make LibCST print something else."""
    monkeypatch.setattr(cst.Module, "code", property(lambda module: spoil(module.code_for_node(module))))


class TestGuards:
    """Each guard fires when the part it watches is broken."""

    def test_wrong_parentheses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("modfix.engine.rewriting.segments.needs_parentheses", lambda *_: False)
        with pytest.raises(RewriteError, match="not the intended tree") as error:
            run("x = a\ny = a.b ** 2\nz = c\n", [swap("c", "d")], [swap("a.b", "p + q")], [remove("x")])
        assert error.value.group_index == 1

    def test_lost_statement(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lose(builder: BlockBuilder, *_: object) -> None:
            builder.gone()

        monkeypatch.setattr(verbs, "emit", lose)
        with pytest.raises(RewriteError, match="not the intended tree"):
            run("if a:\n    x = 1\n    y = 2\n", [before("x", "z = 1\n")])

    def test_change_outside_the_edit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _print(monkeypatch, lambda code: code.replace("1", "7"))
        with pytest.raises(RewriteError, match="is 7, should be 1"):
            run("def f():\n    x = 1\n    y = 2\n", [remove("y")])

    def test_no_python(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _print(monkeypatch, lambda code: code + "(\n")
        for groups in ([[remove("y")]], [[remove("y")], []]):
            with pytest.raises(RewriteError, match="does not parse"):
                run("def f():\n    x = 1\n    y = 2\n", *groups)

    def test_lost_comment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(statement_verbs, "comment_lines", lambda *_: [])
        with pytest.raises(RewriteError, match="would lose the comment `# why`"):
            run("x = 1\ny = '# no'  # why\n", [remove("y")])

    def test_comment_that_only_looks_lost(self) -> None:
        assert run("y = '# no'  # why\n", [remove("y")]) == ["# why\n"]

    @pytest.mark.parametrize(
        ("a", "b"),
        list(
            itertools.permutations(
                ["x = 1", "x = True", "x = 1.0", "x = '1'", "x = -1", "x = y", "x += 1", "x = 1, 2"], 2
            )
        ),
    )
    def test_difference(self, a: str, b: str) -> None:
        assert intended.difference(ast.parse(a), ast.parse(b))
        assert intended.difference(ast.parse(a), ast.parse(a)) is None


def test_nested_parentheses_of_a_tuple_are_its_own() -> None:
    tree = ast.parse("x = ((a, b))")
    assert expression("x = ((a, b))", "(a, b)") == Span(5, 11)
    assert isinstance(tree.body[0], ast.Assign)
    assert not needs_parentheses(tree.body[0].value, tree.body[0], "value", tree.body[0].value)
