from __future__ import annotations

from tests.verify.mutants import equal, wrong

OUT = "        out = out + residual\n        return F.relu(out)"
INIT = """            if isinstance(m, nn.Conv2d):
                n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                m.weight.data.normal_(0, math.sqrt(2. / n))
            elif"""
GUARD = "        if self.downsample is not None:\n            residual = self.downsample(x)\n"

# where convolutions get their initial weights: the first that differs, when another block is built
_CONVOLUTIONS = ("return nn.Conv2d(in_planes", "nn.Conv2d(self.inplanes, planes, 1", "out = self.conv1(x)")

WRONG = [
    wrong("relu6_for_relu", "operator", "return F.relu(out)", "return F.relu6(out)"),
    wrong("leaky_for_relu", "operator", "        out = F.relu(out)\n", "        out = F.leaky_relu(out, 1e-3)\n"),
    wrong(
        "bn_eps",
        "constant",
        "self.norm = nn.BatchNorm2d(4)",
        "self.norm = nn.BatchNorm2d(4, eps=1e-3)",
        at="self.norm(self.stem(x))",
    ),
    wrong(
        "bn_momentum",
        "constant",
        "self.bn1 = nn.BatchNorm2d(planes)",
        "self.bn1 = nn.BatchNorm2d(planes, momentum=0.01)",
        at="out = self.bn1(out)",
    ),
    wrong(
        "bn_not_affine",
        "keys",
        "self.bn2 = nn.BatchNorm2d(planes)",
        "self.bn2 = nn.BatchNorm2d(planes, affine=False)",
        "                m.weight.data.fill_(1)\n                m.bias.data.zero_()",
        "                if m.affine:\n                    m.weight.data.fill_(1)\n                    m.bias.data.zero_()",
        at="out = self.bn2(out)",
    ),
    wrong(
        "bn_without_running_stats",
        "buffer",
        "self.norm = nn.BatchNorm2d(4)",
        "self.norm = nn.BatchNorm2d(4, track_running_stats=False)",
        at="self.norm(self.stem(x))",
    ),
    wrong(
        "bn_order_swapped",
        "operands",
        "        out = self.bn1(out)\n        out = F.relu(out)\n",
        "        out = F.relu(out)\n        out = self.bn1(out)\n",
    ),
    wrong("residual_lost", "residual", "        out = out + residual\n", ""),
    wrong("residual_doubled", "residual", "out = out + residual", "out = out + residual + residual"),
    wrong("residual_after_the_relu", "operands", OUT, "        return F.relu(out) + residual"),
    wrong(
        "residual_of_the_normalised_input",
        "operands",
        "        residual = x\n        out = self.conv1(x)\n        out = self.bn1(out)\n",
        "        out = self.conv1(x)\n        out = residual = self.bn1(out)\n",
        at="out = out + residual",
    ),
    wrong(
        "projection_skipped",
        "none",
        "residual = self.downsample(x)",
        "residual = self.downsample[0](x)",
        at="out = out + residual",
    ),
    wrong("input_clamped_in_place", "inputs", "self.norm(self.stem(x))", "self.norm(self.stem(x.clamp_(-1, 1)))"),
    wrong(
        "relu_in_place_before_residual",
        "inplace",
        "        out = self.bn2(out)\n",
        "        out = self.bn2(out)\n        F.relu_(x)\n",
        at="out = out + residual",
    ),
    wrong(
        "stride_moved",
        "operands",
        "self.conv1 = conv3x3(inplanes, planes, stride)",
        "self.conv1 = conv3x3(inplanes, planes)",
        "self.conv2 = conv3x3(planes, planes)",
        "self.conv2 = conv3x3(planes, planes, stride)",
        at=("out = self.conv1(x)", "out = self.conv2(out)"),
    ),
    wrong(
        "conv_bias_added",
        "bias",
        "self.stem = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False)",
        "self.stem = nn.Conv2d(3, 4, 7, stride=2, padding=3)",
        at="self.norm(self.stem(x))",
    ),
    wrong(
        "padding_mode",
        "padding",
        "self.stem = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False)",
        "self.stem = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False, padding_mode='reflect')",
        at="self.norm(self.stem(x))",
    ),
    wrong(
        "pool_without_padding",
        "padding",
        "nn.MaxPool2d(3, stride=2, padding=1)",
        "nn.MaxPool2d(3, stride=2)",
        at="x = self.pool(x)",
    ),
    wrong(
        "pool_stride_default",
        "padding",
        "nn.MaxPool2d(3, stride=2, padding=1)",
        "nn.MaxPool2d(3, padding=1)",
        at="x = self.pool(x)",
    ),
    wrong("max_for_avg_pool", "operator", "F.avg_pool2d(x, x.size(3))", "F.max_pool2d(x, x.size(3))"),
    wrong(
        "fan_in_for_fan_out",
        "init",
        "n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels",
        "n = m.kernel_size[0] * m.kernel_size[1] * m.in_channels",
        at="m.weight.data.normal_(0, math.sqrt(2. / n))",
    ),
    wrong("init_of_conv_lost", "init", INIT, "            if", at="return nn.Conv2d(in_planes, out_planes"),
    wrong(
        "init_uniform_for_normal",
        "init",
        "m.weight.data.normal_(0, math.sqrt(2. / n))",
        "m.weight.data.uniform_(-math.sqrt(2. / n), math.sqrt(2. / n))",
    ),
    wrong("init_of_bn_changed", "init", "m.weight.data.fill_(1)", "m.weight.data.fill_(0.5)"),
    wrong(
        "init_per_layer_in_other_order",
        "init-rng",
        "for m in self.modules():",
        "for m in reversed(list(self.modules())):",
        at="m.weight.data.normal_(0, math.sqrt(2. / n))",
    ),
    wrong(
        "blocks_share_one_projection",
        "sharing",
        "        downsample = None\n        if stride != 1",
        "        downsample = getattr(self, 'shared', None)\n        if stride != 1",
        "layers = [BasicBlock(self.inplanes, planes, stride, downsample)]",
        "layers = [BasicBlock(self.inplanes, planes, stride, downsample)]\n        layers[0].bn2 = layers[0].bn1",
        check="tied",
    ),
    wrong(
        "key_renamed",
        "keys",
        "self.fc = nn.Linear(8, num_classes)",
        "self.linear = nn.Linear(8, num_classes)",
        "return self.fc(x)",
        "return self.linear(x)",
        check="keys",
    ),
    wrong(
        "wrapped_in_sequential",
        "keys",
        "self.fc = nn.Linear(8, num_classes)",
        "self.fc = nn.Sequential(nn.Linear(8, num_classes))",
        check="keys",
    ),
    wrong(
        "children_reordered",
        "order",
        "        self.stem = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False)\n        self.norm = nn.BatchNorm2d(4)\n",
        "        self.norm = nn.BatchNorm2d(4)\n        self.stem = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False)\n",
        check="order",
    ),
    wrong("view_with_other_axes", "dim", "x = x.view(x.size(0), -1)", "x = x.view(-1, x.size(0)).t()"),
    wrong(
        "layers_swapped",
        "operands",
        "self.layer1 = self._make_layer(4, layers[0])\n        self.layer2 = self._make_layer(8, layers[1], stride=2)",
        "self.layer1 = self._make_layer(4, layers[0], stride=2)\n        self.layer2 = self._make_layer(8, layers[1])",
        at=_CONVOLUTIONS,
    ),
    wrong("extra_block", "operands", "for _ in range(1, blocks)", "for _ in range(0, blocks)", at=_CONVOLUTIONS),
]

