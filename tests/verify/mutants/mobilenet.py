from __future__ import annotations

from modfix.model.verdict import Outcome
from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("hard_sigmoid_without_shift", "constant", "F.relu6(self.fc2(w) + 3) / 6", "F.relu6(self.fc2(w)) / 6"),
    wrong("sigmoid_for_hard_sigmoid", "operator", "F.relu6(self.fc2(w) + 3) / 6", "torch.sigmoid(self.fc2(w))"),
    wrong("relu_for_relu6", "operator", "F.relu6(self.fc2(w) + 3) / 6", "F.relu(self.fc2(w) + 3) / 6"),
    wrong("division_lost", "scale", "F.relu6(self.fc2(w) + 3) / 6", "F.relu6(self.fc2(w) + 3)"),
    wrong("silu_for_hardswish", "operator", "nn.Hardswish(inplace=True)", "nn.SiLU(inplace=True)", at="self.act("),
    wrong("excite_added", "operands", "return x * w", "return x + w"),
    wrong(
        "excite_after_activation",
        "operands",
        "        if self.se is not None:\n            y = self.se(y)\n        y = self.act(y)\n",
        "        y = self.act(y)\n        if self.se is not None:\n            y = self.se(y)\n",
        at=("F.adaptive_avg_pool2d", "self.act(y)"),
    ),
    wrong(
        "excite_lost", "none", "        if self.se is not None:\n            y = self.se(y)\n", "", at="y = self.act(y)"
    ),
    wrong(
        "groups_lost",
        "constant",
        "3, stride, 1, groups=hidden, bias=False)",
        "3, stride, 1, bias=False)",
        at=("self.dw(y)", "self.dw = "),
    ),
    wrong(
        "stride_in_pointwise",
        "operands",
        "self.pw = nn.Conv2d(cin, hidden, 1, bias=False)",
        "self.pw = nn.Conv2d(cin, hidden, 1, stride, bias=False)",
        "hidden, hidden, 3, stride, 1, groups",
        "hidden, hidden, 3, 1, 1, groups",
        at=("self.pw(x)",),
    ),
    wrong(
        "residual_always",
        "residual",
        "        if self.use_res:\n            return x + y\n        return y\n",
        "        return x[:, :y.size(1)].mean() + y\n",
    ),
    wrong(
        "residual_never",
        "residual",
        "self.use_res = stride == 1 and cin == cout",
        "self.use_res = stride == 1 and cin != cout",
        at=("return x + y", "x.mean([2, 3])"),
    ),
    wrong(
        "activation_in_place_on_residual",
        "inplace",
        "        y = self.act(self.bn1(self.pw(x)))\n",
        "        y = self.act(self.bn1(self.pw(x * 1 if self.se else F.relu_(x))))\n",
        at="self.bn1(",
    ),
    wrong("max_over_space", "operator", "x.mean([2, 3])", "x.amax([2, 3])"),
    wrong("dropout_forgets_training", "training", "p=0.2, training=self.training", "p=0.2"),
    wrong("dropout_default_rate", "dropout", "F.dropout(x, p=0.2, training", "F.dropout(x, training"),
    wrong("last_activation_added", "operator", "y = self.bn3(self.pwl(y))", "y = self.act(self.bn3(self.pwl(y)))"),
    wrong("bn1_used_twice", "sharing", "y = self.bn2(self.dw(y))", "y = self.bn1(self.dw(y))"),
    wrong(
        "excite_input",
        "operands",
        "        w = F.adaptive_avg_pool2d(x, 1)\n",
        "        w = x[:, :, :1, :1]\n",
        at=("F.adaptive_avg_pool2d", "self.fc1(w)"),
    ),
]

EQUAL = [
    equal(
        "functional_hardswish",
        "y = self.act(self.bn1(self.pw(x)))",
        "y = F.hardswish(self.bn1(self.pw(x)), inplace=True)",
    ),
    equal("out_of_place", "nn.Hardswish(inplace=True)", "nn.Hardswish()"),
    equal(
        "identity_for_excite",
        "SqueezeExcite(hidden) if use_se else None",
        "SqueezeExcite(hidden) if use_se else nn.Identity()",
        "        if self.se is not None:\n            y = self.se(y)\n",
        "        y = self.se(y)\n",
    ),
    equal(
        "stored_dropout",
        "        self.classifier = nn.Linear(4, 3)\n",
        "        self.classifier = nn.Linear(4, 3)\n        self.drop = nn.Dropout(p=0.2)\n",
        "F.dropout(x, p=0.2, training=self.training)",
        "self.drop(x)",
    ),
    equal(
        "list_unpacked",
        "        for cin, cout, expand, stride, se in [(3, 4, 2, 2, True), (4, 4, 2, 1, False)]:\n            layers.append(InvertedResidual(cin, cout, expand, stride, se))\n        self.features = nn.Sequential(*layers)\n",
        "        for row in [(3, 4, 2, 2, True), (4, 4, 2, 1, False)]:\n            layers.append(InvertedResidual(*row))\n        self.features = nn.Sequential(*layers)\n",
    ),
    equal("mean_of_tuple", "x.mean([2, 3])", "torch.mean(x, dim=(2, 3))"),
    equal("product_turned_round", "return x * w", "return w.expand_as(x) * x", outcome=Outcome.IDENTICAL),
    equal(
        "conditional_return",
        "        if self.use_res:\n            return x + y\n        return y\n",
        "        return x + y if self.use_res else y\n",
    ),
]
