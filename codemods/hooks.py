"""Give the handle of every hook an owner that can take the hook off again.

What it does
------------
A function or script that registers a hook, runs the model and reads the results, holds the hook with a `with` statement
around just that. `handle = ...` and `handle.remove()` in one block become a `with` statement, too, and so do a list of
handles and the loop that removes them, so that an error in between does not leave the hook behind. A hook that calls
`handle.remove()` itself is stopped by a flag and taken off behind the run of the model. An object that registers hooks
keeps the handles in a list and gets a method `remove_hooks`; one of a plain class that hooks a model which it was given
becomes a context manager, too. A function that hooks what it is given, and returns nothing, returns the handles; one
that returns something else keeps them in an attribute of the model. An output that a hook stores is detached where
everybody reads its values only.

Why
---
The handle that a registration gives back is the only way to take the hook off. Where it is lost, the hook runs as long
as the module lives: it is registered again by each call, keeps what it has stored alive, and is there in production.

Example
-------
    -    model.layer4.register_forward_hook(keep)
    -    model(images)
    +    with model.layer4.register_forward_hook(keep):
    +        model(images)

Fix safety
----------
No fix takes a hook off while code may still need it. Most real hooks are part of what a model computes: their objects
keep the handles, and nothing else changes.

SAFE: a `with` statement whose hooks write only into variables of the same function, or are on a model that the function
itself has made and gives to nobody; a pair of registration and removal; a hook of a function that takes itself off, and
which nobody sees when that has run; a list of handles for objects that all come to have one before they register a
hook; `output.detach()` of one module in a store of the same function, or of a layer of the object in an attribute that
no other class reaches, where every reading ends with `.detach()`, `.data`, `.item()`, `.numpy()`, `.shape` or the like,
or with an operation under `torch.no_grad()`. Other outputs stay as they are: more than half of the hooks that store one
need its gradients.

UNSAFE: a pair with a `return`, `break` or `continue` between, which today leaves the hook on the module; a `with`
statement where the store is handed on (`return features`) or the hooks print, for they no longer do so when the model
runs again; an attribute of the model that a function was given; a list of handles that is there already, with a method
that now takes more hooks off; objects that are unpickled from files written before; `output.detach()` of several
modules or unknown ones, each of which must give a tensor, or for `torch.save`; `output.detach().clone()` where the
object changes the output in place behind the hook, which then keeps what it was before.

DISPLAY: only a part of the project was read, and objects or callers elsewhere may be concerned.

Refused: hooks that change what the module gives or that store on `self`, where the function has no object to keep the
handle; functions that return something else, and do not show that they were given a module; registrations in `forward`,
which add a hook in each call; classes that inherit their `__init__`, with `__slots__`, or that reach their attributes
in a dynamic way. Reported, besides: hooks that store in a global, hooks made in a loop that all see the last value of
its variable, other hooks that remove a handle while hooks run, and receivers that may be no module. Hooks on tensors
and on `state_dict` are left alone: they die with their owner.

A list of handles is copied and pickled along with its object, and so are the hooks; the copy has handles of its own. A
hook that is a lambda or a function inside another one cannot be pickled.

References
----------
`torch.utils.hooks.RemovableHandle`, which is a context manager; patterns 5, 6 and 8.
"""

from __future__ import annotations

from collections.abc import Iterator

from modfix.api import (
    HELD_LIST,
    Applicability,
    Codemod,
    Finding,
    Fix,
    Handle,
    HandleOwner,
    HandleStack,
    HookNote,
    HookSite,
    Instrumenter,
    LocalPlan,
    Location,
    OneShot,
    Pair,
    ProjectFile,
    Refusal,
    ReplaceExpression,
    StoredOutput,
    held_edits,
    is_imported,
    is_private,
    one_shot_edits,
    paired_edits,
    returned_edits,
    scoped_edits,
    stacked_edits,
)

SCRIPT = "<module>"


