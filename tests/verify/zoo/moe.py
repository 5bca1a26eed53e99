"""A sparse mixture of experts with noisy gating; the output is a dictionary with an auxiliary loss."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Expert(nn.Module):
    def __init__(self, dim, hidden):
        super(Expert, self).__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class MixtureOfExperts(nn.Module):
    def __init__(self, dim=6, hidden=8, num_experts=3, k=2):
        super(MixtureOfExperts, self).__init__()
        self.k = k
        self.num_experts = num_experts
        self.experts = nn.ModuleList([Expert(dim, hidden) for _ in range(num_experts)])
        self.w_gate = nn.Parameter(torch.randn(dim, num_experts) * 0.1)
        self.w_noise = nn.Parameter(torch.zeros(dim, num_experts))
        self.softplus = nn.Softplus()
        self.register_buffer('counts', torch.zeros(num_experts))

    def gate(self, x):
        logits = x @ self.w_gate
        if self.training:
            std = self.softplus(x @ self.w_noise) + 1e-2
            logits = logits + torch.randn_like(logits) * std
        top, indices = logits.topk(self.k, dim=1)
        weights = torch.softmax(top, dim=1)
        gates = torch.zeros_like(logits).scatter(1, indices, weights)
        if self.training:
            self.counts += (gates > 0).float().sum(0)
        return gates

    def forward(self, x):
        gates = self.gate(x)
        outputs = torch.stack([expert(x) for expert in self.experts], dim=1)
        y = (gates.unsqueeze(2) * outputs).sum(1)
        importance = gates.sum(0)
        loss = importance.var() / (importance.mean() ** 2 + 1e-10)
        return {'out': y, 'gates': gates, 'aux': loss * 0.01}


def cases():
    return [("moe", MixtureOfExperts, lambda: (torch.randn(5, 6),))]
