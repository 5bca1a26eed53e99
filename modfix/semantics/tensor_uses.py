"""What code does with a tensor in an attribute: whether a buffer can take its place."""

from __future__ import annotations

import ast

from modfix.semantics.dataflow import Parents
from modfix.semantics.syntax import dotted, is_false
from modfix.semantics.tensor_functions import CREATORS

_GRADIENT = frozenset({"backward", "grad", "register_hook", "requires_grad", "requires_grad_", "retain_grad"})
_BECOMES_PARAMETER = frozenset({"Parameter", "from_pretrained"})
_STATEMENTS = (ast.For, ast.AsyncFor, ast.withitem, ast.Delete)

Trouble = tuple[str, str, ast.expr]  # kind, reason, place


def trouble_with(node: ast.Attribute, parents: Parents, building: bool) -> Trouble | None:
    """Why the use ``node`` of an attribute speaks against a buffer; None where it does not.

    Args:
        node: the attribute.
        parents: the parents in the method.
        building: the method may run while the object is built.
    """
    step = parents.of(node)
    assert step is not None  # a method is above
    parent, field = step
    if isinstance(node.ctx, ast.Del) or (isinstance(node.ctx, ast.Store) and isinstance(parent, _STATEMENTS)):
        return "set-to-other", "it is deleted, or bound by a loop or `with`", node
    if isinstance(parent, ast.Attribute):
        return _member(node, parent, parents)
    if isinstance(parent, ast.BinOp):
        other = parent.left if parent.right is node else parent.right
        if not building and _is_made_on_cpu(other):
            return "mixed-devices", "it meets a tensor here that stays on the CPU", node
    if isinstance(parent, (ast.Assign, ast.AnnAssign)) and field == "value" and building:
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        if not all(_takes_no_hold(target, node) for target in targets):
            return "shared", "it gets a second place here, which would keep the old tensor", node
    return _passed(node, parent, parents, building)


def _takes_no_hold(target: ast.expr, node: ast.Attribute) -> bool:
    """Whether an assignment of ``node`` keeps it nowhere else: in a local, itself, or copied into another tensor."""
    if isinstance(target, ast.Subscript):
        return isinstance(target.slice, (ast.Slice, ast.Tuple))  # `self.grid[:, 0] = self.x`
    return isinstance(target, ast.Name) or (isinstance(target, ast.Attribute) and target.attr == node.attr)


def _member(node: ast.Attribute, member: ast.Attribute, parents: Parents) -> Trouble | None:
    step = parents.of(member)
    if member.attr in _GRADIENT:
        parent = step[0] if step is not None else None
        if member.attr == "requires_grad" and isinstance(parent, ast.Assign) and is_false(parent.value):
            return None  # `self.x.requires_grad = False`, as is a buffer in any case
        return "has-gradient", "it takes part in training by hand", node
    if member.attr == "numpy":
        return "needs-cpu", "`.numpy()` works on the CPU only, where a buffer need not be", node
    if member.attr == "data" and isinstance(member.ctx, ast.Store):
        return "shared", "its storage is replaced here", node
    if step is not None and isinstance(step[0], (ast.Assign, ast.AugAssign)) and isinstance(member.ctx, ast.Store):
        return "set-to-other", f"`.{member.attr}` of it is set here", node
    return None


def _passed(node: ast.Attribute, parent: ast.AST, parents: Parents, building: bool) -> Trouble | None:
    call = parent
    if isinstance(parent, (ast.keyword, ast.List, ast.Tuple, ast.Starred)):
        step = parents.of(parent)
        call = step[0] if step is not None else parent
        if isinstance(parent, (ast.List, ast.Tuple)) and building and isinstance(call, (ast.Assign, ast.Attribute)):
            return "shared", "it is kept in a list here, too", node
    if not isinstance(call, ast.Call) or call.func is node:
        return None
    name = dotted(call.func) or ""
    last = name.rpartition(".")[2]
    if last == "register_buffer" and isinstance(parent, ast.Call):
        return "shared", "a buffer is the same tensor", node
    if last in _BECOMES_PARAMETER:
        return "becomes-parameter", "it becomes a parameter here", node
    if name.partition(".")[0] in ("np", "numpy"):
        return "needs-cpu", "numpy works on the CPU only, where a buffer need not be", node
    if building and (last[:1].isupper() or last in ("append", "extend", "insert")) and not name.startswith("torch."):
        return "shared", "another object gets the tensor here, and would keep the old one", node
    return None


def _is_made_on_cpu(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    name = dotted(value.func) or ""
    return name.startswith("torch.") and name[6:] in CREATORS and all(k.arg != "device" for k in value.keywords)


def writes_in_place(node: ast.Attribute, parents: Parents) -> bool:
    """Whether a use of an attribute writes into the tensor: `self.x[i] = ...`, `self.x.add_(1)`, `self.x += 1`."""
    step = parents.of(node)
    assert step is not None
    parent, field = step
    if isinstance(parent, ast.Subscript) and field == "value":
        return not isinstance(parent.ctx, ast.Load)
    if isinstance(parent, ast.AugAssign):
        return field == "target"
    if isinstance(parent, ast.Attribute):
        return (parent.attr.endswith("_") and not parent.attr.endswith("__")) or parent.attr == "data"
    if isinstance(parent, ast.keyword):
        return parent.arg == "out"
    return False
