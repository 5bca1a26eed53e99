"""Where an expression needs parentheses: the grammar's levels of binding, and what each place asks for."""

from __future__ import annotations

import ast

# Levels of binding, loosest first. An expression needs parentheses where the place asks for a higher level than it has.
_NAMED, _TUPLE, _TEST, _OR, _AND, _NOT, _COMPARE, _BIT_OR, _BIT_XOR, _BIT_AND = range(10)
_SHIFT, _ARITH, _TERM, _FACTOR, _POWER, _AWAIT, _ATOM = range(10, 17)

_BINARY: dict[type[ast.operator], int] = {
    ast.BitOr: _BIT_OR,
    ast.BitXor: _BIT_XOR,
    ast.BitAnd: _BIT_AND,
    ast.LShift: _SHIFT,
    ast.RShift: _SHIFT,
    ast.Add: _ARITH,
    ast.Sub: _ARITH,
    ast.Mult: _TERM,
    ast.MatMult: _TERM,
    ast.Div: _TERM,
    ast.FloorDiv: _TERM,
    ast.Mod: _TERM,
    ast.Pow: _POWER,
}
_SIMPLE: dict[type[ast.AST], int] = {
    ast.NamedExpr: _NAMED,
    ast.Tuple: _TUPLE,
    ast.Yield: _NAMED,
    ast.YieldFrom: _NAMED,
    ast.Lambda: _TEST,
    ast.IfExp: _TEST,
    ast.Compare: _COMPARE,
    ast.Await: _AWAIT,
}
# What a place asks for, by the parent and the field; every place not named asks for an atom, which is always right.
_PLACES: dict[tuple[type[ast.AST], str], int] = {
    (ast.Expr, "value"): _TUPLE,
    (ast.Return, "value"): _TUPLE,
    (ast.Assign, "value"): _TUPLE,
    (ast.Assign, "targets"): _TUPLE,
    (ast.AugAssign, "value"): _TUPLE,
    (ast.AnnAssign, "value"): _TUPLE,
    (ast.AnnAssign, "annotation"): _TEST,
    (ast.For, "iter"): _TUPLE,
    (ast.AsyncFor, "iter"): _TUPLE,
    (ast.For, "target"): _TUPLE,
    (ast.AsyncFor, "target"): _TUPLE,
    (ast.Subscript, "slice"): _TUPLE,
    (ast.If, "test"): _TEST,
    (ast.While, "test"): _TEST,
    (ast.Assert, "test"): _TEST,
    (ast.Assert, "msg"): _TEST,
    (ast.Raise, "exc"): _TEST,
    (ast.Raise, "cause"): _TEST,
    (ast.withitem, "context_expr"): _TEST,
    (ast.Match, "subject"): _TEST,
    (ast.match_case, "guard"): _TEST,
    (ast.ExceptHandler, "type"): _TEST,
    (ast.FunctionDef, "decorator_list"): _TEST,
    (ast.FunctionDef, "returns"): _TEST,
    (ast.AsyncFunctionDef, "decorator_list"): _TEST,
    (ast.AsyncFunctionDef, "returns"): _TEST,
    (ast.ClassDef, "decorator_list"): _TEST,
    (ast.ClassDef, "bases"): _TEST,
    (ast.arg, "annotation"): _TEST,
    (ast.arguments, "defaults"): _TEST,
    (ast.arguments, "kw_defaults"): _TEST,
    (ast.Call, "args"): _TEST,
    (ast.keyword, "value"): _TEST,
    (ast.List, "elts"): _TEST,
    (ast.Set, "elts"): _TEST,
    (ast.Tuple, "elts"): _TEST,
    (ast.Dict, "keys"): _TEST,
    (ast.ListComp, "elt"): _TEST,
    (ast.SetComp, "elt"): _TEST,
    (ast.GeneratorExp, "elt"): _TEST,
    (ast.DictComp, "key"): _TEST,
    (ast.DictComp, "value"): _TEST,
    (ast.comprehension, "target"): _TUPLE,
    (ast.comprehension, "iter"): _OR,
    (ast.comprehension, "ifs"): _OR,
    (ast.Slice, "lower"): _TEST,
    (ast.Slice, "upper"): _TEST,
    (ast.Slice, "step"): _TEST,
    (ast.IfExp, "test"): _OR,
    (ast.IfExp, "body"): _OR,
    (ast.IfExp, "orelse"): _TEST,
    (ast.Lambda, "body"): _TEST,
    (ast.NamedExpr, "value"): _TEST,
    (ast.Yield, "value"): _TUPLE,
    (ast.YieldFrom, "value"): _TEST,
    (ast.Starred, "value"): _BIT_OR,
    (ast.Compare, "left"): _BIT_OR,
    (ast.Compare, "comparators"): _BIT_OR,
}


def needs_parentheses(new: ast.expr, parent: ast.AST, field: str, old: ast.expr) -> bool:
    """Whether ``new``, which has no parentheses, needs them in place of ``old``, the ``field`` of ``parent``."""
    if isinstance(parent, ast.Attribute) and isinstance(new, ast.Constant):
        return type(new.value) is int  # `1.real` is no Python
    return _level(new) < _asked(parent, field, old)


def is_atom(node: ast.expr) -> bool:
    """Whether an expression never needs parentheses of its own."""
    return _level(node) == _ATOM


def _level(node: ast.expr) -> int:
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)]
    if isinstance(node, ast.UnaryOp):
        return _NOT if isinstance(node.op, ast.Not) else _FACTOR
    if isinstance(node, ast.BoolOp):
        return _OR if isinstance(node.op, ast.Or) else _AND
    return _SIMPLE.get(type(node), _ATOM)


def _asked(parent: ast.AST, field: str, old: ast.expr) -> int:
    if isinstance(parent, ast.BinOp):
        level = _BINARY[type(parent.op)]
        if isinstance(parent.op, ast.Pow):  # binds to the right, and looser than a sign there
            return _AWAIT if field == "left" else _FACTOR
        return level if field == "left" else level + 1
    if isinstance(parent, ast.UnaryOp):
        return _NOT if isinstance(parent.op, ast.Not) else _FACTOR
    if isinstance(parent, ast.BoolOp):  # `a and b` inside another `and` would become part of the outer one
        return (_OR if isinstance(parent.op, ast.Or) else _AND) + 1
    if isinstance(parent, ast.Dict) and field == "values":
        is_unpacked = any(key is None and value is old for key, value in zip(parent.keys, parent.values, strict=True))
        return _BIT_OR if is_unpacked else _TEST
    return _PLACES.get((type(parent), field), _ATOM)