class Hooks(Codemod):
    """See the manual at the head of this file."""

    name = "hooks"
    summary = "hooks whose handle is lost get an owner: a with statement, their object, or the caller"
    needles = (b"register_forward", b"register_backward_hook", b"register_full_backward")
    declares = ("hooks-lost", "graph-lost")  # those that a function left behind, and outputs that are stored detached

    def check_file(self, file: ProjectFile) -> Iterator[Finding]:
        """Yield one finding for each group of hooks that can get one owner, and one for each other."""
        facts = file.facts.hooks
        loose = {i for i, site in enumerate(facts.sites) if site.handle in (Handle.DISCARDED, Handle.UNUSED)}
        yield from self._flaws(file)
        for index in sorted(loose):
            if unknown := self._unknown(file, facts.sites[index]):
                loose.discard(index)
                yield self._refused(file, facts.sites[index], _message(facts.sites[index]), unknown)
        for output in facts.outputs:
            yield from self._detached(file, output)
        yield from (self._paired(file, pair) for pair in facts.pairs)
        yield from (self._stacked(file, stack) for stack in facts.stacks)
        yield from (self._one_shot(file, *once) for once in facts.one_shots)
        for plan in facts.local:
            certain = plan.certain and not (plan.script and is_imported(file.project, file.path))
            if loose.issuperset(plan.sites) and (certain or not any(facts.sites[i].owner for i in plan.sites)):
                loose.difference_update(plan.sites)
                yield self._scoped(file, plan, certain)
        yield from self._owned(file, loose)
        for function in facts.instrumenters:
            if loose.issuperset(function.sites):
                loose.difference_update(function.sites)
                yield self._returned(file, function)
        for index in sorted(loose):
            site = facts.sites[index]
            where = f"`{site.function}`" if site.function else "the script"
            reason = (
                f"{where} does not run the model itself, or others may see what the hook does: keep the handle there"
            )
            yield self._refused(file, site, _message(site), HookNote("no-owner", reason, site.line, site.column))

    def _flaws(self, file: ProjectFile) -> Iterator[Finding]:
        facts = file.facts.hooks
        mended = {index for plan, _ in facts.one_shots for index in plan.sites}
        for index, site in enumerate(facts.sites):
            for note in site.notes:
                if index not in mended or note.kind != "removal-in-hook":
                    yield self._refused(file, site, f"`{site.receiver}`: the hook has a flaw", note)

    def _unknown(self, file: ProjectFile, site: HookSite) -> HookNote | None:
        """Why the receiver may be no module, so that nobody knows what the registration gives back."""
        for path, facts in file.project.files.items():
            if site.method in facts.hooks.overridden:
                return HookNote("unknown-receiver", f"`{path}` defines its own `{site.method}`", site.line, site.column)
        if site.receiver_known:
            return None
        return HookNote("unknown-receiver", f"`{site.receiver}` is not known to be a module", site.line, site.column)

    def _detached(self, file: ProjectFile, output: StoredOutput) -> Iterator[Finding]:
        project, complete = file.project, file.project.complete
        if output.owner:
            cls = next((cls for cls in project.classes_of(file.path) if cls.qualname == output.owner), None)
            if cls is None or not is_private(cls, output.attribute):
                return
        site = file.facts.hooks.sites[output.site]
        message = f"the hook keeps the graph of `{output.source}`, and only its values are read"
        source, title, note = f"{output.source}.detach()", "Detach what the hook stores", output.note
        if output.changed is not None:
            source, title = f"{source}.clone()", "Detach and copy what the hook stores"
            note = f"line {output.changed.line} changes it in place, and the hook then keeps what it was before that"
        applicability = Applicability.UNSAFE if note else Applicability.SAFE
        if output.owner and not complete:
            applicability, note = Applicability.DISPLAY, "the rest of the project was not read"
        fix = Fix(title, (ReplaceExpression(file.path, output.span, source),), applicability, note or None)
        where = Location(file.path, output.line, output.column)
        yield Finding(self.name, where, output.span, site.function or SCRIPT, message, fix=fix)

    def _stacked(self, file: ProjectFile, stack: HandleStack) -> Finding:
        site = file.facts.hooks.sites[stack.sites[0]]
        message = f"the handles in `{stack.name}` are not removed when the code before that fails"
        try:
            edits = stacked_edits(file, stack)
        except LookupError as error:
            return self._refused(file, site, message, HookNote("no-name", str(error), site.line, site.column))
        fix = Fix("Hold the hooks with an `ExitStack`", edits, *_early(stack.left_early))
        return self._finding(file, site, message, fix=fix)

    def _paired(self, file: ProjectFile, pair: Pair) -> Finding:
        site = file.facts.hooks.sites[pair.sites[0]]
        message = f"`{site.name}.remove()` is not reached when the code before it fails"
        applicability = Applicability.UNSAFE if pair.left_early else Applicability.SAFE
        note = (
            "the code between may leave early, and then leaves the hook on the module today"
            if pair.left_early
            else None
        )
        fix = Fix("Hold the hook with a `with` statement", paired_edits(file, pair), applicability, note)
        return self._finding(file, site, message, fix=fix)

    def _scoped(self, file: ProjectFile, plan: LocalPlan, certain: bool) -> Finding:
        site = file.facts.hooks.sites[plan.sites[0]]
        try:
            edits = scoped_edits(file, plan)
        except LookupError as error:
            return self._refused(file, site, _message(site), HookNote("no-name", str(error), site.line, site.column))
        note = None if certain else plan.note or "another file may import this one, and see the hooks"
        applicability = Applicability.SAFE if certain else Applicability.UNSAFE
        return self._finding(
            file, site, _message(site), fix=Fix("Take the hook off behind its last use", edits, applicability, note)
        )

    def _one_shot(self, file: ProjectFile, plan: LocalPlan, once: OneShot) -> Finding:
        site = file.facts.hooks.sites[plan.sites[0]]
        message = f"the hook calls `{once.handle}.remove()` while the hooks of the module run"
        try:
            edits = one_shot_edits(file, plan, once)
        except LookupError as error:
            return self._refused(file, site, message, HookNote("removal-in-hook", str(error), site.line, site.column))
        title = "Let a flag stop the hook, and take it off behind the run of the model"
        applicability = Applicability.SAFE if plan.certain else Applicability.UNSAFE
        note = None if plan.certain else "if the module does not run here, the hook no longer waits for the next run"
        return self._finding(file, site, message, fix=Fix(title, edits, applicability, note))

    def _owned(self, file: ProjectFile, loose: set[int]) -> Iterator[Finding]:
        """One finding for each class whose objects register hooks and lose the handles."""
        sites = [file.facts.hooks.sites[index] for index in sorted(loose)]
        for cls in file.project.classes_of(file.path):
            own = [site for site in sites if site.owner == cls.qualname]
            if not own:
                continue
            loose.difference_update(i for i in set(loose) if file.facts.hooks.sites[i].owner == cls.qualname)
            owner = HandleOwner(cls, own)
            reason = next(owner.blockers(), None)
            if reason is not None:
                kind, why, where = reason
                yield self._finding(file, own[0], _message(own[0]), refusal=Refusal(kind, why, where))
                continue
            applicability, note = owner.applicability()
            attr, remover = owner.names
            title = f"Keep the handles in `self.{attr}`, for `{remover}()`"
            fix = Fix(title, tuple(owner.edits()), applicability, note, owner.claims())
            yield self._finding(file, own[0], _message(own[0]), fix=fix)

    def _returned(self, file: ProjectFile, function: Instrumenter) -> Finding:
        site = file.facts.hooks.sites[function.sites[0]]
        blocker = function.blocker
        if blocker is None and file.project.objects.is_mentioned_elsewhere(file.path, function.name):
            blocker = HookNote(
                "result-is-used", f"another file may use what `{function.name}` returns", site.line, site.column
            )
        if blocker is None and not function.free:
            blocker = HookNote("no-name", "the names for the handles are taken", site.line, site.column)
        if blocker is not None and function.holder and function.free:
            title = f"Keep the handles in `{function.holder}.{HELD_LIST}`"
            why = f"{blocker.reason}, which gets an attribute"
            fix = Fix(title, held_edits(file, function), Applicability.UNSAFE, why)
            return self._finding(file, site, _message(site), fix=fix)
        if blocker is not None:
            return self._refused(file, site, _message(site), blocker)
        complete = file.project.complete
        applicability = Applicability.SAFE if complete else Applicability.DISPLAY
        note = None if complete else "the rest of the project was not read"
        fix = Fix("Return the handles", returned_edits(file, function), applicability, note)
        return self._finding(file, site, _message(site), fix=fix)

    def _refused(self, file: ProjectFile, site: HookSite, message: str, note: HookNote) -> Finding:
        refusal = Refusal(note.kind, note.reason, Location(file.path, note.line, note.column))
        return self._finding(file, site, message, refusal=refusal)

    def _finding(
        self, file: ProjectFile, site: HookSite, message: str, *, fix: Fix | None = None, refusal: Refusal | None = None
    ) -> Finding:
        where = Location(file.path, site.line, site.column)
        return Finding(self.name, where, site.span, site.function or SCRIPT, message, fix=fix, refusal=refusal)


def _early(left: bool) -> tuple[Applicability, str | None]:
    """How safe it is to hold hooks that are removed today, unless the code between leaves early."""
    if not left:
        return Applicability.SAFE, None
    return Applicability.UNSAFE, "the code between may leave early, which leaves the hook on the module today"


def _message(site: HookSite) -> str:
    return f"`{site.receiver}.{site.method}(...)`: the handle is lost"
