"""Byte-level variants of the fixtures: whatever stands between the tokens, no codemod crashes or strays."""

from __future__ import annotations

import ast
from pathlib import Path

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from modfix.engine.registry import load as load_registry
from modfix.testing.fixtures import load
from modfix.testing.harness import check_invariants, crlf, tabs

CASES = {
    f"{case.codemod}/{case.name}": case
    for case in load(Path(__file__).parents[1] / "fixtures")
    if case.before.keys() == {"model.py"}
}

# What may stand on a line of its own, and what may stand behind a statement.
OWN_LINES = ("", "    ", "\t", "\f", "# note", "        # note", "# größer \u2028 卷积 🔥", "# modfix: ignored?", "#!x")
ENDINGS = (" ", "\t", ";", " ;", "  # note", "  # σ² \u2028 x", " \f")

Change = tuple[int, str, bool]  # line number, text, whether it is a line of its own
changes_of_lines = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 200), st.sampled_from(OWN_LINES), st.just(True)),
        st.tuples(st.integers(0, 200), st.sampled_from(ENDINGS), st.just(False)),
    ),
    max_size=12,
)


def varied(source: str, changes: list[Change]) -> str:
    """``source`` with those of ``changes`` that keep its syntax tree (not so inside a string or behind a backslash)."""
    tree = ast.dump(ast.parse(source))
    for number, text, own_line in changes:
        lines = source.split("\n")
        at = number % len(lines)
        if own_line:
            lines.insert(at, text)
        else:
            lines[at] += text
        candidate = "\n".join(lines)
        try:
            if ast.dump(ast.parse(candidate)) == tree:
                source = candidate
        except SyntaxError:
            continue
    return source


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(CASES)),
    changes=changes_of_lines,
    indent_with_tabs=st.booleans(),
    line_ends=st.sampled_from(("\n", "\r\n", "mixed")),
    last_newline=st.booleans(),
)
def test_variants_never_go_wrong(
    name: str,
    changes: list[Change],
    indent_with_tabs: bool,
    line_ends: str,
    last_newline: bool,
) -> None:
    case = CASES[name]
    source = varied(case.before["model.py"], changes)
    if indent_with_tabs:
        source = tabs(source)
    if line_ends == "\r\n":
        source = crlf(source)
    elif line_ends == "mixed":
        half = source.index("\n", len(source) // 2) + 1
        source = source[:half] + crlf(source[half:])
    if not last_newline:
        source = source.rstrip("\r\n")
    note(source)
    registry = load_registry()

    check_invariants(registry.codemods[case.codemod](), {"model.py": source}, unsafe=True)


def test_variants_keep_the_tree_and_change_the_text() -> None:
    source = 'x = """a\nb"""\ny = 1\n'
    assert varied(source, [(0, "# note", True), (2, "# in the string", True), (3, ";", False)]) == (
        '# note\nx = """a\nb"""\ny = 1;\n'
    )
