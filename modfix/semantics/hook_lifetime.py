"""Where a model is run and handed on inside one function or script, and so how long its hooks must live there.

The *model* here is all that a hooked module may be reached by: the names in the receiver of a registration, what these
were taken from, and what was taken from them. A statement *runs* the model if it reads one of these names, or calls a
function that does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from modfix.semantics.dataflow import Parents
from modfix.semantics.hook_facts import REGISTRATIONS
from modfix.semantics.hook_stores import only_called, reads_any
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, children, is_name, walk
from modfix.semantics.torch_names import MODULE_MEMBERS

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_NOT_RUNNING = MODULE_MEMBERS - {"forward", "__call__"}
# What gives back the module, or modules in it.
_GIVING = frozenset(
    {"apply", "bfloat16", "children", "cpu", "cuda", "double", "eval", "float", "get", "get_submodule", "half", "items"}
    | {"keys", "modules", "named_children", "named_modules", "requires_grad_", "share_memory", "to", "train", "type"}
    | {"values"}
)
_CONVERTING = frozenset({"cpu", "cuda", "double", "eval", "float", "half", "requires_grad_", "to", "train"})
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


class Model:
    """What leads to the hooked modules of one scope. ``scope`` is a function or the module."""

    def __init__(
        self,
        names: Names,
        parents: Parents,
        scope: ast.Module | FunctionNode,
        receivers: Iterable[ast.expr],
        self_name: str,
    ) -> None:
        self._names = names
        self._parents = parents
        self._scope = scope
        self._self = self_name
        self._inside = self._statements()
        self.names: set[str] = set()  # `model`, `self.model`
        self.roots: set[str] = set()  # those that were not taken from others here
        self._follow_back(receivers)
        self.is_self = self_name in self.names  # the object itself is hooked
        self._follow_on()
        self._runners = self._functions_that_run()

    def _statements(self) -> list[ast.AST]:
        """The nodes of the scope, without those of functions and classes in it."""
        found: list[ast.AST] = []
        stack: list[ast.AST] = list(self._scope.body)
        while stack:
            node = stack.pop()
            found.append(node)
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
                continue
            stack.extend(children(node))
        return found

    def _key(self, node: ast.AST) -> str:
        """``model`` for a variable, ``self.model`` for an attribute of the object; empty for anything else."""
        if isinstance(node, ast.Attribute) and is_name(node.value, self._self):
            return f"{self._self}.{node.attr}"
        if isinstance(node, ast.Name) and (node.id == self._self or self._is_variable(node.id)):
            return node.id
        return ""

    def _is_variable(self, name: str) -> bool:
        functions = self._functions
        for function in functions:
            if name in self._names.locals_of(function):
                ref = self._names.locals_of(function)[name]
                inner = any(
                    isinstance(s.node, (*_FUNCTIONS, ast.ClassDef)) and s.node.name == name
                    for s in self._names.scopes[function].inner
                )
                return ref[0] in "?$" and not inner
        return self._names.bindings.get(name, "") == "?"

    @property
    def _functions(self) -> tuple[FunctionNode, ...]:
        if isinstance(self._scope, ast.Module):
            return ()
        return (self._scope, *reversed(self._parents.functions(self._scope)))

    def _mentioned(self, node: ast.AST) -> set[str]:
        """The variables in an expression; ``self`` counts as such only where it stands alone."""
        found = set()
        stack = [node]
        while stack:
            current = stack.pop()
            key = self._key(current)
            if key:
                found.add(key)
                continue
            stack.extend(children(current))
        return found

    def _follow_back(self, receivers: Iterable[ast.expr]) -> None:
        waiting = {name for receiver in receivers for name in self._mentioned(receiver)}
        while waiting:
            name = waiting.pop()
            self.names.add(name)
            sources: set[str] = set()
            for target, value in self._bindings():
                if name in self._targets(target):
                    sources |= self._mentioned(_converted(value))
            if not sources:
                self.roots.add(name)
            waiting |= sources - self.names

    def _bindings(self) -> Iterator[tuple[ast.expr, ast.expr]]:
        for node in self._inside:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    yield target, node.value
            elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
                yield node.target, node.iter
            elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
                yield node.target, node.value
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                yield node.optional_vars, node.context_expr

    def _follow_on(self) -> None:
        bindings = list(self._bindings())
        while True:
            found = {name for target, value in bindings if self.gives_module(value) for name in self._targets(target)}
            if found <= self.names:
                return
            self.names |= found

    def _targets(self, target: ast.expr) -> set[str]:
        """The names that an assignment to ``target`` binds."""
        if isinstance(target, (ast.Tuple, ast.List)):
            return {name for element in target.elts for name in self._targets(element)}
        if isinstance(target, ast.Starred):
            return self._targets(target.value)
        key = self._key(target)
        return {key} if key else set()

    def gives_module(self, node: ast.AST) -> bool:
        """Whether the value of an expression may lead to the model."""
        key = self._key(node)
        if key:
            return key in self.names or (key == self._self and bool(self.names))
        if isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
            return self.gives_module(node.value)
        if isinstance(node, ast.Call):
            function = node.func
            if self._key(function) in self.names:
                return False  # what the model computes
            if isinstance(function, ast.Attribute) and self.gives_module(function.value):
                return function.attr in _GIVING or is_name(function.value, self._self)
            return any(self.gives_module(a) for a in (*node.args, *(k.value for k in node.keywords)))
        if isinstance(node, (ast.Lambda, ast.GeneratorExp)):
            return bool(self._mentioned(node) & (self.names | {self._self} - {""}))  # it runs later
        if isinstance(node, (ast.Constant, ast.Compare, ast.JoinedStr, ast.Name)):
            return False
        return any(map(self.gives_module, children(node)))

    # Running

    def _functions_that_run(self) -> set[str]:
        """Names of functions, in the scope or of the module, that read the model from around them."""
        candidates = {
            scope.node.name: scope.node
            for scope in (*self._names.scopes[self._parents.root].inner, *self._names.scopes[self._scope].inner)
            if isinstance(scope.node, _FUNCTIONS)
        }
        found: set[str] = set()
        while True:
            more = {
                name
                for name, function in candidates.items()
                if name not in found and function is not self._scope and self._reads(function, found)
            }
            if not more:
                return found
            found |= more

    def _reads(self, function: FunctionNode, runners: set[str]) -> bool:
        own = {arg.arg for arg in arguments(function)} | set(self._names.scopes[function].stored)
        for node in walk(*function.body):
            known = isinstance(node, ast.Name) and node.id not in own
            if known and (node.id in runners or node.id in self.names or (node.id == self._self and self.names)):  # type: ignore[attr-defined]  # `known` narrows
                return True
        return False

    def runs(self, statement: ast.AST) -> bool:
        """Whether a statement may run the model; defining a function does not."""
        stack = [statement]
        while stack:
            node = stack.pop()
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                continue
            if isinstance(node, ast.Name) and node.id in self._runners:
                return True
            key = self._key(node)
            if key and key in self.names:
                return True
            is_method = isinstance(node, ast.Call) and self._key(node.func).startswith(f"{self._self}.")
            if (is_method or is_name(node, self._self)) and self._self and self._object_has_it:
                return True  # a method of the object, or it is handed on
            if key:
                continue
            stack.extend(children(node))
        return False

    @cached_property
    def _object_has_it(self) -> bool:
        """Whether the object of the method may lead to the model."""
        kept = any(name == self._self or name.startswith(f"{self._self}.") for name in self.names)
        return kept or any(map(self._gives_away, self._inside))

    def certainly_runs(self, statement: ast.AST) -> bool:
        """Whether a statement calls the model, or a function of its own that is given it or reads it."""
        stack = [statement]
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in REGISTRATIONS:
                continue
            stack.extend(children(node))
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            if isinstance(function, ast.Name):
                if function.id in self._runners or self._key(function) in self.names:
                    return True
                ref = self._names.resolve(function, self._functions[::-1])
                given = any(self.gives_module(a) for a in (*node.args, *(k.value for k in node.keywords)))
                own = ref.startswith(("@", ".")) or (ref[0] not in "?$" and not ref.startswith(("builtins.", "torch")))
                if given and own and not ref.rpartition(".")[2].lstrip("@")[:1].isupper():
                    return True
            elif self._key(function) in self.names:
                return True
            elif isinstance(function, ast.Attribute) and self.gives_module(function.value):
                if function.attr not in _NOT_RUNNING and function.attr not in _GIVING:
                    return True
            elif isinstance(function, ast.Subscript) and self.gives_module(function):
                return True  # `model[0](x)`
        return False

    # Who else gets it

    def handed_out(self) -> bool:
        """Whether the scope gives the model away to whoever called it, or keeps it somewhere."""
        for node in self._inside:
            if isinstance(node, (ast.Return, ast.Yield)) and node.value is not None and self.gives_module(node.value):
                return True
            if isinstance(node, ast.AugAssign) and self.gives_module(node.value):
                return True
            if isinstance(node, ast.Assign) and self.gives_module(node.value):
                for target in node.targets:
                    key = self._key(target)
                    if not key and isinstance(target, (ast.Attribute, ast.Subscript)):
                        return True
                    if "." in key and key not in self.roots:
                        return True
        return not isinstance(self._scope, ast.Module) and self._outlives()

    def _outlives(self) -> bool:
        """Whether a function or class in the scope reads the model and may be used later than the scope."""
        inner = self._names.scopes[self._scope].inner
        return any(
            isinstance(scope.node, ast.ClassDef) and reads_any(scope.node, self.names | self._runners)
            for scope in inner
        ) or any(
            isinstance(scope.node, _FUNCTIONS)
            and scope.node.name in self._runners
            and not only_called(self._parents, self._scope, scope.node.name)
            for scope in inner
        )

    def is_own(self) -> bool:
        """Whether the scope itself has made the model, and no other code can get hold of it."""
        if isinstance(self._scope, ast.Module):
            shared: set[str] = set()
            if self._is_used_by_definitions():
                return False
        else:
            scope = self._names.scopes[self._scope]
            shared = {name for inner in scope.within() for name in inner.declared}
            local = {*scope.stored} - {arg.arg for arg in arguments(self._scope)}
            if any(root not in local for root in self.roots):
                return False
        made = {
            name: value for target, value in self._bindings() for name in self._targets(target) if name in self.roots
        }
        if shared & self.names or any(not isinstance(made.get(root), ast.Call) for root in self.roots):
            return False
        return not self.handed_out() and not any(map(self._gives_away, self._inside))

    def _is_used_by_definitions(self) -> bool:
        """Whether a class of the script, or a function that the script itself does not call, reads the model."""
        called = {n.func.id for n in self._inside if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        used = self.names | self._runners
        return bool(self._runners - called) or any(
            isinstance(scope.node, ast.ClassDef) and reads_any(scope.node, used)
            for scope in self._names.scopes[self._scope].inner
        )

    def _gives_away(self, node: ast.AST) -> bool:
        """Whether a call passes the model to code that may keep it."""
        if not isinstance(node, ast.Call):
            return False
        if not any(self.gives_module(a) for a in (*node.args, *(k.value for k in node.keywords))):
            return False
        ref = self._names.resolve(node.func, self._functions[::-1])
        return not ref.startswith(("builtins.", "torch."))


def _converted(value: ast.expr) -> ast.expr:
    """The module in `module.to(device)` and the like, which give back the module itself."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in _CONVERTING:
        value = value.func.value
    return value


