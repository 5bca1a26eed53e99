"""One attribute over the classes that share it."""

from __future__ import annotations

import pytest

from modfix.semantics.attributes import Attribute, Defined
from tests.semantics.helpers import find, net, project


def attribute(source: str, owner: str = "Net", name: str = "m") -> Attribute:
    return Attribute(find(project({"net.py": source}), owner), name)


def definitions(init: str) -> tuple[Defined, ...]:
    return attribute(net("return x", init=init)).definitions


@pytest.mark.parametrize(
    ("init", "certain"),
    [
        ("self.m = nn.ReLU()", True),
        ("self.m = nn.ReLU() if x else None", True),
        ("self.m = None", True),
        ("self.m = norm_layer(3)", True),
        ("self.m = unknown(3)", False),
        ("self.m = m", False),
        ("self.m = m or nn.ReLU()", False),
        ("self.m = [nn.ReLU()]", False),
        ("self.m, self.n = m", False),
        ("self.m = torch.zeros(1)", False),
        ("self.m = nn.functional.relu(x)", False),
    ],
)
def test_a_definition_that_certainly_makes_modules(init: str, certain: bool) -> None:
    source = net("return x", init=init).replace("m=None):", "m=None, norm_layer=nn.BatchNorm2d):")
    assert attribute(source).definitions[0].makes_modules() is certain


@pytest.mark.parametrize(
    ("init", "passes"),
    [
        ("self.m = nn.ReLU()", True),
        ("self.m = nn.Sequential()", True),
        ("self.m = nn.ModuleList([x])", True),
        ("self.m = norm_layer(3)", True),
        ("self.m = m", True),
        ("if m is not None:\n    self.m = m", False),
        ("self.m = Sized()", False),
        ("self.m = SizedByBase()", False),
        ("self.m = Block()", True),
        ("self.m = unknown()", False),
        ("self.m = nn.functional.relu(x)", False),
    ],
)
def test_a_value_that_passes_its_input_through_when_it_counts_as_false(init: str, passes: bool) -> None:
    sized = "class Sized(nn.Module):\n    def __len__(self): return 0\nclass SizedByBase(nn.ModuleList): pass\n"
    sized += "class Block(nn.Sequential): pass\n"
    source = net("return x", init=init).replace("m=None):", "m=None, norm_layer=nn.BatchNorm2d):") + sized
    assert attribute(source).definitions[0].passes_when_falsy() is passes


@pytest.mark.parametrize(
    ("init", "excluded"),
    [
        ("if x:\n    self.m = None\nelse:\n    self.m = nn.ReLU()", True),
        ("if x:\n    self.m = None\nelif y:\n    self.m = nn.ReLU()", True),
        ("if x:\n    if y:\n        self.m = None\nelse:\n    self.m = nn.ReLU()", True),
        ("self.m = None\nif x:\n    self.m = nn.ReLU()", False),
        ("if x:\n    self.m = None\nif not x:\n    self.m = nn.ReLU()", False),
        ("if x:\n    self.m = None\n    self.m = nn.ReLU()", False),
        ("for i in x:\n    self.m = None\nelse:\n    self.m = nn.ReLU()", False),
        ("try:\n    self.m = None\nexcept E:\n    self.m = nn.ReLU()", False),
    ],
)
def test_definitions_of_which_only_one_runs(init: str, excluded: bool) -> None:
    first, second = definitions(init)
    assert first.excludes(second) is excluded
    assert second.excludes(first) is excluded


@pytest.mark.parametrize(
    ("init", "after"),
    [
        ("super().__init__()\n        self.m = None", True),
        ("self.m = None\n        super().__init__()", False),
        ("super().__init__()\n        self.build()\n    def build(self):\n        self.m = None", True),
        ("self.build()\n        super().__init__()\n    def build(self):\n        self.m = None", False),
        ("if x:\n            super().__init__()\n        self.m = None", False),
        ("self.m = None", False),
        ("Mixin.__init__(self)\n        self.m = None\n        nn.Module.__init__(self)", False),
    ],
)
def test_whether_a_submodule_may_be_stored(init: str, after: bool) -> None:
    source = f"import torch.nn as nn\nclass Net(Mixin, nn.Module):\n    def __init__(self, x):\n        {init}\n"
    assert attribute(source).definitions[0].after_super_init is after


@pytest.mark.parametrize(
    ("method", "construction"),
    [
        ("def build(self): self.m = None", True),
        ("def build(self): self.m = None\n    def forward(self): self.build()", False),
        ("def build(self): pass\n    def reset(self): self.m = None", False),
        ("def build(self): pass\n    @property\n    def p(self): self.m = None", False),
    ],
)
def test_whether_a_definition_belongs_to_construction(method: str, construction: bool) -> None:
    source = f"import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.build()\n    {method}\n"
    assert attribute(source).definitions[0].in_construction is construction


