"""Functions with a backward of their own: differences here show in the backward pass only."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Function


class Binarize(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sign()

    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        return grad * (x.abs() <= 1).float()


class GradReverse(Function):
    @staticmethod
    def forward(ctx, x, lambd):
        ctx.lambd = lambd
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return grad.neg() * ctx.lambd, None


class SwishFunction(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad):
        x = ctx.saved_tensors[0]
        s = torch.sigmoid(x)
        return grad * (s * (1 + x * (1 - s)))


class BinaryNet(nn.Module):
    def __init__(self, dim=6, hidden=8, domains=2):
        super(BinaryNet, self).__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.domain = nn.Linear(hidden, domains)
        self.out = nn.Linear(hidden, 3)
        self.lambd = 0.5

    def forward(self, x):
        h = SwishFunction.apply(self.fc1(x))
        w = Binarize.apply(self.fc2.weight)
        h = F.linear(h, w, self.fc2.bias)
        domain = self.domain(GradReverse.apply(h, self.lambd))
        return self.out(h), domain


def cases():
    return [("binary", BinaryNet, lambda: (torch.randn(3, 6),))]
