"""Who gets the handle of a hook, and how long it must live."""

from __future__ import annotations

import textwrap

import pytest

from modfix.semantics.hook_facts import NO_HOOKS, GradientUse, Handle, HookFacts
from tests.semantics.helpers import facts_of


def hooks(source: str) -> HookFacts:
    return facts_of(source).hooks


def function(body: str, *, parameters: str = "model, x, other", head: str = "") -> HookFacts:
    lines = [head, f"def run({parameters}):", textwrap.indent(textwrap.dedent(body), "    ")]
    return hooks("\n".join(lines))


KEEP = "model.layer.register_forward_hook(lambda m, i, o: kept.append(o))"


def test_files_without_registrations_cost_nothing() -> None:
    assert hooks("x.register_hook(print)\nregister_load_state_dict_pre_hook(1)\n") is NO_HOOKS


@pytest.mark.parametrize(
    ("statement", "handle"),
    [
        (KEEP, Handle.DISCARDED),
        (f"handle = {KEEP}", Handle.UNUSED),
        (f"handle = {KEEP}\nmodel(x)\nhandle.remove()", Handle.PAIRED),
        (f"handle = {KEEP}\nmodel(x)\nif x:\n    handle.remove()", Handle.KEPT),
        (f"handle = {KEEP}\nmodel(x)\nhandle.remove()\nother(handle)", Handle.KEPT),
        (f"other.append({KEEP})", Handle.KEPT),
        (f"other.handle = {KEEP}", Handle.KEPT),
        (f"return {KEEP}", Handle.KEPT),
        (f"with {KEEP}:\n    model(x)", Handle.HELD),
        (f"[{KEEP} for model in other]", Handle.DISCARDED),
        (f"x = [{KEEP} for model in other]", Handle.KEPT),
        (f"handle = {KEEP}\nmodel(x)\ndel handle", Handle.KEPT),
        (f"global handle\nhandle = {KEEP}", Handle.KEPT),
    ],
)
def test_what_becomes_of_a_handle(statement: str, handle: Handle) -> None:
    assert function(f"kept = []\n{statement}").sites[0].handle is handle


@pytest.mark.parametrize(
    "body",
    [
        f"kept = []\n{KEEP}\nmodel(x)\nreturn kept[0]",
        f"kept = []\n{KEEP}\nmodel(x)\nreturn torch.cat(kept)",
        f"kept = []\n{KEEP}\nmodel.eval()\nwith torch.no_grad():\n    model(x)\nreturn [k.numpy() for k in kept]",
        f"kept = []\nfor layer in model.children():\n    {KEEP.replace('model.layer', 'layer')}\nmodel(x)\nreturn kept[-1]",
        f"kept = []\nnet = model.module\n{KEEP.replace('model.', 'net.')}\nmodel(x)\nreturn len(kept)",
        "count = 0\ndef hook(m, i, o):\n    nonlocal count\n    count += 1\nmodel.a.register_forward_hook(hook)\nmodel(x)\nreturn count",
        "net = Net()\nnet.a.register_forward_hook(lambda m, i, o: print(o))\nnet.b.register_forward_hook(other)\nreturn net(x)",
    ],
)
def test_hooks_that_nobody_sees_behind_the_function(body: str) -> None:
    plans = function(body, head="import torch\nfrom nets import Net").local
    assert [plan.certain for plan in plans] == [True]


@pytest.mark.parametrize(
    "body",
    [
        f"kept = []\n{KEEP}\nmodel(x)\nreturn kept",
        f"kept = []\n{KEEP}\nmodel(x)\nother(kept)",
        f"kept = []\n{KEEP}\nmodel(x)\nagain = kept\nreturn again",
        "model.a.register_forward_hook(lambda m, i, o: print(o))\nmodel(x)",
        "kept = {}\nmodel.a.register_forward_hook(lambda m, i, o: kept['a'].append(o))\nmodel(x)\nreturn kept['a']",
    ],
)
def test_hooks_that_somebody_may_see(body: str) -> None:
    plans = function(body).local
    assert [plan.certain for plan in plans] == [False]
    assert plans[0].note


