from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong(
        "rng_not_preserved",
        "backward",
        "checkpoint(layer, x, use_reentrant=False)",
        "checkpoint(layer, x, use_reentrant=False, preserve_rng_state=False)",
        at=("self.dropout(torch.tanh", "self.norm(x)"),
    ),
    wrong(
        "last_layer_skipped",
        "operands",
        "for layer in self.layers:",
        "for layer in self.layers[:-1]:",
        at="return self.out(",
    ),
    wrong(
        "dropout_in_eval",
        "mode",
        "            if self.training:\n",
        "            layer.train()\n            if self.training:\n",
        at="self.dropout(",
    ),
    wrong(
        "eval_inside_checkpoint",
        "mode",
        "            if self.training:\n",
        "            layer.eval()\n            if self.training:\n",
        at=("self.dropout(torch.tanh(", "return x +", "self.norm(x)"),
    ),
    wrong(
        "input_detached",
        "gradient",
        "checkpoint(layer, x, use_reentrant=False)",
        "checkpoint(layer, x.detach().requires_grad_(), use_reentrant=False)",
        check="gradients",
    ),
    wrong(
        "no_grad_in_eval",
        "gradient",
        "            else:\n                x = layer(x)\n",
        "            else:\n                with torch.no_grad():\n                    x = layer(x)\n",
        check="gradients",
    ),
    wrong(
        "activation_before_norm", "operands", "torch.tanh(self.fc(self.norm(x)))", "self.norm(torch.tanh(self.fc(x)))"
    ),
    wrong("silu_for_mish", "operator", "F.silu(x)", "F.mish(x)"),
    wrong(
        "dropout_moved_outside",
        "dropout",
        "x + self.dropout(torch.tanh(self.fc(self.norm(x))))",
        "self.dropout(x + torch.tanh(self.fc(self.norm(x))))",
    ),
    wrong(
        "train_only_factor",
        "mode",
        "return self.out(F.silu(x))",
        "return self.out(F.silu(x) * (2 if self.training else 1))",
    ),
    wrong(
        "eval_only_factor",
        "mode",
        "return self.out(F.silu(x))",
        "return self.out(F.silu(x) * (1 if self.training else 2))",
    ),
]

EQUAL = [
    equal(
        "checkpoint_lost",
        "                x = checkpoint(layer, x, use_reentrant=False)\n",
        "                x = layer(x)\n",
        kind="recomputation",
    ),
    equal(
        "checkpoint_of_lambda",
        "checkpoint(layer, x, use_reentrant=False)",
        "checkpoint(lambda y, f=layer: f(y), x, use_reentrant=False)",
    ),
    equal("functional_tanh", "torch.tanh(self.fc(self.norm(x)))", "self.fc(self.norm(x)).tanh()"),
    equal("nn_silu", "F.silu(x)", "nn.SiLU()(x)"),
]