@pytest.mark.parametrize(
    ("member", "bound"),
    [
        ("m = None", True),
        ("m: object", True),
        ("m: object = None", True),
        ("def m(self): pass", True),
        ("@property\n    def m(self): pass", True),
        ("class m: pass", True),
        ("import m", True),
        ("if x:\n        m = None", True),
        ("for m in x: pass", True),
        ("a, m = x", True),
        ("@m.setter\n    def n(self): pass", False),
        ("def f(self, m): pass", False),
    ],
)
def test_a_name_bound_in_the_class_body(member: str, bound: bool) -> None:
    source = (
        f"import torch.nn as nn\nclass Net(nn.Module):\n    {member}\n    def __init__(self):\n        self.m = None\n"
    )
    assert (attribute(source).class_binding is not None) is bound


@pytest.mark.parametrize("owner", ["Base", "Mixin", "Below"])
def test_a_class_of_the_hierarchy_binds_the_name(owner: str) -> None:
    bodies = {name: "    m = None\n" if name == owner else "    pass\n" for name in ("Base", "Mixin", "Below")}
    source = (
        f"import torch.nn as nn\nclass Base(nn.Module):\n{bodies['Base']}class Mixin:\n{bodies['Mixin']}"
        "class Net(Base):\n    def __init__(self):\n        self.m = None\n"
        f"class Below(Net, Mixin):\n{bodies['Below']}"
    )
    found = attribute(source).class_binding
    assert found is not None
    assert found.name == owner


@pytest.mark.parametrize(
    ("forward", "dynamic"),
    [
        ("return self.__dict__", True),
        ("return vars(self)", True),
        ("return self._modules", True),
        ("return getattr(self, x)", True),
        ("return getattr(self, 'm' + x)", True),
        ("self = x\nreturn self.m", True),
        ("return getattr(self, 'fc' + x)", False),
        ("return getattr(self, f'fc{x}')", False),
        ("return getattr(x, y)", False),
    ],
)
def test_dynamic_access(forward: str, dynamic: bool) -> None:
    assert (attribute(net(forward)).dynamic_access is not None) is dynamic


@pytest.mark.parametrize("method", ["__getattr__", "__setattr__", "__getattribute__", "__delattr__"])
@pytest.mark.parametrize("place", ["Net", "Below"])
def test_overridden_access_anywhere_in_the_hierarchy_is_dynamic(method: str, place: str) -> None:
    extra = f"    def {method}(self, *a): pass\n"
    below = "class Below(Net):\n    pass\n"
    source = net("return x") + (extra + below if place == "Net" else below + extra)
    assert attribute(source).dynamic_access is not None


@pytest.mark.parametrize(
    ("init", "optional"),
    [
        ("self.m = None", 1),
        ("self.m = m", 1),
        ("self.m = nn.ReLU() if x else None", 1),
        ("self.m = None\nif x:\n    self.m = nn.ReLU()", 1),
        ("self.m = None\nself.m = None", 2),
        ("self.m = nn.ReLU()", 0),
        ("self.m = nn.ReLU() if x else nn.GELU()", 0),
    ],
)
def test_definitions_that_may_store_none(init: str, optional: int) -> None:
    assert len(attribute(net("return x", init=init)).optional_definitions) == optional


def test_where_somebody_tests_a_parameter_counts_as_optional() -> None:
    source = net("if self.m is not None:\n    x = self.m(x)\nreturn x", init="self.m = m").replace("m=None)", "m)")
    assert len(attribute(source).optional_definitions) == 1
    assert attribute(source.replace("self.m is not None", "c")).optional_definitions == ()


@pytest.mark.parametrize(
    ("between", "taken"),
    [
        ("self.n = nn.Linear(3, 3)", True),
        ("self.n = nn.ReLU()", False),
        ("self.n = nn.Parameter(x)", True),
        ("self.n = make()", True),
        ("self.n = x", True),
        ("self.n = 3\nf(self.n)", False),
        ("self.n = 3", False),
        ("self.n = [x]", False),
        ("self.n = len(x)", False),
        ("self.n = None", False),
    ],
)
def test_something_registered_between_two_definitions(between: str, taken: bool) -> None:
    found = attribute(net("return x", init=f"self.m = None\n{between}\nif x:\n    self.m = nn.ReLU()"))
    first, second = found.definitions
    assert (found.slot_taken_between(first, second) is not None) is taken


def test_uses_guards_and_definitions_of_the_whole_family() -> None:
    files = {
        "a.py": net("return self.m(x)"),
        "b.py": "from a import Net\nclass Sub(Net):\n    def forward(self, x):\n        if self.m is not None:\n            x = self.m(x)\n        return x\n",
        "c.py": "from b import Sub\nclass Leaf(Sub):\n    def __init__(self):\n        super().__init__()\n        self.m = None\n",
    }
    found = Attribute(find(project(files), "Sub"), "m")
    assert [cls.path for cls in found.family] == ["a.py", "b.py", "c.py"]
    assert [d.cls.path for d in found.definitions] == ["a.py", "c.py"]
    assert [g.cls.path for g in found.guards] == ["b.py"]
    assert [u.cls.path for u in found.uses] == ["a.py"]
    assert found.is_called
    assert not found.holds_module
