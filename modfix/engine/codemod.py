"""The base class of codemods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modfix.model.finding import Finding, Stability

if TYPE_CHECKING:
    from modfix.semantics.module_class import ModuleClass
    from modfix.semantics.project_file import ProjectFile


@dataclass(frozen=True)
class NoOptions:
    """The options of a codemod that has none."""


class Codemod:
    """One migration. Stateless between subjects: any instance may check any class or file in any process, in any order.

    A codemod defines `check`, `check_file` or both.

    The docstring of a codemod's *module* is its manual (What it does / Why / Example / Fix safety / References);
    `modfix explain` prints it. ``Options`` is a frozen dataclass; its fields are the keys of ``[tool.modfix.<name>]``,
    with snake case for kebab case. ``declares`` are kinds of differences that its fixes make on purpose (the keys of
    `modfix.verify.verdicts.ALLOWANCES`, such as ``keys-added``): the verifier then reports them and does not object.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    stability: ClassVar[Stability] = Stability.PREVIEW
    needles: ClassVar[tuple[bytes, ...]] = ()  # a file in which none of these occurs cannot hold a finding
    declares: ClassVar[tuple[str, ...]] = ()
    Options: ClassVar[type] = NoOptions

    def __init__(self, options: object | None = None) -> None:
        self.options = self.Options() if options is None else options

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        """Yield what there is to say about one class that is or may be a torch module, in source order. Reads facts
        only: no I/O, no options of the run."""
        yield from ()

    def check_file(self, file: ProjectFile) -> Iterator[Finding]:
        """Yield what there is to say about the rest of a file (functions, other classes, statements), in source order.
        Reads facts only, as `check` does."""
        yield from ()