@pytest.mark.parametrize(
    "body",
    [
        f"kept = []\n{KEEP}",  # it never runs
        f"kept = []\n{KEEP}\nmodel.eval()\nmodel.to(x)",
        f"kept = []\n{KEEP}\nmodel(x)\nreturn model",
        f"kept = []\n{KEEP}\nmodel(x)\nother.model = model",
        f"kept = []\n{KEEP}\nmodel(x)\nyield kept[0]",
        f"kept = []\n{KEEP}\nmodel(x)\nreturn lambda: model(x)",
        f"kept = []\n{KEEP}\nmodel(x)\noutputs = (model(y) for y in x)\nreturn outputs",
        f"kept = []\n{KEEP}\nmodel(x)\ndef run(y):\n    return model(y)\nreturn run",
        f"kept = []\n{KEEP}\nmodel(x)\nclass A:\n    def f(self):\n        return model(x)\nreturn A",
        f"kept = other\n{KEEP}\nmodel(x)\nreturn kept[0]",
        f"kept = other.kept\n{KEEP}\nmodel(x)\nreturn kept[0]",
        "model.a.register_forward_hook(lambda m, i, o: o * 2)\nreturn model(x)",
        "model.a.register_forward_hook(lambda m, i, o: o.mul_(2) and None)\nreturn model(x)",
        "model.a.register_forward_hook(other)\nreturn model(x)",
        "def hook(m, i, o):\n    m.kept = o\nmodel.a.register_forward_hook(hook)\nmodel(x)\nreturn model.a.kept.sum()",
        "def hook(m, i, o):\n    o[0] = 1\nmodel.a.register_forward_hook(hook)\nmodel(x)",
        "def hook(m, i, o):\n    raise StopIteration\nmodel.a.register_forward_hook(hook)\nmodel(x)",
        "def hook(m, i, o):\n    other.kept = o\nmodel.a.register_forward_hook(hook)\nmodel(x)",
    ],
)
def test_hooks_that_are_meant_to_stay(body: str) -> None:
    assert function(body).local == ()


def test_a_statement_that_runs_the_model_ends_the_lifetime() -> None:
    source = f"def run(model, x):\n    kept = []\n    {KEEP}\n    a = 1\n    y = model(x)\n    z = y + 1\n    return z + kept[0]\n"
    (plan,) = hooks(source).local
    assert source[plan.first.start : plan.last.end] == "a = 1\n    y = model(x)"
    assert [source[head.start : head.end] for head in plan.heads] == [KEEP]


def test_a_loop_around_the_registration_belongs_to_the_lifetime() -> None:
    source = (
        f"def run(model, xs):\n    kept = []\n    for x in xs:\n        {KEEP}\n        model(x)\n    return kept[0]\n"
    )
    (plan,) = hooks(source).local
    assert source[plan.first.start : plan.last.end].startswith("for x in xs:")
    assert not plan.heads


def test_a_function_of_the_script_may_run_the_model() -> None:
    source = f"""\
from nets import Net
model = Net()
kept = []
def evaluate(x):
    return model(x)
{KEEP}
y = evaluate(1)
print(kept[0])
"""
    (plan,) = hooks(source).local
    assert (plan.certain, plan.script) == (True, True)
    assert source[plan.first.start : plan.last.end] == "y = evaluate(1)"


@pytest.mark.parametrize(
    "more", ["def predict(x):\n    return model(x)\n", "class A:\n    def f(self):\n        model(1)\n"]
)
def test_a_script_whose_model_others_may_run_has_no_lifetime(more: str) -> None:
    source = f"from nets import Net\nmodel = Net()\nkept = []\nmodel.a.register_forward_hook(print)\nmodel(1)\n{more}"
    assert hooks(source).local == ()


def test_pairs_are_joined_where_nothing_stands_between() -> None:
    source = "a = m.x.register_forward_hook(f)\nb = m.y.register_forward_hook(f)\nm(1)\nb.remove()\na.remove()\n"
    assert [len(pair.sites) for pair in hooks(source).pairs] == [2]
    assert hooks(source.replace("m(1)\n", "")).pairs == ()


