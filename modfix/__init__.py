"""modfix migrates legacy PyTorch code to ``nn.Module`` conventions, and proves that it computes the same."""

__version__ = "0.1.0"
