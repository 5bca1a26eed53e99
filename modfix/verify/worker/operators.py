"""What is known about an operator from its schema: what it writes, whether it draws, what it is called."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

import torch

from . import rules

# Written although the schema does not say so, when the argument `train` (by name; "" = always) is true.
_UNDECLARED_WRITES = {
    "aten::native_batch_norm": (("running_mean", "running_var"), "training"),
    "aten::cudnn_batch_norm": (("running_mean", "running_var"), "training"),
    "aten::miopen_batch_norm": (("running_mean", "running_var"), "training"),
    "aten::batch_norm_gather_stats": (("running_mean", "running_var"), ""),
    "aten::batch_norm_gather_stats_with_counts": (("running_mean", "running_var"), ""),
    "aten::batch_norm_update_stats": (("running_mean", "running_var"), ""),
}
# In-place operators that do not read what they overwrite.
_OVERWRITES = frozenset(
    "aten::" + name
    for name in [
        "fill_",
        "zero_",
        "copy_",
        "normal_",
        "uniform_",
        "random_",
        "bernoulli_",
        "exponential_",
        "cauchy_",
        "geometric_",
        "log_normal_",
        "eye_",
        "_foreach_copy_",
        "_foreach_zero_",
    ]
)
_UNINITIALISED = frozenset(
    "aten::" + name
    for name in [
        "empty",
        "empty_like",
        "new_empty",
        "empty_strided",
        "new_empty_strided",
        "empty_permuted",
        "empty_quantized",
    ]
)
_QUERIES = frozenset({"prim::device", "prim::layout", "profiler::_record_function_enter_new"})
_QUERIES = _QUERIES | {"profiler::_record_function_exit", "profiler::_record_function_enter", "aten::is_pinned"}
_NUMBERS = frozenset({"number", "Optional[number]", "Scalar", "Optional[Scalar]", "Tensor"})  # types in a schema
_DIMENSIONS = frozenset({"dim", "dims", "dim0", "dim1"})
# Operators whose kernels are the same on both sides, because torch or a library it is installed with brings them.
_KNOWN_NAMESPACES = frozenset(
    [
        "aten",
        "prim",
        "prims",
        "quantized",
        "mkldnn",
        "mkl",
        "onednn",
        "sparse",
        "rngprims",
        "_quantized",
        "torchvision",
        "torchaudio",
        "fbgemm",
    ]
)


class Operator(NamedTuple):
    """Facts of one overload. Positions are those of the schema; an argument may come by position or by name."""

    name: str  # "aten::add_"
    full_name: str  # "aten::add_.Tensor"
    shown: str  # "aten.add_"
    canonical: str  # what goes into the hash: in-place and out= variants have the name of the plain variant
    code: bytes  # the same for hashing
    names: tuple[str, ...]  # of the arguments
    defaults: tuple[Any, ...]  # of the arguments that may come by position; torch leaves out what equals them
    numbers: frozenset[str]  # names of arguments that may be a number of any type
    dimensions: frozenset[str]  # names of arguments that count dimensions
    writes: tuple[tuple[int, str], ...]
    conditional_writes: tuple[tuple[int, str], ...]  # written if the argument `condition` is true
    condition: tuple[int, str] | None
    overwrites: frozenset[str]  # names of arguments of which only the geometry is read
    skipped: frozenset[str]  # names of arguments that are outputs, and no part of the hash
    seeded: bool
    uninitialised: bool  # returns memory that nobody wrote
    moves_only: bool  # changes geometry or storage of its argument, but writes no element
    query: bool  # asks for something that is no value
    known: bool  # of a namespace whose kernels are not the project's
    returns_views: bool  # all outputs are views of arguments
    pure: bool  # writes nothing


def describe(func: Any) -> Operator:
    """The facts about an ``OpOverload``."""
    schema = func._schema
    name = schema.name
    overload = schema.overload_name
    arguments = list(schema.arguments)
    writes = tuple((i, a.name) for i, a in enumerate(arguments) if _is_written(a))
    outputs = frozenset(a.name for a in arguments if a.is_out)
    in_place = bool(writes) and not outputs and name.endswith("_") and not name.endswith("__")
    canonical = _plain_variant(name, arguments, outputs) if (outputs or in_place) else ""
    canonical = canonical or "{}.{}".format(name, overload or "default")
    undeclared, condition = _UNDECLARED_WRITES.get(name, ((), ""))
    positions = {a.name: i for i, a in enumerate(arguments)}
    conditional = tuple((positions[n], n) for n in undeclared if n in positions)
    if not condition:
        writes, conditional = writes + conditional, ()
    overwrites = outputs
    if name in _OVERWRITES:
        overwrites |= {arguments[0].name}
    if name.startswith("aten::rrelu_with_noise"):
        overwrites |= {"noise"}
    returns = list(schema.returns)
    return Operator(
        name=name,
        full_name="{}.{}".format(name, overload or "default"),
        shown=name.replace("::", "."),
        canonical=canonical,
        code=b"%d:" % len(canonical) + canonical.encode(),
        names=tuple(a.name for a in arguments),
        defaults=tuple(a.default_value for a in arguments if not a.kwarg_only),
        numbers=frozenset(a.name for a in arguments if str(a.type) in _NUMBERS),
        dimensions=frozenset(a.name for a in arguments if a.name in _DIMENSIONS and "int" in str(a.type)),
        writes=writes,
        conditional_writes=conditional,
        condition=(positions[condition], condition) if condition and condition in positions else None,
        overwrites=frozenset(overwrites),
        skipped=outputs,
        seeded=torch.Tag.nondeterministic_seeded in func.tags,
        uninitialised=name in _UNINITIALISED,
        moves_only=torch.Tag.inplace_view in func.tags,
        query=name in _QUERIES,
        known=name.partition("::")[0] in _KNOWN_NAMESPACES,
        returns_views=bool(returns) and all(r.alias_info is not None and not r.alias_info.is_write for r in returns),
        pure=not writes and not conditional and bool(returns),
    )


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _plain_variant(name: str, arguments: list[Any], outputs: frozenset[str]) -> str:
    """The out-of-place overload that takes the same arguments, e.g. ``aten::add.Tensor`` for ``aten::add_.Tensor``.

    Empty where there is none, or two: then the operator keeps its own name, and is equal to nothing else.
    """
    wanted = [(a.name, str(a.type)) for a in arguments if a.name not in outputs]
    namespace, _, base = name.partition("::")
    base = base if outputs else base[:-1]
    packet = getattr(getattr(torch.ops, namespace), base, None)
    if packet is None or not hasattr(packet, "overloads"):
        return ""
    found = []
    for overload in packet.overloads():
        schema = getattr(packet, overload)._schema
        if any(_is_written(a) for a in schema.arguments):
            continue
        if [(a.name, str(a.type)) for a in schema.arguments] == wanted:
            found.append("{}.{}".format(schema.name, schema.overload_name or "default"))
    return found[0] if len(found) == 1 else ""


def flatten(value: Any) -> list[Any]:
    """What an argument or result of an operator consists of: itself, or the elements of lists."""
    if isinstance(value, (list, tuple)):
        return [leaf for element in value for leaf in flatten(element)]
    return [value]


def dimensions(op: Operator, arg: Any, args: Sequence[Any]) -> Any:
    """An argument that names dimensions, each counted from the front where that is the same."""
    if isinstance(arg, (list, tuple)):
        return [rules.counted_from_the_front(op.name, dim, args) for dim in arg]
    return rules.counted_from_the_front(op.name, arg, args) if type(arg) is int else arg


def stride(op: Operator, given: Any, args: Sequence[Any]) -> Any:
    """An argument that is called stride, by its meaning."""
    position = op.names.index("kernel_size") if "kernel_size" in op.names else len(args)
    return rules.stride_of(op.name, given, args[position]) if position < len(args) else given


def argument(which: tuple[int, str], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The argument at a position, or of a name, as `Operator.writes` has it; None where it was not given."""
    position, name = which
    return args[position] if position < len(args) else kwargs.get(name)
