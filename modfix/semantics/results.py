"""What a call gives: certainly a module, or at least something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modfix.semantics.facts import NOT_NONE, UNKNOWN, FunctionFacts, MethodFacts, Ref
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.names import is_capitalized, is_class_name
from modfix.semantics.torch_names import MODULE_FUNCTIONS, canonical, is_module_class
from modfix.semantics.truth import Truth

if TYPE_CHECKING:
    from modfix.semantics.project import Project

_MAKERS = frozenset({"functools.partial", "torch.nn.*"})  # calling them gives something


class Results:
    """Answers for the calls in one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

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
        target = self._project.resolve(path, ref)
        if isinstance(target, ModuleClass):
            return target.is_torch_module is Truth.YES and not any(
                "__new__" in c.facts.methods for c in (target, *target.ancestors)
            )
        if target.startswith("@"):
            where, _, name = target[1:].partition("@")
            function = self._project.files[where].functions.get(name)
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
        target = self._project.resolve(path, ref)
        if isinstance(target, ModuleClass):
            return not any("__new__" in c.facts.body_names for c in (target, *target.ancestors))
        if target.startswith("@"):
            where, _, name = target[1:].partition("@")
            function = self._project.files[where].functions.get(name)
            return function is not None and self._each_returns_something(None, where, function, seen)
        known = target in _MAKERS or canonical(target) in MODULE_FUNCTIONS
        return known or is_capitalized(target if target != UNKNOWN else ref)
