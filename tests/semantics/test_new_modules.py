"""Where a class can create further submodules, and what they may be called."""

from __future__ import annotations

import pytest

from codemods.functional import Functional
from modfix.semantics.function_calls import function_calls
from modfix.semantics.new_modules import NewModules, attribute_name
from modfix.semantics.set_once import argument_doubts, set_once
from tests.semantics.helpers import find, net, project

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def new(source: str, name: str = "Net", **files: str) -> NewModules:
    return NewModules(find(project({"net.py": HEAD + source, **{f"{k}.py": HEAD + v for k, v in files.items()}}), name))


def kinds(source: str, name: str = "Net") -> set[str]:
    return {kind for kind, _, _ in new(source, name).blockers()}


STRAY = "class Stray(pick(object)):\n    def __init__(self):\n        {init}\n"
PLAIN = net("return x", init="self.fc = nn.Linear(2, 2)")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (PLAIN, set()),
        (PLAIN.replace("nn.Module", "Unknown"), {"unknown-base"}),
        ("from other import Mixin\n" + PLAIN.replace("nn.Module", "Mixin, nn.Module"), {"unknown-base"}),
        (PLAIN.replace("nn.Module", "nn.Sequential"), {"container", "layer-base"}),
        (PLAIN.replace("nn.Module", "nn.LSTM"), {"layer-base"}),
        ("from torch.nn.modules.loss import _Loss\n" + PLAIN.replace("nn.Module", "_Loss"), set()),
        (PLAIN.replace("super().__init__()", "pass"), {"no-super-init"}),
        (PLAIN + "    def names(self):\n        return vars(self)\n", {"dynamic-access"}),
        (PLAIN + "    def __getattr__(self, name):\n        return 1\n", {"dynamic-access"}),
        (PLAIN + "class Sub(Net):\n    def __init__(self):\n        nn.Module.__init__(self)\n", {"skips-init"}),
        (PLAIN + "class Sub(Net):\n    def __init__(self):\n        super(Net, self).__init__()\n", {"skips-init"}),
        (PLAIN + "class Sub(Net):\n    def __init__(self):\n        super(Sub, self).__init__()\n", set()),
        (PLAIN + "class Sub(Net):\n    def __init__(self):\n        Net.__init__(self)\n", set()),
        (
            PLAIN + "class Sub(Net):\n    pass\nclass SubSub(Sub):\n    def __init__(self):\n        pass\n",
            {"skips-init"},
        ),
        (PLAIN + "def head(net: Net):\n    return list(net.children())[0]\n", {"child-walk"}),
        (PLAIN + "    def names(self):\n        return list(self.__dict__.items())\n", set()),
        (PLAIN + "    def names(self):\n        return dict(vars(self))\n", set()),
        (PLAIN + "    def take(self, other):\n        self.__dict__.update(other)\n", {"dynamic-access"}),
        (PLAIN + "    def __setstate__(self, other):\n        self.__dict__.update(other)\n", set()),
        (PLAIN + "    def take(self, other):\n        self.__dict__ = other\n", {"dynamic-access"}),
        (PLAIN + "    def layer(self, name):\n        return self._modules[name]\n", set()),
        (PLAIN + "    def has(self, name):\n        return name in self._modules\n", set()),
        (PLAIN + "    def set(self, name, m):\n        self._modules[name] = m\n", {"dynamic-access"}),
        (PLAIN + "    def count(self):\n        return len(self._modules)\n", {"dynamic-access"}),
        (PLAIN + "    def layer(self, name):\n        return getattr(self, name)\n", set()),
        (PLAIN + "    def layer(self, name):\n        return getattr(self, name, None)\n", {"dynamic-access"}),
        (PLAIN + "    def set(self, name):\n        setattr(self, name, 1)\n", {"dynamic-access"}),
        (PLAIN + "    def set(self, name, m):\n        self.add_module(name, m)\n", {"dynamic-access"}),
        (PLAIN + "    def set(self, n, m):\n        self.add_module('conv%d' % n, m)\n", set()),
        (PLAIN + "    def show(self):\n        self = self[0]\n", set()),
        (PLAIN.replace("self.fc", "self = make(self)\n        self.fc"), {"dynamic-access"}),
        (PLAIN + STRAY.format(init="nn.Module.__init__(self)"), set()),
        (PLAIN + STRAY.format(init="self.fc = None"), {"skips-init"}),
        (PLAIN + STRAY.format(init="self.fc = None").replace("object", "Net"), {"skips-init"}),
    ],
)
def test_blockers(source: str, expected: set[str]) -> None:
    assert kinds(source) == expected


