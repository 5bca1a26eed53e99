"""Of which classes an object can be."""

from __future__ import annotations

import pytest

from tests.semantics.helpers import find, project

CLASSES = """
import copy
import torchvision
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(1, 1)

class Sub(Net): pass

class Other(nn.Module):
    def __init__(self, net=None):
        super().__init__()
        self.body = Other()
        self.held = Net()
        self.given = net
    def make(self):
        return Other()

def build():
    return Other()

def maybe(x):
    return Net() if x else Other()
"""


def sliced(code: str, extra: dict[str, str] | None = None) -> bool:
    """Whether the walk in ``code`` may be over the children of a ``Net``."""
    where = project({"m.py": CLASSES + code, **(extra or {})})
    return bool(where.child_walks(find(where, "Net")))


@pytest.mark.parametrize(
    ("made", "may_be"),
    [
        ("Net()", True),
        ("Sub()", True),
        ("Other()", False),
        ("Other().eval().cuda()", False),
        ("Net().eval()", True),
        ("copy.deepcopy(Other())", False),
        ("copy.deepcopy(Net())", True),
        ("build()", False),
        ("maybe(1)", True),
        ("unknown()", True),
        ("nn.Sequential()", False),
        ("torchvision.models.resnet18()", False),
        ("getattr(torchvision.models, name)()", False),
        ("getattr(name, 'Net')()", True),
        ("Other() if name else nn.ReLU()", False),
        ("Other() if name else Net()", True),
        ("Other().body", False),
        ("Other().held", True),
        ("Other().given", True),
        ("nn.DataParallel(Net()).module", True),
        ("Elsewhere()", False),
    ],
)
def test_by_what_makes_it(made: str, may_be: bool) -> None:
    assert sliced(f"def f(name):\n    model = {made}\n    return list(model.children())[0]\n") is may_be


@pytest.mark.parametrize(
    ("body", "may_be"),
    [
        ("return list(model.children())[0]", True),
        ("model.head\n    return list(model.children())[0]", False),
        ("model.fc\n    return list(model.children())[0]", True),
        ("x = list(model.children())[0]\n    return x, model.head", False),
        ("if x:\n        model.head\n    return list(model.children())[0]", True),
        ("if x:\n        return list(model.children())[0]\n    return model.head", True),
        ("try:\n        model.head\n    except AttributeError: pass\n    return list(model.children())[0]", True),
        ("getattr(model, 'head')\n    return list(model.children())[0]", False),
        ("getattr(model, 'head', None)\n    return list(model.children())[0]", True),
        ("if isinstance(model, Other):\n        return list(model.children())[0]", False),
        ("if isinstance(model, (Other, Net)):\n        return list(model.children())[0]", True),
        ("if isinstance(model, nn.Module):\n        return list(model.children())[0]", True),
        ("for m in [Other(), nn.ReLU()]:\n        list(m.children())[0]", False),
        ("for m in [Other(), model]:\n        list(m.children())[0]", True),
    ],
)
def test_by_what_the_code_expects(body: str, may_be: bool) -> None:
    assert sliced(f"def f(model, x):\n    {body}\n") is may_be


@pytest.mark.parametrize(
    ("between", "may_be"),
    [("", False), ("model.fc = Net()", True), ("change(model)", True), ("model.eval()", False)],
)
def test_parts_of_what_torchvision_makes(between: str, may_be: bool) -> None:
    lines = ["def f():", "    model = torchvision.models.resnet18()", "    " + (between or "pass")]
    assert sliced("\n".join([*lines, "    model.fc = list(model.fc.children())[0]", ""])) is may_be


@pytest.mark.parametrize(("owner", "may_be"), [("x", True), ("Adds(x)", False)])
def test_modules_under_computed_names_say_nothing_of_an_unknown_object(owner: str, may_be: bool) -> None:
    adds = "class Adds(nn.Module):\n    def __init__(self, name):\n        self.add_module(name, nn.ReLU())\n"
    assert sliced(adds + f"def f(x):\n    return list({owner}.features.children())[0]\n") is may_be


@pytest.mark.parametrize(
    ("annotation", "may_be"), [("nn.Module", True), ("Net", True), ("Sub", True), ("Other", False), ("'Net'", True)]
)
def test_by_annotation(annotation: str, may_be: bool) -> None:
    assert sliced(f"def f(model: {annotation}):\n    return list(model.children())[0]\n") is may_be


WALKER = "def cut(model):\n    return list(model.children())[0]\n"


@pytest.mark.parametrize(
    ("calls", "may_be"),
    [
        ("", True),
        ("cut(Other())", False),
        ("cut(model=Other())", False),
        ("cut(Other())\ncut(Net())", True),
        ("cut(*Other())", True),
        ("cut(Other())\nmap(cut, x)", True),
        ("def g(m):\n    return cut(m)\ng(Other())", False),
        ("def g(m):\n    return cut(m)\ng(x)", True),
    ],
)
def test_by_callers(calls: str, may_be: bool) -> None:
    assert sliced(f"{WALKER}{calls}\n") is may_be


def test_callers_in_other_files_are_unknown() -> None:
    assert sliced(WALKER + "cut(Other())\n", {"n.py": "from m import cut\ncut(x)\n"})
    assert sliced(WALKER + "cut(Other())\n", {"n.py": "import m\nm.cut(x)\n"})
    assert sliced(WALKER + "cut(Other())\n", {"n.py": "from m import *\n"})


def test_a_function_that_only_calls_itself_is_called_by_others() -> None:
    assert sliced("def cut(model):\n    list(model.children())[0]\n    cut(Other())\n")


def test_who_inherits_from_another_package_may_have_any_attribute() -> None:
    code = "def f(model):\n    model.head\n    return list(model.children())[0]\n"
    foreign = CLASSES.replace("class Sub(Net)", "import lightning\nclass Sub(Net, lightning.LightningModule)")
    where = project({"m.py": foreign + code})
    assert where.child_walks(find(where, "Net"))


@pytest.mark.parametrize(
    ("store", "known"),
    [
        ("def g(model):\n    model.head = 1\n", True),
        ("def g(model):\n    model.tail\n    model.head = 1\n", False),
        ("def g(args):\n    args.head = 1\n", False),
    ],
)
def test_attributes_given_from_outside(store: str, known: bool) -> None:
    where = project({"m.py": CLASSES + store})
    assert where.objects.lacks(find(where, "Net"), frozenset({"head"})) is not known
