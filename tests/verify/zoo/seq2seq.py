"""A GRU encoder and an attending GRU cell as decoder, unrolled by a Python loop."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Encoder(nn.Module):
    def __init__(self, vocab, dim):
        super(Encoder, self).__init__()
        self.embedding = nn.Embedding(vocab, dim)
        self.gru = nn.GRU(dim, dim)

    def forward(self, src):
        embedded = self.embedding(src)
        outputs, hidden = self.gru(embedded)
        return outputs, hidden


class Decoder(nn.Module):
    def __init__(self, vocab, dim):
        super(Decoder, self).__init__()
        self.embedding = nn.Embedding(vocab, dim)
        self.attn = nn.Linear(dim * 2, dim)
        self.v = nn.Parameter(torch.rand(dim))
        self.cell = nn.GRUCell(dim * 2, dim)
        self.out = nn.Linear(dim, vocab)
        self.out.weight = self.embedding.weight

    def forward(self, token, hidden, memory):
        x = self.embedding(token)
        query = hidden.unsqueeze(0).expand_as(memory)
        energy = torch.tanh(self.attn(torch.cat((query, memory), 2)))
        scores = torch.sum(energy * self.v, dim=2)
        weights = F.softmax(scores, dim=0)
        context = (weights.unsqueeze(2) * memory).sum(0)
        hidden = self.cell(torch.cat((x, context), 1), hidden)
        return self.out(hidden), hidden, weights


class Seq2Seq(nn.Module):
    def __init__(self, vocab=12, dim=6, steps=3):
        super(Seq2Seq, self).__init__()
        self.steps = steps
        self.encoder = Encoder(vocab, dim)
        self.decoder = Decoder(vocab, dim)
        self.register_buffer('sos', torch.zeros(1, dtype=torch.long))

    def forward(self, src):
        memory, hidden = self.encoder(src)
        hidden = hidden[-1]
        token = self.sos.expand(src.size(1))
        logits = []
        for _ in range(self.steps):
            out, hidden, _ = self.decoder(token, hidden, memory)
            logits.append(out)
            token = out.argmax(1).detach()
        return torch.stack(logits, dim=0)


def cases():
    return [("seq2seq", Seq2Seq, lambda: (torch.randint(0, 12, (5, 2)),))]
