"""A bidirectional LSTM tagger over packed sequences, hidden state made by hand."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class LSTMTagger(nn.Module):
    def __init__(self, vocab=20, dim=6, hidden=5, tags=4):
        super(LSTMTagger, self).__init__()
        self.hidden_dim = hidden
        self.embed = nn.Embedding(vocab, dim, padding_idx=0)
        self.drop = nn.Dropout(0.3)
        self.lstm = nn.LSTM(dim, hidden, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2)
        self.hidden2tag = nn.Linear(hidden * 2, tags)
        self.init_weights()

    def init_weights(self):
        for name, p in self.lstm.named_parameters():
            if 'weight_hh' in name:
                nn.init.orthogonal_(p)
            elif 'bias' in name:
                p.data.fill_(0)
                n = p.size(0)
                p.data[n // 4:n // 2].fill_(1)
        self.hidden2tag.weight.data.uniform_(-0.1, 0.1)
        self.hidden2tag.bias.data.zero_()

    def init_hidden(self, batch):
        weight = next(self.parameters())
        return (weight.new_zeros(4, batch, self.hidden_dim),
                weight.new_zeros(4, batch, self.hidden_dim))

    def forward(self, words, lengths):
        x = self.drop(self.embed(words))
        packed = pack_padded_sequence(x, lengths, batch_first=True)
        out, (h, c) = self.lstm(packed, self.init_hidden(words.size(0)))
        out, _ = pad_packed_sequence(out, batch_first=True)
        out = F.relu(out)
        tags = self.hidden2tag(out)
        return F.log_softmax(tags, dim=2), h


def cases():
    def inputs():
        words = torch.randint(1, 20, (3, 6))
        words[1, 4:] = 0
        words[2, 3:] = 0
        return words, torch.tensor([6, 4, 3])

    return [("tagger", LSTMTagger, inputs)]
