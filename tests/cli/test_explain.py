"""`modfix explain` and `modfix codemods`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cli.conftest import Modfix


def test_the_manual_of_a_codemod_is_the_docstring_of_its_module(modfix: Modfix) -> None:
    outcome = modfix("explain", "marker")
    assert outcome.code == 0
    assert outcome.out.startswith("marker (preview): marked lines\n\n")
    assert (sys.modules["tests.cli.conftest"].__doc__ or "?").strip() in outcome.out
    assert outcome.out.endswith(
        'Options, in [tool.modfix.marker] of pyproject.toml\n\n    style = "short"  # one of "short", "long"\n'
    )
    assert "Options" not in modfix("explain", "other").out


def test_a_class_is_explained_with_fixes_and_refusals(modfix: Modfix, zoo: Path) -> None:
    (zoo / "both.py").write_text(
        "class Net:\n    a = None  # unsafe\n    b = None  # refused\n\n\nclass Network:\n    pass\n"
    )
    outcome = modfix("explain", "both.py:Net")
    assert outcome.code == 0
    assert outcome.out == (
        "both.py:2:5: marker [unsafe] `Net.a` may be `None`\n"
        "  |\n2 |     a = None  # unsafe\n  |     ^^^^^^^^\n"
        "  = fix: make it 1 (unsafe)\n"
        "both.py:3:5: marker [refused: marked] `Net.b` may be `None`: it says so\n"
        "  |\n3 |     b = None  # refused\n  |     ^^^^^^^^\n"
        " --> both.py:1:1\n  |\n1 | class Net:\n"
    )
    one = modfix("explain", "both.py:Net.b")
    assert "Net.b" in one.out
    assert "Net.a" not in one.out
    nothing = modfix("explain", "both.py:Network")
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err == "There is nothing to say about `Network`.\n"


def test_classes_inside_functions_and_classes_are_known(modfix: Modfix, zoo: Path) -> None:
    (zoo / "nested.py").write_text("class A:\n    class B: pass\ndef f():\n    if f:\n        class C: pass\n")
    for name in ("A", "A.B", "f.<locals>.C"):
        assert modfix("explain", f"nested.py:{name}").code == 0
    assert modfix("explain", "nested.py:B").code == 2


def test_codemods_are_listed(modfix: Modfix) -> None:
    outcome = modfix("codemods")
    assert outcome.code == 0
    assert outcome.out == (
        "name    stability  summary       module\n"
        "marker  preview    marked lines  tests.cli.conftest\n"
        "other   preview    nothing       tests.cli.conftest\n"
    )
