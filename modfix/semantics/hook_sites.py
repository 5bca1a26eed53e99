"""Finds the registrations of hooks in one file, and who could own their handles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from modfix.model.span import Span
from modfix.semantics.dataflow import Parents
from modfix.semantics.hook_facts import (
    REGISTRATIONS,
    Handle,
    HandleList,
    HookFacts,
    HookNote,
    HookSite,
    Instrumenter,
    LocalPlan,
    Pair,
)
from modfix.semantics.hook_functions import Effects, Hook, HookFunctions, handle_removals
from modfix.semantics.hook_lifetime import Model, Store, common_block
from modfix.semantics.positions import Positions
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, walk

_WORTH_A_LOOK = re.compile(r"\bregister_(?:forward|backward|full_backward)\w*hook\b")
_CELL = re.compile(r"^[ \t]*#[ \t]*(%%|In ?\[|<codecell>)", re.MULTILINE)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def hook_facts(text: str, tree: ast.Module, names: Names, positions: Positions) -> HookFacts:
    """What a file says about hooks on modules; cheap where it does not mention any."""
    if not _WORTH_A_LOOK.search(text):
        return HookFacts()
    return _Finder(text, tree, names, positions).facts()


class _Found:
    """A registration with the syntax tree behind it."""

    def __init__(self, call: ast.Call, statement: ast.stmt, scope: ast.Module | FunctionNode, site: HookSite) -> None:
        assert isinstance(call.func, ast.Attribute)
        self.call = call
        self.receiver = call.func.value
        self.statement = statement
        self.scope = scope
        self.site = site


class _Finder:
    def __init__(self, text: str, tree: ast.Module, names: Names, positions: Positions) -> None:
        self.text = text
        self.tree = tree
        self.names = names
        self.positions = positions
        self.parents = Parents(tree)
        self.functions = HookFunctions(names, self.parents, tree)

    def facts(self) -> HookFacts:
        found = [self._found(node) for node in walk(self.tree) if _is_registration(node) and isinstance(node, ast.Call)]
        found.sort(key=lambda item: item.site.span)
        defined = {
            member.name
            for node in walk(self.tree)
            if isinstance(node, ast.ClassDef)
            for member in node.body
            if isinstance(member, _FUNCTIONS) and member.name in REGISTRATIONS
        }
        scopes: dict[ast.AST, list[int]] = {}
        for index, item in enumerate(found):
            scopes.setdefault(item.scope, []).append(index)
        local: list[LocalPlan] = []
        pairs: list[Pair] = []
        instrumenters: list[Instrumenter] = []
        for scope, indices in scopes.items():
            assert isinstance(scope, (ast.Module, *_FUNCTIONS))
            pairs += self._pairs(scope, indices, found)
            loose = [i for i in indices if found[i].site.handle in (Handle.DISCARDED, Handle.UNUSED)]
            if not loose:
                continue
            plan = self._local(scope, loose, found)
            local += [plan] if plan is not None else []
            if not isinstance(scope, ast.Module) and scope in self.tree.body:
                instrumenters.append(self._instrumenter(scope, loose, found))
        return HookFacts(
            tuple([item.site for item in found]),
            tuple(local),
            tuple(pairs),
            tuple(self._lists({item.call for item in found})),
            tuple(instrumenters),
            frozenset(defined),
        )

    # One registration

    def _found(self, call: ast.Call) -> _Found:
        assert isinstance(call.func, ast.Attribute)
        statement = self.parents.statement(call)
        scope = self.parents.scope(call)
        assert isinstance(scope, (ast.Module, *_FUNCTIONS))
        handle, name = self._handle(call, statement, scope)
        owner, method, self_name = self._owner(call)
        receiver = call.func.value
        site = HookSite(
            call.func.attr,
            self.positions.span(call),
            self.positions.span(statement),
            call.lineno,
            self.positions.column(call),
            self._source(call, statement),
            ast.unparse(receiver),
            self._is_object(receiver),
            handle,
            name,
            self._qualname(scope),
            owner,
            method,
            self_name,
            self._init_of(call) if owner else None,
            tuple(self._notes(call, scope, brief=handle in (Handle.PAIRED, Handle.HELD))),
        )
        return _Found(call, statement, scope, site)

    def _source(self, call: ast.Call, statement: ast.stmt) -> str:
        """The source of a call as it is written in a block without indentation; empty if that would change it."""
        first, *lines = self.positions.source(call).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if not lines:
            return first
        several = any(isinstance(n, (ast.Constant, ast.JoinedStr)) and n.end_lineno != n.lineno for n in walk(call))
        if several or any("#" in line for line in (first, *lines)):
            return ""
        indentation = self.positions.indentation(statement)
        return "\n".join([first, *(line.removeprefix(indentation) for line in lines)])

    def _qualname(self, scope: ast.AST) -> str:
        parts = []
        step: tuple[ast.AST, str] | None = (scope, "")
        while step is not None:
            if isinstance(step[0], (*_FUNCTIONS, ast.ClassDef)):
                parts.append(step[0].name)
            step = self.parents.of(step[0])
        return ".".join(reversed(parts))

    def _is_object(self, receiver: ast.expr) -> bool:
        """Whether the receiver is an object, as far as its name says."""
        ref = self.names.resolve(receiver, self.parents.functions(receiver)) if dotted(receiver) else "?"
        return ref[0] in "?$"

    def _handle(self, call: ast.Call, statement: ast.stmt, scope: ast.AST) -> tuple[Handle, str]:
        step = self.parents.of(call)
        assert step is not None  # a statement is above
        parent = step[0]
        if isinstance(parent, (ast.ListComp, ast.GeneratorExp)) and step[1] == "elt":
            outer = self.parents.of(parent)
            is_loop = isinstance(parent, ast.ListComp) and outer is not None and isinstance(outer[0], ast.Expr)
            return (Handle.DISCARDED if is_loop else Handle.KEPT), ""
        if isinstance(parent, ast.Expr):
            return Handle.DISCARDED, ""
        if isinstance(parent, ast.withitem):
            return Handle.HELD, ""
        if (
            not isinstance(parent, ast.Assign)
            or len(parent.targets) != 1
            or not isinstance(parent.targets[0], ast.Name)
        ):
            return Handle.KEPT, ""
        name = parent.targets[0].id
        own = self.names.scopes[scope]
        if any(name in inner.declared for inner in own.within()) or isinstance(
            self.parents.enclosing(statement), ast.ClassDef
        ):
            return Handle.KEPT, ""
        reads = [n for n in walk(scope) if is_name(n, name) and isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
        if not reads:
            return Handle.UNUSED, name
        return (Handle.PAIRED if self._removal(reads, statement, name, scope) else Handle.KEPT), name

    def _removal(self, reads: list[ast.Name], statement: ast.stmt, name: str, scope: ast.AST) -> ast.stmt | None:
        """The statement `handle.remove()` behind ``statement`` in its block, if nothing else uses the handle."""
        if len(reads) != 1 or self.names.scopes[scope].stored.count(name) != 1:
            return None
        removal = self.parents.statement(reads[0])
        suite, index = self.parents.suite(statement)
        behind = suite[index + 1 :]
        if not _is_removal(removal, name) or not any(removal is other for other in behind):
            return None
        return removal

    def _owner(self, call: ast.Call) -> tuple[str, str, str]:
        """The class whose object registers the hook, the method, and the name of the object."""
        self_name = self.functions.self_name(call)
        owner = self.functions.class_around(call)
        if owner is None or not self_name or self._in_lambda(call):
            return "", "", ""
        method = next(f for f in self.parents.functions(call) if (self.parents.of(f) or (None,))[0] is owner)
        return self._qualname(owner).replace("..", "."), method.name, self_name

    def _init_of(self, call: ast.Call) -> Span | None:
        """Where the `__init__` of the class around starts."""
        cls = self.functions.class_around(call)
        methods = (
            [] if cls is None else [n for n in cls.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        )
        return self.positions.span(_first(methods[0])) if len(methods) == 1 else None

    def _in_lambda(self, node: ast.AST) -> bool:
        step = self.parents.of(node)
        while step is not None and not isinstance(step[0], ast.stmt):
            if isinstance(step[0], ast.Lambda):
                return True
            step = self.parents.of(step[0])
        return False

    # What no rewrite mends

    def _notes(self, call: ast.Call, scope: ast.AST, *, brief: bool) -> Iterator[HookNote]:
        hooks = self._hooks(call) or []
        for hook in hooks:
            for name, where in sorted(self.functions.effects([hook]).globals.items()):
                reason = (
                    f"the hook stores in the global `{name}`, which all models share; give a small class with a `{name}` "
                    "and a method `hook` that sets it, register the method, and read it from an object of that class"
                )
                yield self._note("global-store", reason, where)
            for removal in handle_removals(hook.node):
                reason = "the hook removes a handle while the hooks of the module run; let it set a flag, and remove the handle behind the call of the model"
                yield self._note("removal-in-hook", reason, removal)
        loop = self._loop(call, scope)
        given = _hook_argument(call)
        if loop is not None and given is not None and not brief:
            yield from self._late_binding(loop, given)

    def _note(self, kind: str, reason: str, node: ast.AST) -> HookNote:
        assert isinstance(node, (ast.stmt, ast.expr))
        return HookNote(kind, reason, node.lineno, self.positions.column(node))

    def _late_binding(self, loop: ast.For | ast.AsyncFor, given: ast.expr) -> Iterator[HookNote]:
        """A function made in the loop that reads what the loop changes: all of them see the last value."""
        inside = {n for statement in loop.body for n in walk(statement)}
        hooks = self.functions.hooks(given) if isinstance(given, (ast.Lambda, ast.Name)) else None
        changed = {
            n.id for n in walk(loop.target, *loop.body) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
        }
        for hook in hooks or ():
            names = sorted(self.functions.free_names(hook.node) & changed) if hook.node in inside else []
            if names and self.parents.scope(hook.node) is self.parents.scope(loop):
                reason = f"all hooks of this loop read the last value of `{names[0]}`; bind it, as in `{names[0]}={names[0]}`"
                yield self._note("late-binding", reason, hook.node)

    def _loop(self, node: ast.AST, scope: ast.AST) -> ast.For | ast.AsyncFor | None:
        step = self.parents.of(node)
        while step is not None and step[0] is not scope:
            if isinstance(step[0], (ast.For, ast.AsyncFor)) and step[1] == "body":
                return step[0]
            step = self.parents.of(step[0])
        return None

    def _hooks(self, call: ast.Call) -> list[Hook] | None:
        given = _hook_argument(call)
        return None if given is None else self.functions.hooks(given)

    # Local lifetime

    def _local(self, scope: ast.Module | FunctionNode, loose: list[int], found: list[_Found]) -> LocalPlan | None:
        """How the discarded handles of one scope could have a local lifetime; None if they cannot."""
        items = [found[index] for index in loose]
        own = self.names.scopes[scope]
        if own.yields or isinstance(scope, ast.AsyncFunctionDef) or any(self._in_lambda(item.call) for item in items):
            return None
        if any(isinstance(n, ast.Await) for n in walk(scope)) or any(not item.site.source for item in items):
            return None
        self_name = items[0].site.self_name
        model = Model(self.names, self.parents, scope, [item.receiver for item in items], self_name)
        block = common_block(self.parents, scope, [item.statement for item in items], model)
        if model.is_self or not model.names or block is None or model.handed_out():
            return None
        suite, first, last = block
        if not any(model.certainly_runs(statement) for statement in suite[first : last + 1]):
            return None
        effects = self._joined(items)
        hooks = {hook.node for item in items for hook in self._hooks(item.call) or ()}
        store = Store(self.parents, scope, self.names, hooks)
        certain, note = _who_sees(effects, model, store)
        if note is None or (isinstance(scope, ast.Module) and not certain) or self._splits(scope, suite[first : last + 1]):
            return None
        heads = _heads(suite, first, items)
        top = suite[first + len(heads)] if heads and first + len(heads) <= last else suite[first]
        return LocalPlan(
            tuple(loose),
            tuple([self.positions.span(head) for head in heads]) if top is not suite[first] else (),
            self.positions.span(top),
            self.positions.span(suite[last]),
            top.col_offset,
            self._qualname(scope),
            certain,
            isinstance(scope, ast.Module),
            note,
            self._free_name(scope, ("hooks", "active_hooks", "hook_stack")),
        )

    def _joined(self, items: list[_Found]) -> Effects:
        effects = Effects()
        for item in items:
            one = self.functions.effects(self._hooks(item.call))
            effects.changes_run |= one.changes_run
            effects.outside |= one.outside
            effects.on_module |= one.on_module
            effects.stores |= one.stores
            effects.nested |= one.nested
        return effects

    def _splits(self, scope: ast.AST, statements: list[ast.stmt]) -> bool:
        """Whether statements should not go under one `with`: they define what others use, or are cells of a notebook."""
        if not isinstance(scope, ast.Module):
            return False
        text = self.text[self.positions.span(statements[0]).start : self.positions.span(statements[-1]).end]
        return _CELL.search(text) is not None or any(isinstance(s, (*_FUNCTIONS, ast.ClassDef)) for s in statements)

    def _free_name(self, scope: ast.AST, wanted: tuple[str, ...]) -> str:
        taken = {n.id for n in walk(self.tree) if isinstance(n, ast.Name)} | set(self.names.bindings)
        taken |= {arg.arg for n in walk(self.tree) if isinstance(n, (*_FUNCTIONS, ast.Lambda)) for arg in arguments(n)}
        return next((name for name in wanted if name not in taken), "")

    # Pairs

    def _pairs(self, scope: ast.Module | FunctionNode, indices: list[int], found: list[_Found]) -> Iterator[Pair]:
        """Handles that a later statement of the same block removes, joined where nothing stands between them."""
        own = self.names.scopes[scope]
        if own.yields or isinstance(scope, ast.AsyncFunctionDef):
            return
        groups: list[list[tuple[int, ast.stmt, ast.stmt]]] = []
        for index in indices:
            item = found[index]
            if item.site.handle is not Handle.PAIRED:
                continue
            reads = [n for n in walk(scope) if is_name(n, item.site.name) and isinstance(n.ctx, ast.Load)]  # type: ignore[attr-defined]  # `is_name` narrows
            removal = self.parents.statement(reads[0])
            suite, position = self.parents.suite(item.statement)
            last = groups[-1][-1] if groups else None
            if last is not None and position and suite[position - 1] is last[1]:
                groups[-1].append((index, item.statement, removal))
            else:
                groups.append([(index, item.statement, removal)])
        for group in groups:
            pair = self._pair(group, scope)
            if pair is not None:
                yield pair

    def _pair(self, group: list[tuple[int, ast.stmt, ast.stmt]], scope: ast.AST) -> Pair | None:
        suite, start = self.parents.suite(group[-1][1])
        ends = sorted(self.parents.suite(removal)[1] for _, _, removal in group)
        if ends != list(range(ends[0], ends[0] + len(ends))) or ends[0] <= start + 1:
            return None  # others stand between them, or there is nothing to protect
        between = suite[start + 1 : ends[0]]
        if self._splits(scope, between) or any(isinstance(n, ast.Await) for s in between for n in walk(s)):
            return None
        return Pair(
            tuple([index for index, _, _ in group]),
            tuple([self.positions.span(statement) for _, statement, _ in group]),
            tuple([self.positions.span(removal) for _, _, removal in group]),
            self.positions.span(between[0]),
            self.positions.span(between[-1]),
            between[0].col_offset,
            self._qualname(scope),
        )

    # Lists of handles

    def _lists(self, calls: set[ast.Call]) -> Iterator[HandleList]:
        for cls in walk(self.tree):
            if isinstance(cls, ast.ClassDef):
                for name in sorted(self._appended_to(cls, calls)):
                    found = self._list(cls, name)
                    if found is not None:
                        yield found

    def _appended_to(self, cls: ast.ClassDef, calls: set[ast.Call]) -> set[str]:
        """The attributes to which methods append what a registration gave back."""
        found = set()
        for node in walk(*cls.body):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "append"
                and node.args
            ):
                target, value = node.func.value, node.args[0]
                if isinstance(value, ast.Name):
                    scope = self.names.scopes[self.parents.scope(node)]
                    values = scope.values_of(value.id)
                    kept = bool(values) and all(v in calls for v in values)
                else:
                    kept = value in calls
                if kept and isinstance(target, ast.Attribute) and is_name(target.value, self.functions.self_name(node)):
                    found.add(target.attr)
        return found

    def _list(self, cls: ast.ClassDef, name: str) -> HandleList | None:
        """The facts of one such attribute; None where it is used in other ways, too."""
        created: ast.stmt | None = None
        remover = ""
        for method in cls.body:
            if not isinstance(method, _FUNCTIONS):
                continue
            for node in walk(method):
                if not isinstance(node, ast.Attribute) or node.attr != name:
                    continue
                use = self._use_of_list(node)
                if use == "":
                    return None
                if use == "removed":
                    remover = method.name
                statement = self.parents.statement(node)
                if use == "created" and method.name == "__init__" and any(statement is s for s in method.body):
                    created = created or statement
        span = None if created is None else self.positions.span(created)
        return HandleList(self._qualname(cls), name, span, created is not None and self._is_early(created), remover)

    def _is_early(self, created: ast.stmt) -> bool:
        """Whether nothing before a statement of `__init__` can run a method of the object."""
        suite, index = self.parents.suite(created)
        self_name = self.functions.self_name(created)
        for node in walk(*suite[:index]):
            if is_name(node, self_name):
                step = self.parents.of(node)
                assert step is not None  # a statement is above
                call = self.parents.of(step[0])
                called = call is not None and isinstance(call[0], ast.Call) and call[1] == "func"
                if not isinstance(step[0], ast.Attribute) or called:
                    return False
        return True

    def _use_of_list(self, node: ast.Attribute) -> str:
        step = self.parents.of(node)
        assert step is not None  # a statement is above
        parent = step[0]
        if isinstance(parent, ast.Attribute) and parent.attr in ("append", "clear"):
            return "kept"
        if isinstance(parent, ast.Assign) and isinstance(node.ctx, ast.Store):
            empty = isinstance(parent.value, ast.List) and not parent.value.elts
            made = isinstance(parent.value, ast.Call) and is_name(parent.value.func, "list") and not parent.value.args
            return "created" if empty or made else ""
        if isinstance(parent, ast.For) and parent.iter is node and isinstance(parent.target, ast.Name):
            only = len(parent.body) == 1 and not parent.orelse and _is_removal(parent.body[0], parent.target.id)
            return "removed" if only else ""
        if isinstance(parent, (ast.If, ast.UnaryOp)):
            return "kept"
        return ""

    # Functions that hook what they are given

    def _instrumenter(self, function: FunctionNode, loose: list[int], found: list[_Found]) -> Instrumenter:
        returns = [n for n in walk(function) if isinstance(n, ast.Return) and self.parents.scope(n) is function]
        return Instrumenter(
            tuple(loose),
            function.name,
            self.positions.span(_first(function)),
            self.positions.span(function.body[-1]),
            tuple([self.positions.span(node) for node in returns]),
            self._free_name(function, ("handles", "hook_handles", "hooks")),
            self._keeps_nothing(function, returns, [found[index] for index in loose]),
        )

    def _keeps_nothing(self, function: FunctionNode, returns: list[ast.Return], items: list[_Found]) -> HookNote | None:
        """Why a function cannot return the handles; None if it can."""
        given = next((node for node in returns if node.value is not None), None)
        if given is not None:
            return self._note("returns-other", f"`{function.name}` returns something else, so the handle must be kept where the model is", given)
        scope = self.names.scopes[function]
        if scope.yields or isinstance(function, ast.AsyncFunctionDef) or function.decorator_list:
            return self._note("not-plain", f"`{function.name}` is decorated, a generator or a coroutine", function)
        unwritable = next((item for item in items if not item.site.source), None)
        if unwritable is not None:
            return self._note("comment-inside", "a comment stands inside the call", unwritable.call)
        for node in walk(self.tree):
            if is_name(node, function.name) or (isinstance(node, ast.Attribute) and node.attr == function.name):
                step = self.parents.of(node)
                outer = self.parents.of(step[0]) if step is not None else None
                if step is None or step[1] != "func" or outer is None or not isinstance(outer[0], ast.Expr):
                    return self._note("result-is-used", f"the result of `{function.name}` may be used here", node)
        return None


def _first(function: FunctionNode) -> ast.stmt:
    """The first statement of a function that is no docstring, if there is another one."""
    first, *others = function.body
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return others[0] if has_docstring and others else first


def _is_registration(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in REGISTRATIONS):
        return False
    above = node.func.value
    return not (isinstance(above, ast.Call) and is_name(above.func, "super"))  # an override that passes the call on


def _is_removal(statement: ast.stmt, name: str) -> bool:
    """Whether a statement is `name.remove()`."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "remove"
        and is_name(call.func.value, name)
        and not call.args
        and not call.keywords
    )


