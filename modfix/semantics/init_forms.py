"""Which statements of an `__init__` only initialise parameters, by their form."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from modfix.semantics.places import FileTree
from modfix.semantics.random_draws import draws
from modfix.semantics.syntax import dotted, is_name, walk

# In-place methods that give a tensor new values, whatever it held. `mul_`, `clamp_` and the like do not.
_FILLS = frozenset(
    {"bernoulli_", "copy_", "exponential_", "fill_", "normal_", "random_", "uniform_", "zero_", "fill_diagonal_"}
)
# Functions that initialise what they are given, by what people call them.
_HELPER = re.compile(
    r"(^|_)(re)?init(iali[sz]e)?(_|$)|^weights?_?init|(^|_)(trunc_normal|normal|uniform|constant|xavier|kaiming|orthogonal"
    r"|glorot|lecun|msra|zeros|ones)(_|$)|[a-z]Init$",
)
_NO_HELPER = re.compile(r"load|pretrain|restore|hidden|state", re.IGNORECASE)
# Calls that only ask, and draw nothing.
_ASKING = frozenset(
    """
    children dim endswith find get items keys lower modules named_children named_modules named_parameters numel
    parameters size split startswith values
    """.split()
)
_QUIET_PACKAGES = ("math.", "builtins.", "numpy.sqrt", "numpy.log", "numpy.prod", "itertools.")


def is_initialisation(statement: ast.stmt, file: FileTree, self_name: str) -> bool:
    """Whether a statement does nothing but give values to parameters, or runs such statements."""
    return _is_allowed(statement, file, self_name) and any(
        _initialises(node, file, self_name) for node in walk(statement)
    )


def initialises_somewhere(statement: ast.stmt, file: FileTree, self_name: str) -> bool:
    """Whether a compound statement holds an initialisation, besides other things."""
    return hasattr(statement, "body") and any(
        isinstance(node, ast.stmt) and _initialises(node, file, self_name) for node in walk(statement)
    )


def is_helper(statement: ast.stmt, file: FileTree) -> bool:
    """Whether a statement prepares something that initialisation may use: a function, or a value that is computed."""
    if isinstance(statement, ast.FunctionDef):
        return not statement.decorator_list
    if not isinstance(statement, ast.Assign) or not all(isinstance(target, ast.Name) for target in statement.targets):
        return False
    return all(_only_asks(node, file) for node in walk(statement.value) if isinstance(node, ast.Call))


def may_draw(statement: ast.AST, file: FileTree) -> bool:
    """Whether running a statement may draw random numbers."""
    for node in walk(statement):
        if not isinstance(node, ast.Call) or _only_asks(node, file):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in _FILLS and not _is_init_function(node, file):
            if draws(f".{node.func.attr}"):
                return True
        elif _is_super_init(node) or draws(_wrapped(file.resolve(node.func))):
            return True
    return False


def _wrapped(ref: str) -> str:
    return ref if not ref.startswith("torch.nn.init.") or ref.endswith(("_", "gain")) else f"{ref}_"


def _is_super_init(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"


def _only_asks(call: ast.Call, file: FileTree) -> bool:
    ref = file.resolve(call.func)
    if ref.startswith(_QUIET_PACKAGES) or ref == "torch.nn.init.calculate_gain":
        return ref not in ("builtins.exec", "builtins.eval", "builtins.setattr", "builtins.delattr", "builtins.open")
    if ref == "torch.no_grad" or (isinstance(call.func, ast.Attribute) and call.func.attr in _ASKING):
        return True
    return ref == "torch.nn.init._calculate_fan_in_and_fan_out"


def _is_allowed(statement: ast.stmt, file: FileTree, self_name: str) -> bool:
    """Whether a statement initialises, prepares that, or only holds such statements."""
    if isinstance(statement, (ast.For, ast.If)):
        body = [*statement.body, *statement.orelse]
        return all(_is_allowed(inner, file, self_name) for inner in body)
    if isinstance(statement, ast.With):
        contexts = [item.context_expr for item in statement.items if isinstance(item.context_expr, ast.Call)]
        quiet = [file.resolve(context.func) in ("torch.no_grad", "torch.set_grad_enabled") for context in contexts]
        return (
            len(quiet) == len(statement.items)
            and all(quiet)
            and all(_is_allowed(inner, file, self_name) for inner in statement.body)
        )
    if isinstance(statement, (ast.Pass, ast.Continue, ast.Break, ast.Assert)):
        return True
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return True
    return _initialises(statement, file, self_name) or is_helper(statement, file)


def _initialises(node: ast.AST, file: FileTree, self_name: str) -> bool:
    if isinstance(node, ast.Assign):
        return all(_is_data(target, self_name) for target in node.targets) or _returns_target(node, file)
    if isinstance(node, ast.AugAssign):
        return False  # changes what is there: running it again would change it again
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    call = node.value
    if _is_init_function(call, file):
        return True
    if isinstance(call.func, ast.Attribute):
        name, inner = call.func.attr, call.func.value
        if name in _FILLS and _root(inner) is not None:
            return True
        if name == "apply" and _is_own(inner, self_name):
            return len(call.args) == 1 and _applies_initialisation(call.args[0])
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in _FILLS:
            return _root(inner.func.value) is not None  # `weight.data.normal_().mul_(0.1)`
        if _is_own(inner, self_name):
            return False  # a method of the object or of a child: it knows itself what to do
    name = (dotted(call.func) or "").rpartition(".")[2]
    if not _HELPER.search(name) or _NO_HELPER.search(name):
        return False
    given = [*call.args, *(keyword.value for keyword in call.keywords)][:1]
    if given and isinstance(given[0], (ast.List, ast.Tuple)):  # `init_weights([self.conv1, self.conv2], 0.1)`
        given = given[0].elts
    return bool(given) and all(_root(argument) is not None for argument in given)


def _is_init_function(call: ast.Call, file: FileTree) -> bool:
    ref = file.resolve(call.func)
    return ref.startswith("torch.nn.init.") and not ref.startswith("torch.nn.init.calculate_gain") and bool(call.args)


def _applies_initialisation(function: ast.expr) -> bool:
    if isinstance(function, ast.Lambda):
        return True
    if isinstance(function, ast.Call):  # `weights_init("kaiming")`, `partial(_init_weights, std=0.02)`
        names = [dotted(function.func) or "", *(dotted(argument) or "" for argument in function.args)]
    else:
        names = [dotted(function) or ""]
    return any(re.search(r"init|weight|reset|xavier|kaiming", name.rpartition(".")[2].lower()) for name in names)


def _is_data(target: ast.expr, self_name: str) -> bool:
    """`self.fc.weight.data` or a part of it; `self.data` is an attribute like any other."""
    while isinstance(target, ast.Subscript):
        target = target.value
    if not isinstance(target, ast.Attribute) or target.attr != "data" or is_name(target.value, self_name):
        return False
    return _root(target) is not None


def _returns_target(node: ast.Assign, file: FileTree) -> bool:
    """`m.weight = nn.init.normal_(m.weight)`: the function gives back what it is given."""
    value = node.value
    if (
        not isinstance(value, ast.Call)
        or not _is_init_function(value, file)
        or not isinstance(value.args[0], ast.Attribute)
    ):
        return False
    return len(node.targets) == 1 and ast.unparse(node.targets[0]) == ast.unparse(value.args[0])


def _is_own(node: ast.expr, self_name: str) -> bool:
    root = _root(node)
    return root is not None and root.id == self_name


def _root(node: ast.expr) -> ast.Name | None:
    """The name that an expression such as `self.layers[0].weight.data` starts with."""
    while True:
        if isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ASKING:
            node = node.func.value
        else:
            return node if isinstance(node, ast.Name) else None


def mentioned_attributes(node: ast.AST, self_name: str) -> tuple[frozenset[str], bool]:
    """The attributes of the object that a statement names, and whether it also uses the object as a whole."""
    attributes: set[str] = set()
    heads: set[ast.AST] = set()
    whole = False
    nodes = walk(node)
    for inner in nodes:
        if isinstance(inner, ast.Attribute) and is_name(inner.value, self_name):
            attributes.add(inner.attr)
            heads.add(inner.value)
    for inner in nodes:
        if is_name(inner, self_name) and inner not in heads:
            whole = True
    walks = {"apply", "children", "modules", "named_children", "named_modules", "named_parameters", "parameters"}
    return frozenset(attributes), whole or not walks.isdisjoint(attributes)


def calls_of(node: ast.AST) -> Iterator[ast.Call]:
    """All calls at and below a node."""
    return (inner for inner in walk(node) if isinstance(inner, ast.Call))
