from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("mean_bag", "constant", "mode='sum'", "mode='mean'", at="bag(indices[k], offsets[k])"),
    wrong("max_bag", "constant", "mode='sum'", "mode='max'", at="bag(indices[k], offsets[k])"),
    wrong(
        "default_bag",
        "constant",
        "nn.EmbeddingBag(n, dim, mode='sum')",
        "nn.EmbeddingBag(n, dim)",
        at="bag(indices[k], offsets[k])",
    ),
    wrong("numpy_range", "init", "low=-np.sqrt(1 / n)", "low=-np.sqrt(2 / n)", at=("bag.weight.data = ",)),
    wrong(
        "numpy_normal",
        "init",
        "np.random.uniform(low=-np.sqrt(1 / n), high=np.sqrt(1 / n), size=(n, dim))",
        "np.random.normal(0, np.sqrt(1 / n), size=(n, dim))",
        at="bag.weight.data = ",
    ),
    wrong(
        "numpy_init_lost",
        "init",
        "            bag.weight.data = torch.tensor(w, requires_grad=True)\n",
        "",
        at=("bag = nn.EmbeddingBag",),
    ),
    wrong(
        "torch_for_numpy_init",
        "init",
        "bag.weight.data = torch.tensor(w, requires_grad=True)",
        "nn.init.uniform_(bag.weight, -np.sqrt(1 / n), np.sqrt(1 / n))",
    ),
    wrong(
        "extra_numpy_draw",
        "rng",
        "        self.threshold = 0.01\n",
        "        self.threshold = 0.01 + 0 * np.random.rand()\n",
        check="rng",
    ),
    wrong("tables_swapped", "operands", "bag(indices[k], offsets[k])", "bag(indices[1 - k], offsets[1 - k])"),
    wrong("features_swapped", "operands", "torch.stack([x] + ly, dim=1)", "torch.stack(ly + [x], dim=1)"),
    wrong("upper_triangle", "operands", "flat = Z[:, li, lj]", "flat = Z[:, li - 1, lj]"),
    wrong("wrong_pair", "constant", "torch.tensor([1, 2, 2])", "torch.tensor([1, 2, 1])", at="flat = Z[:, li, lj]"),
    wrong(
        "pairs_in_other_order",
        "operands",
        "li = torch.tensor([1, 2, 2])\n        lj = torch.tensor([0, 0, 1])",
        "li = torch.tensor([1, 2, 2])\n        lj = torch.tensor([0, 1, 0])",
        at="flat = Z[:, li, lj]",
    ),
    wrong("dense_not_repeated", "operands", "torch.cat([x, flat], dim=1)", "torch.cat([flat, x], dim=1)"),
    wrong(
        "clamp_lost",
        "operator",
        "return torch.clamp(p, min=self.threshold, max=1.0 - self.threshold)",
        "return p",
        at="p = torch.sigmoid(",
    ),
    wrong(
        "clamp_one_side",
        "constant",
        "torch.clamp(p, min=self.threshold, max=1.0 - self.threshold)",
        "torch.clamp(p, min=self.threshold)",
    ),
    wrong("threshold", "constant", "self.threshold = 0.01", "self.threshold = 0.001", at="torch.clamp("),
    wrong(
        "relu_of_bottom_lost",
        "operator",
        "nn.Linear(6, dim), nn.ReLU())",
        "nn.Linear(6, dim))",
        at=("T = torch.stack(", "self.bot(dense)"),
    ),
    wrong(
        "tables_frozen",
        "requires-grad",
        "            self.emb_l.append(bag)\n",
        "            bag.weight.requires_grad_(False)\n            self.emb_l.append(bag)\n",
        check="parameters",
    ),
    wrong("sparse_tables", "gradient", "mode='sum'", "mode='sum', sparse=True", at="bag(indices[k], offsets[k])"),
    wrong(
        "last_offset",
        "constant",
        "mode='sum'",
        "mode='sum', include_last_offset=True",
        at="bag(indices[k], offsets[k])",
    ),
]

EQUAL = [
    equal(
        "loop",
        "        ly = [bag(indices[k], offsets[k]) for k, bag in enumerate(self.emb_l)]\n",
        "        ly = []\n        for bag, i, o in zip(self.emb_l, indices, offsets):\n            ly.append(bag(i, o))\n",
    ),
    equal("transpose_method", "T.transpose(1, 2)", "T.permute(0, 2, 1)"),
    equal("matmul_for_bmm", "torch.bmm(T, T.transpose(1, 2))", "T.bmm(T.transpose(-2, -1))"),
    equal(
        "clamp_method",
        "torch.clamp(p, min=self.threshold, max=1.0 - self.threshold)",
        "p.clamp(self.threshold, 1.0 - self.threshold)",
    ),
    equal("from_numpy", "torch.tensor(w, requires_grad=True)", "torch.from_numpy(w)"),
    equal(
        "parameter_of_numpy",
        "bag.weight.data = torch.tensor(w, requires_grad=True)",
        "bag.weight = nn.Parameter(torch.tensor(w))",
    ),
]
