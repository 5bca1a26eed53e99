"""Why nothing is certain about a class."""

from __future__ import annotations

import pytest

from modfix.semantics.inheritance import base_reasons
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
