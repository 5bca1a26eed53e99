from __future__ import annotations

from tests.verify.mutants import equal, wrong

CONVS = "self.convs = nn.ModuleList([nn.Conv2d(1, channels, (k, dim)) for k in kernels])"

WRONG = [
    wrong(
        "convs_in_a_list",
        "registration",
        CONVS,
        "self.convs = [nn.Conv2d(1, channels, (k, dim)) for k in kernels]",
        check="keys",
    ),
    wrong(
        "convs_in_a_tuple",
        "registration",
        CONVS,
        "self.convs = tuple(nn.Conv2d(1, channels, (k, dim)) for k in kernels)",
        check="keys",
    ),
    wrong(
        "convs_in_a_dict",
        "keys",
        CONVS,
        "self.convs = nn.ModuleDict({str(k): nn.Conv2d(1, channels, (k, dim)) for k in kernels})",
        "for conv in self.convs]",
        "for conv in self.convs.values()]",
        check="keys",
    ),
    wrong(
        "convs_by_name",
        "keys",
        CONVS,
        "for k in kernels:\n            self.add_module('conv%d' % k, nn.Conv2d(1, channels, (k, dim)))\n        self.kernels = kernels",
        "for conv in self.convs]",
        "for conv in [getattr(self, 'conv%d' % k) for k in self.kernels]]",
        check="keys",
    ),
    wrong("registered_twice", "keys", CONVS, CONVS + "\n        self.first = self.convs[0]", check="keys"),
    wrong(
        "one_conv_repeated",
        "sharing",
        "nn.ModuleList([nn.Conv2d(1, channels, (k, dim)) for k in kernels])",
        "nn.ModuleList([nn.Conv2d(1, channels, (kernels[0], dim))] * len(kernels))",
        at="F.relu(conv(x))",
    ),
    wrong(
        "same_shapes_built_in_reverse",
        "init-rng",
        CONVS,
        "self.convs = nn.ModuleList([nn.Conv2d(1, channels, (k, dim)) for k in reversed(kernels)][::-1])",
    ),
    wrong("kernels_reversed", "operands", "for k in kernels]", "for k in reversed(kernels)]", at="F.relu(conv(x))"),
    wrong("results_reversed", "operands", "torch.cat(x, 1)", "torch.cat(x[::-1], 1)"),
    wrong("averaged_over_time", "operator", "F.max_pool1d(x, x.size(2))", "F.avg_pool1d(x, x.size(2))"),
    wrong("pooled_by_two", "padding", "F.max_pool1d(x, x.size(2)).squeeze(2)", "F.max_pool1d(x, 2)[:, :, 0]"),
    wrong("tanh_for_relu", "operator", "F.relu(conv(x))", "torch.tanh(conv(x))"),
    wrong("relu_lost", "operator", "F.relu(conv(x)).squeeze(3)", "conv(x).squeeze(3)", at="F.max_pool1d("),
    wrong("dropout_lost", "dropout", "        x = self.dropout(x)\n", "", at="logit = self.fc(x)"),
    wrong(
        "dropout_on_words",
        "dropout",
        "        x = self.embed(words)\n",
        "        x = self.dropout(self.embed(words))\n",
    ),
    wrong("functional_dropout_forgets_training", "training", "x = self.dropout(x)", "x = F.dropout(x, 0.5)"),
    wrong(
        "embedding_trained_although_static",
        "requires-grad",
        "            self.embed.weight.requires_grad = False\n",
        "            pass\n",
        check="parameters",
    ),
    wrong(
        "embedding_frozen_always",
        "requires-grad",
        "        if static:\n            self.embed.weight.requires_grad = False\n",
        "        self.embed.weight.requires_grad = False\n",
        check="parameters",
    ),
    wrong(
        "embedding_detached", "gradient", "x = self.embed(words)", "x = self.embed(words).detach()", check="gradients"
    ),
    wrong(
        "sparse_gradient",
        "gradient",
        "nn.Embedding(vocab, dim)",
        "nn.Embedding(vocab, dim, sparse=True)",
        at=("x = self.embed(words)", "self.embed(words)"),
    ),
    wrong(
        "scaled_gradient",
        "gradient",
        "nn.Embedding(vocab, dim)",
        "nn.Embedding(vocab, dim, scale_grad_by_freq=True)",
        at="x = self.embed(words)",
    ),
    wrong(
        "frozen_after_construction_only",
        "requires-grad",
        "self.embed.weight.requires_grad = False",
        "self.embed.requires_grad_(False)\n            self.fc.requires_grad_(False)",
        check="parameters",
    ),
    wrong("wrong_channel_dim", "dim", "        x = x.unsqueeze(1)\n", "        x = x.flip(1).unsqueeze(1)\n"),
    wrong("logits_scaled", "scale", "logit = self.fc(x)", "logit = self.fc(x) / 2"),
    wrong(
        "conv_bias_dropped",
        "bias",
        "nn.Conv2d(1, channels, (k, dim))",
        "nn.Conv2d(1, channels, (k, dim), bias=False)",
        at="F.relu(conv(x))",
    ),
    wrong(
        "circular_padding",
        "padding",
        "nn.Conv2d(1, channels, (k, dim))",
        "nn.Conv2d(1, channels, (k, dim), padding=(1, 0))",
        at="F.relu(conv(x))",
    ),
]

EQUAL = [
    equal(
        "loop_for_comprehension",
        "        x = [self.conv_and_pool(x, conv) for conv in self.convs]\n        x = torch.cat(x, 1)\n",
        "        pooled = []\n        for conv in self.convs:\n            pooled.append(self.conv_and_pool(x, conv))\n        x = torch.cat(pooled, 1)\n",
    ),
    equal(
        "list_wrapped_later",
        CONVS,
        "self.convs = [nn.Conv2d(1, channels, (k, dim)) for k in kernels]\n        self.convs = nn.ModuleList(self.convs)",
    ),
    equal(
        "append_to_module_list",
        CONVS,
        "self.convs = nn.ModuleList()\n        for k in kernels:\n            self.convs.append(nn.Conv2d(1, channels, (k, dim)))",
    ),
    equal(
        "static_method", "    def conv_and_pool(self, x, conv):", "    @staticmethod\n    def conv_and_pool(x, conv):"
    ),
    equal("indexing_none", "x = x.unsqueeze(1)", "x = x[:, None]"),
    equal("requires_grad_method", "self.embed.weight.requires_grad = False", "self.embed.weight.requires_grad_(False)"),
    equal(
        "generator_of_tensors",
        "        x = torch.cat(x, 1)\n        x = self.dropout(x)\n        logit = self.fc(x)\n        return logit\n",
        "        return self.fc(self.dropout(torch.cat(tuple(x), dim=1)))\n",
    ),
    equal("functional_dropout", "x = self.dropout(x)", "x = F.dropout(x, p=0.5, training=self.training)"),
    equal("dead_code_removed", "        self.static = static\n", ""),
    equal(
        "print_and_dead_code",
        "        x = x.unsqueeze(1)\n",
        "        shape = tuple(x.shape)\n        assert len(shape) == 3\n        x = x.unsqueeze(1)\n",
    ),
]
