from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong(
        "second_encoder",
        "sharing",
        "        self.encoder = Encoder()\n",
        "        self.encoder = Encoder()\n        self.encoder2 = Encoder()\n",
        "hb, lb = self.encoder(b)",
        "hb, lb = self.encoder2(b)",
        at=("self.embed(words)", "nn.Embedding(", "nn.Linear("),
    ),
    wrong(
        "mix_not_shared",
        "sharing",
        "self.mix2 = self.mix",
        "self.mix2 = nn.Linear(dim, dim)",
        at=("self.mix2(h)", "nn.Linear("),
    ),
    wrong(
        "mix_copied",
        "sharing",
        "self.mix2 = self.mix\n",
        "import copy\n        self.mix2 = copy.deepcopy(self.mix)\n",
        check="tied",
    ),
    wrong(
        "mix2_by_property", "keys", "        self.mix2 = self.mix\n", "", "self.mix2(h)", "self.mix(h)", check="keys"
    ),
    wrong(
        "decoder_untied",
        "tying",
        "        self.decode.weight = self.embed.weight\n",
        "",
        at=("self.decode(h)", "nn.Linear(dim, vocab"),
    ),
    wrong(
        "decoder_tied_to_a_copy",
        "tying",
        "self.decode.weight = self.embed.weight",
        "self.decode.weight = nn.Parameter(self.embed.weight.clone())",
        check="tied",
    ),
    wrong(
        "tied_the_other_way",
        "tying",
        "self.decode.weight = self.embed.weight",
        "self.embed.weight = self.decode.weight",
        check="initial",
    ),
    wrong(
        "two_calls_in_one",
        "state",
        "        ha, la = self.encoder(a)\n        hb, lb = self.encoder(b)\n",
        "        h, l = self.encoder(torch.cat([a, b]))\n        ha, hb = h.chunk(2)\n        la, lb = l.chunk(2)\n",
    ),
    wrong(
        "calls_reordered",
        "state",
        "        ha, la = self.encoder(a)\n        hb, lb = self.encoder(b)\n",
        "        hb, lb = self.encoder(b)\n        ha, la = self.encoder(a)\n",
        at=("h = self.bn(h)", "self.mix(h)", "self.mix2(h)"),
    ),
    wrong(
        "one_side_detached",
        "gradient",
        "F.pairwise_distance(ha, hb)",
        "F.pairwise_distance(ha, hb.detach())",
        check="gradients",
    ),
    wrong("margin", "constant", "margin=0.4", "margin=1.0", at="torch.clamp("),
    wrong(
        "squared_distance",
        "operator",
        "torch.clamp(self.margin - d, min=0.0)",
        "torch.clamp(self.margin - d * d, min=0.0)",
    ),
    wrong("one_norm", "constant", "F.pairwise_distance(ha, hb)", "F.pairwise_distance(ha, hb, p=1)"),
    wrong("distance_eps", "constant", "F.pairwise_distance(ha, hb)", "F.pairwise_distance(ha, hb, eps=1e-3)"),
    wrong("cosine_dim", "dim", "F.cosine_similarity(ha, hb, dim=1)", "F.cosine_similarity(ha, hb, dim=0)"),
    wrong("sum_of_words", "operator", "self.embed(words).mean(1)", "self.embed(words).sum(1)"),
    wrong("outputs_swapped", "structure", "+ s.mean(), la, lb", "+ s.mean(), lb, la", check="output"),
    wrong(
        "same_input_twice", "operands", "hb, lb = self.encoder(b)", "hb, lb = self.encoder(a)", at="self.embed(words)"
    ),
]

EQUAL = [
    equal("relu_of_margin", "min=0.0).pow(2)", "min=0.0) ** 2"),
    equal("clamp_method", "torch.clamp(self.margin - d, min=0.0)", "(self.margin - d).clamp(min=0.0)"),
    equal(
        "loop_over_inputs",
        "        ha, la = self.encoder(a)\n        hb, lb = self.encoder(b)\n",
        "        (ha, la), (hb, lb) = [self.encoder(words) for words in (a, b)]\n",
    ),
    equal(
        "helper_method",
        "        h = torch.tanh(self.mix(h))\n        h = torch.tanh(self.mix2(h))\n",
        "        for mix in (self.mix, self.mix2):\n            h = torch.tanh(mix(h))\n",
    ),
    equal("functional_decode", "return h, self.decode(h)", "return h, F.linear(h, self.embed.weight)"),
]
