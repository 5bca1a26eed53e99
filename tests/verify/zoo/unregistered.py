"""Modules and tensors where `nn.Module` does not look: lists, dictionaries with tuple keys, closures, plain tensors."""
import torch
import torch.nn as nn


class Unregistered(nn.Module):
    def __init__(self, dim=5):
        super(Unregistered, self).__init__()
        self.inp = nn.Linear(dim, dim)
        self.layers = []
        for _ in range(2):
            self.layers.append(nn.Linear(dim, dim))
        self.heads = {('a', 0): nn.Linear(dim, 2), ('b', 1): nn.Linear(dim, 2)}
        self.scale = torch.full((dim,), 0.5)
        self.bias = torch.randn(dim, requires_grad=True)
        self.drops = [nn.Dropout(0.3)]
        norm = nn.BatchNorm1d(dim)
        self.normalise = lambda x: norm(x)

    def forward(self, x):
        x = self.inp(x) * self.scale + self.bias
        for layer in self.layers:
            x = torch.tanh(layer(x))
        x = self.drops[0](self.normalise(x))
        return {k: head(x) for k, head in self.heads.items()}


def cases():
    return [("unregistered", Unregistered, lambda: (torch.randn(3, 5),))]
