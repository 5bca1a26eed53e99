"""Offsets, spans and locations in texts of all line ends and scripts."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modfix.model.span import Location, Span
from modfix.semantics.positions import Positions


def spans(text: str) -> dict[str, str]:
    """What stands at the span of every attribute access, by its source in canonical form."""
    positions = Positions(text)
    return {ast.unparse(n): positions.source(n) for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Attribute)}


@pytest.mark.parametrize(
    "text",
    [
        "a.b\n",
        "a.b",
        "x = 1\r\ny = a.b\r\n",
        "x = 1\ry = a.b\r",
        "x = 1\ny = 2\r\nz = a.b\r",
        "x = 1\n\f\ny = a.b\n",
        "\fy = a.b\n",
        "x = '\u2028'; y = a.b\n",
        "x = '\u2028'\ny = a.b\n",
        "x = '\x0b\x1c\x85'\ny = a.b\n",
        "größe = a.b\n",
        "x = '🔥卷积'; y = a.b\n",
        "# 🔥\nif x:\n\ty = '卷'; z = a.b\n",
        "x = '''\r\n🔥\r\n'''; y = a.b\n",
        "y = (1 +\\\n  a.b)\n",
        "y = f'é{a.b}'\n",
        "y = f'''\né {x}\n  é{a.b!r:>{w}}'''\n",
        "y = ('é'\n     f'é{a.b}')\n",
    ],
)
def test_span_of_a_node_is_its_text(text: str) -> None:
    assert spans(text)["a.b"] == "a.b"


def test_names_beyond_ascii_have_their_own_spelling_in_the_text() -> None:
    assert spans("é = ñ.ü\n")["ñ.ü"] == "ñ.ü"


def test_decorators_do_not_belong_to_a_class() -> None:
    text = "@deco\nclass A:\n    pass\n"
    node = ast.parse(text).body[0]
    assert Positions(text).source(node) == "class A:\n    pass"


def test_a_made_node_has_no_span() -> None:
    with pytest.raises(ValueError, match="no position"):
        Positions("x").span(ast.Name("x"))


@pytest.mark.parametrize(
    ("text", "offset", "line", "column"),
    [
        ("ab\ncd", 0, 1, 1),
        ("ab\ncd", 2, 1, 3),
        ("ab\ncd", 3, 2, 1),
        ("ab\ncd", 5, 2, 3),
        ("ab\r\ncd", 4, 2, 1),
        ("é\u2028b\ncd", 2, 1, 3),
        ("é\fb\ncd", 4, 2, 1),
        ("", 0, 1, 1),
    ],
)
def test_location_counts_lines_as_python_does_and_characters(text: str, offset: int, line: int, column: int) -> None:
    assert Positions(text).location("a.py", offset) == Location("a.py", line, column)


@given(
    st.lists(st.sampled_from(["x", "é", "🔥", "\u2028", "\f", "'"]), max_size=8), st.sampled_from(["\n", "\r\n", "\r"])
)
def test_the_span_of_a_statement_behind_any_comment_and_string(letters: list[str], newline: str) -> None:
    text = f"# {''.join(letters)}{newline}'{''.join(letters).replace(chr(39), '')}'; a.b{newline}c.d"
    positions = Positions(text)
    last = ast.parse(text).body[-1]
    assert positions.span(last) == Span(len(text) - 3, len(text))
    assert spans(text) == {"a.b": "a.b", "c.d": "c.d"}
