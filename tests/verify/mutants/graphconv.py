from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong(
        "adjacency_transposed", "operands", "torch.stack([self.rows, self.cols])", "torch.stack([self.cols, self.rows])"
    ),
    wrong(
        "values_not_normalised", "buffer", "degree[rows].pow(-0.5) * degree[cols].pow(-0.5)", "torch.ones(len(rows))"
    ),
    wrong("normalised_by_rows", "buffer", "degree[rows].pow(-0.5) * degree[cols].pow(-0.5)", "degree[rows].pow(-1.0)"),
    wrong("edge_changed", "buffer", "torch.tensor([1, 0, 2, 1, 4, 3, 0, 5])", "torch.tensor([1, 0, 2, 1, 4, 3, 5, 5])"),
    wrong(
        "values_trained",
        "optimizer",
        "self.register_buffer('values', degree[rows].pow(-0.5) * degree[cols].pow(-0.5))",
        "self.values = nn.Parameter(degree[rows].pow(-0.5) * degree[cols].pow(-0.5))",
        check="parameters",
    ),
    wrong(
        "buffers_not_saved",
        "persistence",
        "self.register_buffer('rows', rows)",
        "self.register_buffer('rows', rows, persistent=False)",
        check="keys",
    ),
    wrong(
        "buffers_reordered",
        "order",
        "        self.register_buffer('rows', rows)\n        self.register_buffer('cols', cols)\n",
        "        self.register_buffer('cols', cols)\n        self.register_buffer('rows', rows)\n",
        check="order",
    ),
    wrong(
        "propagated_before_weights",
        "operands",
        "        support = torch.mm(x, self.weight)\n        output = torch.sparse.mm(adj, support)\n",
        "        support = torch.sparse.mm(adj, x)\n        output = torch.mm(support, self.weight)\n",
    ),
    wrong(
        "neighbours_lost",
        "operator",
        "output = torch.sparse.mm(adj, support)",
        "output = support",
        at=("output = torch.sparse.mm", "return output + self.bias"),
    ),
    wrong(
        "bias_before_neighbours",
        "operands",
        "        output = torch.sparse.mm(adj, support)\n        if self.bias is not None:\n            return output + self.bias\n        return output\n",
        "        if self.bias is not None:\n            support = support + self.bias\n        return torch.sparse.mm(adj, support)\n",
    ),
    wrong(
        "bias_lost",
        "bias",
        "            return output + self.bias\n",
        "            return output\n",
        at="F.elu(self.gc1(x, adj))",
    ),
    wrong(
        "bias_where_there_was_none",
        "bias",
        "GraphConvolution(nhid, nclass, bias=False)",
        "GraphConvolution(nhid, nclass)",
        at=("return output + self.bias", "self.bias = nn.Parameter("),
    ),
    wrong(
        "stdv_of_input",
        "init",
        "self.weight.size(1)",
        "self.weight.size(0)",
        at=("self.weight.data.uniform_", "self.bias.data.uniform_"),
    ),
    wrong(
        "stdv_of_bias", "init", "self.bias.data.uniform_(-stdv, stdv)", "self.bias.data.uniform_(-2 * stdv, 2 * stdv)"
    ),
    wrong("bias_zero", "init", "self.bias.data.uniform_(-stdv, stdv)", "self.bias.data.zero_()"),
    wrong(
        "bias_first",
        "init-rng",
        "        self.weight.data.uniform_(-stdv, stdv)\n        if self.bias is not None:\n            self.bias.data.uniform_(-stdv, stdv)\n",
        "        if self.bias is not None:\n            self.bias.data.uniform_(-stdv, stdv)\n        self.weight.data.uniform_(-stdv, stdv)\n",
    ),
    wrong(
        "reset_twice",
        "init-rng",
        "        self.reset_parameters()\n\n",
        "        self.reset_parameters()\n        self.reset_parameters()\n\n",
        at="uniform_(-stdv, stdv)",
    ),
    wrong("elu_alpha", "constant", "F.elu(self.gc1(x, adj))", "F.elu(self.gc1(x, adj), alpha=0.5)"),
    wrong("selu", "operator", "F.elu(", "F.selu("),
    wrong(
        "dropout_forgets_training",
        "training",
        "F.dropout(x, self.dropout, training=self.training)",
        "F.dropout(x, self.dropout)",
    ),
    wrong(
        "dropout_before_elu",
        "dropout",
        "        x = F.elu(self.gc1(x, adj))\n        x = F.dropout(x, self.dropout, training=self.training)\n",
        "        x = F.dropout(self.gc1(x, adj), self.dropout, training=self.training)\n        x = F.elu(x)\n",
    ),
    wrong("softmax_over_nodes", "dim", "F.log_softmax(x, dim=1)", "F.log_softmax(x, dim=0)"),
    wrong(
        "self_loops",
        "operands",
        "        return torch.sparse_coo_tensor(index, self.values, (self.nodes, self.nodes))\n",
        "        loops = torch.arange(self.nodes)\n        return torch.sparse_coo_tensor(torch.cat([index, torch.stack([loops, loops])], 1), torch.cat([self.values, torch.ones(self.nodes)]), (self.nodes, self.nodes))\n",
    ),
]

EQUAL = [
    equal("matmul", "torch.mm(x, self.weight)", "x @ self.weight"),
    equal(
        "bias_at_the_end",
        "        if self.bias is not None:\n            return output + self.bias\n        return output\n",
        "        if self.bias is None:\n            return output\n        return output + self.bias\n",
    ),
    equal("nn_init_uniform", "self.weight.data.uniform_(-stdv, stdv)", "nn.init.uniform_(self.weight, -stdv, stdv)"),
    equal(
        "torch_tensor_for_empty",
        "nn.Parameter(torch.empty(in_features, out_features))",
        "nn.Parameter(torch.FloatTensor(in_features, out_features))",
    ),
    equal(
        "stored_dropout",
        "        self.dropout = dropout\n",
        "        self.dropout = nn.Dropout(dropout)\n",
        "F.dropout(x, self.dropout, training=self.training)",
        "self.dropout(x)",
    ),
    equal("elu_module", "F.elu(self.gc1(x, adj))", "nn.ELU()(self.gc1(x, adj))"),
    equal("none_attribute", "            self.register_parameter('bias', None)\n", "            self.bias = None\n"),
]
