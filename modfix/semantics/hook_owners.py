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
from modfix.semantics.names import may_name
from modfix.semantics.new_modules import NewModules
from modfix.semantics.project import Project
from modfix.semantics.torch_names import canonical, is_plain_base
from modfix.semantics.truth import Truth

_LISTS = ("_hook_handles", "_registered_hook_handles")
_REMOVERS = ("remove_hooks", "remove_hook_handles", "remove_registered_hooks")
_EACH_CALL = frozenset({"__call__", "forward", "training_step", "validation_step"})
_OWN_INIT = frozenset({"__init__", "__new__"})
_BARE_BASES = frozenset({"builtins.object", "torch.nn.Module"})
_CONTEXT = ("__enter__", "__exit__", "close")
_DYNAMIC = frozenset({"__dict__", "computed-attribute", "named-attribute", "rebound-self"})
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
            yield from self._of_new_init()
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

    def _of_new_init(self) -> Iterator[Reason]:
        """Why a class without `__init__` cannot get one."""
        cls = self.cls
        bases = [base for base in cls.bases if not isinstance(base, str) or canonical(base) not in _BARE_BASES]
        if self.sites[0].owner_top is None or bases or cls.facts.decorators or _OWN_INIT & cls.facts.body_names:
            reason = f"`{cls.name}` has no `__init__` of its own to create a list of handles, and may inherit one"
            yield "no-init", reason, cls.location
        for below in sorted(cls.descendants, key=lambda c: (c.path, c.facts.span)):
            if len(below.bases) > 1:  # where an `__init__` here might be the wrong one
                yield "no-init", f"`{below.name}` has other base classes besides `{cls.name}`", below.location

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
                if kept.creator != "__init__":
                    fits = owner is cls and all(
                        site.owner_method == kept.creator and kept.created < site.span for site in self.sites
                    )
                elif owner is cls:
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
        return self._names.claims((*self.names, *(_CONTEXT if self._is_extractor else ())))

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
            for method in (source, *self._context(remover)):
                yield AddMethod(path, self.cls.span, method, self.sites[-1].owner_method)

    @property
    def _is_extractor(self) -> bool:
        """Whether the class is a plain one that hooks a model which it was given, so that a block may need it."""
        cls = self.cls
        plain = all(isinstance(base, str) and canonical(base) in _BARE_BASES for base in cls.bases)
        given = all(site.given for site in self.sites)
        return plain and given and cls.is_torch_module is Truth.NO and all(map(self._names.is_free, _CONTEXT))

    def _context(self, remover: str) -> Iterator[str]:
        """The methods that make a context manager of an extractor."""
        if self._is_extractor:
            yield "def __enter__(self):\n    return self\n"
            yield "def __exit__(self, *exc_info):\n    self.close()\n"
            docstring = '"""Take the hooks off again, as the end of a `with` block does."""'
            yield f"def close(self):\n    {docstring}\n    self.{remover}()\n"

    def _create(self, attr: str) -> Edit:
        cls, init, first = self.cls, self.cls.facts.init, self.sites[0].owner_init
        if first is None:
            assert self.sites[0].owner_top is not None
            above = "    super().__init__()\n" if cls.is_torch_module is Truth.YES else ""
            source = f"def __init__(self):\n{above}    self.{attr} = []\n"
            return InsertBefore(cls.path, self.sites[0].owner_top, source)
        assert init is not None
        assert first is not None
        source = f"{init.self_name}.{attr} = []"
        plain = all(is_plain_base(base) for base in cls.bases if isinstance(base, str)) and not cls.ancestors
        if not plain and init.after_bases is not None and self._behind_bases:
            return InsertAfter(cls.path, init.after_bases, source)
        return InsertBefore(cls.path, first, source)


def is_private(cls: ModuleClass, attr: str) -> bool:
    """Whether only the methods of ``cls`` itself reach an attribute of its objects, as far as the project shows."""
    project = cls.project
    if cls.foreign_base is not None or any(project.outside_readers(cls, attr)):
        return False
    if any(attr in facts.mentioned for facts in project.files.values()):  # through any other object than `self`
        return False
    related = cls.relatives
    if any(attr in other.facts.attributes for other in related if other is not cls):
        return False
    notes = [note for other in related for note in other.facts.notes if note.kind in _DYNAMIC]
    return not any(note.kind == "named-attribute" or may_name(note.detail, attr) for note in notes)


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
