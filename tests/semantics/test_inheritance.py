"""Why nothing is certain about a class."""

from __future__ import annotations

import pytest

from modfix.semantics.inheritance import base_reasons, layer_reasons
from tests.semantics.helpers import find, project

CLASS = "class B(nn.Module): pass\n"


@pytest.mark.parametrize(
    ("main", "other", "hidden"),
    [
        ("from torch import nn\nfrom other import *\n", "nn = make()\n", True),
        ("from torch import nn\nfrom other import *\n", "import flax.linen as nn\n", True),
        ("from torch import nn\nfrom other import *\n", "import torch.nn as nn\n", False),
        ("from torch import nn\nfrom other import *\n", "x = 1\n", False),
        ("from torch import nn\nfrom other import *\nfrom torch import nn\n", "nn = make()\n", False),
        ("from other import *\nfrom torch import nn\n", "nn = make()\n", False),
        ("from torch import nn\nfrom mine import Linear\nfrom torch.nn import *\n", "", True),
        ("from torch import nn\nfrom torch.nn import Linear\nfrom torch.nn import *\n", "", False),
        ("from torch import nn\nfrom elsewhere import *\n", "", False),
    ],
)
def test_star_import_behind_another_import(main: str, other: str, hidden: bool) -> None:
    where = project({"main.py": main + CLASS, "other.py": other})
    cls = find(where, "B")
    assert ("star-import" in [kind for kind, _, _ in base_reasons([cls], [cls])]) is hidden


@pytest.mark.parametrize(
    ("base", "harmless", "refused"),
    [
        ("nn.Module", (), False),
        ("nn.Conv2d", (), True),
        ("nn.modules.loss._Loss", (), True),
        ("nn.modules.loss._Loss", ("torch.nn._Loss",), False),
        ("nn.modules.loss._WeightedLoss", ("torch.nn._Loss",), True),
        ("Above", (), True),
    ],
)
def test_layers_as_bases(base: str, harmless: tuple[str, ...], refused: bool) -> None:
    where = project({"main.py": f"from torch import nn\nclass Above(nn.Linear): pass\nclass B({base}): pass\n"})
    found = [kind for kind, _, _ in layer_reasons(find(where, "B"), harmless)]
    assert found == ["layer-base"] * refused
