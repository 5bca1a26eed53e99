from __future__ import annotations

from tests.verify.mutants import equal, wrong

WRONG = [
    wrong("slope", "constant", "F.leaky_relu(x, 0.2)", "F.leaky_relu(x, 0.01)"),
    wrong("relu_for_leaky_relu", "operator", "F.leaky_relu(x, 0.2)", "F.relu(x)"),
    wrong("activation_after_conv", "operands", "self.conv(F.leaky_relu(x, 0.2))", "F.leaky_relu(self.conv(x), 0.2)"),
    wrong(
        "instance_norm_eps",
        "constant",
        "nn.InstanceNorm2d(cout, affine=True)",
        "nn.InstanceNorm2d(cout, eps=1e-3, affine=True)",
        at="x = self.norm(x)",
    ),
    wrong(
        "instance_norm_tracks_statistics",
        "buffer",
        "nn.InstanceNorm2d(cout, affine=True)",
        "nn.InstanceNorm2d(cout, affine=True, track_running_stats=True)",
        at="x = self.norm(x)",
    ),
    wrong(
        "instance_norm_without_weights",
        "keys",
        "nn.InstanceNorm2d(cout, affine=True)",
        "nn.InstanceNorm2d(cout)",
        at="x = self.norm(x)",
    ),
    wrong(
        "batch_for_instance_norm",
        "operator",
        "nn.InstanceNorm2d(cout, affine=True)",
        "nn.BatchNorm2d(cout)",
        at="x = self.norm(x)",
    ),
    wrong(
        "norm_where_there_was_none",
        "none",
        "self.norm = nn.InstanceNorm2d(cout, affine=True) if norm else None",
        "self.norm = nn.InstanceNorm2d(cout, affine=True)",
        at="x = self.norm(x)",
    ),
    wrong(
        "groups_of_norm",
        "constant",
        "nn.GroupNorm(2, cout, eps=1e-3)",
        "nn.GroupNorm(1, cout, eps=1e-3)",
        at="x = self.norm(self.conv(F.relu(x)))",
    ),
    wrong(
        "group_norm_eps",
        "constant",
        "nn.GroupNorm(2, cout, eps=1e-3)",
        "nn.GroupNorm(2, cout)",
        at="x = self.norm(self.conv(F.relu(x)))",
    ),
    wrong("dropout_always_on", "training", "F.dropout(x, self.dropout, self.training)", "F.dropout(x, self.dropout)"),
    wrong(
        "dropout_never_on",
        "training",
        "F.dropout(x, self.dropout, self.training)",
        "F.dropout(x, self.dropout, training=False)",
        at="return torch.cat([x, skip], 1)",
    ),
    wrong(
        "dropout_for_dropout2d",
        "dropout",
        "F.dropout(x, self.dropout, self.training)",
        "F.dropout2d(x, self.dropout, self.training)",
    ),
    wrong(
        "dropout_moved_to_other_stage",
        "dropout",
        "Up(width * 2, width * 2, dropout=0.5)",
        "Up(width * 2, width * 2)",
        "Up(width * 4, width)",
        "Up(width * 4, width, dropout=0.5)",
        at=("F.dropout(x", "F.relu(x)", "return torch.cat"),
    ),
    wrong(
        "pad_order",
        "padding",
        "(dw // 2, dw - dw // 2, dh // 2, dh - dh // 2)",
        "(dw - dw // 2, dw // 2, dh - dh // 2, dh // 2)",
    ),
    wrong("pad_value", "padding", "dh - dh // 2))\n", "dh - dh // 2), value=1.)\n"),
    wrong("pad_mode", "padding", "dh - dh // 2))\n", "dh - dh // 2), mode='replicate')\n"),
    wrong("concatenation_swapped", "operands", "torch.cat([x, skip], 1)", "torch.cat([skip, x], 1)"),
    wrong(
        "skip_detached", "gradient", "torch.cat([x, skip], 1)", "torch.cat([x, skip.detach()], 1)", check="gradients"
    ),
    wrong("skip_of_another_level", "operands", "y = self.up2(y, a)", "y = self.up2(y, F.relu(a))"),
    wrong("align_corners", "constant", "mode='bilinear', align_corners=False", "mode='bilinear', align_corners=True"),
    wrong("nearest", "constant", "mode='bilinear', align_corners=False", "mode='nearest'"),
    wrong("bicubic", "constant", "mode='bilinear'", "mode='bicubic'"),
    wrong("sigmoid_lost", "operator", "return torch.sigmoid(y)", "return y", at="y = F.interpolate("),
    wrong("hard_sigmoid", "operator", "torch.sigmoid(y)", "F.hardsigmoid(y)"),
    wrong("softmax_for_sigmoid", "operator", "torch.sigmoid(y)", "torch.softmax(y, 1)"),
    wrong("kaiming_slope", "init", "nn.init.kaiming_normal_(m.weight, a=0.2)", "nn.init.kaiming_normal_(m.weight)"),
    wrong(
        "kaiming_fan_out",
        "init",
        "nn.init.kaiming_normal_(m.weight, a=0.2)",
        "nn.init.kaiming_normal_(m.weight, a=0.2, mode='fan_out')",
    ),
    wrong(
        "transposed_convs_not_initialised",
        "init",
        "(nn.Conv2d, nn.ConvTranspose2d)",
        "(nn.Conv2d,)",
        at=("self.conv = nn.ConvTranspose2d", "nn.init.kaiming_normal_(", "m.bias.data.zero_()"),
    ),
    wrong(
        "bias_not_zeroed", "init", "                m.bias.data.zero_()\n", "", at=("nn.Conv2d(", "nn.ConvTranspose2d(")
    ),
    wrong(
        "padding_lost", "padding", "nn.Conv2d(1, width, 3, padding=1)", "nn.Conv2d(1, width, 3)", at="a = self.inc(x)"
    ),
    wrong(
        "output_padding",
        "padding",
        "nn.ConvTranspose2d(cin, cout, 4, 2, 1)",
        "nn.ConvTranspose2d(cin, cout, 4, 2, 1, output_padding=1)",
        at="self.conv(F.relu(x))",
    ),
    wrong(
        "relu_in_place_on_input",
        "inplace",
        "x = self.norm(self.conv(F.relu(x)))",
        "x = self.norm(self.conv(F.relu(x, inplace=True)))",
        "b = self.down1(a)\n        c = self.down2(b)\n        y = self.up1(c, b)",
        "b = self.down1(a)\n        c = self.down2(b)\n        y = self.up1(b.clone(), b) if False else self.up1(F.relu_(b) * 0 + F.interpolate(c, scale_factor=2), b)",
        at="c = self.down2(b)",
    ),
]

