"""Every use of an attribute is seen, in whatever syntax it hides."""

from __future__ import annotations

import pickle

import pytest

from modfix.model.source import Refused, SourceFile
from modfix.semantics.facts import FileFacts, Use, UseForm, ValueKind
from modfix.semantics.scan import scan
from tests.semantics.helpers import attribute_of, facts_of, net

F = UseForm


def uses_in(forward: str, init: str = "self.m = None") -> list[Use]:
    """The uses of ``self.m``, those in ``__init__`` left out."""
    return [use for use in attribute_of(net(forward, init=init), index=0).uses if use.method != "__init__"]


@pytest.mark.parametrize(
    ("statement", "form"),
    [
        ("self.m(x)", F.CALL),
        ("return self.m(x)", F.CALL),
        ("self.m()", F.CALL_OTHER),
        ("self.m(x, y)", F.CALL_OTHER),
        ("self.m(*x)", F.CALL_OTHER),
        ("self.m(**x)", F.CALL_OTHER),
        ("self.m(x=x)", F.CALL_OTHER),
        ("self.m.weight", F.MEMBER),
        ("self.m.forward(x)", F.MEMBER),
        ("self.m.weight.data = x", F.MEMBER),
        ("self.m[0]", F.MEMBER),
        ("self.m[0] = x", F.MEMBER),
        ("del self.m[0]", F.MEMBER),
        ("self.m.x += 1", F.MEMBER),
        ("return self.m", F.VALUE),
        ("yield self.m", F.VALUE),
        ("x = yield from self.m", F.VALUE),
        ("y = self.m", F.VALUE),
        ("y = z = self.m", F.VALUE),
        ("y, z = self.m, x", F.VALUE),
        ("y: object = self.m", F.VALUE),
        ("y += self.m", F.VALUE),
        ("(y := self.m)", F.VALUE),
        ("f(self.m)", F.VALUE),
        ("f(a=self.m)", F.VALUE),
        ("f(**self.m)", F.VALUE),
        ("[self.m, x]", F.VALUE),
        ("{x: self.m}", F.VALUE),
        ("{self.m: x}", F.VALUE),
        ("{**self.m}", F.VALUE),
        ("x[self.m]", F.VALUE),
        ("x[self.m:]", F.VALUE),
        ("x + self.m", F.VALUE),
        ("-self.m", F.VALUE),
        ("x in self.m", F.VALUE),
        ("x < self.m", F.VALUE),
        ("self.m is x", F.VALUE),
        ("self.m is None is x", F.VALUE),
        ("f'{self.m}'", F.VALUE),
        ("f'{x:{self.m}}'", F.VALUE),
        ("lambda: self.m", F.VALUE),
        ("lambda a=self.m: a", F.VALUE),
        ("x if c else self.m", F.VALUE),
        ("[i for i in x if self.m]", F.VALUE),
        ("{self.m for i in x}", F.VALUE),
        ("with self.m: pass", F.VALUE),
        ("with x as y, self.m as z: pass", F.VALUE),
        ("raise self.m", F.VALUE),
        ("assert x, self.m", F.VALUE),
        ("try: pass\nexcept self.m: pass", F.VALUE),
        ("try: pass\nfinally:\n    f(self.m)", F.VALUE),
        ("while c: pass\nelse: f(self.m)", F.VALUE),
        ("match self.m:\n    case None: pass", F.VALUE),
        ("match x:\n    case self.m: pass", F.VALUE),
        ("match x:\n    case A(b=self.m): pass", F.VALUE),
        ("match x:\n    case 1 if f(self.m): pass", F.VALUE),
        ("@self.m\ndef g(): pass", F.VALUE),
        ("@f(self.m)\nclass A: pass", F.VALUE),
        ("def g(a=self.m): pass", F.VALUE),
        ("def g(*, a=self.m): pass", F.VALUE),
        ("class A(self.m): pass", F.VALUE),
        ("class A(k=self.m): pass", F.VALUE),
        ("def g():\n    return self.m", F.VALUE),
        ("async def g():\n    await self.m", F.VALUE),
        ("async def g():\n    async for i in self.m: pass", F.VALUE),
        ("async def g():\n    async with self.m: pass", F.VALUE),
        ("isinstance(self.m, torch.nn.Module)", F.VALUE),
        ("isinstance(self.m, Foo)", F.VALUE),
        ("for i in self.m: pass", F.ITERATE),
        ("[i for i in self.m]", F.ITERATE),
        ("f(*self.m)", F.ITERATE),
        ("[*self.m]", F.ITERATE),
        ("self.m += 1", F.STORE),
        ("self.m: int", F.STORE),
        ("for self.m in x: pass", F.STORE),
        ("for i, (self.m, j) in x: pass", F.STORE),
        ("[0 for self.m in x]", F.STORE),
        ("with x as self.m: pass", F.STORE),
        ("with x as (y, self.m): pass", F.STORE),
        ("(y, (z, self.m)) = x", F.STORE),
        ("y, *self.m = x", F.STORE),
        ("async def g():\n    async for self.m in x: pass", F.STORE),
        ("del self.m", F.DELETE),
        ("del x, (y, self.m)", F.DELETE),
        ("getattr(self, 'm')", F.STRING),
        ("hasattr(self, 'm')", F.STRING),
        ("setattr(self, 'm', None)", F.STRING),
        ("delattr(self, 'm')", F.STRING),
        ("isinstance(self.m, nn.Conv2d)", F.TYPE_TEST),
        ("isinstance(self.m, (nn.Conv2d, nn.Linear))", F.TYPE_TEST),
    ],
)
def test_form_of_a_use(statement: str, form: UseForm) -> None:
    assert [use.form for use in uses_in(statement)] == [form]