@pytest.mark.parametrize(
    ("use", "known"),
    [
        ("for h in self.handles:\n            h.remove()", True),
        ("self.handles.clear()", True),
        ("self.handles = []", True),
        ("print(self.handles[0])", False),
        ("return self.handles", False),
        ("for h in self.handles:\n            print(h)", False),
    ],
)
def test_lists_of_handles(use: str, known: bool) -> None:
    source = f"""\
class A:
    def __init__(self, m):
        self.handles = []
        h = m.register_forward_hook(print)
        self.handles.append(h)
    def use(self):
        {use}
"""
    lists = hooks(source).lists
    assert [item.name for item in lists] == (["handles"] if known else [])
    if known:
        assert lists[0].early
        assert lists[0].remover == ("use" if "h.remove" in use else "")


@pytest.mark.parametrize(
    ("hook", "use", "gives"),
    [
        ("lambda *args: None", GradientUse.NOTHING, False),
        ("lambda m, gi, go: seen.append(go[0])", GradientUse.OUTPUT, False),
        ("lambda m, gi, go: seen.append(gi[0])", GradientUse.FIRST, False),
        ("lambda m, gi, go: seen.append(gi)", GradientUse.OTHER, False),
        ("lambda m, gi, go: (gi[0] * 2,)", GradientUse.FIRST, True),
        ("lambda *args: seen.append(args)", GradientUse.OTHER, False),
        ("unknown", GradientUse.UNKNOWN, True),
    ],
)
def test_what_a_backward_hook_reads(hook: str, use: GradientUse, gives: bool) -> None:
    (found,) = hooks(f"m.register_backward_hook({hook})\n").backward
    assert (found.use, found.gives) == (use, gives)


@pytest.mark.parametrize(
    ("forward", "kind"),
    [
        ("return torch.sigmoid(self.conv(x))", None),
        ("y = self.conv(x)\n        return y + 1", None),
        ("y = self.conv(x)\n        z = torch.cat([y, y])\n        z += 1\n        return z", None),
        ("return self.relu(self.conv(x))", None),
        ("return self.act(self.conv(x))", "in-place"),
        ("return F.relu(self.conv(x), True)", "in-place"),
        ("return F.relu(self.conv(x), inplace=True)", "in-place"),
        ("y = self.conv(x)\n        y += 1\n        return y.sum()", "in-place"),
        ("y = self.conv(x).view(-1)\n        y[0] = 1\n        return y.sum()", "in-place"),
        ("return self.conv(x).detach().relu_().sum()", "in-place"),
        ("return self.conv(x)", "unknown-module"),
        ("return other(self.conv(x))", "unknown-module"),
        ("return other(self.conv)(x)", "unknown-module"),
        ("self.kept = self.conv(x)\n        return self.kept + 1", "unknown-module"),
        ("return self.conv(x, 1) + 1", "several-inputs"),
    ],
)
def test_what_becomes_of_the_output_of_a_hooked_layer(forward: str, kind: str | None) -> None:
    source = f"""\
import torch
import torch.nn.functional as F
from torch import nn
class A(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.act = nn.ReLU(inplace=True)
        self.relu = nn.ReLU()
        self.conv.register_backward_hook(lambda *args: None)
    def forward(self, x):
        {forward}
"""
    (found,) = hooks(source).backward
    assert found.layer == "torch.nn.Conv2d"
    assert (found.blocker.kind if found.blocker else None) == kind


FILL = "for layer in model.children():\n    hooks.append(layer.register_forward_hook(other))\n"


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (f"hooks = []\n{FILL}model(x)\nfor h in hooks:\n    h.remove()", 1),
        (
            f"hooks = list()\n{FILL}model(x)\nfor h in hooks:\n    h.remove()\nhooks = []\n{FILL}for h in hooks:\n    h.remove()",
            2,
        ),
        (f"hooks = []\n{FILL}model(x)\nfor h in hooks:\n    h.remove()\nreturn hooks", 0),
        (f"hooks = []\n{FILL}model(x)\nfor h in hooks:\n    h.remove()\nprint(h)", 0),
        (f"hooks = []\n{FILL}model(x)\nfor h in hooks:\n    h.remove()\n    print(h)", 0),
        (f"hooks = []\n{FILL}model(x)\nif x:\n    for h in hooks:\n        h.remove()", 0),
        (f"hooks = []\n{FILL}hooks.append(other)\nmodel(x)\nfor h in hooks:\n    h.remove()", 0),
        (f"hooks = [other]\n{FILL}model(x)\nfor h in hooks:\n    h.remove()", 0),
        (f"hooks = []\n{FILL}yield model(x)\nfor h in hooks:\n    h.remove()", 0),
        (f"global hooks\nhooks = []\n{FILL}model(x)\nfor h in hooks:\n    h.remove()", 0),
        (f"{FILL}hooks = []\nmodel(x)\nfor h in hooks:\n    h.remove()", 0),
    ],
)
def test_local_lists_of_handles(body: str, count: int) -> None:
    assert len(function(body).stacks) == count


