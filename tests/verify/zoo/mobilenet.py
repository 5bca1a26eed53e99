"""Inverted residuals with squeeze and excitation, hard activations, depthwise convolutions."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction=2):
        super(SqueezeExcite, self).__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        w = F.adaptive_avg_pool2d(x, 1)
        w = F.relu(self.fc1(w))
        w = F.relu6(self.fc2(w) + 3) / 6
        return x * w


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, expand, stride, use_se):
        super(InvertedResidual, self).__init__()
        hidden = cin * expand
        self.use_res = stride == 1 and cin == cout
        self.pw = nn.Conv2d(cin, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.dw = nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.se = SqueezeExcite(hidden) if use_se else None
        self.pwl = nn.Conv2d(hidden, cout, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(cout)
        self.act = nn.Hardswish(inplace=True)

    def forward(self, x):
        y = self.act(self.bn1(self.pw(x)))
        y = self.bn2(self.dw(y))
        if self.se is not None:
            y = self.se(y)
        y = self.act(y)
        y = self.bn3(self.pwl(y))
        if self.use_res:
            return x + y
        return y


class MobileNet(nn.Module):
    def __init__(self):
        super(MobileNet, self).__init__()
        layers = []
        for cin, cout, expand, stride, se in [(3, 4, 2, 2, True), (4, 4, 2, 1, False)]:
            layers.append(InvertedResidual(cin, cout, expand, stride, se))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(4, 3)

    def forward(self, x):
        x = self.features(x)
        x = x.mean([2, 3])
        return self.classifier(F.dropout(x, p=0.2, training=self.training))


def cases():
    return [("mobilenet", MobileNet, lambda: (torch.randn(2, 3, 8, 8),))]
