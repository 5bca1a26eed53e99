"""How code reads what a hook has stored: whether a gradient could still flow from there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from modfix.semantics.hook_sites import HookSites
from modfix.semantics.syntax import dotted, is_name, is_none, walk

# Members of a tensor that lead to no gradient; those of `VALUES` show that it is a tensor. `.numpy()` raises where
# there is a gradient.
VALUES = frozenset({"data", "detach", "item", "numpy", "tolist"})
_ENDS = VALUES | {"device", "dim", "dtype", "ndim", "numel", "shape", "size"}
_GO_ON = frozenset(
    {"abs", "clone", "cpu", "double", "exp", "flatten", "float", "max", "mean", "min", "permute", "relu", "reshape"}
    | {"sigmoid", "softmax", "squeeze", "std", "sum", "to", "transpose", "unsqueeze", "var", "view"}
)
# Operations whose result shares no memory with what they get, as functions and as methods.
FRESH = frozenset(
    {"abs", "add", "bmm", "cat", "ceil", "clamp", "clone", "cos", "div", "einsum", "exp", "floor", "gelu"}
    | {"grid_sample", "interpolate", "leaky_relu", "log", "log_softmax", "matmul", "max", "mean", "min", "mm", "mul"}
    | {"norm", "pow", "relu", "round", "sigmoid", "sin", "softmax", "softplus", "sqrt", "stack", "std", "sub", "sum"}
    | {"tanh", "var"}
)
_OF_STORE = frozenset({"clear", "keys"})
_QUIET = frozenset({"torch.inference_mode", "torch.no_grad"})
_GRADIENTS_AGAIN = frozenset({"enable_grad", "set_grad_enabled"})
SAVED = "torch.save"
LEAKS = frozenset({""})  # a gradient may flow from there


class Readings:
    """Follows the readings of stores in one file."""

    def __init__(self, sites: HookSites) -> None:
        self._sites = sites
        self._parents = sites.parents

    def ends(self, node: ast.expr, *, is_store: bool) -> frozenset[str]:
        """The members at which no gradient can flow any further from ``node``; with an empty one where it may.

        ``is_store`` says that the node is the container of the outputs, and no output.
        """
        step = self._parents.of(node)
        assert step is not None  # a statement is above
        parent, field = step
        if isinstance(parent, ast.Assign) and field == "value":
            return self._of_name(parent, is_store)
        if is_store:
            return self._of_store(node, parent, field)
        if isinstance(parent, ast.Attribute):
            return self._of_member(parent)
        if isinstance(parent, ast.Compare) and all(map(is_none, parent.comparators)):
            return frozenset({"is"})
        if isinstance(parent, ast.Call):
            package, _, name = self._resolve(parent.func).rpartition(".")
            if f"{package}.{name}" == SAVED:
                return frozenset({SAVED})
            is_fresh = package.partition(".")[0] == "torch" and name in FRESH and not parent.keywords
        else:
            is_fresh = isinstance(parent, (ast.BinOp, ast.UnaryOp, ast.Compare))
        return frozenset({"no_grad"}) if is_fresh and self.is_quiet(parent) else LEAKS

    def _resolve(self, function: ast.expr) -> str:
        return self._sites.names.resolve(function, self._parents.functions(function))

    def _of_store(self, node: ast.expr, parent: ast.AST, field: str) -> frozenset[str]:
        if isinstance(parent, ast.Subscript) and field == "value" and isinstance(parent.ctx, ast.Load):
            return self.ends(parent, is_store=False)  # another one behind would say that the output is a tuple, perhaps
        if isinstance(parent, ast.Call):
            name = "len" if is_name(parent.func, "len") else self._resolve(parent.func)
            return frozenset({name}) if name in ("len", SAVED) else LEAKS
        if isinstance(parent, (ast.For, ast.comprehension)) and field == "iter":
            return self._of_elements(parent, parent.target)
        call = self._call_of(parent)
        if call is None:
            return LEAKS
        assert isinstance(parent, ast.Attribute)
        if parent.attr in _OF_STORE:
            return frozenset({parent.attr})
        step = self._parents.of(call)
        loop = step[0] if step is not None and step[1] == "iter" else None
        if not isinstance(loop, (ast.For, ast.comprehension)):
            return LEAKS
        if parent.attr == "values":
            return self._of_elements(loop, loop.target)
        is_pair = parent.attr == "items" and isinstance(loop.target, ast.Tuple) and len(loop.target.elts) == 2
        return self._of_elements(loop, loop.target.elts[1]) if is_pair else LEAKS  # type: ignore[attr-defined]  # `is_pair` narrows

    def _call_of(self, member: ast.AST) -> ast.Call | None:
        """The call of a method ``member``."""
        step = self._parents.of(member) if isinstance(member, ast.Attribute) else None
        return step[0] if step is not None and isinstance(step[0], ast.Call) and step[1] == "func" else None

    def _of_member(self, member: ast.Attribute) -> frozenset[str]:
        if member.attr in _ENDS:
            return frozenset({member.attr})
        call = self._call_of(member)
        if call is None:
            return LEAKS
        if member.attr in FRESH and not call.keywords and self.is_quiet(call):
            return frozenset({"no_grad"})
        return self.ends(call, is_store=False) if member.attr in _GO_ON else LEAKS

    def _of_name(self, statement: ast.Assign, is_store: bool) -> frozenset[str]:
        """The ends of all readings of the name that an assignment stores in."""
        target = statement.targets[0]
        if len(statement.targets) != 1 or not isinstance(target, ast.Name):
            return LEAKS
        return self._of_readings(target.id, self._parents.scope(statement), is_store)

    def _of_elements(self, loop: ast.For | ast.comprehension, target: ast.expr) -> frozenset[str]:
        """The ends of all readings of an element of a store that is walked over."""
        if not isinstance(target, ast.Name):
            return LEAKS
        step = self._parents.of(loop)
        assert step is not None  # a statement or a comprehension is above
        inside = step[0] if isinstance(loop, ast.comprehension) else self._parents.scope(loop)
        return self._of_readings(target.id, inside, is_store=False)

    def _of_readings(self, name: str, inside: ast.AST, is_store: bool) -> frozenset[str]:
        if isinstance(inside, ast.Module):
            return LEAKS  # another file may read it
        uses = [n for n in walk(inside) if is_name(n, name) and isinstance(n, ast.Name)]
        scope = self._parents.scope(uses[0])
        shared = any(name in inner.declared for inner in self._sites.names.scopes[scope].within())
        if shared or sum(not isinstance(n.ctx, ast.Load) for n in uses) != 1:
            return LEAKS
        reads = (n for n in uses if isinstance(n.ctx, ast.Load))
        return frozenset().union(*(self.ends(n, is_store=is_store) for n in reads))

    def is_quiet(self, node: ast.AST) -> bool:
        """Whether code runs under `torch.no_grad()`, by a `with` statement or the decorator of its function."""
        functions, scope = self._parents.functions(node), self._parents.scope(node)
        decorators = functions[-1].decorator_list if functions else []
        around = list(self._around(node))
        if any(isinstance(one, (ast.Lambda, ast.GeneratorExp)) for one, _ in around):
            return False  # runs later, perhaps
        mentioned = (n.attr if isinstance(n, ast.Attribute) else getattr(n, "id", "") for n in walk(scope))
        if not _GRADIENTS_AGAIN.isdisjoint(mentioned):
            return False
        quiets = any(self._quiets(one) for one, field in around if field == "body")
        return quiets or any(self._is_quiet_context(decorator) for decorator in decorators)

    def _around(self, node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
        """What is around ``node`` in its scope, with the field that leads there."""
        scope = self._parents.scope(node)
        step = self._parents.of(node)
        while step is not None and step[0] is not scope:
            yield step
            step = self._parents.of(step[0])

    def _quiets(self, statement: ast.AST) -> bool:
        return isinstance(statement, ast.With) and any(self._is_quiet_context(i.context_expr) for i in statement.items)

    def _is_quiet_context(self, context: ast.expr) -> bool:
        function = context.func if isinstance(context, ast.Call) and not context.args else context
        return dotted(function) is not None and self._resolve(function) in _QUIET
