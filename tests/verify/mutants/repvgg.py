from __future__ import annotations

from tests.verify.mutants import equal, wrong

CASE = "        if self.rbr_identity is None:\n            id_out = 0\n        else:\n            id_out = self.rbr_identity(x)\n"

WRONG = [
    wrong(
        "identity_for_additive_none",
        "residual",
        "self.skip = nn.Conv2d(cin, cout, 1) if gate else None",
        "self.skip = nn.Conv2d(cin, cout, 1) if gate else nn.Identity()",
        "RepBlock(3, 4, stride=2)",
        "RepBlock(4, 4)",
        "        x = self.stage1(self.stage0(x))\n",
        "        x = self.stage1(self.stage0(torch.cat([x, x[:, :1]], 1)))\n",
        # with other channels the first that differs is the initial weight of the convolution
        at=("self.rbr_dense(x)", "out = out + self.skip(x)", "nn.Conv2d(cin, cout, kernel"),
    ),
    wrong(
        "identity_for_skip",
        "residual",
        "        if self.skip is not None:\n            out = out + self.skip(x)\n",
        "        if self.skip is not None:\n            out = out + self.skip(x)\n        elif self.rbr_identity is not None:\n            out = out + nn.Identity()(x)\n",
        at="return self.act(out)",
    ),
    wrong(
        "identity_for_norm",
        "none",
        "            id_out = self.rbr_identity(x)\n",
        "            id_out = x\n",
        at="out = self.rbr_dense(x)",
    ),
    wrong(
        "zero_becomes_x",
        "none",
        CASE,
        "        id_out = x if self.rbr_identity is None and x.size(1) == 4 else 0\n        if self.rbr_identity is not None:\n            id_out = 2 * self.rbr_identity(x)\n",
        at="out = self.rbr_dense(x)",
    ),
    wrong("branch_lost", "residual", "self.rbr_dense(x) + self.rbr_1x1(x) + id_out", "self.rbr_dense(x) + id_out"),
    wrong(
        "order_of_sum",
        "operands",
        "self.rbr_dense(x) + self.rbr_1x1(x) + id_out",
        "self.rbr_dense(x) + (self.rbr_1x1(x) + id_out)",
    ),
    wrong("keys_of_branch", "keys", "result.add_module('conv'", "result.add_module('0'", check="keys"),
    wrong(
        "norm_first",
        "order",
        "        result.add_module('conv', nn.Conv2d(cin, cout, kernel_size, stride, padding, bias=False))\n        result.add_module('bn', nn.BatchNorm2d(cout))\n",
        "        result.add_module('bn', nn.BatchNorm2d(cin))\n        result.add_module('conv', nn.Conv2d(cin, cout, kernel_size, stride, padding, bias=False))\n",
        at="self.rbr_dense(x)",
    ),
    wrong(
        "branches_reordered",
        "order",
        "        self.rbr_dense = self._conv_bn(cin, cout, 3, stride, 1)\n        self.rbr_1x1 = self._conv_bn(cin, cout, 1, stride, 0)\n",
        "        self.rbr_1x1 = self._conv_bn(cin, cout, 1, stride, 0)\n        self.rbr_dense = self._conv_bn(cin, cout, 3, stride, 1)\n",
        at="nn.Conv2d(cin, cout, kernel_size",
    ),
    wrong("relu_becomes_gelu", "operator", "self.act = nn.ReLU()", "self.act = nn.GELU()", at="return self.act(out)"),
    wrong("max_pooled", "operator", "nn.AdaptiveAvgPool2d(1)", "nn.AdaptiveMaxPool2d(1)", at="self.gap(x)"),
    wrong("skip_gets_activated", "operands", "out = out + self.skip(x)", "out = self.act(out) + self.skip(x)"),
    wrong(
        "branches_share_the_norm",
        "sharing",
        "        self.rbr_1x1 = self._conv_bn(cin, cout, 1, stride, 0)\n",
        "        self.rbr_1x1 = self._conv_bn(cin, cout, 1, stride, 0)\n        self.rbr_1x1.bn = self.rbr_dense.bn\n",
        check="tied",
    ),
    wrong(
        "stages_swapped_names",
        "keys",
        "self.gap = nn.AdaptiveAvgPool2d(1)\n        self.linear",
        "self.gap = nn.AdaptiveAvgPool2d(1)\n        self.fc",
        "self.linear(x)",
        "self.fc(x)",
        check="keys",
    ),
    wrong(
        "skip_ignored",
        "none",
        "        if self.skip is not None:\n            out = out + self.skip(x)\n",
        "",
        at="return self.act(out)",
    ),
]

EQUAL = [
    equal(
        "sequential_of_arguments",
        "        result = nn.Sequential()\n        result.add_module('conv', nn.Conv2d(cin, cout, kernel_size, stride, padding, bias=False))\n        result.add_module('bn', nn.BatchNorm2d(cout))\n        return result\n",
        "        from collections import OrderedDict\n        return nn.Sequential(OrderedDict([\n            ('conv', nn.Conv2d(cin, cout, kernel_size, stride, padding, bias=False)),\n            ('bn', nn.BatchNorm2d(cout)),\n        ]))\n",
    ),
    equal(
        "guard_turned_round", CASE, "        id_out = self.rbr_identity(x) if self.rbr_identity is not None else 0\n"
    ),
    equal("functional_pool", "self.gap(x).flatten(1)", "nn.functional.adaptive_avg_pool2d(x, 1).view(x.size(0), -1)"),
    equal("augmented", "out = out + self.skip(x)", "out += self.skip(x)"),
    equal("activation_in_place", "self.act = nn.ReLU()", "self.act = nn.ReLU(inplace=True)"),
]
