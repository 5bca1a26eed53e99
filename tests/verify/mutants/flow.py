from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("log_det_lost", "operands", "log_det = log_det + ld", "log_det = log_det + 0 * ld"),
    wrong("log_det_subtracted", "operands", "log_det = log_det + ld", "log_det = log_det - ld"),
    wrong("scale_and_shift_swapped", "operands", "x * torch.exp(s) + t", "x * torch.exp(t) + s"),
    wrong("shift_before_scale", "operands", "(x * torch.exp(s) + t)", "((x + t) * torch.exp(s))"),
    wrong("mask_inverted", "buffer", "mask[i % 2::2] = 1", "mask[(i + 1) % 2::2] = 1"),
    wrong(
        "mask_shared",
        "sharing",
        "            mask = torch.zeros(dim)\n            mask[i % 2::2] = 1\n",
        "            mask = torch.zeros(dim) if i == 0 else mask\n            mask[i % 2::2] = 1\n",
        at=("mask[i % 2::2] = 1", "mask = torch.zeros(dim)"),
    ),
    wrong("tanh_of_scale_lost", "operator", "torch.tanh(self.s(xa))", "self.s(xa)", at="torch.tanh(self.s(xa))"),
    wrong(
        "activation_of_t",
        "operator",
        "nn.Linear(dim, hidden), nn.ReLU()",
        "nn.Linear(dim, hidden), nn.Tanh()",
        at="self.t(xa)",
    ),
    wrong(
        "networks_shared",
        "sharing",
        "nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim))",
        "self.s",
        check="tied",
    ),
    wrong("permutation_inverted", "operands", "return x[:, self.perm]", "return x[:, torch.argsort(self.perm)]"),
    wrong("permutation_not_random", "rng", "torch.randperm(dim)", "torch.arange(dim)"),
    wrong("permutation_not_a_buffer", "buffer", "self.register_buffer('perm', perm)", "self.perm = perm", check="keys"),
    wrong(
        "permutation_by_numpy",
        "rng",
        "perm = torch.randperm(dim)",
        "import numpy as np\n        perm = torch.from_numpy(np.random.permutation(dim))",
        at="torch.randperm(dim)",
    ),
    wrong("permutation_as_int32", "dtype", "torch.randperm(dim)", "torch.randperm(dim, dtype=torch.int32)"),
    wrong("sign_of_scale", "operands", "torch.exp(-self.log_scale)", "torch.exp(self.log_scale)"),
    wrong("constant_dropped", "constant", "math.log(2 * math.pi)", "math.log(math.pi)"),
    wrong("summed_over_batch", "dim", "s.sum(1)", "s.sum(0).sum().expand(x.size(0))"),
    wrong("log_scale_not_in_density", "residual", " - self.log_scale\n", "\n", at="log_prob = "),
    wrong(
        "outputs_swapped",
        "structure",
        "return log_prob.sum(1) + log_det, z",
        "return z, log_prob.sum(1) + log_det",
        check="output",
    ),
    wrong(
        "initial_log_det_trained",
        "optimizer",
        "self.loc = nn.Parameter(torch.zeros(dim))",
        "self.start = nn.Parameter(torch.zeros(1))\n        self.loc = nn.Parameter(torch.zeros(dim))",
        check="keys",
    ),
    wrong(
        "loc_from_ones", "init", "self.loc = nn.Parameter(torch.zeros(dim))", "self.loc = nn.Parameter(torch.ones(dim))"
    ),
    wrong(
        "scale_a_buffer",
        "optimizer",
        "self.log_scale = nn.Parameter(torch.zeros(dim))",
        "self.register_buffer('log_scale', torch.zeros(dim))",
        check="parameters",
    ),
    wrong(
        "layers_reversed",
        "operands",
        "for layer in self.layers:",
        "for layer in reversed(self.layers):",
        at="xa = x * self.mask",
    ),
]

EQUAL = [
    equal("pow_method", "z ** 2", "z.pow(2)"),
    equal(
        "index_select",
        "return x[:, self.perm]",
        "perm = self.perm\n        return x[..., perm] if x.dim() == 2 else x[:, perm]",
    ),
    equal("torch_zeros", "x.new_zeros(x.size(0))", "torch.zeros(x.size(0), dtype=x.dtype, device=x.device)"),
    equal("exp_method", "x * torch.exp(s) + t", "x * s.exp() + t"),
    equal(
        "list_then_module_list", "        self.layers = nn.ModuleList()\n", "        self.layers = nn.ModuleList([])\n"
    ),
    equal(
        "extended",
        "            self.layers.append(Coupling(dim, hidden, mask))\n            self.layers.append(Permutation(dim))\n",
        "            self.layers.extend([Coupling(dim, hidden, mask), Permutation(dim)])\n",
    ),
]
