"""Finds LibCST nodes by character offsets, with one printing pass and no metadata.

LibCST nodes carry no positions. Its position provider prints the tree and counts along, and keeps a range for every
node; this keeps only the nodes at a handful of wanted spans.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import libcst as cst
from libcst._nodes.internal import CodegenState

from modfix.model.span import Span


class SpanFinder(CodegenState):
    """A printing state that notes the nodes at ``wanted`` spans: run ``module._codegen(finder)``, then read the fields.

    ``offset`` is where the text of the tree starts. Spans are those of `ast`: with the parentheses of a tuple or
    generator expression, but without the parentheses around any other expression.
    """

    def __init__(self, module: cst.Module, wanted: Collection[Span], text: str, offset: int) -> None:
        super().__init__(default_indent=module.default_indent, default_newline=module.default_newline)
        self.found: dict[Span, list[cst.CSTNode]] = {}
        self.ancestors: set[int] = set()  # ids of the nodes found and of all nodes around them
        self._wanted = frozenset(wanted)
        self._text = text
        self._offset = offset
        self._stack: list[cst.CSTNode] = []
        self._ends: dict[int, int] = {}  # by id, for the nodes that end where another one ends
        self._paren_start = 0
        self._awaiting: dict[int, tuple[cst.CSTNode, int]] = {}  # tuples whose closing parenthesis is still to come

    @property
    def code(self) -> str:
        """All that was printed."""
        return "".join(self.tokens)

    def add_token(self, value: str) -> None:
        """Print ``value``."""
        self.tokens.append(value)
        self._offset += len(value)

    def add_indent_tokens(self) -> None:
        """Print the indentation of the current block."""
        for token in self.indent_tokens:
            self.tokens.append(token)
            self._offset += len(token)

    def before_codegen(self, node: cst.CSTNode) -> None:
        """Called by LibCST before it prints ``node``."""
        self._stack.append(node)
        if type(node) is cst.LeftParen:
            self._paren_start = self._offset

    def after_codegen(self, node: cst.CSTNode) -> None:
        """Called by LibCST after it printed ``node``."""
        self._stack.pop()
        if type(node) is cst.RightParen and id(node) in self._awaiting:
            owner, start = self._awaiting.pop(id(node))
            self._note(owner, start, self._offset)

    @contextmanager
    def record_syntactic_position(
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> Iterator[None]:
        """Called by LibCST around the part of a node that is no white space and no parenthesis."""
        start = self._offset
        has_own_parentheses = isinstance(node, (cst.Tuple, cst.GeneratorExp)) and bool(node.lpar)
        if has_own_parentheses:
            start = self._paren_start  # the one printed last is the innermost
        yield
        end = self._offset if end_node is None else self._ends[id(end_node)]
        self._ends[id(node)] = end
        if has_own_parentheses:
            assert isinstance(node, (cst.Tuple, cst.GeneratorExp))
            self._awaiting[id(node.rpar[0])] = (node, start)
        elif isinstance(node, cst.GeneratorExp):
            self._note_call_argument(node, start, end)
        else:
            self._note(node, start, end)

    def _note(self, node: cst.CSTNode, start: int, end: int) -> None:
        span = Span(start, end)
        if span in self._wanted:
            self.found.setdefault(span, []).append(node)
            self.ancestors.update(map(id, self._stack))

    def _note_call_argument(self, node: cst.GeneratorExp, start: int, end: int) -> None:
        """`f(x for x in y)`: for `ast` the parentheses of the call belong to the generator expression."""
        for span in self._wanted:
            if span.start < start and end < span.end:
                around = self._text[span.start : start].rstrip() + self._text[end : span.end].lstrip()
                if around == "()":
                    self._note(node, span.start, span.end)
