"""Everything a codemod author imports, and nothing else is public."""

from modfix.engine.codemod import Codemod, NoOptions
from modfix.model.edit import (
    AddElse,
    AddMethod,
    CollapseBranch,
    Edit,
    EnsureImport,
    InsertAfter,
    InsertBefore,
    RemoveStatement,
    ReplaceCall,
    ReplaceExpression,
    ReplaceStatement,
)
from modfix.model.finding import Applicability, Finding, Fix, Refusal, Stability
from modfix.model.span import Location, Span
from modfix.semantics.attributes import Attribute, Defined, Reading, Tested, optional_attributes
from modfix.semantics.facts import UseForm, ValueKind
from modfix.semantics.project import ModuleClass, Project, Truth

__all__ = [
    "AddElse",
    "AddMethod",
    "Applicability",
    "Attribute",
    "Codemod",
    "CollapseBranch",
    "Defined",
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
    "Reading",
    "Refusal",
    "RemoveStatement",
    "ReplaceCall",
    "ReplaceExpression",
    "ReplaceStatement",
    "Span",
    "Stability",
    "Tested",
    "Truth",
    "UseForm",
    "ValueKind",
    "optional_attributes",
]
