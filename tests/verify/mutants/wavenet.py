from __future__ import annotations

from modfix.model.verdict import Outcome
from tests.verify.mutants import equal, wrong

WRONG = [
    wrong(
        "weight_norm_lost",
        "norm",
        "self.gate = weight_norm(nn.Conv1d(channels, channels, 2, dilation=dilation))",
        "self.gate = nn.Conv1d(channels, channels, 2, dilation=dilation)",
        at="self.gate(padded)",
    ),
    wrong(
        "weight_norm_over_another_dim",
        "norm",
        "self.gate = weight_norm(nn.Conv1d(channels, channels, 2, dilation=dilation))",
        "self.gate = weight_norm(nn.Conv1d(channels, channels, 2, dilation=dilation), dim=1)",
        at=("self.gate(padded)", "self.gate = weight_norm"),
    ),
    wrong(
        "weight_norm_removed_again",
        "norm",
        "        self.res = nn.Conv1d(channels, channels, 1)\n",
        "        torch.nn.utils.remove_weight_norm(self.gate)\n        self.res = nn.Conv1d(channels, channels, 1)\n",
        at=("self.gate(padded)",),
    ),
    wrong(
        "parametrized_weight_norm",
        "norm",
        "from torch.nn.utils import weight_norm",
        "from torch.nn.utils.parametrizations import weight_norm",
        check="initial",  # the names are others, and what hangs on a graph: contracts are not asked for any more
    ),
    wrong("not_causal", "padding", "F.pad(x, (self.dilation, 0))", "F.pad(x, (0, self.dilation))"),
    wrong(
        "filter_and_gate_swapped",
        "operands",
        "torch.tanh(self.filter(padded)) * torch.sigmoid(self.gate(padded))",
        "torch.sigmoid(self.filter(padded)) * torch.tanh(self.gate(padded))",
    ),
    wrong(
        "glu_of_another_kind",
        "operator",
        "torch.tanh(self.filter(padded)) *",
        "self.filter(padded) *",
        at="torch.tanh(self.filter(padded))",
    ),
    wrong(
        "dilation_of_gate",
        "constant",
        "self.gate = weight_norm(nn.Conv1d(channels, channels, 2, dilation=dilation))",
        "self.gate = weight_norm(nn.Conv1d(channels, channels, 2, dilation=1, padding=0, stride=1))",
        "torch.sigmoid(self.gate(padded))",
        "torch.sigmoid(self.gate(padded)[..., :x.size(2)])",
    ),
    wrong("dilations_linear", "constant", "2 ** i", "i + 1", at=("F.pad(x,", "self.filter(padded)")),
    wrong(
        "residual_lost",
        "residual",
        "return x + self.res(h), self.skip(h)",
        "return self.res(h), self.skip(h)",
        at="padded = F.pad(",
    ),
    wrong(
        "skip_from_residual",
        "operands",
        "return x + self.res(h), self.skip(h)",
        "return x + self.res(h), self.res(h)",
        at=("skips = skips + s", "out = F.relu(skips)"),
    ),
    wrong("only_last_skip", "residual", "skips = skips + s", "skips = s"),
    wrong("shift_lost", "padding", "self.start(self.shift(x))", "self.start(x)"),
    wrong(
        "shift_the_other_way",
        "padding",
        "nn.ConstantPad1d((1, -1), 0.)",
        "nn.ConstantPad1d((-1, 1), 0.)",
        at="self.shift(x)",
    ),
    wrong("pad_value", "padding", "nn.ConstantPad1d((1, -1), 0.)", "nn.ConstantPad1d((1, -1), 1.)", at="self.shift(x)"),
    wrong("relu_and_a_little", "operator", "out = F.relu(skips)", "out = F.relu(skips) + 1e-6 * skips.abs()"),
    wrong(
        "contiguous_before_the_transposition",
        "contiguous",
        "out.transpose(1, 2).contiguous()",
        "out.contiguous().view(out.size(0), out.size(2), out.size(1))",
        check="output",
    ),
    wrong("classes_first", "layout", "out.transpose(1, 2).contiguous()", "out.contiguous()", check="output"),
    wrong(
        "bias_of_end",
        "bias",
        "nn.Conv1d(channels, classes, 1)",
        "nn.Conv1d(channels, classes, 1, bias=False)",
        at="self.end(out)",
    ),
]

EQUAL = [
    equal(  # other bits for infinite values only
        "relu_and_nothing",
        "out = F.relu(skips)",
        "out = F.relu(skips) + 0.0 * skips.abs()",
        outcome=Outcome.IDENTICAL,
    ),
    equal("sigmoid_method", "torch.sigmoid(self.gate(padded))", "self.gate(padded).sigmoid()"),
    equal("permute", "out.transpose(1, 2).contiguous()", "out.permute(0, 2, 1).contiguous()"),
    equal("functional_pad", "self.start(self.shift(x))", "self.start(F.pad(x, (1, -1)))"),
    equal(
        "stored_relu",
        "        self.end = nn.Conv1d(channels, classes, 1)\n",
        "        self.end = nn.Conv1d(channels, classes, 1)\n        self.act = nn.ReLU()\n",
        "out = F.relu(skips)",
        "out = self.act(skips)",
    ),
    equal("module_pad", "F.pad(x, (self.dilation, 0))", "nn.ConstantPad1d((self.dilation, 0), 0.)(x)"),
]
