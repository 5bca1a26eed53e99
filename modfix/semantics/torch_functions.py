"""Functions of torch that have a module of the same behaviour, as data: checked against torch 2.13 by a test.

A function and the ``forward`` of its module call the same operator with the same arguments; what the function takes in
each call, the module takes once, in its constructor.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class ModuleForm(NamedTuple):
    """The module that does what a function does."""

    function: str  # dotted name, e.g. "torch.nn.functional.dropout"
    module: str  # dotted name, e.g. "torch.nn.Dropout"
    group: str  # "activation", "dropout", "softmax", "sigmoid", "pool", "resize", "shape", "norm"
    parameters: tuple[str, ...]  # of the function in order, the input first
    constructor: tuple[tuple[str, str], ...]  # (parameter of the constructor, parameter of the function), in order
    explicit: tuple[tuple[str, str], ...] = ()  # arguments of the constructor that the function implies, as source
    training_default: bool | None = None  # what the function takes `training` to be; None if it has no such parameter

    @property
    def name(self) -> str:
        """What an attribute that holds the module would be called."""
        return "upsample" if self.group == "resize" else self.function.rpartition(".")[2].rstrip("_")


_F = "torch.nn.functional."
_INPLACE = "inplace"


def _forms() -> Iterator[ModuleForm]:
    yield from _activations()
    yield from _dropouts()
    for name, module in (("softmax", "Softmax"), ("log_softmax", "LogSoftmax"), ("softmin", "Softmin")):
        parameters = ("input", "dim", "_stacklevel", "dtype")
        yield ModuleForm(_F + name, f"torch.nn.{module}", "softmax", parameters, (("dim", "dim"),))
        if name != "softmin":
            yield ModuleForm(
                f"torch.{name}", f"torch.nn.{module}", "softmax", ("input", "dim", "dtype"), (("dim", "dim"),)
            )
    for name, module in (("sigmoid", "Sigmoid"), ("tanh", "Tanh")):
        for package in (_F, "torch."):
            yield ModuleForm(package + name, f"torch.nn.{module}", "sigmoid", ("input",), ())
    yield from _pools()
    resize = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor")
    for name, last in (("interpolate", ("recompute_scale_factor", "antialias")), ("upsample", ())):
        parameters = ("input", *resize[:4], *last)
        constructor = tuple((p, p) for p in resize if p in parameters)
        yield ModuleForm(_F + name, "torch.nn.Upsample", "resize", parameters, constructor)
    for package in (_F, "torch."):
        for name, module, factor in (
            ("pixel_shuffle", "PixelShuffle", "upscale_factor"),
            ("pixel_unshuffle", "PixelUnshuffle", "downscale_factor"),
        ):
            yield ModuleForm(package + name, f"torch.nn.{module}", "shape", ("input", factor), ((factor, factor),))
    yield ModuleForm(
        "torch.flatten",
        "torch.nn.Flatten",
        "shape",
        ("input", "start_dim", "end_dim"),
        (("start_dim", "start_dim"), ("end_dim", "end_dim")),
        explicit=(("start_dim", "0"),),  # nn.Flatten would start with 1
    )
    yield ModuleForm(
        "torch.unflatten",
        "torch.nn.Unflatten",
        "shape",
        ("input", "dim", "sizes"),
        (("dim", "dim"), ("unflattened_size", "sizes")),
    )
    local = ("size", "alpha", "beta", "k")
    yield ModuleForm(_F + "local_response_norm", "torch.nn.LocalResponseNorm", "norm", ("input", *local), _same(local))
    yield ModuleForm(
        _F + "layer_norm",
        "torch.nn.LayerNorm",
        "norm",
        ("input", "normalized_shape", "weight", "bias", "eps"),
        (("normalized_shape", "normalized_shape"), ("eps", "eps")),
        explicit=(("elementwise_affine", "False"),),
    )


def _same(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, name) for name in names)


# function, module, parameters behind the input; each has the same name and default in the constructor
_ACTIVATIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("relu", "ReLU", (_INPLACE,)),
    ("relu6", "ReLU6", (_INPLACE,)),
    ("leaky_relu", "LeakyReLU", ("negative_slope", _INPLACE)),
    ("gelu", "GELU", ("approximate",)),
    ("silu", "SiLU", (_INPLACE,)),
    ("elu", "ELU", ("alpha", _INPLACE)),
    ("selu", "SELU", (_INPLACE,)),
    ("celu", "CELU", ("alpha", _INPLACE)),
    ("mish", "Mish", (_INPLACE,)),
    ("hardswish", "Hardswish", (_INPLACE,)),
    ("hardsigmoid", "Hardsigmoid", (_INPLACE,)),
    ("hardtanh", "Hardtanh", ("min_val", "max_val", _INPLACE)),
    ("softplus", "Softplus", ("beta", "threshold")),
    ("logsigmoid", "LogSigmoid", ()),
    ("glu", "GLU", ("dim",)),
)


def _activations() -> Iterator[ModuleForm]:
    for name, module, others in _ACTIVATIONS:
        yield ModuleForm(_F + name, f"torch.nn.{module}", "activation", ("input", *others), _same(others))
    others_of = {name: (module, others) for name, module, others in _ACTIVATIONS}
    for name in ("relu", "selu", "celu"):
        module, others = others_of[name]
        rest = tuple(other for other in others if other != _INPLACE)
        yield ModuleForm(f"torch.{name}", f"torch.nn.{module}", "activation", ("input", *rest), _same(rest))
    in_place = [(_F, name) for name in ("relu", "leaky_relu", "elu", "selu", "celu", "hardtanh")]
    in_place += [("torch.", name) for name in ("relu", "selu", "celu")]
    for package, name in in_place:
        module, others = others_of[name]
        rest = tuple(other for other in others if other != _INPLACE)
        yield ModuleForm(
            f"{package}{name}_",
            f"torch.nn.{module}",
            "activation",
            ("input", *rest),
            _same(rest),
            explicit=((_INPLACE, "True"),),
        )


def _dropouts() -> Iterator[ModuleForm]:
    constructor = _same(("p", _INPLACE))
    parameters = ("input", "p", "training", _INPLACE)
    for name, module, default in (
        ("dropout", "Dropout", True),
        ("dropout1d", "Dropout1d", True),
        ("dropout2d", "Dropout2d", True),
        ("dropout3d", "Dropout3d", True),
        ("alpha_dropout", "AlphaDropout", False),
        ("feature_alpha_dropout", "FeatureAlphaDropout", False),
    ):
        yield ModuleForm(_F + name, f"torch.nn.{module}", "dropout", parameters, constructor, training_default=default)


def _pools() -> Iterator[ModuleForm]:
    for dims in (1, 2, 3):
        sizes = ("kernel_size", "stride", "padding")
        maximum = (*sizes, "dilation", "ceil_mode", "return_indices")
        yield ModuleForm(
            f"{_F}max_pool{dims}d",
            f"torch.nn.MaxPool{dims}d",
            "pool",
            ("input", *maximum),
            _same((*sizes, "dilation", "return_indices", "ceil_mode")),
        )
        average = (*sizes, "ceil_mode", "count_include_pad", *(() if dims == 1 else ("divisor_override",)))
        yield ModuleForm(
            f"{_F}avg_pool{dims}d", f"torch.nn.AvgPool{dims}d", "pool", ("input", *average), _same(average)
        )
        yield ModuleForm(
            f"{_F}adaptive_avg_pool{dims}d",
            f"torch.nn.AdaptiveAvgPool{dims}d",
            "pool",
            ("input", "output_size"),
            _same(("output_size",)),
        )
        yield ModuleForm(
            f"{_F}adaptive_max_pool{dims}d",
            f"torch.nn.AdaptiveMaxPool{dims}d",
            "pool",
            ("input", "output_size", "return_indices"),
            _same(("output_size", "return_indices")),
        )


MODULE_FORMS: dict[str, ModuleForm] = {form.function: form for form in _forms()}
# Last parts of their names: what a scan looks for before it resolves anything.
FUNCTION_NAMES = frozenset(name.rpartition(".")[2] for name in MODULE_FORMS)

# Modules without parameters, buffers and random numbers, whose result depends on their arguments alone.
PURE_MODULES = frozenset(
    """
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d
    AvgPool1d AvgPool2d AvgPool3d BCELoss BCEWithLogitsLoss CELU ChannelShuffle CircularPad1d CircularPad2d
    CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d CosineEmbeddingLoss CosineSimilarity CrossEntropyLoss
    ELU Flatten Fold GELU GLU GaussianNLLLoss Hardshrink Hardsigmoid Hardswish Hardtanh HingeEmbeddingLoss HuberLoss
    Identity KLDivLoss L1Loss LPPool1d LPPool2d LPPool3d LeakyReLU LocalResponseNorm LogSigmoid LogSoftmax MSELoss
    MarginRankingLoss MaxPool1d MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d Mish MultiLabelMarginLoss
    MultiLabelSoftMarginLoss MultiMarginLoss NLLLoss PairwiseDistance PixelShuffle PixelUnshuffle PoissonNLLLoss
    ReLU ReLU6 ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d
    SELU SiLU Sigmoid SmoothL1Loss SoftMarginLoss Softmax Softmax2d Softmin Softplus Softshrink Softsign Tanh
    Tanhshrink Threshold TripletMarginLoss Unflatten Unfold Upsample UpsamplingBilinear2d UpsamplingNearest2d
    ZeroPad1d ZeroPad2d ZeroPad3d
    """.split()
)
