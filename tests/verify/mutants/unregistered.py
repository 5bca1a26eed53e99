from __future__ import annotations

from tests.verify.mutants import equal, wrong

LIST = "        self.layers = []\n        for _ in range(2):\n            self.layers.append(nn.Linear(dim, dim))\n"

WRONG = [
    wrong(
        "dropout_follows_eval_now",
        "registration",
        "self.drops = [nn.Dropout(0.3)]",
        "self.drops = nn.ModuleList([nn.Dropout(0.3)])",
        at=("self.drops[0](", "head(x)"),
    ),
    wrong("layers_registered", "registration", "self.layers = []", "self.layers = nn.ModuleList()", check="keys"),
    wrong(
        "layer_shared",
        "sharing",
        LIST,
        "        self.layers = [nn.Linear(dim, dim)] * 2\n",
        at=("torch.tanh(layer(x))",),
    ),
    wrong(
        "layer_order",
        "operands",
        "for layer in self.layers:",
        "for layer in self.layers[::-1]:",
        at="torch.tanh(layer(x))",
    ),
    wrong("heads_keys", "structure", "('b', 1): nn.Linear(dim, 2)}", "('b', 2): nn.Linear(dim, 2)}", check="output"),
    wrong(
        "heads_order",
        "order",
        "{('a', 0): nn.Linear(dim, 2), ('b', 1): nn.Linear(dim, 2)}",
        "{('b', 1): nn.Linear(dim, 2), ('a', 0): nn.Linear(dim, 2)}",
        check="output",
    ),
    wrong(
        "heads_shared",
        "sharing",
        "('b', 1): nn.Linear(dim, 2)}",
        "('b', 1): None}\n        self.heads[('b', 1)] = self.heads[('a', 0)]",
        at="head(x)",
    ),
    wrong(
        "hidden_scale", "buffer", "torch.full((dim,), 0.5)", "torch.full((dim,), 0.25)", at="self.inp(x) * self.scale"
    ),
    wrong(
        "hidden_bias_not_trained",
        "requires-grad",
        "torch.randn(dim, requires_grad=True)",
        "torch.randn(dim)",
        check="gradients",
    ),
    wrong(
        "hidden_bias_from_uniform",
        "init",
        "torch.randn(dim, requires_grad=True)",
        "torch.rand(dim, requires_grad=True)",
        at="self.bias = ",
    ),
    wrong("hidden_dropout_lost", "dropout", "self.drops[0](self.normalise(x))", "self.normalise(x)", at="head(x)"),
    wrong("hidden_dropout_rate", "dropout", "nn.Dropout(0.3)", "nn.Dropout(0.1)", at="self.drops[0]("),
    wrong(
        "hidden_norm_eps",
        "constant",
        "nn.BatchNorm1d(dim)",
        "nn.BatchNorm1d(dim, eps=1e-2)",
        at=("self.normalise = lambda", "norm(x)"),
    ),
    wrong(
        "hidden_norm_momentum",
        "constant",
        "nn.BatchNorm1d(dim)",
        "nn.BatchNorm1d(dim, momentum=0.5)",
        at=("self.normalise = lambda", "norm(x)"),
    ),
    wrong(
        "hidden_norm_lost",
        "operator",
        "self.normalise = lambda x: norm(x)",
        "self.normalise = lambda x: x",
        at=("head(x)", "self.drops[0]"),
    ),
    wrong(
        "hidden_norm_registered",
        "keys",
        "        self.normalise = lambda x: norm(x)\n",
        "        self.norm = norm\n        self.normalise = lambda x: norm(x)\n",
        check="keys",
    ),
    wrong(
        "scale_a_parameter",
        "optimizer",
        "self.scale = torch.full((dim,), 0.5)",
        "self.scale = nn.Parameter(torch.full((dim,), 0.5))",
        check="keys",
    ),
    wrong(
        "layer_replaced_on_each_call",
        "rng",
        "        for layer in self.layers:\n",
        "        self.layers[0] = nn.Linear(5, 5)\n        for layer in self.layers:\n",
        at="torch.tanh(layer(x))",
    ),
]

EQUAL = [
    equal("comprehension", LIST, "        self.layers = [nn.Linear(dim, dim) for _ in range(2)]\n"),
    equal("tuple", LIST, "        self.layers = tuple(nn.Linear(dim, dim) for _ in range(2))\n"),
    equal(
        "named_function",
        "        self.normalise = lambda x: norm(x)\n",
        "        def normalise(x):\n            return norm(x)\n\n        self.normalise = normalise\n",
    ),
    equal(
        "items_loop",
        "        return {k: head(x) for k, head in self.heads.items()}\n",
        "        results = {}\n        for k in self.heads:\n            results[k] = self.heads[k](x)\n        return results\n",
    ),
]
