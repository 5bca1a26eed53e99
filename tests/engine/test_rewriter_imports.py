"""Where missing imports go."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.engine.edits import MakeEdit, as_crlf, ensure, remove, run, swap

NN = ensure("torch.nn", None, "nn")


@pytest.mark.parametrize(
    "text",
    [
        "import torch.nn as nn\n",
        "from torch import nn\n",
        "import os, torch.nn as nn\n",
        "from torch import (\n    cuda,\n    nn,\n)\n",
        "x = 1\nfrom torch import nn\n",
    ],
)
def test_nothing_happens_when_the_binding_is_there(text: str) -> None:
    assert run(text, [NN, ensure("torch", "nn")]) == [text]


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        ("import torch.nn.functional\n", ensure("torch.nn"), "import torch.nn.functional\n"),
        ("import torch\n", ensure("torch.nn"), "import torch\nimport torch.nn\n"),
        ("import torch.nn\n", NN, "import torch.nn\nimport torch.nn as nn\n"),
        ("from torchvision import nn\n", NN, "from torchvision import nn\nimport torch.nn as nn\n"),
        ("from .torch import nn\n", NN, "from .torch import nn\nimport torch.nn as nn\n"),
        ("from torch import nn as n\n", ensure("torch", "nn"), "from torch import nn as n\nfrom torch import nn\n"),
        ("from a import b\n", ensure("c", "d", "e"), "from a import b\nfrom c import d as e\n"),
    ],
)
def test_which_bindings_count(text: str, edit: MakeEdit, expected: str) -> None:
    assert run(text, [edit]) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "+"),
        ("# only a comment\n", "# only a comment\n+"),
        ("import os\nimport torch  # why\nimport sys\n", "import os\nimport torch  # why\n+import sys\n"),
        ("import torch\nimport os\nfrom torch import cuda\nx = 1\n",
         "import torch\nimport os\nfrom torch import cuda\n+x = 1\n"),
        ("import os\nimport sys\n\nx = 1\n", "import os\nimport sys\n+\nx = 1\n"),
        ("from a import (\n    b,\n)\nx = 1\n", "from a import (\n    b,\n)\n+x = 1\n"),
        ("import os; import sys; x = [\n]\ny = 1\n", "import os; import sys; x = [\n]\n+y = 1\n"),
        ("import os\nx = 1\nimport sys\n", "import os\n+x = 1\nimport sys\n"),
        ("import os\nx = 1\nimport torch\n", "import os\nx = 1\nimport torch\n+"),
        ("import os\n\n\ndef f():\n    pass\n\n\nimport torch\n",
         "import os\n+\n\ndef f():\n    pass\n\n\nimport torch\n"),
        ("import os\nif T:\n    import torch\nx = 1\n", "import os\n+if T:\n    import torch\nx = 1\n"),
        ("try:\n    import a\nexcept E:\n    a = None\nimport os\nx = 1\n",
         "try:\n    import a\nexcept E:\n    a = None\nimport os\n+x = 1\n"),
        ("import os\n__all__ = []\nimport sys\nx = 1\n", "import os\n__all__ = []\nimport sys\n+x = 1\n"),
        ('"""Doc."""\n', '"""Doc."""\n\n+'),
        ('"""Doc."""\n\nx = 1\n', '"""Doc."""\n\n+\nx = 1\n'),
        ('"""Doc."""\nx = 1\n', '"""Doc."""\n\n+\nx = 1\n'),
        ('"""Doc."""\n\n\nclass A:\n    pass\n', '"""Doc."""\n\n+\n\nclass A:\n    pass\n'),
        ("from __future__ import annotations\n\nx = 1\n", "from __future__ import annotations\n\n+\nx = 1\n"),
        ('"""Doc."""\nfrom __future__ import annotations\nimport os\n',
         '"""Doc."""\nfrom __future__ import annotations\nimport os\n+'),
        ("#!/bin/sh\n# -*- coding: utf-8 -*-\nx = 1\n", "#!/bin/sh\n# -*- coding: utf-8 -*-\n+\nx = 1\n"),
        ("# Licence\n\n# own\nclass A:\n    pass\n", "# Licence\n\n+\n\n# own\nclass A:\n    pass\n"),
        ("x = 1\n", "+\nx = 1\n"),
    ],
)  # fmt: skip
def test_place(text: str, expected: str) -> None:
    line = "import torch.nn as nn\n"
    assert run(text, [NN]) == [expected.replace("+", line)]
    assert run(as_crlf(text), [NN]) == [as_crlf(expected.replace("+", line))] or not text


def test_no_line_end_at_the_end() -> None:
    assert run("import os", [NN]) == ["import os\nimport torch.nn as nn"]


@pytest.mark.parametrize(
    ("text", "edits", "expected"),
    [
        ("x = 1\n", [swap("1", "2"), NN], "import torch.nn as nn\n\nx = 2\n"),
        ("# a\n\n# b\nx = 1\n", [swap("1", "2"), NN], "# a\n\nimport torch.nn as nn\n\n# b\nx = 2\n"),
        ("import os\nx = 1\n", [remove("import"), NN], "import torch.nn as nn\nx = 1\n"),
        ("import os\nx = 1\n", [remove("x"), NN], "import os\nimport torch.nn as nn\n"),
        ("import os\nx = 1\nimport torch\n", [swap("1", "nn.A()"), NN],
         "import os\nimport torch.nn as nn\nx = nn.A()\nimport torch\n"),
        ("import os\n", [ensure("a"), ensure("b"), ensure("a")], "import os\nimport a\nimport b\n"),
    ],
)  # fmt: skip
def test_with_other_edits(text: str, edits: Sequence[MakeEdit], expected: str) -> None:
    assert run(text, edits) == [expected]


def test_the_first_group_that_needs_an_import_adds_it() -> None:
    texts = run("x = 1\ny = 2\n", [swap("1", "3")], [swap("2", "4"), NN], [NN])
    assert texts == ["x = 3\ny = 2\n", *["import torch.nn as nn\n\nx = 3\ny = 4\n"] * 2]