@pytest.mark.parametrize(
    "statement",
    [
        "def g(self):\n    return self.m",
        "class A:\n    y = self.m",
        "class A:\n    def g(this):\n        return self.m",
        "class A:\n    @staticmethod\n    def g():\n        return self.m",
        "type(self).m",
        "self.__class__.m = None",
        "super().m",
        "other = self\nother.m = None",
        "x[0].m = None",
        "getattr(x, 'm')",
        "setattr(x.y, 'm', None)",
    ],
)
def test_a_use_through_another_object_is_an_outside_use(statement: str) -> None:
    facts = facts_of(net(statement))
    assert len(facts.outside["m"]) == 1
    assert not facts.classes[0].attributes["m"].uses


@pytest.mark.parametrize(
    "method",
    [
        "def f(this): return this.m",
        "def f(this, /): return this.m",
        "@property\n    def f(self): return self.m",
        "@classmethod\n    def f(cls): return cls.m",
        "async def f(self): return self.m",
        "if c:\n        def f(self): return self.m",
        "try:\n        def f(self): return self.m\n    finally:\n        pass",
    ],
)
def test_self_by_any_name_in_any_method(method: str) -> None:
    source = f"class A(B):\n    def __init__(self):\n        self.m = None\n    {method}\n"
    assert [use.form for use in attribute_of(source).uses] == [F.VALUE]


@pytest.mark.parametrize("method", ["@staticmethod\n    def f(self): return self.m", "def f(*self): return self.m"])
def test_what_is_called_self_and_is_not(method: str) -> None:
    facts = facts_of(f"class A(B):\n    def __init__(self):\n        self.m = None\n    {method}\n")
    assert not facts.classes[0].attributes["m"].uses
    assert "m" in facts.outside


@pytest.mark.parametrize(
    "statement",
    [
        "self = x",
        "self, y = x",
        "for self in x: pass",
        "with x as self: pass",
        "(self := x)",
        "[self.m(x) for self in y]",
        "(lambda self: self.m)(x)",
        "def g():\n    self = x\n    return self.m",
        "import self",
        "try: pass\nexcept E as self: pass",
        "match x:\n    case self: pass",
    ],
)
def test_rebinding_self_is_dynamic(statement: str) -> None:
    assert "rebound-self" in {note.kind for note in facts_of(net(statement)).classes[0].notes}


def test_another_self_in_a_function_of_its_own_is_not() -> None:
    assert facts_of(net("def g(self):\n    return self\nreturn g(x)")).classes[0].notes == ()


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("self.__dict__['m']", "__dict__"),
        ("vars(self)['m']", "__dict__"),
        ("self._modules['m'] = None", "_modules"),
        ("getattr(self, x)", "computed-attribute"),
        ("setattr(self, 'a' + x, y)", "computed-attribute"),
    ],
)
def test_dynamic_access_is_noted(statement: str, kind: str) -> None:
    assert [note.kind for note in facts_of(net(statement)).classes[0].notes] == [kind]


