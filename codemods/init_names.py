"""Call the functions of `torch.nn.init` by the names that are not deprecated.

What it does
------------
`nn.init.xavier_uniform(w)` becomes `nn.init.xavier_uniform_(w)`, and so for all eleven functions that torch still has
without the underscore. A name that is imported by itself is renamed in its import as well.

Why
---
Each of them does nothing but warn and call the other one. They work in place, which the underscore says.

Example
-------
    -        nn.init.xavier_uniform(self.fc.weight)
    +        nn.init.xavier_uniform_(self.fc.weight)

Fix safety
----------
SAFE: the name is that of torch, by imports and scopes, and is called there, or is the first argument of
`functools.partial`. What it computes stays to the bit; the warning goes.

Refused: a function that is passed on or stored, because somebody may compare it or ask for its name; one in a branch
for old versions of torch (`if hasattr(...)`, `except AttributeError`). Functions of the same name that are not torch's,
and names in strings (`getattr(init, name)`), are no matter of this codemod.

References
----------
`_make_deprecate` in torch/nn/init.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from modfix.api import (
    DEPRECATED_INIT_NAMES,
    Applicability,
    Codemod,
    Edit,
    EnsureImport,
    Finding,
    Fix,
    Location,
    OldName,
    ProjectFile,
    Refusal,
    ReplaceExpression,
    ReplaceStatement,
)


class InitNames(Codemod):
    """See the manual at the head of this file."""

    name = "init-names"
    summary = "deprecated names such as nn.init.xavier_uniform get their underscore"
    needles = tuple(sorted(name.encode() for name in DEPRECATED_INIT_NAMES))

    def check_file(self, file: ProjectFile) -> Iterator[Finding]:
        """Yield one finding for the names in each class or function, and one for each name that is imported."""
        uses = file.facts.initialisation.names.uses
        for owner, group in groupby(uses, key=lambda use: use.owner):
            of_owner = [use for use in group if not use.bound]
            for use in of_owner:
                if use.kind:
                    yield self._refused(file, use)
            fixed = [use for use in of_owner if not use.kind]
            if fixed:
                edits = tuple(ReplaceExpression(file.path, use.span, f"{use.source}_") for use in fixed)
                yield self._fixed(file, owner, fixed, edits)
        for bound in sorted({use.bound for use in uses if use.bound}):
            yield from self._imported(file, bound, [use for use in uses if use.bound == bound])

    def _imported(self, file: ProjectFile, bound: str, uses: list[OldName]) -> Iterator[Finding]:
        """One name that is imported by itself: all of its uses change together, or none."""
        function = uses[0].function
        obstacle = next((use for use in uses if use.kind), None)
        if obstacle is not None:
            yield self._refused(file, obstacle)
            return
        owner = ", ".join(dict.fromkeys(use.owner for use in uses))
        edits: list[Edit] = []
        if bound == function:  # else the name stays: `from torch.nn.init import normal as gaussian`
            edits += [ReplaceExpression(file.path, use.span, f"{function}_") for use in uses]
        renamed = list(_renamed(file, function, bound))
        if not renamed:
            if bound != function:
                return
            renamed = [EnsureImport(file.path, "torch.nn.init", f"{function}_")]
        yield self._fixed(file, owner, uses, (*edits, *renamed))

    def _fixed(self, file: ProjectFile, owner: str, uses: list[OldName], edits: tuple[Edit, ...]) -> Finding:
        names = ", ".join(dict.fromkeys(f"`{use.function}`" for use in uses))
        where = Location(file.path, uses[0].line, uses[0].column)
        fix = Fix(f"Call {names} with the underscore", edits, Applicability.SAFE)
        return Finding(self.name, where, uses[0].span, owner, f"{names}: deprecated names", fix=fix)

    def _refused(self, file: ProjectFile, use: OldName) -> Finding:
        where = Location(file.path, use.line, use.column)
        refusal = Refusal(use.kind, use.why, where)
        message = f"`{use.function}` is a deprecated name"
        return Finding(self.name, where, use.span, use.owner, message, refusal=refusal)


def _imported_elsewhere(file: ProjectFile, function: str) -> bool:
    """Whether another file may take the function from this one, and not from torch."""
    module = file.path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]
    for path, other in file.project.files.items():
        own = other.initialisation.names
        if path == file.path or any(use.function == function for use in own.uses):
            continue
        if function in other.mentioned or any(star.rstrip(".").endswith(module) for star in other.star_imports):
            return True
    return False


def _renamed(file: ProjectFile, function: str, bound: str) -> Iterator[Edit]:
    """The imports of a function under its new name; none where one of them has to stay or cannot be rewritten."""
    names = file.facts.initialisation.names
    statements = [statement for statement in names.imports if (function, bound) in statement.names]
    if any(not statement.plain for statement in statements):
        return
    if bound == function and (function in names.kept or _imported_elsewhere(file, function)):
        return
    for statement in statements:
        source = re.sub(rf"\b{function}\b", f"{function}_", statement.source)
        yield ReplaceStatement(file.path, statement.span, source)
