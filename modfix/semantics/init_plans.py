"""What of an `__init__` could move to `reset_parameters`, and what forbids it.

The order of random draws is part of what a class does. Statements that move together keep their order; where others
stand between them, the ones that move jump over these, and that must change nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from modfix.semantics.free_names import deleted, reads, stored
from modfix.semantics.init_facts import InitPlan, Obstacle
from modfix.semantics.init_forms import (
    calls_of,
    initialises_somewhere,
    is_helper,
    is_initialisation,
    may_draw,
    mentioned_attributes,
)
from modfix.semantics.places import FileTree
from modfix.semantics.syntax import arguments, dotted, is_name, walk
from modfix.semantics.torch_names import RESETTING_MODULES

# What a file, or an `__init__`, holds that initialises something.
_TELLING = re.compile(r"[a-z]_\(|(?<!__)init(?!__)|Init\(|\.data\b|\.apply\(")
_NORMALISED = frozenset({"spectral_norm", "weight_norm"})
_SEES_LOCALS = frozenset({"eval", "exec", "locals", "vars"})
_HARMLESS_METHODS = frozenset({"add_module", "register_buffer", "register_module", "register_parameter"})


def init_plans(file: FileTree) -> tuple[InitPlan, ...]:
    """The plans for all classes of a file whose `__init__` initialises something, in source order."""
    if "__init__" not in file.text or not _TELLING.search(file.text):
        return ()
    classes = (scope.node for scope in file.names.scopes.values() if isinstance(scope.node, ast.ClassDef))
    methods = ((cls, method) for cls in classes for method in _constructors(cls))
    plans = (_Planner(cls, method, file).plan() for cls, method in methods if _TELLING.search(file.source(method)))
    return tuple(sorted((plan for plan in plans if plan is not None), key=lambda plan: plan.cls))


def _constructors(cls: ast.ClassDef) -> list[ast.FunctionDef]:
    found = [node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    return [node for node in found if len(found) == 1 and (node.args.posonlyargs or node.args.args)]


class _Planner:
    def __init__(self, cls: ast.ClassDef, method: ast.FunctionDef, file: FileTree) -> None:
        self._cls = cls
        self._method = method
        self._file = file
        self._self = [*method.args.posonlyargs, *method.args.args][0].arg
        self._body = method.body

    def plan(self) -> InitPlan | None:
        """The plan; None where nothing is initialised."""
        direct = [s for s in self._body if is_initialisation(s, self._file, self._self)]
        mixed = [
            s
            for s in self._body
            if s not in direct and not is_helper(s, self._file) and initialises_somewhere(s, self._file, self._self)
        ]
        if not direct and not mixed:
            return None
        first = min([*direct, *mixed], key=lambda statement: statement.lineno)
        moved = self._with_helpers(direct) if direct else []
        saved, unsaved, stuck = self._arguments(moved)
        obstacles = [*self._obstacles(mixed), *stuck]
        reorders = None
        if not obstacles:
            obstacles += self._jumps(moved, saved)
            reorders = self._reordered(moved)
        before = self._body[: self._body.index(moved[0])] if moved else []
        return InitPlan(
            self._file.span(self._cls),
            () if obstacles else tuple(map(self._file.span, moved)),
            first.lineno,
            self._file.positions.column(first),
            self._self,
            self._method.returns is not None,
            self._documented(),
            tuple((self._file.span(node), node.id, attr) for node, attr in saved),
            tuple((self._file.span(node), node.id) for node in unsaved),
            frozenset(self._plain_arguments()),
            self._file.span(before[-1]) if before else None,
            tuple(obstacles),
            reorders,
        )

    def _obstacle(self, kind: str, why: str, node: ast.AST) -> Obstacle:
        assert isinstance(node, (ast.stmt, ast.expr))
        return Obstacle(kind, why, node.lineno, self._file.positions.column(node))

    def _documented(self) -> bool:
        methods = [node for node in self._cls.body if isinstance(node, ast.FunctionDef)]
        documented = [node for node in methods if ast.get_docstring(node, clean=False) is not None]
        return 2 * len(documented) > len(methods)

    def _with_helpers(self, direct: list[ast.stmt]) -> list[ast.stmt]:
        """The initialisation with the statements that prepare values or functions for it alone."""
        moved = list(direct)
        while True:
            needed = {node.id for statement in moved for node in reads(statement)}
            more = [
                statement
                for statement in self._body
                if statement not in moved and is_helper(statement, self._file)
                if needed & stored([statement]) and self._serves_only(statement, moved)
            ]
            if not more:
                return sorted(moved, key=self._body.index)
            moved += more

    def _serves_only(self, helper: ast.stmt, moved: Sequence[ast.stmt]) -> bool:
        names = stored([helper])
        for statement in self._body:
            if statement is helper or statement in moved:
                continue
            if names & ({node.id for node in reads(statement)} | stored([statement])):
                return False
        return names.isdisjoint(arg.arg for arg in arguments(self._method))

    # What forbids it --------------------------------------------------------------------------------------------------

    def _obstacles(self, mixed: Sequence[ast.stmt]) -> Iterator[Obstacle]:
        method = self._method
        if method.decorator_list:
            yield self._obstacle("decorated", "`__init__` is decorated", method.decorator_list[0])
        for node in walk(*self._body):
            if isinstance(node, ast.Return) and self._file.links.functions(node)[-1] is method:
                yield self._obstacle("early-return", "`__init__` may return before", node)
            if isinstance(node, (ast.Global, ast.Nonlocal)):
                yield self._obstacle("dynamic", "`__init__` sets variables outside of it", node)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SEES_LOCALS:
                yield self._obstacle("dynamic", f"`{node.func.id}()` sees the variables of `__init__`", node)
        for call in calls_of(self._cls):
            name = (dotted(call.func) or "").rpartition(".")[2]
            if name in _NORMALISED:
                why = f"`{name}` wraps a layer: its weight is computed from other parameters"
                yield self._obstacle("normalised", why, call)
        for statement in mixed:
            why = "a statement builds and initialises at the same time"
            yield self._obstacle("mixed", why, statement)

    # Names ------------------------------------------------------------------------------------------------------------

    def _arguments(
        self, moved: Sequence[ast.stmt]
    ) -> tuple[list[tuple[ast.Name, str]], list[ast.Name], list[Obstacle]]:
        """Reads of variables of `__init__`: those that an attribute keeps, those that none does, and other trouble."""
        own = stored(moved)
        parameters = {arg.arg for arg in arguments(self._method)}
        local = stored(self._body) | parameters
        others = [statement for statement in self._body if statement not in moved]
        behind = others if not moved else [s for s in others if s.lineno > moved[0].lineno]
        saved: list[tuple[ast.Name, str]] = []
        unsaved: list[ast.Name] = []
        stuck: list[Obstacle] = []
        for statement in behind:
            for node in (*reads(statement), *deleted(statement)):
                if node.id in own and (node.id not in stored([statement]) or not isinstance(statement, ast.For)):
                    why = f"`{node.id}` is needed in `__init__` as well"
                    stuck.append(self._obstacle("shared-variable", why, node))
        kept = self._kept()
        for node in dict.fromkeys(node for statement in moved for node in reads(statement)):
            if node.id == self._self or node.id not in local:
                continue
            if node.id in own and node.id not in parameters and node.id not in stored(others):
                continue
            if node.id in own and self._bound_first(node, moved):
                continue
            if node.id in kept and node.id not in own and kept[node.id][0].lineno < node.lineno:
                saved.append((node, kept[node.id][1]))
            elif node.id in parameters and node.id not in stored(self._body):
                unsaved.append(node)
            else:
                why = f"`{node.id}` is a variable of `__init__`"
                stuck.append(self._obstacle("local", why, node))
        return saved, unsaved, stuck

    def _bound_first(self, node: ast.Name, moved: Sequence[ast.stmt]) -> bool:
        """Whether, in what moves, the loop around a read binds the name, or an assignment above it does."""
        inside = {id(inner) for statement in moved for inner in walk(statement)}
        around: ast.stmt | None = self._file.links.statement(node)
        while around is not None and around is not self._method and id(around) in inside:
            suite, index = self._file.links.suite(around)
            if any(isinstance(s, ast.Assign) and id(s) in inside and node.id in stored([s]) for s in suite[:index]):
                return True
            around = self._file.links.enclosing(around)
            if isinstance(around, ast.For) and id(around) in inside and node.id in stored([around.target]):
                return True
        return False

    def _kept(self) -> dict[str, tuple[ast.stmt, str]]:
        """The arguments and variables that an attribute keeps: `self.dim = dim`, both never stored again."""
        counts: dict[str, int] = {}
        for node in walk(*self._body):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                counts[node.id] = counts.get(node.id, 0) + 1
        attributes: dict[str, int] = {}
        for node in walk(self._cls):
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                attributes[node.attr] = attributes.get(node.attr, 0) + 1
        parameters = {arg.arg for arg in arguments(self._method)}
        found: dict[str, tuple[ast.stmt, str]] = {}
        for statement in self._body:
            if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Name):
                continue
            name = statement.value.id
            if counts.get(name, 0) > (0 if name in parameters else 1):
                continue
            for target in statement.targets:
                own = isinstance(target, ast.Attribute) and is_name(target.value, self._self)
                if isinstance(target, ast.Attribute) and own and attributes[target.attr] == 1:
                    found.setdefault(name, (statement, target.attr))
        return found

    # Order ------------------------------------------------------------------------------------------------------------

    def _between(self, moved: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, list[ast.stmt]]]:
        """The statements that others jump over, with these."""
        if not moved:
            return
        first, last = self._body.index(moved[0]), self._body.index(moved[-1])
        for index in range(first, last):
            statement = self._body[index]
            if statement not in moved:
                yield statement, [other for other in moved if self._body.index(other) < index]

    def _jumps(self, moved: Sequence[ast.stmt], saved: Sequence[tuple[ast.Name, str]]) -> Iterator[Obstacle]:
        keeps = {attr for _, attr in saved}
        for statement, jumping in self._between(moved):
            if not self._only_stores(statement):
                why = "a statement stands between that may depend on the values"
                yield self._obstacle("order", why, statement)
                continue
            attributes, _ = mentioned_attributes(statement, self._self)
            names = {node.id for node in reads(statement)}
            for other in jumping:
                theirs, whole = mentioned_attributes(other, self._self)
                if whole:
                    why = "a walk over all modules comes before the last of them is built"
                    yield self._obstacle("order", why, statement)
                elif attributes & (theirs | keeps):
                    name = min(attributes & (theirs | keeps))
                    yield self._obstacle("order", f"`self.{name}` is used between", statement)
                elif names & self._aliases(theirs):
                    name = min(names & self._aliases(theirs))
                    yield self._obstacle("order", f"`{name}` is used between, and shares something", statement)

    def _aliases(self, attributes: frozenset[str]) -> set[str]:
        """Variables that hold what one of these attributes holds, or part of it."""
        found: set[str] = set()
        for node in walk(*self._body):
            if not isinstance(node, ast.Assign):
                continue
            if not attributes.isdisjoint(mentioned_attributes(node.value, self._self)[0]):
                found |= stored(node.targets)
            targets = frozenset().union(*(mentioned_attributes(target, self._self)[0] for target in node.targets))
            if not attributes.isdisjoint(targets):
                found |= stored(node.targets)
                if not self._is_layer(node.value):  # those of torch keep nothing of what they are given
                    found |= {read.id for read in reads(node.value) if read.id in self._layers()}
        return found - {self._self}

    def _is_layer(self, value: ast.expr) -> bool:
        ref = self._file.resolve(value.func) if isinstance(value, ast.Call) else ""
        return ref.startswith("torch.nn.") and ref.rpartition(".")[2] in RESETTING_MODULES

    def _layers(self) -> set[str]:
        """Variables of `__init__` that may hold a module or a tensor: parameters without a plain default, and calls."""
        plain = {"int", "float", "len", "max", "min", "round", "str", "tuple", "bool"}
        found = {arg.arg for arg in arguments(self._method)} - set(self._plain_arguments())
        for node in walk(*self._body):
            if isinstance(node, ast.Assign) and any(
                not (isinstance(call.func, ast.Name) and call.func.id in plain) for call in calls_of(node.value)
            ):
                found |= stored(node.targets)
        return found

    def _plain_arguments(self) -> Iterator[str]:
        """Parameters of `__init__` that are numbers, strings or flags, by their default or annotation."""
        args = self._method.args
        positional = [*args.posonlyargs, *args.args]
        defaults = dict(zip(reversed(positional), reversed(args.defaults), strict=False))
        defaults.update((arg, value) for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True) if value)
        for arg in arguments(self._method):
            default = defaults.get(arg)
            by_default = isinstance(default, ast.Constant) and default.value is not None
            if by_default or (dotted(arg.annotation) if arg.annotation else "") in ("bool", "float", "int", "str"):
                yield arg.arg

    def _only_stores(self, statement: ast.stmt) -> bool:
        """Whether a statement only builds things and stores them."""
        if isinstance(statement, ast.If):
            return all(map(self._only_stores, [*statement.body, *statement.orelse])) and self._is_plain(statement.test)
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            return statement.value is not None and self._is_plain(statement.value)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            func = statement.value.func
            registers = isinstance(func, ast.Attribute) and func.attr in _HARMLESS_METHODS
            return registers and all(map(self._is_plain, statement.value.args))
        return isinstance(statement, ast.Pass) or (
            isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        )

    def _is_plain(self, value: ast.expr) -> bool:
        """Whether an expression cannot see the object, but for settings that it keeps."""
        attributes, whole = mentioned_attributes(value, self._self)
        own_calls = any(
            isinstance(call.func, ast.Attribute) and (dotted(call.func) or "").startswith(f"{self._self}.")
            for call in calls_of(value)
        )
        return not whole and not own_calls and all(map(self._is_setting, attributes))

    def _is_setting(self, attr: str, seen: frozenset[str] = frozenset()) -> bool:
        """Whether `__init__` stores nothing but plain values in an attribute."""
        values = [
            node.value
            for node in walk(*self._body)
            if isinstance(node, ast.Assign)
            and any(
                isinstance(t, ast.Attribute) and t.attr == attr and is_name(t.value, self._self) for t in node.targets
            )
        ]
        allowed = ("builtins.int", "builtins.float", "builtins.len", "builtins.max", "builtins.min", "builtins.round")
        return bool(values) and all(
            not isinstance(value, (ast.List, ast.Dict, ast.ListComp))
            and all(self._file.resolve(call.func) in allowed for call in calls_of(value))
            and all(
                other not in seen and self._is_setting(other, seen | {attr})
                for other in mentioned_attributes(value, self._self)[0]
            )
            for value in values
        )

    def _reordered(self, moved: Sequence[ast.stmt]) -> Obstacle | None:
        """The first statement that draws after one that jumps over it."""
        for statement, jumping in self._between(moved):
            if may_draw(statement, self._file) and any(may_draw(other, self._file) for other in jumping):
                return self._obstacle("reorders", "would change the weights that a seed builds", statement)
        return None
