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
from modfix.semantics.doubts import picked_children, pickled_models
from modfix.semantics.facts import Argument, ArgumentForm, CallPlace, TorchCall, UseForm, ValueKind
from modfix.semantics.function_calls import FunctionCall, function_calls
from modfix.semantics.hook_edits import (
    HELD_LIST,
    held_edits,
    one_shot_edits,
    paired_edits,
    returned_edits,
    scoped_edits,
    stacked_edits,
)
from modfix.semantics.hook_facts import (
    BackwardSite,
    GradientUse,
    Handle,
    HandleStack,
    HookNote,
    HookSite,
    Instrumenter,
    LocalPlan,
    OneShot,
    Pair,
    StoredOutput,
)
from modfix.semantics.hook_owners import HandleOwner, is_imported, is_private
from modfix.semantics.inheritance import Reason
from modfix.semantics.init_facts import BiasAccess, InitPlan, OldName, Presence
from modfix.semantics.init_names import DEPRECATED as DEPRECATED_INIT_NAMES
from modfix.semantics.module_class import ModuleClass
from modfix.semantics.new_modules import NewModules, StoredCall, attribute_name
from modfix.semantics.project import Project
from modfix.semantics.project_file import ProjectFile
from modfix.semantics.resets import reset_reasons
from modfix.semantics.stand_ins import IDENTITY, store_reasons, use_reasons
from modfix.semantics.torch_functions import MODULE_FORMS, PURE_MODULES, ModuleForm
from modfix.semantics.truth import Truth
from modfix.semantics.unregistered import Unregistered

__all__ = [
    "DEPRECATED_INIT_NAMES",
    "HELD_LIST",
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
    "Bufferable",
    "CallPlace",
    "Codemod",
    "CollapseBranch",
    "Defined",
    "Edit",
    "EnsureImport",
    "Finding",
    "Fix",
    "FunctionCall",
    "GradientUse",
    "Handle",
    "HandleOwner",
    "HandleStack",
    "HookNote",
    "HookSite",
    "InitPlan",
    "InsertAfter",
    "InsertBefore",
    "Instrumenter",
    "LocalPlan",
    "Location",
    "ModuleClass",
    "ModuleForm",
    "MoveStatements",
    "NewModules",
    "NoOptions",
    "OldName",
    "OneShot",
    "Pair",
    "PassAssigned",
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
    "StoredCall",
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
    "function_calls",
    "held_edits",
    "is_imported",
    "is_private",
    "one_shot_edits",
    "optional_attributes",
    "paired_edits",
    "picked_children",
    "pickled_models",
    "reset_reasons",
    "returned_edits",
    "scoped_edits",
    "stacked_edits",
    "store_reasons",
    "use_reasons",
]
