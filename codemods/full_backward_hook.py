"""Replace `register_backward_hook`, which gives wrong gradients, by `register_full_backward_hook`.

What it does
------------
`module.register_backward_hook(hook)` becomes `module.register_full_backward_hook(hook)`; all such hooks of one class
together, for a module must not have both kinds.

Why
---
The old kind is deprecated: a module that runs several operators gives the gradients of the last of them.

Example
-------
    -self.conv.register_backward_hook(self.keep_gradient)
    +self.conv.register_full_backward_hook(self.keep_gradient)

Fix safety
----------
What the old `grad_input` holds:

=====================  ==============================================================
module                 old `grad_input`
=====================  ==============================================================
convolution            gradients of input, weight and bias
linear                 gradients of bias, input and transposed weight
recurrent              seven entries
anything larger        gradients of what the last operator got
=====================  ==============================================================

The new one holds the gradients of the inputs of the module, one for each.

SAFE: the module is a layer of torch.nn in an attribute of the class; the hook gives nothing back; it ignores the
gradients, reads `grad_output` only, or `grad_input[0]` of a convolution; and the methods of the class never change the
output of the layer in place, return it, or pass it on to code that cannot be read.

UNSAFE: `grad_input[0]` of another layer. Its value changes, to the gradient that the name promises.

DISPLAY: all others, among them modules that are picked from a model: whoever changes the output of a module with a full
hook in place, as `nn.ReLU(inplace=True)` behind it does, gets an error. Also where another registration may reach the
same module.

Refused: an output that is changed in place.

References
----------
`torch.nn.Module.register_full_backward_hook`; pattern 7. Tests run both kinds on the layers of the table.
"""

from __future__ import annotations

from collections.abc import Iterator

from modfix.api import (
    Applicability,
    BackwardSite,
    Codemod,
    Edit,
    Finding,
    Fix,
    GradientUse,
    HookSite,
    Location,
    ProjectFile,
    Refusal,
    ReplaceExpression,
)

_CONVOLUTIONS = ("torch.nn.Conv1d", "torch.nn.Conv2d", "torch.nn.Conv3d")
_LEAVES = (*_CONVOLUTIONS, *(f"torch.nn.{name}" for name in ("BatchNorm1d", "BatchNorm2d", "LayerNorm", "Linear")))
_TABLE = (
    "`grad_input` was (input, weight, bias) for a convolution, (bias, input, weight) for a linear layer, "
    "and that of the last operator for larger modules"
)


class FullBackwardHook(Codemod):
    """See the manual at the head of this file."""

    name = "full-backward-hook"
    summary = "deprecated backward hooks become full ones, which see the gradients of the module itself"
    needles = (b"register_backward_hook",)

    def check_file(self, file: ProjectFile) -> Iterator[Finding]:
        """Yield one finding for all backward hooks of a class, and one for each other."""
        facts = file.facts.hooks
        groups: dict[str, list[BackwardSite]] = {}
        for number, backward in enumerate(facts.backward):
            owner = facts.sites[backward.site].owner if backward.attr else ""
            groups.setdefault(owner or f"<{number}>", []).append(backward)
        for group in groups.values():
            yield self._finding(file, group)

    def _finding(self, file: ProjectFile, group: list[BackwardSite]) -> Finding:
        sites = [file.facts.hooks.sites[backward.site] for backward in group]
        first = sites[0]
        message = f"`{first.receiver}.register_backward_hook(...)` is deprecated and gives the wrong gradients"
        where = Location(file.path, first.line, first.column)
        subject = first.function or "<module>"
        for backward in group:
            if backward.blocker is not None and backward.blocker.kind == "in-place":
                line, column = backward.blocker.line, backward.blocker.column
                refusal = Refusal("in-place", backward.blocker.reason, Location(file.path, line, column))
                return Finding(self.name, where, first.span, subject, message, refusal=refusal)
        applicability, note = self._applicability(file, group)
        edits: list[Edit] = [
            ReplaceExpression(file.path, backward.function, f"{site.receiver}.register_full_backward_hook")
            for backward, site in zip(group, sites, strict=True)
        ]
        fix = Fix("Register a full backward hook", tuple(edits), applicability, note)
        return Finding(self.name, where, first.span, subject, message, fix=fix)

    def _applicability(self, file: ProjectFile, group: list[BackwardSite]) -> tuple[Applicability, str | None]:
        """How safe it is to change a group; the worst of its members counts."""
        if not file.project.complete:
            return Applicability.DISPLAY, "the rest of the project was not read"
        if other := self._may_meet(file, group):
            return Applicability.DISPLAY, f"{other} may hook the same module, which must not have both kinds"
        reasons = [_reason(backward) for backward in group]
        return min(reasons, key=lambda reason: reason[0])

    def _may_meet(self, file: ProjectFile, group: list[BackwardSite]) -> Location | None:
        """A registration on a module that is not known, or on one of a related class, which stays as it is."""
        own = {file.facts.hooks.sites[backward.site].span for backward in group}
        names = {backward.attr for backward in group}
        for path, facts in file.project.files.items():
            for backward in facts.hooks.backward:
                site: HookSite = facts.hooks.sites[backward.site]
                if path == file.path and site.span in own:
                    continue
                if not backward.layer or (backward.attr in names and self._related(file, group, path, site)):
                    return Location(path, site.line, site.column)
        return None

    def _related(self, file: ProjectFile, group: list[BackwardSite], path: str, other: HookSite) -> bool:
        """Whether an object of the class of ``group`` may also be one of the class that registers ``other``."""
        name = file.facts.hooks.sites[group[0].site].owner
        own = next((cls for cls in file.project.classes_of(file.path) if cls.qualname == name), None)
        return own is None or any(cls.path == path and cls.qualname == other.owner for cls in own.relatives)


def _reason(backward: BackwardSite) -> tuple[Applicability, str | None]:
    """How safe it is to change one registration, and why not safer."""
    if backward.use is GradientUse.UNKNOWN:
        return Applicability.DISPLAY, f"the hook cannot be read here; {_TABLE}"
    if backward.layer.rstrip("*") not in _LEAVES:
        return Applicability.DISPLAY, f"code in or behind the module may work in place, which would raise; {_TABLE}"
    if backward.blocker is not None:
        return Applicability.DISPLAY, f"{backward.blocker.reason}, and changing them in place would raise; {_TABLE}"
    if backward.gives or backward.use is GradientUse.OTHER:
        return Applicability.DISPLAY, f"the hook uses all of `grad_input` or gives other gradients back; {_TABLE}"
    if backward.use is GradientUse.FIRST and backward.layer not in _CONVOLUTIONS:
        return Applicability.UNSAFE, f"`grad_input[0]` becomes the gradient of the input; {_TABLE}"
    return Applicability.SAFE, None
