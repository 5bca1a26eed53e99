"""One walk over the syntax tree of a file, from which all of its facts come.

The walk is iterative and treats every node once. A parent tells its children how they are used (called, tested, read for a member), so no
parent links are needed; these are made later, for the few methods with None tests alone.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Sequence

from modfix.model.source import Refused, SourceFile
from modfix.model.span import Span
from modfix.semantics.dataflow import Parents, last_value
from modfix.semantics.facts import (
    UNKNOWN,
    AttributeFacts,
    ClassFacts,
    Definition,
    FileFacts,
    FunctionFacts,
    Guard,
    MethodFacts,
    Note,
    OutsideUse,
    Receiver,
    Ref,
    Use,
    UseForm,
    ValueKind,
)
from modfix.semantics.guards import Subject, analyse
from modfix.semantics.positions import Positions
from modfix.semantics.scopes import FunctionNode, ModuleScope, arguments, bound_names, dotted
from modfix.semantics.torch_names import MODULE_MEMBERS, is_module_class

_ATTRIBUTE_FUNCTIONS = frozenset({"getattr", "hasattr", "setattr", "delattr"})
_CHILD_WALKS = frozenset({"children", "named_children"})
# What a function makes of a walk over children; None: the same as what happens to its own result.
_SEQUENCE_FUNCTIONS: dict[str, tuple[UseForm, str] | None] = {
    "list": None,
    "tuple": None,
    "sorted": None,
    "reversed": None,
    "len": (UseForm.VALUE, "counted"),
    "next": (UseForm.VALUE, "taken one by one"),
    "enumerate": (UseForm.VALUE, "numbered"),
    "zip": (UseForm.VALUE, "paired"),
}
_MODEL_METHODS = frozenset({"state_dict", "parameters", "named_parameters", "train", "eval", "zero_grad", "load_state_dict", "module"})
_MODEL_NAME = re.compile(r"(^|_)(model|net|network|generator|discriminator|encoder|decoder)s?\d*$|^net[A-Z]", re.IGNORECASE)
_OPTIONAL_ANNOTATION = re.compile(r"\bOptional\b|\bNone\b")


def scan(source: SourceFile) -> FileFacts | Refused:
    """The facts of one file, or why it cannot be read as Python (syntax error, null bytes, nesting too deep)."""
    try:
        tree = ast.parse(source.text)
        return _Scanner(source, tree).facts()
    except SyntaxError as error:
        where = f" in line {error.lineno}" if error.lineno else ""
        hint = "; is this Python 2?" if re.search(r"^\s*(print\s+[\"'\w]|exec\s+[\"'])|except \w+, \w+:", source.text, re.MULTILINE) else ""
        return Refused(source.path, f"not valid Python{where}: {error.msg}{hint}")
    except ValueError as error:  # null bytes, integers beyond the interpreter's limit
        return Refused(source.path, f"not valid Python: {error}")
    except (RecursionError, MemoryError):  # MemoryError is what the parser raises when its stack is full
        return Refused(source.path, "nested too deeply to be analysed")


class _ClassRecord:
    """What the walk collects about one class, before it becomes `ClassFacts`."""

    def __init__(self, node: ast.ClassDef, qualname: str, functions: tuple[FunctionNode, ...], shadowed: frozenset[str]) -> None:
        self.node = node
        self.qualname = qualname
        self.functions = functions
        self.shadowed = shadowed  # names of the class around, which come before those of the module
        self.reads: dict[str, list[tuple[ast.Attribute, UseForm, str, FunctionNode]]] = {}
        self.values: dict[str, list[tuple[ast.stmt, ast.expr, ast.expr, FunctionNode]]] = {}
        self.assigned: set[int] = set()  # ids of the targets in `values`
        self.strings: dict[str, list[tuple[ast.Call, str, FunctionNode]]] = {}
        self.self_calls: dict[str, set[str]] = {}
        self.notes: list[Note] = []
        self.mentioned: set[str] = set()


class _Context:
    """Where the walk is: the class and method whose `self` is in reach, and the functions around."""

    __slots__ = ("body_names", "functions", "method", "record", "self_name")

    def __init__(
        self,
        functions: tuple[FunctionNode, ...],
        record: _ClassRecord | None,
        method: FunctionNode | None,
        self_name: str | None,
        body_names: frozenset[str] = frozenset(),
    ) -> None:
        self.functions = functions
        self.record = record
        self.method = method
        self.self_name = self_name
        self.body_names = body_names  # of the class whose body this is: its nested classes see them


class _Scanner:
    def __init__(self, source: SourceFile, tree: ast.Module) -> None:
        self.path = source.path
        self.tree = tree
        self.text = source.text
        self.positions = Positions(source.text)
        self.scope = ModuleScope(tree)
        self.records: list[_ClassRecord] = []
        self.outside: dict[str, list[tuple[UseForm, int, int, tuple[int, str] | None]]] = {}
        self.receiver_reads: dict[tuple[int, str], set[str]] = {}
        self.receiver_refs: dict[tuple[int, str], Ref] = {}
        self.notes: list[Note] = []
        self.none_tests = {node.name for node in tree.body if _is_none_test(node)}

    def facts(self) -> FileFacts:
        self._walk(self.tree.body, _Context((), None, None, None), "")
        receivers: list[Receiver] = []
        index: dict[tuple[int, str], int] = {}
        outside: dict[str, tuple[OutsideUse, ...]] = {}
        for attr, uses in self.outside.items():
            found = []
            for form, line, column, key in uses:
                if key is not None and key not in index:
                    index[key] = len(receivers)
                    receivers.append(Receiver(key[1], self.receiver_refs.get(key, UNKNOWN), frozenset(self.receiver_reads.get(key, ()))))
                found.append(OutsideUse(form, line, column, -1 if key is None else index[key]))
            outside[attr] = tuple(found)
        blocks = [s for s in self.tree.body if hasattr(s, "body") and not isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
        alternatives = {name for name, ref, _ in bound_names(blocks) if ref.startswith("@")}  # `if fast: def make(): ...`
        functions = {
            node.name: FunctionFacts(node.name, (UNKNOWN,) if node.name in alternatives else self._returns(node, (node,)))
            for node in self.tree.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        return FileFacts(
            self.path,
            self.scope.bindings,
            self.scope.stars,
            tuple(self._class_facts(record) for record in self.records),
            functions,
            outside,
            tuple(receivers),
            tuple(self.notes),
        )

    # The walk -----------------------------------------------------------------------------------------------------------------------

    def _walk(self, roots: Iterable[ast.AST], context: _Context, prefix: str) -> None:  # noqa: PLR0912, PLR0915  # one loop, for speed
        stack: list[ast.AST] = list(roots)
        forms: dict[int, tuple[UseForm, str]] = {}
        value_form = (UseForm.VALUE, "")
        while stack:
            node = stack.pop()
            kind = node.__class__
            if kind is ast.Constant:
                continue
            if kind is ast.Name:
                if node.id == context.self_name and node.ctx.__class__ is not ast.Load:  # type: ignore[attr-defined]  # `kind` narrows
                    self._rebound(node, context)
                continue
            if kind is ast.Attribute:
                assert isinstance(node, ast.Attribute)
                form = forms.pop(id(node), value_form)
                inner = node.value
                if inner.__class__ is ast.Attribute:
                    forms[id(inner)] = (UseForm.MEMBER, node.attr)
                    stack.append(inner)
                elif inner.__class__ is not ast.Name:
                    stack.append(inner)
                self._attribute(node, form, context)
                continue
            if kind is ast.Call:
                assert isinstance(node, ast.Call)
                self._call(node, forms, context)
            elif kind is ast.Subscript:
                assert isinstance(node, ast.Subscript)
                forms[id(node.value)] = (UseForm.MEMBER, "[...]")
                if forms.get(id(node), value_form)[0] in (UseForm.NONE_TEST, UseForm.TEST):
                    self._tested_child(node.value, context)
            elif kind is ast.Compare:
                assert isinstance(node, ast.Compare)
                equality = len(node.ops) == 1 and isinstance(node.ops[0], (ast.Is, ast.IsNot, ast.Eq, ast.NotEq))
                if equality and _is_none(node.comparators[0]):
                    forms[id(node.left)] = (UseForm.NONE_TEST, "")
                elif equality and _is_none(node.left):
                    forms[id(node.comparators[0])] = (UseForm.NONE_TEST, "")
                elif len(node.ops) == 1 and isinstance(node.ops[0], (ast.In, ast.NotIn)):
                    self._tested_child(node.comparators[0], context)
                elif isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value == 0:
                    forms[id(node.left)] = (UseForm.TEST, "")  # `len(...) > 0` asks no more than `if len(...)` does
            elif kind is ast.If or kind is ast.IfExp or kind is ast.While or kind is ast.Assert:
                forms[id(node.test)] = (UseForm.TEST, "")  # type: ignore[attr-defined]  # `kind` narrows
            elif kind is ast.BoolOp:
                for value in node.values:  # type: ignore[attr-defined]  # `kind` narrows
                    forms[id(value)] = (UseForm.TEST, "")
            elif kind is ast.UnaryOp:
                assert isinstance(node, ast.UnaryOp)
                if isinstance(node.op, ast.Not):
                    forms[id(node.operand)] = (UseForm.TEST, "")
            elif kind is ast.For or kind is ast.comprehension:
                forms[id(node.iter)] = (UseForm.ITERATE, "")  # type: ignore[attr-defined]  # `kind` narrows
                if kind is ast.For:
                    self._loop(node, context)  # type: ignore[arg-type]  # `kind` narrows
            elif kind is ast.Starred:
                forms[id(node.value)] = (UseForm.ITERATE, "")  # type: ignore[attr-defined]  # `kind` narrows
            elif kind is ast.Assign:
                assert isinstance(node, ast.Assign)
                if context.record is not None:
                    for target in node.targets:
                        self._assigned(node, target, node.value, context)
            elif kind is ast.AnnAssign:
                assert isinstance(node, ast.AnnAssign)
                if context.record is not None and node.value is not None:
                    self._assigned(node, node.target, node.value, context)
                stack.append(node.target)
                if node.value is not None:
                    stack.append(node.value)
                continue  # annotations are no uses
            elif kind is ast.Lambda:
                assert isinstance(node, ast.Lambda)
                if any(arg.arg == context.self_name for arg in arguments(node)):
                    self._rebound(node, context)
            elif kind is ast.Global:
                self.scope.bindings.update((name, UNKNOWN) for name in node.names)  # type: ignore[attr-defined]  # `kind` narrows
            elif kind is ast.FunctionDef or kind is ast.AsyncFunctionDef:
                self._function(node, context, prefix)  # type: ignore[arg-type]  # `kind` narrows
                continue
            elif kind is ast.ClassDef:
                assert isinstance(node, ast.ClassDef)
                self._class(node, context, prefix)
                continue
            for value in node.__dict__.values():
                if value.__class__ is list:
                    stack.extend([child for child in value if isinstance(child, ast.AST)])  # `{**a}` has a key None
                elif isinstance(value, ast.AST):
                    stack.append(value)

    def _function(self, node: FunctionNode, context: _Context, prefix: str) -> None:
        outer = _Context(context.functions, context.record, context.method, context.self_name)
        self._walk([*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)], outer, prefix)
        names = {arg.arg for arg in arguments(node)}
        keeps_self = context.self_name is not None and context.self_name not in names
        inner = _Context(
            (*context.functions, node),
            context.record if keeps_self else None,
            context.method if keeps_self else None,
            context.self_name if keeps_self else None,
        )
        self._walk(node.body, inner, f"{prefix}{node.name}.<locals>.")

    def _class(self, node: ast.ClassDef, context: _Context, prefix: str) -> None:
        self._walk([*node.decorator_list, *node.bases, *node.keywords], context, prefix)
        record = _ClassRecord(node, prefix + node.name, context.functions, context.body_names)
        self.records.append(record)
        inner_prefix = f"{record.qualname}."
        rest: list[ast.AST] = []
        for statement in _flat(node.body):
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._method(statement, record, context.functions, inner_prefix)
            else:
                rest.append(statement)
        if rest:
            names = frozenset(name for name, _, _ in bound_names(node.body))
            self._walk(rest, _Context(context.functions, None, None, None, names), inner_prefix)

    def _method(self, node: FunctionNode, record: _ClassRecord, functions: tuple[FunctionNode, ...], prefix: str) -> None:
        outer = _Context(functions, None, None, None)
        self._walk([*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)], outer, prefix)
        static = any(dotted(d) == "staticmethod" for d in node.decorator_list)
        positional = [*node.args.posonlyargs, *node.args.args]
        self_name = positional[0].arg if positional and not static else None
        context = _Context((*functions, node), record if self_name else None, node if self_name else None, self_name)
        self._walk(node.body, context, f"{prefix}{node.name}.<locals>.")

    def _attribute(self, node: ast.Attribute, form: tuple[UseForm, str], context: _Context) -> None:
        inner = node.value
        store = node.ctx.__class__
        if store is ast.Store:
            form = (UseForm.STORE, "")
        elif store is ast.Del:
            form = (UseForm.DELETE, "")
        if inner.__class__ is ast.Name:
            name = inner.id  # type: ignore[attr-defined]  # just tested
            if name == context.self_name:
                record = context.record
                assert record is not None  # whoever has a self has a class
                assert context.method is not None
                record.mentioned.add(node.attr)
                if node.attr == "__dict__" or (node.attr == "_modules" and form[0] is not UseForm.STORE):
                    record.notes.append(Note(node.attr, node.lineno, node.col_offset + 1, ""))
                if id(node) not in record.assigned:  # `self.x += 1`, `for self.x in ...`, `with ... as self.x` are here, too
                    record.reads.setdefault(node.attr, []).append((node, form[0], form[1], context.method))
                return
            source: str | None = name
            if self.scope.bindings.get(name, UNKNOWN)[0] not in "?@" and not context.functions:
                return  # `torch.float32` at module level
        else:
            source = dotted(inner)
        key = (id(context.functions[0]) if context.functions else 0, source) if source is not None else None
        if key is not None:
            self.receiver_reads.setdefault(key, set())
            if store is ast.Load:
                self.receiver_reads[key].add(node.attr)
        if form[0] in (UseForm.CALL, UseForm.CALL_OTHER, UseForm.MEMBER, UseForm.TYPE_TEST):
            return  # where the attribute is None these raise already
        if key is not None and key not in self.receiver_refs:
            self.receiver_refs[key] = self.scope.resolve(inner, context.functions)
        if key is not None and self.receiver_refs[key][0] not in "?@$.":
            return  # an attribute of an imported module or class
        self.outside.setdefault(node.attr, []).append((form[0], node.lineno, node.col_offset + 1, key))

    def _rebound(self, node: ast.AST, context: _Context) -> None:
        """Notes that `self` stands for another object in part of a method."""
        assert isinstance(node, ast.expr)
        assert context.record is not None  # whoever has a self has a class
        context.record.notes.append(Note("rebound-self", node.lineno, node.col_offset + 1, ""))

    def _call(self, node: ast.Call, forms: dict[int, tuple[UseForm, str]], context: _Context) -> None:
        func = node.func
        form = forms.pop(id(node), (UseForm.VALUE, ""))
        single = len(node.args) == 1 and not node.keywords and node.args[0].__class__ is not ast.Starred
        if func.__class__ is ast.Attribute:
            assert isinstance(func, ast.Attribute)
            forms[id(func)] = (UseForm.CALL if single else UseForm.CALL_OTHER, "")
            inner = func.value
            if inner.__class__ is ast.Attribute and func.attr == "forward":
                forms[id(func)] = (UseForm.MEMBER, "forward")
            if inner.__class__ is ast.Name and inner.id == context.self_name and context.record is not None:  # type: ignore[attr-defined]
                assert context.method is not None
                context.record.self_calls.setdefault(context.method.name, set()).add(func.attr)
            by_name = func.attr == "named_children" and form == (UseForm.VALUE, "")  # `dict(m.named_children())`
            if func.attr in _CHILD_WALKS and not node.args and form[0] is not UseForm.ITERATE and not by_name:
                self._child_walk(node, func.value, form[1] or "kept", context)
            elif func.attr == "save" and node.args and self.scope.resolve(func, context.functions) == "torch.save":
                self._torch_save(node, context)
        elif func.__class__ is ast.Name:
            assert isinstance(func, ast.Name)
            name = func.id
            if name in _ATTRIBUTE_FUNCTIONS and len(node.args) > 1:
                self._attribute_by_name(node, name, context)
            elif name == "vars" and node.args and _names(node.args[0], context.self_name) and context.record is not None:
                context.record.notes.append(Note("__dict__", node.lineno, node.col_offset + 1, "vars"))
            elif name in _SEQUENCE_FUNCTIONS and node.args:
                forms[id(node.args[0])] = _SEQUENCE_FUNCTIONS[name] or form
                if name == "len" and form[0] is UseForm.TEST:
                    forms[id(node.args[0])] = (UseForm.ITERATE, "")
            elif name in self.none_tests and single and self.scope.resolve(func, context.functions) == "@" + name:
                forms[id(node.args[0])] = (UseForm.NONE_TEST, "")
            elif name == "isinstance" and len(node.args) == 2:
                classes = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
                refs = [self.scope.resolve(c, context.functions) for c in classes]
                if any(ref.endswith(".Identity") for ref in refs):
                    self.notes.append(Note("identity-dispatch", node.lineno, node.col_offset + 1, self._held_by(node.args[0], context)))
                elif all(is_module_class(ref) and ref != "torch.nn.Module" for ref in refs):
                    forms[id(node.args[0])] = (UseForm.TYPE_TEST, "")  # neither None nor an Identity is one of these

    def _attribute_by_name(self, node: ast.Call, function: str, context: _Context) -> None:
        name = node.args[1]
        on_self = _names(node.args[0], context.self_name)
        where = (node.lineno, node.col_offset + 1)
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            if on_self and context.record is not None:
                assert context.method is not None
                context.record.mentioned.add(name.value)
                context.record.strings.setdefault(name.value, []).append((node, function, context.method))
            else:
                source = dotted(node.args[0])
                key = (id(context.functions[0]) if context.functions else 0, source) if source is not None else None
                if key is not None:
                    self.receiver_refs.setdefault(key, self.scope.resolve(node.args[0], context.functions))
                self.outside.setdefault(name.value, []).append((UseForm.STRING, *where, key))
        elif on_self and context.record is not None:
            context.record.notes.append(Note("computed-attribute", *where, _prefix(name)))

    def _tested_child(self, node: ast.expr, context: _Context) -> None:
        """Notes `m._modules[name] is None` and `name in m._modules`; for `self` there is a note of the class already."""
        if isinstance(node, ast.Attribute) and node.attr == "_modules" and not _names(node.value, context.self_name):
            self.notes.append(Note("modules-dict", node.lineno, node.col_offset + 1, ""))

    def _child_walk(self, node: ast.AST, receiver: ast.expr, how: str, context: _Context) -> None:
        assert isinstance(node, (ast.expr, ast.stmt))
        note = Note("children", node.lineno, node.col_offset + 1, how)
        if _names(receiver, context.self_name) and context.record is not None:
            context.record.notes.append(note)
        else:
            self.notes.append(note._replace(detail=f"{self._origin(receiver, context)} {how}"))

    def _loop(self, node: ast.For, context: _Context) -> None:
        """Notes `for m in x.children(): m.reset_parameters()`, which asks of every child what `nn.Identity` lacks."""
        walk = node.iter
        if not (isinstance(walk, ast.Call) and isinstance(walk.func, ast.Attribute) and walk.func.attr in _CHILD_WALKS):
            return
        targets = {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
        for statement in node.body:
            for inner in ast.walk(statement):
                called = isinstance(inner, ast.Call) and dotted(inner.func) in targets
                if called and not _passes_through(statement, inner) or isinstance(inner, (ast.Raise, ast.Assert)):
                    self._child_walk(walk, walk.func.value, "each called" if called else "each judged", context)
                    return
            if not isinstance(statement, (ast.If, ast.Try)):
                for inner in ast.walk(statement):
                    if isinstance(inner, ast.Attribute) and dotted(inner.value) in targets and inner.attr not in MODULE_MEMBERS:
                        self._child_walk(walk, walk.func.value, f"read:{inner.attr}", context)
                        return

    def _origin(self, receiver: ast.expr, context: _Context) -> Ref:
        """Where an object comes from, if the function at hand says so: what was called to make it.

        ``%blocks`` is an attribute of an unknown object, ``%blocks|<origin>`` of an object of that origin.
        """
        if isinstance(receiver, ast.Call):
            return self.scope.resolve(receiver.func, context.functions)
        if isinstance(receiver, ast.Attribute):
            owner = self._origin(receiver.value, context)
            return f"%{receiver.attr}" if owner == UNKNOWN or owner.startswith("%") else f"%{receiver.attr}|{owner}"
        if not isinstance(receiver, ast.Name):
            return UNKNOWN
        annotated = [a.annotation for f in context.functions[-1:] for a in arguments(f) if a.arg == receiver.id and a.annotation is not None]
        if annotated:
            return self.scope.resolve(annotated[0], context.functions[:-1])
        parents = Parents(context.functions[-1] if context.functions else self.tree)
        tested = self._type_tested(receiver, parents, context)
        if tested is not None:
            return tested
        made = last_value(parents, parents.statement(receiver), receiver.id)
        return self.scope.resolve(made.func, context.functions) if isinstance(made, ast.Call) else UNKNOWN

    def _type_tested(self, name: ast.Name, parents: Parents, context: _Context) -> Ref | None:
        """The class of `if isinstance(name, Class):` around a use of ``name``, or None."""
        step = parents.of(name)
        while step is not None:
            node, field = step
            if isinstance(node, ast.If) and field == "body" and isinstance(node.test, ast.Call) and _names(node.test.func, "isinstance"):
                if len(node.test.args) == 2 and _names(node.test.args[0], name.id) and dotted(node.test.args[1]):
                    return self.scope.resolve(node.test.args[1], context.functions)
            step = parents.of(node)
        return None

    def _held_by(self, value: ast.expr, context: _Context) -> str:
        """The attributes that hold ``value``, or over which loops run that yield it, by commas; empty when unknown."""
        if isinstance(value, ast.Attribute):
            return value.attr
        if isinstance(value, ast.Subscript):
            return "[...]"  # an item of a container: no attribute holds it
        if not isinstance(value, ast.Name) or not context.functions:
            return ""
        found = set()
        for node in ast.walk(context.functions[-1]):
            if isinstance(node, (ast.For, ast.comprehension)) and any(_names(n, value.id) for n in ast.walk(node.target)):
                walked = node.iter
                while isinstance(walked, ast.Call) and isinstance(walked.func, ast.Name) and walked.args:
                    walked = walked.args[0]  # enumerate(self.layers)
                found.add(walked.attr if isinstance(walked, ast.Attribute) else "")
        return "" if "" in found else ",".join(sorted(found))

    def _torch_save(self, node: ast.Call, context: _Context) -> None:
        """Notes `torch.save(model, ...)`: old files of whole models load without the new attribute values."""
        saved = node.args[0]
        source = dotted(saved)
        if source is None:
            return
        key = (id(context.functions[0]) if context.functions else 0, source)
        reads = self.receiver_reads.get(key, set())
        origin = self._origin(saved, context)
        plain = origin in ("builtins.dict", "collections.OrderedDict")
        if not plain and (_MODEL_NAME.search(source.rpartition(".")[2]) or reads & _MODEL_METHODS or source == context.self_name):
            self.notes.append(Note("whole-model-pickle", node.lineno, node.col_offset + 1, source))

    def _assigned(self, statement: ast.stmt, target: ast.expr, value: ast.expr, context: _Context) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts) and not _starred(value, target):
                for part, element in zip(target.elts, value.elts, strict=True):
                    self._assigned(statement, part, element, context)
            else:
                for part in target.elts:
                    self._store(statement, part, None, context)
        else:
            self._store(statement, target, value, context)

    def _store(self, statement: ast.stmt, target: ast.expr, value: ast.expr | None, context: _Context) -> None:
        record = context.record
        assert record is not None
        assert context.method is not None
        if isinstance(target, ast.Attribute) and _names(target.value, context.self_name):
            record.assigned.add(id(target))
            stored = value if value is not None else ast.Constant(...)  # an unpacked value: of unknown kind
            record.values.setdefault(target.attr, []).append((statement, target, stored, context.method))

    # From records to facts ---------------------------------------------------------------------------------------------------------------

    def _class_facts(self, record: _ClassRecord) -> ClassFacts:
        node = record.node
        span = self.positions.span(node)
        where = self.positions.location(self.path, span.start)
        members = [s for s in _flat(node.body) if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef))]
        body_names = {name for name, _, _ in bound_names(node.body)}
        attributes = {}
        parents: dict[int, Parents] = {}
        if node.bases or record.values:
            for attr in record.mentioned:
                facts = self._attribute_facts(record, attr, parents)
                if facts is not None:
                    attributes[attr] = facts
        return ClassFacts(
            node.name,
            record.qualname,
            span,
            where.line,
            where.column,
            tuple(self._base(base, record) for base in node.bases),
            tuple(self.scope.resolve(d.func if isinstance(d, ast.Call) else d, record.functions) for d in node.decorator_list),
            {member.name: self._method_facts(member, record) for member in members},
            attributes,
            frozenset(record.mentioned | body_names),
            frozenset(body_names),
            tuple(record.notes),
            bool(record.functions),
        )

    def _base(self, base: ast.expr, record: _ClassRecord) -> Ref:
        while isinstance(base, ast.Subscript):  # Generic[T]
            base = base.value
        if (dotted(base) or "").partition(".")[0] in record.shadowed:
            return UNKNOWN
        return self.scope.resolve(base, record.functions)

    def _method_facts(self, node: FunctionNode, record: _ClassRecord) -> MethodFacts:
        span = self.positions.span(node)
        functions = (*record.functions, node)
        defaults = list(zip(reversed([*node.args.posonlyargs, *node.args.args]), reversed(node.args.defaults), strict=False))
        defaults += [(arg, d) for arg, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None]
        named = tuple((arg.arg, self.scope.resolve(d, record.functions)) for arg, d in defaults if dotted(d))
        return MethodFacts(
            node.name,
            node.lineno,
            span,
            tuple(sorted(record.self_calls.get(node.name, ()))),
            self._super_init(node) if node.name == "__init__" else -1,
            self._returns(node, functions),
            tuple(arg.arg for arg in arguments(node)),
            named,
            bool(node.decorator_list),
        )

    def _super_init(self, node: FunctionNode) -> int:
        """See `MethodFacts`. Of several `Base.__init__(self)` the last one counts, for the others may be of plain classes.

        Where a method of the object is called before, all its assignments come too early.
        """
        positional = [*node.args.posonlyargs, *node.args.args]
        self_name = positional[0].arg if positional else None
        found, called = -1, False
        for statement in node.body:
            call = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "__init__":
                end = -1 if called else self.positions.span(statement).end
                if isinstance(call.func.value, ast.Call) and _names(call.func.value.func, "super"):
                    return end
                if call.args and _names(call.args[0], self_name):
                    found = end
                    continue
            called = called or any(isinstance(n, ast.Call) and _is_method_of(n.func, self_name) for n in ast.walk(statement))
        return found

    def _returns(self, node: FunctionNode, functions: tuple[FunctionNode, ...]) -> tuple[Ref, ...]:
        """References of what a function returns: callees, or UNKNOWN; also UNKNOWN when it may end without `return`."""
        found: list[Ref] = []
        stack: list[ast.AST] = list(node.body)
        while stack:
            inner = stack.pop()
            if isinstance(inner, ast.Return):
                found.extend(self._made_by(inner.value, functions))
            elif isinstance(inner, (ast.Yield, ast.YieldFrom)):
                found.append(UNKNOWN)
            elif not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
                stack.extend(ast.iter_child_nodes(inner))
        if not _leaves(node.body):
            found.append(UNKNOWN)
        return tuple(sorted(set(found)))

    def _made_by(self, value: ast.expr | None, functions: tuple[FunctionNode, ...]) -> tuple[Ref, ...]:
        """References of the callees that may have made ``value``."""
        if isinstance(value, ast.IfExp):
            return (*self._made_by(value.body, functions), *self._made_by(value.orelse, functions))
        if isinstance(value, ast.Call):
            return (self._callee(value.func, functions),)
        if isinstance(value, ast.Name) and functions:
            walked = list(ast.walk(functions[-1]))
            stored = [n.value for n in walked if isinstance(n, ast.Assign) and any(_names(t, value.id) for t in n.targets)]
            others = sum(_names(n, value.id) and not isinstance(n.ctx, ast.Load) for n in walked if isinstance(n, ast.Name))
            given = any(arg.arg == value.id for arg in arguments(functions[-1]))  # a parameter may keep what the caller passed
            if stored and not given and len(stored) == others and all(isinstance(made, ast.Call) for made in stored):
                return tuple(self._callee(made.func, functions) for made in stored if isinstance(made, ast.Call))
        return (UNKNOWN,)

    def _callee(self, func: ast.expr, functions: tuple[FunctionNode, ...]) -> Ref:
        """The reference of what is called; a name of unknown meaning is ``$name``, so that the project can judge by convention."""
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and functions:
            method = functions[-1]
            if method.args.args and func.value.id == method.args.args[0].arg:
                return "self." + func.attr
        ref = self.scope.resolve(func, functions)
        return f"${dotted(func)}" if ref == UNKNOWN and dotted(func) else ref

    def _attribute_facts(self, record: _ClassRecord, attr: str, parents: dict[int, Parents]) -> AttributeFacts | None:
        reads = record.reads.get(attr, [])
        values = record.values.get(attr, [])
        strings = record.strings.get(attr, [])
        if not values and not reads and not strings:
            return None
        tested = any(form is UseForm.NONE_TEST or form is UseForm.TEST for _, form, _, _ in reads)
        optional = any(_may_be_none(value, method) for _, _, value, method in values)
        # Where nothing is optional the details (dominance, branches) decide nothing: parent links would be wasted on most methods.
        linked = tested or optional
        for *_, method in (*reads, *values) if linked else ():
            if id(method) not in parents:
                parents[id(method)] = Parents(method)
        definitions = [
            self._definition(record, statement, target, value, method, parents.get(id(method)) if linked else None)
            for statement, target, value, method in values
        ]
        guards: list[Guard] = []
        regions: list[Span] = []
        others: list[tuple[ast.Attribute, UseForm, str, FunctionNode]] = []
        for node, form, detail, method in reads:
            if form is UseForm.NONE_TEST or form is UseForm.TEST:
                links = parents[id(method)]
                step = links.of(node)
                assert step is not None  # a method is above
                test = step[0] if isinstance(step[0], (ast.Compare, ast.Call)) else node
                assert isinstance(test, ast.expr)
                assert isinstance(node.value, ast.Name)
                guards.append(analyse(self.path, Subject(node.value.id, attr), test, links, self.positions, method.name))
                regions.append(self._region(test, links))
            else:
                others.append((node, form, detail, method))
        uses = [
            Use(
                UseForm.CAUGHT if linked and form in (UseForm.CALL, UseForm.MEMBER) and _caught(parents[id(method)], node) else form,
                method.name,
                node.lineno,
                node.col_offset + 1,
                detail,
                linked and _dominated(parents[id(method)], node),
            )
            for node, form, detail, method in others
            if not any(region.contains(self.positions.span(node)) for region in regions)
        ]
        uses += [Use(UseForm.STRING, m.name, c.lineno, c.col_offset + 1, function, False) for c, function, m in strings]
        return AttributeFacts(
            attr,
            tuple(sorted(definitions, key=lambda d: d.statement)),
            tuple(sorted(guards, key=lambda g: g.test)),
            tuple(sorted(uses, key=lambda u: (u.line, u.column))),
        )

    def _region(self, test: ast.expr, links: Parents) -> Span:
        """What a None test governs: its `if` statement or conditional expression."""
        node: ast.AST = test
        while not isinstance(node, (ast.IfExp, ast.stmt)):
            step = links.of(node)
            assert step is not None  # a statement is above
            node = step[0]
        return self.positions.span(node)

    def _definition(  # noqa: PLR0913  # one assignment, seen from all sides
        self, record: _ClassRecord, statement: ast.stmt, target: ast.expr, value: ast.expr, method: FunctionNode, links: Parents | None
    ) -> Definition:
        functions = links.functions(statement) if links else ()
        functions = (*record.functions, *(functions or (method,)))
        leaves = _leaves_of(value)
        nones = tuple(self.positions.span(leaf) for leaf in leaves if _is_none(leaf))
        refs = tuple(self._value_ref(leaf, functions) for leaf in leaves if not _is_none(leaf))
        if nones:
            kind = ValueKind.OPTIONAL if refs else ValueKind.NONE
        elif all(isinstance(leaf, ast.Call) for leaf in leaves):
            kind = ValueKind.CALL
        else:
            kind = ValueKind.NAME if isinstance(value, ast.Name) else ValueKind.OTHER
        parsed = hasattr(value, "end_lineno") and value.end_lineno is not None
        span = self.positions.span(value) if parsed else self.positions.span(statement)
        where = self.positions.location(self.path, self.positions.span(statement).start)
        shared = isinstance(statement, ast.Assign) and len(statement.targets) > 1 and any(t is target for t in statement.targets)
        chain = tuple(self.positions.source(t) for t in getattr(statement, "targets", ()) if t is not target) if shared else ()
        annotation = statement.annotation if isinstance(statement, ast.AnnAssign) else None
        return Definition(
            method.name,
            span,
            self.positions.span(statement),
            where.line,
            where.column,
            kind,
            refs,
            nones,
            self.positions.source(value) if kind is ValueKind.NAME else "",
            all(_filled(leaf) for leaf in leaves if isinstance(leaf, ast.Call)),
            kind is ValueKind.NAME and _optional_name(value, functions[-1]),
            chain,
            self.positions.source(target),
            not shared and not isinstance(getattr(statement, "targets", [None])[0], (ast.Tuple, ast.List)),
            self.positions.source(annotation) if annotation is not None else None,
            self._lone_if(statement, links) if links else None,
            self._branches(statement, links) if links else (),
        )

    def _value_ref(self, value: ast.expr, functions: tuple[FunctionNode, ...]) -> Ref:
        return self._callee(value.func, functions) if isinstance(value, ast.Call) else UNKNOWN

    def _lone_if(self, statement: ast.stmt, links: Parents) -> Span | None:
        step = links.of(statement)
        if step is not None and isinstance(step[0], ast.If) and step[1] == "body" and not step[0].orelse:
            return self.positions.span(step[0])
        return None

    def _branches(self, statement: ast.stmt, links: Parents) -> tuple[tuple[int, str], ...]:
        found: list[tuple[int, str]] = []
        step = links.of(statement)
        while step is not None:
            if isinstance(step[0], ast.If):
                found.append((self.positions.span(step[0]).start, step[1]))
            step = links.of(step[0])
        return tuple(reversed(found))


def _prefix(name: ast.expr) -> str:
    """What a computed attribute name certainly starts with: ``fc`` for ``f"fc{i}"``, ``"fc" + str(i)`` and ``"fc%d" % i``."""
    while isinstance(name, ast.BinOp):
        name = name.left
    if isinstance(name, ast.Call) and isinstance(name.func, ast.Attribute) and name.func.attr == "format":
        name = name.func.value
    if isinstance(name, ast.JoinedStr) and name.values:
        name = name.values[0]
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return re.split(r"[%{]", name.value, maxsplit=1)[0]
    return ""


def _is_none_test(node: ast.stmt) -> bool:
    """Whether a function only says whether its one argument is not None: the `exists(x)` of many projects."""
    if not isinstance(node, ast.FunctionDef) or len(node.args.args) != 1 or len(list(arguments(node))) != 1:
        return False
    made = node.body[-1].value if isinstance(node.body[-1], ast.Return) and len(node.body) == 1 else None
    return (
        isinstance(made, ast.Compare)
        and isinstance(made.ops[0], ast.IsNot)
        and _names(made.left, node.args.args[0].arg)
        and _is_none(made.comparators[0])
    )


def _passes_through(statement: ast.stmt, call: ast.Call) -> bool:
    """Whether ``statement`` is ``x = call`` with ``call`` of ``x`` alone, which an identity leaves as it was."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1 or len(call.args) != 1 or call.keywords:
        return False
    return statement.value is call and _names(statement.targets[0], dotted(call.args[0]))


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _names(node: ast.AST, name: str | None) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_method_of(node: ast.AST, name: str | None) -> bool:
    return isinstance(node, ast.Attribute) and _names(node.value, name)


