"""Parallel branches that can be fused, one of them optional: additive guards, which an Identity must not replace."""
import torch
import torch.nn as nn


class RepBlock(nn.Module):
    def __init__(self, cin, cout, stride=1, gate=False):
        super(RepBlock, self).__init__()
        self.act = nn.ReLU()
        self.rbr_identity = nn.BatchNorm2d(cin) if cin == cout and stride == 1 else None
        self.rbr_dense = self._conv_bn(cin, cout, 3, stride, 1)
        self.rbr_1x1 = self._conv_bn(cin, cout, 1, stride, 0)
        self.skip = nn.Conv2d(cin, cout, 1) if gate else None

    def _conv_bn(self, cin, cout, kernel_size, stride, padding):
        result = nn.Sequential()
        result.add_module('conv', nn.Conv2d(cin, cout, kernel_size, stride, padding, bias=False))
        result.add_module('bn', nn.BatchNorm2d(cout))
        return result

    def forward(self, x):
        if self.rbr_identity is None:
            id_out = 0
        else:
            id_out = self.rbr_identity(x)
        out = self.rbr_dense(x) + self.rbr_1x1(x) + id_out
        if self.skip is not None:
            out = out + self.skip(x)
        return self.act(out)


class RepNet(nn.Module):
    def __init__(self, gate=False):
        super(RepNet, self).__init__()
        self.stage0 = RepBlock(3, 4, stride=2)
        self.stage1 = RepBlock(4, 4, gate=gate)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(4, 3)

    def forward(self, x):
        x = self.stage1(self.stage0(x))
        x = self.gap(x).flatten(1)
        return self.linear(x)


def cases():
    def images():
        return (torch.randn(2, 3, 8, 8),)

    return [("plain", RepNet, images), ("gated", lambda: RepNet(gate=True), images)]
