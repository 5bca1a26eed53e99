"""All files together: modules and re-exports, who inherits from whom, and who touches whose attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple, TypeAlias

from modfix.model.span import Location, Span
from modfix.semantics.facts import (
    NOT_NONE,
    UNKNOWN,
    AttributeFacts,
    ClassFacts,
    FileFacts,
    FunctionFacts,
    MethodFacts,
    Note,
    Origin,
    OutsideUse,
    Receiver,
    Ref,
    UseForm,
    ValueKind,
    Walk,
)
from modfix.semantics.names import is_capitalized, is_class_name, is_configuration
from modfix.semantics.objects import Objects
from modfix.semantics.torch_names import (
    EXTERNAL_MODULE_BASES,
    FEW_MEMBERS,
    LAYER_MEMBERS,
    MODULE_FUNCTIONS,
    MODULE_MEMBERS,
    canonical,
    is_container,
    is_module_class,
    is_plain_base,
)
from modfix.semantics.walks import EMPTINESS, READ, YIELDED


def _is_known(base: Ref) -> bool:
    """Whether a base outside the project certainly leaves attributes and children alone."""
    return is_module_class(base) or base in EXTERNAL_MODULE_BASES or is_plain_base(base)


class Truth(Enum):
    """A three-valued answer.

    Python is dynamic: where the code at hand does not say, the answer is unknown, and unknown means refuse.
    """

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


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
        methods = self.facts.methods
        building = {"__init__"} & set(methods)
        while True:
            more = {
                name
                for caller in building
                for name in methods[caller].self_calls
                if name in methods
                and name not in building
                and not methods[name].decorated
                and all(name not in m.self_calls or m.name in building for m in methods.values())
                and not self.project.called_elsewhere(self, name)
            }
            if not more:
                return frozenset(building)
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


def _leads_to(cls: ModuleClass, above: ModuleClass) -> bool:
    return above in cls.ancestors and cls.runs_init_of(above)


Resolved: TypeAlias = "ModuleClass | Ref"


class Family(NamedTuple):
    """The classes whose objects may share one attribute."""

    classes: tuple[ModuleClass, ...]  # sorted by path and position
    tested: bool  # one of them tests the attribute for None


class OutsideReader(NamedTuple):
    """A use of an attribute through another object than ``self``."""

    location: Location
    form: UseForm
    receiver: str


class Project:
    """The joined facts of all files of one project.

    ``complete`` is false when only part of a project was read (a single file, standard input): what depends on the
    rest is then unknown.
    """

    def __init__(self, files: Mapping[str, FileFacts], *, complete: bool) -> None:
        self.files = files
        self.complete = complete
        self.objects = Objects(self)
        self._classes = {
            path: tuple(ModuleClass(self, path, cls) for cls in facts.classes) for path, facts in files.items()
        }
        self._families: dict[tuple[ModuleClass, str], Family] = {}
        self._child_walks: dict[ModuleClass, tuple[Location, ...]] = {}
        self._resolved: dict[tuple[str, Ref, int | None], Resolved] = {}
        self._module_files: dict[tuple[str, int, str], str | None] = {}
        self._modules: dict[str, list[str]] = {}
        self._top_names: set[str] = set()  # what an absolute import of a module of the project may start with
        for path in files:
            parts = path.rpartition(".")[0].split("/")
            if parts[-1] == "__init__":
                parts.pop()
            for start in range(len(parts)):
                self._modules.setdefault(".".join(parts[start:]), []).append(path)
            self._top_names.update(parts)

    def module_classes(self, path: str) -> Iterator[ModuleClass]:
        """The classes of one file that are or may be torch modules, in source order."""
        for cls in sorted(self._classes.get(path, ()), key=lambda c: c.facts.span):
            if cls.is_torch_module is not Truth.NO:
                yield cls

    def classes(self) -> Iterator[ModuleClass]:
        """All classes of the project."""
        for classes in self._classes.values():
            yield from classes

    @cached_property
    def strays(self) -> tuple[ModuleClass, ...]:
        """The classes with a base that cannot be resolved, and so perhaps is any class of the project."""
        return tuple(cls for cls in self.classes() if UNKNOWN in cls.bases)

    def classes_of(self, path: str) -> tuple[ModuleClass, ...]:
        """The classes of one file."""
        return self._classes.get(path, ())

    # Names

    def resolve_class(self, path: str, ref: Ref, before: int) -> Resolved:
        """What a reference in ``path`` stands for: a class of the project, a dotted name outside, or ``?``.

        Of several classes of one name in the file the last one above the offset ``before`` counts.
        """
        found = self.resolve(path, ref, before, frozenset())
        return found if isinstance(found, ModuleClass) or "@" not in found else UNKNOWN

    def means(self, path: str, ref: Ref, wanted: str) -> bool:
        """Whether ``ref`` in ``path`` is the dotted name ``wanted``, perhaps through re-exports of the project."""
        if ref == wanted:
            return True
        last = ref.rpartition(".")[2]
        return last == wanted.rpartition(".")[2] and self.resolve(path, ref, None, frozenset()) == wanted

    def is_module_value(self, cls: ModuleClass, ref: Ref) -> bool:
        """Whether calling ``ref`` inside ``cls`` certainly makes an ``nn.Module``.

        A constructor, or a function that returns only such.
        """
        return self._makes_module(cls, cls.path, ref, cls.facts.span.start, frozenset())

    def _makes_module(
        self, cls: ModuleClass | None, path: str, ref: Ref, before: int, seen: frozenset[tuple[str, str]]
    ) -> bool:
        if (path, ref) in seen or ref == UNKNOWN or ref.startswith("$"):
            return False
        seen |= {(path, ref)}
        if ref.startswith("self."):
            method = cls.method(ref[5:]) if cls is not None else None
            overridden = cls is not None and any(ref[5:] in d.facts.methods for d in cls.descendants)
            if cls is None or method is None or overridden or method.decorated or not method.returns:
                return False
            return all(self._makes_module(cls, path, made, before, seen) for made in method.returns)
        target = self.resolve(path, ref, None, frozenset())
        if isinstance(target, ModuleClass):
            return target.is_torch_module is Truth.YES and not any(
                "__new__" in c.facts.methods for c in (target, *target.ancestors)
            )
        if target.startswith("@"):
            where, _, name = target[1:].partition("@")
            function = self.files[where].functions.get(name)
            if function is None:
                return False
            certain = [made for made in function.returns if self._makes_module(None, where, made, before, seen)]
            return bool(certain) and all(made in certain or is_class_name(made) for made in function.returns)
        return is_module_class(target) or canonical(target) in MODULE_FUNCTIONS

    def returns_something(self, cls: ModuleClass, ref: Ref) -> bool:
        """Whether calling ``ref`` inside ``cls`` never gives None.

        Beside `is_module_value` that is so for classes, also by convention, and for functions all of whose `return`
        statements call such, call a parameter (taken for a class or a factory of modules), or name a function.
        """
        return self._returns_something(cls, cls.path, ref, frozenset())

    def _each_returns_something(
        self,
        cls: ModuleClass | None,
        path: str,
        function: MethodFacts | FunctionFacts,
        seen: frozenset[tuple[str, str]],
    ) -> bool:
        for made in function.returns:
            root, _, member = made[1:].partition(".")
            if root in function.parameters and made[0] == "$":
                if member:
                    return False
            elif not self._returns_something(cls, path, made, seen):
                return False
        return True

    def _returns_something(
        self, cls: ModuleClass | None, path: str, ref: Ref, seen: frozenset[tuple[str, str]]
    ) -> bool:
        if (path, ref) in seen or ref == UNKNOWN:
            return False
        seen |= {(path, ref)}
        if ref == NOT_NONE:
            return True
        if ref.startswith("self."):
            method = cls.method(ref[5:]) if cls is not None else None
            overridden = cls is not None and any(ref[5:] in d.facts.methods for d in cls.descendants)
            if method is None or overridden or method.decorated:
                return False
            return self._each_returns_something(cls, path, method, seen)
        target = self.resolve(path, ref, None, frozenset())
        if isinstance(target, ModuleClass):
            return not any("__new__" in c.facts.body_names for c in (target, *target.ancestors))
        if target.startswith("@"):
            where, _, name = target[1:].partition("@")
            function = self.files[where].functions.get(name)
            return function is not None and self._each_returns_something(None, where, function, seen)
        return is_capitalized(target if target != UNKNOWN else ref) or canonical(target) in MODULE_FUNCTIONS

    def resolve(
        self, path: str, ref: Ref, before: int | None = None, seen: frozenset[tuple[str, str]] = frozenset()
    ) -> Resolved:
        """As `resolve_class`; a function of the project is ``@<path>@<name>``."""
        if ref[0] in "?$%^<" or (path, ref) in seen:
            return UNKNOWN
        seen |= {(path, ref)}
        if ref.startswith("@"):
            name, _, rest = ref[1:].partition(".")
            if rest:
                return UNKNOWN
            same = [c for c in self._classes.get(path, ()) if c.qualname == name]
            if len(same) > 1 and any(c.facts.conditional for c in same):
                return UNKNOWN  # `if fast: class A: ...`, `else: class A: ...`
            above = [c for c in same if before is None or c.facts.span.start < before]
            if above:
                return max(above, key=lambda c: c.facts.span.start)
            return f"@{path}@{name}" if name in self.files[path].functions and not same else UNKNOWN
        if ref.startswith("self."):
            return UNKNOWN
        parts = ref.lstrip(".").split(".")
        level = len(ref) - len(ref.lstrip("."))
        for cut in range(len(parts) - 1, -1, -1):
            module = self._module(path, level, parts[:cut])
            if module is not None:
                inside = parts[cut:]
                facts = self.files[module]
                inner = facts.bindings.get(inside[0])
                if inner is None and len(facts.star_imports) == 1:
                    inner = facts.star_imports[0] + inside[0]
                if inner is None or (len(inside) > 1 and inner[0] in "@?"):
                    return UNKNOWN
                return self.resolve(module, ".".join([inner, *inside[1:]]), None, seen)
            if level == 0 and parts[0] != "torch" and len(self._modules.get(".".join(parts[:cut]), ())) > 1:
                return UNKNOWN  # several modules of that name: neither one of them nor certainly another package
            if level == 0 and parts[0] not in self._top_names:
                break
        return UNKNOWN if level else ref

    def _module(self, path: str, level: int, parts: list[str]) -> str | None:
        """The file of a module, as imported from ``path``; None when it is not of this project or not unique."""
        if not level and (not parts or parts[0] == "torch" or parts[0] not in self._top_names):
            return None
        key = (path.rpartition("/")[0], level, ".".join(parts))
        if key not in self._module_files:
            self._module_files[key] = self._find_module(*key)
        return self._module_files[key]

    def _find_module(self, folder: str, level: int, name: str) -> str | None:
        """As `_module`, for all files of one folder."""
        if level:
            around = folder.split("/") if folder else []
            if level - 1 > len(around):
                return None
            base = "/".join((*around[: len(around) - level + 1], *(name.split(".") if name else ())))
            files = (f"{base}/__init__.py", f"{base}.py") if base else ("__init__.py",)  # Python prefers the package
            return next((file for file in files if file in self.files), None)
        candidates = self._modules.get(name, [])
        if len(candidates) <= 1:
            return candidates[0] if candidates else None
        above = []
        for candidate in candidates:  # several modules of that name: the one under the nearest folder above counts
            root = candidate.removesuffix(".py").removesuffix("/__init__").removesuffix(name.replace(".", "/"))
            if f"{folder}/".startswith(root):
                above.append((root.count("/"), candidate))
        above.sort(reverse=True)
        if not above or (len(above) > 1 and above[0][0] == above[1][0]):
            return None
        return above[0][1]

    def may_be_imported(self, path: str, name: str) -> bool:
        """Whether another file may take ``name`` from the module ``path``, where it need not be defined."""
        module = path.removesuffix(".py").rpartition("/")[2]
        if module == "__init__":
            return True  # packages are there to be imported from
        for other, facts in self.files.items():
            if other == path:
                continue
            if name in facts.mentioned and module in facts.mentioned:
                return True  # `from models import net`, and then `net.F`
            for ref in facts.imports:
                package, _, taken = ref.rpartition(".")
                if taken in (name, "*") and self._may_be_module(other, package, path):
                    return True
        return False

    def _may_be_module(self, path: str, package: str, module: str) -> bool:
        """Whether ``package``, as imported from ``path``, may be the file ``module``."""
        name = package.lstrip(".")
        if package != name:
            return self._find_module(path.rpartition("/")[0], len(package) - len(name), name) == module
        return module in self._modules.get(name, ())

    # Hierarchy

    @cached_property
    def _children(self) -> dict[int, list[ModuleClass]]:
        found: dict[int, list[ModuleClass]] = {}
        for cls in self.classes():
            for base in cls.bases:
                if isinstance(base, ModuleClass):
                    found.setdefault(id(base), []).append(cls)
        return found

    def descendants(self, cls: ModuleClass) -> tuple[ModuleClass, ...]:
        """All project classes below ``cls``."""
        found: dict[int, ModuleClass] = {}
        stack = list(self._children.get(id(cls), ()))
        while stack:
            child = stack.pop()
            if child is not cls and id(child) not in found:
                found[id(child)] = child
                stack.extend(self._children.get(id(child), ()))
        return tuple(found.values())

    def called_elsewhere(self, cls: ModuleClass, method: str) -> bool:
        """Whether ``method`` of ``cls`` may run at other times than when one of the class's own methods calls it.

        A relative calls it, somebody reads the name through an object (`model.build()`), or a method hands it on
        (`self.apply(self.build)`).
        """
        called = (UseForm.CALL, UseForm.CALL_OTHER, UseForm.CAUGHT)
        handed_on = (
            use.form not in called
            for relative in cls.lineage
            if method in relative.facts.attributes
            for use in relative.facts.attributes[method].uses
        )
        return (
            any(method in relative.called_names for relative in (*cls.ancestors, *cls.descendants))
            or any(handed_on)
            or any(method in facts.mentioned for facts in self.files.values())
        )

    def family(self, cls: ModuleClass, attr: str) -> Family:
        """See `ModuleClass.family`.

        Found once for all members: to be related is mutual, so they all have the same family.
        """
        known = self._families.get((cls, attr))
        if known is None:
            found = {cls}
            queue = [cls]
            while queue:
                for relative in queue.pop().relatives:
                    if attr in relative.facts.mentioned and relative not in found:
                        found.add(relative)
                        queue.append(relative)
            classes = tuple(sorted(found, key=lambda c: (c.path, c.facts.span)))
            known = Family(classes, any(c.facts.attributes[attr].guards for c in classes if attr in c.facts.attributes))
            self._families.update(((member, attr), known) for member in found)
        return known

    # Attributes through other objects

    def outside_readers(self, cls: ModuleClass, attr: str) -> Iterator[OutsideReader]:
        """Uses of ``.attr`` through objects that may be of ``cls``.

        Left out are receivers that cannot be: those from which the same function also reads an attribute that no
        related class has (it would raise AttributeError), those tested to be of another class, what another class
        holds, and configurations such as ``args``.
        """
        for path, facts in self.files.items():
            for use in facts.outside.get(attr, ()):
                if use.receiver >= 0 and self._refuted(path, facts.receivers[use.receiver], use, cls):
                    continue
                source = facts.receivers[use.receiver].source if use.receiver >= 0 else "..."
                yield OutsideReader(Location(path, use.line, use.column), use.form, source)

    def borrowers(self, cls: ModuleClass, method: str) -> Iterator[Location]:
        """Places that take a method of ``cls`` from the class, so that it may run on other objects: `Block.forward`.

        What a subclass does so is left out, for its objects are of ``cls`` as well.
        """
        facts = cls.facts.methods.get(method)
        heirs = (cls, *cls.descendants)
        for path, file in self.files.items():
            for read in file.class_reads.get(method, ()):
                owner = self.resolve_class(path, read.ref, read.offset)
                if owner not in heirs or not isinstance(owner, ModuleClass) or owner.method(method) is not facts:
                    continue
                holders = [c for c in self._classes[path] if c.span.start <= read.offset < c.span.end]
                if not holders or max(holders, key=lambda c: c.span.start) not in heirs:
                    yield Location(path, read.line, read.column)

    def _refuted(self, path: str, receiver: Receiver, use: OutsideUse, cls: ModuleClass) -> bool:
        if is_configuration(receiver.source) or self.objects.lacks(cls, receiver.reads):
            return True
        if receiver.ref.startswith("%") and not self.objects.may_be(path, Origin((receiver.ref,)), cls):
            return True
        return any(
            first <= use.line <= last and not self.objects.may_be(path, Origin(classes), cls)
            for first, last, classes in receiver.tested
        )

    # Things that concern the whole project

    def notes(self, kind: str) -> Iterator[tuple[Location, Note]]:
        """The notes of one kind, of all files."""
        return iter(self._notes.get(kind, ()))

    @cached_property
    def _notes(self) -> dict[str, list[tuple[Location, Note]]]:
        found: dict[str, list[tuple[Location, Note]]] = {}
        for path, facts in self.files.items():
            for note in facts.notes:
                found.setdefault(note.kind, []).append((Location(path, note.line, note.column), note))
        return found

    def identity_dispatches(self, attr: str) -> Iterator[Location]:
        """Places where code asks whether what an attribute of that name may hold is an ``nn.Identity``."""
        for location, note in self.notes("identity-dispatch"):
            names, _, function = note.detail.partition("|")
            asked = not names or attr in names.split(",")
            if asked or (function and self.objects.is_mentioned_elsewhere(location.path, function)):
                yield location

    @cached_property
    def _used_by_position(self) -> frozenset[str]:
        return frozenset().union(*(facts.by_position for facts in self.files.values()))

    @cached_property
    def tested_names(self) -> frozenset[str]:
        """Names of the attributes that some class tests for None."""
        return frozenset(name for cls in self.classes() for name, facts in cls.facts.attributes.items() if facts.guards)

    @cached_property
    def names_set_outside(self) -> frozenset[str]:
        """Names of attributes that somebody sets, or reaches by a string, through another object than ``self``."""
        return self.objects.stored_outside

    def child_walks(self, cls: ModuleClass) -> tuple[Location, ...]:
        """Places where one child more of an object of ``cls`` would be noticed."""
        known = self._child_walks.get(cls)
        if known is None:
            known = self._child_walks[cls] = tuple(self._find_child_walks(cls))
        return known

    def _find_child_walks(self, cls: ModuleClass) -> Iterator[Location]:
        for path, facts in self.files.items():
            for walk in facts.walks:
                if not self._tolerates(cls, walk) and self._may_walk(path, walk, cls):
                    yield Location(path, walk.line, walk.column)

    def _may_walk(self, path: str, walk: Walk, cls: ModuleClass) -> bool:
        if not walk.deep:
            return self.objects.may_be(path, walk.origin, cls)
        # Any module of the project may be somewhere below any other.
        return any(
            self.objects.may_be(path, walk.origin, other)
            for other in self.classes()
            if other.is_torch_module is not Truth.NO
        )

    def _tolerates(self, cls: ModuleClass, walk: Walk) -> bool:
        """Whether the children that objects of ``cls`` have in any case decide how the walk goes on."""
        made = [canonical(ref) for ref in cls.certain_children]
        layers = any(is_module_class(ref) and not is_container(ref) for ref in made)
        if walk.how == EMPTINESS:
            return bool(cls.certain_children)
        if not walk.deep and layers and walk.expected - LAYER_MEMBERS:
            return True  # the layers it has lack a member that is read from each
        if walk.how.startswith(YIELDED):
            return walk.how.removeprefix(YIELDED) not in self._used_by_position
        if not walk.how.startswith(READ):
            return False
        name = walk.how.removeprefix(READ)
        if walk.deep and name not in cls.known_names:
            return True  # the object itself comes first, and lacks it
        return layers and name not in LAYER_MEMBERS
