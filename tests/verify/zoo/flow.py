"""A normalising flow: masked couplings, a permutation in a buffer, log-determinants summed in a loop."""
import math

import torch
import torch.nn as nn


class Coupling(nn.Module):
    def __init__(self, dim, hidden, mask):
        super(Coupling, self).__init__()
        self.register_buffer('mask', mask)
        self.s = nn.Sequential(nn.Linear(dim, hidden), nn.Tanh(), nn.Linear(hidden, dim))
        self.t = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim))

    def forward(self, x):
        xa = x * self.mask
        s = torch.tanh(self.s(xa)) * (1 - self.mask)
        t = self.t(xa) * (1 - self.mask)
        return xa + (1 - self.mask) * (x * torch.exp(s) + t), s.sum(1)


class Permutation(nn.Module):
    def __init__(self, dim):
        super(Permutation, self).__init__()
        perm = torch.randperm(dim)
        self.register_buffer('perm', perm)

    def forward(self, x):
        return x[:, self.perm]


class Flow(nn.Module):
    def __init__(self, dim=4, hidden=6, layers=2):
        super(Flow, self).__init__()
        self.layers = nn.ModuleList()
        for i in range(layers):
            mask = torch.zeros(dim)
            mask[i % 2::2] = 1
            self.layers.append(Coupling(dim, hidden, mask))
            self.layers.append(Permutation(dim))
        self.loc = nn.Parameter(torch.zeros(dim))
        self.log_scale = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        log_det = x.new_zeros(x.size(0))
        for layer in self.layers:
            if isinstance(layer, Coupling):
                x, ld = layer(x)
                log_det = log_det + ld
            else:
                x = layer(x)
        z = (x - self.loc) * torch.exp(-self.log_scale)
        log_prob = -0.5 * (z ** 2 + math.log(2 * math.pi)) - self.log_scale
        return log_prob.sum(1) + log_det, z


def cases():
    return [("flow", Flow, lambda: (torch.randn(3, 4),))]
