"""Vector quantisation whose codebook follows the data by moving averages: buffers change in train mode."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class VectorQuantizer(nn.Module):
    def __init__(self, n_embed=6, dim=4, decay=0.9, eps=1e-5):
        super(VectorQuantizer, self).__init__()
        self.decay = decay
        self.eps = eps
        embed = torch.randn(dim, n_embed)
        self.register_buffer('embed', embed)
        self.register_buffer('cluster_size', torch.zeros(n_embed))
        self.register_buffer('embed_avg', embed.clone())
        self.register_buffer('steps', torch.tensor(0))

    def forward(self, x):
        flat = x.reshape(-1, self.embed.size(0))
        dist = flat.pow(2).sum(1, keepdim=True) - 2 * flat @ self.embed + self.embed.pow(2).sum(0, keepdim=True)
        index = (-dist).max(1)[1]
        onehot = F.one_hot(index, self.embed.size(1)).type(flat.dtype)
        quantize = F.embedding(index.view(*x.shape[:-1]), self.embed.t())
        if self.training:
            with torch.no_grad():
                self.cluster_size.mul_(self.decay).add_(onehot.sum(0), alpha=1 - self.decay)
                self.embed_avg.mul_(self.decay).add_(flat.t() @ onehot, alpha=1 - self.decay)
                n = self.cluster_size.sum()
                size = (self.cluster_size + self.eps) / (n + self.embed.size(1) * self.eps) * n
                self.embed.copy_(self.embed_avg / size.unsqueeze(0))
                self.steps += 1
        diff = (quantize.detach() - x).pow(2).mean()
        quantize = x + (quantize - x).detach()
        return quantize, diff, index


class Autoencoder(nn.Module):
    def __init__(self, dim=4):
        super(Autoencoder, self).__init__()
        self.enc = nn.Linear(8, dim)
        self.quant = VectorQuantizer(dim=dim)
        self.dec = nn.Linear(dim, 8)

    def forward(self, x):
        z, diff, index = self.quant(self.enc(x))
        return self.dec(z), diff, index


def cases():
    return [("vq", Autoencoder, lambda: (torch.randn(2, 5, 8),))]
