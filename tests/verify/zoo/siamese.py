"""One encoder for two inputs, its output layer tied to its input layer, a contrastive margin."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Encoder(nn.Module):
    def __init__(self, vocab=9, dim=5):
        super(Encoder, self).__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.bn = nn.BatchNorm1d(dim)
        self.mix = nn.Linear(dim, dim)
        self.mix2 = self.mix
        self.decode = nn.Linear(dim, vocab, bias=False)
        self.decode.weight = self.embed.weight

    def forward(self, words):
        h = self.embed(words).mean(1)
        h = self.bn(h)
        h = torch.tanh(self.mix(h))
        h = torch.tanh(self.mix2(h))
        return h, self.decode(h)


class Siamese(nn.Module):
    def __init__(self, margin=0.4):
        super(Siamese, self).__init__()
        self.encoder = Encoder()
        self.margin = margin

    def forward(self, a, b):
        ha, la = self.encoder(a)
        hb, lb = self.encoder(b)
        d = F.pairwise_distance(ha, hb)
        s = F.cosine_similarity(ha, hb, dim=1)
        loss = torch.clamp(self.margin - d, min=0.0).pow(2).mean()
        return loss + s.mean(), la, lb


def cases():
    return [("siamese", Siamese, lambda: (torch.randint(0, 9, (3, 4)), torch.randint(0, 9, (3, 4))))]
