"""What happens on the Python side: numpy, numbers taken out of tensors, global state, random numbers of Python."""
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CALLS = {'n': 0}


class PythonSide(nn.Module):
    def __init__(self, dim=6):
        super(PythonSide, self).__init__()
        self.fc = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, 2)
        table = np.sin(np.arange(dim, dtype=np.float32))
        self.register_buffer('table', torch.from_numpy(table))
        self.limit = 0.1

    def window(self, n):
        return torch.from_numpy(np.hanning(n).astype(np.float32))

    def forward(self, x):
        CALLS['n'] += 1
        x = x + self.table
        x = x * self.window(x.size(1))
        norm = x.norm().item()
        if norm > self.limit:
            x = x / norm
        h = F.relu(self.fc(x))
        if self.training:
            shift = random.randint(0, 3)
            h = torch.roll(h, shift, dims=1)
            noise = np.random.normal(size=h.shape).astype(np.float32)
            h = h + torch.from_numpy(noise) * 0.1
        keep = h.detach().numpy().argmax(1)
        picked = h[torch.arange(h.size(0)), torch.as_tensor(keep)]
        mask = h > h.mean()
        chosen = h[mask].sum()
        return self.out(h), picked, chosen, float(norm > 1), h.shape


def cases():
    return [("pyside", PythonSide, lambda: (torch.randn(3, 6),))]
