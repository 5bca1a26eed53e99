"""Facts about initialisation: deprecated names, biases that may be None, and what of an `__init__` could move."""

from __future__ import annotations

import inspect
import warnings
from textwrap import indent

import pytest

from modfix.semantics.init_facts import BiasAccess, InitPlan, Presence
from modfix.semantics.init_names import DEPRECATED
from modfix.semantics.layer_bias import AFFINE_POSITION, BIAS_POSITION
from modfix.semantics.resets import reset_reasons
from modfix.semantics.torch_names import MODULE_CLASSES, RESETTING_MODULES
from tests.semantics.helpers import facts_of, find, project

torch = pytest.importorskip("torch")
HEAD = "import math\nimport torch\nfrom torch import nn\n\n"


class TestTables:
    """What the tables say is what torch has."""

    @pytest.mark.parametrize("name", sorted(DEPRECATED))
    def test_deprecated_names_warn_and_do_the_same(self, name: str) -> None:
        arguments = {"constant": (0.5,), "sparse": (0.5,)}.get(name, ())
        shape = (4, 4, 3) if name == "dirac" else (4, 4)
        results = []
        for function in (getattr(torch.nn.init, name), getattr(torch.nn.init, f"{name}_")):
            torch.manual_seed(0)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                results.append((function(torch.zeros(shape), *arguments), torch.get_rng_state(), len(caught)))
        (old, old_state, warned), (new, new_state, silent) = results
        assert torch.equal(old, new)
        assert torch.equal(old_state, new_state)
        assert (warned, silent) == (1, 0)

    def test_there_are_no_more(self) -> None:
        public = {name for name in dir(torch.nn.init) if hasattr(torch.nn.init, f"{name}_")}
        assert public == DEPRECATED

    @pytest.mark.parametrize(("name", "position"), [*BIAS_POSITION.items(), *AFFINE_POSITION.items()])
    def test_position_of_the_flag(self, name: str, position: int) -> None:
        parameters = list(inspect.signature(getattr(torch.nn, name.rpartition(".")[2]).__init__).parameters)[1:]
        assert parameters[position] in ("bias", "affine", "elementwise_affine")

    def test_modules_that_reset(self) -> None:
        assert {name for name in MODULE_CLASSES if hasattr(getattr(torch.nn, name, None), "reset_parameters")} == (
            RESETTING_MODULES
        )


def accesses(source: str) -> list[BiasAccess]:
    return list(facts_of(HEAD + source).initialisation.biases)


@pytest.mark.parametrize(
    ("test", "presence"),
    [
        ("isinstance(m, nn.Linear)", Presence.OPTIONAL),
        ("isinstance(m, (nn.Conv2d, Own))", Presence.OPTIONAL),
        ("type(m) == nn.Conv2d", Presence.OPTIONAL),
        ("flag and isinstance(m, nn.modules.conv._ConvNd)", Presence.OPTIONAL),
        ("isinstance(m, nn.Module)", Presence.UNKNOWN),
        ("isinstance(m, Other)", Presence.FOREIGN),
        ("isinstance(m, Optional)", Presence.OPTIONAL),
        ("'Conv' in m.__class__.__name__", Presence.UNKNOWN),
        ("hasattr(m, 'bias')", Presence.UNKNOWN),
        ("isinstance(n, nn.Linear)", Presence.UNKNOWN),
    ],
)
def test_presence_by_the_test_around(test: str, presence: Presence) -> None:
    own = "class Own(nn.Module):\n    def __init__(self):\n        self.bias = nn.Parameter(torch.ones(2))\n"
    optional = own.replace("Own", "Optional") + "        self.register_parameter('bias', None)\n"
    source = f"{own}{optional}def f(m, n, flag):\n    if {test}:\n        nn.init.zeros_(m.bias)\n"
    (access,) = accesses(source)
    assert (access.presence, access.layer, access.member, access.kind) == (presence, "m", "bias", "")


@pytest.mark.parametrize(
    "test",
    ["isinstance(m, Own)", "m.bias is not None", "m.bias", "use_bias", "self.use_bias", "getattr(m, 'bias', None)"],
)
def test_no_access_where_the_bias_is_there(test: str) -> None:
    own = "class Own(nn.Module):\n    def __init__(self):\n        self.bias = nn.Parameter(torch.ones(2))\n"
    assert not accesses(f"{own}def f(self, m, use_bias):\n    if {test}:\n        m.bias.data.zero_()\n")


@pytest.mark.parametrize(
    ("made", "presence"),
    [
        ("nn.Linear(2, 2)", None),
        ("nn.Linear(2, 2, True)", None),
        ("nn.Conv2d(2, 2, 1, bias=b)", Presence.OPTIONAL),
        ("nn.Linear(2, 2, b)", Presence.OPTIONAL),
        ("nn.Linear(*b)", Presence.OPTIONAL),
        ("nn.Linear(2, 2, bias=False)", Presence.ABSENT),
        ("nn.Linear(2, 2, bias=False) if b else nn.Linear(2, 2)", Presence.OPTIONAL),
        ("nn.InstanceNorm2d(2)", Presence.OPTIONAL),
        ("nn.BatchNorm2d(2)", None),
        ("nn.LayerNorm(2, elementwise_affine=b)", Presence.OPTIONAL),
        ("Own(2, 2)", Presence.FOREIGN),
        ("b", Presence.FOREIGN),
    ],
)
def test_presence_by_the_constructor(made: str, presence: Presence | None) -> None:
    source = f"class A(nn.Module):\n    def __init__(self, b):\n        self.fc = {made}\n        self.fc.bias.data.zero_()\n"
    assert [access.presence for access in accesses(source)] == ([] if presence is None else [presence])


