"""What backward hooks read of their arguments, and what happens to the outputs of the modules they are on.

`register_backward_hook` hands over the gradients of the last operator that a module ran; the full variant those of the
module itself. It wraps the outputs to do so, and an operation that changes a wrapped output in place raises.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from modfix.semantics.hook_facts import BackwardSite, GradientUse, HookNote
from modfix.semantics.hook_functions import Hook
from modfix.semantics.hook_readings import FRESH
from modfix.semantics.hook_sites import Found, HookSites
from modfix.semantics.syntax import FunctionNode, arguments, dotted, is_false, is_name, is_none, is_true, walk
from modfix.semantics.torch_names import is_module_class

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Layers whose output is one tensor, which shares no memory with the input unless they work in place.
TENSOR_LAYERS = frozenset(
    {"Conv1d", "Conv2d", "Conv3d", "ELU", "GELU", "LeakyReLU", "Linear", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax"}
    | {"Softplus", "Tanh", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "GroupNorm", "MaxPool2d"}
)
_NO_TENSORS = frozenset(
    {"device", "dim", "dtype", "ndim", "numel", "shape", "size", "type", "is_cuda", "requires_grad"}
)
_HARMLESS = frozenset({"len", "print", "range", "isinstance", "type", "id", "zip", "enumerate"})


def backward_sites(sites: HookSites) -> Iterator[BackwardSite]:
    """The registrations of `register_backward_hook` in one file."""
    for index, item in enumerate(sites.found):
        if item.site.method == "register_backward_hook":
            yield _site(sites, index, item)


def _site(sites: HookSites, index: int, item: Found) -> BackwardSite:
    hooks = sites.hooks(item.call)
    use, gives = GradientUse.UNKNOWN, True
    if hooks is not None:
        uses = [_use(hook) for hook in hooks]
        use = max((use for use, _ in uses), key=list(GradientUse).index)
        gives = any(gives for _, gives in uses)
    attr, layer = "", ""
    blocker: HookNote | None = sites.note("unknown-module", "what becomes of its outputs is not known", item.call)
    owner = sites.functions.class_around(item.call)
    receiver = item.receiver
    if owner is not None and isinstance(receiver, ast.Attribute) and is_name(receiver.value, item.site.self_name):
        attr = receiver.attr
        layer = layer_of(sites, owner, attr)
        if layer:
            blocker = Outputs(sites, owner).blocker(attr)
    return BackwardSite(index, sites.positions.span(item.call.func), use, gives, attr, layer, blocker)


def layer_of(sites: HookSites, owner: ast.ClassDef, attr: str) -> str:
    """The class of torch.nn that the attribute certainly holds an object of; empty if that is not known.

    A convolution that pads in its own way is none: it runs two operators.
    """
    found = set()
    for node in walk(*owner.body):
        if isinstance(node, ast.Attribute) and node.attr == attr and not isinstance(node.ctx, ast.Load):
            statement = sites.parents.statement(node)
            value = statement.value if isinstance(statement, ast.Assign) and statement.targets == [node] else None
            ref = (
                sites.names.resolve(value.func, sites.parents.functions(value)) if isinstance(value, ast.Call) else "?"
            )
            if not isinstance(value, ast.Call) or not is_module_class(ref):
                return ""
            plain = all(k.arg not in (None, "padding_mode") and not _is_text(k.value) for k in value.keywords)
            found.add(ref if plain and not any(isinstance(a, ast.Starred) for a in value.args) else ref + "*")
    return found.pop() if len(found) == 1 else ""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


# What a hook reads


def _use(hook: Hook) -> tuple[GradientUse, bool]:
    """What a hook reads of the gradients, and whether it gives others back."""
    node = hook.node
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    gives = not _gives_nothing(node)
    parameters = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)][bool(hook.bound) :]
    rest = node.args.vararg.arg if node.args.vararg is not None else ""
    if _does_nothing(body):
        return GradientUse.NOTHING, gives
    if len(parameters) < 3:  # module, grad_input, grad_output
        reads_rest = any(is_name(n, rest) for n in walk(*body))
        return (GradientUse.OTHER if reads_rest or not rest or len(parameters) > 1 else GradientUse.NOTHING), gives
    reads = {n: n.id for n in walk(*body) if isinstance(n, ast.Name) and n.id in parameters[1:3]}
    of_input = [n for n, name in reads.items() if name == parameters[1]]
    if not of_input:
        return (GradientUse.OUTPUT if reads else GradientUse.NOTHING), gives
    first = {
        n.value
        for n in walk(*body)
        if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Constant) and n.slice.value == 0
    }
    return (GradientUse.FIRST if all(n in first for n in of_input) else GradientUse.OTHER), gives


def _gives_nothing(node: FunctionNode | ast.Lambda) -> bool:
    if isinstance(node, ast.Lambda):
        called = node.body.func if isinstance(node.body, ast.Call) else None
        is_kept = isinstance(called, ast.Attribute) and called.attr in ("append", "update", "extend", "add")
        return is_none(node.body) or is_name(called, "print") or is_kept if called is not None else is_none(node.body)
    inner = {n for f in walk(node) if isinstance(f, (*_FUNCTIONS, ast.Lambda)) and f is not node for n in walk(f)}
    returns = (n for n in walk(node) if isinstance(n, ast.Return) and n not in inner)
    return all(n.value is None or is_none(n.value) for n in returns)


def _does_nothing(body: list[ast.AST]) -> bool:
    """Whether a body only stores in names that nobody reads but others like them."""
    for statement in body:
        if isinstance(statement, (ast.Pass, ast.Return)) or (
            isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        ):
            if isinstance(statement, ast.Return) and statement.value is not None and not is_none(statement.value):
                return False
            continue
        if not isinstance(statement, ast.Assign) or not all(isinstance(t, ast.Name) for t in statement.targets):
            return False
        for node in walk(statement.value):
            if isinstance(node, ast.Call) and dotted(node.func) not in _HARMLESS - {"print"}:
                return False
            if isinstance(node, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
                return False
    return True


# What becomes of outputs


class Outputs:
    """Follows what the layers of one class give, through its methods."""

    def __init__(self, sites: HookSites, owner: ast.ClassDef) -> None:
        self._sites = sites
        self._parents = sites.parents
        self._owner = owner
        self._methods = {m.name: m for m in owner.body if isinstance(m, _FUNCTIONS)}
        self._seen: set[ast.AST] = set()
        self._leaves: set[ast.AST] = set()  # functions that return what was followed

    def blocker(self, attr: str) -> HookNote | None:
        """Why an output of ``self.<attr>`` may be changed in place; None if it certainly is not."""
        for node in walk(*self._owner.body):
            if not isinstance(node, ast.Attribute) or node.attr != attr or not isinstance(node.ctx, ast.Load):
                continue
            step = self._parents.of(node)
            assert step is not None  # a class is above
            parent, field = step
            if isinstance(parent, ast.Attribute):
                continue  # its weight, or the registration itself
            if isinstance(parent, ast.Call) and field == "func":
                if len(parent.args) != 1 or parent.keywords or isinstance(parent.args[0], ast.Starred):
                    return self._sites.note("several-inputs", f"`self.{attr}` gets several inputs", parent)
                found = self._follow(parent)
                if found is not None:
                    return found
                continue
            return self._sites.note("unknown-module", f"`self.{attr}` is passed on", node)
        return None

    def _unknown(self, node: ast.AST) -> HookNote:
        return self._sites.note("unknown-module", "what becomes of its outputs is not known", self._place(node))

    def _inplace(self, node: ast.AST) -> HookNote:
        reason = "its output is changed in place, which a full backward hook does not allow"
        return self._sites.note("in-place", reason, self._place(node))

    def _place(self, node: ast.AST) -> ast.AST:
        return node if isinstance(node, (ast.expr, ast.stmt)) else self._parents.statement(node)

    def _follow(self, node: ast.AST) -> HookNote | None:  # one table of forms
        """What may change the value of an expression in place, there or later."""
        if node in self._seen:
            return None
        self._seen.add(node)
        step = self._parents.of(node)
        assert step is not None  # a statement is above
        parent, field = step
        if isinstance(parent, (ast.BinOp, ast.Compare, ast.UnaryOp, ast.Expr, ast.FormattedValue, ast.If)):
            return None
        if isinstance(parent, ast.Assign):
            return self._stored(parent)
        if isinstance(parent, ast.AugAssign):
            return self._inplace(parent) if field == "target" else None
        if isinstance(parent, ast.Subscript):
            if field != "value":
                return None
            return self._follow(parent) if isinstance(parent.ctx, ast.Load) else self._inplace(parent)
        if isinstance(parent, ast.Attribute):
            return self._member(parent)
        if isinstance(parent, ast.keyword):
            outer = self._parents.of(parent)
            return self._argument(parent, outer[0]) if outer is not None else self._unknown(node)
        if isinstance(parent, ast.Call):
            return self._argument(node, parent)
        if isinstance(parent, (ast.Tuple, ast.List, ast.IfExp)):
            return self._follow(parent)
        if isinstance(parent, ast.Return):
            function = self._parents.functions(parent)[-1]
            if function.name == "forward" or function not in self._methods.values():
                return self._unknown(parent)
            self._leaves.add(function)
            return None
        return self._unknown(node)

    def _stored(self, statement: ast.Assign) -> HookNote | None:
        function = self._parents.functions(statement)[-1]
        for target in statement.targets:
            names = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
            for name in names:
                if not isinstance(name, ast.Name):
                    return self._unknown(statement)
                found = self._named(function, name.id)
                if found is not None:
                    return found
        return None

    def _named(self, function: FunctionNode, name: str) -> HookNote | None:
        """As `_follow`, for all readings of a name in a function."""
        for node in walk(*function.body):
            if is_name(node, name) and isinstance(node, ast.Name):
                parent = (self._parents.of(node) or (None, ""))[0]
                if isinstance(node.ctx, ast.Load) or isinstance(parent, ast.AugAssign):
                    found = self._follow(node)
                    if found is not None:
                        return found
        return None

    def _member(self, member: ast.Attribute) -> HookNote | None:
        step = self._parents.of(member)
        name = member.attr
        if step is not None and isinstance(step[0], ast.Call) and step[1] == "func":
            if name.endswith("_") and not name.endswith("__"):
                return self._inplace(step[0])
            return None if name in FRESH | _NO_TENSORS else self._follow(step[0])
        return None if name in _NO_TENSORS else self._follow(member)

    def _argument(self, argument: ast.AST, call: ast.AST) -> HookNote | None:
        assert isinstance(call, ast.Call)
        function = call.func
        ref = self._sites.names.resolve(function, self._parents.functions(call))
        name = ref.rpartition(".")[2]
        if any(k.arg == "out" or (k.arg == "inplace" and not is_false(k.value)) for k in call.keywords):
            return self._inplace(call)
        if ref.startswith("torch.nn.functional.") and any(map(is_true, call.args)):
            return self._inplace(call)  # `F.relu(x, True)`, and others, to be on the safe side
        if ref.startswith("torch."):
            if name.endswith("_"):
                return self._inplace(call)
            return None if name in FRESH else self._follow(call)
        if ref.removeprefix("builtins.") in _HARMLESS:
            return None
        if isinstance(function, ast.Attribute) and is_name(function.value, self._sites.functions.self_name(call)):
            if function.attr in self._methods:
                return self._given(argument, call, self._methods[function.attr])
            return self._through(function.attr, call)
        return self._unknown(call)

    def _through(self, attr: str, call: ast.Call) -> HookNote | None:
        """Another layer of the object gets it."""
        layer = layer_of(self._sites, self._owner, attr).rstrip("*")
        made = [
            n.value
            for n in walk(*self._owner.body)
            if isinstance(n, ast.Assign) and any(isinstance(t, ast.Attribute) and t.attr == attr for t in n.targets)
        ]
        takes_place = any(
            isinstance(value, ast.Call)
            and (any(k.arg == "inplace" for k in value.keywords) or any(is_true(a) for a in value.args))
            for value in made
        )
        if takes_place:
            return self._inplace(call)
        if not layer:
            return self._unknown(call)
        return None if layer.rpartition(".")[2] in TENSOR_LAYERS else self._follow(call)

    def _given(self, argument: ast.AST, call: ast.Call, method: FunctionNode) -> HookNote | None:
        """A method of the object gets it."""
        static = [dotted(decorator) for decorator in method.decorator_list] == ["staticmethod"]
        parameters = [arg.arg for arg in (*method.args.posonlyargs, *method.args.args)][not static :]
        if isinstance(argument, ast.keyword):
            name = argument.arg or ""
        elif argument in call.args and call.args.index(argument) < len(parameters):
            name = parameters[call.args.index(argument)]
        else:
            name = ""
        if (method.decorator_list and not static) or name not in {arg.arg for arg in arguments(method)}:
            return self._unknown(call)
        found = self._named(method, name)
        if found is not None:
            return found
        return self._follow(call) if method in self._leaves else None
