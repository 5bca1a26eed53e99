"""Which layers of torch have a bias, by their constructors."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from modfix.semantics.facts import Ref
from modfix.semantics.init_facts import Presence
from modfix.semantics.places import FileTree
from modfix.semantics.syntax import dotted, is_none, walk

# Where the constructor takes `bias` by position (`affine` for norms). A test compares with the signatures.
BIAS_POSITION = {
    "torch.nn.Linear": 2,
    "torch.nn.Bilinear": 3,
    "torch.nn.Conv1d": 7,
    "torch.nn.Conv2d": 7,
    "torch.nn.Conv3d": 7,
    "torch.nn.ConvTranspose1d": 7,
    "torch.nn.ConvTranspose2d": 7,
    "torch.nn.ConvTranspose3d": 7,
}
AFFINE_POSITION = {
    "torch.nn.BatchNorm1d": 3,
    "torch.nn.BatchNorm2d": 3,
    "torch.nn.BatchNorm3d": 3,
    "torch.nn.SyncBatchNorm": 3,
    "torch.nn.GroupNorm": 3,
    "torch.nn.LayerNorm": 2,
}
# Without a weight and a bias unless asked for.
_PLAIN_NORMS = frozenset({"torch.nn.InstanceNorm1d", "torch.nn.InstanceNorm2d", "torch.nn.InstanceNorm3d"})
_NORM_BASES = frozenset(
    {
        "torch.nn._BatchNorm",
        "torch.nn._InstanceNorm",
        "torch.nn._NormBase",
        "torch.nn.batchnorm._BatchNorm",
        "torch.nn.instancenorm._InstanceNorm",
    }
)
NORMS = frozenset(AFFINE_POSITION) | _PLAIN_NORMS | _NORM_BASES
RECURRENT = frozenset(
    f"torch.nn.{name}" for name in ("GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell")
)
_BASES = frozenset({"torch.nn._ConvNd", "torch.nn._ConvTransposeNd"})
HAVE_BIAS = frozenset(BIAS_POSITION) | NORMS | _BASES  # an attribute of that name, which may be None


def of_classes(classes: Sequence[Ref], file: FileTree) -> Presence:
    """Whether objects of one of these classes have a bias."""
    if any(name in HAVE_BIAS for name in classes):
        return Presence.OPTIONAL
    if any(name.startswith("torch.nn.") for name in classes):
        return Presence.UNKNOWN  # `nn.Module`, or a layer that never has one
    own = {node.name: node for node in file.tree.body if isinstance(node, ast.ClassDef)}
    for name in classes:
        values = _stored("bias", own[name[1:]]) if name[1:] in own else []
        if any(is_none(value) for value in values):
            return Presence.OPTIONAL
        if not values:
            return Presence.FOREIGN
    return Presence.CERTAIN


def of_value(value: ast.expr, file: FileTree) -> Presence:
    """Whether what an expression makes has a bias, by the constructor that it calls."""
    if isinstance(value, ast.IfExp):
        answers = {of_value(value.body, file), of_value(value.orelse, file)}
        return answers.pop() if len(answers) == 1 else Presence.OPTIONAL
    return _of_call(value, file)


def by_constructor(attr: str, cls: ast.ClassDef, file: FileTree) -> Presence:
    """Whether `self.<attr>` has a bias, by all that the class stores there."""
    values = _stored(attr, cls)
    if not values:
        return Presence.FOREIGN
    answers = {of_value(value, file) for value in values}
    if len(answers) == 1:
        return answers.pop()
    return Presence.FOREIGN if Presence.FOREIGN in answers else Presence.OPTIONAL


def of_attribute(attr: str, statement: ast.stmt, cls: ast.ClassDef, file: FileTree) -> Presence:
    """Whether `self.bias` is certainly a parameter: the class stores nothing else, or the same block stores it."""
    values = list(_stored(attr, cls))
    if not values:
        return Presence.OPTIONAL  # a base class makes it, as that of torch does
    if all(isinstance(value, ast.Call) for value in values):
        return Presence.CERTAIN
    return Presence.OPTIONAL if not _stored_beside(attr, statement, file) else Presence.CERTAIN


def _stored_beside(attr: str, statement: ast.stmt, file: FileTree) -> bool:
    """Whether a statement above, in a block around, stores the attribute."""
    node: ast.stmt | None = statement
    while node is not None and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        suite, index = file.links.suite(node)
        for before in suite[:index]:
            if isinstance(before, ast.Assign) and any((dotted(t) or "").endswith(f".{attr}") for t in before.targets):
                return isinstance(before.value, ast.Call)
        node = file.links.enclosing(node)
    return False


def _stored(attr: str, cls: ast.ClassDef) -> list[ast.expr]:
    """What the class stores in an attribute of its objects, None for `register_parameter(name, None)`."""
    found: list[ast.expr] = []
    for node in walk(cls):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr == attr and isinstance(target.value, ast.Name):
                    found.append(node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            if isinstance(node.target, ast.Attribute) and node.target.attr == attr:
                found.append(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) > 1:
            key = node.args[0]
            registers = node.func.attr in ("register_parameter", "add_module", "register_module")
            if registers and isinstance(key, ast.Constant) and key.value == attr:
                found.append(node.args[1])
    return found


def _of_call(value: ast.expr, file: FileTree) -> Presence:
    if is_none(value):
        return Presence.CERTAIN  # no layer at all: that is another question
    ref = file.resolve(value.func) if isinstance(value, ast.Call) else ""
    if not isinstance(value, ast.Call) or ref not in HAVE_BIAS:
        return Presence.FOREIGN
    if ref in _PLAIN_NORMS:
        return Presence.OPTIONAL
    position = BIAS_POSITION.get(ref, AFFINE_POSITION.get(ref, -1))
    name = "bias" if ref in BIAS_POSITION else "affine" if ref != "torch.nn.LayerNorm" else "elementwise_affine"
    if any(isinstance(argument, ast.Starred) for argument in value.args) or any(k.arg is None for k in value.keywords):
        return Presence.OPTIONAL
    given = [keyword.value for keyword in value.keywords if keyword.arg in (name, "bias")]
    given += value.args[position : position + 1]
    if any(not isinstance(argument, ast.Constant) for argument in given):
        return Presence.OPTIONAL
    if any(isinstance(argument, ast.Constant) and not argument.value for argument in given):
        return Presence.ABSENT
    return Presence.CERTAIN
