"""A class of the project: its bases and subclasses across files, and what its objects may have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from modfix.model.span import Location, Span
from modfix.semantics.facts import UNKNOWN, AttributeFacts, ClassFacts, MethodFacts, Ref, UseForm, ValueKind
from modfix.semantics.torch_names import (
    EXTERNAL_MODULE_BASES,
    FEW_MEMBERS,
    MODULE_MEMBERS,
    is_container,
    is_module_class,
    is_plain_base,
)
from modfix.semantics.truth import Truth

if TYPE_CHECKING:
    from modfix.semantics.project import Project


@dataclass(frozen=True, eq=False)
class ModuleClass:
    """A class of the project. Identity is that of the object: one per class statement."""

    project: Project
    path: str
    facts: ClassFacts

    @property
    def name(self) -> str:
        """The bare name."""
        return self.facts.name

    @property
    def qualname(self) -> str:
        """The name with the classes and functions around it, e.g. ``Outer.Inner``."""
        return self.facts.qualname

    @property
    def span(self) -> Span:
        """Where the class statement stands, decorators left out."""
        return self.facts.span

    @property
    def location(self) -> Location:
        """The place of the class statement."""
        return Location(self.path, self.facts.line, self.facts.column)

    @cached_property
    def bases(self) -> tuple[ModuleClass | Ref, ...]:
        """The direct bases: classes of the project, dotted names of other packages, or ``?``."""
        return tuple(self.project.resolve_class(self.path, ref, self.facts.span.start) for ref in self.facts.bases)

    @cached_property
    def ancestors(self) -> tuple[ModuleClass, ...]:
        """All project classes above this one, nearest first, without it."""
        found: dict[int, ModuleClass] = {}
        stack = [base for base in self.bases if isinstance(base, ModuleClass)]
        while stack:
            base = stack.pop(0)
            if base is not self and id(base) not in found:
                found[id(base)] = base
                stack.extend(b for b in base.bases if isinstance(b, ModuleClass))
        return tuple(found.values())

    @cached_property
    def descendants(self) -> tuple[ModuleClass, ...]:
        """All project classes below this one, without it."""
        return self.project.descendants(self)

    @cached_property
    def lineage(self) -> frozenset[ModuleClass]:
        """This class, its ancestors and its descendants."""
        return frozenset((self, *self.ancestors, *self.descendants))

    @cached_property
    def relatives(self) -> frozenset[ModuleClass]:
        """The lineage, and what stands beside it: the other ancestors of its descendants."""
        return self.lineage.union(*(cls.ancestors for cls in self.descendants))

    @cached_property
    def external_bases(self) -> tuple[Ref, ...]:
        """Bases outside the project, of this class and all its ancestors."""
        return tuple(base for cls in (self, *self.ancestors) for base in cls.bases if not isinstance(base, ModuleClass))

    @cached_property
    def is_torch_module(self) -> Truth:
        """Whether instances are ``nn.Module``s.

        Unknown as soon as one base cannot be resolved and none is known to be a module.
        """
        external = self.external_bases
        if any(is_module_class(base) or base in EXTERNAL_MODULE_BASES for base in external):
            return Truth.YES
        return Truth.NO if all(map(is_plain_base, external)) else Truth.UNKNOWN

    @cached_property
    def unresolved_base(self) -> Ref | None:
        """The first base of this class or an ancestor that could not be resolved at all, or None."""
        return next((base for base in self.external_bases if base == UNKNOWN or base.startswith(".")), None)

    @cached_property
    def foreign_base(self) -> Ref | None:
        """The first base of this class or an ancestor that another package defines and nothing is known of, or None."""
        return next((base for base in self.external_bases if not _is_known(base)), None)

    @cached_property
    def is_container(self) -> bool:
        """Whether the class derives from a torch container, whose behaviour depends on the number of its children."""
        return any(is_container(base) for base in self.external_bases)

    def method(self, name: str) -> MethodFacts | None:
        """The method of that name, own or inherited."""
        for cls in (self, *self.ancestors):
            if name in cls.facts.methods:
                return cls.facts.methods[name]
        return None

    @cached_property
    def construction(self) -> frozenset[str]:
        """Own methods that run only while the object is built: ``__init__``, and helpers that nothing else calls."""
        methods = [method for cls in (self, *self.ancestors) for method in cls.facts.methods.values()]
        building = {"__init__"}
        while True:
            reached = {name for method in methods if method.name in building for name in method.self_calls}
            more = {
                name
                for name in reached - building
                if any(method.name == name for method in methods)
                and all(not method.decorated for method in methods if method.name == name)
                and all(name not in method.self_calls or method.name in building for method in methods)
                and not self.project.called_elsewhere(self, name)
            }
            if not more:
                return frozenset(building & set(self.facts.methods))
            building |= more

    def family(self, attr: str) -> tuple[ModuleClass, ...]:
        """All classes whose objects may share the attribute with this one's, sorted by path and position.

        These are ancestors and descendants that mention it, and again the relatives of those above that do: when a
        base class reads the attribute, every sibling that defines it is concerned.
        """
        return self.project.family(self, attr).classes

    def runs_init_of(self, above: ModuleClass) -> bool:
        """Whether building an object of this class certainly runs the ``__init__`` of its ancestor ``above``."""
        init = self.facts.init
        if "__init__" in self.facts.methods:
            if init is None or not init.bases:
                return False
            called = init.bases[-1]
            if called not in ("super", f"super:@{self.name}"):
                target = self.project.resolve_class(self.path, called, self.facts.span.end)
                return isinstance(target, ModuleClass) and (target is above or _leads_to(target, above))
        for base in self.bases:
            if base is above:
                return True
            if isinstance(base, ModuleClass) and above in base.ancestors:
                return base.runs_init_of(above)
            if not isinstance(base, ModuleClass) and not is_plain_base(base):
                return False
            if isinstance(base, ModuleClass) and any("__init__" in c.facts.methods for c in (base, *base.ancestors)):
                return False  # it comes first, and may not pass the call on
        return False

    def training_by_hand(self) -> Iterator[tuple[str, str, Location]]:
        """Where ``self.training`` and that of the children may come to differ: `train()` overridden, or it is set."""
        for cls in sorted(self.relatives, key=lambda c: (c.path, c.facts.span)):
            for name in ("train", "eval"):
                if name in cls.facts.methods:
                    where = Location(cls.path, cls.facts.methods[name].line, 1)
                    yield "train-override", f"`{cls.name}` overrides `{name}()`", where
            facts = cls.facts.attributes.get("training")
            stores = [] if facts is None else [(d.line, d.column) for d in facts.definitions]
            stores += [] if facts is None else [(u.line, u.column) for u in facts.uses if u.form is UseForm.STORE]
            for line, column in stores:
                yield "train-override", "`training` is set by hand", Location(cls.path, line, column)
        for reader in self.project.outside_readers(self, "training"):
            if reader.form is UseForm.STORE:
                yield "train-override", f"`{reader.receiver}.training` is set by hand", reader.location

    def attribute(self, attr: str) -> AttributeFacts | None:
        """What this class alone does with ``self.<attr>``."""
        return self.facts.attributes.get(attr)

    @cached_property
    def called_names(self) -> frozenset[str]:
        """The methods that those of this class call on ``self``."""
        return frozenset().union(*(method.self_calls for method in self.facts.methods.values()))

    @cached_property
    def certain_children(self) -> tuple[Ref, ...]:
        """What is called to make the submodules that every object of this class has from its construction on."""
        return tuple(
            definition.refs[0]
            for cls in (self, *self.ancestors)
            for facts in cls.facts.attributes.values()
            for definition in facts.definitions[:1]
            if definition.kind is ValueKind.CALL and definition.method == "__init__" and not definition.branches
            if len(definition.refs) == 1 and cls.project.is_module_value(cls, definition.refs[0])
        )

    @cached_property
    def known_names(self) -> frozenset[str]:
        """Every attribute that an object of this class or a relative may have, as far as the project says."""
        inherited = (FEW_MEMBERS.get(base, MODULE_MEMBERS) for cls in self.relatives for base in cls.external_bases)
        return MODULE_MEMBERS.union(*inherited, *(cls.facts.mentioned for cls in self.relatives))

    @cached_property
    def inherits_unknown_names(self) -> bool:
        """Whether another package may give objects of this class or a relative attributes that nobody here knows."""
        return any(
            not is_plain_base(base) and base not in FEW_MEMBERS for cls in self.relatives for base in cls.external_bases
        )

    def spelling(self, dotted: str, like: str = "") -> str | None:
        """How this file writes the torch name ``dotted``, such as ``torch.nn.Identity``, at module level.

        None without an import. Where it has several ways to write it, the one that the code ``like`` uses for other
        members of the package goes first, then the shortest.
        """
        package, _, name = dotted.rpartition(".")
        bindings = self.project.files[self.path].bindings
        top, _, rest = dotted.partition(".")
        found: list[str] = []
        for wanted, behind in ((dotted, ""), (package, f".{name}"), (top, f".{rest}")):
            names = [bound for bound, ref in bindings.items() if self.project.means(self.path, ref, wanted)]
            last = wanted.rpartition(".")[2]
            stars = self.project.files[self.path].star_imports
            if last not in bindings and any(self.project.means(self.path, star + last, wanted) for star in stars):
                names.append(last)
            if names:
                found.append(min(names, key=lambda bound: (len(bound), bound)) + behind)
        used = (
            spelling
            for spelling in found
            if re.search(rf"(?<![\w.]){re.escape(spelling.removesuffix(name))}[A-Z]", like) and spelling != name
        )
        return next(used, found[0] if found else None)


Resolved: TypeAlias = "ModuleClass | Ref"


def _leads_to(cls: ModuleClass, above: ModuleClass) -> bool:
    return above in cls.ancestors and cls.runs_init_of(above)


def _is_known(base: Ref) -> bool:
    """Whether a base outside the project certainly leaves attributes and children alone."""
    return is_module_class(base) or base in EXTERNAL_MODULE_BASES or is_plain_base(base)
