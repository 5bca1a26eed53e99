"""The walk over one file: what it does with attributes, of ``self`` and of other objects.

Every node is read once: a parent says how its children are used (called, tested, read for a member), so no parent
links are needed. What the methods of a class do with ``self`` is collected in records.
"""

from __future__ import annotations

import ast

from modfix.semantics.call_reader import CallReader
from modfix.semantics.facts import UNKNOWN, ClassRead, UseForm
from modfix.semantics.keys import is_modules
from modfix.semantics.records import (
    NONE_TESTED,
    ClassRecord,
    Context,
    FileRecord,
    Form,
    SelfStore,
    SelfUse,
    note,
)
from modfix.semantics.scopes import Scope
from modfix.semantics.syntax import FunctionNode, arguments, dotted, flat, is_name, is_none, walk
from modfix.semantics.torch_names import is_module_class
from modfix.semantics.walks import done_to

SCRIPTING = frozenset({"ScriptModule", "export", "script", "script_method"})  # of torch.jit
_PLAIN = Form(UseForm.VALUE, "")
_TESTED = Form(UseForm.TEST, "")
_ITERATED = Form(UseForm.ITERATE, "")
_ITEM = Form(UseForm.MEMBER, "[...]")
_STORED = Form(UseForm.STORE, "")
_DELETED = Form(UseForm.DELETE, "")
_FAILS_ON_NONE = frozenset({UseForm.CALL, UseForm.CALL_OTHER, UseForm.MEMBER, UseForm.TYPE_TEST})


