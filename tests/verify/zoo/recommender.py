"""Bags of embeddings and dense features that interact by pairwise products."""
import numpy as np
import torch
import torch.nn as nn


class Recommender(nn.Module):
    def __init__(self, sizes=(10, 8), dim=4, dense=5):
        super(Recommender, self).__init__()
        self.emb_l = nn.ModuleList()
        for n in sizes:
            bag = nn.EmbeddingBag(n, dim, mode='sum')
            w = np.random.uniform(low=-np.sqrt(1 / n), high=np.sqrt(1 / n), size=(n, dim)).astype(np.float32)
            bag.weight.data = torch.tensor(w, requires_grad=True)
            self.emb_l.append(bag)
        self.bot = nn.Sequential(nn.Linear(dense, 6), nn.ReLU(), nn.Linear(6, dim), nn.ReLU())
        self.top = nn.Linear(dim + 3, 1)
        self.threshold = 0.01

    def forward(self, dense, indices, offsets):
        x = self.bot(dense)
        ly = [bag(indices[k], offsets[k]) for k, bag in enumerate(self.emb_l)]
        T = torch.stack([x] + ly, dim=1)
        Z = torch.bmm(T, T.transpose(1, 2))
        li = torch.tensor([1, 2, 2])
        lj = torch.tensor([0, 0, 1])
        flat = Z[:, li, lj]
        p = torch.sigmoid(self.top(torch.cat([x, flat], dim=1)))
        return torch.clamp(p, min=self.threshold, max=1.0 - self.threshold)


def cases():
    def inputs():
        indices = [torch.randint(0, 8, (5,)), torch.randint(0, 8, (4,))]
        return torch.randn(2, 5), indices, [torch.tensor([0, 2]), torch.tensor([0, 3])]

    return [("dlrm", Recommender, inputs)]
