"""Names, classes and uses across files."""

from __future__ import annotations

import pytest

from modfix.semantics.facts import UNKNOWN
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.names import is_class_name
from modfix.semantics.project import Project
from modfix.semantics.truth import Truth
from tests.semantics.helpers import find, project

MODULE = "import torch.nn as nn\nclass A(nn.Module): pass\n"


def bases_of(where: Project, qualname: str, path: str | None = None) -> list[str]:
    """The direct bases: ``path:qualname`` for a class of the project."""
    bases = find(where, qualname, path).bases
    return [f"{base.path}:{base.qualname}" if isinstance(base, ModuleClass) else base for base in bases]


@pytest.mark.parametrize(
    ("path", "statement"),
    [
        ("main.py", "from pkg.a import A"),
        ("main.py", "from pkg.a import A as A"),
        ("main.py", "import pkg.a\nA = 0\nfrom pkg.a import A"),
        ("pkg/b.py", "from .a import A"),
        ("pkg/b.py", "from pkg.a import A"),
        ("pkg/sub/b.py", "from ..a import A"),
        ("pkg/__init__.py", "from .a import A"),
        ("pkg/b.py", "from .a import *"),
        ("tests/test_a.py", "from pkg.a import A"),
    ],
)
def test_a_base_in_another_file(path: str, statement: str) -> None:
    where = project({"pkg/a.py": MODULE, path: f"{statement}\nclass B(A): pass\n"})
    assert bases_of(where, "B") == ["pkg/a.py:A"]
    assert find(where, "B").is_torch_module is Truth.YES


@pytest.mark.parametrize("base", ["pkg.a.A", "a.A"])
def test_a_base_by_a_dotted_name(base: str) -> None:
    imports = "import pkg.a" if base.startswith("pkg") else "from pkg import a"
    where = project({"pkg/a.py": MODULE, "pkg/__init__.py": "", "main.py": f"{imports}\nclass B({base}): pass\n"})
    assert bases_of(where, "B") == ["pkg/a.py:A"]


@pytest.mark.parametrize(
    "files",
    [
        {"pkg/__init__.py": "from .a import A\n"},
        {"pkg/__init__.py": "from pkg.a import A\n"},
        {"pkg/__init__.py": "from .a import *\n"},
        {"pkg/__init__.py": "from .mid import A\n", "pkg/mid.py": "from .a import A\n"},
        {"pkg/__init__.py": "from .mid import Z as A\n", "pkg/mid.py": "from .a import A as Z\n"},
    ],
)
def test_a_base_through_reexports(files: dict[str, str]) -> None:
    where = project({"pkg/a.py": MODULE, **files, "main.py": "from pkg import A\nclass B(A): pass\n"})
    assert bases_of(where, "B") == ["pkg/a.py:A"]


def test_a_source_layout_and_a_namespace_package() -> None:
    where = project({"src/space/deep/a.py": MODULE, "tests/t.py": "from space.deep.a import A\nclass B(A): pass\n"})
    assert bases_of(where, "B") == ["src/space/deep/a.py:A"]


def test_of_modules_of_one_name_the_nearest_above_counts() -> None:
    files = {
        "x/m.py": MODULE,
        "y/m.py": MODULE,
        "x/n.py": "from m import A\nclass B(A): pass\n",
        "y/sub/n.py": "from m import A\nclass C(A): pass\n",
    }
    where = project(files)
    assert bases_of(where, "B") == ["x/m.py:A"]
    assert bases_of(where, "C") == ["y/m.py:A"]


def test_a_package_goes_before_a_module_of_its_name() -> None:
    where = project({"p/m.py": MODULE, "p/m/__init__.py": MODULE, "p/n.py": "from .m import A\nclass B(A): pass\n"})
    assert bases_of(where, "B") == ["p/m/__init__.py:A"]


