from __future__ import annotations

from modfix.model.verdict import Outcome
from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("decay", "constant", "decay=0.9", "decay=0.99", at=("self.cluster_size.mul_(",)),
    wrong("eps", "constant", "eps=1e-5", "eps=1e-3", at="size = "),
    wrong(
        "sizes_without_smoothing",
        "operands",
        "self.embed_avg / size.unsqueeze(0)",
        "self.embed_avg / self.cluster_size.clamp(min=1e-5).unsqueeze(0)",
    ),
    wrong(
        "codebook_not_updated",
        "buffer",
        "                self.embed.copy_(self.embed_avg / size.unsqueeze(0))\n",
        "",
        check="state",
    ),
    wrong(
        "codebook_updated_in_eval",
        "mode",
        "        if self.training:\n",
        "        if True:\n",
        at=("self.cluster_size.mul_(",),
    ),
    wrong(
        "codebook_updated_before_lookup",
        "operands",
        "        quantize = F.embedding(index.view(*x.shape[:-1]), self.embed.t())\n",
        "",
        "        diff = (quantize",
        "        quantize = F.embedding(index.view(*x.shape[:-1]), self.embed.t())\n        diff = (quantize",
        at="quantize = F.embedding(",
    ),
    wrong("sizes_rebound", "buffer", "self.steps += 1", "self.steps = self.steps + 2"),
    wrong("counter_lost", "buffer", "                self.steps += 1\n", "", check="state"),
    wrong(
        "counter_as_number", "buffer", "self.register_buffer('steps', torch.tensor(0))", "self.steps = 0", check="keys"
    ),
    wrong("counter_as_float", "dtype", "torch.tensor(0)", "torch.tensor(0.)", check="state"),
    wrong(
        "average_aliases_codebook", "sharing", "embed.clone()", "embed", at=("self.embed_avg.mul_(", "self.embed.copy_")
    ),
    wrong(
        "straight_through_lost", "gradient", "        quantize = x + (quantize - x).detach()\n", "", at="self.dec(z)"
    ),
    wrong(
        "straight_through_wrong_way",
        "gradient",
        "quantize = x + (quantize - x).detach()",
        "quantize = quantize + (x - quantize).detach()",
    ),
    wrong(
        "commitment_detached",
        "gradient",
        "(quantize.detach() - x)",
        "(quantize.detach() - x.detach())",
        check="gradients",
    ),
    wrong("nearest_becomes_farthest", "operator", "(-dist).max(1)[1]", "dist.max(1)[1]"),
    wrong("sum_for_mean", "operator", ".pow(2).mean()", ".pow(2).sum()"),
    wrong(
        "codebook_trained",
        "optimizer",
        "self.register_buffer('embed', embed)",
        "self.embed = nn.Parameter(embed)",
        check="parameters",
    ),
    wrong(
        "sizes_not_saved",
        "persistence",
        "self.register_buffer('cluster_size', torch.zeros(n_embed))",
        "self.register_buffer('cluster_size', torch.zeros(n_embed), persistent=False)",
        check="keys",
    ),
    wrong(
        "indices_flat",
        "structure",
        "return quantize, diff, index",
        "return quantize, diff, index.view(2, 5)",
        check="output",
    ),
    wrong(
        "update_with_gradient",
        "gradient",
        "            with torch.no_grad():\n",
        "            if True:\n",
        check="state",
    ),
]

EQUAL = [
    equal(  # the norm of a row adds the same to its distance from every code, so the nearest stays the nearest
        "distance_without_norm",
        "flat.pow(2).sum(1, keepdim=True) - 2 * flat",
        "-2 * flat",
        outcome=Outcome.IDENTICAL,
    ),
    equal("argmax", "flat.pow(2).sum(1, keepdim=True)", "(flat ** 2).sum(1, keepdim=True)"),
    equal("data_for_no_grad", "self.steps += 1", "self.steps.add_(1)"),
    equal(
        "embedding_method",
        "F.embedding(index.view(*x.shape[:-1]), self.embed.t())",
        "F.embedding(index.reshape(x.shape[:-1]), self.embed.t())",
    ),
    equal("mm", "flat.t() @ onehot", "torch.mm(flat.t(), onehot)"),
    equal("cast", ".type(flat.dtype)", ".to(flat.dtype)"),
    equal("view", "x.reshape(-1, self.embed.size(0))", "x.view(-1, self.embed.size(0))"),
]
