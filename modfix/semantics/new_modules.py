"""Where a class can create further submodules: what stands in the way, what they may be called, where they go."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from modfix.model.edit import Edit, EnsureImport, InsertAfter, InsertBefore
from modfix.model.finding import Applicability
from modfix.model.span import Location
from modfix.semantics.attributes import DYNAMIC_METHODS
from modfix.semantics.facts import GIVEN, AttributeFacts, CallPlace, TorchCall, UseForm, ValueKind
from modfix.semantics.inheritance import Reason, base_reasons
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.torch_names import EXTERNAL_MODULE_BASES, is_module_class


@dataclass(frozen=True)
class NewModules:
    """Further submodules of one class."""

    cls: ModuleClass

    def blockers(self) -> Iterator[Reason]:
        """Why the class cannot get another submodule without something that depends on its children noticing."""
        yield from self._of_bases()
        yield from self._of_init()
        yield from self._of_descendants()
        yield from self._of_readers()

    def reasons_of_children(self) -> Iterator[Reason]:
        """Why something that depends on the children of the class certainly notices another one."""
        yield from self._of_bases()
        yield from self._of_readers(known=True)

    def _of_bases(self) -> Iterator[Reason]:
        cls = self.cls
        yield from base_reasons([cls], sorted(cls.lineage, key=lambda c: (c.path, c.facts.span)))
        for base in cls.external_bases:
            layer = is_module_class(base) and base != "torch.nn.Module"
            if layer and base not in EXTERNAL_MODULE_BASES:
                yield "layer-base", f"`{cls.name}` derives from `{base}`, whose attributes it shares", cls.location

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

    def _of_readers(self, *, known: bool = False) -> Iterator[Reason]:
        """Readers of the children; only ``known`` ones, or all that may be of the class."""
        cls = self.cls
        for related in sorted(cls.relatives, key=lambda c: (c.path, c.facts.span)):
            for note in related.facts.notes:
                if note.kind == "computed-attribute" and note.detail:
                    continue  # a name of another kind: `free_names` leaves these out
                where = Location(related.path, note.line, note.column)
                yield "dynamic-access", f"attributes or children are reached in a dynamic way (`{note.kind}`)", where
            for name in sorted(DYNAMIC_METHODS & related.facts.body_names):
                yield "dynamic-access", f"`{related.name}` defines `{name}`", related.location
        for walk in cls.project.child_walks(cls):
            reason = f"children are picked by position or number here, perhaps those of `{cls.name}`"
            if walk.known or not known:
                yield "child-walk", reason, walk.location

    def place_reasons(self, call: TorchCall) -> Iterator[Reason]:
        """Why the method that holds a call cannot use a module of the object."""
        where = Location(self.cls.path, call.line, call.column)
        if call.place is CallPlace.CLASS:
            yield "no-self", "a class method has no object to keep a module", where
        elif call.method == "__init__":
            yield "in-init", "it runs, or is defined, in `__init__`", where
        elif any(call.method in NewModules(base).run_in_construction for base in self.cls.ancestors):
            yield "runs-in-init", f"`{call.method}` may run in the `__init__` of a base class", where
        elif (call.method in self.run_in_construction or not self.at_the_end) and not self.at_the_start:
            yield "runs-in-init", f"`{call.method}` may run before `__init__` could create a module", where

    def applicability(self, modules: Collection[str]) -> tuple[Applicability, str | None]:
        """How safe it is to create modules of these classes (bare names), as far as the rest of the project says."""
        project = self.cls.project
        if not project.complete:
            return Applicability.DISPLAY, "the rest of the project was not read"
        for location, _ in project.notes("whole-model-pickle"):
            note = f"{location} pickles whole models: files written before the change lack the modules"
            return Applicability.UNSAFE, note
        for location, dispatch in project.notes("type-dispatch"):
            if set(modules) & set(dispatch.detail.split(",")):
                return Applicability.UNSAFE, f"{location} tells modules of type {dispatch.detail} apart"
        return Applicability.SAFE, None

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
        if name in self.cls.project.names_set_outside:
            return False
        notes = (note for related in self.cls.relatives for note in related.facts.notes)
        return not any(note.kind == "computed-attribute" and name.startswith(note.detail) for note in notes)

    def claims(self, names: Collection[str]) -> frozenset[str]:
        """What a fix that creates these attributes takes: the names, in every class whose objects may share them."""
        related = [f"{related.path}:{related.qualname}" for related in self.cls.relatives]
        return frozenset(f"{cls}.{name}" for cls in related for name in names)

    # Place

    @cached_property
    def run_in_construction(self) -> frozenset[str]:
        """Methods that may run before ``__init__`` has come to its end."""
        cls = self.cls
        family = (cls, *cls.ancestors)
        found = {"__init__"}
        init = cls.facts.init
        if init is not None and init.runs_self:
            found.update(("forward", "__call__"))
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            for member in family:
                method = member.facts.methods.get(name)
                if method is None:
                    continue
                handed = (
                    attr
                    for attr, facts in member.facts.attributes.items()
                    if any(use.method == name and use.form is UseForm.VALUE for use in facts.uses)
                )
                for called in (*method.self_calls, *handed):
                    if called not in found and called != GIVEN:
                        found.add(called)
                        waiting.append(called)
        return frozenset(found - {"__init__"})

    @property
    def at_the_end(self) -> bool:
        """Whether the end of ``__init__`` is certainly reached."""
        init = self.cls.facts.init
        return init is None or not init.returns

    @property
    def at_the_start(self) -> bool:
        """Whether there is a place directly behind the ``__init__`` of the base class."""
        init = self.cls.facts.init
        return init is None or init.after_bases is not None

    def create(self, modules: Iterable[tuple[str, str, str, bool]]) -> Iterator[Edit]:
        """The edits that create modules, given as (dotted class, arguments as source, name, whether early).

        Early ones are created directly behind the ``__init__`` of the base class, the others at the end. A class
        without ``__init__`` gets one, above its first method.

        Raises:
            LookupError: ``nn`` means something else in the file.
        """
        init, path = self.cls.facts.init, self.cls.path
        self_name = init.self_name if init is not None else "self"
        first: dict[str, None] = {}
        last: dict[str, None] = {}
        imports: dict[Edit, None] = {}
        for module, arguments, name, early in modules:
            spelled, needed = self.spelling(module)
            imports.update(dict.fromkeys(needed))
            (first if early else last)[f"{self_name}.{name} = {spelled}({arguments})"] = None
        yield from imports
        if init is None:
            above = min(method.span for method in self.cls.facts.methods.values())
            body = "".join(f"    {line}\n" for line in ("super().__init__()", *first, *last))
            yield InsertBefore(path, above, f"def __init__(self):\n{body}")
            return
        if first:
            assert init.after_bases is not None
            yield InsertAfter(path, init.after_bases, "\n".join(first))
        if last:
            insert = InsertBefore if init.ends else InsertAfter
            yield insert(path, init.last, "\n".join(last))

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


def set_once(cls: ModuleClass, attr: str) -> Iterator[Reason]:
    """Why ``self.<attr>`` may have another value later than at the end of ``cls.__init__``.

    Nothing when it is a plain value, set while an object of ``cls`` itself is built and never again.
    """
    owners = (cls, *cls.ancestors)
    if any(attr in owner.facts.methods for owner in owners):
        yield "not-static", f"`{attr}` is a method or property", cls.location
    bound = any(attr in owner.facts.body_names for owner in owners)
    if not bound and all(not (f := owner.attribute(attr)) or not f.definitions for owner in owners):
        yield "not-static", f"no class of the project sets `self.{attr}`", cls.location
    for member in cls.family(attr):
        facts = member.attribute(attr)
        if facts is not None:
            yield from _changes(cls, member, facts)
    for reader in cls.project.outside_readers(cls, attr):
        if reader.form in (UseForm.STORE, UseForm.DELETE, UseForm.STRING):
            yield "set-later", f"`{reader.receiver}.{attr}` is set here, and may be this attribute", reader.location


def _changes(cls: ModuleClass, member: ModuleClass, facts: AttributeFacts) -> Iterator[Reason]:
    """What one class of the family does to an attribute that must keep the value it has when ``cls`` is built."""
    for definition in facts.definitions:
        at = Location(member.path, definition.line, definition.column)
        if member not in (cls, *cls.ancestors) or definition.method != "__init__":
            yield "set-later", f"`self.{facts.name}` is set here, perhaps after the module has been created", at
        elif definition.kind is ValueKind.NONE or definition.nones or definition.optional_name:
            yield "optional-argument", f"`self.{facts.name}` may be `None`", at
        elif definition.kind is ValueKind.CALL and any(
            ref.startswith("torch.") or cls.project.is_module_value(cls, ref) for ref in definition.refs
        ):
            yield "not-static", f"`self.{facts.name}` may be a tensor or a module", at
    for use in facts.uses:
        if use.form in (UseForm.STORE, UseForm.DELETE) or (use.form is UseForm.STRING and use.detail != "getattr"):
            yield "set-later", f"`self.{facts.name}` changes here", Location(member.path, use.line, use.column)
    for guard in facts.guards:
        where = Location(member.path, guard.line, guard.column)
        yield "optional-argument", f"`self.{facts.name}` is tested here, and may be `None`", where
