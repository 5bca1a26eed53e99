"""Whose hooks `hooks` gives an owner: wrappers of other packages, receivers that may be no module, decorated hooks."""

from __future__ import annotations

import textwrap

import pytest

from codemods.hooks import Hooks
from modfix.engine.run import check
from modfix.source.tree import MemoryTree

LIGHTNING = """
    import pytorch_lightning as pl
    from torch import nn

    class Net(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)
            self.layer.register_forward_hook(self.keep)

        def keep(self, module, inputs, output):
            self.kept = output
    """
CALLBACK = """
    import pytorch_lightning as pl

    class Recorder(pl.Callback):
        def __init__(self):
            self.kept = []

        def on_fit_start(self, trainer, pl_module):
            pl_module.layer.register_forward_hook(lambda m, i, o: self.kept.append(o))
    """
TIMM = """
    import timm

    def features(x):
        model = timm.create_model("resnet18")
        kept = []
        model.layer4.register_forward_hook(lambda m, i, o: kept.append(o))
        model(x)
        return kept[0]
    """
IMPORTED = """
    from networks import net

    net.layer.register_forward_hook(print)
    """
OF_A_PACKAGE = """
    import networks

    def attach():
        networks.net.layer.register_forward_hook(print)
    """
ANNOTATED = """
    import torch
    from torch.utils.hooks import RemovableHandle

    def attach(model):
        handle: RemovableHandle = model.layer.register_forward_hook(print)
        return handle
    """
BY_HAND = """
    from torch.utils.hooks import RemovableHandle

    def attach(model, hook):
        handle = RemovableHandle(model._forward_hooks)
        model._forward_hooks[handle.id] = hook
        return handle
    """
LOCAL = """
    import torch
    from other import logged

    def features(model, x):
        kept = []

        @DECORATOR
        def keep(module, inputs, output):
            kept.append(output)

        model.layer.register_forward_hook(keep)
        model(x)
        return kept[0]
    """


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (LIGHTNING, ["Keep the handles in `self._hook_handles`, for `remove_hooks()`"]),
        (CALLBACK, ["unknown-base"]),  # Lightning may call the method before `__init__` has run, and more than once
        (TIMM, ["Take the hook off behind its last use"]),
        (IMPORTED, ["unknown-receiver"]),
        (OF_A_PACKAGE, ["unknown-receiver"]),
        (ANNOTATED, []),
        (BY_HAND, []),
        (LOCAL.replace("DECORATOR", "torch.no_grad()"), ["Take the hook off behind its last use"]),
        (
            LOCAL.replace("DECORATOR", "torch.utils.hooks.unserializable_hook"),
            ["Take the hook off behind its last use"],
        ),
        (LOCAL.replace("DECORATOR", "logged"), ["returns-other"]),  # it may do more than the function shows
    ],
)
def test_receivers(source: str, found: list[str]) -> None:
    findings = check(MemoryTree({"run.py": textwrap.dedent(source)}), [Hooks()]).findings
    kinds = [finding.fix.title if finding.fix else finding.refusal and finding.refusal.kind for finding in findings]
    assert kinds == found
