"""The tree that a rewritten text must have: the edits carried out on the `ast`, with no printing involved.

This is written apart from the rewriting itself on purpose. Comparing the two finds a wrong precedence, a lost statement
and any change outside the edits alike.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from modfix.engine.rewriting.errors import RewriteError
from modfix.engine.rewriting.imports import ImportPoint
from modfix.engine.rewriting.targets import Target, class_of
from modfix.model.edit import (
    AddElse,
    AddMethod,
    CollapseBranch,
    InsertAfter,
    InsertBefore,
    MoveStatements,
    PassAssigned,
    RemoveStatement,
    ReplaceCall,
    ReplaceExpression,
    WrapExpression,
    WrapStatements,
)


def carry_out(tree: ast.Module, targets: Sequence[Target], imports: Sequence[ImportPoint]) -> None:
    """Change ``tree`` in place into the intended tree.

    Raises:
        RewriteError: an edit's source is no Python, or the class of an `AddMethod` has no method ``after``.
    """
    for target in targets:
        if any(point.index in target.tops[1:] for point in imports):
            raise RewriteError("an import would go between statements that are wrapped", target.group)
    for point in reversed(imports):
        new = "\n".join(statement for _, statement in point.added)
        tree.body[point.index : point.index] = ast.parse(new).body
    for _, target in sorted(enumerate(_regroup(tree, targets)), key=_order):
        _carry_out(target)


def _regroup(tree: ast.Module, targets: Sequence[Target]) -> list[Target]:
    """Wrap and move statements where that is wanted; the other targets, with the parents that they have then."""
    parents: dict[int, ast.stmt] = {}
    for target in targets:
        siblings = getattr(target.parent, target.field)
        if isinstance(target.edit, WrapStatements):
            run = slice(_index(siblings, target.node), _index(siblings, target.more[-1]) + 1)
            wrapper = parse_header(target.edit.header, target.group)
            wrapper.body[:] = siblings[run]
            parents.update((id(statement), wrapper) for statement in wrapper.body)
            siblings[run] = [wrapper]
        elif isinstance(target.edit, MoveStatements):
            method = _move(tree, target, target.edit)
            parents.update((id(statement), method) for statement in (target.node, *target.more))
    return [
        replace(target, parent=parents[id(target.node)], field="body") if id(target.node) in parents else target
        for target in targets
        if not isinstance(target.edit, (WrapStatements, MoveStatements))
    ]


def _move(tree: ast.Module, target: Target, edit: MoveStatements) -> ast.FunctionDef:
    cls = class_of(tree, target.parent)
    assert cls is not None
    assert isinstance(target.parent, (ast.FunctionDef, ast.AsyncFunctionDef))
    method = parse_method(edit.header, target.group)
    moved = [target.node, *target.more]
    docstring = parse_statements(edit.docstring, target.group) if edit.docstring else []
    method.body[:] = [*docstring, *(statement for statement in moved if isinstance(statement, ast.stmt))]
    body = target.parent.body
    index = _index(body, moved[-1])
    body[index : index + 1] = parse_statements(edit.call, target.group)
    body[:] = [statement for statement in body if all(statement is not other for other in moved)]
    cls.body.insert(_index(cls.body, target.parent) + 1, method)
    return method


def _order(item: tuple[int, Target]) -> tuple[int, bool, int]:
    """Inner edits first, for an outer one may move the statements they point at.

    Of edits at one statement those that only add come first, because they find their place by the statement that
    another one may replace; what goes directly behind a statement goes in backwards.
    """
    index, target = item
    edit = target.edit
    only_adds = isinstance(edit, (InsertBefore, InsertAfter, AddElse, AddMethod))
    backwards = isinstance(edit, InsertAfter) or (isinstance(edit, AddMethod) and edit.after is not None)
    return edit.span.end - edit.span.start, not only_adds, -index if backwards else index


def _carry_out(target: Target) -> None:
    edit, node = target.edit, target.node
    if isinstance(edit, ReplaceExpression):
        _replace(target.parent, target.field, node, [parse_expression(edit.source, target.group)])
    elif isinstance(edit, ReplaceCall):
        assert isinstance(node, ast.Call)
        _replace_call(node, edit, target.group)
    elif isinstance(edit, WrapExpression):
        assert isinstance(node, ast.expr)
        argument = ast.List(node.elts, ast.Load()) if isinstance(node, ast.Tuple) else node
        call = ast.Call(parse_expression(edit.function, target.group), [argument], [])
        _replace(target.parent, target.field, node, [call])
    elif isinstance(edit, PassAssigned):
        assert isinstance(node, ast.Assign)
        call = _call_around(edit, target.group)
        call.args.insert(len(edit.before), node.value)
        _replace(target.parent, target.field, node, [ast.Expr(call)])
    elif isinstance(edit, RemoveStatement):
        _replace(target.parent, target.field, node, [])
    elif isinstance(edit, CollapseBranch):
        assert isinstance(node, ast.If)
        kept = node.body if edit.keep == "body" else node.orelse
        _replace(target.parent, target.field, node, [child for child in kept if not isinstance(child, ast.Pass)])
    elif isinstance(edit, AddElse):
        assert isinstance(node, ast.If)
        node.orelse.extend(parse_statements(edit.source, target.group))
    elif isinstance(edit, AddMethod):
        assert isinstance(node, ast.ClassDef)
        _add_method(node, edit, target.group)
    elif not isinstance(edit, (WrapStatements, MoveStatements)):  # that has been done
        new: list[ast.stmt] = parse_statements(edit.source, target.group)
        siblings = getattr(target.parent, target.field)
        index = _index(siblings, node)
        if isinstance(edit, InsertBefore):
            siblings[index:index] = new
        elif isinstance(edit, InsertAfter):
            siblings[index + 1 : index + 1] = new
        else:
            siblings[index : index + 1] = new


def _replace(parent: ast.AST, field: str, node: ast.AST, new: Sequence[ast.AST]) -> None:
    value = getattr(parent, field)
    if not isinstance(value, list):
        setattr(parent, field, new[0])
        return
    index = _index(value, node)
    value[index : index + 1] = new
    if not value and field != "orelse" and isinstance(node, ast.stmt) and not isinstance(parent, ast.Module):
        value.append(ast.Pass())


def _call_around(edit: PassAssigned, group: int) -> ast.Call:
    """The call that an assigned value goes into, still without it."""
    call = parse_expression(f"{edit.function}({', '.join((*edit.before, *edit.after))})", group)
    if not isinstance(call, ast.Call):
        raise RewriteError(f"`{edit.function}` is nothing to call", group)
    return call


def _replace_call(call: ast.Call, edit: ReplaceCall, group: int) -> None:
    call.func = parse_expression(edit.function, group)
    arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    arguments.sort(key=lambda argument: (argument.lineno, argument.col_offset))
    if any(index >= len(arguments) for index in edit.keep):
        raise RewriteError(f"the call has {len(arguments)} arguments", group)
    kept = [arguments[index] for index in edit.keep]
    call.args = [argument for argument in kept if isinstance(argument, ast.expr)]
    call.keywords = [argument for argument in kept if isinstance(argument, ast.keyword)]


def _add_method(cls: ast.ClassDef, edit: AddMethod, group: int) -> None:
    cls.body[:] = [child for child in cls.body if not isinstance(child, ast.Pass)]
    index = len(cls.body)
    if edit.after is not None:
        is_method = [isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) for child in cls.body]
        named = [i for i, child in enumerate(cls.body) if is_method[i] and getattr(child, "name", None) == edit.after]
        if not named:
            raise RewriteError(f"class `{cls.name}` has no method `{edit.after}`", group)
        index = named[-1] + 1
    cls.body[index:index] = parse_statements(edit.source, group)


def _index(siblings: Sequence[ast.AST], node: ast.AST) -> int:
    return next(index for index, sibling in enumerate(siblings) if sibling is node)


def parse_statements(source: str, group: int) -> list[ast.stmt]:
    """The statements of an edit's source; `RewriteError` if there are none or it is no Python."""
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise RewriteError(f"the new source is no Python: {error.msg} (`{source.strip()[:60]}`)", group) from error
    if not body:
        raise RewriteError("the new source holds no statement", group)
    return body


