"""Dilated causal convolutions with gates, weight normalisation applied by hand after construction."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import weight_norm


class ResidualBlock(nn.Module):
    def __init__(self, channels, dilation):
        super(ResidualBlock, self).__init__()
        self.dilation = dilation
        self.filter = weight_norm(nn.Conv1d(channels, channels, 2, dilation=dilation))
        self.gate = weight_norm(nn.Conv1d(channels, channels, 2, dilation=dilation))
        self.res = nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        padded = F.pad(x, (self.dilation, 0))
        h = torch.tanh(self.filter(padded)) * torch.sigmoid(self.gate(padded))
        return x + self.res(h), self.skip(h)


class WaveNet(nn.Module):
    def __init__(self, channels=4, layers=3, classes=6):
        super(WaveNet, self).__init__()
        self.start = nn.Conv1d(1, channels, 1)
        self.blocks = nn.ModuleList([ResidualBlock(channels, 2 ** i) for i in range(layers)])
        self.end = nn.Conv1d(channels, classes, 1)
        self.shift = nn.ConstantPad1d((1, -1), 0.)

    def forward(self, x):
        x = self.start(self.shift(x))
        skips = 0
        for block in self.blocks:
            x, s = block(x)
            skips = skips + s
        out = F.relu(skips)
        out = self.end(out)
        return out.transpose(1, 2).contiguous()


def cases():
    return [("wavenet", WaveNet, lambda: (torch.randn(2, 1, 10),))]