@pytest.mark.parametrize("leave", ["return", "for y in x:\n    break", "for y in x:\n    if y:\n        continue"])
def test_code_that_leaves_before_the_removal(leave: str) -> None:
    for body in (f"hooks = []\n{FILL}{leave}\nfor h in hooks:\n    h.remove()", f"h = {KEEP}\n{leave}\nh.remove()"):
        facts = function(body)
        assert [found.left_early for found in (*facts.stacks, *facts.pairs)] == [True]


@pytest.mark.parametrize(
    ("reads", "single"),
    [
        ("return kept[0].detach()", [True]),
        ("a = kept[0].mean().item()\nb = kept[-1].shape\nprint(len(kept))\nkept.clear()", [True]),
        ("return kept[0].cpu().data.numpy()", [True]),
        ("return kept[0].shape", []),  # perhaps no tensor
        ("return kept[0][0].detach()", []),  # perhaps a tuple
        ("return kept[0].detach() + kept[0]", []),
        ("return [k.detach() for k in kept]", [True]),
        ("return kept[0].mean(), kept[0].detach()", []),
        ("kept[0].detach()\nreturn kept", []),
        ("kept[0].detach()\nreturn lambda: kept[0].detach()", []),
        ("kept[0].detach()\nkept[0].backward()", []),
        ("kept[0].detach()\nother.kept = kept", []),
    ],
)
def test_outputs_that_may_be_detached(reads: str, single: list[bool]) -> None:
    facts = function(f"kept = []\nwith {KEEP}:\n    model(x)\n{reads}")
    assert [not output.note for output in facts.outputs] == single


@pytest.mark.parametrize(
    ("hook", "count"),
    [
        ("lambda m, i, o: kept.append(o)", 1),
        ("lambda m, i, o: kept.append(o.detach())", 0),
        ("lambda m, i, o: kept.append((o,))", 0),
        ("lambda m, i, o: other.append(o)", 0),
        ("lambda m, i, o, k=1: kept.append(o)", 1),
        ("lambda m, i, kw, o: kept.append(o)", 0),
        ("lambda *args: kept.append(args[2])", 0),
        ("hook", 0),
    ],
)
def test_hooks_that_store_an_output_as_it_is(hook: str, count: int) -> None:
    definition = "def hook(m, i, o):\n    o = o + 1\n    kept.append(o)\n" if hook == "hook" else ""
    body = f"kept = []\n{definition}with model.register_forward_hook({hook}):\n    model(x)\nreturn kept[0].detach()"
    assert len(function(body).outputs) == count


def test_several_modules_may_give_something_else() -> None:
    for more in ("with model.b.register_forward_hook(lambda m, i, o: kept.append(o)):\n    model(x)\n", ""):
        loop = (
            ""
            if more
            else "for layer in model.children():\n    layer.register_forward_hook(lambda m, i, o: kept.append(o))\n"
        )
        body = f"kept = []\n{loop}{more}{'' if loop else f'with {KEEP}:' + chr(10) + '    model(x)' + chr(10)}return kept[0].data"
        outputs = function(body).outputs
        assert outputs
        assert all(output.note for output in outputs)


@pytest.mark.parametrize(
    ("made", "given"),
    [
        ("model", True),
        ("model.eval()", True),
        ("models['teacher'].net", True),
        ("Net()", False),
        ("Net(model)", False),
        ("copy.deepcopy(model)", False),
    ],
)
def test_modules_that_an_object_was_given(made: str, given: bool) -> None:
    source = f"""\
import copy
class Net: ...
class A:
    def __init__(self, model, models):
        self.net = {made}
    def attach(self):
        self.net.layer.register_forward_hook(print)
"""
    assert [site.given for site in hooks(source).sites] == [given]
    direct = "class A:\n    def attach(self, net):\n        for m in net.modules():\n            m.register_forward_hook(print)\n"
    assert [site.given for site in hooks(direct).sites] == [True]