def common_block(
    parents: Parents, scope: ast.AST, anchors: list[ast.stmt], model: Model
) -> tuple[list[ast.stmt], int, int] | None:
    """The block, and the first and last of its statements, that the hooks registered by ``anchors`` must see.

    That is from the first of them, or the loop around it, to the last statement that may run the model; None where
    this is no run of statements of one block.
    """
    chains = [_chain(parents, scope, anchor) for anchor in anchors]
    level = min(map(len, chains)) - 1
    while level > 0:
        tops = {id(parents.suite(chain[level])[0]) for chain in chains}
        loops = any(isinstance(outer, _LOOPS) for chain in chains for outer in chain[:level])
        if len(tops) == 1 and not loops and not any(_goes_on(parents, chain, level, model) for chain in chains):
            break
        level -= 1
    suite = parents.suite(chains[0][level])[0]
    indices = [parents.suite(chain[level])[1] for chain in chains]
    first, last = min(indices), max(indices)
    for index in range(last, len(suite)):
        if model.runs(suite[index]):
            last = index
    return suite, first, last


def _chain(parents: Parents, scope: ast.AST, statement: ast.stmt) -> list[ast.stmt]:
    """A statement and those around it, up to the scope, outermost first."""
    chain = [statement]
    around = parents.enclosing(statement)
    while around is not None and around is not scope:
        chain.append(around)
        around = parents.enclosing(around)
    return chain[::-1]


def _goes_on(parents: Parents, chain: list[ast.stmt], level: int, model: Model) -> bool:
    """Whether the model may run behind the block in which ``chain[level]`` stands."""
    for outer in range(level):
        suite, index = parents.suite(chain[outer])
        if any(map(model.runs, suite[index + 1 :])):
            return True
        statement = chain[outer]
        if isinstance(statement, ast.Try):
            suites = (statement.body, statement.orelse, statement.finalbody, *(h.body for h in statement.handlers))
            own = parents.suite(chain[outer + 1])[0]
            if any(model.runs(inner) for other in suites if other is not own for inner in other):
                return True
    return False
