"""Small random methods with one None test of ``self.m``, over plain values, that end and can be run.

Every variable has a value from the start, so that a lost store shows as another value. Hypothesis shrinks what fails.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

NAMES = ("a", "b", "x", "y")
INDENT = "    "

names = st.sampled_from(NAMES)
constants = st.sampled_from(("0", "1", "2", "7"))


def indented(lines: list[str]) -> list[str]:
    return [INDENT + line for line in lines]


@st.composite
def expressions(draw: DrawFn) -> str:
    """Arithmetic without effects; now and then one that stores a variable on its way."""
    a, b, c = draw(names), draw(names), draw(constants)
    forms = (
        a,
        a,
        c,
        f"{a} + {b}",
        f"{a} - {c}",
        f"f({a})",
        f"[{a} for {a} in (1, 2)][-1]",
        f"(lambda {a}: {a} + 1)({b})",
        f"({b} := {a} + {c})",
        f"len([{b} := z for z in (1, 2)])",
    )
    return draw(st.sampled_from(forms))


@st.composite
def conditions(draw: DrawFn) -> str:
    a, b, c = draw(names), draw(names), draw(constants)
    return draw(
        st.sampled_from(
            (f"{a} > {c}", f"{a} < {b}", f"{a} is {b}", "flag", "not flag", f"f({a}) > {c}", f"({a} := {b} + 1) > {c}")
        )
    )


@st.composite
def simple_statements(draw: DrawFn) -> list[str]:
    """One statement without a block. Stores of names by all means that Python has, and the copies that aliases are made of."""
    a, b, c, value = draw(names), draw(names), draw(names), draw(expressions())
    forms = (
        f"{a} = {b}",
        f"{a} = {b}",
        f"{a} = {value}",
        f"{a}: int = {b}",
        f"{a} += {value}",
        f"{a} = {b} = {c}",
        f"{a}, {b} = {b}, {a}",
        f"{a}, {b} = {c}, {value}",
        f"({a}, {b}), {c} = ({c}, {a}), {b}",
        f"{a}, ({b}, {c}) = {c}, ({a}, {b})",
        f"{a}, *{b} = {c}, 3; {b} = sum({b})",
        f"{a}, {b} = z = {c}, {value}; {a} = {c}",
        f"{a} = {b}; {b} = {a}",
        f"log.append({value})",
        f"log.append({a})",
        f"del {a}; {a} = {value}",
        f"from math import tau as {a}",
        "peek()",
        "bump()",
        "pass",
    )
    return [draw(st.sampled_from(forms))]


@st.composite
def blocks(draw: DrawFn, depth: int, in_loop: bool) -> list[str]:
    found: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        found += draw(statements(depth, in_loop))
    return found


@st.composite
def statements(draw: DrawFn, depth: int = 0, in_loop: bool = False) -> list[str]:
    """A statement, with blocks of further statements while ``depth`` is above zero."""
    kinds = ["simple"] * 5 + ["leave"]
    if depth > 0:
        kinds += ["if", "else", "elif", "for", "while", "try", "suppress", "finally", "with", "match"]
    return draw(around(draw(st.sampled_from(kinds)), depth, in_loop))


@st.composite
def around(draw: DrawFn, kind: str, depth: int, in_loop: bool) -> list[str]:
    """A statement of one kind."""

    def block(loop: bool = in_loop) -> list[str]:
        return indented(draw(blocks(depth - 1, loop)))

    name = draw(names)
    if kind == "simple":
        return draw(simple_statements())
    if kind == "leave":
        leave = draw(st.sampled_from(("break", "continue") if in_loop else (f"return {name}, 1", "raise KeyError")))
        return [f"if {draw(conditions())}:", INDENT + leave]
    if kind == "if":
        return [f"if {draw(conditions())}:", *block()]
    if kind == "else":
        return [f"if {draw(conditions())}:", *block(), "else:", *block()]
    if kind == "elif":
        return [f"if {draw(conditions())}:", *block(), f"elif {draw(conditions())}:", *block()]
    if kind == "for":
        target = draw(st.sampled_from(("_", name, f"_, {name}")))
        over = "((1, 5), (2, 6))" if "," in target else "(3, 4)"
        return [f"for {target} in {over}:", *block(True), *(["else:", *block()] if draw(st.booleans()) else [])]
    if kind == "while":
        return ["while tick():", *block(True)]
    if kind == "try":
        tail = draw(st.sampled_from(("", INDENT + "raise KeyError", INDENT + f"fail({name})")))
        return [
            "try:",
            *block(),
            *([tail] if tail else []),
            f"except KeyError as {draw(st.sampled_from(('error', name)))}:",
            *block(),
            f"{name} = 4",
        ]
    if kind == "suppress":
        return ["with suppress(KeyError):", *block(), INDENT + f"fail({name})"]
    if kind == "finally":
        return ["try:", *block(), "finally:", INDENT + f"log.append({name})"]
    if kind == "with":
        return [f"with hold({name}) as {draw(names)}:", *block()]
    assert kind == "match"
    return [
        f"match {name}, 1:",
        INDENT + f"case {draw(names)}, 1 if {draw(conditions())}:",
        *indented(block()),
        INDENT + "case _:",
        *indented(block()),
    ]


@st.composite
def guards(draw: DrawFn) -> list[str]:
    """Statements with one None test of ``self.m``."""
    a, b, c = draw(names), draw(names), draw(names)
    b = draw(st.sampled_from((a, b, b)))
    test, absent = draw(
        st.sampled_from(
            (
                ("self.m is not None", "self.m is None"),
                ("self.m", "not self.m"),
                ("not self.m is None", "None is self.m"),
            )
        )
    )
    other = draw(conditions())
    call = draw(st.sampled_from((f"self.m({b})", f"self.m(self.m({b}))", f"self.m.forward({b})")))
    plain = f"{a} = {call}"
    forms = (
        [f"if {test}:", f"    {plain}"],
        [f"{a} = {b}", f"if {test}:", f"    {plain}"],
        [f"{a} = {b}", *draw(simple_statements()), f"if {test}:", f"    {plain}"],
        [f"{a} = {b}", *draw(statements(1)), f"if {test}:", f"    {plain}"],
        [f"{b} = {a}", *draw(simple_statements()), f"if {test}:", f"    {plain}"],
        [f"if {test}:", f"    {plain}", f"    {c} = self.m({b})"],
        [f"if {test}:", f"    {plain}", f"    {c} = {a} + 1", "else:", f"    {c} = {b} + 1"],
        [f"if {test}:", f"    {plain}", "else:", f"    {a} = {b}"],
        [f"if {absent}:", f"    {a} = {b}", "else:", f"    {plain}"],
        [f"if {absent}:", "    pass", "else:", f"    {plain}"],
        [f"if {test}:", f"    {plain}", "else:", f"    {a} = {c}"],
        [f"if {test} and {other}:", f"    {plain}"],
        [f"{a} = {b}", f"if {other} and {test}:", f"    {plain}"],
        [f"if flag and {test} and not flag:", f"    {plain}", "else:", f"    {a} = {b}"],
        [f"if {test} or {other}:", f"    {plain}"]
        if "not" not in test
        else [f"if {absent} or {other}:", f"    {a} = {b}"],
        [f"if {other}:", f"    {a} = {b}", f"elif {test}:", f"    {plain}"],
        [f"if {other}:", f"    {a} = {c}", f"elif {test}:", f"    {plain}", "else:", f"    {a} = {b}"],
        [f"if {test}:", f"    {plain}", f"elif {other}:", f"    {a} = {b}"],
        [f"{a} = {call} if {test} else {b}"],
        [f"{a} = {b} if {absent} else {call}"],
        [f"log.append({call} + f({c}) if {test} else {b} + f({c}))"],
        [f"log.append({call} if {test} else {c})"],
        [f"{a} = {call} if {test} and {other} else {b}"],
        [f"if {test}:", f"    return {call}, 2", f"return {b}, 2"],
        [f"if {test}:", f"    return {call}, 2", *draw(simple_statements()), f"return {b}, 2"],
        [f"if {absent}:", f"    return {b}", f"return {call}"],
        [f"if {absent}:", f"    return {b}", f"{b} = self.m({b})", f"return {b}"],
        [f"if {absent}:", f"    return {b}", f"{c} = self.m({b})", f"return {b}"],
        [f"if {absent}:", f"    return {b}", *draw(simple_statements()), f"return {call}"],
        [f"if {test}:", f"    {a} = {c} + {call}"],
        [f"if {test}:", f"    {plain}", f"    log.append({a})", "else:", f"    log.append({b})"],
        [f"if {test}:", "    pass", f"{a} = {b}"],
        [f"if {test}:", f"    if {other}:", f"        {plain}"],
        [f"if {test}:", f"    {a} += {call}"],
        [f"if {test}:", f"    {a}, {b} = self.m({a}), self.m({b})"],
        [f"if {test}:", f"    {a}, {b} = self.m({a}), self.m({b})", "else:", f"    {a}, {b} = {a}, {b}"],
    )
    return draw(st.sampled_from(forms))


@st.composite
def functions(draw: DrawFn) -> str:
    """A class whose ``forward`` has one None test of ``self.m`` in random surroundings."""

    def some(depth: int, in_loop: bool) -> list[str]:
        return [line for _ in range(draw(st.integers(0, 2))) for line in draw(statements(depth, in_loop))]

    lines = draw(guards())
    in_loop = False
    for _ in range(draw(st.integers(0, 2))):
        in_loop = draw(st.booleans())
        lines = [*some(1, in_loop), *lines, *some(1, in_loop)]
        name = draw(names)
        if in_loop:
            lines = [
                draw(st.sampled_from(("while tick():", f"for {name} in (3, 4):", "for _ in (3, 4):"))),
                *indented(lines),
            ]
        else:
            lines = draw(
                st.sampled_from(
                    (
                        [f"if {draw(conditions())}:", *indented(lines)],
                        [f"if {draw(conditions())}:", INDENT + f"{name} = 8", "else:", *indented(lines)],
                        ["try:", *indented(lines), f"    fail({name})", "except KeyError:", f"    log.append({name})"],
                        ["try:", f"    {name} = 3", f"    fail({draw(names)})", "except KeyError:", *indented(lines)],
                        ["with suppress(KeyError):", *indented(lines), f"    fail({name})"],
                        [f"with hold({name}) as {draw(names)}:", *indented(lines)],
                        [f"match {name}, 1:", f"    case {draw(names)}, 1:", *indented(indented(lines))],
                    )
                )
            )
    lines = [*some(2, False), *lines, *some(1, False)]
    seen, moved = draw(names), draw(names)
    declared = [f"    nonlocal {moved}", f"    {moved} = {moved} + 5"] if draw(st.booleans()) else ["    pass"]
    body = [
        "a, b = 101, 102",
        "def peek():",
        f"    log.append({seen})",
        "def bump():",
        *declared,
        *lines,
        "return a, b, x, y",
    ]
    return "\n".join(["class Net(Base):", "    def forward(self, x, y, flag):", *indented(indented(body))]) + "\n"


@st.composite
def list_functions(draw: DrawFn) -> str:
    """As ``functions``, over lists: whether two names hold the same list shows when one of them is changed."""
    v, w = draw(st.sampled_from((("a", "b"), ("b", "a"))))
    step = st.sampled_from(
        (
            f"{v} = [x, y]",
            f"{v} = [i for i in (x, y)]",
            f"{v} = (x, y)",
            f"{v} = {w}",
            f"{w} = {v}",
            f"{w} = ({v}, 1)[0]",
            f"{v} = {w} = [x]",
            f"{v}.append(x)",
            f"{w}.append(y)",
            f"{v}[0] = y",
            f"log.append({v})",
            f"{v} += [3]",
            "if flag:\n    " + f"{v} = [y]",
            "for _ in (1, 2):\n    " + f"{v} = (1, 2)",
            f"{w} = [{v}]; {w} = {w}[0]",
            "peek()",
        )
    )

    def some() -> list[str]:
        return [line for text in draw(st.lists(step, max_size=3)) for line in text.split("\n")]

    test = draw(
        st.sampled_from(
            ("self.m is not None", f"({v} := (x, y)) and self.m is not None", f"{w} and self.m is not None")
        )
    )
    guard = [f"if {test}:", f"    {v} = [self.m(e) for e in {v}]"]
    if draw(st.booleans()):
        guard = ["if flag:", *indented([*some(), *guard])]
    body = [
        "a, b = [100], [200]",
        "def peek():",
        f"    log.append({v})",
        *some(),
        f"{v} = [x, y]",
        *some(),
        *guard,
        *some(),
        "return a, b, a is b",
    ]
    return "\n".join(["class Net(Base):", "    def forward(self, x, y, flag):", *indented(indented(body))]) + "\n"
