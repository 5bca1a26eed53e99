from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("handle_not_removed", "hook", "        handle.remove()\n", "", check="hooks"),
    wrong(
        "removed_before_the_call",
        "hook",
        "        h = self.backbone(x)\n        handle.remove()\n",
        "        handle.remove()\n        h = self.backbone(x)\n",
        at=("return output * 0.5", "F.relu(h)", "h = self.backbone(x)"),
    ),
    wrong(
        "hook_removed_after_first_call",
        "hook",
        "        self.backbone[0].register_forward_hook(self.keep('early'))\n",
        "        self.early = self.backbone[0].register_forward_hook(self.keep('early'))\n",
        "        self.features.clear()\n",
        "",
        "        handle.remove()\n",
        "        handle.remove()\n        self.early.remove()\n",
        check="error",  # the second call returns a feature of the first, whose graph is gone
    ),
    wrong(
        "context_manager_around_too_little",
        "hook",
        "        handle = self.backbone[2].register_forward_hook(self.scale)\n        h = self.backbone(x)\n        handle.remove()\n",
        "        with self.backbone[2].register_forward_hook(self.scale):\n            h = self.backbone[:2](x)\n        h = self.backbone[2](h)\n",
        at=("return output * 0.5", "F.relu(h)", "h = self.backbone[2](h)"),
    ),
    wrong(
        "hook_stays_after_its_stack",
        "hook",
        "        handle = self.backbone[2].register_forward_hook(self.scale)\n        h = self.backbone(x)\n        handle.remove()\n",
        "        import contextlib\n        with contextlib.ExitStack() as stack:\n            stack.enter_context(self.backbone[2].register_forward_hook(self.scale))\n            h = self.backbone(x)\n            stack.pop_all()\n",
        check="hooks",
    ),
    wrong(
        "store_sees_another_value",
        "hook",
        "            self.features[name] = output\n",
        "            self.features[name] = output\n            self.norms.append(output.norm())\n",
        check="state",
    ),
    wrong(
        "hook_on_another_module",
        "hook",
        "self.backbone[2].register_forward_hook(self.scale)",
        "self.backbone[1].register_forward_hook(self.scale)",
        at=("return output * 0.5",),
    ),
    wrong(
        "features_detached",
        "gradient",
        "self.features[name] = output",
        "self.features[name] = output.detach()",
        check="gradients",
    ),
    wrong("features_cloned_later", "hook", "self.features['early']\n", "torch.relu(self.features['early'])\n"),
    wrong(
        "feature_of_another_layer",
        "hook",
        "self.backbone[0].register_forward_hook(self.keep('early'))",
        "self.backbone[1].register_forward_hook(self.keep('early'))",
        check="hooks",
    ),
    wrong(
        "pre_hook_for_hook",
        "hook",
        "        def hook(module, inputs, output):\n            self.features[name] = output\n",
        "        def hook(module, inputs):\n            self.features[name] = inputs[0]\n",
        "self.backbone[0].register_forward_hook(",
        "self.backbone[0].register_forward_pre_hook(",
        check="hooks",
    ),
    wrong(
        "gradient_hook_lost",
        "backward",
        "            h.register_hook(lambda grad: grad.clamp(-1, 1))\n",
        "            pass\n",
        at="lambda grad",
    ),
    wrong("gradient_hook_limits", "backward", "grad.clamp(-1, 1)", "grad.clamp(-0.01, 0.01)"),
    wrong("hook_doubles", "scale", "return output * 0.5", "return output * 2"),
    wrong("hook_returns_nothing", "hook", "return output * 0.5", "output * 0.5", at=("F.relu(h)", "output * 0.5")),
    wrong(
        "hook_registered_twice",
        "hook",
        "        self.head = nn.Linear(dim, 2)\n",
        "        self.head = nn.Linear(dim, 2)\n        self.backbone[2].register_forward_hook(self.scale)\n",
        at="return output * 0.5",
    ),
    wrong(
        "full_backward_hook",
        "hook",
        "        self.norms = []\n",
        "        self.norms = []\n        self.head.register_full_backward_hook(lambda m, gi, go: (gi[0] * 0.5,))\n",
        at=("self.head(F.relu(h))", "h = self.backbone(x)", "backward_hook"),
    ),
    wrong(
        "hook_kept_by_list",
        "hook",
        "        handle.remove()\n",
        "        handle.remove()\n        self.norms.append(self.backbone[0].register_forward_hook(self.keep('late')))\n",
        check="hooks",
    ),
    wrong(
        "global_hook",
        "hook",
        "        self.norms = []\n",
        "        self.norms = []\n        nn.modules.module.register_module_forward_hook(lambda m, i, o: o * 2 if isinstance(m, nn.ReLU) else None)\n",
    ),
]

EQUAL = [
    equal(
        "handle_kept",
        "        self.backbone[0].register_forward_hook(self.keep('early'))\n",
        "        self.handle = self.backbone[0].register_forward_hook(self.keep('early'))\n",
    ),
    equal(
        "try_finally",
        "        h = self.backbone(x)\n        handle.remove()\n",
        "        try:\n            h = self.backbone(x)\n        finally:\n            handle.remove()\n",
    ),
    equal(
        "context_manager",
        "        handle = self.backbone[2].register_forward_hook(self.scale)\n        h = self.backbone(x)\n        handle.remove()\n",
        "        with self.backbone[2].register_forward_hook(self.scale):\n            h = self.backbone(x)\n",
    ),
    equal(
        "exit_stack",
        "        handle = self.backbone[2].register_forward_hook(self.scale)\n        h = self.backbone(x)\n        handle.remove()\n",
        "        import contextlib\n        with contextlib.ExitStack() as stack:\n            stack.enter_context(self.backbone[2].register_forward_hook(self.scale))\n            h = self.backbone(x)\n",
    ),
    equal(
        "handles_in_a_list",
        "        self.backbone[0].register_forward_hook(self.keep('early'))\n",
        "        self._hook_handles = []\n        self._hook_handles.append(self.backbone[0].register_forward_hook(self.keep('early')))\n",
    ),
    equal("hook_as_method", "return output * 0.5", "return 0.5 * output"),
    equal(
        "no_hook_for_scale",
        "        handle = self.backbone[2].register_forward_hook(self.scale)\n        h = self.backbone(x)\n        handle.remove()\n",
        "        h = self.backbone(x) * 0.5\n",
    ),
]
