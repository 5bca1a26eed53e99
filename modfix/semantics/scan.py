"""From the text of a file to its facts.

One walk over the syntax tree collects the scopes and the few nodes that tell something (`scopes.collect`). Here these
are read, every node once: a parent says how its children are used (called, tested, read for a member), so no parent
links are needed. What the methods of a class do with ``self`` is collected in records, which `class_facts` turns into
facts.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from modfix.model.source import Refused, SourceFile
from modfix.semantics.class_facts import ClassFactsMaker
from modfix.semantics.facts import (
    GIVEN,
    UNKNOWN,
    ClassRead,
    FileFacts,
    FunctionFacts,
    Note,
    OutsideUse,
    Receiver,
    UseForm,
    Walk,
)
from modfix.semantics.origins import Origins, caught, is_modules, is_plain_call, prefix
from modfix.semantics.positions import Positions
from modfix.semantics.records import (
    ClassRecord,
    Context,
    Form,
    MethodCall,
    ReceiverRecord,
    SelfStore,
    SelfString,
    SelfUse,
)
from modfix.semantics.scopes import Names, Scope, bound_names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, flat, is_name, is_none, walk
from modfix.semantics.torch_functions import FUNCTION_NAMES, MODULE_FORMS
from modfix.semantics.torch_names import MODULE_CLASSES, is_module_class
from modfix.semantics.walks import (
    CHILD_WALKS,
    DICTIONARY_WALKS,
    MODULE_WALKS,
    READ,
    Walks,
    done_to,
    reads_of_each,
    walked_object,
)

_ATTRIBUTE_FUNCTIONS = frozenset({"getattr", "hasattr", "setattr", "delattr"})
_SCRIPTING = frozenset({"ScriptModule", "export", "script", "script_method"})  # of torch.jit
_BY_POSITION = frozenset({"enumerate", "len", "list", "next", "sorted", "tuple", "zip"})
_PLAIN = Form(UseForm.VALUE, "")
_TESTED = Form(UseForm.TEST, "")
_NONE_TESTED = Form(UseForm.NONE_TEST, "")
_ITERATED = Form(UseForm.ITERATE, "")
_CALLED = Form(UseForm.CALL, "")
_CALLED_OTHERWISE = Form(UseForm.CALL_OTHER, "")
_ITEM = Form(UseForm.MEMBER, "[...]")
_STORED = Form(UseForm.STORE, "")
_DELETED = Form(UseForm.DELETE, "")
_OF_TYPE = Form(UseForm.TYPE_TEST, "")
_STRING_TESTS = frozenset({"startswith", "endswith", "find", "count"})
_CREATED = frozenset({form.module.rpartition(".")[2] for form in MODULE_FORMS.values()})
_REGISTERS = frozenset({"add_module", "register_buffer", "register_module", "register_parameter"})
_FAILS_ON_NONE = frozenset({UseForm.CALL, UseForm.CALL_OTHER, UseForm.MEMBER, UseForm.TYPE_TEST})
_MODEL_METHODS = frozenset(
    {"state_dict", "parameters", "named_parameters", "train", "eval", "zero_grad", "load_state_dict", "module"}
)
_MODEL_NAME = re.compile(
    r"(^|_)(model|net|network|generator|discriminator|encoder|decoder)s?\d*$|^net[A-Z]", re.IGNORECASE
)
_PYTHON_2 = re.compile(r"^\s*(print\s+[\"'\w]|exec\s+[\"'])|except \w+, \w+:", re.MULTILINE)


def scan(source: SourceFile) -> FileFacts | Refused:
    """The facts of one file, or why it cannot be read as Python (syntax error, null bytes, nesting too deep)."""
    try:
        return _Scanner(source, ast.parse(source.text)).facts()
    except SyntaxError as error:
        where = f" in line {error.lineno}" if error.lineno else ""
        hint = "; is this Python 2?" if _PYTHON_2.search(source.text) else ""
        return Refused(source.path, f"not valid Python{where}: {error.msg}{hint}")
    except ValueError as error:  # null bytes, integers beyond the interpreter's limit
        return Refused(source.path, f"not valid Python: {error}")
    except (RecursionError, MemoryError):  # MemoryError is what the parser raises when its stack is full
        return Refused(source.path, "nested too deeply to be analysed")


class _Scanner:
    def __init__(self, source: SourceFile, tree: ast.Module) -> None:
        self.path = source.path
        self.tree = tree
        self.positions = Positions(source.text)
        self.names = Names(tree)
        self.origins = Origins(self.names, tree)
        self.records: list[ClassRecord] = []
        self.outside: dict[str, list[tuple[UseForm, int, int, ReceiverRecord | None]]] = {}
        self.notes: list[Note] = []
        self.walks: list[tuple[ast.Call, Context]] = []
        self.contexts: dict[FunctionNode, tuple[str, str]] = {}  # of methods: the class, and the name of its `self`
        self.mentioned: set[str] = set()
        self.class_reads: dict[str, list[ClassRead]] = {}
        self.by_position: set[str] = set()
        self.decorators: set[ast.AST] = set()  # of functions that are no methods
        self.none_tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and _is_none_test(node)}

    def facts(self) -> FileFacts:
        self._read(self.names.scopes[self.tree], Context((), {}), "")
        for node in self.tree.body:
            names = node.names if isinstance(node, ast.ImportFrom) and node.module == "torch.jit" else []
            self.notes += [_note("scripting", node) for alias in names if alias.name in _SCRIPTING]
        make = ClassFactsMaker(self.path, self.positions, self.names)
        receivers: list[Receiver] = []
        index: dict[ReceiverRecord | None, int] = {None: -1}
        outside: dict[str, tuple[OutsideUse, ...]] = {}
        for attr, uses in self.outside.items():
            for *_, record in uses:
                if record is not None and record not in index:
                    index[record] = len(receivers)
                    reads = frozenset(record.reads if self._is_one_object(record) else ())
                    receivers.append(Receiver(record.source, record.known_ref(), reads, tuple(record.tested)))
            outside[attr] = tuple(
                [OutsideUse(form, line, column, index[record]) for form, line, column, record in uses]
            )
        blocks = [s for s in self.tree.body if not isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
        alternatives = {name for name, ref in bound_names(blocks) if ref.startswith("@")}  # `if fast: def make(): ...`
        functions = {
            node.name: FunctionFacts(
                node.name,
                (UNKNOWN,) if node.name in alternatives else make.returns(node, (node,)),
                frozenset([arg.arg for arg in arguments(node)]),
            )
            for node in self.tree.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        imports = [r for scope in self.names.scopes.values() for _, r in scope.bound if r[0] != "@" and r != UNKNOWN]
        return FileFacts(
            self.path,
            self.names.bindings,
            self.names.stars,
            tuple([make.class_facts(record) for record in self.records]),
            functions,
            outside,
            tuple(receivers),
            tuple(self.notes),
            self._found_walks(),
            self.origins.arguments_of(self.contexts),
            frozenset(imports),
            frozenset(self.mentioned.union([ref.rpartition(".")[2] for ref in imports])),
            {name: tuple(reads) for name, reads in self.class_reads.items()},
            frozenset(self.by_position),
            self.positions.width,
        )

    def _read(self, scope: Scope, context: Context, prefix: str) -> None:  # noqa: PLR0912  # one table of forms
        forms: dict[ast.AST, Form] = {}
        for node in scope.nodes:
            if node.__class__ is ast.Attribute:
                inner = node.value
                if inner.__class__ is ast.Attribute:
                    forms[inner] = Form(UseForm.MEMBER, node.attr)
                self._attribute(node, forms.get(node, _PLAIN), context)
            elif node.__class__ is ast.Call:
                self._call(node, forms, context)
            elif node.__class__ is ast.Assign:
                if context.record is not None:
                    for target in node.targets:
                        self._assigned(node, target, node.value, context)
            elif node.__class__ is ast.Subscript:
                forms[node.value] = _ITEM
                if forms.get(node, _PLAIN).form in (UseForm.NONE_TEST, UseForm.TEST):
                    self._tested_child(node.value, context)
                self._entry_by_name(node, context)
            elif isinstance(node, ast.Compare):
                self._compare(node, forms, context)
            elif isinstance(node, (ast.If, ast.IfExp, ast.While, ast.Assert)):
                forms[node.test] = _TESTED
                if isinstance(node, ast.If):
                    self._type_tests(node, context)
            elif isinstance(node, ast.BoolOp):
                forms.update(dict.fromkeys(node.values, _TESTED))
            elif isinstance(node, ast.UnaryOp):
                if isinstance(node.op, ast.Not):
                    forms[node.operand] = _TESTED
            elif isinstance(node, (ast.For, ast.comprehension)):
                forms[node.iter] = _ITERATED
            elif isinstance(node, ast.Starred):
                forms[node.value] = _ITERATED
            elif isinstance(node, ast.AnnAssign):
                if context.record is not None and node.value is not None:
                    self._assigned(node, node.target, node.value, context)
            elif isinstance(node, ast.Lambda):
                if context.record is not None and any(arg.arg == context.self_name for arg in arguments(node)):
                    context.record.notes.append(_note("rebound-self", node))
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._function(node, context, prefix)
            elif isinstance(node, ast.ClassDef):
                self._class(node, context, prefix).conditional = node not in scope.node.body

    def _function(self, node: FunctionNode, context: Context, prefix: str) -> None:
        self.decorators.update(node.decorator_list)
        functions = (*context.functions, node)
        receivers = context.receivers if context.functions else {}
        inner = Context(functions, receivers)
        if context.self_name is not None and all(arg.arg != context.self_name for arg in arguments(node)):
            inner = Context(functions, receivers, context.record, context.method, context.self_name)
        self._body(node, inner, prefix)

    def _body(self, node: FunctionNode, context: Context, prefix: str) -> None:
        scope = self.names.scopes[node]
        if context.record is not None and context.self_name in {*scope.stored, *(name for name, _ in scope.bound)}:
            context.record.notes.append(_note("rebound-self", node))  # another object than that of the method
        self._read(scope, context, f"{prefix}{node.name}.<locals>.")

    def _class(self, node: ast.ClassDef, context: Context, prefix: str) -> ClassRecord:
        record = ClassRecord(node, prefix + node.name, context.functions, context.body_names)
        self.records.append(record)
        record.members = [s for s in flat(node.body) if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef))]
        scope = self.names.scopes[node]
        record.body_names = frozenset((*(name for name, _ in scope.bound), *scope.stored))
        for member in record.members:
            self._method(member, record, context, f"{record.qualname}.")
        members = set(record.members)
        scope.nodes = [inner for inner in scope.nodes if inner not in members]
        inner_context = Context(context.functions, context.receivers)
        inner_context.body_names = record.body_names
        self._read(scope, inner_context, f"{record.qualname}.")
        return record

    def _method(self, node: FunctionNode, record: ClassRecord, context: Context, prefix: str) -> None:
        functions = (*context.functions, node)
        receivers = context.receivers if context.functions else {}
        positional = [*node.args.posonlyargs, *node.args.args]
        if positional and all(dotted(decorator) != "staticmethod" for decorator in node.decorator_list):
            inner = Context(functions, receivers, record, node, positional[0].arg)
            self.contexts[node] = (record.qualname, positional[0].arg)
        else:
            inner = Context(functions, receivers)
        self._body(node, inner, prefix)

    # Attributes -------------------------------------------------------------------------------------------------------

    def _attribute(self, node: ast.Attribute, form: Form, context: Context) -> None:  # noqa: PLR0912  # for speed
        inner = node.value
        if node.attr in _SCRIPTING:
            self._scripting(node, context)
        store = node.ctx.__class__
        holder = inner.attr if inner.__class__ is ast.Attribute else getattr(inner, "id", "")
        if holder[:1].isupper():
            self._of_class(node, inner, context)
        if store is ast.Store:
            form = _STORED
        elif store is ast.Del:
            form = _DELETED
        if inner.__class__ is ast.Name:
            source: str | None = inner.id
            if source == context.self_name:
                self._self_attribute(node, form, context)
                return
            self.mentioned.add(node.attr)
            if not context.functions and self.names.bindings.get(inner.id, UNKNOWN)[0] not in "?@":
                return  # `torch.float32` at module level
        else:
            self.mentioned.add(node.attr)
            source = dotted(inner)
        if source is None:
            if form.form not in _FAILS_ON_NONE:
                self._outside(node.attr, form.form, node, None)
            return
        receiver = context.receiver(source)
        if store is ast.Load:
            receiver.reads.add(node.attr)
        if form.form in _FAILS_ON_NONE:
            return
        if not receiver.ref:
            receiver.ref = self._ref(inner, context)
        if receiver.ref[0] in "?@$.%":  # else an attribute of an imported module or class
            self._outside(node.attr, form.form, node, receiver)

    def _of_class(self, node: ast.Attribute, holder: ast.expr, context: Context) -> None:
        """Takes down `Block.forward`, and notes `nn.ReLU.forward = f`."""
        ref = self.names.resolve(holder, context.functions)
        if ref == UNKNOWN or node.attr.startswith("__"):
            return
        if is_module_class(ref):
            if not isinstance(node.ctx, ast.Load):
                self.notes.append(_note("patched-class", node, ref.rpartition(".")[2]))
        elif isinstance(node.ctx, ast.Load) and not ref.startswith("torch."):
            place = ref, node.lineno, node.col_offset + 1, self.positions.span(node).start
            self.class_reads.setdefault(node.attr, []).append(ClassRead(*place))

    def _scripting(self, node: ast.Attribute, context: Context) -> None:
        """Notes `torch.jit.script(model)` and the like; not where it decorates a function, which holds no module."""
        if node not in self.decorators and self.names.resolve(node, context.functions) == f"torch.jit.{node.attr}":
            self.notes.append(_note("scripting", node))

    def _ref(self, receiver: ast.expr, context: Context) -> str:
        """The reference of an object by name; of `self.head` what the class stores there."""
        owner = context.owner
        if owner is not None and isinstance(receiver, ast.Attribute) and is_name(receiver.value, context.self_name):
            return f"%{receiver.attr}|<@{owner[0]}"
        return self.names.resolve(receiver, context.functions)

    def _self_attribute(self, node: ast.Attribute, form: Form, context: Context) -> None:
        record, method = context.record, context.method
        assert record is not None  # whoever has a self has a class
        assert method is not None
        attr = node.attr
        record.mentioned.add(attr)
        if attr == "__dict__" or (attr == "_modules" and form is not _STORED):
            key = self.origins.entry(node, context.functions)
            if key is not None:
                reads = form is not _STORED and (
                    self.origins.only_reads(node, context.functions) or self._hands_each_on(node, context)
                )
                record.notes.append(_note(attr, node, key, reads=reads or method.name == "__setstate__"))
        if form is _STORED:
            record.stored_in.setdefault(attr, set()).add(method)
        if node not in record.targets:  # `self.x += 1`, `for self.x in ...`, `with ... as self.x` are here, too
            record.uses.setdefault(attr, []).append(SelfUse(node, form, method))

    def _hands_each_on(self, modules: ast.Attribute, context: Context) -> bool:
        """Whether `for name in self._modules: initialise(self._modules[name])` passes over a module without weights."""
        step = self.origins.parents(context.functions).of(modules)
        loop = step[0] if step is not None and step[1] == "iter" else None
        if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name) or loop.orelse:
            return False
        key = loop.target.id
        for statement in loop.body:
            call = statement.value if isinstance(statement, ast.Expr) else None
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.keywords:
                return False
            function = self._function_named(call.func.id)
            for index, argument in enumerate(call.args):
                if all(not is_name(node, key) for node in walk(argument)):
                    continue
                entry = isinstance(argument, ast.Subscript) and is_modules(argument.value)
                if not entry or function is None or done_to(function, index, self.names):
                    return False
        return True

    def _function_named(self, name: str) -> ast.FunctionDef | None:
        found = [node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        return found[0] if len(found) == 1 and self.names.bindings.get(name) == "@" + name else None

    def _is_one_object(self, record: ReceiverRecord) -> bool:
        """Whether a name stands for one object all through its function, so that all reads are of that object.

        It is a parameter, or stored once by an assignment, and no test asks what it is.
        """
        if record.typed or record.function is None:
            return not record.typed
        scope, root = self.names.scopes[record.function], record.source.partition(".")[0]
        times = scope.times_stored(root)
        is_parameter = any(arg.arg == root for arg in arguments(record.function))
        return times == 0 or (times == 1 and not is_parameter and len(scope.values_of(root)) == 1)

    def _outside(self, attr: str, form: UseForm, node: ast.expr, receiver: ReceiverRecord | None) -> None:
        self.outside.setdefault(attr, []).append((form, node.lineno, node.col_offset + 1, receiver))

    def _assigned(
        self, statement: ast.Assign | ast.AnnAssign, target: ast.expr, value: ast.expr, context: Context
    ) -> None:
        if isinstance(target, ast.Attribute):
            self._store(statement, target, value, context)
        elif isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (ast.Tuple, ast.List)) and _match_up(target, value):
                for part, element in zip(target.elts, value.elts, strict=True):
                    self._assigned(statement, part, element, context)
            else:
                for part in target.elts:
                    self._store(statement, part, None, context)

    def _store(
        self, statement: ast.Assign | ast.AnnAssign, target: ast.expr, value: ast.expr | None, context: Context
    ) -> None:
        record, method = context.record, context.method
        assert record is not None
        assert method is not None
        if isinstance(target, ast.Attribute) and is_name(target.value, context.self_name):
            record.targets.add(target)
            record.stores.setdefault(target.attr, []).append(
                SelfStore(statement, target, value, method, context.functions)
            )

    def _compare(self, node: ast.Compare, forms: dict[ast.AST, Form], context: Context) -> None:
        operator, right = node.ops[0], node.comparators[0]
        equality = len(node.ops) == 1 and isinstance(operator, (ast.Is, ast.IsNot, ast.Eq, ast.NotEq))
        if equality and is_none(right):
            forms[node.left] = _NONE_TESTED
        elif equality and is_none(node.left):
            forms[right] = _NONE_TESTED
        elif len(node.ops) == 1 and isinstance(operator, (ast.In, ast.NotIn)):
            self._tested_child(right, context)
        elif isinstance(right, ast.Constant) and right.value.__class__ is str:
            self._type_dispatch([right.value], node)  # `type(m).__name__ == "Dropout"`
        elif isinstance(right, ast.Constant) and right.value == 0 and isinstance(node.left, ast.Call):
            forms[node.left] = _TESTED  # `len(...) > 0` asks no more than `if len(...)` does

    def _tested_child(self, node: ast.expr, context: Context) -> None:
        """Notes `m._modules[name] is None` and `name in m._modules`.

        For `self` there is a note of the class already.
        """
        if isinstance(node, ast.Attribute) and node.attr == "_modules" and not is_name(node.value, context.self_name):
            self.notes.append(_note("modules-dict", node))

    def _entry_by_name(self, node: ast.Subscript, context: Context) -> None:
        """An attribute by its name: `vars(m)["x"]`, `m.__dict__["x"]`. For `self` there is a note of the class."""
        holder, key = node.value, node.slice
        if isinstance(holder, ast.Call) and is_name(holder.func, "vars") and len(holder.args) == 1:
            owner = holder.args[0]
        elif isinstance(holder, ast.Attribute) and holder.attr == "__dict__":
            owner = holder.value
        else:
            return
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and not is_name(owner, context.self_name):
            source = dotted(owner)
            receiver = None if source is None else context.receiver(source)
            if receiver is not None and not receiver.ref:
                receiver.ref = self._ref(owner, context)
            self._outside(key.value, UseForm.STRING, node, receiver)

    # Calls ------------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, forms: dict[ast.AST, Form], context: Context) -> None:
        func = node.func
        for keyword in node.keywords:
            if keyword.arg is not None and not is_name(keyword.value, keyword.arg):
                self.mentioned.add(keyword.arg + "=")
        if getattr(func, "attr", getattr(func, "id", None)) == "attrgetter":
            for name in (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)):
                for part in name.split("."):
                    self._outside(part, UseForm.STRING, node, None)
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
            ref = self.names.resolve(func, context.functions)
            if ref in MODULE_FORMS or is_module_class(ref):
                record.torch_calls.append(MethodCall(node, ref, method, context.functions, self_name))

    def _member_call(self, node: ast.Call, func: ast.Attribute, forms: dict[ast.AST, Form], context: Context) -> None:
        inner = func.value
        if inner.__class__ is ast.Attribute and func.attr == "forward":
            forms[func] = Form(UseForm.MEMBER, "forward")
        else:
            forms[func] = _CALLED if is_plain_call(node) else _CALLED_OTHERWISE
        if context.record is not None and is_name(inner, context.self_name):
            assert context.method is not None
            context.record.self_calls.setdefault(context.method.name, set()).add(func.attr)
            if func.attr in _REGISTERS:
                self._registered(node, context)
            name = dotted(node.args[0]) if func.attr == "add_module" and node.args else None
            if name is not None and name.partition(".")[0] == context.self_name:
                context.record.notes.append(_note("named-module", node, name.partition(".")[2]))
        walks = func.attr in CHILD_WALKS or func.attr in MODULE_WALKS
        if func.attr in DICTIONARY_WALKS:
            walks = isinstance(inner, ast.Attribute) and inner.attr == "_modules"
        elif func.attr == "apply":
            walks = len(node.args) == 1 and isinstance(node.args[0], ast.Name)
        if walks:
            self.walks.append((node, context))
        elif func.attr in _STRING_TESTS and node.args and isinstance(node.args[0], ast.Constant):
            self._type_dispatch([str(node.args[0].value)], node)  # `classname.find("Dropout") != -1`
        elif func.attr == "save" and node.args and self.names.resolve(func, context.functions) == "torch.save":
            self._torch_save(node, context)

    def _registered(self, node: ast.Call, context: Context) -> None:
        """Takes down `self.add_module("name", m)` and the like; notes a computed name."""
        assert context.record is not None
        named = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "name")]
        if named and isinstance(named[0], ast.Constant):
            context.record.mentioned.add(str(named[0].value))
        else:
            key = self.origins.key_of(named[0], context.functions) if named else ""
            context.record.notes.append(_note("computed-module", node, key))

    def _function_call(self, node: ast.Call, func: ast.Name, forms: dict[ast.AST, Form], context: Context) -> None:
        name, first = func.id, node.args[0]
        if name in _ATTRIBUTE_FUNCTIONS:
            if len(node.args) > 1:
                self._attribute_by_name(node, name, context)
        elif name == "vars":
            if context.record is not None and is_name(first, context.self_name):
                reads = self.origins.only_reads(node, context.functions)
                context.record.notes.append(_note("__dict__", node, reads=reads))
        elif name in _BY_POSITION:
            self.by_position.update(_callees(node))
        elif name in self.none_tests:
            if is_plain_call(node) and self.names.resolve(func, context.functions) == "@" + name:
                forms[first] = _NONE_TESTED
        elif name == "isinstance" and len(node.args) == 2:
            tested = dotted(first)
            if tested is not None and tested != context.self_name:
                context.receiver(tested).typed = True
            classes = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
            refs = [self.names.resolve(c, context.functions) for c in classes]
            self._type_dispatch([ref.rpartition(".")[2] for ref in refs if is_module_class(ref)], node)
            if any(ref.endswith(".Identity") for ref in refs):
                self.notes.append(
                    _note("identity-dispatch", node, "|".join(self.origins.held_by(first, context.functions)))
                )
            elif all(is_module_class(ref) and ref != "torch.nn.Module" for ref in refs):
                forms[first] = _OF_TYPE  # neither None nor an Identity is one of these

    def _type_dispatch(self, names: list[str], node: ast.expr) -> None:
        """Notes a test for a type of module that modfix creates."""
        if created := _CREATED.intersection(names):
            self.notes.append(_note("type-dispatch", node, ",".join(sorted(created))))

    def _attribute_by_name(self, node: ast.Call, function: str, context: Context) -> None:
        name = node.args[1]
        if function in ("setattr", "delattr"):
            ref = self.names.resolve(node.args[0], context.functions)
            if is_module_class(ref):
                self.notes.append(_note("patched-class", node, ref.rpartition(".")[2]))
        on_self = context.record is not None and is_name(node.args[0], context.self_name)
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            if on_self:
                assert context.record is not None
                assert context.method is not None
                context.record.mentioned.add(name.value)
                context.record.strings.setdefault(name.value, []).append(SelfString(node, function, context.method))
            else:
                source = dotted(node.args[0])
                receiver = None if source is None else context.receiver(source)
                if receiver is not None and function == "hasattr":
                    receiver.typed = True
                if receiver is not None and not receiver.ref:
                    receiver.ref = self._ref(node.args[0], context)
                form = {"setattr": UseForm.STORE, "delattr": UseForm.DELETE}.get(function, UseForm.STRING)
                self._outside(name.value, form, node, receiver)
        elif on_self:
            self._computed_attribute(node, function, context)
        elif function == "setattr" and len(node.args) > 2 and is_none(node.args[2]):
            self.notes.append(_note("computed-none", node, prefix(name)))

    def _computed_attribute(self, node: ast.Call, function: str, context: Context) -> None:
        """Notes `getattr(self, name)` and `setattr(self, name, value)`.

        Not where it is called with one argument, which None would not have been; `hasattr` and `delattr` find the
        attribute in either case.
        """
        assert context.record is not None
        if function in ("hasattr", "delattr"):
            return
        parents = self.origins.parents(context.functions)
        if function == "getattr":
            step = parents.of(node)
            call = step[0] if step is not None and step[1] == "func" else None
            if isinstance(call, ast.Call) and is_plain_call(call) and not caught(parents, node):
                return
        name = dotted(node.args[1])
        if function == "getattr" and name is not None and name.partition(".")[0] == context.self_name:
            context.record.notes.append(_note("named-attribute", node, name.partition(".")[2]))
        else:
            key = self.origins.key_of(node.args[1], context.functions)
            reads = function == "getattr" and len(node.args) == 2 and not caught(parents, node)
            context.record.notes.append(_note("computed-attribute", node, key, reads=reads))

    def _torch_save(self, node: ast.Call, context: Context) -> None:
        """Notes `torch.save(model, ...)`: old files of whole models load without the new attribute values."""
        saved = node.args[0]
        source = dotted(saved)
        if source is None:
            return
        reads = context.receivers[source].reads if source in context.receivers else frozenset()
        made_by = self.origins.origin(saved, context.functions, context.owner).made_by
        plain = all(ref in ("builtins.dict", "collections.OrderedDict") for ref in made_by)
        named = _MODEL_NAME.search(source.rpartition(".")[2]) is not None
        if not plain and (named or reads & _MODEL_METHODS or source == context.self_name):
            self.notes.append(_note("whole-model-pickle", node, source))

    # Walks over children ----------------------------------------------------------------------------------------------

    def _found_walks(self) -> tuple[Walk, ...]:
        """The walks that would notice an ``nn.Identity``."""
        found = []
        for node, context in self.walks:
            assert isinstance(node.func, ast.Attribute)
            functions = context.functions
            walks = Walks(self.names, self.origins.parents(functions), functions)
            how = self._applied(node.args[0]) if node.func.attr == "apply" else walks.outcome(node)
            deep = node.func.attr not in CHILD_WALKS and node.func.attr not in DICTIONARY_WALKS
            if not how or (deep and not how.startswith((READ, "numbered", "paired", "picked"))):
                continue
            walked = walked_object(node)
            assert walked is not None  # a walk is an attribute that is called
            origin = self.origins.origin(walked, functions, context.owner)
            found.append(Walk(node.lineno, node.col_offset + 1, how, deep, walks.expected(node), origin))
        return tuple(found)

    def _applied(self, function: ast.expr) -> str:
        """What the function of `model.apply(function)` would not find in an ``nn.Identity``."""
        nodes = (n for n in self.tree.body if isinstance(n, ast.FunctionDef) and is_name(function, n.name))
        return next((how for node in nodes if (how := reads_of_each(node, self.names))), "")

    def _type_tests(self, node: ast.If, context: Context) -> None:
        """Takes down in which lines a name is known to hold an object of some class."""
        for part in walk(node.test):
            name: str | None = None
            if isinstance(part, ast.Call) and is_name(part.func, "isinstance") and len(part.args) == 2:
                name = dotted(part.args[0])
            elif isinstance(part, ast.Compare) and isinstance(part.left, ast.Call) and part.left.args:
                name = dotted(part.left.args[0]) if is_name(part.left.func, "type") else None
            if name is None or name == context.self_name:
                continue
            refs = self.origins.type_test(node.test, name, context.functions)
            if refs:
                last = node.body[-1]
                test = node.test
                told_first = isinstance(test, ast.BoolOp) and test.values[0] is part and isinstance(test.op, ast.And)
                lines = test.lineno if told_first else node.body[0].lineno, last.end_lineno or last.lineno, refs
                context.receiver(name).tested.append(lines)


def _note(kind: str, node: ast.expr | ast.stmt, detail: str = "", *, reads: bool = False) -> Note:
    return Note(kind, node.lineno, node.col_offset + 1, detail, reads)


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


def _match_up(target: ast.Tuple | ast.List, value: ast.Tuple | ast.List) -> bool:
    """Whether the elements of a tuple are assigned one to one."""
    starred = any(isinstance(element, ast.Starred) for element in (*target.elts, *value.elts))
    return len(value.elts) == len(target.elts) and not starred


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