EQUAL = [
    equal(
        "stored_relu",
        "        self.downsample = downsample\n",
        "        self.downsample = downsample\n        self.relu = nn.ReLU()\n",
        "        out = F.relu(out)\n",
        "        out = self.relu(out)\n",
        "return F.relu(out)",
        "return self.relu(out)",
    ),
    equal(
        "identity_for_none",
        "self.downsample = downsample\n",
        "self.downsample = downsample if downsample is not None else nn.Identity()\n",
        "        residual = x\n",
        "",
        GUARD,
        "        residual = self.downsample(x)\n",
    ),
    equal("augmented_sum", "out = out + residual", "out += residual"),
    equal("sum_the_other_way", "out = out + residual", "out = residual + out"),
    equal("torch_add", "out = out + residual", "out = torch.add(out, residual)"),
    equal("method_add", "out = out + residual", "out = out.add(residual)"),
    equal("relu_in_place", "        out = F.relu(out)\n", "        out = F.relu(out, inplace=True)\n"),
    equal("torch_relu", "return F.relu(out)", "return torch.relu(out)"),
    equal("relu_method", "return F.relu(out)", "return out.relu()"),
    equal(
        "super_without_arguments",
        "super(ResNet, self).__init__()",
        "super().__init__()",
        "super(BasicBlock, self).__init__()",
        "super().__init__()",
    ),
    equal("super_by_class_name", "super(ResNet, self).__init__()", "nn.Module.__init__(self)"),
    equal(
        "chained_calls",
        "        out = self.conv1(x)\n        out = self.bn1(out)\n        out = F.relu(out)\n",
        "        out = F.relu(self.bn1(self.conv1(x)))\n",
    ),
    equal(
        "projection_before_the_branch",
        "        residual = x\n",
        "        residual = x if self.downsample is None else self.downsample(x)\n",
        GUARD,
        "",
        kind="reordered",
    ),
    equal(
        "nn_init",
        "m.weight.data.normal_(0, math.sqrt(2. / n))",
        "nn.init.normal_(m.weight, 0, math.sqrt(2. / n))",
        "m.weight.data.fill_(1)",
        "nn.init.ones_(m.weight)",
        "m.bias.data.zero_()",
        "nn.init.zeros_(m.bias)",
    ),
    equal(
        "no_grad_init",
        "m.weight.data.normal_(0, math.sqrt(2. / n))",
        "with torch.no_grad():\n                    m.weight.normal_(0, math.sqrt(2. / n))",
    ),
    equal("flatten", "x = x.view(x.size(0), -1)", "x = torch.flatten(x, 1)"),
    equal("reshape", "x = x.view(x.size(0), -1)", "x = x.reshape(x.shape[0], -1)"),
    equal(
        "keyword_arguments", "nn.MaxPool2d(3, stride=2, padding=1)", "nn.MaxPool2d(kernel_size=3, stride=2, padding=1)"
    ),
    equal("functional_pool", "x = self.pool(x)", "x = F.max_pool2d(x, 3, stride=2, padding=1)"),
    equal(
        "loop_as_comprehension",
        "        for _ in range(1, blocks):\n            layers.append(BasicBlock(planes, planes))\n",
        "        layers += [BasicBlock(planes, planes) for _ in range(1, blocks)]\n",
    ),
    equal(
        "helper_extracted",
        "        x = F.avg_pool2d(x, x.size(3))\n        x = x.view(x.size(0), -1)\n        return self.fc(x)\n",
        "        return self.head(x)\n\n    def head(self, x):\n        x = F.avg_pool2d(x, x.size(3))\n        x = x.view(x.size(0), -1)\n        return self.fc(x)\n",
    ),
    equal("module_called_by_forward", "return self.fc(x)", "return self.fc.forward(x)"),
    equal("functional_linear", "return self.fc(x)", "return F.linear(x, self.fc.weight, self.fc.bias)"),
    equal(
        "padding_as_pair",
        "self.stem = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False)",
        "self.stem = nn.Conv2d(3, 4, (7, 7), stride=(2, 2), padding=(3, 3), bias=False)",
    ),
    equal(
        "pool_size_as_pair", "x = F.avg_pool2d(x, x.size(3))", "x = F.avg_pool2d(x, kernel_size=(x.size(2), x.size(3)))"
    ),
]
