"""Where code initialises the bias of a layer (or what a norm layer has besides), and whether it may be None there.

An access is a statement of its own: `nn.init.zeros_(m.bias)` or `m.bias.data.fill_(0.01)`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from modfix.semantics.init_facts import BiasAccess, BiasTest, Presence
from modfix.semantics.layer_bias import NORMS, RECURRENT, by_constructor, of_attribute, of_classes, of_value
from modfix.semantics.places import FileTree
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, never_ends, walk

_FILLS = frozenset({"copy_", "fill_", "normal_", "uniform_", "zero_"})
_MAKERS = frozenset(f"torch.{name}" for name in ("full", "ones", "rand", "randn", "tensor", "zeros"))
_MEMBERS = frozenset({"bias", "weight"})


def bias_accesses(file: FileTree) -> tuple[BiasAccess, ...]:
    """The accesses in one file that are not guarded, in source order."""
    if ".bias" not in file.text or not ("init" in file.text or any(f"{name}(" in file.text for name in _FILLS)):
        return ()
    statements = (node for node in file.nodes_around(".bias", ".weight") if isinstance(node, (ast.Expr, ast.Assign)))
    found = (_access(statement, file) for statement in statements)
    return tuple(sorted((access for access in found if access is not None), key=lambda access: access.statement))


def bias_tests(file: FileTree) -> tuple[BiasTest, ...]:
    """Tests such as `if m.bias:` around statements that fill the bias in place."""
    if ".bias" not in file.text:
        return ()
    return tuple(sorted(_tests(file), key=lambda test: test.span))


def _tests(file: FileTree) -> Iterator[BiasTest]:
    for node in file.nodes_around(".bias"):
        if not isinstance(node, ast.If):
            continue
        for test in _truths(node.test):
            if isinstance(test, ast.Attribute) and test.attr == "bias":
                wanted = ast.dump(test)
                filled = [f for f in map(_filled, node.body) if f is not None and ast.dump(f.parameter) == wanted]
                if filled:
                    zeroes = len(filled) == len(node.body) and all(f.function in ("zero_", "zeros_") for f in filled)
                    column = file.positions.column(test)
                    source = file.source(test)
                    yield BiasTest(file.span(test), source, file.owner(node), test.lineno, column, zeroes)


def _truths(test: ast.expr) -> Iterator[ast.expr]:
    """What a test asks the truth of."""
    if isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from _truths(value)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from _truths(test.operand)
    else:
        yield test


class _Filled(NamedTuple):
    """What a statement fills in place: `m.bias`, by a method of it or by a function that gets it first."""

    parameter: ast.Attribute
    function: str
    by_method: bool


def _filled(statement: ast.stmt) -> _Filled | None:
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call):
        return None
    if isinstance(call.func, ast.Attribute):
        name, inner = call.func.attr, call.func.value
        while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):  # `bias.data.normal_().abs_()`
            name, inner = inner.func.attr, inner.func.value
        parameter = _parameter(inner) if name in _FILLS else None
        if parameter is not None:
            return _Filled(parameter, name, by_method=True)
    parameter = _parameter(call.args[0]) if call.args else None
    name = (dotted(call.func) or "").rpartition(".")[2]
    return _Filled(parameter, name, by_method=False) if parameter is not None else None


def _parameter(node: ast.expr) -> ast.Attribute | None:
    """`m.bias` of `m.bias`, `m.bias.data`."""
    if isinstance(node, ast.Attribute) and node.attr == "data":
        node = node.value
    return node if isinstance(node, ast.Attribute) and node.attr in _MEMBERS else None


def _access(statement: ast.Expr | ast.Assign, file: FileTree) -> BiasAccess | None:
    if isinstance(statement, ast.Assign):
        return _other_access(statement, file)
    filled = _filled(statement)
    call = statement.value
    if filled is None or not isinstance(call, ast.Call):
        return _other_access(statement, file)
    if not filled.by_method and not file.resolve(call.func).startswith("torch.nn.init."):
        return None
    if filled.function == "copy_" and not _makes_values(call, file):
        return None  # values that somebody gives: without a bias they would be lost, and nobody would know
    verdict = _presence(statement, filled.parameter, file)
    return _made(statement, filled.parameter, verdict, file)


def _makes_values(call: ast.Call, file: FileTree) -> bool:
    """Whether what is copied is made on the spot, as `copy_(torch.ones(4))`."""
    value = call.args[0] if call.args else None
    return isinstance(value, ast.Call) and file.resolve(value.func) in _MAKERS


def _made(
    statement: ast.stmt, parameter: ast.Attribute, verdict: tuple[Presence, str, str], file: FileTree
) -> BiasAccess | None:
    presence, kind, why = verdict
    if presence is Presence.CERTAIN:
        return None
    return BiasAccess(
        file.span(statement),
        file.source(parameter.value),
        parameter.attr,
        presence,
        file.owner(statement),
        statement.lineno,
        file.positions.column(statement),
        _block(statement, file),
        kind,
        why,
    )


def _block(statement: ast.stmt, file: FileTree) -> tuple[int, int]:
    """The block that a statement stands in, and its index there."""
    suite, index = file.links.suite(statement)
    return file.span(suite[0]).start, index


def _other_access(statement: ast.Expr | ast.Assign, file: FileTree) -> BiasAccess | None:
    """A statement that writes into part of a bias, or takes another tensor for its data: no guard is put there."""
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
        slices = isinstance(target, ast.Subscript)
        inner = target.value if isinstance(target, ast.Subscript) else target
        parameter = _parameter(inner) if isinstance(inner, ast.Attribute) and inner.attr == "data" else None
        kind, why = ("slice", "it sets a part of the bias") if slices else ("assignment", "it takes another tensor")
    else:
        call = statement.value
        method = call.func if isinstance(call, ast.Call) else None
        if not (
            isinstance(method, ast.Attribute) and method.attr in _FILLS and isinstance(method.value, ast.Subscript)
        ):
            return None
        parameter = _parameter(method.value.value)
        kind, why = "slice", "it sets a part of the bias"
    if parameter is None or parameter.attr != "bias":
        return None
    presence, *_ = _presence(statement, parameter, file)
    return _made(statement, parameter, (presence, kind, why), file)


# Whether it may be None -----------------------------------------------------------------------------------------------


def _presence(statement: ast.stmt, parameter: ast.Attribute, file: FileTree) -> tuple[Presence, str, str]:
    """Whether the parameter is certainly there; else what stands against a guard, if anything does."""
    classes: list[str] = []
    node: ast.AST = statement
    step = file.links.of(node)
    while step is not None:
        around, field = step
        suite = getattr(around, field)
        if isinstance(node, ast.stmt) and _left_before(suite, node, parameter):
            return Presence.CERTAIN, "", ""
        if isinstance(around, (ast.If, ast.While)) and field in ("body", "orelse"):
            if _asks_for(around.test, parameter):
                return Presence.CERTAIN, "", ""
            if field == "body":
                classes = classes or list(_types(around.test, parameter.value, file))
        if isinstance(around, ast.Try) and field == "body" and around.handlers:
            return Presence.UNKNOWN, "caught", "a handler catches what happens without a bias"
        if isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef)):
            break
        node, step = around, file.links.of(around)
    if any(isinstance(inner, ast.Call) for inner in walk(parameter.value)):
        return Presence.UNKNOWN, "computed", "the layer is the result of a call, which a guard would repeat"
    if any(name in RECURRENT for name in classes):
        return Presence.UNKNOWN, "recurrent", "`bias` of a recurrent layer is no tensor"
    if parameter.attr == "weight":
        optional = any(name in NORMS for name in classes)
        return (Presence.OPTIONAL if optional else Presence.CERTAIN), "", ""
    if classes:
        presence = of_classes(classes, file)
        return presence, "", ""
    return _by_origin(statement, parameter.value, file), "", ""


def _left_before(suite: object, statement: ast.stmt, parameter: ast.Attribute) -> bool:
    """Whether a statement above, in the same block, goes away where there is no bias: `if m.bias is None: return`."""
    if not isinstance(suite, list) or statement not in suite:
        return False
    for before in suite[: suite.index(statement)]:
        leaves = isinstance(before, ast.If) and (
            never_ends(before.body) or isinstance(before.body[-1], (ast.Continue, ast.Break))
        )
        if (leaves or isinstance(before, ast.Assert)) and _asks_for(before.test, parameter):
            return True
    return False


def _asks_for(test: ast.expr, parameter: ast.Attribute) -> bool:
    """Whether a test is about this parameter being there: by itself, or by an option called after it."""
    wanted = ast.dump(parameter)
    words = ("bias",) if parameter.attr == "bias" else ()
    for node in walk(test):
        if isinstance(node, ast.Attribute) and ast.dump(node) == wanted:
            return True
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name in ("affine", "elementwise_affine") or any(word in name for word in words):
            return True
        if isinstance(node, ast.Call) and is_name(node.func, "getattr") and len(node.args) == 3:
            key = node.args[1]
            if isinstance(key, ast.Constant) and key.value == parameter.attr:
                return True
    return False


def _types(test: ast.expr, layer: ast.expr, file: FileTree) -> Iterator[str]:
    """The classes that a test says the layer is of; nothing where it does not."""
    if isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from _types(value, layer, file)
    wanted: ast.expr | None = None
    if isinstance(test, ast.Call) and is_name(test.func, "isinstance") and len(test.args) == 2:
        if ast.dump(test.args[0]) == ast.dump(layer):
            wanted = test.args[1]
    elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Call):
        call = test.left
        if is_name(call.func, "type") and len(call.args) == 1 and ast.dump(call.args[0]) == ast.dump(layer):
            wanted = test.comparators[0]
    if wanted is None:
        return
    for node in wanted.elts if isinstance(wanted, (ast.Tuple, ast.List)) else [wanted]:
        yield file.resolve(node)


def _by_origin(statement: ast.stmt, layer: ast.expr, file: FileTree) -> Presence:
    """What the constructor in sight says."""
    functions = file.links.functions(statement)
    cls = file.enclosing_class(statement)
    receiver = _receiver(functions, file)
    if isinstance(layer, ast.Name):
        if layer.id == receiver:
            return of_attribute("bias", statement, cls, file) if cls is not None else Presence.UNKNOWN
        return _of_local(statement, layer.id, functions, file)
    if isinstance(layer, ast.Attribute) and is_name(layer.value, receiver) and cls is not None:
        return by_constructor(layer.attr, cls, file)
    return Presence.OPTIONAL


def _receiver(functions: tuple[FunctionNode, ...], file: FileTree) -> str | None:
    """The name of `self` in the method around, if there is one."""
    for function in functions:
        step = file.links.of(function)
        positional = [*function.args.posonlyargs, *function.args.args]
        if step is not None and isinstance(step[0], ast.ClassDef) and positional:
            return positional[0].arg
    return None


def _of_local(statement: ast.stmt, name: str, functions: tuple[FunctionNode, ...], file: FileTree) -> Presence:
    """A variable: made here, one of a list of layers, or anything."""
    around = file.links.enclosing(statement)
    while around is not None and not isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if isinstance(around, ast.For) and is_name(around.target, name):
            if isinstance(around.iter, (ast.List, ast.Tuple)) and around.iter.elts:
                answers = {_by_origin(around, layer, file) for layer in around.iter.elts}
                return answers.pop() if len(answers) == 1 else Presence.OPTIONAL
            return Presence.UNKNOWN
        around = file.links.enclosing(around)
    if functions and any(arg.arg == name for arg in arguments(functions[-1])):
        return Presence.UNKNOWN
    scope = file.names.scopes[functions[-1] if functions else file.tree]
    values = scope.values_of(name)
    if values and len(values) == scope.times_stored(name):
        answers = {of_value(value, file) for value in values}
        return answers.pop() if len(answers) == 1 else Presence.OPTIONAL
    return Presence.UNKNOWN