def parse_header(header: str, group: int) -> ast.If | ast.With | ast.For | ast.While:
    """The compound statement that starts with the line ``header``; its body is a `pass`.

    Raises:
        RewriteError: the header starts no such statement.
    """
    statements = parse_statements(f"{header}\n    pass\n", group)
    if len(statements) != 1 or not isinstance(statements[0], (ast.If, ast.With, ast.For, ast.While)):
        raise RewriteError(f"`{header}` starts no block", group)
    return statements[0]


def parse_method(header: str, group: int) -> ast.FunctionDef:
    """The method that starts with the line ``header``; its body is a `pass`.

    Raises:
        RewriteError: the header starts no method.
    """
    statements = parse_statements(f"{header}\n    pass\n", group)
    if len(statements) != 1 or not isinstance(statements[0], ast.FunctionDef):
        raise RewriteError(f"`{header}` starts no method", group)
    return statements[0]


def parse_expression(source: str, group: int) -> ast.expr:
    """The expression of an edit's source; `RewriteError` if it is none."""
    try:
        return ast.parse(source.strip(), mode="eval").body
    except SyntaxError as error:
        raise RewriteError(f"the new source is no expression: {error.msg} (`{source.strip()[:60]}`)", group) from error


def difference(intended: ast.AST, actual: ast.AST) -> str | None:
    """Where two trees differ, in words, or None. What `ast.dump` compares, at a fraction of its cost."""
    place = f"line {getattr(actual, 'lineno', '?')}, {type(actual).__name__}"
    if type(intended) is not type(actual):
        return f"{place}: should be {type(intended).__name__}"
    for field in intended._fields:
        if field == "ctx":  # follows from the place; source that is parsed on its own always says Load
            continue
        old, new = getattr(intended, field, None), getattr(actual, field, None)
        if isinstance(old, list) and isinstance(new, list):
            if len(old) != len(new):
                return f"{place}: {len(new)} items in `{field}`, should be {len(old)}"
            pairs = zip(old, new, strict=True)
        else:
            pairs = zip((old,), (new,), strict=True)
        for a, b in pairs:
            if isinstance(a, ast.AST) and isinstance(b, ast.AST):
                found = difference(a, b)
                if found:
                    return found
            elif type(a) is not type(b) or a != b:
                return f"{place}: `{field}` is {b!r}, should be {a!r}"
    return None