EQUAL = [
    equal(
        "stored_leaky_relu",
        "        self.norm = nn.InstanceNorm2d(cout, affine=True) if norm else None\n",
        "        self.norm = nn.InstanceNorm2d(cout, affine=True) if norm else None\n        self.act = nn.LeakyReLU(0.2)\n",
        "F.leaky_relu(x, 0.2)",
        "self.act(x)",
    ),
    equal(
        "identity_for_none",
        "if norm else None\n",
        "if norm else nn.Identity()\n",
        "        if self.norm is not None:\n            x = self.norm(x)\n        return x",
        "        return self.norm(x)",
    ),
    equal(
        "stored_dropout",
        "        self.dropout = dropout\n",
        "        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()\n",
        "        if self.dropout:\n            x = F.dropout(x, self.dropout, self.training)\n",
        "        x = self.dropout(x)\n",
    ),
    equal("stored_sigmoid", "torch.sigmoid(y)", "nn.Sigmoid()(y)"),
    equal("sigmoid_method", "torch.sigmoid(y)", "y.sigmoid()"),
    equal(
        "upsample_module",
        "F.interpolate(y, scale_factor=2, mode='bilinear', align_corners=False)",
        "nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False)(y)",
    ),
    equal("keywords", "nn.Conv2d(cin, cout, 4, 2, 1)", "nn.Conv2d(cin, cout, kernel_size=4, stride=2, padding=1)"),
    equal(
        "names_for_sizes",
        "        dh = skip.size(2) - x.size(2)\n        dw = skip.size(3) - x.size(3)\n",
        "        dh, dw = (s - t for s, t in zip(skip.shape[2:], x.shape[2:]))\n",
    ),
    equal(
        "sequential_call",
        "y = self.up1(c, b)\n        y = self.up2(y, a)\n        y = self.outc(y)\n",
        "y = self.outc(self.up2(self.up1(c, b), a))\n",
    ),
    equal(
        "init_helper",
        "        for m in self.modules():\n            if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):\n                nn.init.kaiming_normal_(m.weight, a=0.2)\n                m.bias.data.zero_()\n",
        "        self.apply(self.reset)\n\n    @staticmethod\n    def reset(m):\n        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):\n            nn.init.kaiming_normal_(m.weight, a=0.2)\n            nn.init.zeros_(m.bias)\n",
    ),
]
