"""Models of our own to measure the verifier with: usual architectures in usual sizes, nothing to download."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Model(NamedTuple):
    """How to make a model and its inputs."""

    build: Callable[[], nn.Module]
    inputs: Callable[[], Tensor]


class _Residual(nn.Module):
    """A block of a ResNet: two convolutions, or three with a bottleneck."""

    def __init__(self, width_in: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        out = width * 4 if bottleneck else width
        shapes = [(width_in, width, 3, stride), (width, width, 3, 1)]
        if bottleneck:
            shapes = [(width_in, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)]
        layers: list[nn.Module] = []
        for start, end, size, step in shapes:
            layers += [nn.Conv2d(start, end, size, step, size // 2, bias=False), nn.BatchNorm2d(end), nn.ReLU()]
        self.body = nn.Sequential(*layers[:-1])
        self.skip: nn.Module = nn.Identity()
        if width_in != out or stride > 1:
            self.skip = nn.Sequential(nn.Conv2d(width_in, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.skip(x))


class ResNet(nn.Module):
    """A ResNet for images of any size."""

    def __init__(self, depths: tuple[int, ...], *, bottleneck: bool) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        blocks: list[nn.Module] = []
        width_in = 64
        for stage, depth in enumerate(depths):
            width = 64 << stage
            for block in range(depth):
                blocks.append(_Residual(width_in, width, 2 if stage and not block else 1, bottleneck=bottleneck))
                width_in = width * 4 if bottleneck else width
        self.body = nn.Sequential(*blocks)
        self.head = nn.Linear(width_in, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(self.stem(x)).mean((2, 3)))  # type: ignore[no-any-return]


class MobileNet(nn.Module):
    """Depthwise convolutions: many small operators."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.Hardswish()]
        for start, end, stride in ((16, 24, 2), (24, 24, 1), (24, 40, 2), (40, 40, 1), (40, 48, 1), (48, 96, 2)):
            inner = start * 4
            layers += [nn.Conv2d(start, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.Hardswish()]
            layers += [nn.Conv2d(inner, inner, 5, stride, 2, groups=inner, bias=False), nn.BatchNorm2d(inner)]
            layers += [nn.Hardswish(), nn.Conv2d(inner, end, 1, bias=False), nn.BatchNorm2d(end)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(96, 1024), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(1024, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean((2, 3)))  # type: ignore[no-any-return]


class _Layer(nn.Module):
    """A layer of a transformer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, dropout=0.1, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


class VisionTransformer(nn.Module):
    """ViT-Tiny: patches of 16 pixels, 12 layers of width 192."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 192, 16, 16)
        self.layers = nn.Sequential(*(_Layer(192, 3) for _ in range(12)), nn.LayerNorm(192))
        self.head = nn.Linear(192, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(self.patches(x).flatten(2).transpose(1, 2)).mean(1))  # type: ignore[no-any-return]


class LanguageModel(nn.Module):
    """6 layers of width 256 over 8,000 tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(8000, 256)
        self.layers = nn.Sequential(*(_Layer(256, 4) for _ in range(6)), nn.LayerNorm(256))
        self.head = nn.Linear(256, 8000, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.layers(self.tokens(ids)))  # type: ignore[no-any-return]


class _DecoderLayer(nn.Module):
    """A layer as Llama has it: rotated queries and keys, causal attention, gated MLP, RMS norms, no biases."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.RMSNorm(width), nn.RMSNorm(width)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        h = self.norm1(x)
        q, k, v = (part(h).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.q, self.k, self.v))
        q, k = (part * cos + torch.cat(part.chunk(2, -1)[::-1], -1) * sin for part in (q, k))
        attended = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(attended.transpose(1, 2).flatten(2))
        h = self.norm2(x)
        return x + self.down(nn.functional.silu(self.gate(h)) * self.up(h))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """A decoder of the size of Llama 7B: 6.7 billion parameters in bfloat16."""

    def __init__(self, layers: int = 32, width: int = 4096, heads: int = 32, hidden: int = 11008) -> None:
        super().__init__()
        self.tokens = nn.Embedding(32000, width)
        self.layers = nn.ModuleList(_DecoderLayer(width, heads, hidden) for _ in range(layers))
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, 32000, bias=False)
        self.size = width // heads
        self.to(torch.bfloat16)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.tokens(ids)
        steps = torch.arange(ids.shape[1], device=ids.device, dtype=torch.float32)
        rates = 1e4 ** -(torch.arange(0, self.size, 2, device=ids.device, dtype=torch.float32) / self.size)
        angles = torch.outer(steps, rates).repeat(1, 2)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.head(self.norm(x))  # type: ignore[no-any-return]


def perceptron() -> nn.Module:
    """So small that what is left is the fixed cost of a case."""
    return nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))


MODELS = {
    "perceptron": Model(perceptron, lambda: torch.randn(8, 32)),
    "mobilenet": Model(MobileNet, lambda: torch.randn(4, 3, 128, 128)),
    "resnet18": Model(lambda: ResNet((2, 2, 2, 2), bottleneck=False), lambda: torch.randn(2, 3, 224, 224)),
    "resnet50": Model(lambda: ResNet((3, 4, 6, 3), bottleneck=True), lambda: torch.randn(2, 3, 224, 224)),
    "vit_tiny": Model(VisionTransformer, lambda: torch.randn(2, 3, 224, 224)),
    "language_model": Model(LanguageModel, lambda: torch.randint(8000, (2, 128))),
}