UNKNOWN_BASES = {
    "modules of one name elsewhere": {
        "x/m.py": MODULE,
        "y/m.py": MODULE,
        "main.py": "from m import A\nclass B(A): pass\n",
    },
    "module and package of one name": {
        "x/m.py": MODULE,
        "x/m/__init__.py": MODULE,
        "z/n.py": "from x.m import A\nclass B(A): pass\n",
    },
    "beyond the top": {"m.py": MODULE, "main.py": "from ..m import A\nclass B(A): pass\n"},
    "far beyond the top": {"m.py": MODULE, "p/main.py": "from ....m import A\nclass B(A): pass\n"},
    "missing sibling": {"main.py": "from .gone import A\nclass B(A): pass\n"},
    "missing name": {"m.py": MODULE, "main.py": "from m import Z\nclass B(Z): pass\n"},
    "rebound there": {"m.py": MODULE + "A = wrap(A)\n", "main.py": "from m import A\nclass B(A): pass\n"},
    "global there": {
        "m.py": MODULE + "def f():\n    global A\n    A = 1\n",
        "main.py": "from m import A\nclass B(A): pass\n",
    },
    "alternatives there": {
        "m.py": "if x:\n    from fast import A\nelse:\n    from slow import A\n",
        "main.py": "from m import A\nclass B(A): pass\n",
    },
    "re-exports in a circle": {
        "m.py": "from n import A\n",
        "n.py": "from m import A\n",
        "main.py": "from m import A\nclass B(A): pass\n",
    },
    "star imports in a circle": {
        "m.py": "from n import *\n",
        "n.py": "from m import *\n",
        "main.py": "from m import A\nclass B(A): pass\n",
    },
    "star import from a module that is missing": {
        "pkg/__init__.py": "from .missing import *\n",
        "main.py": "from pkg import A\nclass B(A): pass\n",
    },
    "import from a module that is missing and has the name": {
        "pkg/__init__.py": "from .A import A\n",
        "main.py": "from pkg import A\nclass B(A): pass\n",
    },
    "two star imports": {"m.py": MODULE, "n.py": "", "main.py": "from m import *\nfrom n import *\nclass B(A): pass\n"},
    "called": {"main.py": "class B(make()): pass\n"},
    "parameter": {"main.py": "def f(A):\n    class B(A): pass\n"},
    "local class": {"main.py": MODULE + "def f():\n    class A: pass\n    class B(A): pass\n"},
    "loop variable": {"main.py": MODULE + "for A in x:\n    pass\nclass B(A): pass\n"},
    "bound later": {"main.py": "class B(A): pass\n" + MODULE},
    "function": {"main.py": "def A(): pass\nclass B(A): pass\n"},
    "member of a class": {"main.py": MODULE + "class B(A.Inner): pass\n"},
    "class around has one of that name": {"main.py": MODULE + "class O:\n    class A: pass\n    class B(A): pass\n"},
}


@pytest.mark.parametrize("files", UNKNOWN_BASES.values(), ids=UNKNOWN_BASES)
def test_a_base_that_cannot_be_resolved(files: dict[str, str]) -> None:
    where = project(files)
    (cls,) = (c for c in where.classes() if c.name == "B")
    assert cls.bases == (UNKNOWN,)
    assert cls.unresolved_base == UNKNOWN
    assert cls.is_torch_module is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("bases", "truth"),
    [
        ("nn.Module", Truth.YES),
        ("nn.Linear", Truth.YES),
        ("torch.nn.modules.module.Module", Truth.YES),
        ("nn.modules.batchnorm._BatchNorm", Truth.YES),
        ("Mixin, nn.Module", Truth.YES),
        ("abc.ABC, nn.Module", Truth.YES),
        ("", Truth.NO),
        ("object", Truth.NO),
        ("abc.ABC", Truth.NO),
        ("torch.autograd.Function", Truth.NO),
        ("torch.optim.Optimizer", Truth.NO),
        ("torchvision.datasets.ImageFolder", Truth.NO),
        ("torchvision.models.ResNet", Truth.UNKNOWN),
        ("Plain", Truth.NO),
        ("nn.NoSuchClass", Truth.UNKNOWN),
        ("nn.Parameter", Truth.UNKNOWN),
        ("timm.Model", Truth.UNKNOWN),
        ("Mixin", Truth.UNKNOWN),
        ("Plain, Mixin", Truth.UNKNOWN),
    ],
)
def test_is_torch_module(bases: str, truth: Truth) -> None:
    where = project(
        {
            "main.py": f"import abc, timm, torch, torchvision\nfrom torch import nn\nclass Plain: pass\nclass A({bases}): pass\n"
        }
    )
    assert find(where, "A").is_torch_module is truth


def test_nn_need_not_be_torch() -> None:
    where = project(
        {
            "main.py": "from flax import linen as nn\nclass A(nn.Module): pass\n",
            "other.py": "import mine as nn\nclass B(nn.Module): pass\n",
        }
    )
    assert find(where, "A").is_torch_module is Truth.NO
    assert find(where, "B").is_torch_module is Truth.UNKNOWN


