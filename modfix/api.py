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
    PassAssigned,
    RemoveStatement,
    ReplaceCall,
    ReplaceExpression,
    ReplaceStatement,
    WrapExpression,
    WrapStatements,
)
from modfix.model.finding import Applicability, Finding, Fix, Refusal, Stability
from modfix.model.span import Location, Span
from modfix.semantics.attributes import Attribute, Defined, Reading, Tested, optional_attributes
from modfix.semantics.bufferable import Bufferable
from modfix.semantics.facts import Argument, ArgumentForm, CallPlace, TorchCall, UseForm, ValueKind
from modfix.semantics.module_class import ModuleClass, Truth
from modfix.semantics.new_modules import NewModules, Reason, attribute_name, set_once
from modfix.semantics.project import Project
from modfix.semantics.project_file import ProjectFile
from modfix.semantics.torch_functions import MODULE_FORMS, PURE_MODULES, ModuleForm
from modfix.semantics.unregistered import Unregistered

__all__ = [
    "MODULE_FORMS",
    "PURE_MODULES",
    "AddElse",
    "AddMethod",
    "Applicability",
    "Argument",
    "ArgumentForm",
    "Attribute",
    "Bufferable",
    "CallPlace",
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
    "ModuleForm",
    "NewModules",
    "NoOptions",
    "PassAssigned",
    "Project",
    "ProjectFile",
    "Reading",
    "Reason",
    "Refusal",
    "RemoveStatement",
    "ReplaceCall",
    "ReplaceExpression",
    "ReplaceStatement",
    "Span",
    "Stability",
    "Tested",
    "TorchCall",
    "Truth",
    "Unregistered",
    "UseForm",
    "ValueKind",
    "WrapExpression",
    "WrapStatements",
    "attribute_name",
    "optional_attributes",
    "set_once",
]