@pytest.mark.parametrize(
    ("assignment", "kind"),
    [
        ("self.m = None", ValueKind.NONE),
        ("self.m: object = None", ValueKind.NONE),
        ("self.m = self.n = None", ValueKind.NONE),
        ("self.n, self.m = 1, None", ValueKind.NONE),
        ("self.m = nn.ReLU()", ValueKind.CALL),
        ("self.m = nn.ReLU() if x else nn.GELU()", ValueKind.CALL),
        ("self.m = nn.ReLU() if x else None", ValueKind.OPTIONAL),
        ("self.m = None if x else nn.ReLU() if y else nn.GELU()", ValueKind.OPTIONAL),
        ("self.m = m", ValueKind.NAME),
        ("self.m = m or nn.ReLU()", ValueKind.OTHER),
        ("self.m = [None]", ValueKind.OTHER),
        ("self.m, self.n = m", ValueKind.OTHER),
        ("self.m, self.n = *m, None", ValueKind.OTHER),
        ("[self.m, self.n] = m", ValueKind.OTHER),
    ],
)
def test_kind_of_a_definition(assignment: str, kind: ValueKind) -> None:
    (definition,) = attribute_of(net("pass", init=assignment)).definitions
    assert definition.kind is kind


@pytest.mark.parametrize(
    ("init", "optional"),
    [
        ("self.m = m", True),
        ("m = nn.ReLU()\nself.m = m", False),
        ("m = None\nself.m = m", True),
        ("for m in x: pass\nself.m = m", False),
    ],
)
def test_a_name_is_optional_by_its_default_or_a_store_of_none(init: str, optional: bool) -> None:
    (definition,) = attribute_of(net("pass", init=init)).definitions
    assert definition.optional_name is optional


@pytest.mark.parametrize(
    ("init", "dominated"),
    [
        ("self.m = nn.ReLU()\nf(self.m)", True),
        ("self.m = nn.ReLU()\nif x:\n    f(self.m)", True),
        ("self.m = nn.ReLU()\nfor i in x:\n    f(self.m)", True),
        ("self.m = None\nf(self.m)", False),
        ("f(self.m)\nself.m = nn.ReLU()", False),
        ("if x:\n    self.m = nn.ReLU()\nf(self.m)", False),
        ("self.m = nn.ReLU()\nif x:\n    self.m = None\nf(self.m)", False),
        ("self.m = nn.ReLU()\nfor i in x:\n    f(self.m)\n    self.m = None", False),
        ("self.m = nn.ReLU()\nwhile f(self.m):\n    self.m = None", False),
        ("self.m = nn.ReLU()\nfor self.m in x:\n    f(self.m)", False),
        ("self.m = nn.ReLU()\ntry:\n    self.m = None\nfinally:\n    f(self.m)", False),
        ("self.m = nn.ReLU()\ntry:\n    self.m = None\nexcept E:\n    f(self.m)", False),
        ("self.m = nn.ReLU()\ng = lambda: f(self.m)\nself.m = None", False),
        ("self.m = nn.ReLU()\ng = (f(self.m) for i in x)\nself.m = None", False),
        ("self.m = nn.ReLU()\ndef g():\n    f(self.m)\nself.m = None", False),
        ("self.m, y = nn.ReLU(), None\nf(self.m)", False),
    ],
)
def test_dominated_by_a_store_of_something_else_than_none(init: str, dominated: bool) -> None:
    source = net("pass", init="if y:\n    self.m = None\n" + init)
    (use,) = (u for u in attribute_of(source).uses if u.form is F.VALUE)
    assert use.dominated is dominated


@pytest.mark.parametrize(
    ("handler", "caught"),
    [
        ("except:", True),
        ("except Exception:", True),
        ("except TypeError as e:", True),
        ("except (KeyError, AttributeError):", True),
        ("except errors.Strange:", True),
        ("except UNKNOWN:", True),
        ("except KeyError:", False),
        ("except (KeyError, RuntimeError):", False),
    ],
)
def test_a_call_whose_failure_a_handler_catches(handler: str, caught: bool) -> None:
    (use,) = uses_in(f"try:\n    with c:\n        x = self.m(x)\n{handler}\n    pass")
    assert use.form is (F.CAUGHT if caught else F.CALL)


@pytest.mark.parametrize(
    "forward",
    [
        "try:\n    pass\nexcept:\n    self.m(x)",
        "try:\n    pass\nexcept:\n    pass\nelse:\n    self.m(x)",
        "try:\n    self.m(x)\nfinally:\n    pass",
    ],
)
def test_a_call_that_no_handler_guards(forward: str) -> None:
    assert [use.form for use in uses_in(forward)] == [F.CALL]


@pytest.mark.parametrize(
    ("init", "known"),
    [
        ("super().__init__()", True),
        ("super(A, self).__init__()", True),
        ("nn.Module.__init__(self)", True),
        ("x = 1\nsuper().__init__()", True),
        ("pass", False),
        ("if c:\n    super().__init__()", False),
        ("x = super().__init__()", False),
        ("self.build()\nsuper().__init__()", False),
        ("x = [self.build() for i in y]\nsuper().__init__()", False),
        ("other.__init__(x)", False),
    ],
)
def test_whether_the_base_is_certainly_initialised(init: str, known: bool) -> None:
    lines = "".join(f"        {line}\n" for line in init.split("\n"))
    method = facts_of(f"class A(nn.Module):\n    def __init__(self):\n{lines}").classes[0].methods["__init__"]
    assert (method.super_init >= 0) is known