def test_classes_that_inherit_in_a_circle() -> None:
    where = project({"m.py": "from n import B\nclass A(B): pass\n", "n.py": "from m import A\nclass B(A): pass\n"})
    first, second = find(where, "A"), find(where, "B")
    assert first.ancestors == (second,)
    assert first.descendants == (second,)
    assert first.is_torch_module is not Truth.YES


def test_a_class_that_derives_from_an_earlier_one_of_its_name() -> None:
    where = project({"m.py": MODULE + "class A(A): pass\nclass B(A): pass\n"})
    first, second = (cls for cls in where.classes() if cls.name == "A")
    if first.span > second.span:
        first, second = second, first
    assert second.bases == (first,)
    assert find(where, "B").bases == (second,)


def test_classes_of_one_name_in_two_files_are_strangers() -> None:
    where = project({"m.py": MODULE + "class B(A): pass\n", "n.py": MODULE + "class C(A): pass\n"})
    assert find(where, "A", "m.py").descendants == (find(where, "B"),)
    assert find(where, "A", "n.py").descendants == (find(where, "C"),)


def test_diamonds_are_walked_once() -> None:
    where = project({"m.py": MODULE + "class B(A): pass\nclass C(A): pass\nclass D(B, C): pass\n"})
    assert sorted(cls.name for cls in find(where, "D").ancestors) == ["A", "B", "C"]
    assert sorted(cls.name for cls in find(where, "A").descendants) == ["B", "C", "D"]


FAMILY = {
    "m.py": "import torch.nn as nn\nclass Base(nn.Module):\n    def f(self):\n        return self.m\n"
    "class One(Base):\n    def __init__(self):\n        self.m = None\n"
    "class Two(Base):\n    def __init__(self):\n        self.m = None\n"
    "class Silent(Base): pass\n"
    "class Mixin:\n    def g(self):\n        return self.m\n"
    "class Below(One, Mixin): pass\n"
    "class Stranger(nn.Module):\n    def h(self):\n        return self.m\n",
}


@pytest.mark.parametrize("name", ["Base", "One", "Two", "Mixin"])
def test_a_family_is_the_same_from_everywhere(name: str) -> None:
    where = project(FAMILY)
    assert [cls.name for cls in find(where, name).family("m")] == ["Base", "One", "Two", "Mixin"]


def test_a_stranger_is_no_family() -> None:
    assert [cls.name for cls in find(project(FAMILY), "Stranger").family("m")] == ["Stranger"]


@pytest.mark.parametrize(
    ("source", "construction"),
    [
        ("self.build()\n    def build(self): pass", {"__init__", "build"}),
        (
            "self.build()\n    def build(self):\n        self.more()\n    def more(self): pass",
            {"__init__", "build", "more"},
        ),
        ("self.build()\n    def build(self): pass\n    def forward(self): self.build()", {"__init__"}),
        ("self.build()\n    @torch.no_grad()\n    def build(self): pass", {"__init__"}),
        ("pass\n    def build(self): pass", {"__init__"}),
        ("self.build()\n    def build(self): pass\nclass B(A):\n    def reset(self): self.build()", {"__init__"}),
    ],
)
def test_methods_that_run_during_construction_only(source: str, construction: set[str]) -> None:
    where = project({"m.py": f"import torch\nclass A(torch.nn.Module):\n    def __init__(self): {source}\n"})
    assert find(where, "A").construction == construction


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(model):\n    if model.m is None: pass", True),
        ("def f(model):\n    model.m = None", True),
        ("def f(model):\n    for i in model.m: pass", True),
        ("def f(model):\n    del model.m", True),
        ("def f(model):\n    return getattr(model, 'm')", True),
        ("def f(model):\n    return vars(model)['m'] is None", True),
        ("def f(model):\n    return model.__dict__['m'] is None", True),
        ("import operator\nread = operator.attrgetter('head.m')", True),
        ("def f(args):\n    return vars(args)['m']", False),
        ("def f(a):\n    return a.model.m", True),
        ("def f(a):\n    return a[0].m", True),
        ("def f(a):\n    return a().m", True),
        ("def f(model):\n    model.forward(1)\n    return model.m", True),
        ("def f(model):\n    return model.m(1)", False),
        ("def f(model):\n    return model.m.weight", False),
        ("def f(args):\n    print(args.epochs)\n    return args.m", False),
        ("import q\ndef f():\n    return q.m", False),
    ],
)
def test_uses_through_other_objects(code: str, found: bool) -> None:
    where = project(
        {
            "net.py": "import torch.nn as nn\nclass A(nn.Module):\n    def __init__(self): self.m = None\n",
            "train.py": code,
        }
    )
    assert bool(list(where.outside_readers(find(where, "A"), "m"))) is found


