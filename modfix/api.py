"""Everything a codemod author imports, and nothing else is public."""

from modfix.engine.codemod import Codemod, NoOptions
from modfix.model.edit import (
    AddMethod,
    CollapseBranch,
    Edit,
    EnsureImport,
    InsertAfter,
    InsertBefore,
    RemoveStatement,
    ReplaceExpression,
    ReplaceStatement,
)
from modfix.model.finding import Applicability, Finding, Fix, Refusal, Stability
from modfix.model.span import Location, Span
from modfix.semantics.project import ModuleClass, Project

__all__ = [
    "AddMethod",
    "Applicability",
    "Codemod",
    "CollapseBranch",
    "Edit",
    "EnsureImport",
    "Finding",
    "Fix",
    "InsertAfter",
    "InsertBefore",
    "Location",
    "ModuleClass",
    "NoOptions",
    "Project",
    "Refusal",
    "RemoveStatement",
    "ReplaceExpression",
    "ReplaceStatement",
    "Span",
    "Stability",
]
