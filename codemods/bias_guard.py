"""Initialise a bias only where there is one.

What it does
------------
`nn.init.zeros_(m.bias)` goes under `if m.bias is not None:`, wherever the layer may have been built with `bias=False`.
Only the statement itself, never the branches around it; consecutive statements about one bias share one guard. Where
it is not even known that the object has such an attribute, the guard is `if getattr(m, "bias", None) is not None:`.
Statements about a norm layer guard its `weight` as well, which is None with `affine=False`. A test for truth,
`if m.bias:`, becomes `if m.bias is not None:`.

Why
---
A layer without a bias has `bias = None`, and the loop that initialises all layers fails on the first of them. The truth
of a bias of more than one element is an error.

Example
-------
             nn.init.xavier_uniform_(m.weight)
    -        nn.init.zeros_(m.bias)
    +        if m.bias is not None:
    +            nn.init.zeros_(m.bias)

Fix safety
----------
SAFE: with a bias the same statements run; without one the code failed. That holds for every object whose attributes
can be read twice, and outside of `try`.

UNSAFE: a test for truth that protects more than filling with zeros. A single element that is exactly zero counted as
no bias.

No finding: a constructor in sight makes the bias (by default, or `bias=True`), for all layers that the variable or
attribute can hold; a test is there already, by itself or by an option that is called after the bias; constructors with
`bias=False`, as the bias that is accessed was tied to them later.

Refused: slices (`m.bias.data[n:2 * n]`) and assignments to `.data`, which are no initialisation of a whole bias; layers
that a call gives; recurrent layers, whose `bias` is a flag; statements in a `try` that may expect the failure; layers
that a constructor outside of torch makes, because their bias may be something else.

References
----------
`register_parameter("bias", None)` in the constructors of torch/nn/modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from modfix.api import (
    Applicability,
    BiasAccess,
    Codemod,
    Finding,
    Fix,
    Location,
    Presence,
    ProjectFile,
    Refusal,
    ReplaceExpression,
    WrapStatements,
)


class BiasGuard(Codemod):
    """See the manual at the head of this file."""

    name = "bias-guard"
    summary = "a bias is initialised only where the layer has one"
    needles = (b".bias",)

    def check_file(self, file: ProjectFile) -> Iterator[Finding]:
        """Yield one finding for the accesses in each class or function, one for each test, one for each refusal."""
        facts = file.facts.initialisation
        by_owner = sorted(facts.biases, key=lambda access: access.owner)
        for owner, group in groupby(by_owner, key=lambda access: access.owner):
            open_to_fix = []
            for access in group:
                if access.presence is Presence.ABSENT:
                    continue
                reason = _reason(access)
                if reason is None:
                    open_to_fix.append(access)
                    continue
                where = Location(file.path, access.line, access.column)
                message = f"`{access.layer}.{access.member}` may be None"
                yield Finding(self.name, where, access.statement, owner, message, refusal=Refusal(*reason, where))
            if open_to_fix:
                yield self._guarded(file, owner, open_to_fix)
        for test in facts.bias_tests:
            where = Location(file.path, test.line, test.column)
            applicability = Applicability.SAFE if test.zeroes else Applicability.UNSAFE
            note = None if test.zeroes else "a single element that is zero counted as no bias"
            edit = ReplaceExpression(file.path, test.span, f"{test.source} is not None")
            fix = Fix(f"Ask whether `{test.source}` is there", (edit,), applicability, note)
            message = f"the truth of `{test.source}` is an error for more than one element"
            yield Finding(self.name, where, test.span, test.owner, message, fix=fix)

    def _guarded(self, file: ProjectFile, owner: str, accesses: list[BiasAccess]) -> Finding:
        edits = tuple(
            WrapStatements(file.path, run[0].statement, run[-1].statement, _header(run[0])) for run in _runs(accesses)
        )
        first = accesses[0]
        names = ", ".join(dict.fromkeys(f"`{access.layer}.{access.member}`" for access in accesses))
        where = Location(file.path, first.line, first.column)
        fix = Fix(f"Initialise {names} only if it is there", edits, Applicability.SAFE)
        return Finding(self.name, where, first.statement, owner, f"{names} may be None", fix=fix)


def _reason(access: BiasAccess) -> tuple[str, str] | None:
    if access.kind:
        return access.kind, access.why
    if access.presence is Presence.FOREIGN:
        why = f"`{access.layer}` is no layer of torch, as far as can be seen, and its `{access.member}` may be anything"
        return "unknown-layer", why
    return None


def _header(access: BiasAccess) -> str:
    if access.presence is Presence.UNKNOWN:
        return f'if getattr({access.layer}, "{access.member}", None) is not None:'
    return f"if {access.layer}.{access.member} is not None:"


def _runs(accesses: list[BiasAccess]) -> Iterator[list[BiasAccess]]:
    """Consecutive statements of one block about the same member of the same layer."""
    run: list[BiasAccess] = []
    for access in accesses:
        previous = run[-1] if run else None
        follows = previous is not None and access.block == (previous.block[0], previous.block[1] + 1)
        if previous is not None and not (follows and _header(access) == _header(previous)):
            yield run
            run = []
        run.append(access)
    yield run
