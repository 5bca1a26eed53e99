"""How long the hooks of one file must live, and what can be done about it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from modfix.semantics.hook_detach import stored_outputs
from modfix.semantics.hook_facts import (
    NO_HOOKS,
    REGISTRATIONS,
    Handle,
    HandleStack,
    HookFacts,
    HookNote,
    Instrumenter,
    LocalPlan,
    Pair,
)
from modfix.semantics.hook_functions import Effects
from modfix.semantics.hook_gradients import backward_sites
from modfix.semantics.hook_lifetime import Model, common_block
from modfix.semantics.hook_lists import HandleLists
from modfix.semantics.hook_sites import Found, HookSites, first_statement
from modfix.semantics.hook_stacks import HandleStacks, leaves_early
from modfix.semantics.hook_stores import Store
from modfix.semantics.positions import Positions
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, is_name, walk

_WORTH_A_LOOK = re.compile(r"\bregister_(?:forward|backward|full_backward)\w*hook\b")
_CELL = re.compile(r"^[ \t]*#[ \t]*(%%|In ?\[|<codecell>)", re.MULTILINE)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def hook_facts(text: str, tree: ast.Module, names: Names, positions: Positions) -> HookFacts:
    """What a file says about hooks on modules; cheap where it does not mention any."""
    if "register_" not in text or not _WORTH_A_LOOK.search(text):
        return NO_HOOKS
    return _Planner(text, HookSites(tree, names, positions)).facts()


class _Planner:
    def __init__(self, text: str, sites: HookSites) -> None:
        self.text = text
        self.sites = sites
        self.found = sites.found
        self.tree = sites.tree
        self.names = sites.names
        self.positions = sites.positions
        self.parents = sites.parents

    def facts(self) -> HookFacts:
        defined = {
            member.name
            for node in walk(self.tree)
            if isinstance(node, ast.ClassDef)
            for member in node.body
            if isinstance(member, _FUNCTIONS) and member.name in REGISTRATIONS and not _only_declares(member)
        }
        scopes: dict[ast.AST, list[int]] = {}
        for index, item in enumerate(self.found):
            scopes.setdefault(item.scope, []).append(index)
        local: list[LocalPlan] = []
        pairs: list[Pair] = []
        stacks: list[HandleStack] = []
        instrumenters: list[Instrumenter] = []
        for scope, indices in scopes.items():
            assert isinstance(scope, (ast.Module, *_FUNCTIONS))
            pairs += self._pairs(scope, indices)
            stacks += HandleStacks(self.sites, scope, indices).stacks(self._splits)
            loose = [i for i in indices if self.found[i].site.handle in (Handle.DISCARDED, Handle.UNUSED)]
            if not loose:
                continue
            plan = self._local(scope, loose)
            local += [plan] if plan is not None else []
            if not isinstance(scope, ast.Module) and scope in self.tree.body:
                instrumenters.append(self._instrumenter(scope, loose))
        return HookFacts(
            tuple([item.site for item in self.found]),
            tuple(local),
            tuple(pairs),
            tuple(stacks),
            tuple(HandleLists(self.sites).lists()),
            tuple(instrumenters),
            tuple(backward_sites(self.sites)),
            tuple(stored_outputs(self.sites)),
            frozenset(defined),
        )

    # Local lifetime

    def _local(self, scope: ast.Module | FunctionNode, loose: list[int]) -> LocalPlan | None:
        """How the discarded handles of one scope could have a local lifetime; None if they cannot."""
        items = [self.found[index] for index in loose]
        own = self.names.scopes[scope]
        if (
            own.yields
            or isinstance(scope, ast.AsyncFunctionDef)
            or any(self.sites.in_lambda(item.call) for item in items)
        ):
            return None
        if any(isinstance(n, ast.Await) for n in walk(scope)):
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
        hooks = {hook.node for item in items for hook in self.sites.hooks(item.call) or ()}
        store = Store(self.parents, scope, self.names, hooks)
        certain, note = _who_sees(effects, model, store)
        if (
            note is None
            or (isinstance(scope, ast.Module) and not certain)
            or self._splits(scope, suite[first : last + 1])
        ):
            return None
        heads = _heads(suite, first, items)
        top = suite[first + len(heads)] if heads and first + len(heads) <= last else suite[first]
        return LocalPlan(
            tuple(loose),
            tuple([self.positions.span(head) for head in heads]) if top is not suite[first] else (),
            self.positions.span(top),
            self.positions.span(suite[last]),
            top.col_offset,
            self.sites.qualname(scope),
            certain,
            isinstance(scope, ast.Module),
            note,
            self._free_name(scope, ("hooks", "active_hooks", "hook_stack")),
        )

    def _joined(self, items: list[Found]) -> Effects:
        effects = Effects()
        for item in items:
            one = self.sites.functions.effects(self.sites.hooks(item.call))
            effects.changes_run |= one.changes_run
            effects.outside |= one.outside
            effects.on_module |= one.on_module
            effects.stores |= one.stores
            effects.rebound |= one.rebound
            effects.nested |= one.nested
        return effects

    def _splits(self, scope: ast.AST, statements: list[ast.stmt]) -> bool:
        """Whether statements should not go under one `with`: they define functions, or are cells of a notebook."""
        if not isinstance(scope, ast.Module):
            return False
        text = self.text[self.positions.span(statements[0]).start : self.positions.span(statements[-1]).end]
        return _CELL.search(text) is not None or any(isinstance(s, (*_FUNCTIONS, ast.ClassDef)) for s in statements)

    def _free_name(self, scope: ast.AST, wanted: tuple[str, ...]) -> str:
        taken = {n.id for n in walk(self.tree) if isinstance(n, ast.Name)} | set(self.names.bindings)
        taken |= {arg.arg for n in walk(self.tree) if isinstance(n, (*_FUNCTIONS, ast.Lambda)) for arg in arguments(n)}
        return next((name for name in wanted if name not in taken), "")

    # Pairs

    def _pairs(self, scope: ast.Module | FunctionNode, indices: list[int]) -> Iterator[Pair]:
        """Handles that a later statement of the same block removes, joined where nothing stands between them."""
        own = self.names.scopes[scope]
        if own.yields or isinstance(scope, ast.AsyncFunctionDef):
            return
        groups: list[list[tuple[int, ast.stmt, ast.stmt]]] = []
        for index in indices:
            item = self.found[index]
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
            self.sites.qualname(scope),
            leaves_early(between),
        )

    # Functions that hook what they are given

    def _instrumenter(self, function: FunctionNode, loose: list[int]) -> Instrumenter:
        returns = [n for n in walk(function) if isinstance(n, ast.Return) and self.parents.scope(n) is function]
        return Instrumenter(
            tuple(loose),
            function.name,
            self.positions.span(first_statement(function)),
            self.positions.span(function.body[-1]),
            tuple([self.positions.span(node) for node in returns]),
            self._free_name(function, ("handles", "hook_handles", "hooks")),
            self._keeps_nothing(function, returns),
        )

    def _keeps_nothing(self, function: FunctionNode, returns: list[ast.Return]) -> HookNote | None:
        """Why a function cannot return the handles; None if it can."""
        given = next((node for node in returns if node.value is not None), None)
        if given is not None:
            return self.sites.note(
                "returns-other",
                f"`{function.name}` returns something else, so the handle must be kept where the model is",
                given,
            )
        scope = self.names.scopes[function]
        if scope.yields or isinstance(function, ast.AsyncFunctionDef) or function.decorator_list:
            return self.sites.note("not-plain", f"`{function.name}` is decorated, a generator or a coroutine", function)
        for node in walk(self.tree):
            if is_name(node, function.name) or (isinstance(node, ast.Attribute) and node.attr == function.name):
                step = self.parents.of(node)
                outer = self.parents.of(step[0]) if step is not None else None
                if step is None or step[1] != "func" or outer is None or not isinstance(outer[0], ast.Expr):
                    return self.sites.note("result-is-used", f"the result of `{function.name}` may be used here", node)
        return None


def _only_declares(function: FunctionNode) -> bool:
    """Whether a method has no code: one of a protocol, or an abstract one."""
    return all(
        isinstance(s, (ast.Pass, ast.Raise)) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in function.body
    )


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


def _heads(suite: list[ast.stmt], first: int, items: list[Found]) -> list[ast.stmt]:
    """The registrations that stand at the start of a block, if all of them do."""
    heads = suite[first : first + len(items)]
    whole = [item.statement for item in items if item.call is getattr(item.statement, "value", None)]
    return heads if len(whole) == len(items) and all(a is b for a, b in zip(heads, whole, strict=True)) else []