def _hook_argument(call: ast.Call) -> ast.expr | None:
    if call.args:
        return None if isinstance(call.args[0], ast.Starred) else call.args[0]
    return next((keyword.value for keyword in call.keywords if keyword.arg == "hook"), None)


def _who_sees(effects: Effects, model: Model, store: Store) -> tuple[bool, str | None]:
    """Whether nobody sees the hooks behind the scope; if somebody may, who. None where they are meant to stay."""
    handed_on = store.handed_on(effects)
    if not (effects.changes_run or effects.outside or effects.on_module or handed_on):
        return True, ""
    if model.is_own():
        return True, ""
    if effects.changes_run or effects.on_module or not store.is_local(effects):
        return False, None
    if handed_on:
        return False, f"`{handed_on}` is handed on, and stays as it is when the model runs again"
    return False, "the hooks print, write or call other code, and no longer do so when the model runs again"


def _heads(suite: list[ast.stmt], first: int, items: list[_Found]) -> list[ast.stmt]:
    """The registrations that stand at the start of a block, if all of them do."""
    heads = suite[first : first + len(items)]
    whole = [item.statement for item in items if item.call is getattr(item.statement, "value", None)]
    return heads if len(whole) == len(items) and all(a is b for a, b in zip(heads, whole)) else []
