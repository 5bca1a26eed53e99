"""What layers of torch keep in `state_dict`, by their constructor's arguments, as data; a test builds each."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from math import prod

from modfix.semantics.torch_names import canonical

_WEIGHT = ("weight", "bias")
_RUNNING = ("running_mean", "running_var", "num_batches_tracked")

# Entries of a layer whose constructor says nothing else; `bias=False` and the like take some away.
_ENTRIES: dict[str, tuple[str, ...]] = {
    "BatchNorm1d": _WEIGHT + _RUNNING,
    "BatchNorm2d": _WEIGHT + _RUNNING,
    "BatchNorm3d": _WEIGHT + _RUNNING,
    "Bilinear": _WEIGHT,
    "Conv1d": _WEIGHT,
    "Conv2d": _WEIGHT,
    "Conv3d": _WEIGHT,
    "ConvTranspose1d": _WEIGHT,
    "ConvTranspose2d": _WEIGHT,
    "ConvTranspose3d": _WEIGHT,
    "Embedding": ("weight",),
    "EmbeddingBag": ("weight",),
    "GroupNorm": _WEIGHT,
    "GRUCell": ("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
    "LayerNorm": _WEIGHT,
    "Linear": _WEIGHT,
    "LSTMCell": ("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
    "PReLU": ("weight",),
    "RNNCell": ("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
}
# Parameters by position, as far as they decide about the state, and the place of the argument that drops the bias.
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "Linear": ("in_features", "out_features", "bias"),
    "Bilinear": ("in1_features", "in2_features", "out_features", "bias"),
    "Embedding": ("num_embeddings", "embedding_dim"),
    "BatchNorm1d": ("num_features", "eps", "momentum", "affine", "track_running_stats"),
    "GroupNorm": ("num_groups", "num_channels", "eps", "affine"),
    "LayerNorm": ("normalized_shape", "eps", "elementwise_affine", "bias"),
    "Conv1d": (
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
        "bias",
    ),
}
_PARAMETERS |= dict.fromkeys(("BatchNorm2d", "BatchNorm3d"), _PARAMETERS["BatchNorm1d"])
_PARAMETERS |= dict.fromkeys(("Conv2d", "Conv3d"), _PARAMETERS["Conv1d"])
_CELLS = ("input_size", "hidden_size", "bias")
_PARAMETERS |= dict.fromkeys(("GRUCell", "LSTMCell", "RNNCell"), _CELLS)

Arguments = Sequence[tuple[str, str]]  # name ("" by position) and source of each


def state_entries(layer: str, arguments: Arguments) -> tuple[str, ...] | None:
    """The entries of `state_dict` of a layer; None where the arguments or the class leave that open.

    Args:
        layer: dotted name of the class.
        arguments: of its constructor.
    """
    name = canonical(layer).rpartition(".")[2]
    entries = _ENTRIES.get(name)
    if entries is None or any(given.startswith("*") or source.startswith("*") for given, source in arguments):
        return None
    bound = _bound(name, arguments)
    for option, gone in (
        ("bias", ("bias", "bias_ih", "bias_hh")),
        ("affine", _WEIGHT),
        ("elementwise_affine", _WEIGHT),
        ("track_running_stats", _RUNNING),
    ):
        source = bound.get(option, "True")
        if source == "False":
            entries = tuple(entry for entry in entries if entry not in gone)
        elif source != "True":
            return None
    return entries


def parameter_count(layer: str, arguments: Arguments) -> int | None:
    """How many numbers the parameters of a `Linear`, `Embedding` or convolution hold; None if that cannot be told."""
    name = canonical(layer).rpartition(".")[2]
    entries, bound = state_entries(layer, arguments), _bound(name, arguments)
    if entries is None:
        return None
    sizes = {key: _constant(source) for key, source in bound.items()}
    if name == "Linear":
        return _sum(entries, (sizes.get("in_features"), sizes.get("out_features")), sizes.get("out_features"))
    if name == "Embedding":
        return _product(sizes.get("num_embeddings"), sizes.get("embedding_dim"))
    if name in ("Conv1d", "Conv2d", "Conv3d") and bound.get("groups", "1") == "1":
        kernel = sizes.get("kernel_size")
        window = kernel if isinstance(kernel, tuple) else (kernel,) * int(name[4])
        channels = (sizes.get("in_channels"), sizes.get("out_channels"))
        return _sum(entries, (*channels, *window), channels[1])
    return None


def _bound(name: str, arguments: Arguments) -> Mapping[str, str]:
    places = iter(_PARAMETERS.get(name, ()))
    return {given or next(places, "?"): source for given, source in arguments}


def _constant(source: str) -> object:
    try:
        return ast.literal_eval(source)
    except (ValueError, SyntaxError):
        return None


def _product(*sizes: object) -> int | None:
    return prod(size for size in sizes if isinstance(size, int)) if all(isinstance(s, int) for s in sizes) else None


def _sum(entries: Sequence[str], weight: Sequence[object], bias: object) -> int | None:
    numbers = [_product(*weight), _product(bias) if "bias" in entries else 0]
    return None if None in numbers else sum(number for number in numbers if number is not None)
