"""A model whose output is an object: a dataclass with a dictionary, a named tuple and plain values in it."""
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any, Dict, Optional

import torch
import torch.nn as nn

Scores = namedtuple('Scores', ['start', 'end'])


@dataclass
class ModelOutput:
    scores: Scores
    features: Dict[str, torch.Tensor]
    loss: Optional[torch.Tensor] = None
    count: int = 0
    extra: Any = None


class Reader(nn.Module):
    def __init__(self, dim=6):
        super(Reader, self).__init__()
        self.body = nn.Linear(dim, dim)
        self.pooler = nn.Linear(dim, dim)
        self.qa = nn.Linear(dim, 2)

    def forward(self, x, labels=None):
        h = torch.relu(self.body(x))
        pooled = torch.tanh(self.pooler(h[:, 0]))
        start, end = self.qa(h).split(1, dim=-1)
        features = OrderedDict()
        features['hidden'] = h
        features['pooled'] = pooled
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(start.squeeze(-1), labels, ignore_index=-100)
        return ModelOutput(Scores(start.squeeze(-1), end.squeeze(-1)), features, loss, x.size(1))


def cases():
    return [
        ("unlabelled", Reader, lambda: (torch.randn(2, 5, 6),)),
        ("labelled", Reader, lambda: (torch.randn(2, 5, 6), torch.tensor([1, -100]))),
    ]
