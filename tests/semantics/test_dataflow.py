"""When two names certainly hold the same object, and when a definition may go."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modfix.semantics.dataflow import Parents, last_value, owns_list, same_object
from tests.semantics.helpers import function, marked


def alias(body: str, parameters: str = "x, y, c") -> tuple[bool, int]:
    parents, root = function(body, parameters)
    found = same_object(parents, marked(root), "t", "x")
    return found.proved, found.line - 1


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("t = x\nhere", 1),
        ("x = t = y\nt = x\nhere", 2),
        ("t = y\nx = t\nhere", 2),
        ("t = z = x\nhere", 1),
        ("t, z = x, y\nhere", 1),
        ("z, t = y, x\nhere", 1),
        ("t = x\ny = 3\nz = t + x\nhere", 1),
        ("t = x\nif c:\n    here", 1),
        ("t = x\nfor i in c:\n    here", 1),
        ("for i in c:\n    t = x\n    here\n    x = x + 1", 2),
        ("t = x\nwhile c:\n    if c:\n        here", 1),
        ("t = x\nif c:\n    pass\nelif y:\n    x = 1\nelse:\n    here", 1),
        ("t = x\ntry:\n    here\nexcept E:\n    pass", 1),
        ("t = x\nwith c:\n    here", 1),
        ("t = x\nmatch c:\n    case 1:\n        here", 1),
        ("t = x\n[x for x in c]\nhere", 1),
        ("t = x\ng = lambda x: x\nhere", 1),
        ("t = x\ndef g(x):\n    t = 1\nhere", 1),
        ("t = x\nx.t = 3\nx[0] = t\nhere", 1),
    ],
)
def test_proved(body: str, line: int) -> None:
    assert alias(body) == (True, line)


SPOILED = {
    "never assigned": "here",
    "assigned something else": "t = y\nhere",
    "assigned in a branch only": "if c:\n    t = x\nhere",
    "assigned in a loop only": "for i in c:\n    t = x\nhere",
    "assigned in a handler only": "try:\n    g()\nexcept E:\n    t = x\nhere",
    "a call of the name": "t = g(x)\nhere",
    "swapped": "t, x = x, t\nhere",
    "unpacked": "t = x\n(t, x) = y\nhere",
    "the same name twice among the targets": "t, t = x, y\nhere",
    "stored in a nested target": "t, (x, z) = x, (y, y)\nhere",
    "stored in a starred target": "t, *x = x, y\nhere",
    "stored by another target": "t, z = x = x, y\nhere",
    "unpacked by the first target": "x, t = t = x\nhere",
    "stored by a walrus in the value": "t, z = x, (x := y)\nhere",
    "starred source": "t, z = *x, y\nhere",
    "a list of targets": "[t, x] = x, y\nhere",
    "augmented": "t = x\nx += 1\nhere",
    "walrus behind": "t = x\ng(x := 1)\nhere",
    "walrus in a comprehension": "t = x\n[(x := i) for i in c]\nhere",
    "walrus in a default": "t = x\ndef g(a=(x := 1)): pass\nhere",
    "walrus in a default of a lambda": "t = x\ng = lambda a=(x := 1): a\nhere",
    "walrus in a base": "t = x\nclass A((x := B)): pass\nhere",
    "walrus in a decorator": "t = x\n@(x := g)\ndef h(): pass\nhere",
    "walrus in the test above": "t = x\nif (x := y):\n    here",
    "walrus in the test of an elif": "t = x\nif c:\n    pass\nelif (x := y):\n    here",
    "walrus in an f-string": "t = x\nf'{(x := 1)}'\nhere",
    "walrus in a generator that runs later": "g = (x := i for i in c)\nt = x\nnext(g)\nhere",
    "loop variable": "t = x\nfor x in c: pass\nhere",
    "loop variable around": "t = x\nfor x in c:\n    here",
    "stored later in the loop": "t = x\nfor i in c:\n    here\n    x = i",
    "stored later in an outer loop": "t = x\nwhile c:\n    for i in c:\n        here\n    t = 1",
    "stored in the body of the else": "t = x\nfor i in c:\n    t = i\nelse:\n    here",
    "stored in the try of a handler": "t = x\ntry:\n    x = 1\nexcept E:\n    here",
    "stored in the try of finally": "t = x\ntry:\n    x = 1\nfinally:\n    here",
    "caught error": "t = x\ntry:\n    g()\nexcept E as x:\n    here",
    "caught error before": "t = x\ntry:\n    g()\nexcept E as x:\n    pass\nhere",
    "with": "t = x\nwith c as x:\n    here",
    "with before": "t = x\nwith c as (z, t): pass\nhere",
    "import": "t = x\nimport x.y\nhere",
    "import from": "t = x\nfrom a import b as t\nhere",
    "function of the name": "t = x\ndef x(): pass\nhere",
    "class of the name": "t = x\nclass t: pass\nhere",
    "deleted": "t = x\ndel x\nhere",
    "capture pattern around": "t = x\nmatch c:\n    case [x, 1]:\n        here",
    "pattern with a name": "t = x\nmatch c:\n    case [1] as t: pass\nhere",
    "starred pattern": "t = x\nmatch c:\n    case [*x]: pass\nhere",
    "rest of a mapping pattern": "t = x\nmatch c:\n    case {**x}: pass\nhere",
    "nonlocal in a function above": "def g():\n    nonlocal x\n    x = 1\nt = x\ng()\nhere",
    "nonlocal in a function of a function": "def g():\n    def h():\n        nonlocal t\n        t = 1\n    h()\nt = x\ng()\nhere",
    "nonlocal in a method of a local class": "class A:\n    def h(self):\n        nonlocal x\n        x = 1\nt = x\nA().h()\nhere",
    "global": "global t\nt = x\ng()\nhere",
    "inside a nested function": "t = x\ndef g():\n    here",
    "inside a local class": "t = x\nclass A:\n    here",
    "free variable": "t = x\ndef g():\n    t = x\n    h()\n    here",
}


@pytest.mark.parametrize("body", SPOILED.values(), ids=SPOILED)
def test_not_proved(body: str) -> None:
    assert not alias(body)[0]


def test_a_name_of_the_module_may_change_at_any_call() -> None:
    assert alias("t = x\ng()\nhere", parameters="") == (False, -1)


def test_the_line_that_spoils_is_told() -> None:
    assert alias("t = x\n\nif c:\n    x = 1\nhere") == (False, 4)


@pytest.mark.parametrize(
    ("body", "removable"),
    [
        ("t = x\nhere", True),
        ("t = x\nz = x\nhere", True),
        ("if c:\n    t = x\n    here", True),
        ("for i in c:\n    t = x\n    here", True),
        ("t = x\nz = t\nhere", False),
        ("t = x\nif c:\n    return t\nhere", False),
        ("t = z = x\nhere", False),
        ("t, z = x, y\nhere", False),
        ("x = t\nhere", False),
        ("t = x\nif c:\n    here", False),
        ("def g():\n    return t\nt = x\ng()\nhere", False),
        ("g = lambda: t\nt = x\ng()\nhere", False),
        ("g = (t for i in c)\nt = x\nnext(g)\nhere", False),
        ("class A:\n    def g(self):\n        return t\nt = x\nA().g()\nhere", False),
        ("for i in c:\n    t = x\n    if y:\n        break\n    here\nprint(t)", False),
        ("for i in c:\n    t = x\n    if y:\n        continue\n    here\nprint(t)", False),
        ("try:\n    t = x\n    g()\n    here\nexcept E:\n    print(t)", False),
        ("with c:\n    t = x\n    g()\n    here\nprint(t)", False),
    ],
)
def test_a_definition_may_go_when_nobody_reads_it_before_the_next_store(body: str, removable: bool) -> None:
    parents, root = function(body + "\nt = 2" if "print" not in body else body)
    assert (same_object(parents, marked(root), "t", "x").definition is not None) is removable


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("v = [x]\nhere", "[x]"),
        ("v = 1\nv = y\nhere", "y"),
        ("v = w = y\nhere", "y"),
        ("v = 1\nif c:\n    here", "1"),
        ("v = 1\nif c:\n    v = 2\nhere", None),
        ("v = 1\nfor i in c:\n    here", None),
        ("v = 1\nif (v := 2):\n    here", None),
        ("v = (v := 1)\nhere", None),
        ("v, w = x, y\nhere", None),
        ("v += 1\nhere", None),
        ("v = 1\ndef g():\n    nonlocal v\n    v = 2\ng()\nhere", None),
        ("here", None),
    ],
)
def test_last_value(body: str, value: str | None) -> None:
    parents, root = function(body)
    found = last_value(parents, marked(root), "v")
    assert (None if found is None else ast.unparse(found)) == value


@pytest.mark.parametrize(
    ("body", "owned"),
    [
        ("v = [x]\nhere", True),
        ("v = [i for i in x]\nv.append(y)\nv[0] = 1\nfor i in v: pass\nlen(v)\nhere", True),
        ("v = [x]\nw = [i for i in v]\nhere", True),
        ("v = (x,)\nhere", False),
        ("v = w = [x]\nhere", False),
        ("v = [x]\nw = v\nhere", False),
        ("v = [x]\ng(v)\nhere", False),
        ("v = [x]\nw = v.append\nhere", False),
        ("v = [x]\nw = v.__iter__()\nhere", False),
        ("v = [x]\nw[v] = 1\nhere", False),
        ("v = [x]\nw = (i for i in v)\nhere", False),
        ("v = [x]\nif g(v):\n    here", False),
        ("def g():\n    return v\nv = [x]\nw = g()\nhere", False),
    ],
)
def test_a_list_is_owned_when_nothing_else_may_hold_it(body: str, owned: bool) -> None:
    parents, root = function(body)
    assert owns_list(parents, marked(root), "v") is owned


OPERATIONS = (
    "t = x",
    "x = t",
    "t = y",
    "x = y",
    "t, x = x, t",
    "t = x = y",
    "x += 1",
    "if c: t = x",
    "if c: x = 5",
    "for i in (1, 2): t = x",
    "while step(): x, t = t, x",
)


@given(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=6), st.booleans())
def test_what_is_proved_holds_when_the_function_runs(operations: list[str], c: bool) -> None:
    body = "\n".join(["t = 900", *operations, "here"])
    parents, root = function(body)
    if same_object(parents, marked(root), "t", "x").proved:
        steps = iter((True, False))
        names = {"t": 901, "x": 902, "y": 903, "c": c, "here": None, "step": lambda: next(steps, False)}
        exec(body, names)  # our own small programs
        assert names["t"] is names["x"]


def test_parents_know_suites_and_functions() -> None:
    tree = ast.parse("def f():\n    async def g():\n        if a:\n            pass\n        else:\n            here")
    parents = Parents(tree)
    at = marked(tree)
    suite, index = parents.suite(at)
    assert suite == [at]
    assert index == 0
    assert [f.name for f in parents.functions(at)] == ["f", "g"]
    enclosing = parents.enclosing(at)
    assert isinstance(enclosing, ast.If)
    assert parents.enclosing(tree.body[0]) is None
    assert parents.scope(tree.body[0]) is tree
