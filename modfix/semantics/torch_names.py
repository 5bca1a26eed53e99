"""Names of torch that the analysis knows, as data: generated from torch 2.13 so that `check` never imports torch."""

from __future__ import annotations

# Subclasses of nn.Module in torch.nn, by their public name.
MODULE_CLASSES = frozenset(
    """
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveLogSoftmaxWithLoss AdaptiveMaxPool1d
    AdaptiveMaxPool2d AdaptiveMaxPool3d AlphaDropout AvgPool1d AvgPool2d AvgPool3d BCELoss BCEWithLogitsLoss
    BatchNorm1d BatchNorm2d BatchNorm3d Bilinear CELU CTCLoss ChannelShuffle CircularPad1d CircularPad2d
    CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d Container Conv1d Conv2d Conv3d ConvTranspose1d
    ConvTranspose2d ConvTranspose3d CosineEmbeddingLoss CosineSimilarity CrossEntropyLoss CrossMapLRN2d
    DataParallel Dropout Dropout1d Dropout2d Dropout3d ELU Embedding EmbeddingBag FeatureAlphaDropout Flatten
    Fold FractionalMaxPool2d FractionalMaxPool3d GELU GLU GRU GRUCell GaussianNLLLoss GroupNorm Hardshrink
    Hardsigmoid Hardswish Hardtanh HingeEmbeddingLoss HuberLoss Identity InstanceNorm1d InstanceNorm2d
    InstanceNorm3d KLDivLoss L1Loss LPPool1d LPPool2d LPPool3d LSTM LSTMCell LayerNorm LazyBatchNorm1d
    LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d
    LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d LazyLinear LeakyReLU Linear
    LinearCrossEntropyLoss LocalResponseNorm LogSigmoid LogSoftmax MSELoss MarginRankingLoss MaxPool1d
    MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d Mish ModuleDict ModuleList MultiLabelMarginLoss
    MultiLabelSoftMarginLoss MultiMarginLoss MultiheadAttention NLLLoss NLLLoss2d PReLU PairwiseDistance
    ParameterDict ParameterList PixelShuffle PixelUnshuffle PoissonNLLLoss RMSNorm RNN RNNBase RNNCell
    RNNCellBase RReLU ReLU ReLU6 ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d
    ReplicationPad2d ReplicationPad3d SELU Sequential SiLU Sigmoid SmoothL1Loss SoftMarginLoss Softmax
    Softmax2d Softmin Softplus Softshrink Softsign SyncBatchNorm Tanh Tanhshrink Threshold Transformer
    TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer TripletMarginLoss
    TripletMarginWithDistanceLoss Unflatten Unfold Upsample UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d
    ZeroPad2d ZeroPad3d
    """.split()
)

# Base classes that torch keeps private and old code derives from.
PRIVATE_MODULE_CLASSES = frozenset(
    {
        "_BatchNorm",
        "_ConvNd",
        "_ConvTransposeNd",
        "_DropoutNd",
        "_InstanceNorm",
        "_Loss",
        "_LPPoolNd",
        "_MaxPoolNd",
        "_NormBase",
        "_WeightedLoss",
    }
)

# Members of torch's layers that nn.Identity lacks and that loops over children read.
LAYER_MEMBERS = frozenset(
    """
    affine bias dilation eps groups hidden_size in_channels in_features inplace kernel_size momentum normalized_shape
    num_features out_channels out_features p padding reset_parameters reset_running_stats running_mean running_var
    stride weight
    """.split()
)

# Frameworks whose classes look like torch's and are none.
OTHER_FRAMEWORKS = frozenset(
    {"chainer", "flax", "haiku", "jittor", "keras", "mindspore", "mxnet", "paddle", "tensorflow", "tf"}
)

# Functions that return the module they are given.
MODULE_FUNCTIONS = frozenset(
    {
        "torch.nn.utils.parametrizations.spectral_norm",
        "torch.nn.utils.parametrizations.weight_norm",
        "torch.nn.utils.spectral_norm",
        "torch.nn.utils.weight_norm",
    }
)

# Containers iterate over their children or have a length: another child changes what they do.
CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})

# Modules without parameters, buffers and children, whatever their arguments.
STATELESS_MODULES = frozenset(
    """
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d
    AlphaDropout AvgPool1d AvgPool2d AvgPool3d CELU ChannelShuffle CircularPad1d CircularPad2d CircularPad3d
    ConstantPad1d ConstantPad2d ConstantPad3d CosineSimilarity Dropout Dropout1d Dropout2d Dropout3d ELU
    FeatureAlphaDropout Flatten Fold FractionalMaxPool2d FractionalMaxPool3d GELU GLU Hardshrink Hardsigmoid Hardswish
    Hardtanh Identity LPPool1d LPPool2d LPPool3d LeakyReLU LocalResponseNorm LogSigmoid LogSoftmax MaxPool1d MaxPool2d
    MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d Mish PairwiseDistance PixelShuffle PixelUnshuffle RReLU ReLU ReLU6
    ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d SELU SiLU Sigmoid
    Softmax Softmax2d Softmin Softplus Softshrink Softsign Tanh Tanhshrink Threshold Unflatten Unfold Upsample
    UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d ZeroPad2d ZeroPad3d
    """.split()
)