def test_the_last_explicit_initialisation_counts() -> None:
    source = "class A(M, nn.Module):\n    def __init__(self):\n        M.__init__(self)\n        self.m = None\n        nn.Module.__init__(self)\n"
    method = facts_of(source).classes[0].methods["__init__"]
    assert method.super_init == len(source) - 1


@pytest.mark.parametrize(
    ("body", "returns"),
    [
        ("return nn.ReLU()", {"torch.nn.ReLU"}),
        ("return nn.ReLU() if x else nn.GELU()", {"torch.nn.ReLU", "torch.nn.GELU"}),
        ("m = nn.ReLU()\nreturn m", {"torch.nn.ReLU"}),
        ("if x:\n    return nn.ReLU()\nraise E", {"torch.nn.ReLU"}),
        ("if x:\n    return nn.ReLU()", {"torch.nn.ReLU", "?"}),
        ("return None", {"?"}),
        ("return", {"?"}),
        ("pass", {"?"}),
        ("return nn.ReLU() or None", {"?"}),
        ("if x:\n    p = nn.ReLU()\nreturn p", {"?"}),
        ("for m in x: pass\nm = nn.ReLU()\nreturn m", {"?"}),
        ("m = nn.ReLU()\nm, y = x\nreturn m", {"?"}),
        ("with x:\n    return nn.ReLU()", {"torch.nn.ReLU", "?"}),
        ("while True:\n    return nn.ReLU()", {"torch.nn.ReLU", "?"}),
        ("yield\nreturn nn.ReLU()", {"torch.nn.ReLU", "?"}),
        ("def g():\n    return None\nreturn nn.ReLU()", {"torch.nn.ReLU"}),
    ],
)
def test_what_a_function_returns(body: str, returns: set[str]) -> None:
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    facts = facts_of(f"from torch import nn\ndef make(x, p=None):\n{lines}")
    assert set(facts.functions["make"].returns) == returns


def test_a_function_with_an_alternative_returns_anything() -> None:
    facts = facts_of("import torch.nn as nn\ndef make(): return nn.ReLU()\nif x:\n    def make(): return None\n")
    assert facts.functions["make"].returns == ("?",)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def f(:\n", "line 1"),
        ("print 'x'\n", "Python 2"),
        ("x = 1\0\n", "not valid Python"),
        ("x = " + "(" * 5000 + ")" * 5000, "n"),
        ("x = '\ud800'\n", "not valid Python"),
    ],
)
def test_what_cannot_be_read_is_refused(source: str, reason: str) -> None:
    refused = scan(SourceFile("net.py", source))
    assert isinstance(refused, Refused)
    assert reason in refused.reason


SOURCE = net(
    '''
    """Größe 🔥."""
    y = x
    if self.m is not None and c:
        y = self.m(x)
    model.m = None
    for child in model.children():
        child.reset()
    return y, getattr(self, "m"), list(self.children())
    ''',
    init="self.m = m if m else None",
)


def test_facts_are_pickled_and_come_back_equal() -> None:
    facts = facts_of(SOURCE)
    again = pickle.loads(pickle.dumps(facts))
    assert again == facts
    assert isinstance(again, FileFacts)
    assert again.classes[0].attributes["m"].guards == facts.classes[0].attributes["m"].guards


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_ends_change_nothing_but_offsets(newline: str) -> None:
    unix, other = facts_of(SOURCE), scan(SourceFile("net.py", SOURCE.replace("\n", newline)))
    assert isinstance(other, FileFacts)
    assert _without_spans(other) == _without_spans(unix)


def _without_spans(value: object) -> object:
    """Facts as nested lists, with offsets left out: what differs between line ends."""
    if isinstance(value, dict):
        return {key: _without_spans(inner) for key, inner in value.items()}
    if isinstance(value, FileFacts):
        return _without_spans({name: getattr(value, name) for name in FileFacts.__dataclass_fields__})
    fields = getattr(value, "_fields", None)
    if fields is not None:
        dropped = (
            "span",
            "statement",
            "nones",
            "test",
            "completion",
            "branches",
            "super_init",
            "edits",
            "above",
            "after_bases",
            "last",
            "quiet",
        )
        return {name: _without_spans(getattr(value, name)) for name in fields if name not in dropped}
    if isinstance(value, (tuple, list)):
        return [_without_spans(inner) for inner in value]
    return value
