"""Fourier mixing with complex weights, spectral normalisation, a window function in a buffer."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import spectral_norm


class SpectralNet(nn.Module):
    def __init__(self, width=4, modes=3, n=8):
        super(SpectralNet, self).__init__()
        self.modes = modes
        self.lift = nn.Linear(1, width)
        self.weight = nn.Parameter(torch.randn(width, width, modes, dtype=torch.cfloat) * 0.1)
        self.register_buffer('window', torch.hann_window(n, periodic=True), persistent=False)
        self.mix = nn.Conv1d(width, width, 1)
        self.head = spectral_norm(nn.Linear(width, 2))

    def forward(self, x):
        x = self.lift(x).transpose(1, 2)
        f = torch.fft.rfft(x * self.window, dim=-1, norm='ortho')
        low = torch.einsum('bim,iom->bom', f[..., :self.modes], self.weight)
        pad = torch.zeros(f.size(0), f.size(1), f.size(2) - self.modes, dtype=f.dtype)
        y = torch.fft.irfft(torch.cat([low, pad], -1), n=x.size(-1), dim=-1, norm='ortho')
        x = F.gelu(y + self.mix(x))
        return self.head(x.mean(2)), low.real


def cases():
    return [("fourier", SpectralNet, lambda: (torch.randn(2, 8, 1),))]
