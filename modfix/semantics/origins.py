"""Where the objects come from that a function works on, as far as it shows itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from modfix.semantics.certain_reads import CertainReads
from modfix.semantics.dataflow import Parents, last_value, stores
from modfix.semantics.facts import UNKNOWN, UNKNOWN_ORIGIN, Origin, Ref
from modfix.semantics.scopes import Names
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_name, picked_from, walk

_DEPTH = 6  # of names that stand for names
# Methods of modules that return the module.
_RETURNS_ITSELF = frozenset(
    {"cpu", "cuda", "double", "eval", "float", "half", "requires_grad_", "share_memory", "to", "train"}
)
_COPIES = frozenset({"copy.copy", "copy.deepcopy"})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


class Origins:
    """Answers for the expressions of one file.

    ``functions`` are always those around the expression, outermost first; ``cls`` is the qualified name of the class
    whose method they are, with the name of its ``self``.
    """

    def __init__(self, names: Names, tree: ast.Module) -> None:
        self._names = names
        self._tree = tree
        self._links: dict[ast.AST, Parents] = {}
        self._asked: dict[str, tuple[FunctionNode, str, str]] = {}  # parameters whose arguments are of interest
        self._certain_reads = CertainReads(names, tree)

    def parents(self, functions: tuple[FunctionNode, ...]) -> Parents:
        """The links of the outermost function, or of the file."""
        root = functions[0] if functions else self._tree
        if root not in self._links:
            self._links[root] = Parents(root)
        return self._links[root]

    def certain_reads(self, name: ast.Name, function: FunctionNode) -> frozenset[str]:
        """The attributes read from a name whenever its statement runs: the object has them, or the code fails."""
        parents = self.parents((function,))
        is_parameter = any(arg.arg == name.id for arg in arguments(function))
        once = self._names.scopes[function].times_stored(name.id) + is_parameter == 1
        return self._certain_reads.of(parents, name) if once else self._certain_reads.of_loop(parents, name)

    def origin(
        self, value: ast.expr, functions: tuple[FunctionNode, ...], cls: tuple[str, str] | None = None, depth: int = 0
    ) -> Origin:
        """What is known of an object; see `Origin`."""
        if depth > _DEPTH:
            return UNKNOWN_ORIGIN
        if isinstance(value, ast.Call):
            return self._made(value, functions, cls, depth)
        if isinstance(value, ast.IfExp):
            return _either(self.origin(v, functions, cls, depth + 1) for v in (value.body, value.orelse))
        if isinstance(value, ast.Attribute):
            package = self._untouched_part(value, functions)
            if package is not None:
                return Origin((f"{package}.*",))
            owner = self.origin(value.value, functions, cls, depth + 1).made_by
            if len(owner) == 1 and owner[0] != UNKNOWN and owner[0][0] not in "%^":
                return Origin((f"%{value.attr}|{owner[0]}",))
            return Origin((f"%{value.attr}",))
        return self._named(value, functions, cls, depth) if isinstance(value, ast.Name) else UNKNOWN_ORIGIN

    def _untouched_part(self, part: ast.Attribute, functions: tuple[FunctionNode, ...]) -> Ref | None:
        """What made ``m`` of `m.classifier`, if that is torchvision and nothing in the function has changed it yet."""
        if not isinstance(part.value, ast.Name) or not functions:
            return None
        name, parents = part.value.id, self.parents(functions)
        made = last_value(parents, parents.statement(part), name)
        made_by = self._names.resolve(made.func, functions) if isinstance(made, ast.Call) else UNKNOWN
        if made is None or not made_by.startswith("torchvision."):
            return None
        for node in walk(functions[0]):
            if not made.lineno < getattr(node, "lineno", 0) < part.lineno:
                continue
            stored = (
                isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load) and is_name(node.value, name)
            )
            given = isinstance(node, ast.Call) and any(is_name(argument, name) for argument in node.args)
            if stored or given:
                return None
        return made_by

    def _made(
        self, call: ast.Call, functions: tuple[FunctionNode, ...], cls: tuple[str, str] | None, depth: int
    ) -> Origin:
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in _RETURNS_ITSELF:
            return self.origin(func.value, functions, cls, depth + 1)
        if isinstance(func, ast.Attribute) and cls is not None and is_name(func.value, cls[1]):
            return Origin((f"self.{func.attr}|{cls[0]}",))
        if isinstance(func, ast.Name) and functions:
            chosen = self._names.scopes[functions[0]].values_of(func.id)
            once = len(chosen) == 1 == self._names.scopes[functions[0]].times_stored(func.id)
            func = chosen[0] if once and picked_from(chosen[0]) is not None else func
        picked = picked_from(func)
        if picked is not None:
            package = self._names.resolve(picked, functions)  # getattr(torchvision.models, name)()
            return Origin((f"{package}.*",)) if package[0] not in "?@$." else UNKNOWN_ORIGIN
        made_by = self._names.resolve(func, functions)
        if made_by in _COPIES and call.args:
            return self.origin(call.args[0], functions, cls, depth + 1)
        if made_by == UNKNOWN and isinstance(func, ast.Name) and not self._is_bound(func.id, functions):
            return Origin((f"${func.id}",))
        return Origin((made_by,))

    def _is_bound(self, name: str, functions: tuple[FunctionNode, ...]) -> bool:
        """Whether the file itself says what a name means."""
        return name in self._names.bindings or any(name in self._names.locals_of(f) for f in functions)

    def _named(
        self, name: ast.Name, functions: tuple[FunctionNode, ...], cls: tuple[str, str] | None, depth: int
    ) -> Origin:
        if cls is not None and name.id == cls[1]:
            return Origin((f"<@{cls[0]}",))
        parents = self.parents(functions)
        tested = self._type_tested(name, parents, functions)
        if tested:
            return Origin(tested)
        if not functions:
            made = last_value(parents, parents.statement(name), name.id)
            return self.origin(made, functions, cls, depth + 1) if made is not None else UNKNOWN_ORIGIN
        scope = self._names.scopes[functions[0]]
        times, owner = scope.times_stored(name.id), _owner(name.id, functions)
        if owner is not None and times and _still_passed(parents, name):
            times = 0  # stored anew later, as in `for name, module in module.named_children()`
        one_object = scope.times_stored(name.id) == (owner is None)
        reads = self._certain_reads.of(parents, name) if one_object else frozenset()
        if owner is not None and not times:
            function, parameter = owner
            if parameter.annotation is not None and dotted(parameter.annotation):
                return Origin((f"<{self._names.resolve(parameter.annotation, functions[:-1])}",), reads)
            return Origin((self._parameter(function, parameter.arg, functions, cls),), reads)
        made = last_value(parents, parents.statement(name), name.id)
        values = [made] if made is not None else scope.values_of(name.id)
        if made is None and (owner is not None or len(values) != times or not values):
            values = self._looped_over(name.id, scope.times_stored(name.id), functions)
        origins = [self.origin(v, functions, cls, depth + 1) for v in values if not is_name(v, name.id)]
        found = _either(origins) if origins and len(origins) == len(values) else UNKNOWN_ORIGIN
        return Origin(found.made_by, found.reads | reads)

    def _looped_over(self, name: str, times: int, functions: tuple[FunctionNode, ...]) -> list[ast.expr]:
        """``a`` and ``b`` when the name is only the variable of `for name in [a, b]`."""
        loops = [n for n in walk(functions[0]) if isinstance(n, (ast.For, ast.comprehension))]
        own = [loop for loop in loops if is_name(loop.target, name)]
        found: list[ast.expr] = []
        for loop in own:
            walked = loop.iter
            if isinstance(walked, ast.Name):
                values = self._names.scopes[functions[0]].values_of(walked.id)
                once = len(values) == 1 == self._names.scopes[functions[0]].times_stored(walked.id)
                changed = any(isinstance(n, ast.Attribute) and is_name(n.value, walked.id) for n in walk(functions[0]))
                walked = values[0] if once and not changed else walked
            if not isinstance(walked, (ast.List, ast.Tuple)):
                return []
            found += walked.elts
        return found if len(own) == times else []

    def _parameter(
        self, function: FunctionNode, name: str, functions: tuple[FunctionNode, ...], cls: tuple[str, str] | None
    ) -> Ref:
        """The reference of a parameter, whose arguments `arguments_of` is to look up."""
        if function.decorator_list or (function.name.startswith("__") and function.name != "__init__"):
            return UNKNOWN
        called = function.name
        if function is functions[0] and cls is not None and function.name == "__init__":
            called = cls[0]
        key = f"{called}^{function.lineno}^{name}"
        self._asked.setdefault(key, (function, name, called))
        return f"^{key}"

    def arguments_of(self, contexts: dict[FunctionNode, tuple[str, str]]) -> dict[str, tuple[Origin, ...]]:
        """The objects that this file passes for the parameters that `origin` has named; none where it is unknown.

        ``contexts`` tells for methods of which class they are, as ``cls`` of `origin`.
        """
        found: dict[str, tuple[Origin, ...]] = {}
        if not self._asked:
            return found
        links = self.parents(())
        while waiting := [key for key in self._asked if key not in found]:
            for key in waiting:
                function, name, called = self._asked[key]
                found[key] = tuple(self._passed(links, function, name, called, contexts))
        return found

    def _passed(
        self,
        links: Parents,
        function: FunctionNode,
        name: str,
        called: str,
        contexts: dict[FunctionNode, tuple[str, str]],
    ) -> Iterator[Origin]:
        bare = called.rpartition(".")[2]
        parameters = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
        step = links.of(function)
        in_class = step is not None and isinstance(step[0], ast.ClassDef)
        offset = 1 if in_class else 0
        entered = False
        for node in walk(self._tree):
            bases = node.bases if isinstance(node, ast.ClassDef) and called != function.name else []
            if any((dotted(base) or "").rpartition(".")[2] == bare for base in bases):
                yield UNKNOWN_ORIGIN  # its constructor may be called through the subclass
            # A class may be called by a dotted name, a method is so always.
            is_it = (isinstance(node, ast.Name) and node.id == bare) or (
                in_class and isinstance(node, ast.Attribute) and node.attr == bare
            )
            if not is_it or not isinstance(getattr(node, "ctx", None), ast.Load):
                continue
            step = links.of(node)
            call = step[0] if step is not None else None
            if not isinstance(call, ast.Call) or call.func is not node:
                yield UNKNOWN_ORIGIN  # used as a value
                continue
            argument = _argument(call, parameters, name, offset)
            if argument is None:
                yield UNKNOWN_ORIGIN
                continue
            functions = links.functions(call)
            entered = entered or function not in functions
            cls = next((contexts[f] for f in functions if f in contexts), None)
            yield self.origin(argument, functions, cls)
        if not entered:
            yield UNKNOWN_ORIGIN  # only the function itself calls it: the first call comes from elsewhere

    # Tests of types ---------------------------------------------------------------------------------------------------

    def _type_tested(self, name: ast.Name, parents: Parents, functions: tuple[FunctionNode, ...]) -> tuple[Ref, ...]:
        """The classes of `if isinstance(name, Class):` around a use of ``name``; none without such a test."""
        step = parents.of(name)
        while step is not None:
            node, field = step
            if isinstance(node, ast.If) and field == "body":
                found = self.type_test(node.test, name.id, functions)
                if found:
                    return found
            step = parents.of(node)
        return ()

    def type_test(self, test: ast.expr, name: str, functions: tuple[FunctionNode, ...]) -> tuple[Ref, ...]:
        """The classes of one of which ``name`` is an object if ``test`` is true; none when it does not say."""
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            return next(filter(None, (self.type_test(value, name, functions) for value in test.values)), ())
        classes: ast.expr | None = None
        if isinstance(test, ast.Call) and is_name(test.func, "isinstance") and len(test.args) == 2:
            classes = test.args[1] if dotted(test.args[0]) == name else None
        elif isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Is, ast.Eq)) and len(test.ops) == 1:
            asked = isinstance(test.left, ast.Call) and is_name(test.left.func, "type") and len(test.left.args) == 1
            if asked and isinstance(test.left, ast.Call) and dotted(test.left.args[0]) == name:
                classes = test.comparators[0]
        if classes is None:
            return ()
        named = classes.id if isinstance(classes, ast.Name) and functions else None
        values = self._names.scopes[functions[0]].values_of(named) if named is not None else []
        if named is not None and values:
            return self._named_classes(named, values, functions)
        found = classes.elts if isinstance(classes, ast.Tuple) else [classes]
        return tuple(f"<{self._names.resolve(c, functions)}" for c in found)

    def _named_classes(self, name: str, values: list[ast.expr], functions: tuple[FunctionNode, ...]) -> tuple[Ref, ...]:
        """The classes that a variable holds, which may be a keyword parameter whose default is no class."""
        if len(values) != self._names.scopes[functions[0]].times_stored(name):
            return ()
        classes = [c for value in values for c in (value.elts if isinstance(value, ast.Tuple) else [value])]
        refs = [f"<{self._names.resolve(c, functions)}" for c in classes]
        owner = _owner(name, functions)
        if owner is not None:
            parameters = [arg.arg for arg in owner[0].args.args]
            defaults = owner[0].args.defaults
            late = name in parameters and 3 <= parameters.index(name) >= len(parameters) - len(defaults)
            if not late or not isinstance(defaults[parameters.index(name) - len(parameters)], ast.Constant):
                return ()
            refs.append(f"={name}")
        return tuple(refs)

    def held_by(self, value: ast.expr, functions: tuple[FunctionNode, ...], depth: int = 0) -> tuple[str, str]:
        """The attributes that hold ``value``, or over which loops run that yield it, by commas; empty when unknown.

        With the name of the function whose callers in this file were asked, if one was.
        """
        if isinstance(value, ast.Attribute):
            return value.attr, ""
        if isinstance(value, ast.Subscript):
            return "[...]", ""  # an item of a container: no attribute holds it
        if not isinstance(value, ast.Name) or not functions or depth > 1:
            return "", ""
        owner = _owner(value.id, functions)
        if owner is not None and not self._names.scopes[functions[0]].times_stored(value.id):
            asked = [self.held_by(arg, around, depth + 1)[0] for arg, around in self._arguments(*owner, functions)]
            return ("", "") if not asked or "" in asked else (",".join(sorted(set(asked))), owner[0].name)
        found = set()
        for node in walk(functions[-1]):
            if isinstance(node, (ast.For, ast.comprehension)) and any(is_name(n, value.id) for n in walk(node.target)):
                walked = node.iter
                while isinstance(walked, ast.Call) and isinstance(walked.func, ast.Name) and walked.args:
                    walked = walked.args[0]  # enumerate(self.layers)
                found.add(walked.attr if isinstance(walked, ast.Attribute) else "")
        return ("" if "" in found else ",".join(sorted(found))), ""

    def _arguments(
        self, function: FunctionNode, parameter: ast.arg, functions: tuple[FunctionNode, ...]
    ) -> list[tuple[ast.expr, tuple[FunctionNode, ...]]]:
        """What calls in this file pass for a parameter; empty when that is unknown."""
        links = self.parents(())
        static = [dotted(decorator) for decorator in function.decorator_list] == ["staticmethod"]
        if function is not functions[0] or (function.decorator_list and not static):
            return []
        step = links.of(function)
        bound = step is not None and isinstance(step[0], ast.ClassDef) and not static
        parameters = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
        found = []
        for node in walk(self._tree):
            name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
            if name != function.name:
                continue
            step = links.of(node)
            call = step[0] if step is not None else None
            called = isinstance(call, ast.Call) and call.func is node
            argument = _argument(call, parameters, parameter.arg, int(bound)) if isinstance(call, ast.Call) else None
            if not called or argument is None:
                return []
            found.append((argument, links.functions(node)))
        return found


def _either(origins: Iterator[Origin] | list[Origin]) -> Origin:
    """An object of one of the origins."""
    found = list(origins)
    made_by = dict.fromkeys(ref for origin in found for ref in origin.made_by)
    return Origin(tuple(made_by), frozenset.intersection(*(origin.reads for origin in found)))


def _owner(name: str, functions: tuple[FunctionNode, ...]) -> tuple[FunctionNode, ast.arg] | None:
    """The innermost function with a parameter of that name, and the parameter."""
    for function in reversed(functions):
        for parameter in arguments(function):
            if parameter.arg == name:
                return function, parameter
    return None


def _still_passed(parents: Parents, name: ast.Name) -> bool:
    """Whether a parameter certainly has what the caller passed when the statement of this use starts."""
    statement = parents.statement(name)
    while True:
        suite, index = parents.suite(statement)
        if any(stores(before, name.id) for before in suite[:index]):
            return False
        above = parents.enclosing(statement)
        if above is None or isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return True
        if not isinstance(above, (ast.If, ast.With)) and stores(above, name.id):
            return False
        statement = above


def _argument(call: ast.Call, parameters: list[str], name: str, offset: int) -> ast.expr | None:
    """The argument of a call for one parameter, or None where the call does not show it."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    position = parameters.index(name) - offset if name in parameters else -1
    given = call.args[: position + 1]
    return given[-1] if 0 <= position < len(given) and not any(isinstance(a, ast.Starred) for a in given) else None
