"""Every verb, before and after. Each case also runs with CRLF, CR and tabs, deeper, and without a final line end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.engine.edits import (
    MakeEdit,
    after,
    as_cr,
    as_crlf,
    as_tabs,
    before,
    collapse,
    enclose,
    indented,
    method,
    move,
    otherwise,
    passed,
    recall,
    remove,
    replace,
    run,
    swap,
    wrap,
)

Case = tuple[str, str, Sequence[MakeEdit], str]

REMOVE: list[Case] = [
    ("in the middle", "a = 1\nx = 2\nb = 3\n", [remove("x")], "a = 1\nb = 3\n"),
    ("first", "x = 2\nb = 3\n", [remove("x")], "b = 3\n"),
    ("last", "a = 1\nx = 2\n", [remove("x")], "a = 1\n"),
    ("own paragraph", "a = 1\n\nx = 2\n\nb = 3\n", [remove("x")], "a = 1\n\nb = 3\n"),
    ("end of a paragraph", "a = 1\nx = 2\n\nb = 3\n", [remove("x")], "a = 1\n\nb = 3\n"),
    ("start of a paragraph", "a = 1\n\nx = 2\nb = 3\n", [remove("x")], "a = 1\n\nb = 3\n"),
    ("two in a row", "a = 1\n\nx = 2\n\ny = 2\nb = 3\n", [remove("x"), remove("y")], "a = 1\n\nb = 3\n"),
    ("comment above", "a = 1\n# why\nx = 2\nb = 3\n", [remove("x")], "a = 1\n# why\nb = 3\n"),
    ("comment above and blank", "a = 1\n\n# why\nx = 2\n\nb = 3\n", [remove("x")], "a = 1\n\n# why\n\nb = 3\n"),
    ("comment behind", "a = 1\nx = 2  # why\nb = 3\n", [remove("x")], "a = 1\n# why\nb = 3\n"),
    ("comment behind the last", "a = 1\nx = 2  # why\n", [remove("x")], "a = 1\n# why\n"),
    ("comment inside", "a = 1\nx = [  # why\n    2,  # two\n]\nb = 3\n", [remove("x")], "a = 1\n# why\n# two\nb = 3\n"),
    ("only one", "if a:\n    x = 2\n", [remove("x")], "if a:\n    pass\n"),
    ("all of a block", "if a:\n    x = 2\n    y = 3\n", [remove("x"), remove("y")], "if a:\n    pass\n"),
    (
        "only one with comments",
        "if a:  # head\n    # above\n    x = 2  # behind\n    # below\n",
        [remove("x")],
        "if a:  # head\n    # above\n    # behind\n    pass\n    # below\n",
    ),
    ("first of a block", "if a:\n    x = 2\n\n    y = 3\n", [remove("x")], "if a:\n    y = 3\n"),
    ("in an else", "if a:\n    b = 1\nelse:\n    x = 2\nc = 1\n", [remove("x")], "if a:\n    b = 1\nc = 1\n"),
    ("in a short else", "if a: b = 1\nelse: x = 2\nc = 1\n", [remove("x")], "if a: b = 1\nc = 1\n"),
    (
        "in an else with comments",
        "a = 1\nif a:\n    b = 1\n# one\nelse:  # two\n    x = 2  # three\nc = 1\n",
        [remove("x")],
        "a = 1\n# one\n# two\n# three\nif a:\n    b = 1\nc = 1\n",
    ),
    ("in the else of a loop", "for a in b:\n    c = 1\nelse:\n    x = 2\n", [remove("x")], "for a in b:\n    c = 1\n"),
    (
        "in a finally",
        "try:\n    a = 1\nfinally:\n    x = 2\n",
        [remove("x")],
        "try:\n    a = 1\nfinally:\n    pass\n",
    ),
    ("first on a line", "x = 2; b = 3  # why\n", [remove("x")], "b = 3  # why\n"),
    ("middle of a line", "a = 1; x = 2; b = 3\n", [remove("x")], "a = 1; b = 3\n"),
    ("last on a line", "a = 1; x = 2  # why\nb = 3\n", [remove("x")], "a = 1  # why\nb = 3\n"),
    ("all on a line", "a = 1\nx = 2; y = 3  # why\n", [remove("x"), remove("y")], "a = 1\n# why\n"),
    ("with a semicolon", "a = 1\nx = 2;\nb = 3\n", [remove("x")], "a = 1\nb = 3\n"),
    ("short if", "if a: x = 2  # why\n", [remove("x")], "if a: pass  # why\n"),
    ("one of a short if", "if a: x = 2; b = 3  # why\n", [remove("x")], "if a: b = 3  # why\n"),
    ("a block", "a = 1\nif b:  # one\n    # two\n    c = 1\nd = 1\n", [remove("if")], "a = 1\n# one\n# two\nd = 1\n"),
]
COLLAPSE: list[Case] = [
    ("body", "if a:\n    b = 1\nelse:\n    c = 1\nd = 1\n", [collapse("if", "body")], "b = 1\nd = 1\n"),
    ("orelse", "if a:\n    b = 1\nelse:\n    c = 1\nd = 1\n", [collapse("if", "orelse")], "c = 1\nd = 1\n"),
    ("no orelse", "b = 1\nif a:\n    c = 1\nd = 1\n", [collapse("if", "orelse")], "b = 1\nd = 1\n"),
    (
        "no orelse, comments",
        "b = 1\n# above\nif a:  # head\n    c = 1  # behind\nd = 1\n",
        [collapse("if", "orelse")],
        "b = 1\n# above\n# head\n# behind\nd = 1\n",
    ),
    (
        "comments everywhere, body",
        "z = 1\n\n# above\nif a:  # head\n    # own\n    b = 1  # behind\n    # below\n# over else\n"
        "else:  # else\n    # other\n    c = 1\n    # last\n\nd = 1\n",
        [collapse("if", "body")],
        "z = 1\n\n# above\n# head\n# over else\n# else\n# other\n# last\n# own\nb = 1  # behind\n# below\n\nd = 1\n",
    ),
    (
        "comments everywhere, orelse",
        "z = 1\n\n# above\nif a:  # head\n    # own\n    b = 1  # behind\n    # below\n# over else\n"
        "else:  # else\n    # other\n    c = 1\n    # last\n\nd = 1\n",
        [collapse("if", "orelse")],
        "z = 1\n\n# above\n# head\n# own\n# behind\n# below\n# over else\n# else\n# other\nc = 1\n# last\n\nd = 1\n",
    ),
    ("comment in the test", "if (a and  # why\n        b):\n    c = 1\n", [collapse("if", "body")], "# why\nc = 1\n"),
    (
        "blank line in front",
        "z = 1\nif a:\n\n    b = 1\n\n    c = 1\n",
        [collapse("if", "body")],
        "z = 1\nb = 1\n\nc = 1\n",
    ),
    ("short", "if a: b = 1; c = 2  # why\nelse: d = 1\n", [collapse("if", "body")], "b = 1; c = 2  # why\n"),
    ("short orelse", "if a: b = 1\nelse: d = 1  # why\ne = 1\n", [collapse("if", "orelse")], "d = 1  # why\ne = 1\n"),
    ("pass goes", "if a:\n    pass\nelse:\n    b = 1\nc = 1\n", [collapse("if", "body")], "c = 1\n"),
    (
        "pass stays alone",
        "if z:\n    if a:\n        pass  # why\n    else:\n        b = 1\n",
        [collapse("if a", "body")],
        "if z:\n    # why\n    pass\n",
    ),
    ("pass beside others", "if a:\n    pass\n    b = 1; pass\n", [collapse("if", "body")], "b = 1\n"),
    (
        "elif chain, orelse",
        "if a:\n    b = 1\nelif c:  # two\n    d = 1\nelse:\n    e = 1\n",
        [collapse("if", "orelse")],
        "if c:  # two\n    d = 1\nelse:\n    e = 1\n",
    ),
    (
        "elif, body",
        "if a:\n    b = 1\n# above\nelif c:  # two\n    d = 1\nelse:\n    e = 1  # gone\nf = 1\n",
        [collapse("elif", "body")],
        "if a:\n    b = 1\n# above\n# gone\nelse:  # two\n    d = 1\nf = 1\n",
    ),
    (
        "elif, orelse",
        "if a:\n    b = 1\nelif c:  # two\n    d = 1\n# three\nelse:  # four\n    e = 1\n",
        [collapse("elif", "orelse")],
        "if a:\n    b = 1\n# two\n# three\nelse:  # four\n    e = 1\n",
    ),
    (
        "elif, orelse is an elif",
        "if a:\n    b = 1\nelif c:  # two\n    d = 1\nelif e:\n    f = 1\n",
        [collapse("elif c", "orelse")],
        "if a:\n    b = 1\n# two\nelif e:\n    f = 1\n",
    ),
    (
        "elif, no orelse",
        "if a:\n    b = 1\nelif c:  # two\n    d = 1\ne = 1\n",
        [collapse("elif", "orelse")],
        "# two\nif a:\n    b = 1\ne = 1\n",
    ),
    (
        "elif with pass",
        "if a:\n    b = 1\nelif c:\n    pass\ne = 1\n",
        [collapse("elif", "body")],
        "if a:\n    b = 1\ne = 1\n",
    ),
    ("short elif", "if a: b = 1\nelif c: d = 1\n", [collapse("elif", "body")], "if a: b = 1\nelse: d = 1\n"),
    ("an elif goes", "if a:\n    b = 1\nelif c:  # why\n    d = 1\n", [remove("elif")], "# why\nif a:\n    b = 1\n"),
    (
        "an elif is replaced",
        "if a:\n    b = 1\nelif c:  # why\n    d = 1\n",
        [replace("elif", "e = 1\n")],
        "if a:\n    b = 1\nelse:\n    # why\n    e = 1\n",
    ),
    (
        "if in else",
        "if a:\n    b = 1\nelse:\n    if c:\n        d = 1\n    else:\n        e = 1\n",
        [collapse("if c", "body")],
        "if a:\n    b = 1\nelse:\n    d = 1\n",
    ),
    (
        "if in else without orelse",
        "if a:\n    b = 1\nelse:\n    if c:\n        d = 1\n",
        [collapse("if c", "orelse")],
        "if a:\n    b = 1\n",
    ),
    (
        "nested, one group",
        "if a:\n    if b:\n        c = 1\n    else:\n        d = e\nf = 1\n",
        [collapse("if a", "body"), collapse("if b", "orelse"), swap("e", "g")],
        "d = g\nf = 1\n",
    ),
    (
        "edits in what goes",
        "if a:\n    b = c\nelse:\n    d = 1\n",
        [collapse("if a", "orelse"), swap("c", "g"), remove("b")],
        "d = 1\n",
    ),
    (
        "continuation lines",
        "if a:\n    b = c(\n        d,\n        e=[\n            1,\n        ],\n    )\n",
        [collapse("if", "body")],
        "b = c(\n    d,\n    e=[\n        1,\n    ],\n)\n",
    ),
    (
        "strings keep their lines",
        "if a:\n    b = '''\n    c\n        d'''\n    e = f'''\n    {c}\n    '''\n",
        [collapse("if", "body")],
        "b = '''\n    c\n        d'''\ne = f'''\n    {c}\n    '''\n",
    ),
    (
        "with insertions",
        "if a:\n    b = 1\n",
        [collapse("if", "body"), before("if", "y = 1\n"), after("if", "z = 1\n")],
        "y = 1\nb = 1\nz = 1\n",
    ),
]

REPLACE: list[Case] = [
    ("plain", "# above\nx = 2  # behind\nb = 1\n", [replace("x", "y = 1\n")], "# above\ny = 1  # behind\nb = 1\n"),
    (
        "by two",
        "a = 1\n\nx = 2  # why\nb = 1\n",
        [replace("x", "y = 1\nz = 1\n")],
        "a = 1\n\ny = 1\nz = 1  # why\nb = 1\n",
    ),
    ("own comment", "x = 2  # why\n", [replace("x", "y = 1  # own\n")], "# why\ny = 1  # own\n"),
    ("inner comment", "x = f(  # why\n    2)\nb = 1\n", [replace("x", "y = 1\n")], "# why\ny = 1\nb = 1\n"),
    ("by a block", "x = 2  # why\n", [replace("x", "if a:\n    y = 1\n")], "# why\nif a:\n    y = 1\n"),
    (
        "a block",
        "a = 1\n# above\nif x:  # one\n    b = 1  # two\nc = 1\n",
        [replace("if", "y = 1\n")],
        "a = 1\n# above\n# one\n# two\ny = 1\nc = 1\n",
    ),
    (
        "on a line",
        "a = 1; x = 2; b = 3  # why\n",
        [replace("x", "y = 1\nz = 1\n")],
        "a = 1\ny = 1\nz = 1\nb = 3  # why\n",
    ),
    ("short if", "if a: x = 2  # why\n", [replace("x", "y = 1\nz = 1\n")], "if a:\n    y = 1\n    z = 1  # why\n"),
    (
        "comments in the source",
        "x = 2\n",
        [replace("x", "# one\ny = 1\n\n# two\nz = 1\n# three\n")],
        "# one\ny = 1\n\n# two\nz = 1\n# three\n",
    ),
]

INSERT: list[Case] = [
    ("before", "a = 1\nx = 2\n", [before("x", "y = 1\n")], "a = 1\ny = 1\nx = 2\n"),
    ("before, comments", "a = 1\n\n# own\nx = 2\n", [before("x", "y = 1\n")], "a = 1\n\ny = 1\n# own\nx = 2\n"),
    (
        "before, other comments",
        "a = 1\n# other\n\n# own\nx = 2\n",
        [before("x", "y = 1\n")],
        "a = 1\n# other\n\ny = 1\n# own\nx = 2\n",
    ),
    (
        "before a definition",
        "a = 1\n\n\ndef x():\n    pass\n",
        [before("def", "y = 1\n")],
        "a = 1\n\n\ny = 1\n\n\ndef x():\n    pass\n",
    ),
    (
        "before a decorated class",
        "# own\n@d\nclass X:\n    pass\n",
        [before("class", "y = 1\n")],
        "y = 1\n\n\n# own\n@d\nclass X:\n    pass\n",
    ),
    (
        "definition in a class",
        "class A:\n    a = 1\n    b = 1\n",
        [after("a", "def f(self):\n    pass\n")],
        "class A:\n    a = 1\n\n    def f(self):\n        pass\n\n    b = 1\n",
    ),
    ("after", "x = 2  # why\n# below\nb = 1\n", [after("x", "y = 1\n")], "x = 2  # why\ny = 1\n# below\nb = 1\n"),
    (
        "after the last",
        "if a:\n    x = 2\n    # below\n",
        [after("x", "y = 1\n")],
        "if a:\n    x = 2\n    y = 1\n    # below\n",
    ),
    ("after a block", "if a:\n    x = 2\n\nb = 1\n", [after("if", "y = 1\n")], "if a:\n    x = 2\ny = 1\n\nb = 1\n"),
    (
        "several",
        "x = 2\n",
        [after("x", "y = 1\n"), after("x", "z = 1\n"), before("x", "v = 1\n"), before("x", "w = 1\n")],
        "v = 1\nw = 1\nx = 2\ny = 1\nz = 1\n",
    ),
    (
        "nested source",
        "if a:\n    x = 2\n",
        [after("x", "for b in c:\n    if d:\n        e = '''\n  f'''\n")],
        "if a:\n    x = 2\n    for b in c:\n        if d:\n            e = '''\n  f'''\n",
    ),
    ("on a line", "a = 1; x = 2; b = 3  # why\n", [before("x", "y = 1\n")], "a = 1\ny = 1\nx = 2\nb = 3  # why\n"),
    ("short if", "if a: x = 2  # why\n", [after("x", "y = 1\n")], "if a:\n    x = 2  # why\n    y = 1\n"),
    ("and remove", "a = 1\nx = 2\n", [after("x", "y = 1\n"), remove("x")], "a = 1\ny = 1\n"),
    ("and swap", "x = f(2)\n", [after("x", "y = 1\n"), swap("2", "3")], "x = f(3)\ny = 1\n"),
]

F = "def f(self):\n    return 1\n"
METHOD: list[Case] = [
    (
        "plain",
        "class A:\n    def g(self):\n        pass\n\nb = 1\n",
        [method("class", F)],
        "class A:\n    def g(self):\n        pass\n\n    def f(self):\n        return 1\n\nb = 1\n",
    ),
    ("only pass", "class A:\n    pass\n", [method("class", F)], "class A:\n    def f(self):\n        return 1\n"),
    (
        "short pass",
        "class A: pass  # why\n",
        [method("class", F)],
        "class A:  # why\n    def f(self):\n        return 1\n",
    ),
    (
        "short",
        "class A: x = 1  # why\n",
        [method("class", F)],
        "class A:\n    x = 1  # why\n\n    def f(self):\n        return 1\n",
    ),
    (
        "docstring",
        "class A:\n    'Doc.'\n",
        [method("class", F)],
        "class A:\n    'Doc.'\n\n    def f(self):\n        return 1\n",
    ),
    (
        "two behind the same one",
        "class A:\n    def g(self):\n        pass\n",
        [method("class", F, "g"), method("class", F.replace("f(", "k("), "g")],
        "class A:\n    def g(self):\n        pass\n\n    def f(self):\n        return 1\n\n"
        "    def k(self):\n        return 1\n",
    ),
    (
        "behind",
        "class A:\n    def g(self):\n        pass\n\n    def h(self):\n        pass\n",
        [method("class", F, "g")],
        "class A:\n    def g(self):\n        pass\n\n    def f(self):\n        return 1\n\n"
        "    def h(self):\n        pass\n",
    ),
    (
        "behind, no blank",
        "class A:\n    def g(self):\n        pass\n    x = 1\n",
        [method("class", F, "g")],
        "class A:\n    def g(self):\n        pass\n\n    def f(self):\n        return 1\n\n    x = 1\n",
    ),
    (
        "comments at the end",
        "class A:\n    def g(self):\n        pass\n        # one\n    # two\n\nb = 1\n",
        [method("class", F)],
        "class A:\n    def g(self):\n        pass\n        # one\n\n    def f(self):\n        return 1\n"
        "    # two\n\nb = 1\n",
    ),
    (
        "decorated",
        "@d\nclass A:\n    pass\n",
        [method("class", "@e\n" + F)],
        "@d\nclass A:\n    @e\n    def f(self):\n        return 1\n",
    ),
    (
        "with edits inside",
        "class A:\n    x = 1\n    def g(self):\n        return 2\n",
        [method("class", F), remove("x"), swap("2", "3")],
        "class A:\n    def g(self):\n        return 3\n\n    def f(self):\n        return 1\n",
    ),
    (
        "emptied class",
        "class A:\n    x = 1\n",
        [method("class", F), remove("x")],
        "class A:\n    def f(self):\n        return 1\n",
    ),
]

ELSE: list[Case] = [
    ("plain", "if a:\n    b = 1\nc = 1\n", [otherwise("if", "b = 2")], "if a:\n    b = 1\nelse:\n    b = 2\nc = 1\n"),
    (
        "comments behind",
        "if a:\n    b = 1  # why\n    # below\n# after\nc = 1\n",
        [otherwise("if", "b = 2")],
        "if a:\n    b = 1  # why\n    # below\nelse:\n    b = 2\n# after\nc = 1\n",
    ),
    ("one line", "if a: b = 1\nc = 1\n", [otherwise("if", "b = 2")], "if a: b = 1\nelse:\n    b = 2\nc = 1\n"),
    (
        "of an elif",
        "if a:\n    b = 1\nelif c:\n    b = 2\nd = 1\n",
        [otherwise("elif", "b = 3")],
        "if a:\n    b = 1\nelif c:\n    b = 2\nelse:\n    b = 3\nd = 1\n",
    ),
    (
        "two",
        "x = 1\nif a:\n    b = 1\n",
        [remove("x"), otherwise("if", "b = 2"), otherwise("if", "c = 3")],
        "if a:\n    b = 1\nelse:\n    b = 2\n    c = 3\n",
    ),
]

CALL: list[Case] = [
    ("one argument", "y = F.relu(x)\n", [recall("F.", "self.relu", 0)], "y = self.relu(x)\n"),
    (
        "of three",
        "y = F.dropout(x, p=0.5, training=self.training)\n",
        [recall("F.", "self.dropout", 0)],
        "y = self.dropout(x)\n",
    ),
    ("none", "y = f(a, b)\n", [recall("f(", "g")], "y = g()\n"),
    ("not the first", "y = f(a, b, k=c)\n", [recall("f(", "g", 1, 2)], "y = g(b, k=c)\n"),
    (
        "nested",
        "y = F.dropout(F.relu(z(x)), 0.5)\n",
        [recall("F.dropout", "self.dropout", 0), recall("F.relu", "self.relu", 0)],
        "y = self.dropout(self.relu(z(x)))\n",
    ),
    ("over lines", "y = f(\n    x,\n    p=1,\n)\n", [recall("f(", "g", 0)], "y = g(x)\n"),
    (
        "over lines with more",
        "y = f(\n    x,\n    p=1,\n    q=2,\n)\n",
        [recall("f(", "g", 0, 1)],
        "y = g(\n    x,\n    p=1,\n)\n",
    ),
    (
        "comments",
        "a = 1\ny = f(  # one\n    x,  # two\n    p=1,  # three\n)  # four\n",
        [recall("f(", "g", 0)],
        "a = 1\n# one\n# two\n# three\ny = g(x)  # four\n",
    ),
    ("in parentheses", "y = (f)(x)\n", [recall("(f)", "g", 0)], "y = g(x)\n"),
    ("a word before", "y = not f(x, 1)\n", [recall("f(", "a.g", 0)], "y = not a.g(x)\n"),
]

PASS: list[Case] = [
    ("a call", "a.x = f(1)  # why\n", [passed("a.x", "a.r", '"x"', "p=False")], 'a.r("x", f(1), p=False)  # why\n'),
    (
        "over lines with comments",
        "x = f(\n    1,  # one\n    # two\n    2,\n)\n",
        [passed("x", "r", '"x"', "p=False")],
        'r("x", f(\n    1,  # one\n    # two\n    2,\n), p=False)\n',
    ),
    ("in parentheses", "x = (a +\n     b)\n", [passed("x", "r", '"x"', "p=0")], 'r("x", (a +\n     b), p=0)\n'),
    (
        "with broken lines",
        "if a:\n    x = f(1)  # why\n",
        [passed("x", "r", '"x"', "p=0", broken=True)],
        'if a:\n    r(\n        "x",\n        f(1),\n        p=0,\n    )  # why\n',
    ),
    ("a tuple", "x = a, b\n", [passed("x", "r", '"x"', "p=0")], 'r("x", (a, b), p=0)\n'),
    ("beside others", "y = 1; x = 2; z = 3\n", [passed("x", "r", '"x"', "p=0")], 'y = 1; r("x", 2, p=0); z = 3\n'),
    ("edited inside", "x = V(a)\n", [passed("x", "r", '"x"', "p=0"), swap("V(a)", "a")], 'r("x", a, p=0)\n'),
    ("short if", "if a: x = 2  # why\n", [passed("x", "r", '"x"', "p=0")], 'if a: r("x", 2, p=0)  # why\n'),
]

ENCLOSE: list[Case] = [
    ("a list", "a.x = [f(), g()]  # both\n", [enclose("[f(), g()]", "nn.M")], "a.x = nn.M([f(), g()])  # both\n"),
    ("a tuple", "x = (f(), g())\n", [enclose("(f(), g())", "M")], "x = M([f(), g()])\n"),
    ("a tuple of one", "x = (f(),)\n", [enclose("(f(),)", "M")], "x = M([f(),])\n"),
    ("a bare tuple", "x = f(), g()\n", [enclose("f(), g()", "M")], "x = M([f(), g()])\n"),
    (
        "over lines with comments",
        "x = [\n    f(),  # one\n    # two\n    g(),\n]\n",
        [enclose("[", "M")],
        "x = M([\n    f(),  # one\n    # two\n    g(),\n])\n",
    ),
    ("a name", "x = layers\n", [enclose("layers", "M")], "x = M(layers)\n"),
    ("a product", "x = [m] * n\n", [enclose("[m] * n", "M")], "x = M([m] * n)\n"),
    ("in a sum", "x = y + [m]\n", [enclose("[m]", "M")], "x = y + M([m])\n"),
    (
        "nested",
        "x = [[f()], [g()]]\n",
        [enclose("[[f()], [g()]]", "M"), enclose("[f()]", "M")],
        "x = M([M([f()]), [g()]])\n",
    ),
]

WRAP: list[Case] = [
    ("one", "a = 1\nx = 2\nb = 3\n", [wrap("x", "x", "if c:")], "a = 1\nif c:\n    x = 2\nb = 3\n"),
    ("with", "a = 1\nx = 2\n", [wrap("x", "x", "with f(a) as b:")], "a = 1\nwith f(a) as b:\n    x = 2\n"),
    (
        "a run, comments and blank lines",
        "a = 1\n\n# above\nx = 2  # two\n\n# between\ny = 3  # three\n# behind\nb = 4\n",
        [wrap("x", "y", "if c:")],
        "a = 1\n\n# above\nif c:\n    x = 2  # two\n\n    # between\n    y = 3  # three\n# behind\nb = 4\n",
    ),
    (
        "all of a block",
        "if a:\n    x = 2\n    # end\nb = 1\n",
        [wrap("x", "x", "if c:")],
        "if a:\n    if c:\n        x = 2\n    # end\nb = 1\n",
    ),
    (
        "a block",
        "if a:  # h\n    x = 2\n    # end\nelse:\n    y = 1\nb = 1\n",
        [wrap("if", "if", "if c:")],
        "if c:\n    if a:  # h\n        x = 2\n        # end\n    else:\n        y = 1\nb = 1\n",
    ),
    (
        "over lines",
        "if a:\n    b = 1\nx = f(\n    1,  # one\n    2,\n)\nb = 1\n",
        [wrap("x", "x", "if c:")],
        "if a:\n    b = 1\nif c:\n    x = f(\n        1,  # one\n        2,\n    )\nb = 1\n",
    ),
    (
        "backslash",
        "if a:\n    b = 1\nx = 1 + \\\n    2\nb = 1\n",
        [wrap("x", "x", "if c:")],
        "if a:\n    b = 1\nif c:\n    x = 1 + \\\n    2\nb = 1\n",
    ),
    ("first on a line", "x = 2; b = 3  # why\n", [wrap("x", "x", "if c:")], "if c:\n    x = 2\nb = 3  # why\n"),
    ("middle of a line", "a = 1; x = 2; b = 3\n", [wrap("x", "x", "if c:")], "a = 1\nif c:\n    x = 2\nb = 3\n"),
    (
        "last on a line",
        "a = 1; x = 2  # why\nb = 3\n",
        [wrap("x", "x", "if c:")],
        "a = 1\nif c:\n    x = 2  # why\nb = 3\n",
    ),
    (
        "a whole line",
        "# above\nx = 2; y = 3  # why\nb = 3\n",
        [wrap("x", "y", "if c:")],
        "# above\nif c:\n    x = 2; y = 3  # why\nb = 3\n",
    ),
    (
        "from line to line",
        "a = 1; x = 2\ny = 3; b = 4\n",
        [wrap("x", "y", "if c:")],
        "a = 1\nif c:\n    x = 2\n    y = 3\nb = 4\n",
    ),
    ("with a semicolon", "a = 1\nx = 2;\nb = 3\n", [wrap("x", "x", "if c:")], "a = 1\nif c:\n    x = 2;\nb = 3\n"),
    ("short if", "if a: x = 2  # why\n", [wrap("x", "x", "if c:")], "if a:\n    if c:\n        x = 2  # why\n"),
    (
        "one of a short if",
        "if a: x = 2; b = 3  # why\n",
        [wrap("x", "x", "if c:")],
        "if a:\n    if c:\n        x = 2\n    b = 3  # why\n",
    ),
    (
        "in an else",
        "if a:\n    b = 1\nelse: x = 2\nd = 1\n",
        [wrap("x", "x", "if c:")],
        "if a:\n    b = 1\nelse:\n    if c:\n        x = 2\nd = 1\n",
    ),
    (
        "edits inside",
        "x = a\ny = f(b)\n",
        [wrap("x", "y", "if c:"), swap("a", "d"), recall("f(", "g", 0)],
        "if c:\n    x = d\n    y = g(b)\n",
    ),
    (
        "edited statements",
        "# one\nx = 1\ny = 2\nz = 3\n",
        [wrap("x", "z", "if c:"), replace("x", "v = 1"), remove("y"), after("z", "w = 4"), before("x", "u = 0")],
        "# one\nif c:\n    u = 0\n    v = 1\n    z = 3\n    w = 4\n",
    ),
    (
        "all removed",
        "# one\nx = 1  # two\nb = 1\n",
        [wrap("x", "x", "if c:"), remove("x")],
        "# one\nif c:\n    # two\n    pass\nb = 1\n",
    ),
    (
        "two beside each other",
        "x = 1\ny = 2\n",
        [wrap("x", "x", "if c:"), wrap("y", "y", "if d:")],
        "if c:\n    x = 1\nif d:\n    y = 2\n",
    ),
    (
        "one inside another",
        "a = 1\nif b:\n    x = 1\n",
        [wrap("if b", "if b", "if c:"), wrap("x", "x", "if d:")],
        "a = 1\nif c:\n    if b:\n        if d:\n            x = 1\n",
    ),
    (
        "a function",
        "b = 1\n\ndef x():\n    return 1\n\nc = 1\n",
        [wrap("def x", "def x", "if c:")],
        "b = 1\n\nif c:\n    def x():\n        return 1\n\nc = 1\n",
    ),
    (
        "a decorated class",
        "# why\n@d\nclass X:\n    pass\nb = 1\n",
        [wrap("class", "class", "if c:")],
        "# why\nif c:\n    @d\n    class X:\n        pass\nb = 1\n",
    ),
    ("long string", "x = '''a\n  b\n'''\nb = 1\n", [wrap("x", "x", "if c:")], "if c:\n    x = '''a\n  b\n'''\nb = 1\n"),
]

R = "def r(self):"
HEAD = "class A:\n    def g(self):\n        a = 1\n"
MOVE: list[Case] = [
    (
        "class with the last statement",
        HEAD + "\n        # why\n        x = 2  # two\n\n    def h(self): pass\n",
        [move(R, "self.r()", "x")],
        HEAD + "\n        self.r()\n\n    def r(self):\n        # why\n        x = 2  # two\n\n    def h(self): pass\n",
    ),
    (
        "class with a run in the middle",
        HEAD + "        x = 2\n\n        # more\n        y = [\n            3,\n        ]\n        b = 4\n",
        [move(R, "self.r()", "x", "y")],
        HEAD + "        self.r()\n        b = 4\n\n"
        "    def r(self):\n        x = 2\n\n        # more\n        y = [\n            3,\n        ]\n",
    ),
    (
        "class with others between",
        HEAD + "        # one\n        x = 2\n        b = 3\n\n        y = 4\n        c = 5\n",
        [move(R, "self.r()", "x", "y")],
        HEAD + "        b = 3\n\n        self.r()\n        c = 5\n\n"
        "    def r(self):\n        # one\n        x = 2\n\n        y = 4\n",
    ),
    (
        "class with all statements and a docstring",
        "class A:\n    def g(self):\n        x = 2\n        # end\n\n    b = 1\n",
        [move("def r(self) -> None:", "self.r()", "x", docstring='"""Do."""')],
        "class A:\n    def g(self):\n        self.r()\n        # end\n\n"
        '    def r(self) -> None:\n        """Do."""\n        x = 2\n\n    b = 1\n',
    ),
    (
        "class with one of a line",
        HEAD + "        x = 2; y = 3\n",
        [move(R, "self.r()", "x")],
        HEAD + "        self.r()\n        y = 3\n\n    def r(self):\n        x = 2\n",
    ),
    (
        "class with a short method",
        "class A:\n    def g(self): a = 1; x = 2  # why\n",
        [move(R, "self.r()", "x")],
        "class A:\n    def g(self):\n        a = 1\n        self.r()\n\n    def r(self):\n        x = 2  # why\n",
    ),
    (
        "class with edits inside",
        HEAD + "        for x in a:\n            y = f(b)\n        z = 3\n",
        [move(R, "self.r()", "for", "z"), swap("b", "self.b"), remove("z"), wrap("y", "y", "if c:")],
        HEAD + "        self.r()\n\n"
        "    def r(self):\n        for x in a:\n            if c:\n                y = f(self.b)\n",
    ),
    (
        "class with another method to come",
        HEAD + "        x = 2\n\n    def h(self):\n        pass\n",
        [move(R, "self.r()", "x"), method("class", F)],
        HEAD + "        self.r()\n\n    def r(self):\n        x = 2\n\n    def h(self):\n        pass\n\n"
        "    def f(self):\n        return 1\n",
    ),
    (
        "class inside another",
        "class B:\n    class A:\n        def g(self):\n            x = 2\n\n    def g(self):\n        b = 1\n",
        [move(R, "self.r()", "x")],
        "class B:\n    class A:\n        def g(self):\n            self.r()\n\n"
        "        def r(self):\n            x = 2\n\n    def g(self):\n        b = 1\n",
    ),
]

CASES = [*REMOVE, *COLLAPSE, *REPLACE, *INSERT, *METHOD, *ELSE, *CALL, *PASS, *ENCLOSE, *WRAP, *MOVE]


def _names() -> list[str]:
    groups = {
        "remove": REMOVE,
        "collapse": COLLAPSE,
        "replace": REPLACE,
        "insert": INSERT,
        "method": METHOD,
        "else": ELSE,
        "call": CALL,
        "pass": PASS,
        "enclose": ENCLOSE,
        "wrap": WRAP,
        "move": MOVE,
    }
    return [f"{verb}-{case[0]}" for verb, cases in groups.items() for case in cases]


@pytest.mark.parametrize("case", CASES, ids=_names())
def test_verb(case: Case) -> None:
    _, text, edits, expected = case
    assert run(text, edits) == [expected]


@pytest.mark.parametrize(
    "vary", [as_crlf, as_cr, as_tabs, lambda text: as_crlf(as_tabs(text))], ids=["crlf", "cr", "tabs", "both"]
)
@pytest.mark.parametrize("case", CASES, ids=_names())
def test_line_ends_and_tabs_do_not_matter(case: Case, vary: Callable[[str], str]) -> None:
    _, text, edits, expected = case
    if as_tabs(text) == text:  # nothing to learn the indentation from
        text, expected = "while _:\n    _ = 1\n" + text, "while _:\n    _ = 1\n" + expected
    assert run(vary(text), edits) == [vary(expected)]


@pytest.mark.parametrize("case", CASES, ids=_names())
def test_the_rest_of_the_file_does_not_matter(case: Case) -> None:
    _, text, edits, expected = case
    above, below = '"""Dök\f."""\n\f\n_ = "\u2028"\r\n', "\f\n_ = 1 \n\t\n# end"
    assert run(above + text + below, edits) == [above + expected + below]


@pytest.mark.parametrize("case", [case for case in CASES if case[3].strip()], ids=lambda case: case[0])
def test_no_line_end_at_the_end(case: Case) -> None:
    _, text, edits, expected = case
    assert run(text.removesuffix("\n"), edits) == [expected.removesuffix("\n")]


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if "'''" not in c[1] + c[3] and "class" not in c[0] and "before a def" not in c[0]],
    ids=lambda case: case[0],
)
def test_depth_does_not_matter(case: Case) -> None:
    _, text, edits, expected = case
    if not expected.strip():
        pytest.skip("a function needs a statement")
    assert run(indented(text, 2), edits) == [indented(expected, 2)]
