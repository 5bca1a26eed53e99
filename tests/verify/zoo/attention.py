"""Multi-head attention written out, with padding mask and causal mask, as in annotated papers."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=16):
        super(PositionalEncoding, self).__init__()
        self.dropout = nn.Dropout(p=dropout)
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len).unsqueeze(1).float()
        div_term = torch.exp(torch.arange(0, d_model, 2).float() * -(math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer('pe', pe.unsqueeze(0))

    def forward(self, x):
        return self.dropout(x + self.pe[:, :x.size(1)])


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_head, dropout=0.1):
        super(MultiHeadAttention, self).__init__()
        self.n_head = n_head
        self.d_k = d_model // n_head
        self.w_q = nn.Linear(d_model, d_model, bias=False)
        self.w_k = nn.Linear(d_model, d_model, bias=False)
        self.w_v = nn.Linear(d_model, d_model, bias=False)
        self.fc = nn.Linear(d_model, d_model)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(d_model)

    def split(self, x):
        return x.view(x.size(0), -1, self.n_head, self.d_k).transpose(1, 2)

    def forward(self, q, k, v, mask=None):
        residual = q
        q, k, v = self.split(self.w_q(q)), self.split(self.w_k(k)), self.split(self.w_v(v))
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        attn = F.softmax(scores, dim=-1)
        out = torch.matmul(self.dropout(attn), v)
        out = out.transpose(1, 2).contiguous().view(out.size(0), -1, self.n_head * self.d_k)
        out = self.dropout(self.fc(out))
        return self.norm(out + residual), attn


class Transformer(nn.Module):
    def __init__(self, vocab=20, d_model=8, n_head=2):
        super(Transformer, self).__init__()
        self.embed = nn.Embedding(vocab, d_model)
        self.pos = PositionalEncoding(d_model)
        self.self_attn = MultiHeadAttention(d_model, n_head)
        self.cross_attn = MultiHeadAttention(d_model, n_head)
        self.out = nn.Linear(d_model, vocab, bias=False)
        self.scale = math.sqrt(d_model)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def forward(self, tgt, memory, memory_mask=None):
        n = tgt.size(1)
        causal = torch.tril(torch.ones(n, n, device=tgt.device)).unsqueeze(0).unsqueeze(0)
        x = self.embed(tgt) * self.scale
        x = self.pos(x)
        x, _ = self.self_attn(x, x, x, causal)
        x, weights = self.cross_attn(x, memory, memory, memory_mask)
        return self.out(x), weights


def cases():
    def inputs():
        mask = torch.ones(2, 1, 4, 5)
        mask[1, :, :, 3:] = 0
        mask[0, :, 3] = 0
        return torch.randint(0, 20, (2, 4)), torch.randn(2, 5, 8), mask

    return [("masked", Transformer, inputs)]
