"""What a name stands for, above all when it does not stand for what it seems to."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from modfix.semantics.facts import UNKNOWN
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, dotted


def resolved(source: str) -> str:
    """The reference of the name in `here(<name>)`."""
    tree = ast.parse(dedent(source))
    functions: list[FunctionNode] = []

    def search(node: ast.AST, around: tuple[FunctionNode, ...]) -> tuple[ast.expr, tuple[FunctionNode, ...]] | None:
        if isinstance(node, ast.Call) and dotted(node.func) == "here":
            return node.args[0], around
        inner = (*around, node) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else around
        return next((found for child in ast.iter_child_nodes(node) if (found := search(child, inner))), None)

    found = search(tree, tuple(functions))
    assert found is not None
    return Names(tree).resolve(*found)


@pytest.mark.parametrize(
    ("source", "ref"),
    [
        ("import torch\nhere(torch.nn.Conv2d)", "torch.nn.Conv2d"),
        ("import torch.nn\nhere(torch.nn.Conv2d)", "torch.nn.Conv2d"),
        ("import torch.nn as N\nhere(N.Conv2d)", "torch.nn.Conv2d"),
        ("from torch import nn as N\nhere(N.Conv2d)", "torch.nn.Conv2d"),
        ("from torch.nn import Conv2d as C\nhere(C)", "torch.nn.Conv2d"),
        ("from torch.nn.modules.conv import Conv2d\nhere(Conv2d)", "torch.nn.Conv2d"),
        ("from torch.nn import *\nhere(Conv2d)", "torch.nn.Conv2d"),
        ("from . import blocks\nhere(blocks.A)", ".blocks.A"),
        ("from ..blocks import A\nhere(A)", "..blocks.A"),
        ("class A: pass\nhere(A)", "@A"),
        ("def make(): pass\nhere(make)", "@make"),
        ("try:\n    import torch as t\nexcept ImportError:\n    import torch as t\nhere(t.nn)", "torch.nn"),
        ("if typing:\n    from a import B\nhere(B)", "a.B"),
        ("import a\nfrom torch import nn as a\nhere(a)", "torch.nn"),
        ("import torch\ndef f(layer):\n    here(layer)", "$layer"),
        ("def f(*layers, **more):\n    here(more)", "$more"),
        ("def f(layer):\n    def g():\n        here(layer)", "$layer"),
        ("def f():\n    from torch import nn\n    here(nn.ReLU)", "torch.nn.ReLU"),
        ("from torch import nn\nclass A:\n    nn = 1\n    def f(self):\n        here(nn.ReLU)", "torch.nn.ReLU"),
        ("here(dict)", "builtins.dict"),
    ],
)
def test_a_name_that_is_bound_once_is_known(source: str, ref: str) -> None:
    assert resolved(source) == ref


REBOUND = {
    "by an assignment": "nn = other",
    "by an annotated assignment": "nn: object = other",
    "by an augmented assignment": "nn += other",
    "by a tuple": "(a, (nn, *b)) = other",
    "by a starred target": "a, *nn = other",
    "by a walrus": "print(nn := other)",
    "by a walrus in a default": "def f(a=(nn := other)): pass",
    "by a walrus in a keyword default": "def f(*, a=(nn := other)): pass",
    "by a walrus in a base": "class A((nn := B)): pass",
    "by a walrus in a comprehension": "[(nn := i) for i in other]",
    "by a walrus in an f-string": "f'{(nn := other)}'",
    "by for": "for nn in other: pass",
    "by for with a tuple": "for a, nn in other: pass",
    "in the else of a loop": "while other: pass\nelse:\n    nn = 1",
    "by with": "with other as nn: pass",
    "by with and a tuple": "with other as (a, nn): pass",
    "by an error": "try: pass\nexcept E as nn: pass",
    "in a handler": "try: pass\nexcept E:\n    nn = None",
    "in finally": "try: pass\nfinally:\n    nn = None",
    "by another import in a handler": "import nn\ntry:\n    import q\nexcept E:\n    import q as nn",
    "by del": "del nn",
    "by a class in a branch": "if other:\n    class nn: pass",
    "by a function in a branch": "if other:\n    def nn(): pass",
    "by a capture pattern": "match other:\n    case nn: pass",
    "by a pattern with a name": "match other:\n    case [1] as nn: pass",
    "by a starred pattern": "match other:\n    case [1, *nn]: pass",
    "by the rest of a mapping pattern": "match other:\n    case {'a': 1, **nn}: pass",
    "by a keyword pattern": "match other:\n    case A(b=nn): pass",
}


@pytest.mark.parametrize("statement", REBOUND.values(), ids=REBOUND)
def test_a_rebound_name_is_unknown(statement: str) -> None:
    assert resolved(f"import torch.nn as nn\n{statement}\ndef f():\n    here(nn.ReLU)") in (UNKNOWN, "@nn.ReLU")


@pytest.mark.parametrize("statement", REBOUND.values(), ids=REBOUND)
def test_a_name_rebound_in_the_function_is_unknown(statement: str) -> None:
    body = "".join(f"    {line}\n" for line in statement.split("\n"))
    assert resolved(f"import torch.nn as nn\ndef f(a):\n{body}    here(nn.ReLU)") == UNKNOWN


@pytest.mark.parametrize("statement", REBOUND.values(), ids=REBOUND)
def test_a_parameter_rebound_in_the_function_is_unknown(statement: str) -> None:
    body = "".join(f"    {line}\n" for line in statement.split("\n"))
    assert resolved(f"def f(nn):\n{body}    here(nn)") == UNKNOWN


@pytest.mark.parametrize(
    "source",
    [
        "here(unheard_of)",
        "from a import *\nfrom b import *\nhere(Conv2d)",
        "import nn\ndef f():\n    global nn\n    here(nn)",
        "def f(nn):\n    def g():\n        nonlocal nn\n        nn = 1\n    here(nn)",
        "def f():\n    def nn(): pass\n    here(nn)",
        "def f():\n    class nn: pass\n    here(nn)",
        "here(nn)\nimport nn",
        "here(A)\nclass A: pass",
        "import a\nhere(a().b)",
        "import a\nhere(a[0].b)",
        "try:\n    from fast import A\nexcept ImportError:\n    from slow import A\nhere(A)",
        "if x:\n    from fast import A\nelse:\n    A = None\nhere(A)",
        "import a\ndef f():\n    [a for a in b]\n    here(a)",
    ],
)
def test_what_the_source_does_not_say_is_unknown(source: str) -> None:
    assert resolved(source) == UNKNOWN


def test_a_nested_function_does_not_rebind_names_of_the_module() -> None:
    assert resolved("import a\ndef g():\n    a = 1\ndef f():\n    here(a)") == "a"