GAN = """class Gan(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def weights(self, std):
        for m in self._modules:
            set_weights(self._modules[m], std)

    def forward(self, x):
        return F.relu(self.fc(x))


def set_weights(m, std):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("if isinstance(m, nn.Linear):\n        m.weight.data.normal_(0, std)", set()),
        ("m.weight.data.normal_(0, std)", {"dynamic-access"}),
        ("TABLE.append(m)", {"dynamic-access"}),
        ("print(std)", set()),
    ],
)
def test_modules_handed_on_one_by_one(body: str, expected: set[str]) -> None:
    assert kinds(GAN.format(body=body), "Gan") == expected


def test_a_class_without_init_needs_module_as_its_only_base() -> None:
    bare = "class {}({}):\n    def forward(self, x):\n        return x\n"
    assert kinds(bare.format("Net", "nn.Module")) == set()
    assert kinds(PLAIN.replace("Net", "Base") + bare.format("Net", "Base")) == {"no-init"}


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("self.fc = 1", set()),
        ("self.size = self.flat(1)", {"flat", "forward"}),
        ("self.size = self(1)", {"forward", "__call__"}),
        ("probe(self)", {"forward", "__call__"}),
        ("self.size = probe(self.forward)", {"forward"}),
    ],
)
def test_what_runs_before_init_ends(init: str, expected: set[str]) -> None:
    source = net("return x", init=init) + "    def flat(self, x):\n        return self.forward(x)\n"
    assert new(source).construction.runs == expected


def test_names_are_free_in_all_relatives() -> None:
    sub = "class Sub(Net):\n    def relu(self):\n        return 1\n"
    outside = "def freeze(m):\n    m.gelu = None\n"
    names = new(PLAIN + sub + outside)
    assert names.free_names("relu", 1) == ["relu_layer"]
    assert names.free_names("silu", 1) == ["silu"]
    assert names.free_names("silu", 2) == ["silu1", "silu2"]
    assert names.free_names("dropout2d", 2) == ["dropout2d_1", "dropout2d_2"]
    assert names.free_names("train", 1) == ["train_layer"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("self.add_module('relu', nn.Linear(2, 2))", "relu_layer"),
        ("self.add_module(name='relu', module=nn.Linear(2, 2))", "relu_layer"),
        ("self.register_buffer('relu', torch.ones(1))", "relu_layer"),
        ("self.add_module('rel' + str(0), nn.Linear(2, 2))", "no free name"),
        ("self.add_module('gelu', nn.Linear(2, 2))", "relu"),
        ("setattr(self, 'relu', 1)", "relu_layer"),
        ("setattr(self, 'rel' + m, 1)", "no free name"),
    ],
)
def test_names_that_come_into_being_by_a_string_are_taken(code: str, expected: str) -> None:
    names = new(net("return x", init=code))
    if expected == "no free name":
        with pytest.raises(LookupError, match=expected):
            names.free_names("relu", 1)
    else:
        assert names.free_names("relu", 1) == [expected]


def test_names_of_a_class_that_may_be_a_subclass_are_taken() -> None:
    stray = STRAY.format(init="super().__init__()\n        self.relu = 1")
    assert new(PLAIN + stray).free_names("relu", 1) == ["relu_layer"]


OTHER = "class Other(nn.Module):\n    def __init__(self):\n        super().__init__()\n"


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("", set()),
        ("def swap(net):\n    net.forward = fast\n", {"patched-method"}),
        ("def swap(net):\n    setattr(net, 'forward', fast)\n", {"patched-method"}),
        ("def slow(net):\n    net.forward = timed(net.forward)\n", set()),
        ("def slow(net):\n    net.old = net.forward\n    net.forward = timed(net.old)\n", set()),
        (
            "def slow(net):\n    assert not hasattr(net, 'old')\n    net.old = net.forward\n"
            "    net.forward = timed(net.old)\n",
            set(),
        ),
        ("Net.forward = fast\n", {"patched-method"}),
        ("fast = Net.forward\n", {"borrowed-method"}),
        (OTHER + "    forward = Net.forward\n", {"borrowed-method"}),
        (OTHER + "    def forward(self, x):\n        return Net.forward(self, x)\n", {"borrowed-method"}),
        (OTHER + "    def forward(self, x):\n        return Other.forward(self, x)\n", set()),
        ("class Sub(Net):\n    def forward(self, x):\n        return Net.forward(self, x)\n", set()),
        (OTHER.replace("Other(nn.Module)", "Sub(Net)") + "    act = Net.forward\n", set()),
        (
            "class Sub(Net):\n    def forward(self, x):\n        return x\n"
            + OTHER
            + "    def forward(self, x):\n        return Sub.forward(self, x)\n",
            set(),
        ),
    ],
)
def test_methods_that_run_elsewhere_or_not_at_all(rest: str, expected: set[str]) -> None:
    names = new(net("return F.relu(x)", init="self.fc = nn.Linear(2, 2)") + rest)
    (call,) = names.cls.facts.calls
    assert {kind for kind, _, _ in names.place_reasons(call)} == expected


def test_a_method_in_which_self_is_bound_again() -> None:
    names = new(net("self = self.inner\nreturn F.relu(x)", init="self.inner = nn.Linear(2, 2)"))
    (call,) = names.cls.facts.calls
    assert {kind for kind, _, _ in names.place_reasons(call)} == {"rebound-self"}


def test_a_method_borrowed_in_another_file() -> None:
    other = OTHER + "    forward = net.Net.forward\n"
    names = new(net("return F.relu(x)"), other="import net\n" + other)
    (call,) = names.cls.facts.calls
    assert [(kind, where.path) for kind, _, where in names.place_reasons(call)] == [("borrowed-method", "other.py")]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("nn.ReLU.forward = f", {"patched-class"}),
        ("nn.Module.__call__ = f", set()),
        ("nn.Module.forward = f", {"patched-class"}),
        ("setattr(nn.ReLU, 'forward', f)", {"patched-class"}),
        ("nn.Dropout.forward = f", set()),
        ("x = nn.ReLU.forward", set()),
        ("def patch():\n    nn.ReLU.forward = f", {"patched-class"}),
    ],
)
def test_classes_of_torch_that_the_project_changes(code: str, expected: set[str]) -> None:
    names = new(net("return F.relu(x)", init="self.fc = nn.Linear(2, 2)") + code + "\n")
    assert {kind for kind, _, _ in names.patched("torch.nn.ReLU")} == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("F.dropout(x, 0.5, self.training)", set()),
        ("F.dropout(x, 0.5, bool(self.training))", set()),
        ("F.dropout(x, 0.5)", {"always-active"}),
        ("F.dropout(x, 0.5, True)", {"always-active"}),
        ("F.dropout(x, 0.5, False)", {"never-active"}),
        ("F.dropout(x, 0.5, TRAIN)", {"dynamic-training"}),
        ("F.dropout(x, 0.5, x.training)", {"dynamic-training"}),
        ("F.dropout(x, RATE, self.training)", set()),
        ("F.dropout(x, x.mean(), self.training)", {"dynamic-argument"}),
        ("F.dropout(x) if self.training else x", set()),
        ("x if not self.training else F.dropout(x)", set()),
        ("F.dropout(x) if not self.training else x", {"always-active"}),
        ("F.relu(x, *self.rest)", {"unsupported-arguments"}),
        ("F.relu(**x)", {"unsupported-arguments"}),
        ("F.softmax(x, 1, dtype=torch.float)", {"no-module-argument"}),
        ("F.softmax(x, 1)", set()),
    ],
)
def test_arguments_that_a_module_can_take(call: str, expected: set[str]) -> None:
    names = new("TRAIN = True\nRATE = 0.5\n" + net(f"return {call}"))
    (found,) = function_calls(names.cls, ("activation", "dropout", "softmax"))
    assert {kind for kind, _, _ in found.reasons(names)} == expected


@pytest.mark.parametrize(
    ("call", "arguments", "kept"),
    [
        ("F.relu(x)", "", 0),
        ("F.relu(x, True)", "True", 0),
        ("F.relu(inplace=True, input=x)", "inplace=True", 1),
        ("F.relu_(x)", "inplace=True", 0),
        ("F.leaky_relu(x, 0.2, True)", "0.2, True", 0),
        ("F.leaky_relu(x, inplace=True)", "inplace=True", 0),
        ("F.dropout(x, 0.1, self.training, True)", "0.1, True", 0),
        ("F.dropout(x, training=self.training)", "", 0),
        ("F.softmax(x, -1)", "-1", 0),
        ("F.softmax(x, dim=1)", "dim=1", 0),
    ],
)
def test_what_the_constructor_takes(call: str, arguments: str, kept: int) -> None:
    (found,) = function_calls(new(net(f"return {call}")).cls, ("activation", "dropout", "softmax"))
    assert (found.constructor_arguments, found.kept) == (arguments, kept)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("Softmax", "softmax"),
        ("MSELoss", "mse_loss"),
        ("BCEWithLogitsLoss", "bce_with_logits_loss"),
        ("LeakyReLU", "leaky_relu"),
        ("SiLU", "silu"),
        ("GELU", "gelu"),
        ("AvgPool2d", "avg_pool2d"),
        ("KLDivLoss", "kl_div_loss"),
    ],
)
def test_attribute_name(module: str, name: str) -> None:
    assert attribute_name(module) == name


@pytest.mark.parametrize(
    ("init", "rest", "expected"),
    [
        ("self.p = 0.5", "", set()),
        ("self.p = m", "", {"optional-argument"}),
        ("self.p = nn.Parameter(m)", "", {"not-static"}),
        ("self.q = 0.5", "", {"not-static"}),
        ("self.p = 0.5", "    def anneal(self):\n        self.p = 0.1\n", {"set-later"}),
        ("self.p = 0.5", "    def anneal(self):\n        self.p *= 0.1\n", {"set-later"}),
        ("self.p = 0.5", "def anneal(net):\n    net.p = 0.1\n", {"set-later"}),
        (
            "self.p = 0.5",
            "class Sub(Net):\n    def __init__(self):\n        super().__init__()\n        self.p = 1\n",
            {"set-later"},
        ),
        ("pass", "    @property\n    def p(self):\n        return 0.5\n", {"not-static"}),
        ("pass", "    p = 0.5\n", set()),
        ("self.setup()", "    def setup(self):\n        self.p = 0.5\n", set()),
        (
            "self.setup()",
            "    def setup(self):\n        self.p = 0.5\n    def reset(self):\n        self.setup()\n",
            {"set-later"},
        ),
        ("def later():\n    self.p = 0.5\nself.later = later", "", {"set-later"}),
    ],
)
def test_set_once(init: str, rest: str, expected: set[str]) -> None:
    source = net("return F.dropout(x, self.p, self.training)", init=init) + rest
    assert {kind for kind, _, _ in set_once(new(source).cls, "p")} == expected


@pytest.mark.parametrize(
    ("argument", "rest", "expected"),
    [
        ("self.p", "", None),
        ("float(self.p)", "", None),
        ("float(m)", "", "dynamic-argument"),
        ("self.args.p", "", "`self.args.p` is read once, in `__init__`, and no longer in each call"),
        ("self.args.p", "args.p = 1", "; net.py:"),
        ("self.args.p", "net.args.p = 1", "set-later"),
        ("self.args.p", "args.q = 1", "`self.args.p` is read once, in `__init__`, and no longer in each call"),
        ("self.args['a']['p']", "", "`self.args['a']['p']` is read once"),
        ("self.args[x]", "", "dynamic-argument"),
        ("self.args.get('p')", "", "dynamic-argument"),
        ("self.fc.p", "", "dynamic-argument"),
        ("hparams.p", "", "`hparams.p` is read once"),
        ("torch.p", "", "dynamic-argument"),
        ("x.args.p", "", "dynamic-argument"),
    ],
)
def test_arguments_that_are_read_from_other_objects(argument: str, rest: str, expected: str | None) -> None:
    init = "self.args = m\nself.p = 0.5\nself.fc = nn.Linear(2, 2)"
    source = net(f"return F.dropout(x, {argument}, self.training)", init=init).replace("m=None", "m") + rest + "\n"
    names = new(source)
    (call,) = function_calls(names.cls, ("dropout",))
    found = [*(kind for kind, _, _ in call.reasons(names)), *argument_doubts(names.cls, call.taken)]
    assert found == [] if expected is None else expected in found[0]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("if self.p:", "`self.p` must be a number: net.py:"),
        ("if self.p > 0:", None),
        ("if self.p is not None:", "optional-argument"),
    ],
)
def test_arguments_that_are_tested(test: str, expected: str | None) -> None:
    names = new(net(f"{test}\n    x = F.dropout(x, self.p, self.training)\nreturn x", init="self.p = 0.5"))
    (call,) = function_calls(names.cls, ("dropout",))
    found = [*(kind for kind, _, _ in call.reasons(names)), *argument_doubts(names.cls, call.taken)]
    assert found == [] if expected is None else expected in found[0]


def test_doubtful_calls_have_a_fix_of_their_own() -> None:
    source = net("return F.dropout(F.relu(x), self.args.p, self.training)", init="self.args = m").replace("m=None", "m")
    findings = list(Functional().check(new(source).cls))
    assert [(f.fix.applicability.name, f.fix.title) for f in findings if f.fix] == [
        ("SAFE", "Store the modules of `F.relu` and call these"),
        ("UNSAFE", "Store the modules of `F.dropout` and call these"),
    ]
    assert len({f.fingerprint for f in findings}) == 2
