"""Hooks: one that stays and keeps features, one for the length of a call, one on gradients."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Hooked(nn.Module):
    def __init__(self, dim=6):
        super(Hooked, self).__init__()
        self.features = {}
        self.gradients = []
        self.backbone = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim))
        self.head = nn.Linear(dim, 2)
        self.backbone[0].register_forward_hook(self.keep('early'))
        self.norms = []

    def keep(self, name):
        def hook(module, inputs, output):
            self.features[name] = output
        return hook

    def scale(self, module, inputs, output):
        return output * 0.5

    def forward(self, x):
        self.features.clear()
        handle = self.backbone[2].register_forward_hook(self.scale)
        h = self.backbone(x)
        handle.remove()
        if h.requires_grad:
            h.register_hook(lambda grad: grad.clamp(-1, 1))
        return self.head(F.relu(h)), self.features['early']


def cases():
    return [("hooked", Hooked, lambda: (torch.randn(3, 6),))]
