"""From the text of a file to its facts.

One walk over the syntax tree collects the scopes and the few nodes that tell something (`scopes.collect`). Then
`file_reader` reads these into records, which become facts here and in `class_facts`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from modfix.model.source import Refused, SourceFile
from modfix.semantics.class_facts import ClassFactsMaker
from modfix.semantics.facts import UNKNOWN, FileFacts, FunctionFacts, OutsideUse, Receiver, Walk
from modfix.semantics.file_reader import SCRIPTING, FileReader
from modfix.semantics.hook_plans import hook_facts
from modfix.semantics.initialisation import initialisation
from modfix.semantics.mentions import mentions
from modfix.semantics.places import FileTree
from modfix.semantics.receivers import ReceiverMaker
from modfix.semantics.records import FileRecord, note
from modfix.semantics.scopes import bound_names
from modfix.semantics.syntax import arguments, is_name
from modfix.semantics.walks import (
    CHILD_WALKS,
    DICTIONARY_WALKS,
    READ,
    Walks,
    reads_of_each,
    walked_object,
)

_PYTHON_2 = re.compile(r"^\s*(print\s+[\"'\w]|exec\s+[\"'])|except \w+, \w+:", re.MULTILINE)


def scan(source: SourceFile) -> FileFacts | Refused:
    """The facts of one file, or why it cannot be read as Python (syntax error, null bytes, nesting too deep)."""
    try:
        record = FileRecord(source, ast.parse(source.text))
        found = initialisation(FileTree(source.text, record.tree, record.names, record.positions))
        hooks = hook_facts(source.text, record.tree, record.names, record.positions)
        return replace(_FactsMaker(record).facts(), initialisation=found, hooks=hooks)
    except SyntaxError as error:
        where = f" in line {error.lineno}" if error.lineno else ""
        hint = "; is this Python 2?" if _PYTHON_2.search(source.text) else ""
        return Refused(source.path, f"not valid Python{where}: {error.msg}{hint}")
    except ValueError as error:  # null bytes, integers beyond the interpreter's limit
        return Refused(source.path, f"not valid Python: {error}")
    except (RecursionError, MemoryError):  # MemoryError is what the parser raises when its stack is full
        return Refused(source.path, "nested too deeply to be analysed")


class _FactsMaker:
    """From the record of a file to its facts."""

    def __init__(self, file: FileRecord) -> None:
        self._file = file

    def facts(self) -> FileFacts:
        FileReader(self._file).read()
        for node in self._file.tree.body:
            names = node.names if isinstance(node, ast.ImportFrom) and node.module == "torch.jit" else []
            self._file.notes += [note("scripting", node) for alias in names if alias.name in SCRIPTING]
        make = ClassFactsMaker(self._file.path, self._file.positions, self._file.names, self._file.origins)
        blocks = [
            s for s in self._file.tree.body if not isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        ]
        alternatives = {name for name, ref in bound_names(blocks) if ref.startswith("@")}  # `if fast: def make(): ...`
        functions = {
            node.name: FunctionFacts(
                node.name,
                (UNKNOWN,) if node.name in alternatives else self._file.callees.returns(node, (node,)),
                frozenset([arg.arg for arg in arguments(node)]),
            )
            for node in self._file.tree.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        scopes = self._file.names.scopes.values()
        imports = [ref for scope in scopes for _, ref in scope.bound if ref[0] != "@" and ref != UNKNOWN]
        return FileFacts(
            self._file.path,
            self._file.names.bindings,
            self._file.names.stars,
            self._file.names.before_stars,
            tuple([make.class_facts(record) for record in self._file.records]),
            functions,
            *self._outside(),
            tuple(self._file.notes),
            self._found_walks(),
            self._file.origins.arguments_of(self._file.contexts),
            frozenset(imports),
            frozenset(self._file.mentioned.union([ref.rpartition(".")[2] for ref in imports])),
            {name: tuple(reads) for name, reads in self._file.class_reads.items()},
            frozenset(self._file.by_position),
            self._file.positions.width,
            mentions(self._file.tree, self._file.names.bindings, self._file.records),
        )

    def _outside(self) -> tuple[dict[str, tuple[OutsideUse, ...]], tuple[Receiver, ...]]:
        """The uses of attributes through other objects than ``self``, and these objects."""
        make = ReceiverMaker(self._file)
        index: dict[Receiver, int] = {}
        outside: dict[str, tuple[OutsideUse, ...]] = {}
        for attr, uses in self._file.outside.items():
            found = []
            for form, node, record in uses:
                known = -1 if record is None else index.setdefault(make.receiver(record, node), len(index))
                found.append(OutsideUse(form, node.lineno, node.col_offset + 1, known))
            outside[attr] = tuple(found)
        return outside, tuple(index)

    def _found_walks(self) -> tuple[Walk, ...]:
        """The walks that would notice an ``nn.Identity``."""
        found = []
        for node, context in self._file.walks:
            assert isinstance(node.func, ast.Attribute)
            functions = context.functions
            walks = Walks(self._file.names, self._file.origins.parents(functions), functions)
            how = self._applied(node.args[0]) if node.func.attr == "apply" else walks.outcome(node)
            deep = node.func.attr not in CHILD_WALKS and node.func.attr not in DICTIONARY_WALKS
            if not how or (deep and not how.startswith((READ, "numbered", "paired", "picked"))):
                continue
            walked = walked_object(node)
            assert walked is not None  # a walk is an attribute that is called
            origin = self._file.origins.origin(walked, functions, context.owner)
            found.append(Walk(node.lineno, node.col_offset + 1, how, deep, walks.expected(node), origin))
        return tuple(found)

    def _applied(self, function: ast.expr) -> str:
        """What the function of `model.apply(function)` would not find in an ``nn.Identity``."""
        nodes = (n for n in self._file.tree.body if isinstance(n, ast.FunctionDef) and is_name(function, n.name))
        return next((how for node in nodes if (how := reads_of_each(node, self._file.names))), "")
