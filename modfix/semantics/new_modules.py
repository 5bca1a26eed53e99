"""Further submodules of a class: what stands in the way, what they may be called, where they go."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from modfix.model.edit import Edit, EnsureImport, InsertBefore, ReplaceCall, ReplaceExpression
from modfix.model.finding import Applicability, Finding, Fix, Refusal
from modfix.model.span import Location
from modfix.semantics.attributes import DYNAMIC_METHODS
from modfix.semantics.construction import Construction, Place
from modfix.semantics.doubts import picked_children, pickled_models
from modfix.semantics.facts import Argument, ArgumentForm, CallPlace, TorchCall, UseForm
from modfix.semantics.inheritance import Reason, base_reasons, layer_reasons
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.names import may_name
from modfix.semantics.readers import ChildWalk
from modfix.semantics.set_once import argument_doubts, options_of_objects, set_once
from modfix.semantics.torch_names import LOSS_BASES
from modfix.semantics.truth import Truth

_IF_CONSTANT = " if its arguments stay as they are"
_BY_NAME = (UseForm.STORE, UseForm.DELETE, UseForm.STRING)  # what another object may do with a name that is new


class StoredCall(NamedTuple):
    """A call in a method that is to become one of a module of the object."""

    call: TorchCall
    module: str  # dotted name of its class
    arguments: str  # of its constructor, as source
    given: tuple[Argument, ...]  # those of the call that the constructor takes
    name: str  # what its attribute would be called
    kept: int | None  # the argument that it is called with, by index; None: it takes the place of the whole call
    shown: str  # the function or class for people, e.g. `F.relu`
    message: str  # what to say of the call if it stays


@dataclass(frozen=True)
class NewModules:
    """Further submodules of one class."""

    cls: ModuleClass

    def findings(
        self,
        codemod: str,
        wanted: Iterable[tuple[StoredCall, Iterator[Reason]]],
        message: str,
        title: str,
        *,
        share: bool,
    ) -> Iterator[Finding]:
        """One finding with a fix for the calls that can use modules of the object, and one refusal for each other.

        Args:
            codemod: its name.
            wanted: the calls, in order of evaluation, each with what the codemod itself has against it.
            message: of the fix; ``{what}`` are the functions or classes, ``{calls}`` how many, ``{method}`` the first.
            title: of the fix, in the same way.
            share: one module for all calls with the same arguments, in place of one for each call.
        """
        blocked = next(self.blockers(), None)
        certain: list[StoredCall] = []
        doubtful: list[StoredCall] = []  # a fix of their own, which may wait for the user to agree
        doubts: dict[str, None] = {}
        for stored, reasons in wanted:
            reason = next(chain(reasons, self.place_reasons(stored.call), self.patched(stored.module)), blocked)
            if reason is not None:
                yield self.finding(codemod, stored.call, stored.message, Refusal(*reason))
            elif notes := list(argument_doubts(self.cls, stored.given)):
                doubtful.append(stored)
                doubts.update(dict.fromkeys(notes))
            else:
                certain.append(stored)
        for calls, doubt, condition in ((certain, None, ""), (doubtful, "; ".join(doubts), _IF_CONSTANT)):
            if calls:
                words = {
                    "what": ", ".join(dict.fromkeys(f"`{stored.shown}`" for stored in calls)),
                    "calls": f"{len(calls)} calls" if len(calls) > 1 else "1 call",
                    "method": f"`{calls[0].call.method}`",
                }
                outcome = self._fix(calls, title.format(**words), doubt, share=share)
                yield self.finding(codemod, calls[0].call, message.format(**words) + condition, outcome)

    def finding(self, codemod: str, call: TorchCall, message: str, outcome: Fix | Refusal) -> Finding:
        """A finding about one call."""
        where, subject = Location(self.cls.path, call.line, call.column), f"{self.cls.qualname}.{call.method}"
        if isinstance(outcome, Fix):
            return Finding(codemod, where, call.span, subject, message, fix=outcome)
        return Finding(codemod, where, call.span, subject, message, refusal=outcome)

    def _fix(self, calls: Sequence[StoredCall], title: str, doubt: str | None, *, share: bool) -> Fix | Refusal:
        try:
            named = list(self._named(calls, share=share))
            edits = [*self._replaced(named), *self._creation(named)]
        except LookupError as error:
            return Refusal("no-name", str(error), self.cls.location)
        applicability, note = self.applicability({stored.module.rpartition(".")[2] for stored in calls}, doubt)
        claims = self.claims([name for _, name in named])
        return Fix(title, tuple(edits), applicability, note, claims, self.frees(s.call.function for s in calls))

    def _named(self, calls: Sequence[StoredCall], *, share: bool) -> Iterator[tuple[StoredCall, str]]:
        """Every call with the name of the attribute that it calls; `LookupError` says that there is none."""
        groups: dict[str, dict[object, list[StoredCall]]] = {}
        for index, stored in enumerate(calls):
            key = (stored.module, stored.arguments) if share else index
            groups.setdefault(stored.name, {}).setdefault(key, []).append(stored)
        for base, alike in groups.items():
            for name, same in zip(self.free_names(base, len(alike)), alike.values(), strict=True):
                yield from ((stored, name) for stored in same)

    def _replaced(self, named: Iterable[tuple[StoredCall, str]]) -> Iterator[Edit]:
        path = self.cls.path
        for stored, name in named:
            attribute = f"{self.cls.facts.methods[stored.call.method].parameters[0]}.{name}"
            if stored.kept is None:
                yield ReplaceExpression(path, stored.call.span, attribute)
            else:
                yield ReplaceCall(path, stored.call.span, attribute, (stored.kept,))

    def frees(self, functions: Iterable[str]) -> frozenset[tuple[str, str]]:
        """The imports through which the file may reach these functions, as for `Fix.frees`."""
        path, wanted = self.cls.path, [f"{function}." for function in functions]
        bindings = self.cls.project.files[path].bindings
        return frozenset((path, name) for name, ref in bindings.items() if any(w.startswith(f"{ref}.") for w in wanted))

    # What stands in the way

    def blockers(self) -> Iterator[Reason]:
        """Why the class cannot get another submodule without something that depends on its children noticing."""
        yield from self._of_bases()
        yield from self._of_init()
        yield from self._of_descendants()
        yield from self._of_readers()

    def reasons_of_children(self) -> Iterator[Reason]:
        """Why something that depends on the children of the class certainly notices another one."""
        yield from self._of_bases()
        yield from self._of_readers()

    def _of_bases(self) -> Iterator[Reason]:
        cls = self.cls
        yield from base_reasons([cls], sorted(cls.lineage, key=lambda c: (c.path, c.facts.span)))
        yield from layer_reasons(cls, LOSS_BASES)

    def _of_init(self) -> Iterator[Reason]:
        cls, init = self.cls, self.cls.facts.init
        if "__init__" not in cls.facts.methods:
            alone = cls.facts.bases == ("torch.nn.Module",) and all(len(d.bases) == 1 for d in cls.descendants)
            if not alone:
                yield "no-init", f"`{cls.name}` has no `__init__` of its own", cls.location
        elif init is None:
            yield "no-init", f"`{cls.name}` has no `__init__` of its own", cls.location
        elif not init.bases:
            where = Location(cls.path, cls.facts.methods["__init__"].line, 1)
            yield "no-super-init", "`__init__` does not certainly call that of its base class", where

    def _of_descendants(self) -> Iterator[Reason]:
        """Subclasses that never run the ``__init__`` in which the module is created."""
        for below in sorted(self.cls.descendants, key=lambda c: (c.path, c.facts.span)):
            if not below.runs_init_of(self.cls):
                yield "skips-init", f"`{below.name}` may not run `{self.cls.name}.__init__`", below.location
        for stray in self.cls.project.strays:
            init = stray.facts.init
            skips = "__init__" in stray.facts.methods and (init is None or not init.bases)
            if skips and stray is not self.cls and stray.is_torch_module is not Truth.NO:
                reason = f"`{stray.name}`, which may derive from `{self.cls.name}`, does not call its `__init__`"
                yield "skips-init", reason, stray.location

    def _of_readers(self) -> Iterator[Reason]:
        cls = self.cls
        for related in sorted(cls.relatives, key=lambda c: (c.path, c.facts.span)):
            for note in related.facts.notes:
                if note.reads or note.kind in ("named-module", "named-attribute") or note.detail:
                    continue  # names that exist in any case; `free_names` leaves out those that come into being
                if note.kind == "rebound-self" and related.facts.method_at(note.line) != "__init__":
                    continue  # a matter of that method, see `place_reasons`
                where = Location(related.path, note.line, note.column)
                yield "dynamic-access", f"attributes or children are reached in a dynamic way (`{note.kind}`)", where
            for name in sorted(DYNAMIC_METHODS & related.facts.body_names):
                yield "dynamic-access", f"`{related.name}` defines `{name}`", related.location
        yield from (self._walk_reason(walk) for walk in cls.project.child_walks(cls) if walk.known)

    def _walk_reason(self, walk: ChildWalk) -> Reason:
        which = "also" if walk.known else "perhaps"
        reason = f"children are picked by position or number here, {which} those of a `{self.cls.name}`"
        return "child-walk", reason, walk.location

    def argument_reasons(self, call: TorchCall, argument: Argument, what: str) -> Iterator[Reason]:
        """Why the constructor of a module cannot take an argument of a call (``what`` it is, for people)."""
        where = Location(self.cls.path, call.line, call.column)
        if argument.form is ArgumentForm.CONSTANT:
            return
        if argument.form not in (ArgumentForm.ATTRIBUTE, ArgumentForm.OPTION):
            yield "dynamic-argument", f"{what} may change from call to call", where
        elif self.cls.facts.init is not None and self._place(call, [argument]) is None:
            yield "runs-in-init", f"{what} is not set yet when `{call.method}` may run first", where
        for attr in argument.attributes:
            yield from set_once(self.cls, attr)
        for option in argument.options:
            yield from options_of_objects(self.cls, option)

    def place_reasons(self, call: TorchCall) -> Iterator[Reason]:
        """Why the method that holds a call cannot use a module of the object."""
        where = Location(self.cls.path, call.line, call.column)
        if call.place is CallPlace.CLASS:
            yield "no-self", "a class method has no object to keep a module", where
        elif call.method == "__init__":
            yield "in-init", "it runs, or is defined, in `__init__`", where
        elif any(call.method in Construction(base).runs for base in self.cls.ancestors):
            yield "runs-in-init", f"`{call.method}` may run in the `__init__` of a base class", where
        elif self.cls.facts.init is not None and self._place(call, ()) is None:
            yield "runs-in-init", f"`{call.method}` may run before `__init__` could create a module", where
        for note in self.cls.facts.notes:
            if note.kind == "rebound-self" and self.cls.facts.method_at(note.line) == call.method:
                place = Location(self.cls.path, note.line, note.column)
                yield "rebound-self", f"`{call.method}` may run on another object from here on", place
        project = self.cls.project
        for name in dict.fromkeys((call.method, "forward")):
            for reader in project.outside_readers(self.cls, name):
                if reader.form in (UseForm.STORE, UseForm.DELETE) and name not in reader.reads:  # else it is wrapped
                    yield "patched-method", f"`{reader.receiver}.{name}` is replaced here", reader.location
        for location in project.borrowers(self.cls, call.method):
            yield "borrowed-method", f"`{call.method}` is taken from the class, perhaps for other objects", location

    def patched(self, module: str) -> Iterator[Reason]:
        """Where the project changes a class of torch, so that it may not do what the function does."""
        for location, note in self.cls.project.notes("patched-class"):
            if note.detail in (module.rpartition(".")[2], "Module"):
                yield "patched-class", f"the project changes `nn.{note.detail}` here", location

    def applicability(self, modules: Collection[str], doubt: str | None = None) -> tuple[Applicability, str | None]:
        """How safe it is to create modules of these classes (bare names), as far as the rest of the project says.

        A ``doubt`` is what the caller knows to be uncertain.
        """
        if not self.cls.project.complete:
            return Applicability.DISPLAY, "the rest of the project was not read"
        doubts = [note for note in (doubt, next(self._doubts(modules), None)) if note is not None]
        return (Applicability.UNSAFE, "; ".join(doubts)) if doubts else (Applicability.SAFE, None)

    def _doubts(self, modules: Collection[str]) -> Iterator[str]:
        project = self.cls.project
        yield from pickled_models(project, "lack the modules")
        for location, dispatch in project.notes("type-dispatch"):
            if set(modules) & set(dispatch.detail.split(",")):
                yield f"{location} tells modules of type {dispatch.detail} apart"
        yield from picked_children(project, [self.cls])

    # Names

    def free_names(self, base: str, count: int) -> list[str]:
        """Names for ``count`` new attributes: ``relu``, or ``relu1``, ``relu2``; nobody uses any of them."""
        for suffix in ("", "_layer", "_module", "_op"):
            stem = base + suffix
            names = (
                [stem]
                if count == 1
                else [f"{stem}{'_' if any(map(str.isdigit, stem)) else ''}{n}" for n in range(1, count + 1)]
            )
            if all(map(self.is_free, names)):
                return names
        raise LookupError(f"no free name for `{base}` in `{self.cls.qualname}`")

    def is_free(self, name: str) -> bool:
        """Whether nobody uses the name for an attribute of such an object."""
        if keyword.iskeyword(name) or name in self.cls.known_names:
            return False
        if any(reader.form in _BY_NAME for reader in self.cls.project.outside_readers(self.cls, name)):
            return False
        if any(name in stray.facts.mentioned for stray in self.cls.project.strays):
            return False
        notes = (note for related in self.cls.relatives for note in related.facts.notes)
        return not any(note.detail and may_name(note.detail, name) for note in notes)

    def claims(self, names: Collection[str]) -> frozenset[str]:
        """What a fix that creates these attributes takes: the names, in every class whose objects may share them."""
        related = [f"{related.path}:{related.qualname}" for related in self.cls.relatives]
        return frozenset(f"{cls}.{name}" for cls in related for name in names)

    # Place

    @cached_property
    def construction(self) -> Construction:
        """Of the objects of the class."""
        return Construction(self.cls)

    def _creation(self, named: Iterable[tuple[StoredCall, str]]) -> Iterator[Edit]:
        """The edits that create the modules of calls in attributes of these names.

        A class without ``__init__`` gets one, above its first method.

        Raises:
            LookupError: ``nn`` means something else in the file.
        """
        init, path = self.cls.facts.init, self.cls.path
        self_name = init.self_name if init is not None else "self"
        lines: dict[Place | None, dict[str, None]] = {}
        imports: dict[Edit, None] = {}
        for stored, name in named:
            spelled, needed = self.spelling(stored.module)
            imports.update(dict.fromkeys(needed))
            initialised = stored.module == "torch.nn.LayerNorm"  # by whoever takes it for one with parameters
            place = self._place(stored.call, stored.given, layer=not initialised) if init is not None else None
            lines.setdefault(place, {})[f"{self_name}.{name} = {spelled}({stored.arguments})"] = None
        yield from imports
        for place, source in lines.items():
            if place is not None:
                yield place.insert(path, "\n".join(source))
            else:
                above = min(method.span for method in self.cls.facts.methods.values())
                body = "".join(f"    {line}\n" for line in ("super().__init__()", *source))
                yield InsertBefore(path, above, f"def __init__(self):\n{body}")

    def _place(self, call: TorchCall, given: Iterable[Argument], *, layer: bool = True) -> Place | None:
        attributes = [attr for argument in given for attr in argument.attributes]
        return self.construction.place(call.method, attributes, layer=layer)

    def spelling(self, dotted: str) -> tuple[str, list[Edit]]:
        """How the file writes a name of torch.nn, with the import that this needs.

        Raises:
            LookupError: ``nn`` means something else in the file.
        """
        known = self.cls.spelling(dotted)
        if known is not None:
            return known, []
        if "nn" in self.cls.project.files[self.cls.path].bindings:
            raise LookupError("`nn` means something else in this file")
        return "nn." + dotted.rpartition(".")[2], [EnsureImport(self.cls.path, "torch", "nn")]


def attribute_name(module: str) -> str:
    """What an attribute that holds a module of a class would be called: ``mse_loss`` for ``MSELoss``."""
    words = module.replace("ReLU", "Relu").replace("SiLU", "Silu")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", words).lower()