class FileReader:
    """Reads one file into its record."""

    def __init__(self, file: FileRecord) -> None:
        self._file = file
        self._calls = CallReader(file)

    def read(self) -> None:
        """Fills the record."""
        self._read(self._file.names.scopes[self._file.tree], Context((), {}), "")

    def _read(self, scope: Scope, context: Context, prefix: str) -> None:  # noqa: PLR0912  # one table of forms
        forms: dict[ast.AST, Form] = {}
        for node in scope.nodes:
            if node.__class__ is ast.Attribute:
                inner = node.value
                if inner.__class__ is ast.Attribute:
                    forms[inner] = Form(UseForm.MEMBER, node.attr)
                self._attribute(node, forms.get(node, _PLAIN), context)
            elif node.__class__ is ast.Call:
                self._calls.read(node, forms, context)
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
                    context.record.notes.append(note("rebound-self", node))
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._function(node, context, prefix)
            elif isinstance(node, ast.ClassDef):
                self._class(node, context, prefix).conditional = node not in scope.node.body

    def _function(self, node: FunctionNode, context: Context, prefix: str) -> None:
        self._file.decorators.update(node.decorator_list)
        functions = (*context.functions, node)
        receivers = context.receivers if context.functions else {}
        inner = Context(functions, receivers)
        if context.self_name is not None and all(arg.arg != context.self_name for arg in arguments(node)):
            inner = Context(functions, receivers, context.record, context.method, context.self_name)
        self._body(node, inner, prefix)

    def _body(self, node: FunctionNode, context: Context, prefix: str) -> None:
        scope = self._file.names.scopes[node]
        if context.record is not None and context.self_name in {*scope.stored, *(name for name, _ in scope.bound)}:
            context.record.notes.append(note("rebound-self", node))  # another object than that of the method
        self._read(scope, context, f"{prefix}{node.name}.<locals>.")

    def _class(self, node: ast.ClassDef, context: Context, prefix: str) -> ClassRecord:
        record = ClassRecord(node, prefix + node.name, context.functions, context.body_names)
        self._file.records.append(record)
        record.members = [s for s in flat(node.body) if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef))]
        scope = self._file.names.scopes[node]
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
            self._file.contexts[node] = (record.qualname, positional[0].arg)
        else:
            inner = Context(functions, receivers)
        self._body(node, inner, prefix)

    # Attributes -------------------------------------------------------------------------------------------------------

    def _attribute(self, node: ast.Attribute, form: Form, context: Context) -> None:  # noqa: PLR0912  # for speed
        inner = node.value
        if node.attr in SCRIPTING:
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
            self._file.mentioned.add(node.attr)
            if not context.functions and self._file.names.bindings.get(inner.id, UNKNOWN)[0] not in "?@":
                return  # `torch.float32` at module level
        else:
            self._file.mentioned.add(node.attr)
            source = dotted(inner)
        if source is None:
            if form.form not in _FAILS_ON_NONE:
                self._file.add_outside(node.attr, form.form, node, None)
            return
        receiver = context.receiver(source)
        if store is ast.Load:
            receiver.reads.add(node.attr)
        if form.form in _FAILS_ON_NONE:
            return
        if not receiver.ref:
            receiver.ref = self._file.ref(inner, context)
        if receiver.ref[0] in "?@$.%":  # else an attribute of an imported module or class
            self._file.add_outside(node.attr, form.form, node, receiver)

    def _of_class(self, node: ast.Attribute, holder: ast.expr, context: Context) -> None:
        """Takes down `Block.forward`, and notes `nn.ReLU.forward = f`."""
        ref = self._file.names.resolve(holder, context.functions)
        if ref == UNKNOWN or node.attr.startswith("__"):
            return
        if is_module_class(ref):
            if not isinstance(node.ctx, ast.Load):
                self._file.notes.append(note("patched-class", node, ref.rpartition(".")[2]))
        elif isinstance(node.ctx, ast.Load) and not ref.startswith("torch."):
            place = ref, node.lineno, node.col_offset + 1, self._file.positions.span(node).start
            self._file.class_reads.setdefault(node.attr, []).append(ClassRead(*place))

    def _scripting(self, node: ast.Attribute, context: Context) -> None:
        """Notes `torch.jit.script(model)` and the like; not where it decorates a function, which holds no module."""
        if (
            node not in self._file.decorators
            and self._file.names.resolve(node, context.functions) == f"torch.jit.{node.attr}"
        ):
            self._file.notes.append(note("scripting", node))

    def _self_attribute(self, node: ast.Attribute, form: Form, context: Context) -> None:
        record, method = context.record, context.method
        assert record is not None  # whoever has a self has a class
        assert method is not None
        attr = node.attr
        record.mentioned.add(attr)
        if attr == "__dict__" or (attr == "_modules" and form is not _STORED):
            key = self._file.keys.entry(node, context.functions)
            if key is not None:
                reads = form is not _STORED and (
                    self._file.keys.only_reads(node, context.functions) or self._hands_each_on(node, context)
                )
                record.notes.append(note(attr, node, key, reads=reads or method.name == "__setstate__"))
        if form is _STORED:
            record.stored_in.setdefault(attr, set()).add(method)
        if node not in record.targets:  # `self.x += 1`, `for self.x in ...`, `with ... as self.x` are here, too
            record.uses.setdefault(attr, []).append(SelfUse(node, form, method))

    def _hands_each_on(self, modules: ast.Attribute, context: Context) -> bool:
        """Whether `for name in self._modules: initialise(self._modules[name])` passes over a module without weights."""
        step = self._file.origins.parents(context.functions).of(modules)
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
                if not entry or function is None or done_to(function, index, self._file.names):
                    return False
        return True

    def _function_named(self, name: str) -> ast.FunctionDef | None:
        found = [node for node in self._file.tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        return found[0] if len(found) == 1 and self._file.names.bindings.get(name) == "@" + name else None

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
            forms[node.left] = NONE_TESTED
        elif equality and is_none(node.left):
            forms[right] = NONE_TESTED
        elif len(node.ops) == 1 and isinstance(operator, (ast.In, ast.NotIn)):
            self._tested_child(right, context)
        elif isinstance(right, ast.Constant) and right.value.__class__ is str:
            self._calls.type_dispatch([right.value], node)  # `type(m).__name__ == "Dropout"`
        elif isinstance(right, ast.Constant) and right.value == 0 and isinstance(node.left, ast.Call):
            forms[node.left] = _TESTED  # `len(...) > 0` asks no more than `if len(...)` does

    def _tested_child(self, node: ast.expr, context: Context) -> None:
        """Notes `m._modules[name] is None` and `name in m._modules`.

        For `self` there is a note of the class already.
        """
        if isinstance(node, ast.Attribute) and node.attr == "_modules" and not is_name(node.value, context.self_name):
            self._file.notes.append(note("modules-dict", node))

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
                receiver.ref = self._file.ref(owner, context)
            self._file.add_outside(key.value, UseForm.STRING, node, receiver)

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
            refs = self._file.origins.type_test(node.test, name, context.functions)
            if refs:
                last = node.body[-1]
                test = node.test
                told_first = isinstance(test, ast.BoolOp) and test.values[0] is part and isinstance(test.op, ast.And)
                lines = test.lineno if told_first else node.body[0].lineno, last.end_lineno or last.lineno, refs
                context.receiver(name).tested.append(lines)


def _match_up(target: ast.Tuple | ast.List, value: ast.Tuple | ast.List) -> bool:
    """Whether the elements of a tuple are assigned one to one."""
    starred = any(isinstance(element, ast.Starred) for element in (*target.elts, *value.elts))
    return len(value.elts) == len(target.elts) and not starred