@pytest.mark.parametrize(
    ("methods", "creator"), [(("__init__", "attach"), "__init__"), (("attach",), "attach"), ((), "")]
)
def test_method_that_creates_a_list_of_handles(methods: tuple[str, ...], creator: str) -> None:
    source = "class A:\n    def fill(self, m):\n        self.handles.append(m.register_forward_hook(print))\n"
    source += "".join(f"    def {method}(self):\n        self.handles = []\n" for method in methods)
    (found,) = hooks(source).lists
    assert (found.creator, found.created is not None, found.early) == (creator, bool(creator), creator == "__init__")


@pytest.mark.parametrize(
    ("parameters", "hook", "registration", "holder"),
    [
        (
            "model",
            "lambda m, i, o: kept.append(o)",
            "for m in model.modules():\n    m.register_forward_hook(HOOK)",
            "model",
        ),
        ("x, model", "lambda m, i, o: kept.append(o)", "model.register_forward_hook(HOOK)", "model"),
        ("model: nn.Module", "lambda m, i, o: kept.append(o)", "model.act.register_forward_hook(HOOK)", "model"),
        ("trainer", "lambda m, i, o: kept.append(o)", "trainer.net.register_forward_hook(HOOK)", ""),
        ("model", "lambda m, i, o: o * 2", "model.register_forward_hook(HOOK)", ""),
        ("model", "lambda m, i, o: setattr(m, 'kept', o)", "model.register_forward_hook(HOOK)", ""),
        ("model, hook", "hook", "model.register_forward_hook(HOOK)", ""),
        ("model", "lambda m, i, o: kept.append(o)", "model = model.to(1)\nmodel.register_forward_hook(HOOK)", ""),
        ("a, b", "lambda m, i, o: kept.append(o)", "a.register_forward_hook(HOOK)\nb.register_forward_hook(HOOK)", ""),
    ],
)
def test_models_that_can_keep_the_handles(parameters: str, hook: str, registration: str, holder: str) -> None:
    body = f"kept = []\n{registration.replace('HOOK', hook)}\nreturn kept"
    (found,) = function(body, parameters=parameters, head="from torch import nn").instrumenters
    assert found.blocker is not None
    assert (found.blocker.kind, found.holder) == ("returns-other", holder)


def _once(hook: str, after: str = "model(x)\nreturn kept[0]", head: str = "kept = []") -> HookFacts:
    return function(f"{head}\n{hook}\nhandle = model.act.register_forward_hook(hook)\n{after}")


TAKES_ITSELF_OFF = "def hook(m, i, o):\n    kept.append(o)\n    handle.remove()"


@pytest.mark.parametrize(
    ("facts", "certain"),
    [
        (_once(TAKES_ITSELF_OFF), [True]),
        (_once(TAKES_ITSELF_OFF, "model(x)\nreturn kept"), [False]),
        (_once(TAKES_ITSELF_OFF.replace("    handle", "    if o is x:\n        handle")), [True]),
        (_once(TAKES_ITSELF_OFF, "return kept"), []),  # the model does not run
        (_once(TAKES_ITSELF_OFF, "model(x)\nhandle.remove()\nreturn kept[0]"), []),
        (_once(TAKES_ITSELF_OFF, "model(x)\nreturn handle"), []),
        (_once(TAKES_ITSELF_OFF, "model(x)\nhook(x, x, x)\nreturn kept[0]"), []),
        (_once(TAKES_ITSELF_OFF, head="kept = other"), []),
        (_once(TAKES_ITSELF_OFF.replace("handle.remove()", "x = handle.remove()")), []),
        (_once("hook = lambda m, i, o: (kept.append(o), handle.remove())"), []),
        (hooks(f"kept = []\n{TAKES_ITSELF_OFF}\nhandle = model.register_forward_hook(hook)\nmodel(x)\n"), []),
    ],
)
def test_hooks_that_take_themselves_off(facts: HookFacts, certain: list[bool]) -> None:
    assert [plan.certain for plan, _ in facts.one_shots] == certain
    assert {note.kind for site in facts.sites for note in site.notes} == {"removal-in-hook"}


