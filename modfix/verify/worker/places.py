"""Where an operator ran: module and source line; in the backward pass, those that made the autograd node."""

from __future__ import annotations

import contextlib
import os
import sys
from types import CodeType
from typing import Any, Callable, Iterator, Tuple

import torch

Place = Tuple[str, str, int, str]  # module, path, line, autograd node
_Spot = Tuple[str, str, int]
_NOWHERE: _Spot = ("", "", 0)
_ENGINE = "<autograd>"


class Places:
    """Knows the running module and the innermost source line below ``root``."""

    def __init__(self, root: str) -> None:
        self._root = os.path.join(os.path.realpath(root), "") if root else ""
        self._paths: dict[CodeType, str] = {}
        self._modules: list[str] = []
        self._made_at: dict[int, _Spot] = {}  # sequence number of an autograd node -> where it was made

    def now(self) -> Place:
        """The place of the operator that is being dispatched."""
        path, line = self._line() if self._root else ("", 0)
        module = self._modules[-1] if self._modules else ""
        if torch._C._current_graph_task_id() == -1:
            # The node of this operator, if it has one, was the last to be made.
            self._made_at.setdefault(_next_sequence_number() - 1, (module, path, line))
            return module, path, line, ""
        node = torch._C._current_autograd_node()
        if node is None:
            return module, path, line, ""
        made_in, made_path, made_line = self._made_at.get(node._sequence_nr(), _NOWHERE)
        if not path:
            path, line = made_path, made_line
        return module or made_in, path, line, node.name()

    def _line(self) -> tuple[str, int]:
        frame: Any = sys._getframe(3)  # of the operator's caller: above are `now`, `_record` and the mode
        paths = self._paths
        while frame is not None:
            code = frame.f_code
            path = paths.get(code)
            if path is None:
                path = paths[code] = self._relative(code.co_filename) or _engine(code)
            if path is _ENGINE:
                break
            if path:
                return path, frame.f_lineno
            frame = frame.f_back
        return "", 0

    def _relative(self, filename: str) -> str:
        full = os.path.realpath(filename) if not filename.startswith("<") else filename
        if not full.startswith(self._root) or "/site-packages/" in full[len(self._root) - 1 :]:
            return ""
        return full[len(self._root) :].replace(os.sep, "/")

    @contextlib.contextmanager
    def watching(self, name_of: Callable[[torch.nn.Module], str | None]) -> Iterator[None]:
        """While entered, calls of modules are known; ``name_of`` gives a module's name, None for one it does not know.

        ``nn.Module.__call__`` is replaced in the class, so that no hook is left in a model and none changes its path.
        """
        stack = self._modules
        call = torch.nn.Module.__call__

        def named_call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            name = name_of(module)
            if name is None:
                name = "{}<{}>".format(stack[-1] + "." if stack and stack[-1] else "", type(module).__name__)
            stack.append(name)
            try:
                return call(module, *args, **kwargs)
            finally:
                stack.pop()

        torch.nn.Module.__call__ = named_call  # type: ignore[method-assign]
        try:
            yield
        finally:
            torch.nn.Module.__call__ = call  # type: ignore[method-assign]


def _engine(code: CodeType) -> str:
    """Whether this is where the backward pass begins: who started it is no place of an operator in it."""
    inside = code.co_filename.replace(os.sep, "/").endswith(("torch/autograd/__init__.py", "torch/autograd/graph.py"))
    return _ENGINE if inside and code.co_name in ("backward", "grad", "_engine_run_backward") else ""


def _next_sequence_number() -> int:
    return torch._C._autograd._get_sequence_nr()
