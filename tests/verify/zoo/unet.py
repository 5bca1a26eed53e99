"""An encoder and decoder with skip connections, cropped as in the original paper's many ports."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Down(nn.Module):
    def __init__(self, cin, cout, norm=True):
        super(Down, self).__init__()
        self.conv = nn.Conv2d(cin, cout, 4, 2, 1)
        self.norm = nn.InstanceNorm2d(cout, affine=True) if norm else None

    def forward(self, x):
        x = self.conv(F.leaky_relu(x, 0.2))
        if self.norm is not None:
            x = self.norm(x)
        return x


class Up(nn.Module):
    def __init__(self, cin, cout, dropout=0.0):
        super(Up, self).__init__()
        self.conv = nn.ConvTranspose2d(cin, cout, 4, 2, 1)
        self.norm = nn.GroupNorm(2, cout, eps=1e-3)
        self.dropout = dropout

    def forward(self, x, skip):
        x = self.norm(self.conv(F.relu(x)))
        if self.dropout:
            x = F.dropout(x, self.dropout, self.training)
        dh = skip.size(2) - x.size(2)
        dw = skip.size(3) - x.size(3)
        x = F.pad(x, (dw // 2, dw - dw // 2, dh // 2, dh - dh // 2))
        return torch.cat([x, skip], 1)


class UNet(nn.Module):
    def __init__(self, width=4):
        super(UNet, self).__init__()
        self.inc = nn.Conv2d(1, width, 3, padding=1)
        self.down1 = Down(width, width * 2)
        self.down2 = Down(width * 2, width * 2, norm=False)
        self.up1 = Up(width * 2, width * 2, dropout=0.5)
        self.up2 = Up(width * 4, width)
        self.outc = nn.Conv2d(width * 2, 2, 1)
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.kaiming_normal_(m.weight, a=0.2)
                m.bias.data.zero_()

    def forward(self, x):
        a = self.inc(x)
        b = self.down1(a)
        c = self.down2(b)
        y = self.up1(c, b)
        y = self.up2(y, a)
        y = self.outc(y)
        y = F.interpolate(y, scale_factor=2, mode='bilinear', align_corners=False)
        return torch.sigmoid(y)


def cases():
    return [("unet", UNet, lambda: (torch.randn(2, 1, 18, 22),))]
