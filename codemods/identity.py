"""Store `nn.Identity()` instead of `None` in an optional submodule, and drop the tests for `None`.

What it does
------------
An attribute of a module that is either a submodule or `None` becomes a submodule always. `None` in its assignments
becomes `nn.Identity()`; a constructor argument that may be `None` is replaced where it is stored, its default stays.
Every test of the attribute whose code does nothing without the submodule goes, and so does an alias (`identity = x`)
that only served the test.

Why
---
A module that is always there can be hooked, swapped, listed, quantised and scripted, and `forward` has one path
instead of two.

Example
-------
    -        self.downsample = downsample
    +        self.downsample = downsample if downsample is not None else nn.Identity()
     ...
    -        identity = x
             out = self.bn2(self.conv2(out))
    -        if self.downsample is not None:
    -            identity = self.downsample(x)
    +        identity = self.downsample(x)

Fix safety
----------
SAFE: every use of the attribute, in its class, its bases and its subclasses, is one of these: a test whose guarded code
equals the code without it once `self.x(v)` is replaced by `v`; a call that no test protects (where the attribute was
`None` such a run failed before; with other than one argument it still fails, with the same `TypeError`); the read of a
member where nobody tests the attribute, for the same reason; a test for a type that is neither `None` nor an
`nn.Identity`, or a function of the file that does nothing with either; a use directly behind the assignment of a
submodule. Nobody outside these classes tests, passes on or stores an attribute of that name, unless the object
certainly is of another class: so a type test says, or what made it, or an attribute that the code reads from it in any
case and no such object has. Walks over children that would notice one more of them cannot meet these classes. Such are
walks that count, number, collect or pick; a loop that tells the children apart, as `if isinstance(m, nn.Conv2d)` does,
or replaces each in its place is none. A test of truth (`if self.x:`) counts where a value that is false does nothing
when called, as an empty `nn.Sequential`. What is called is taken for a class if it is a parameter, spelled in CapWords
or picked from `torch.nn` by name: were it a function that returns `None`, the call of `None` would fail. A lambda or a
function of torch in place of a module stays as it is.

UNSAFE: the project pickles whole models (`torch.save(model, ...)`). Files written before would load with `None` and
meet no test. Also where the project compiles with TorchScript and the argument of a call is not certainly a tensor:
`nn.Identity` takes nothing else there, while a module that is `None` is not compiled at all. Also where an argument is
tested for truth: that is asked once, as it is stored (`x or nn.Identity()`), and a container may be filled later. Also
where children are picked by position or number (`list(net.children())[:-2]`) from an object that may come from outside
of the project: given an object of the class, there would be one more.

DISPLAY: only a part of the project was read, so that readers elsewhere are unknown.

Refused, with the line that blocks: everything else. A single use that would notice the difference blocks the attribute,
because `nn.Identity()` is not `None`: sums (`out + self.x(v)` would count `v` twice), tested calls with several
arguments, `self.x.weight` beside a test, tests that select other code, aliases that may hold another value, variables
that may have none, `None` as a result, creation on demand, assignments outside construction or before
`super().__init__()`, factories that may return `None`, children of the class picked by number, containers or classes of
unknown packages as bases, dynamic attribute access.

`state_dict()`, parameters, random numbers, outputs and gradients stay as they are; `children()`, `named_modules()` and
`repr()` gain an entry, which may stand before modules without state that it used to follow. Option `guards =
"isinstance"` also converts attributes whose tests are no pass-through: such a test becomes `isinstance(self.x,
nn.Identity)`, provided that no assignment can store an `nn.Identity` of its own.

References
----------
torch.nn.Identity (since torch 1.1). torch.nn.Module.__setattr__: a name that holds a submodule accepts submodules and
`None` only, which is why later assignments must be proven to be modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from modfix.api import (
    IDENTITY,
    AddElse,
    Applicability,
    Attribute,
    Codemod,
    Defined,
    Edit,
    EnsureImport,
    Finding,
    Fix,
    InsertAfter,
    ModuleClass,
    Reason,
    Refusal,
    RemoveStatement,
    ReplaceExpression,
    ReplaceStatement,
    Tested,
    ValueKind,
    optional_attributes,
    picked_children,
    pickled_models,
    store_reasons,
    use_reasons,
)

PASS_THROUGH = "pass-through"


@dataclass(frozen=True)
class IdentityOptions:
    """Options of ``[tool.modfix.identity]``."""

    guards: Literal["pass-through", "isinstance"] = "pass-through"


class Identity(Codemod):
    """See the manual at the head of this file."""

    name = "identity"
    summary = "optional submodules hold nn.Identity() instead of None, and tests for None go"
    needles = (b"None",)
    declares = ("children-reordered",)
    Options = IdentityOptions

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        """Yield one finding per optional submodule that ``cls`` is the first class of its hierarchy to define."""
        for attr in optional_attributes(cls):
            if not (attr.holds_module or attr.is_called):
                continue
            name, optional = attr.name, attr.optional_definitions
            refusal = self._refusal(attr)
            yield Finding(
                self.name,
                optional[0].location,
                optional[0].facts.statement,
                f"{cls.qualname}.{name}",
                f"`self.{name}` may be `None`" + ("" if refusal else f": store `nn.Identity()`{_dropping(attr)}"),
                fix=None if refusal else self._fix(attr),
                refusal=refusal,
            )

    def _refusal(self, attr: Attribute) -> Refusal | None:
        """Why the attribute cannot be converted, or None. The first reason in this order is shown."""
        for reasons in (store_reasons, self._guard_reasons, use_reasons):
            for kind, reason, blocker in reasons(attr):
                return Refusal(kind, reason, blocker)
        return None

    def _guard_reasons(self, attr: Attribute) -> Iterator[Reason]:
        by_type = self.options == IdentityOptions(guards="isinstance") and not any(
            _may_store_identity(d) for d in attr.definitions
        )
        for guard in attr.guards:
            if guard.facts.kind != PASS_THROUGH and not (by_type and _convertible(guard)):
                yield guard.facts.kind, guard.facts.reason, guard.location
            elif guard.facts.truthiness and not all(d.passes_when_falsy() for d in attr.definitions):
                yield (
                    "truth-test",
                    f"`if self.{attr.name}:` may be false for a module, too; test `is not None`",
                    guard.location,
                )

    def _fix(self, attr: Attribute) -> Fix:
        edits: list[Edit] = []
        for defined in attr.optional_definitions:
            edits.extend(_stored(attr, defined))
        for guard in attr.guards:
            edits.extend(guard.facts.edits or _by_type(attr, guard))
        if attr.owner.project.complete:
            note = next(_doubts(attr), None)
            applicability = Applicability.SAFE if note is None else Applicability.UNSAFE
        else:
            applicability, note = Applicability.DISPLAY, "the rest of the project was not read"
        return Fix(
            f"Store `nn.Identity()` in `self.{attr.name}`{_dropping(attr)}",
            tuple(dict.fromkeys(edits)),
            applicability,
            note,
        )


def _doubts(attr: Attribute) -> Iterator[str]:
    """What may notice the change, as far as anybody can know."""
    project = attr.owner.project
    argument = any(defined.facts.kind is ValueKind.NAME for defined in attr.optional_definitions)
    if not attr.takes_tensors:
        for location, _ in project.notes("scripting"):
            yield f"{location} compiles with TorchScript, where `nn.Identity` takes a tensor and nothing else"
    if argument and any(guard.facts.truthiness for guard in attr.guards):
        yield f"a container that is empty when `{attr.name}` is stored, and filled later, would be lost"
    yield from pickled_models(project, f"hold `None` for `{attr.name}`")
    yield from picked_children(project, attr.family)


def _dropping(attr: Attribute) -> str:
    count = len(attr.guards)
    return f" and drop {count} test{'s' if count > 1 else ''}" if count else ""


# Reasons


# Edits


def _spelling(cls: ModuleClass) -> str | None:
    return cls.spelling(IDENTITY)


def _stored(attr: Attribute, defined: Defined) -> Iterator[Edit]:
    """The edits that make one assignment store ``nn.Identity()`` in place of None."""
    facts, path = defined.facts, defined.cls.path
    spelling = defined.cls.spelling(IDENTITY, like=facts.source)
    if spelling is None:
        free = "nn" not in defined.cls.project.files[path].bindings
        spelling = "nn.Identity" if free else "torch.nn.Identity"
        yield EnsureImport(path, "torch", "nn") if free else EnsureImport(path, "torch")
    instead = attr.completion(defined)
    if instead is not None:
        gone = RemoveStatement(path, facts.statement)
        yield ReplaceStatement(path, facts.statement, instead.rest) if instead.rest else gone
        for span in instead.without_else:
            yield AddElse(path, span, f"{facts.target} = {spelling}()")
        for span in instead.ends:
            yield InsertAfter(path, span, f"{facts.target} = {spelling}()")
    elif facts.kind is ValueKind.NAME:
        truthiness = any(guard.facts.truthiness for guard in attr.guards)
        test = [facts.source, "or"] if truthiness else [facts.source, f"if {facts.source} is not None", "else"]
        parts = [*test[:-1], f"{test[-1]} {spelling}()"]
        yield defined.storing(parts) or ReplaceExpression(path, facts.span, " ".join(parts))
    elif facts.chain:
        yield ReplaceStatement(
            path, facts.statement, f"{facts.target} = {spelling}()\n{' = '.join(facts.chain)} = None"
        )
    else:
        filled, start = facts.source, facts.span.start
        for none in reversed(facts.nones):
            filled = f"{filled[: none.start - start]}{spelling}(){filled[none.end - start :]}"
        wide = defined.storing([filled])
        if wide is not None:
            yield wide
        else:
            yield from (ReplaceExpression(path, none, f"{spelling}()") for none in facts.nones)


def _convertible(guard: Tested) -> bool:
    """Whether the test can ask for the type instead: it is a comparison with None that stands on its own."""
    return not guard.facts.truthiness and guard.facts.kind not in ("lazy-creation", "unsupported-test")


def _may_store_identity(defined: Defined) -> bool:
    return (
        defined.facts.kind in (ValueKind.NAME, ValueKind.OTHER)
        or not defined.makes_modules()
        or IDENTITY in defined.facts.refs
    )


def _by_type(attr: Attribute, guard: Tested) -> Iterator[Edit]:
    """The edit that makes a test ask for ``nn.Identity`` instead of None."""
    spelling = _spelling(guard.cls) or "nn.Identity"
    if _spelling(guard.cls) is None:
        yield EnsureImport(guard.cls.path, "torch", "nn")
    negation = "not " if guard.facts.present else ""
    yield ReplaceExpression(guard.cls.path, guard.facts.test, f"{negation}isinstance(self.{attr.name}, {spelling})")