def _starred(*sequences: ast.Tuple | ast.List) -> bool:
    return any(isinstance(element, ast.Starred) for sequence in sequences for element in sequence.elts)


def _flat(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements of a class body, with those under `if` and `try` in place of these."""
    found: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.If):
            found.extend(_flat([*statement.body, *statement.orelse]))
        elif isinstance(statement, ast.Try):
            found.extend(_flat([*statement.body, *(s for h in statement.handlers for s in h.body), *statement.orelse, *statement.finalbody]))
        else:
            found.append(statement)
    return found


def _leaves_of(value: ast.expr) -> list[ast.expr]:
    """The possible values of nested conditional expressions."""
    if isinstance(value, ast.IfExp):
        return [*_leaves_of(value.body), *_leaves_of(value.orelse)]
    return [value]


def _filled(call: ast.Call) -> bool:
    return any(not isinstance(arg, ast.Starred) for arg in call.args)


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether the end of a block is never reached: it ends with `return` or `raise`, or with branches that all do."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, (ast.Return, ast.Raise)):
        return True
    if isinstance(last, ast.If):
        return _leaves(last.body) and _leaves(last.orelse)
    return False  # a `with` may swallow the error that kept its body from returning


def _may_be_none(value: ast.expr, method: FunctionNode) -> bool:
    if isinstance(value, ast.Name):
        return _optional_name(value, method)
    return any(_is_none(leaf) for leaf in _leaves_of(value))


def _optional_name(value: ast.expr, function: FunctionNode) -> bool:
    """Whether a local name may be None by what the function shows: its default, its annotation, or a store of None."""
    if not isinstance(value, ast.Name):
        return False
    positional = [*function.args.posonlyargs, *function.args.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = [(arg, None) for arg in positional[: len(positional) - len(function.args.defaults)]]
    pairs += zip(reversed(positional), reversed(function.args.defaults), strict=False)
    pairs += zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    rebound = any(_names(n, value.id) and not isinstance(n.ctx, ast.Load) for n in ast.walk(function) if isinstance(n, ast.Name))
    for arg, default in pairs:
        if arg.arg == value.id and not rebound:
            annotated = arg.annotation is not None and bool(_OPTIONAL_ANNOTATION.search(ast.unparse(arg.annotation)))
            return annotated or (default is not None and _is_none(default))
    return any(
        isinstance(node, ast.Assign) and _is_none(node.value) and any(_names(target, value.id) for target in node.targets)
        for node in ast.walk(function)
    )


def _dominated(links: Parents, node: ast.Attribute) -> bool:
    """Whether the nearest store of the same attribute before ``node``, on every path, stored something other than None."""
    assert isinstance(node.value, ast.Name)
    subject = Subject(node.value.id, node.attr)
    statement = links.statement(node)
    if _waits(links, node):
        return False
    while not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        suite, index = links.suite(statement)
        for before in reversed(suite[:index]):
            if isinstance(before, (ast.Assign, ast.AnnAssign)) and before.value is not None:
                targets = before.targets if isinstance(before, ast.Assign) else [before.target]
                if any(subject.is_read(target) for target in targets):
                    return isinstance(before.value, ast.Call)
            if _stores_attribute(before, subject):
                return False
        parent = links.enclosing(statement)
        if parent is None:
            return False
        once = isinstance(parent, (ast.If, ast.With, ast.AsyncWith, ast.FunctionDef, ast.AsyncFunctionDef))
        if not once and _stores_attribute(parent, subject):
            return False  # loops come round again, handlers see half of the body
        statement = parent
    return False


def _caught(links: Parents, node: ast.AST) -> bool:
    """Whether a handler of the same function may catch what a call of None raises, or the reading of its members."""
    step = links.of(node)
    while step is not None:
        parent, field = step
        handlers: list[ast.ExceptHandler] = getattr(parent, "handlers", [])
        if field == "body" and any(_catches_none_errors(handler.type) for handler in handlers):
            return True
        step = links.of(parent)
    return False


def _catches_none_errors(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(map(_catches_none_errors, kind.elts))
    caught = getattr(builtins, kind.id, None) if isinstance(kind, ast.Name) else None
    if not isinstance(caught, type):
        return True  # a bare `except`, or an error of another module
    return issubclass(TypeError, caught) or issubclass(AttributeError, caught)


def _stores_attribute(node: ast.AST, subject: Subject) -> bool:
    return any(subject.is_read(n) and isinstance(n.ctx, ast.Store) for n in ast.walk(node) if isinstance(n, ast.Attribute))


def _waits(links: Parents, node: ast.AST) -> bool:
    """Whether ``node`` stands in a lambda or generator, which runs later, or in the test of a loop, which runs again."""
    step = links.of(node)
    while step is not None and not isinstance(step[0], ast.stmt):
        if isinstance(step[0], (ast.Lambda, ast.GeneratorExp)):
            return True
        step = links.of(step[0])
    return step is not None and isinstance(step[0], ast.While)
