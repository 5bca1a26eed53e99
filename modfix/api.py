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
    WrapExpression,
    WrapStatements,
)
from modfix.model.finding import Applicability, Finding, Fix, Refusal, Stability
from modfix.model.span import Location, Span
from modfix.semantics.attributes import Attribute, Defined, Reading, Tested, optional_attributes
from modfix.semantics.facts import Argument, ArgumentForm, CallPlace, TorchCall, UseForm, ValueKind
from modfix.semantics.hook_edits import paired_edits, returned_edits, scoped_edits, stacked_edits
from modfix.semantics.hook_facts import (
    BackwardSite,
    GradientUse,
    Handle,
    HandleStack,
    HookNote,
    HookSite,
    Instrumenter,
    LocalPlan,
    Pair,
    StoredOutput,
)
from modfix.semantics.hook_owners import HandleOwner, is_imported
from modfix.semantics.inheritance import Reason
from modfix.semantics.init_facts import BiasAccess, OldName, Presence
from modfix.semantics.init_names import DEPRECATED as DEPRECATED_INIT_NAMES
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.new_modules import NewModules, attribute_name, set_once
from modfix.semantics.project import Project
from modfix.semantics.project_file import ProjectFile
from modfix.semantics.stand_ins import IDENTITY, store_reasons, use_reasons
from modfix.semantics.torch_functions import MODULE_FORMS, PURE_MODULES, ModuleForm
from modfix.semantics.truth import Truth
from modfix.semantics.unregistered import Unregistered

__all__ = [
    "DEPRECATED_INIT_NAMES",
    "IDENTITY",
    "MODULE_FORMS",
    "PURE_MODULES",
    "AddElse",
    "AddMethod",
    "Applicability",
    "Argument",
    "ArgumentForm",
    "Attribute",
    "BackwardSite",
    "BiasAccess",
    "CallPlace",
    "Codemod",
    "CollapseBranch",
    "Defined",
    "Edit",
    "EnsureImport",
    "Finding",
    "Fix",
    "GradientUse",
    "Handle",
    "HandleOwner",
    "HandleStack",
    "HookNote",
    "HookSite",
    "InsertAfter",
    "InsertBefore",
    "Instrumenter",
    "LocalPlan",
    "Location",
    "ModuleClass",
    "ModuleForm",
    "NewModules",
    "NoOptions",
    "OldName",
    "Pair",
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
    "StoredOutput",
    "Tested",
    "TorchCall",
    "Truth",
    "Unregistered",
    "UseForm",
    "ValueKind",
    "WrapExpression",
    "WrapStatements",
    "attribute_name",
    "is_imported",
    "optional_attributes",
    "paired_edits",
    "returned_edits",
    "scoped_edits",
    "set_once",
    "stacked_edits",
    "store_reasons",
    "use_reasons",
]
