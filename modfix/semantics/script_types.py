"""What TorchScript takes an expression for, as far as it is certain: the argument of ``nn.Identity`` must be a tensor.

``nn.Identity.forward`` is declared to take a tensor. A module that is None is compiled away with the code under its
test; an identity is compiled, and fails when it is handed a list or a tuple. TorchScript takes a parameter without
annotation for a tensor, and a variable keeps the type that it has got first.
"""

from __future__ import annotations

import ast

from modfix.semantics.records import ClassRecord
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, is_none, walk
from modfix.semantics.torch_names import is_module_class

_DEPTH = 8
_TENSOR = frozenset({"Tensor", "torch.Tensor"})
_SEVERAL = frozenset({"AdaptiveLogSoftmaxWithLoss", "GRU", "LSTM", "LSTMCell", "MultiheadAttention", "RNN", "RNNBase"})
# fmt: off
# What tensors have, and no list, tuple or dictionary.
_ONLY_TENSORS = frozenset({
    "contiguous", "detach", "device", "dtype", "expand", "flatten", "float", "half", "masked_fill", "masked_fill_",
    "mean", "narrow", "new_zeros", "permute", "reshape", "repeat", "shape", "size", "softmax", "squeeze", "sum",
    "transpose", "type_as", "unsqueeze", "view",
})
# Functions and methods of tensors that give something else, or several tensors.
_NO_TENSOR = frozenset({
    "aminmax", "broadcast_tensors", "chunk", "cummax", "cummin", "dim", "dsplit", "frexp", "hsplit", "item",
    "kthvalue", "max", "meshgrid", "median", "min", "mode", "nonzero", "numel", "numpy", "qr", "size",
    "slogdet", "sort", "split", "stride", "svd", "tensor_split", "tolist", "topk", "unbind", "unique",
    "vsplit",
})
# fmt: on


def _used_as_tensor(name: str, method: FunctionNode) -> bool:
    """Whether a method reads from a variable what only tensors have, and does not take it for an optional one."""
    used = False
    for node in walk(method):
        if isinstance(node, ast.Attribute) and is_name(node.value, name):
            used = used or node.attr in _ONLY_TENSORS
        elif isinstance(node, ast.Compare) and is_name(node.left, name) and is_none(node.comparators[0]):
            return False
    return used


class ScriptTypes:
    """Answers for the methods of one class."""

    def __init__(self, names: Names, record: ClassRecord) -> None:
        self._names = names
        self._record = record

    def is_tensor(self, node: ast.expr, method: FunctionNode, depth: int = 0) -> bool:
        """Whether TorchScript certainly takes an expression within ``method`` for one tensor."""
        if depth > _DEPTH:
            return False
        if isinstance(node, ast.Name):
            return self._is_tensor_name(node.id, method, depth)
        if isinstance(node, ast.BinOp):
            return any(self.is_tensor(side, method, depth + 1) for side in (node.left, node.right))
        if isinstance(node, (ast.UnaryOp, ast.Subscript)):
            inner = node.operand if isinstance(node, ast.UnaryOp) else node.value
            return self.is_tensor(inner, method, depth + 1)
        if isinstance(node, ast.IfExp):
            return all(self.is_tensor(side, method, depth + 1) for side in (node.body, node.orelse))
        return isinstance(node, ast.Call) and self._makes_tensor(node, method, depth)

    def _is_tensor_name(self, name: str, method: FunctionNode, depth: int) -> bool:
        positional = [*method.args.posonlyargs, *method.args.args]
        for parameter in arguments(method):
            if parameter.arg == name:
                declared = parameter.annotation is None or dotted(parameter.annotation) in _TENSOR
                return declared and parameter in (*positional[1:], *method.args.kwonlyargs)
        if _used_as_tensor(name, method):
            return True
        scope = self._names.scopes[method]
        values = scope.values_of(name)
        complete = bool(values) and len(values) == scope.times_stored(name)
        others = [value for value in values if not is_name(value, name)]
        # The first value decides, and which one is the first is not known: all that do not build on the name itself.
        return complete and all(self.is_tensor(value, method, depth + 1) for value in others)

    def _makes_tensor(self, call: ast.Call, method: FunctionNode, depth: int) -> bool:
        func = call.func
        self_name = method.args.args[0].arg if method.args.args else None
        if isinstance(func, ast.Attribute) and is_name(func.value, self_name):
            return self._holds_layer(func.attr)
        ref = self._names.resolve(func, (*self._record.functions, method))
        if ref.startswith("torch.") and not is_module_class(ref):
            return ref.rpartition(".")[2] not in _NO_TENSOR
        if isinstance(func, ast.Attribute):
            return func.attr not in _NO_TENSOR and self.is_tensor(func.value, method, depth + 1)
        return False

    def _holds_layer(self, attr: str) -> bool:
        """Whether an attribute certainly holds layers of torch that return one tensor."""
        stores = self._record.stores.get(attr, [])
        for store in stores:
            made = store.value
            ref = self._names.resolve(made.func, store.functions) if isinstance(made, ast.Call) else ""
            if not is_module_class(ref) or ref.rpartition(".")[2] in _SEVERAL:
                return False
        return bool(stores)
