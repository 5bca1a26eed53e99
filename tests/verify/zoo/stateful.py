"""A module that remembers: a hidden state, a call counter and a running range in plain attributes."""
import torch
import torch.nn as nn


class Memory(nn.Module):
    def __init__(self, dim=4, hidden=5):
        super(Memory, self).__init__()
        self.cell = nn.RNNCell(dim, hidden)
        self.read = nn.Linear(hidden, 2)
        self.state = None
        self.calls = 0
        self.peak = torch.zeros(1)
        self.register_buffer('mean', torch.zeros(hidden))

    def forward(self, x):
        if self.state is None or not self.training:
            self.state = x.new_zeros(x.size(0), 5)
        h = self.cell(x, self.state)
        self.state = h.detach()
        self.calls += 1
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * h.detach().mean(0)
            self.peak = torch.max(self.peak, h.detach().abs().max().view(1))
        if self.calls > 2:
            h = h * 0.5
        return self.read(h - self.mean) / (1 + self.peak)


def cases():
    return [("memory", Memory, lambda: (torch.randn(3, 4),))]
