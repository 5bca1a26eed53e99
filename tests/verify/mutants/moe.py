from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong(
        "noise_in_eval_too",
        "mode",
        "        if self.training:\n            std =",
        "        if True:\n            std =",
        at=("torch.randn_like", "self.softplus(", "logits.topk"),
    ),
    wrong(
        "noise_lost",
        "rng",
        "logits = logits + torch.randn_like(logits) * std",
        "logits = logits + 0 * std",
        at="logits.topk(",
    ),
    wrong("noise_uniform", "rng", "torch.randn_like(logits)", "torch.rand_like(logits)"),
    wrong(
        "extra_draw", "rng", "            std =", "            torch.rand(1)\n            std =", at="torch.randn_like("
    ),
    wrong("extra_draw_after", "rng", "        return gates\n", "        torch.rand(1)\n        return gates\n"),
    wrong("noise_floor", "constant", " + 1e-2", " + 1e-3"),
    wrong("softplus_beta", "constant", "nn.Softplus()", "nn.Softplus(beta=2)", at="self.softplus("),
    wrong("top_one", "operands", "logits.topk(self.k, dim=1)", "logits.topk(self.k - 1, dim=1)"),
    wrong("smallest", "constant", "logits.topk(self.k, dim=1)", "logits.topk(self.k, dim=1, largest=False)"),
    wrong(
        "softmax_before_topk",
        "operands",
        "        top, indices = logits.topk(self.k, dim=1)\n        weights = torch.softmax(top, dim=1)\n",
        "        weights, indices = torch.softmax(logits, dim=1).topk(self.k, dim=1)\n",
    ),
    wrong(
        "counts_not_updated",
        "buffer",
        "            self.counts += (gates > 0).float().sum(0)\n",
        "            pass\n",
        check="state",
    ),
    wrong("counts_of_weights", "buffer", "(gates > 0).float().sum(0)", "gates.detach().sum(0)"),
    wrong(
        "counts_rebound",
        "buffer",
        "self.counts += (gates > 0).float().sum(0)",
        "self.counts = (gates > 0).float().sum(0)",
    ),
    wrong(
        "counts_in_eval_too",
        "mode",
        "        if self.training:\n            self.counts",
        "        if True:\n            self.counts",
    ),
    wrong(
        "experts_share",
        "sharing",
        "nn.ModuleList([Expert(dim, hidden) for _ in range(num_experts)])",
        "nn.ModuleList([Expert(dim, hidden)] * num_experts)",
        at=("self.fc1(x)", "nn.Linear(", "torch.randn(dim"),
    ),
    wrong(
        "experts_stacked_in_reverse",
        "operands",
        "expert(x) for expert in self.experts]",
        "expert(x) for expert in self.experts][::-1]",
        at="outputs = torch.stack(",
    ),
    wrong("population_variance", "constant", "importance.var()", "importance.var(unbiased=False)"),
    wrong("deviation_for_variance", "operator", "importance.var()", "importance.std()"),
    wrong("eps", "constant", "1e-10", "1e-6"),
    wrong("aux_detached", "gradient", "'aux': loss * 0.01", "'aux': loss.detach() * 0.01", check="gradients"),
    wrong("aux_coefficient", "scale", "'aux': loss * 0.01", "'aux': loss * 0.1"),
    wrong("key_of_output", "structure", "'aux': loss", "'loss': loss", check="output"),
    wrong("order_of_output", "structure", "{'out': y, 'gates': gates,", "{'gates': gates, 'out': y,", check="output"),
    wrong(
        "gates_detached_in_sum",
        "gradient",
        "(gates.unsqueeze(2) * outputs)",
        "(gates.detach().unsqueeze(2) * outputs)",
        check="gradients",
    ),
    wrong("init_scale", "init", "torch.randn(dim, num_experts) * 0.1", "torch.randn(dim, num_experts) * 0.01"),
    wrong(
        "parameters_swapped",
        "order",
        "        self.w_gate = nn.Parameter(torch.randn(dim, num_experts) * 0.1)\n        self.w_noise = nn.Parameter(torch.zeros(dim, num_experts))\n",
        "        self.w_noise = nn.Parameter(torch.zeros(dim, num_experts))\n        self.w_gate = nn.Parameter(torch.randn(dim, num_experts) * 0.1)\n",
        check="order",
    ),
    wrong("scatter_add_of_twice", "operands", "scatter(1, indices, weights)", "scatter(1, indices.flip(1), weights)"),
]

EQUAL = [
    equal(
        "functional_softplus",
        "self.softplus(x @ self.w_noise)",
        "F.softplus(x @ self.w_noise)",
    ),
    equal("functional_relu", "self.act(self.fc1(x))", "F.relu(self.fc1(x))"),
    equal("mm", "logits = x @ self.w_gate", "logits = torch.mm(x, self.w_gate)"),
    equal("linear_without_bias", "logits = x @ self.w_gate", "logits = torch.matmul(x, self.w_gate)"),
    equal("dict_call", "{'out': y, 'gates': gates, 'aux': loss * 0.01}", "dict(out=y, gates=gates, aux=loss * 0.01)"),
    equal(
        "unpacked_topk",
        "        top, indices = logits.topk(self.k, dim=1)\n",
        "        found = torch.topk(logits, self.k, dim=-1)\n        top, indices = found.values, found.indices\n",
    ),
    equal(
        "in_place_scatter",
        "torch.zeros_like(logits).scatter(1, indices, weights)",
        "torch.zeros_like(logits).scatter_(1, indices, weights)",
    ),
]
