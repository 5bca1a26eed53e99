"""A feature pyramid with heads shared over levels; a list of levels comes out, anchors in a buffer."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Detector(nn.Module):
    def __init__(self, width=4, classes=3, prior=0.01):
        super(Detector, self).__init__()
        self.c3 = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.c4 = nn.Conv2d(width, width * 2, 3, stride=2, padding=1)
        self.lat3 = nn.Conv2d(width, width, 1)
        self.lat4 = nn.Conv2d(width * 2, width, 1)
        self.cls_head = nn.Conv2d(width, classes, 3, padding=1)
        self.box_head = nn.Conv2d(width, 4, 3, padding=1)
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(1)) for _ in range(2)])
        self.register_buffer('anchors', torch.tensor([8., 16.]))
        nn.init.constant_(self.cls_head.bias, -math.log((1 - prior) / prior))
        nn.init.normal_(self.box_head.weight, std=0.01)

    def forward(self, x):
        c3 = F.relu(self.c3(x))
        c4 = F.relu(self.c4(c3))
        p4 = self.lat4(c4)
        up = F.interpolate(p4, size=c3.shape[-2:], mode='nearest')
        p3 = self.lat3(c3) + up
        results = []
        for level, p in enumerate([p3, p4]):
            scores = self.cls_head(p)
            boxes = torch.exp(self.box_head(p) * self.scales[level]) * self.anchors[level]
            scores = scores.permute(0, 2, 3, 1).reshape(x.size(0), -1, 3)
            boxes = boxes.permute(0, 2, 3, 1).reshape(x.size(0), -1, 4)
            results.append((scores, boxes))
        return results


def cases():
    return [("detector", Detector, lambda: (torch.randn(2, 3, 8, 8),))]
