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
    MoveStatements,
    RemoveStatement,
    ReplaceCall,
    ReplaceExpression,
    ReplaceStatement,
    WrapStatements,
)
from modfix.model.finding import Applicability, Finding, Fix, Refusal, Stability
from modfix.model.span import Location, Span
from modfix.semantics.attributes import Attribute, Defined, Reading, Tested, optional_attributes
from modfix.semantics.facts import Argument, ArgumentForm, CallPlace, TorchCall, UseForm, ValueKind
from modfix.semantics.init_facts import BiasAccess, OldName, Presence
from modfix.semantics.init_names import DEPRECATED as DEPRECATED_INIT_NAMES
from modfix.semantics.module_class import ModuleClass, Truth
from modfix.semantics.new_modules import NewModules, Reason, attribute_name, set_once
from modfix.semantics.project import Project
from modfix.semantics.project_file import ProjectFile
from modfix.semantics.torch_functions import MODULE_FORMS, PURE_MODULES, ModuleForm

__all__ = [
    "DEPRECATED_INIT_NAMES",
    "MODULE_FORMS",
    "PURE_MODULES",
    "AddElse",
    "AddMethod",
    "Applicability",
    "Argument",
    "ArgumentForm",
    "Attribute",
    "BiasAccess",
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
    "MoveStatements",
    "NewModules",
    "NoOptions",
    "OldName",
    "Presence",
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
    "UseForm",
    "ValueKind",
    "WrapStatements",
    "attribute_name",
    "optional_attributes",
    "set_once",
]
