from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("weights_untied", "tying", "        self.out.weight = self.embedding.weight\n", "", check="tied"),
    wrong(
        "tied_by_copy",
        "tying",
        "self.out.weight = self.embedding.weight\n",
        "self.out.weight.data.copy_(self.embedding.weight.data)\n",
        check="tied",
    ),
    wrong(
        "tied_to_detached_storage",
        "tying",
        "self.out.weight = self.embedding.weight\n",
        "self.out.weight = nn.Parameter(self.embedding.weight.detach())\n",
        check="tied",
    ),
    wrong(
        "tied_to_the_encoder",
        "tying",
        "self.decoder = Decoder(vocab, dim)",
        "self.decoder = Decoder(vocab, dim)\n        self.decoder.embedding.weight = self.encoder.embedding.weight",
        check="tied",
    ),
    wrong("softmax_over_batch", "dim", "F.softmax(scores, dim=0)", "F.softmax(scores, dim=1)"),
    wrong(
        "mean_for_sum", "operator", "(weights.unsqueeze(2) * memory).sum(0)", "(weights.unsqueeze(2) * memory).mean(0)"
    ),
    wrong(
        "max_for_sum", "operator", "(weights.unsqueeze(2) * memory).sum(0)", "(weights.unsqueeze(2) * memory).max(0)[0]"
    ),
    wrong("query_after_memory", "operands", "torch.cat((query, memory), 2)", "torch.cat((memory, query), 2)"),
    wrong("context_before_word", "operands", "torch.cat((x, context), 1)", "torch.cat((context, x), 1)"),
    wrong(
        "tanh_lost",
        "operator",
        "torch.tanh(self.attn(torch.cat((query, memory), 2)))",
        "self.attn(torch.cat((query, memory), 2))",
        at="scores = torch.sum(",
    ),
    wrong("sigmoid_for_tanh", "operator", "torch.tanh(self.attn", "torch.sigmoid(self.attn"),
    wrong("v_lost", "scale", "torch.sum(energy * self.v, dim=2)", "torch.sum(energy, dim=2)"),
    wrong("v_from_normal", "init", "nn.Parameter(torch.rand(dim))", "nn.Parameter(torch.randn(dim))"),
    wrong(
        "v_in_a_plain_attribute",
        "optimizer",
        "self.v = nn.Parameter(torch.rand(dim))",
        "self.v = torch.rand(dim)",
        check="keys",
    ),
    wrong(
        "attention_uses_old_state",
        "state",
        "query = hidden.unsqueeze(0).expand_as(memory)",
        "query = memory[-1].unsqueeze(0).expand_as(memory)",
        at="torch.cat((query, memory), 2)",
    ),
    wrong(
        "state_not_carried",
        "state",
        "out, hidden, _ = self.decoder(token, hidden, memory)",
        "out, _, _ = self.decoder(token, hidden, memory)",
        at=("query = hidden", "energy = torch.tanh", "torch.cat((query, memory), 2)"),
    ),
    wrong(
        "state_detached_between_steps",
        "gradient",
        "out, hidden, _ = self.decoder(token, hidden, memory)",
        "out, hidden, _ = self.decoder(token, hidden.detach(), memory)",
        check="gradients",
    ),
    wrong(
        "memory_detached",
        "gradient",
        "hidden = hidden[-1]",
        "hidden = hidden[-1]\n        memory = memory.detach()",
        check="gradients",
    ),
    wrong(
        "first_layer_for_last",
        "dim",
        "memory, hidden = self.encoder(src)\n        hidden = hidden[-1]",
        "memory, hidden = self.encoder(src)\n        hidden = memory[0]",
        at="torch.cat((query, memory), 2)",
    ),
    wrong("one_step_less", "operands", "for _ in range(self.steps)", "for _ in range(self.steps - 1)", check="output"),
    wrong(
        "greedy_token_lost",
        "operands",
        "token = out.argmax(1).detach()",
        "token = self.sos.expand(src.size(1))",
        at="x = self.embedding(token)",
    ),
    wrong("argmin", "operator", "out.argmax(1)", "out.argmin(1)"),
    wrong("stacked_on_other_dim", "dim", "torch.stack(logits, dim=0)", "torch.stack(logits, dim=1)"),
    wrong("cat_for_stack", "dim", "torch.stack(logits, dim=0)", "torch.cat(logits, dim=0)"),
    wrong(
        "buffer_lost",
        "buffer",
        "self.register_buffer('sos', torch.zeros(1, dtype=torch.long))",
        "self.sos = torch.zeros(1, dtype=torch.long)",
        check="keys",
    ),
    wrong(
        "buffer_not_saved",
        "persistence",
        "torch.zeros(1, dtype=torch.long))",
        "torch.zeros(1, dtype=torch.long), persistent=False)",
        check="keys",
    ),
    wrong(
        "buffer_of_another_value",
        "buffer",
        "torch.zeros(1, dtype=torch.long)",
        "torch.ones(1, dtype=torch.long)",
        at="self.register_buffer('sos'",
    ),
    wrong(
        "buffer_of_another_dtype",
        "dtype",
        "torch.zeros(1, dtype=torch.long)",
        "torch.zeros(1, dtype=torch.int)",
        at=("self.register_buffer('sos'", "x = self.embedding(token)"),
    ),
    wrong(
        "rnn_for_gru", "operator", "self.gru = nn.GRU(dim, dim)", "self.gru = nn.RNN(dim, dim)", at="self.gru(embedded)"
    ),
    wrong(
        "cell_without_bias",
        "bias",
        "nn.GRUCell(dim * 2, dim)",
        "nn.GRUCell(dim * 2, dim, bias=False)",
        at="hidden = self.cell(",
    ),
    wrong(
        "cell_not_given_the_state",
        "state",
        "self.cell(torch.cat((x, context), 1), hidden)",
        "self.cell(torch.cat((x, context), 1))",
    ),
    wrong("sampled_token", "rng", "out.argmax(1).detach()", "torch.multinomial(out.detach().softmax(1), 1).squeeze(1)"),
]

EQUAL = [
    equal("tensor_method_sum", "torch.sum(energy * self.v, dim=2)", "(energy * self.v).sum(dim=2)"),
    equal(
        "negative_dim_sum",
        "torch.sum(energy * self.v, dim=2)",
        "torch.sum(energy * self.v, dim=-1)",
    ),
    equal(
        "product_turned_round",
        "(weights.unsqueeze(2) * memory).sum(0)",
        "(memory * weights.unsqueeze(2)).sum(0)",
    ),
    equal(
        "tanh_method",
        "torch.tanh(self.attn(torch.cat((query, memory), 2)))",
        "self.attn(torch.cat((query, memory), 2)).tanh()",
    ),
    equal("none_index", "weights.unsqueeze(2)", "weights[:, :, None]"),
    equal(
        "list_comprehension_helper",
        "        return torch.stack(logits, dim=0)",
        "        return torch.stack(tuple(logits))",
    ),
    equal("no_detach_of_integers", "out.argmax(1).detach()", "out.argmax(1)"),
    equal("while_loop", "        for _ in range(self.steps):\n", "        while len(logits) < self.steps:\n"),
    equal(
        "encoder_names",
        "        embedded = self.embedding(src)\n        outputs, hidden = self.gru(embedded)\n        return outputs, hidden\n",
        "        return self.gru(self.embedding(src))\n",
    ),
]
