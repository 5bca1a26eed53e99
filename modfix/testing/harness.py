"""Hold a codemod to its fixtures: what it must rewrite, what it must leave alone, and what every rewrite has in common.

A check that fails ends in an `AssertionError` whose message says what to look at. The engine is imported inside the
functions, because the pytest plugin imports this package in every project that has modfix installed.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from modfix.testing.fixtures import Case, Expectations

if TYPE_CHECKING:
    from modfix.engine.codemod import Codemod
    from modfix.model.result import ApplyResult

Files = Mapping[str, str]  # path -> text


def check_noop(codemod: Codemod, source: str) -> None:
    """Demand that ``codemod`` leaves the module ``source`` alone, even with unsafe fixes allowed."""
    check(codemod, {"model.py": source}, None)


def check_rewrite(codemod: Codemod, before: str, after: str) -> None:
    """Demand that ``codemod`` turns the module ``before`` into ``after``, and all that holds for every rewrite."""
    check(codemod, {"model.py": before}, {"model.py": after})


def run_case(case: Case, codemod: Codemod | None = None) -> None:
    """Check one fixture statically. ``codemod`` defaults to the registered one, with the options of the case.

    Raises:
        AssertionError: the codemod does not do what the case demands.
        LookupError: no such codemod is registered.
    """
    check(codemod or _registered(case), case.before, case.after, case.expect)


def check(codemod: Codemod, before: Files, after: Files | None, expect: Expectations | None = None) -> None:
    """Demand that ``codemod`` turns the project ``before`` into ``after`` (None: leaves it alone).

    Also demanded: the output parses, a second run changes nothing, text outside the subjects and imports is the same,
    comments survive, and the same project with CRLF line ends or with tabs gives the same result in that form.

    Raises:
        AssertionError: one of these does not hold; the message shows a diff where there is one.
    """
    expect = expect or Expectations()
    unsafe = after is None or expect.unsafe_fixes
    if expect.unsafe_fixes:
        untouched, _ = migrate(codemod, before)
        _assert_same(before, untouched, "must not change without --unsafe-fixes")
    result, outcome = check_invariants(codemod, before, unsafe=unsafe, comments_lost=expect.comments_lost)
    _assert_same(before if after is None else after, result, "is not what was expected" if after else "must not change")
    _assert_refusal(outcome, before, expect)
    if after is None:
        return
    for label, convert in (("CRLF", crlf), ("tabs", tabs)):
        variant, _ = migrate(codemod, _each(convert, before), unsafe=unsafe)
        _assert_same(_each(convert, after), variant, f"is not what was expected with {label}")


def check_invariants(
    codemod: Codemod, before: Files, *, unsafe: bool = False, comments_lost: Sequence[str] = ()
) -> tuple[dict[str, str], ApplyResult]:
    """Demand of ``codemod`` what holds for any input, and give back the project after it.

    That is: the output parses, text outside the subjects and imports is the same, comments survive (but for
    ``comments_lost``), and a second run changes nothing. Good for property tests.

    Raises:
        AssertionError: one of these does not hold.
    """
    result, outcome = migrate(codemod, before, unsafe=unsafe)
    for path in before:
        if result[path] != before[path]:
            _assert_sound(before[path], result[path], path, outcome, comments_lost)
    again, _ = migrate(codemod, result, unsafe=unsafe)
    _assert_same(result, again, "changes in a second run")
    return result, outcome


def migrate(codemod: Codemod, files: Files, *, unsafe: bool = False) -> tuple[dict[str, str], ApplyResult]:
    """The project ``files`` after ``codemod``, and the engine's own account of it.

    Raises:
        AssertionError: the engine reports an internal error or refuses a file.
    """
    from modfix.engine.run import apply
    from modfix.model.finding import Applicability
    from modfix.source.tree import MemoryTree

    outcome = apply(MemoryTree(files), [codemod], required=Applicability.UNSAFE if unsafe else Applicability.SAFE)
    assert not outcome.final.errors, "\n".join(error.message for error in outcome.final.errors)
    assert not outcome.final.refused_files, "\n".join(f"{r.path}: {r.reason}" for r in outcome.final.refused_files)
    return {**files, **{change.path: change.after for change in outcome.changes}}, outcome


def _registered(case: Case) -> Codemod:
    from modfix.engine.registry import load

    kind = load().codemods.get(case.codemod)
    if kind is None:
        raise LookupError(f"{case.folder}: no codemod `{case.codemod}` is registered")
    return kind(kind.Options(**case.expect.options))


def _assert_same(expected: Files, actual: Files, complaint: str) -> None:
    for path, text in expected.items():
        diff = "".join(
            line if line.endswith("\n") else line + "\n"
            for line in difflib.unified_diff(
                _lines(text), _lines(actual[path]), f"{path} (expected)", f"{path} (actual)"
            )
        )
        assert not diff, f"{path} {complaint}:\n{diff}"


def _assert_refusal(outcome: ApplyResult, files: Files, expect: Expectations) -> None:
    if expect.refusal is None and expect.blocker is None:
        return
    refusals = [finding.refusal for finding in outcome.final.refusals if finding.refusal]
    kinds = ", ".join(sorted({refusal.kind for refusal in refusals})) or "none"
    wanted = [r for r in refusals if r.blocker and fnmatchcase(r.kind, expect.refusal or "*")]
    assert wanted, f"no refusal of kind `{expect.refusal or '*'}` that names a line; refusals: {kinds}"
    if expect.blocker is not None:
        blocking = [_lines(files[r.blocker.path])[r.blocker.line - 1] for r in wanted if r.blocker]
        assert any(expect.blocker in line for line in blocking), f"no refusal names `{expect.blocker}`, but {blocking}"


def _assert_sound(before: str, after: str, path: str, outcome: ApplyResult, comments_lost: Sequence[str]) -> None:
    try:
        ast.parse(after)
    except SyntaxError as error:
        raise AssertionError(f"{path}: the output does not parse: {error}\n{after}") from error
    subjects = {
        finding.subject.split(".")[0]
        for finding in outcome.applied
        if finding.fix and any(edit.path == path for edit in finding.fix.edits)
    }
    assert outside(before, subjects) == outside(after, subjects), f"{path}: text outside of {subjects} changed"
    lost = Counter(comments(before)) - Counter(comments(after)) - Counter(comments_lost)
    assert not lost, f"{path}: comments got lost: {', '.join(lost)}"


def outside(text: str, subjects: set[str]) -> list[str]:
    """The lines of a module without its imports at the top level and the statements there that define a subject.

    The subject ``<module>`` is all that is no definition.
    """
    inside: set[int] = set()
    for statement in ast.parse(text).body:
        is_import = isinstance(statement, ast.Import | ast.ImportFrom)
        defined = {node.name for node in ast.walk(statement) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        is_script = "<module>" in subjects and not isinstance(statement, ast.ClassDef | ast.FunctionDef)
        if is_import or is_script or defined & subjects:
            inside.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    return [line for number, line in enumerate(_lines(text), 1) if number not in inside]


def comments(text: str) -> list[str]:
    """The comments of a module, in order, without the white space behind them."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT]


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)  # str.splitlines also splits on form feeds and U+2028


def _each(convert: Callable[[str], str], files: Files) -> dict[str, str]:
    return {path: convert(text) for path, text in files.items()}


def crlf(text: str) -> str:
    """``text`` with CRLF line ends."""
    return re.sub(r"\r?\n", "\r\n", text)


def tabs(text: str) -> str:
    """``text`` with one tab per level of indentation; what remains of an aligned continuation line stays in spaces."""
    blocks = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    levels = [node.body[0].col_offset for node in blocks]
    if not levels or "\t" in text:
        return text
    unit = min(levels)
    return re.sub(r"(?m)^ +", lambda m: "\t" * (len(m[0]) // unit) + " " * (len(m[0]) % unit), text)
