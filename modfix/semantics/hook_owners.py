"""Whether an object can keep the handles of the hooks that it registers, and the edits that make it do so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from modfix.model.edit import AddMethod, Edit, InsertAfter, InsertBefore, WrapExpression
from modfix.model.finding import Applicability
from modfix.model.span import Location
from modfix.semantics.doubts import pickled_models
from modfix.semantics.hook_facts import Handle, HandleList, HookSite
from modfix.semantics.inheritance import Reason
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.new_modules import NewModules
from modfix.semantics.project import Project
from modfix.semantics.torch_names import is_plain_base

_LISTS = ("_hook_handles", "_registered_hook_handles")
_REMOVERS = ("remove_hooks", "remove_hook_handles", "remove_registered_hooks")
_EACH_CALL = frozenset({"__call__", "forward", "training_step", "validation_step"})
_OWN_ATTRIBUTES = frozenset({"__slots__", "__setattr__", "__getattribute__"})


class _Kept(NamedTuple):
    """A list that is there already, and the class that has it."""

    cls: ModuleClass
    facts: HandleList


class HandleOwner:
    """A class and the registrations of its methods whose handles nobody keeps, in source order."""

    def __init__(self, cls: ModuleClass, sites: Sequence[HookSite]) -> None:
        self.cls = cls
        self.sites = sites
        self._names = NewModules(cls)

    def blockers(self) -> Iterator[Reason]:
        """Why objects of the class cannot keep the handles; the first reason counts."""
        cls = self.cls
        for site in self.sites:
            if site.owner_method in _EACH_CALL:
                where = Location(cls.path, site.line, site.column)
                yield "each-call", f"each call of `{site.owner_method}` registers another hook", where
        for related in (cls, *cls.ancestors):
            for name in sorted(_OWN_ATTRIBUTES & related.facts.body_names):
                yield "dynamic-access", f"`{related.name}` defines `{name}`", related.location
        for related in sorted(cls.relatives, key=lambda c: (c.path, c.facts.span)):
            for note in related.facts.notes:
                if note.kind == "__dict__":
                    where = Location(related.path, note.line, note.column)
                    yield "dynamic-access", "all attributes are reached in a dynamic way (`__dict__`)", where
        if self._existing is None:
            yield from self._of_init()

    def _of_init(self) -> Iterator[Reason]:
        cls = self.cls
        if self.sites[0].owner_init is None:
            yield "no-init", f"`{cls.name}` has no `__init__` of its own to create a list of handles", cls.location
        elif self._only_in_init:
            return
        elif cls.foreign_base is not None:
            reason = f"`{cls.name}` derives from a class that is not known, and may register hooks before it has a list"
            yield "unknown-base", reason, cls.location
        for below in sorted(cls.descendants, key=lambda c: (c.path, c.facts.span)):
            if not self._only_in_init and not below.runs_init_of(cls):
                yield "skips-init", f"`{below.name}` may not run `{cls.name}.__init__`", below.location
        if not all(map(self._free, (_LISTS, _REMOVERS))):
            yield "no-name", "the names for a list of handles and a method are taken", cls.location

    @property
    def _only_in_init(self) -> bool:
        return all(site.owner_method == "__init__" for site in self.sites)

    @cached_property
    def _existing(self) -> _Kept | None:
        """A list of handles that every object has when it registers these hooks."""
        cls = self.cls
        for owner in (cls, *cls.ancestors):
            for kept in cls.project.files[owner.path].hooks.lists:
                if kept.owner != owner.qualname or kept.created is None:
                    continue
                if owner is cls:
                    fits = kept.early or (self._only_in_init and all(kept.created < site.span for site in self.sites))
                else:
                    fits = cls.runs_init_of(owner) and self._behind_bases
                if fits:
                    return _Kept(owner, kept)
        return None

    @property
    def _behind_bases(self) -> bool:
        """Whether all hooks are registered when the `__init__` of the base classes has run."""
        init = self.cls.facts.init
        if "__init__" not in self.cls.facts.methods:
            return self._not_called_above
        if init is None or init.after_bases is None:
            return False
        behind = all(init.after_bases < site.span for site in self.sites if site.owner_method == "__init__")
        return behind and self._not_called_above

    @property
    def _not_called_above(self) -> bool:
        called = {name for above in self.cls.ancestors for name in above.called_names}
        return not any(site.owner_method in called for site in self.sites if site.owner_method != "__init__")

    def _free(self, wanted: Sequence[str]) -> str:
        return next((name for name in wanted if self._names.is_free(name)), "")

    def applicability(self) -> tuple[Applicability, str | None]:
        """How safe it is, as far as the rest of the project says."""
        project = self.cls.project
        if not project.complete:
            return Applicability.DISPLAY, "the rest of the project was not read"
        if self._existing is not None:
            name, remover = self._existing.facts.name, self._existing.facts.remover
            called = any(remover in facts.mentioned for facts in project.files.values())
            called = called or any(remover in related.called_names for related in self.cls.relatives)
            if remover and (called or name not in _LISTS):
                return Applicability.UNSAFE, f"`{remover}` will take these hooks off, too, as all in `{name}`"
            for reader in project.outside_readers(self.cls, name):
                return Applicability.UNSAFE, f"{reader.location} reads `{name}`, which gets these handles, too"
        elif not self._only_in_init:
            for note in pickled_models(project, "have no list of handles"):
                return Applicability.UNSAFE, note
        return Applicability.SAFE, None

    @property
    def names(self) -> tuple[str, str]:
        """The attribute that holds the handles, and the method that removes the hooks."""
        kept = self._existing
        if kept is None:
            return self._free(_LISTS), self._free(_REMOVERS)
        return kept.facts.name, kept.facts.remover or self._free(_REMOVERS)

    def claims(self) -> frozenset[str]:
        """The names that the fix takes."""
        return self._names.claims(self.names)

    def edits(self) -> Iterator[Edit]:
        """The edits that make the object keep the handles."""
        path, (attr, remover) = self.cls.path, self.names
        if self._existing is None:
            yield self._create(attr)
        for site in self.sites:
            yield append(path, site, f"{site.self_name}.{attr}")
        if self._existing is None or not self._existing.facts.remover:
            source = (
                f"def {remover}(self):\n"
                '    """Take the hooks off again."""\n'
                f"    for handle in self.{attr}:\n"
                "        handle.remove()\n"
                f"    self.{attr}.clear()\n"
            )
            yield AddMethod(path, self.cls.span, source, self.sites[-1].owner_method)

    def _create(self, attr: str) -> Edit:
        cls, init, first = self.cls, self.cls.facts.init, self.sites[0].owner_init
        assert init is not None
        assert first is not None
        source = f"{init.self_name}.{attr} = []"
        plain = all(is_plain_base(base) for base in cls.bases if isinstance(base, str)) and not cls.ancestors
        if not plain and init.after_bases is not None and self._behind_bases:
            return InsertAfter(cls.path, init.after_bases, source)
        return InsertBefore(cls.path, first, source)


def append(path: str, site: HookSite, target: str) -> Edit:
    """The edit that appends the handle of ``site`` to the list called ``target``."""
    if site.handle is Handle.UNUSED:
        return InsertAfter(path, site.statement, f"{target}.append({site.name})")
    return WrapExpression(path, site.span, f"{target}.append")


def is_imported(project: Project, path: str) -> bool:
    """Whether another file may import the one at ``path``."""
    stem = path.rpartition("/")[2].removesuffix(".py")
    return any(
        stem in facts.mentioned
        or any(stem in ref.split(".") for ref in (*facts.bindings.values(), *facts.star_imports))
        for where, facts in project.files.items()
        if where != path
    )
