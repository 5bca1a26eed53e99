from __future__ import annotations

from modfix.model.verdict import Outcome
from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("cache_not_counted", "inputs", "        cache['seen'].add_(1)\n", "", check="input"),
    wrong("cache_counted_twice", "inputs", "cache['seen'].add_(1)", "cache['seen'].add_(2)", check="input"),
    wrong(
        "cache_rebound",
        "inputs",
        "cache['last'].copy_(x.detach())",
        "cache['last'] = x.detach().clone()",
        check="input",
    ),
    wrong(
        "cache_key_added",
        "inputs",
        "        cache['seen'].add_(1)\n",
        "        cache['seen'].add_(1)\n        cache['more'] = 1\n",
        check="input",
    ),
    wrong(
        "cache_of_sum",
        "inputs",
        "        cache['last'].copy_(x.detach())\n        h = x + self.pos\n",
        "        h = x + self.pos\n        cache['last'].copy_(h.detach())\n",
        check="input",
    ),
    wrong("input_added_in_place", "inputs", "h = x + self.pos", "h = x.add_(self.pos)", check="input"),
    wrong(
        "buffer_written",
        "buffer",
        "h = x + self.pos",
        "h = self.pos.add_(1) - 1 + x",
        at=("h = x + self.pos", "h = self.pos"),
    ),
    wrong("half_not_doubled", "scale", "buf[:, 3:] = right * 2", "buf[:, 3:] = right"),
    wrong(
        "halves_swapped",
        "operands",
        "left, right = h.chunk(2, dim=1)",
        "right, left = h.chunk(2, dim=1)",
        at=("buf[:, :3] = left", "buf[:, 3:] = right * 2"),
    ),
    wrong("clone_lost", "inplace", "y = buf.clone()", "y = buf", at=("y[:, 1].mul_(0.5)",)),
    wrong("reused_tensor_changed", "inplace", "y[:, 1].mul_(0.5)", "y[:, 1].mul_(0.5)\n        h[:, 5].zero_()"),
    wrong("wrong_column", "dim", "y[:, 1].mul_(0.5)", "y[:, 2].mul_(0.5)"),
    wrong("row_for_column", "dim", "y[:, 1].mul_(0.5)", "y[1].mul_(0.5)"),
    wrong(
        "write_order",
        "operands",
        "        buf[:, 3:] = right * 2\n        buf[:, 0] += self.pos2[1]\n",
        "        buf[:, 0] += self.pos2[1]\n        buf[:, 3:] = right * 2\n        buf[:, 0] = left[:, 0]\n",
    ),
    wrong(
        "scatter_replaces",
        "operator",
        "y = y.index_add(1, idx, right)",
        "y = y.index_copy(1, torch.tensor([0, 2, 1]), right)",
    ),
    wrong("index_add_alpha", "constant", "y.index_add(1, idx, right)", "y.index_add(1, idx, right, alpha=2)"),
    wrong(
        "constant_index",
        "constant",
        "idx = torch.tensor([0, 2, 0])",
        "idx = torch.tensor([0, 1, 0])",
        at="y = y.index_add(",
    ),
    wrong("overlapping_assignment", "dim", "buf[:, :3] = left", "buf[:, ::2] = left"),
    wrong(
        "view_of_buffer_copied",
        "sharing",
        "self.register_buffer('pos2', self.pos[:3])",
        "self.register_buffer('pos2', self.pos[:3].clone())",
        check="tied",
    ),
    wrong(
        "uninitialised_rest",
        "operands",
        "        buf[:, 3:] = right * 2\n",
        "        buf[:, 4:] = right[:, 1:] * 2\n        buf[:, 3] = right[:, 1] * 2\n",
    ),
    wrong(
        "returned_view",
        "structure",
        "return self.out(y), buf",
        "return self.out(y), buf.t().contiguous().t()",
        check="output",
    ),
    wrong("output_aliases_input", "inplace", "return self.out(y), buf", "return self.out(y), x", check="output"),
    wrong(
        "set_of_storage",
        "inplace",
        "y = buf.clone()",
        "y = buf.clone()\n        y.data = torch.ones_like(y)",
        at=("y[:, 1].mul_(0.5)", "y.data ="),
    ),
]

EQUAL = [
    equal("add_out_of_place", "cache['seen'].add_(1)", "cache['seen'] += 1"),
    equal("copy_by_slice", "cache['last'].copy_(x.detach())", "cache['last'][:] = x.detach()"),
    equal("split", "left, right = h.chunk(2, dim=1)", "left, right = h.split(3, dim=1)"),
    equal("slices", "left, right = h.chunk(2, dim=1)", "left, right = h[:, :3], h[:, 3:]", outcome=Outcome.IDENTICAL),
    equal("augmented_product", "y[:, 1].mul_(0.5)", "y[:, 1] *= 0.5", outcome=Outcome.IDENTICAL),
    equal("in_place_index_add", "y = y.index_add(1, idx, right)", "y = torch.index_add(y, 1, idx, right)"),
    equal("detach_and_clone", "y = buf.clone()", "y = torch.clone(buf)"),
]
