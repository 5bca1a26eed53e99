from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong(
        "state_not_kept",
        "state",
        "self.state = h.detach()",
        "self.state = None if self.calls < 0 else self.state",
        at="h = self.cell(",
    ),
    wrong("state_not_detached", "state", "self.state = h.detach()", "self.state = h", at=("h = self.cell(",)),
    wrong(
        "state_reset_on_each_call",
        "state",
        "if self.state is None or not self.training:",
        "if True:",
        at="h = self.cell(",
    ),
    wrong(
        "state_kept_in_eval",
        "state",
        "if self.state is None or not self.training:",
        "if self.state is None:",
        at="h = self.cell(",
    ),
    wrong("counter_earlier", "state", "if self.calls > 2:", "if self.calls > 1:", at=("h = h * 0.5", "h - self.mean")),
    wrong(
        "counter_on_the_third_call",
        "state",
        "if self.calls > 2:",
        "if self.calls == 2:",
        at=("h = h * 0.5", "h - self.mean"),
    ),
    wrong(
        "counter_only_in_train",
        "state",
        "        self.calls += 1\n        if self.training:\n",
        "        if self.training:\n            self.calls += 1\n",
        at=("h = h * 0.5", "h - self.mean"),
    ),
    wrong(
        "mean_updated_in_place_of_momentum",
        "constant",
        "0.9 * self.mean + 0.1 * h.detach().mean(0)",
        "0.99 * self.mean + 0.01 * h.detach().mean(0)",
    ),
    wrong(
        "mean_with_gradient",
        "gradient",
        "0.1 * h.detach().mean(0)",
        "0.1 * h.mean(0)",
        at=("h - self.mean", "self.mean = "),
    ),
    wrong(
        "peak_not_updated",
        "state",
        "            self.peak = torch.max(self.peak, h.detach().abs().max().view(1))\n",
        "",
        at="1 + self.peak",
    ),
    wrong(
        "peak_starts_at_one",
        "state",
        "self.peak = torch.zeros(1)",
        "self.peak = torch.ones(1)",
        at=("1 + self.peak", "torch.max(self.peak"),
    ),
    wrong(
        "peak_a_buffer",
        "keys",
        "self.peak = torch.zeros(1)",
        "self.register_buffer('peak', torch.zeros(1))",
        check="keys",
    ),
    wrong(
        "state_as_class_attribute",
        "state",
        "        self.state = None\n",
        "        Memory.state = torch.ones(3, 5)\n",
        at="h = self.cell(",
    ),
    wrong(
        "mean_read_before_update",
        "state",
        "        if self.training:\n",
        "        mean = self.mean\n        if self.training:\n",
        "h - self.mean",
        "h - mean",
    ),
    wrong(
        "global_counter",
        "state",
        "        self.calls += 1\n",
        "        Memory.count = getattr(Memory, 'count', 0) + 1\n        self.calls += 1 + (Memory.count > 1)\n",
        at=("h = h * 0.5", "h - self.mean"),
    ),
    wrong("initial_state_of_ones", "constant", "x.new_zeros(x.size(0), 5)", "x.new_ones(x.size(0), 5)"),
    wrong(
        "relu_cell",
        "constant",
        "nn.RNNCell(dim, hidden)",
        "nn.RNNCell(dim, hidden, nonlinearity='relu')",
        at="h = self.cell(",
    ),
]

EQUAL = [
    equal("torch_zeros", "x.new_zeros(x.size(0), 5)", "torch.zeros(x.size(0), 5)"),
    equal(
        "local_name",
        "        h = self.cell(x, self.state)\n        self.state = h.detach()\n",
        "        state = self.cell(x, self.state)\n        self.state = state.detach()\n        h = state\n",
    ),
    equal(
        "nested_condition",
        "        if self.state is None or not self.training:\n            self.state = x.new_zeros(x.size(0), 5)\n",
        "        if not self.training or self.state is None:\n            self.state = x.new_zeros((x.size(0), 5))\n",
    ),
    equal(
        "maximum",
        "torch.max(self.peak, h.detach().abs().max().view(1))",
        "torch.max(self.peak, h.detach().abs().max().reshape(1))",
    ),
]
