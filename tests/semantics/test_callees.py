"""What is called to make a value."""

from __future__ import annotations

import pytest

from modfix.semantics.attributes import Attribute
from tests.semantics.helpers import find, net, project


def definitions(value: str, before: str = "") -> Attribute:
    init = f"{before}\nif m:\n    self.m = {value}\nelse:\n    self.m = None"
    where = project(
        {"net.py": "import torch.nn.functional as F\nfrom functools import partial\n" + net("pass", init=init)}
    )
    return Attribute(find(where, "Net"), "m")


@pytest.mark.parametrize(
    ("value", "never_none"),
    [
        ("lambda v: v", True),
        ("F.relu", True),
        ("F.relu if x else nn.ReLU()", True),
        ("partial(F.relu, inplace=True)", True),
        ("getattr(nn, m)()", True),
        ("getattr(nn, m, None)()", True),
        ("getattr(nn, m, int)()", False),
        ("getattr(layers, m)()", False),
        ("getattr(m, 'x')()", False),
        ("eval('nn.' + m)()", True),
        ("eval(f'nn.{m}')()", True),
        ("eval('nn.ReLU')()", True),
        ("eval('nn.ReLU() or ' + m)()", False),
        ("eval('layers.' + m)()", False),
        ("eval(m)()", False),
        ("layers.relu", False),
        ("m", False),
        ("0", False),
        ("make()", False),
    ],
)
def test_values_that_are_never_none(value: str, never_none: bool) -> None:
    assert definitions(value).definitions[0].never_none() is never_none


@pytest.mark.parametrize(
    ("made", "is_module"),
    [
        ("def make():\n    return nn.ReLU()", True),
        ("def make():\n    return nn.ReLU() if m else None", False),
        ("def make():\n    return m", False),
        ("def make():\n    pass", False),
        ("if m:\n    def make(): return nn.ReLU()\nelse:\n    def make(): return nn.ReLU()", True),
        ("if m:\n    def make(): return nn.ReLU()\nelse:\n    def make(): return int()", False),
        ("if m:\n    def make(): return nn.ReLU()\nelse:\n    from layers import make", False),
        ("def make():\n    return nn.ReLU()\nmake = wrap(make)", False),
        ("@wrap\ndef make():\n    return nn.ReLU()", False),
    ],
)
def test_functions_inside_the_method(made: str, is_module: bool) -> None:
    assert definitions("make()", made).definitions[0].makes_modules() is is_module
