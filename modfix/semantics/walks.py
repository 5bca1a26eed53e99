"""What code does with the children of a module, and whether it would notice an ``nn.Identity`` among them.

A walk (``children()``, ``modules()`` and their named forms) is harmless when nothing depends on how many modules there
are and at which position each stands. A loop is read as it runs for an ``nn.Identity``: `if isinstance(m, nn.Conv2d)`
is false then, `len(list(m.children())) > 0` as well, and what stands under such a test does not count.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from modfix.semantics.dataflow import Parents
from modfix.semantics.identity_tests import Child, IdentityTests, is_zero
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, dotted, evaluated, is_name, walk
from modfix.semantics.torch_names import MODULE_MEMBERS

CHILD_WALKS = frozenset({"children", "named_children"})
MODULE_WALKS = frozenset({"modules", "named_modules"})
DICTIONARY_WALKS = frozenset({"items", "keys", "values"})  # of `m._modules`
EMPTINESS = "emptiness"  # asked only whether there are any
YIELDED = "yielded:"  # a function of that name yields all modules
RECURSION = "yielded"
READ = "read:"  # a member is read of each, e.g. `read:reset_parameters`

_ALIASES = 4  # how many names in a row a list of children is followed through
_COPIES = frozenset({"iter", "list", "reversed", "sorted", "tuple"})
_KEEPS_ITEMS = _COPIES | {"enumerate"}
_BY_NAME = frozenset({"OrderedDict", "dict"})
_AS_SET = frozenset({"frozenset", "set"})
_SET_TESTS = frozenset({"issubset", "isdisjoint"})
_COLLECTS = frozenset({"append", "appendleft", "extend", "insert"})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


class Walks:
    """Answers for the walks of one function, or of the code outside functions; ``parents`` are those of that root."""

    def __init__(self, names: Names, parents: Parents, functions: tuple[FunctionNode, ...]) -> None:
        self._names = names
        self._parents = parents
        self._functions = functions
        self._tests = IdentityTests(names, functions)

    def outcome(self, call: ast.Call) -> str:
        """What becomes of a walk that an ``nn.Identity`` would change: a word for the report, or "" for nothing.

        ``call`` is that of ``children`` or the like. The answers `EMPTINESS` and those that start with `READ` are
        harmless for some classes.
        """
        found = self._becomes(call, call, 0)
        generator = self._functions[-1] if self._functions else None
        if found == RECURSION and generator is not None:
            return YIELDED + generator.name
        return "collected" if found == RECURSION else found

    def expected(self, call: ast.Call) -> frozenset[str]:
        """The members that a loop directly over the walk reads from every child, so that each must have them."""
        node: ast.expr = call
        step = self._parents.of(node)
        while step is not None and isinstance(step[0], ast.Call) and dotted(step[0].func) in _KEEPS_ITEMS:
            node = step[0]
            step = self._parents.of(node)
        if step is None or not isinstance(step[0], ast.For) or step[1] != "iter":
            return frozenset()
        target = step[0].target
        numbered = isinstance(node, ast.Call) and is_name(node.func, "enumerate") and isinstance(target, ast.Tuple)
        child = _child(target.elts[1] if numbered and isinstance(target, ast.Tuple) else target, call)
        found = set()
        for statement in step[0].body:
            if any(isinstance(n, (ast.Continue, ast.Break, ast.Return)) for n in walk(statement)):
                break
            for read in evaluated(statement):
                if isinstance(read, ast.Attribute) and is_name(read.value, child.module):
                    found.add(read.attr)
        return frozenset(found - MODULE_MEMBERS)

    def _becomes(self, node: ast.expr, call: ast.Call, aliases: int) -> str:  # one table
        step = self._parents.of(node)
        if step is None:
            return "kept"
        parent, field = step
        if isinstance(parent, ast.Call) and field == "args":
            return self._passed(parent, node, call, aliases)
        if isinstance(parent, ast.Expr):
            return ""
        if isinstance(parent, ast.For) and field == "iter":
            return self._loop(parent, _child(parent.target, call))
        if isinstance(parent, ast.comprehension) and field == "iter":
            return self._comprehension(parent, call, aliases)
        if isinstance(parent, ast.Starred):
            display = self._parents.of(parent)
            if display is not None and isinstance(display[0], (ast.List, ast.Tuple)) and len(display[0].elts) == 1:
                return self._becomes(display[0], call, aliases)
            transposed = display[0] if display is not None and node is call else None
            return self._columns(transposed, call) if isinstance(transposed, ast.Call) else "unpacked"
        if isinstance(parent, (ast.If, ast.IfExp, ast.While, ast.Assert)) and field == "test":
            return EMPTINESS
        if isinstance(parent, ast.IfExp):
            return self._becomes(parent, call, aliases)
        if isinstance(parent, ast.BoolOp) or (isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not)):
            return EMPTINESS
        if (
            isinstance(parent, ast.Compare)
            and field == "comparators"
            and isinstance(parent.ops[0], (ast.In, ast.NotIn))
        ):
            return ""
        if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
            return self._named(parent.targets[0].id, call, aliases + 1)
        return "picked by position" if isinstance(parent, ast.Subscript) else "kept"

    def _passed(self, function: ast.Call, node: ast.expr, call: ast.Call, aliases: int) -> str:
        """What becomes of an argument."""
        step = self._parents.of(function)
        above = step[0] if step is not None else None
        if isinstance(function.func, ast.Attribute):
            return "" if function.func.attr in _SET_TESTS else "kept"
        name = dotted(function.func) or ""
        named = name in _BY_NAME and isinstance(node, ast.Call) and _method(node) in ("named_children", "named_modules")
        if name in _AS_SET or named:
            return ""
        if name in _COPIES:
            return self._becomes(function, call, aliases)
        if name == "len":
            zero = isinstance(above, ast.Compare) and len(above.ops) == 1 and is_zero(above.comparators[0])
            asked = isinstance(above, (ast.If, ast.IfExp, ast.While, ast.BoolOp, ast.UnaryOp))
            return EMPTINESS if zero or asked else "counted"
        if name == "enumerate":
            target = above.target if isinstance(above, ast.For) else None
            if isinstance(above, ast.For) and isinstance(target, ast.Tuple) and len(target.elts) == 2:
                child = _child(target.elts[1], call)
                numbers = {n.id for n in walk(target.elts[0]) if isinstance(n, ast.Name)}
                return self._loop(above, child._replace(names=child.names | numbers), numbers)
            return "numbered"
        return {"zip": "paired", "next": "taken one by one"}.get(name, "kept")

    def _columns(self, function: ast.Call, call: ast.Call) -> str:
        """What becomes of `names, modules = zip(*m.named_children())`, which may only be paired again."""
        if not is_name(function.func, "zip") or len(function.args) != 1 or not self._functions:
            return "unpacked"
        step = self._parents.of(function)
        while step is not None and isinstance(step[0], ast.Call) and dotted(step[0].func) in ("list", "tuple"):
            step = self._parents.of(step[0])
        assign = step[0] if step is not None else None
        target = assign.targets[0] if isinstance(assign, ast.Assign) else None
        names = [dotted(part) for part in target.elts] if isinstance(target, ast.Tuple) else []
        if assign is None or len(names) != 2 or self._is_looped(assign):
            return "unpacked"
        for node in walk(self._functions[0]):
            later = isinstance(node, ast.Name) and node.lineno > function.lineno and isinstance(node.ctx, ast.Load)
            if not later or not isinstance(node, ast.Name) or node.id not in names:
                continue
            step = self._parents.of(node)
            pair = step[0] if step is not None else None
            loop = self._parents.of(pair) if isinstance(pair, ast.Call) and is_name(pair.func, "zip") else None
            if loop is None or not isinstance(loop[0], ast.For) or not isinstance(pair, ast.Call):
                return "unpacked"
            if [dotted(argument) for argument in pair.args] != names:
                return "paired"
            found = self._loop(loop[0], _child(loop[0].target, call))
            if found:
                return found
        return ""

    def _is_looped(self, node: ast.AST) -> bool:
        step = self._parents.of(node)
        while step is not None:
            if isinstance(step[0], (ast.For, ast.While)):
                return True
            step = self._parents.of(step[0])
        return False

    def _named(self, name: str, call: ast.Call, aliases: int) -> str:
        """What becomes of all uses of a local variable."""
        if not self._functions or aliases > _ALIASES:
            return "kept"
        for node in walk(self._functions[0]):
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
                found = self._becomes(node, call, aliases)
                if found:
                    return found
        return ""

    # Loops ------------------------------------------------------------------------------------------------------------

    def _loop(self, loop: ast.For, child: Child, numbers: set[str] | None = None) -> str:
        found, _ = self._block(loop.body, child, numbers or set())
        return found or ("each judged" if loop.orelse else "")

    def _block(self, block: Sequence[ast.stmt], child: Child, numbers: set[str]) -> tuple[str, bool]:
        """What an identity meets in these statements that it would change, and whether they end its turn."""
        for statement in block:
            if isinstance(statement, ast.Continue):
                return "", True
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                continue  # only defined here
            if isinstance(statement, ast.If):
                found, ended = self._choice(statement, child, numbers)
            elif isinstance(statement, ast.For) and self._tests.is_empty(statement.iter, child):
                continue
            elif isinstance(statement, (ast.For, ast.While, ast.With)):
                found, ended = self._block(statement.body, child, numbers)[0], False
            elif isinstance(statement, ast.Try):
                found, ended = self._statement(statement, child, numbers), False
            else:
                found, ended = self._statement(statement, child, numbers), False
            if found or ended:
                return found, ended
        return "", False

    def _choice(self, statement: ast.If, child: Child, numbers: set[str]) -> tuple[str, bool]:
        truth = self._tests.truth(statement.test, child)
        if truth is not None:
            return self._block(statement.body if truth else statement.orelse, child, numbers)
        told_apart = any(isinstance(n, ast.Name) and n.id in child.names for n in walk(statement.test))
        results = [self._block(arm, child, numbers) for arm in (statement.body, statement.orelse)]
        for found, _ in results:
            # A `break` under a test depends on what is counted or collected, and that is another finding.
            if found and found != "taken" and not (told_apart and found.startswith(READ)):
                return found, False
        return "", all(ended for _, ended in results)

    def _statement(self, statement: ast.stmt, child: Child, numbers: set[str]) -> str:
        inside = walk(statement)
        for node in inside:
            if isinstance(node, ast.Name) and node.id in numbers and isinstance(node.ctx, ast.Load):
                return "numbered"
            if isinstance(node, (ast.Raise, ast.Assert)):
                return "each judged"
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                if not self._adds_nothing(node.value, child):
                    return "counted"
            elif isinstance(node, ast.YieldFrom) and self._recurses(node.value, child):
                return RECURSION
            elif isinstance(node, (ast.Yield, ast.YieldFrom)):
                return "collected"
            elif isinstance(node, ast.Call) and (found := self._called(statement, node, child)):
                return found
        if isinstance(statement, (ast.Break, ast.Return)):
            return "taken"
        if not isinstance(statement, ast.Try):
            for node in inside:
                read = isinstance(node, ast.Attribute) and is_name(node.value, child.module)
                if read and isinstance(node, ast.Attribute) and node.attr not in MODULE_MEMBERS:
                    return READ + node.attr
        return ""

    def _recurses(self, value: ast.expr, child: Child) -> bool:
        """`yield from f(child)` in the function ``f`` itself, which so does what `named_modules` does."""
        if not self._functions or child.module is None or not isinstance(value, ast.Call):
            return False
        passed = [*value.args, *(keyword.value for keyword in value.keywords)]
        return is_name(value.func, self._functions[-1].name) and any(is_name(arg, child.module) for arg in passed)

    def _called(self, statement: ast.stmt, call: ast.Call, child: Child) -> str:
        if child.module is not None and is_name(call.func, child.module) and not _passes_through(statement, call):
            return "each called"
        if not isinstance(call.func, ast.Attribute):
            return ""
        rebuilt = call.func.attr == "add_module" and not self._stays_in_place(call, child)
        return "collected" if rebuilt or call.func.attr in _COLLECTS else ""

    def _adds_nothing(self, value: ast.expr, child: Child) -> bool:
        """`sum(p.numel() for p in m.parameters())`."""
        return (
            isinstance(value, ast.Call)
            and is_name(value.func, "sum")
            and len(value.args) == 1
            and self._tests.is_empty(value.args[0], child)
        )

    def _stays_in_place(self, call: ast.Call, child: Child) -> bool:
        """`parent.add_module(name, ...)` where the module of that name is a child of ``parent`` already."""
        assert isinstance(call.func, ast.Attribute)
        owner = dotted(call.func.value)
        if child.key is None or not call.args or not is_name(call.args[0], child.key) or owner is None:
            return False
        if owner == child.walked:
            return True
        if not self._functions or not isinstance(call.func.value, ast.Name) or child.walked is None:
            return False
        values = self._names.scopes[self._functions[0]].values_of(owner)
        times = self._names.scopes[self._functions[0]].times_stored(owner)
        # `res = module`, and perhaps a layer of another kind in its place, as torch converts batch normalisation.
        made = [v for v in values if isinstance(v, ast.Call)]
        return len(values) == times and len(made) + 1 == times and any(dotted(v) == child.walked for v in values)

    # Comprehensions ---------------------------------------------------------------------------------------------------

    def _comprehension(self, clause: ast.comprehension, call: ast.Call, aliases: int) -> str:
        step = self._parents.of(clause)
        assert step is not None  # a comprehension is around
        made = step[0]
        assert isinstance(made, _COMPREHENSIONS)
        child = _child(clause.target, call)
        if any(self._tests.truth(test, child) is False for test in clause.ifs):
            return ""
        if isinstance(made, ast.DictComp):
            value = self._statement(ast.Expr(made.value), child, set())
            return value if child.key is not None and is_name(made.key, child.key) else "collected"
        above = self._parents.of(made)
        user = above[0] if above is not None else None
        if isinstance(user, ast.Call) and is_name(user.func, "any") and self._tests.truth(made.elt, child) is False:
            return ""
        if isinstance(user, ast.Call) and is_name(user.func, "all") and self._tests.truth(made.elt, child) is True:
            return ""
        if isinstance(user, ast.Call) and is_name(user.func, "sum") and self._adds_nothing(made.elt, child):
            return ""
        if isinstance(made, ast.SetComp):
            return ""
        found = self._becomes(made, call, aliases)
        return "collected" if found in ("kept", "unpacked") else found


def reads_of_each(function: ast.FunctionDef | ast.AsyncFunctionDef, names: Names) -> str:
    """What a function that is applied to every module does with one that an identity would not put up with.

    As `Walks.outcome`, for `model.apply(function)`.
    """
    found = done_to(function, -1, names)
    return found if found.startswith(READ) else ""


def done_to(function: ast.FunctionDef | ast.AsyncFunctionDef, index: int, names: Names) -> str:
    """What a function does with the module that it gets as an argument, as `Walks.outcome` has it."""
    if index >= len(function.args.args) or not function.args.args:
        return "" if index < 0 else "kept"
    parameter = function.args.args[index].arg
    child = Child(frozenset({parameter}), parameter, None, None)
    return Walks(names, Parents(function), (function,))._block(function.body, child, set())[0]


def _child(target: ast.expr, call: ast.Call) -> Child:
    """The loop variables of ``target`` when ``call`` is iterated over."""
    names = frozenset(node.id for node in walk(target) if isinstance(node, ast.Name))
    walked_expr = walked_object(call)
    walked = dotted(walked_expr) if walked_expr is not None else None
    if walked in names:  # `for name, module in module.named_children()`
        walked = None
    if _method(call) == "keys":
        return Child(names, None, target.id if isinstance(target, ast.Name) else None, walked)
    if not (_method(call) or "").startswith(("named_", "items")):
        return Child(names, target.id if isinstance(target, ast.Name) else None, None, walked)
    parts = target.elts if isinstance(target, ast.Tuple) and len(target.elts) == 2 else [None, None]
    key, module = (part.id if isinstance(part, ast.Name) else None for part in parts)
    return Child(names, module, key, walked)


def walked_object(call: ast.Call) -> ast.expr | None:
    """``m`` for `m.children()` and `m._modules.items()`."""
    if not isinstance(call.func, ast.Attribute):
        return None
    owner = call.func.value
    dictionary = call.func.attr in DICTIONARY_WALKS and isinstance(owner, ast.Attribute)
    return owner.value if dictionary and isinstance(owner, ast.Attribute) else owner


def _method(call: ast.Call) -> str | None:
    return call.func.attr if isinstance(call.func, ast.Attribute) else None


def _passes_through(statement: ast.AST, call: ast.Call) -> bool:
    """Whether ``statement`` is ``x = call`` with ``call`` of ``x`` alone, which an identity leaves as it was."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or len(call.args) != 1 or call.keywords:
        return False
    return statement.value is call and is_name(statement.targets[0], dotted(call.args[0]))