def test_an_attribute_that_somebody_stores_outside_does_not_refute_a_receiver() -> None:
    train = "def f(model):\n    model.epochs = 3\ndef g(model):\n    print(model.epochs)\n    return model.m\n"
    where = project(
        {
            "net.py": "import torch.nn as nn\nclass A(nn.Module):\n    def __init__(self): self.m = None\n",
            "train.py": train,
        }
    )
    assert [reader.location.line for reader in where.outside_readers(find(where, "A"), "m")] == [5]


@pytest.mark.parametrize(
    ("made", "certain"),
    [
        ("nn.ReLU()", True),
        ("Block()", True),
        ("make()", True),
        ("self.build()", True),
        ("nn.utils.weight_norm(x)", True),
        ("unknown()", False),
        ("Plain()", False),
        ("Odd()", False),
        ("maybe()", False),
        ("circle()", False),
        ("self.maybe_build()", False),
        ("self.overridden()", False),
        ("nn.functional.relu(x)", False),
        ("torch.zeros(3)", False),
    ],
)
def test_whether_a_call_certainly_makes_a_module(made: str, certain: bool) -> None:
    source = f"""
        import torch
        from torch import nn
        class Block(nn.Module): pass
        class Plain: pass
        class Odd(nn.Module):
            def __new__(cls): return None
        def make(): return Block()
        def maybe():
            if x: return Block()
        def circle(): return circle()
        class A(nn.Module):
            def __init__(self):
                self.m = {made}
            def build(self): return make()
            def maybe_build(self): return None if x else make()
            def overridden(self): return make()
        class Sub(A):
            def overridden(self): return None
    """
    where = project({"m.py": source})
    cls = find(where, "A")
    attribute = cls.attribute("m")
    assert attribute is not None
    (ref,) = attribute.definitions[0].refs
    assert where.is_module_value(cls, ref) is certain


@pytest.mark.parametrize(
    ("made", "something"),
    [
        ("nn.ReLU()", True),
        ("choose(x)", True),
        ("call(nn.ReLU)", True),
        ("layers.Block()", True),
        ("self.build(nn.ReLU)", True),
        ("given(nn.ReLU())", False),
        ("maybe()", False),
        ("ends()", False),
        ("Odd()", False),
        ("layers.make()", False),
    ],
)
def test_a_call_that_never_gives_none(made: str, something: bool) -> None:
    source = f"""import torch.nn as nn
class Odd(nn.Module):
    def __new__(cls): return None
def choose(name):
    if name == "relu":
        return nn.ReLU()
    elif name == "none":
        return choose
    raise ValueError(name)
def call(layer): return layer(3)
def given(layer): return layer
def maybe(x=0): return nn.ReLU() if x else None
def ends(x=0):
    if x:
        return nn.ReLU()
class A(nn.Module):
    def __init__(self, x):
        self.m = {made}
        self.n = None
    def build(self, layer): return layer(3)
"""
    where = project({"m.py": source})
    cls = find(where, "A")
    attribute = cls.attribute("m")
    assert attribute is not None
    (ref,) = attribute.definitions[0].refs
    assert where.returns_something(cls, ref) is something


@pytest.mark.parametrize(
    ("ref", "is_class"),
    [
        ("$Block", True),
        ("pkg.Block", True),
        ("$make_block", False),
        ("$self.Block", False),
        ("@Block", False),
        (".a.Block", False),
        ("?", False),
        ("self.Block", False),
    ],
)
def test_class_by_convention(ref: str, is_class: bool) -> None:
    assert is_class_name(ref) is is_class


@pytest.mark.parametrize(
    ("imports", "spelling"),
    [
        ("import torch", "torch.nn.Identity"),
        ("import torch.nn as nn", "nn.Identity"),
        ("from torch import nn as N", "N.Identity"),
        ("from torch.nn import Identity as I", "I"),
        ("from torch.nn import *", "Identity"),
        ("from common import nn", "nn.Identity"),
        ("import numpy", None),
        ("import torch\ntorch = None", None),
        ("from torch import nn\nnn = None", None),
        ("from flax import nn", None),
    ],
)
def test_how_a_file_spells_a_torch_name(imports: str, spelling: str | None) -> None:
    where = project({"m.py": f"{imports}\nclass A: pass\n", "common.py": "from torch import nn\n"})
    assert find(where, "A").spelling("torch.nn.Identity") == spelling
