"""Calls: what they say about the objects and attributes that they are given by name."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from modfix.semantics.container_operations import NO_LIST_METHODS
from modfix.semantics.facts import GIVEN, UNKNOWN, Added, Ref, UseForm
from modfix.semantics.identity_tests import ignores_module
from modfix.semantics.keys import caught, prefix
from modfix.semantics.records import (
    CALLED,
    CALLED_OTHERWISE,
    NONE_TESTED,
    OF_TYPE,
    Context,
    FileRecord,
    Form,
    MethodCall,
    SelfString,
    note,
)
from modfix.semantics.syntax import arguments, dotted, is_name, is_none, is_plain_call
from modfix.semantics.torch_functions import FUNCTION_NAMES, MODULE_FORMS
from modfix.semantics.torch_names import MODULE_CLASSES, is_module_class
from modfix.semantics.walks import CHILD_WALKS, DICTIONARY_WALKS, MODULE_WALKS

_ATTRIBUTE_FUNCTIONS = frozenset({"getattr", "hasattr", "setattr", "delattr"})
_BY_HAND = frozenset({"load_state_dict", "named_parameters", "parameters", "state_dict"})
_BY_POSITION = frozenset({"enumerate", "len", "list", "next", "sorted", "tuple", "zip"})
_PLAIN_TYPES = frozenset(f"builtins.{name}" for name in ("bool", "dict", "float", "int", "list", "set", "str", "tuple"))
_REGISTERS = frozenset({"add_module", "register_buffer", "register_module", "register_parameter"})
_STRING_TESTS = frozenset({"startswith", "endswith", "find", "count"})
_CREATED = frozenset({form.module.rpartition(".")[2] for form in MODULE_FORMS.values()})
_MODEL_METHODS = frozenset(
    {"state_dict", "parameters", "named_parameters", "train", "eval", "zero_grad", "load_state_dict", "module"}
)
_MODEL_NAME = re.compile(
    r"(^|_)(model|net|network|generator|discriminator|encoder|decoder)s?\d*$|^net[A-Z]", re.IGNORECASE
)


class CallReader:
    """Reads the calls of one file into its record."""

    def __init__(self, file: FileRecord) -> None:
        self._file = file
        functions = (node for node in file.tree.body if isinstance(node, ast.FunctionDef))
        self._none_tests = {node.name for node in functions if _is_none_test(node)}

    def read(self, node: ast.Call, forms: dict[ast.AST, Form], context: Context) -> None:
        """Reads one call; ``forms`` gets how its function and arguments are used."""
        func = node.func
        for keyword in node.keywords:
            if keyword.arg is not None and not is_name(keyword.value, keyword.arg):
                self._file.mentioned.add(keyword.arg + "=")
        if getattr(func, "attr", getattr(func, "id", None)) == "attrgetter":
            for name in (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)):
                for part in name.split("."):
                    self._file.add_outside(part, UseForm.STRING, node, None)
        if context.record is not None and context.method is not None:
            self._torch_call(node, func, context)
            if _gives(node, context.self_name):
                context.record.self_calls.setdefault(context.method.name, set()).add(GIVEN)
        if func.__class__ is ast.Attribute:
            self._member_call(node, func, forms, context)
        elif func.__class__ is ast.Name and node.args:
            self._function_call(node, func, forms, context)

    def _torch_call(self, node: ast.Call, func: ast.expr, context: Context) -> None:
        """Keeps calls of functions that have a module, and of constructors of torch.nn outside ``__init__``."""
        record, method, self_name = context.record, context.method, context.self_name
        assert record is not None  # whoever has a self has a class
        assert method is not None
        assert self_name is not None
        name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        if name in FUNCTION_NAMES or (name in MODULE_CLASSES and method.name != "__init__"):
            ref = self._file.names.resolve(func, context.functions)
            if ref in MODULE_FORMS or is_module_class(ref):
                record.torch_calls.append(MethodCall(node, ref, method, context.functions, self_name))

    def _member_call(self, node: ast.Call, func: ast.Attribute, forms: dict[ast.AST, Form], context: Context) -> None:
        inner = func.value
        if inner.__class__ is ast.Attribute and func.attr == "forward":
            forms[func] = Form(UseForm.MEMBER, "forward")
        else:
            forms[func] = CALLED if is_plain_call(node) else CALLED_OTHERWISE
        if context.record is not None and is_name(inner, context.self_name):
            assert context.method is not None
            context.record.self_calls.setdefault(context.method.name, set()).add(func.attr)
            if func.attr in _REGISTERS:
                self._registered(node, func.attr, context)
            name = dotted(node.args[0]) if func.attr == "add_module" and node.args else None
            if name is not None and name.partition(".")[0] == context.self_name:
                context.record.notes.append(note("named-module", node, name.partition(".")[2]))
        elif inner.__class__ is ast.Subscript and func.attr in _BY_HAND and isinstance(inner.value, ast.Attribute):
            self._list_by_hand(node, inner.value, context)
        elif inner.__class__ is ast.Attribute and func.attr in NO_LIST_METHODS:
            self._list_by_hand(node, inner, context)
        walks = func.attr in CHILD_WALKS or func.attr in MODULE_WALKS
        if func.attr in DICTIONARY_WALKS:
            walks = isinstance(inner, ast.Attribute) and inner.attr == "_modules"
        elif func.attr == "apply":
            walks = len(node.args) == 1 and isinstance(node.args[0], ast.Name)
        if walks:
            self._file.walks.append((node, context))
        elif func.attr in _STRING_TESTS and node.args and isinstance(node.args[0], ast.Constant):
            self.type_dispatch([str(node.args[0].value)], node)  # `classname.find("Dropout") != -1`
        elif func.attr == "save" and node.args and self._file.names.resolve(func, context.functions) == "torch.save":
            self._torch_save(node, context)

    def _added(self, arguments: list[ast.expr], context: Context) -> None:
        """Takes down a module that gets a name of `self`; ``arguments`` are the name and the module."""
        assert context.record is not None
        if len(arguments) != 2:
            context.record.added.append(Added("", (UNKNOWN,)))
            return
        key = self._file.keys.key_of(arguments[0], context.functions)
        if isinstance(arguments[1], ast.Call):
            made_by: tuple[Ref, ...] = (self._file.callees.callee(arguments[1].func, context.functions),)
        else:
            made_by = self._file.origins.origin(arguments[1], context.functions, context.owner).made_by
        context.record.added.append(Added(key, made_by))

    def _registered(self, node: ast.Call, method: str, context: Context) -> None:
        """Takes down `self.add_module("name", m)` and the like; notes a computed name."""
        assert context.record is not None
        if method in ("add_module", "register_module"):
            self._added(node.args, context)
        named = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "name")]
        if named and isinstance(named[0], ast.Constant):
            context.record.mentioned.add(str(named[0].value))
        else:
            key = self._file.keys.key_of(named[0], context.functions) if named else ""
            context.record.notes.append(note("computed-module", node, key))

    def _list_by_hand(self, node: ast.Call, holder: ast.Attribute, context: Context) -> None:
        """Notes `model.layers[0].parameters()` and `model.layers.index(m)`; for `self` the class knows."""
        if not is_name(holder.value, context.self_name):
            self._file.notes.append(note("list-by-hand", node, holder.attr))

    def _function_call(self, node: ast.Call, func: ast.Name, forms: dict[ast.AST, Form], context: Context) -> None:
        name, first = func.id, node.args[0]
        if name in _ATTRIBUTE_FUNCTIONS:
            if len(node.args) > 1:
                self._attribute_by_name(node, name, context)
        elif name == "vars":
            if context.record is not None and is_name(first, context.self_name):
                reads = self._file.keys.only_reads(node, context.functions)
                context.record.notes.append(note("__dict__", node, reads=reads))
        elif name in _BY_POSITION:
            self._file.by_position.update(_callees(node))
        elif name in self._none_tests:
            if is_plain_call(node) and self._file.names.resolve(func, context.functions) == "@" + name:
                forms[first] = NONE_TESTED
        elif is_plain_call(node) and first.__class__ is ast.Attribute and self._ignores(func, context):
            forms[first] = OF_TYPE
        elif name == "isinstance" and len(node.args) == 2:
            tested = dotted(first)
            if tested is not None and tested != context.self_name:
                context.receiver(tested).typed = True
            classes = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
            refs = [self._file.names.resolve(c, context.functions) for c in classes]
            self.type_dispatch([ref.rpartition(".")[2] for ref in refs if is_module_class(ref)], node)
            if any(ref.endswith(".Identity") for ref in refs):
                self._file.notes.append(
                    note("identity-dispatch", node, "|".join(self._file.origins.held_by(first, context.functions)))
                )
            elif all(map(self._is_no_identity, refs)):
                forms[first] = OF_TYPE  # neither None nor an Identity is one of these

    def _ignores(self, func: ast.Name, context: Context) -> bool:
        """Whether the function that is called does nothing with None, nor with an ``nn.Identity``."""
        names = self._file.names
        ref = names.resolve(func, context.functions)
        if ref == UNKNOWN and context.functions and func.id in names.locals_of(context.functions[-1]):
            scope = names.scopes[context.functions[-1]]
            once = not scope.times_stored(func.id) and [name for name, _ in scope.bound].count(func.id) == 1
            body = context.functions[-1].body if once else []
        else:
            body = self._file.tree.body if ref == "@" + func.id else []
        found = [s for s in body if isinstance(s, ast.FunctionDef) and s.name == func.id]
        return len(found) == 1 and ignores_module(found[0])

    def _is_no_identity(self, ref: Ref) -> bool:
        """Whether a class is certainly neither that of None nor a base of `nn.Identity`."""
        layer = is_module_class(ref) and ref != "torch.nn.Module"
        return layer or ref in _PLAIN_TYPES or self._file.names.is_plain_class(ref)

    def type_dispatch(self, names: list[str], node: ast.expr) -> None:
        """Notes a test for a type of module that modfix creates."""
        if created := _CREATED.intersection(names):
            self._file.notes.append(note("type-dispatch", node, ",".join(sorted(created))))

    def _attribute_by_name(self, node: ast.Call, function: str, context: Context) -> None:
        name = node.args[1]
        if function in ("setattr", "delattr"):
            ref = self._file.names.resolve(node.args[0], context.functions)
            if is_module_class(ref):
                self._file.notes.append(note("patched-class", node, ref.rpartition(".")[2]))
        on_self = context.record is not None and is_name(node.args[0], context.self_name)
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            if on_self:
                assert context.record is not None
                assert context.method is not None
                context.record.mentioned.add(name.value)
                context.record.strings.setdefault(name.value, []).append(SelfString(node, function, context.method))
                if function == "setattr":
                    self._added(node.args[1:], context)
            else:
                source = dotted(node.args[0])
                receiver = None if source is None else context.receiver(source)
                if receiver is not None and function == "hasattr":
                    receiver.typed = True
                if receiver is not None and not receiver.ref:
                    receiver.ref = self._file.ref(node.args[0], context)
                form = {"setattr": UseForm.STORE, "delattr": UseForm.DELETE}.get(function, UseForm.STRING)
                self._file.add_outside(name.value, form, node, receiver)
        elif on_self:
            self._computed_attribute(node, function, context)
        elif function == "setattr" and len(node.args) > 2 and is_none(node.args[2]):
            self._file.notes.append(note("computed-none", node, prefix(name)))

    def _computed_attribute(self, node: ast.Call, function: str, context: Context) -> None:
        """Notes `getattr(self, name)` and `setattr(self, name, value)`.

        Not where it is called with one argument, which None would not have been; `hasattr` and `delattr` find the
        attribute in either case.
        """
        assert context.record is not None
        if function in ("hasattr", "delattr"):
            return
        if function == "setattr":
            self._added(node.args[1:], context)
        parents = self._file.origins.parents(context.functions)
        if function == "getattr":
            step = parents.of(node)
            call = step[0] if step is not None and step[1] == "func" else None
            if isinstance(call, ast.Call) and is_plain_call(call) and not caught(parents, node):
                return
        name = dotted(node.args[1])
        if function == "getattr" and name is not None and name.partition(".")[0] == context.self_name:
            context.record.notes.append(note("named-attribute", node, name.partition(".")[2]))
        else:
            key = self._file.keys.key_of(node.args[1], context.functions)
            reads = function == "getattr" and len(node.args) == 2 and not caught(parents, node)
            context.record.notes.append(note("computed-attribute", node, key, reads=reads))

    def _torch_save(self, node: ast.Call, context: Context) -> None:
        """Notes `torch.save(model, ...)`: old files of whole models load without the new attribute values."""
        saved = node.args[0]
        source = dotted(saved)
        if source is None:
            return
        reads = context.receivers[source].reads if source in context.receivers else frozenset()
        made_by = self._file.origins.origin(saved, context.functions, context.owner).made_by
        plain = all(ref in ("builtins.dict", "collections.OrderedDict") for ref in made_by)
        named = _MODEL_NAME.search(source.rpartition(".")[2]) is not None
        if not plain and (named or reads & _MODEL_METHODS or source == context.self_name):
            self._file.notes.append(note("whole-model-pickle", node, source))


def _callees(call: ast.Call) -> Iterator[str]:
    """The last names of what is called to make the arguments of a call."""
    for argument in call.args:
        name = dotted(argument.func) if isinstance(argument, ast.Call) else None
        if name is not None:
            yield name.rpartition(".")[2]


def _gives(call: ast.Call, name: str | None) -> bool:
    """Whether a call hands the object ``name`` to code that may change it: not `isinstance` or `Base.__init__`."""
    func = call.func
    if isinstance(func, ast.Name) and hasattr(builtins, func.id):
        return False
    if isinstance(func, ast.Attribute) and func.attr == "__init__":
        return False
    return any(is_name(arg, name) for arg in call.args) or any(is_name(k.value, name) for k in call.keywords)


def _is_none_test(node: ast.FunctionDef) -> bool:
    """Whether a function only says whether its one argument is not None: the `exists(x)` of many projects."""
    if len(node.args.args) != 1 or len(list(arguments(node))) != 1:
        return False
    made = node.body[-1].value if isinstance(node.body[-1], ast.Return) and len(node.body) == 1 else None
    return (
        isinstance(made, ast.Compare)
        and isinstance(made.ops[0], ast.IsNot)
        and is_name(made.left, node.args.args[0].arg)
        and is_none(made.comparators[0])
    )
