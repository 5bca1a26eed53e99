"""Convolutions of several widths over word vectors, pooled over time."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class TextCNN(nn.Module):
    def __init__(self, vocab=30, dim=6, kernels=(2, 3, 4), channels=3, classes=4, static=False):
        super(TextCNN, self).__init__()
        self.static = static
        self.embed = nn.Embedding(vocab, dim)
        self.convs = nn.ModuleList([nn.Conv2d(1, channels, (k, dim)) for k in kernels])
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(len(kernels) * channels, classes)
        if static:
            self.embed.weight.requires_grad = False

    def conv_and_pool(self, x, conv):
        x = F.relu(conv(x)).squeeze(3)
        x = F.max_pool1d(x, x.size(2)).squeeze(2)
        return x

    def forward(self, words):
        x = self.embed(words)
        x = x.unsqueeze(1)
        x = [self.conv_and_pool(x, conv) for conv in self.convs]
        x = torch.cat(x, 1)
        x = self.dropout(x)
        logit = self.fc(x)
        return logit


def cases():
    def words():
        return (torch.randint(0, 30, (2, 7)),)

    return [("textcnn", TextCNN, words), ("static", lambda: TextCNN(static=True), words)]