def plan(body: str, *, arguments: str = "") -> InitPlan | None:
    source = f"{HEAD}class A(nn.Module):\n    def __init__(self{arguments}):\n        super().__init__()\n"
    plans = facts_of(source + indent(body, " " * 8)).initialisation.plans
    return plans[0] if plans else None


@pytest.mark.parametrize(
    "body",
    [
        "self.fc = nn.Linear(2, 2)",
        "self.fc.weight = nn.Parameter(torch.ones(2, 2))",
        "self.a.weight = self.b.weight",
        "self.fc.weight.data.mul_(0.5)",
        "self.fc.weight.requires_grad = False",
        "self.load_state_dict(torch.load(path))",
        "self.build()",
        "init_hidden(self)",
        "load_pretrained_weights(self)",
    ],
)
def test_no_initialisation(body: str) -> None:
    assert plan(body, arguments=", path") is None


@pytest.mark.parametrize(
    ("body", "moved"),
    [
        ("nn.init.zeros_(self.fc.bias)\n", 1),
        ("self.apply(init_weights)\n", 1),
        ("x = 3\nnn.init.constant_(self.fc.bias, x)\n", 2),
        ("x = 3\nself.x = x\nnn.init.constant_(self.fc.bias, x)\n", 1),
        ("for m in self.modules():\n    if isinstance(m, nn.Linear):\n        m.weight.data.normal_()\n", 1),
        ("n = 3\nself.m = n\nfor m in self.modules():\n    n = m.size\n    m.bias.data.fill_(n)\n", 1),
        (
            "self.a = nn.Linear(flag, 1)\nself.a.bias.data.zero_()\nself.b = nn.Linear(flag, 2)\nself.b.bias.data.zero_()\n",
            2,
        ),
        ("nn.init.zeros_(self.fc.bias)\nself.norm = nn.BatchNorm1d(3)\nnn.init.ones_(self.fc.weight)\n", 2),
    ],
)
def test_what_moves(body: str, moved: int) -> None:
    found = plan(body, arguments=", flag")
    assert found is not None
    assert (len(found.statements), found.obstacles, found.reorders) == (moved, (), None)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("for _ in range(2):\n    self.fc = nn.Linear(2, 2)\n    self.fc.bias.data.zero_()\n", "mixed"),
        ("if flag:\n    return\nnn.init.zeros_(self.fc.bias)\n", "early-return"),
        ("fc = nn.Linear(2, 2)\nfc.bias.data.zero_()\nself.fc = fc\n", "local"),
        ("x = 1\nnn.init.constant_(self.fc.bias, x)\nself.y = 2 * x\n", "local"),
        ("nn.init.zeros_(self.fc.bias)\nself.y = exec('x')\n", "dynamic"),
        ("global n\nnn.init.zeros_(self.fc.bias)\n", "dynamic"),
        ("for m in self.modules():\n    m.bias.data.zero_()\ndel m\n", "shared-variable"),
        ("for m in self.modules():\n    m.bias.data.zero_()\nself.last = m\n", "shared-variable"),
        ("for i in range(2):\n    self.x[i].bias.data.zero_()\ni += 1\n", "shared-variable"),
        ("self.fc = weight_norm(self.fc)\nself.fc.bias.data.zero_()\n", "normalised"),
        ("self.apply(f_init)\nself.a = nn.ReLU()\nself.apply(g_init)\n", "order"),
    ],
)
def test_obstacles(body: str, kind: str) -> None:
    found = plan(body, arguments=", flag")
    assert found is not None
    assert found.obstacles[0].kind == kind
    assert not found.statements


@pytest.mark.parametrize(
    ("first", "between", "reorders"),
    [
        ("self.a.weight.data.normal_()", "self.b = nn.Linear(2, 2)", True),
        ("self.a.weight.data.normal_()", "self.b = Own(2)", True),
        ("self.a.weight.data.normal_()", "self.b = nn.ReLU()", False),
        ("self.a.weight.data.fill_(2)", "self.b = nn.Linear(2, 2)", False),
        ("nn.init.xavier_uniform(self.a.weight)", "self.b = nn.Parameter(torch.rand(2))", True),
        ("nn.init.constant(self.a.weight, 1)", "self.b = nn.Parameter(torch.rand(2))", False),
    ],
)
def test_order_of_draws(first: str, between: str, reorders: bool) -> None:
    found = plan(f"{first}\n{between}\nnn.init.zeros_(self.c)\n")
    assert found is not None
    assert (found.reorders is not None) is reorders


RESETS = {
    "no": "class A(nn.Module):\n    pass\n",
    "own-initialiser": "class A(nn.Module):\n    def _init_weights(self):\n        pass\n",
    "relative-resets": "class A(nn.Module):\n    pass\nclass B(A):\n    def reset_parameters(self):\n        pass\n",
    "layer-base": "class A(nn.Conv2d):\n    pass\n",
    "unknown-base": "from other import Base\nclass A(Base):\n    pass\n",
    "reset-sweep": "class A(nn.Module):\n    pass\ndef f(m):\n    if hasattr(m, 'reset_parameters'):\n        pass\n",
}


@pytest.mark.parametrize("kind", RESETS)
def test_reasons_against_the_method(kind: str) -> None:
    cls = find(project({"net.py": HEAD + RESETS[kind]}), "A")
    assert next((found for found, *_ in reset_reasons(cls)), "no") == kind