@pytest.mark.parametrize(
    ("reads", "notes"),
    [
        ("return self.kept.detach()", [""]),
        ("kept = self.kept\n        return kept.mean().item(), kept.shape", [""]),
        ("return None if self.kept is None else self.kept.cpu().numpy()", [""]),
        ("with torch.no_grad():\n            return torch.softmax(self.kept, 1) * 2", [""]),
        ("with torch.inference_mode():\n            return self.kept * 2", [""]),
        ("torch.save(self.kept, 'file')", ["what `torch.save` writes no longer says that it needs a gradient"]),
        ("return self.kept", []),
        ("return self.kept.mean()", []),
        ("return self.kept.shape", []),  # perhaps nobody reads the values
        ("kept = self.kept\n        kept.detach()\n        return kept", []),
        ("for _ in x:\n            kept = self.kept\n            kept = kept.detach()", []),
        ("with torch.no_grad():\n            return self.kept.float()", []),
        ("with torch.no_grad(), torch.enable_grad():\n            return self.kept * 2", []),
        ("with torch.no_grad():\n            return lambda: self.kept * 2", []),  # runs later, with a graph
        ("with torch.no_grad():\n            return (self.kept * k for k in x)", []),
        ("with torch.no_grad():\n            return torch.relu(self.kept, inplace=True)", []),
        ("with torch.enable_grad():\n            return self.kept * 2", []),
        ("with torch.no_grad():\n            self.conv(x)\n        return self.kept.detach()", []),  # there is no graph
    ],
)
def test_attributes_of_which_only_values_are_read(reads: str, notes: list[str]) -> None:
    source = f"""\
import torch
from torch import nn
class A(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.handle = self.conv.register_forward_hook(self.hook)
    def hook(self, m, i, o):
        self.kept = o
    def read(self, x):
        {reads}
"""
    outputs = hooks(source).outputs
    assert [output.note for output in outputs] == notes
    assert all((output.owner, output.attribute, output.source) == ("A", "kept", "o") for output in outputs)
    unknown = hooks(source.replace("nn.Conv2d(3, 3, 3)", "make()")).outputs
    assert all(output.note for output in unknown)


@pytest.mark.parametrize(
    ("reads", "count"),
    [
        ("for k in kept:\n    print(k.shape, k.detach())", 1),
        ("for k in kept.values():\n    print(k.item())", 1),
        ("for name, k in kept.items():\n    print(name, k.tolist())", 1),
        ("return {name: k.data for name, k in kept.items()}", 1),
        ("for item in kept.items():\n    print(item[1].item())", 0),
        ("for k in kept.values():\n    print(k)", 0),
        ("for k in kept:\n    k.detach()\nreturn k", 0),
        ("for k in kept:\n    k.detach()\nfor k in x:\n    k.backward()", 0),
        ("list(kept.values())[0].detach()", 0),
    ],
)
def test_walks_over_stored_outputs(reads: str, count: int) -> None:
    facts = function(f"kept = []\nwith {KEEP}:\n    model(x)\n{reads}")
    assert len(facts.outputs) == count


@pytest.mark.parametrize(
    ("made", "before", "last"),
    [
        ("make().to(self.device)", "pass", "run"),
        ("make()", "self.device", "run"),
        ("self.net", "pass", "self.finish()"),  # the method may run it
        ("make()", "self.add(model)", "self.finish()"),
        ("make()", "other(self, model)", "self.finish()"),
    ],
)
def test_methods_of_an_object_that_may_have_the_model(made: str, before: str, last: str) -> None:
    source = f"""\
from nets import make, other
class A:
    def process(self, x):
        kept = []
        model = {made}
        {before}
        model.act.register_forward_hook(lambda m, i, o: kept.append(o))
        run = model(x)
        self.finish()
        return kept[0]
"""
    (plan,) = hooks(source).local
    assert source[: plan.last.end].endswith({"run": "run = model(x)"}.get(last, last))


def test_a_registration_with_a_comment_stays_on_its_line() -> None:
    for comment, source in (("", KEEP), ("  # the last one", "")):
        facts = function(f"kept = []\n{KEEP}{comment}\nmodel(x)\nreturn kept[0]")
        assert [site.source for site in facts.sites] == [source]
