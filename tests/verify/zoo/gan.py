"""A generator and a discriminator in one module, as a trainer holds them; `weights_init` by class name."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find('Conv') != -1:
        m.weight.data.normal_(0.0, 0.02)
    elif classname.find('BatchNorm') != -1:
        m.weight.data.normal_(1.0, 0.02)
        m.bias.data.fill_(0)


class Generator(nn.Module):
    def __init__(self, nz=6, ngf=4):
        super(Generator, self).__init__()
        self.l1 = nn.Linear(nz, ngf * 16)
        self.main = nn.Sequential(
            nn.BatchNorm2d(ngf, 0.8),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(ngf, ngf, 3, stride=1, padding=1),
            nn.BatchNorm2d(ngf, momentum=0.2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ngf, 1, 3, stride=1, padding=1),
            nn.Tanh(),
        )

    def forward(self, z):
        out = self.l1(z)
        out = out.view(out.shape[0], 4, 4, 4)
        return self.main(out)


class Discriminator(nn.Module):
    def __init__(self, ndf=4):
        super(Discriminator, self).__init__()
        self.conv1 = nn.Conv2d(1, ndf, 4, 2, 1, bias=False)
        self.conv2 = nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(ndf * 2)
        self.drop = nn.Dropout2d(0.25)
        self.adv = nn.Linear(ndf * 2 * 4, 1)

    def forward(self, img):
        x = F.leaky_relu(self.conv1(img), 0.2)
        x = self.drop(x)
        x = F.leaky_relu(self.bn(self.conv2(x)), 0.1)
        x = x.view(x.size(0), -1)
        return torch.sigmoid(self.adv(x)).squeeze(1)


class GAN(nn.Module):
    def __init__(self):
        super(GAN, self).__init__()
        self.netG = Generator()
        self.netD = Discriminator()
        self.netG.apply(weights_init)
        self.netD.apply(weights_init)

    def forward(self, z, real):
        fake = self.netG(z)
        d_real = self.netD(real)
        d_fake = self.netD(fake.detach())
        errD = F.binary_cross_entropy(d_real, torch.ones_like(d_real)) + F.binary_cross_entropy(d_fake, torch.zeros_like(d_fake))
        errG = F.binary_cross_entropy(self.netD(fake), torch.ones_like(d_real))
        return fake, errD, errG


def cases():
    return [("gan", GAN, lambda: (torch.randn(2, 6), torch.randn(2, 1, 8, 8)))]
