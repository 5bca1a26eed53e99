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
    WrapStatements,
)
from modfix.model.finding import Applicability, Finding, Fix, Refusal, Stability
from modfix.model.span import Location, Span
from modfix.semantics.attributes import Attribute, Defined, Reading, Tested, optional_attributes
from modfix.semantics.facts import Argument, ArgumentForm, CallPlace, TorchCall, UseForm, ValueKind
from modfix.semantics.function_calls import FunctionCall, function_calls
from modfix.semantics.module_class import ModuleClass, Truth
from modfix.semantics.new_modules import NewModules, StoredCall, attribute_name
from modfix.semantics.project import Project
from modfix.semantics.project_file import ProjectFile
from modfix.semantics.set_once import Reason
from modfix.semantics.torch_functions import MODULE_FORMS, PURE_MODULES, ModuleForm

__all__ = [
    "MODULE_FORMS",
    "PURE_MODULES",
    "AddElse",
    "AddMethod",
    "Applicability",
    "Argument",
    "ArgumentForm",
    "Attribute",
    "CallPlace",
    "Codemod",
    "CollapseBranch",
    "Defined",
    "Edit",
    "EnsureImport",
    "Finding",
    "Fix",
    "FunctionCall",
    "InsertAfter",
    "InsertBefore",
    "Location",
    "ModuleClass",
    "ModuleForm",
    "NewModules",
    "NoOptions",
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
    "StoredCall",
    "Tested",
    "TorchCall",
    "Truth",
    "UseForm",
    "ValueKind",
    "WrapStatements",
    "attribute_name",
    "function_calls",
    "optional_attributes",
]