# Modules with a method `reset_parameters`, which most of them call when they are built.
RESETTING_MODULES = frozenset(
    """
    AdaptiveLogSoftmaxWithLoss BatchNorm1d BatchNorm2d BatchNorm3d Bilinear Conv1d Conv2d Conv3d ConvTranspose1d
    ConvTranspose2d ConvTranspose3d Embedding EmbeddingBag GRU GRUCell GroupNorm InstanceNorm1d InstanceNorm2d
    InstanceNorm3d LSTM LSTMCell LayerNorm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d LazyConv1d LazyConv2d
    LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d LazyInstanceNorm1d LazyInstanceNorm2d
    LazyInstanceNorm3d LazyLinear Linear PReLU RMSNorm RNN RNNBase RNNCell RNNCellBase SyncBatchNorm
    """.split()
)

# What every nn.Module instance has, in its class or in its `__dict__`.
MODULE_MEMBERS = frozenset(
    """
    T_destination __annotations__ __call__ __class__ __delattr__ __dict__ __dir__ __doc__ __eq__ __format__
    __ge__ __getattr__ __getattribute__ __getstate__ __gt__ __hash__ __init__ __init_subclass__ __le__ __lt__
    __module__ __ne__ __new__ __reduce__ __reduce_ex__ __repr__ __setattr__ __setstate__ __sizeof__ __str__
    __subclasshook__ __weakref__ _apply _backward_hooks _backward_pre_hooks _buffers _call_impl
    _compiled_call_impl _forward_hooks _forward_hooks_always_called _forward_hooks_with_kwargs
    _forward_pre_hooks _forward_pre_hooks_with_kwargs _get_backward_hooks _get_backward_pre_hooks _get_name
    _is_full_backward_hook _load_from_state_dict _load_state_dict_post_hooks _load_state_dict_pre_hooks
    _maybe_warn_non_full_backward_hook _modules _named_members _non_persistent_buffers_set _parameters
    _register_load_state_dict_pre_hook _register_state_dict_hook _replicate_for_data_parallel
    _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks _version _wrapped_call_impl
    add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
    extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict
    modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook
    register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
    register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook
    requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
    zero_grad
    """.split()
)

# Well-kept packages whose base classes derive from nn.Module and neither walk their children by position nor redefine
# attribute access.
# Bases of torch's losses, which hold `reduction` and buffers and run nothing themselves.
LOSS_BASES = frozenset({"torch.nn._Loss", "torch.nn._WeightedLoss"})
EXTERNAL_MODULE_BASES = frozenset(
    {
        "lightning.LightningModule",
        "lightning.pytorch.LightningModule",
        "mmcv.runner.BaseModule",
        "mmcv.runner.base_module.BaseModule",
        "mmengine.model.BaseModule",
        "pytorch_lightning.LightningModule",
        "transformers.PreTrainedModel",
        "transformers.modeling_utils.PreTrainedModel",
    }
)

# The bases of modules whose members are known, beside those of every module.
FEW_MEMBERS: dict[str, frozenset[str]] = {
    "torch.nn.Module": frozenset(),
    "mmcv.runner.BaseModule": frozenset({"_is_init", "_params_init_info", "init_cfg", "init_weights", "is_init"}),
}
FEW_MEMBERS["mmcv.runner.base_module.BaseModule"] = FEW_MEMBERS["mmcv.runner.BaseModule"]
FEW_MEMBERS["mmengine.model.BaseModule"] = FEW_MEMBERS["mmcv.runner.BaseModule"]

_PLAIN_BASES = frozenset({"abc.ABC", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol", "enum.Enum"})


def canonical(name: str) -> str:
    """The public spelling of a dotted torch name: ``torch.nn.modules.conv.Conv2d`` -> ``torch.nn.Conv2d``."""
    if name.startswith("torch.nn.modules."):
        return "torch.nn." + name.rsplit(".", 1)[1]
    if (
        name.startswith("torch.nn.utils.")
        and name.rpartition(".")[2] in ("weight_norm", "spectral_norm")
        and "parametriz" not in name
    ):
        return "torch.nn.utils." + name.rpartition(".")[2]
    return name


def is_module_class(name: str) -> bool:
    """Whether the dotted name is ``torch.nn.Module`` or one of its subclasses in torch."""
    name = canonical(name)
    return name.startswith("torch.nn.") and (
        name[9:] == "Module" or name[9:] in MODULE_CLASSES or name[9:] in PRIVATE_MODULE_CLASSES
    )


def is_container(name: str) -> bool:
    """Whether the dotted name is a torch container such as ``torch.nn.Sequential``."""
    name = canonical(name)
    return name.startswith("torch.nn.") and name[9:] in CONTAINERS


def is_stateless(name: str) -> bool:
    """Whether the dotted name is a module class of torch that holds no parameters, buffers or children."""
    name = canonical(name)
    return name.startswith("torch.nn.") and name[9:] in STATELESS_MODULES


def is_plain_base(base: str) -> bool:
    """Whether a base outside the project is certainly no module.

    A builtin, a data set, of another framework, or of torch but not ``torch.nn``.
    """
    if base.partition(".")[0] in OTHER_FRAMEWORKS:
        return True
    return (
        base in _PLAIN_BASES
        or base.startswith(("builtins.", "torchvision.datasets."))
        or (base.startswith("torch.") and not base.startswith("torch.nn."))
    )
