"""Dividing a patch: what is left is complete, and real git takes it."""

from __future__ import annotations

import ast
from itertools import combinations
from pathlib import Path

import pytest

from modfix.model.edit import EnsureImport
from modfix.model.finding import Applicability, Finding
from modfix.model.patch import Patch
from modfix.model.result import FileChange, Step
from modfix.model.source import SourceFile
from modfix.patch.diff import make_patch
from modfix.patch.hunks import read
from modfix.patch.select import Criteria, SelectionError, keep, matching
from modfix.patch.write import patch_bytes
from tests.patch.helpers import after_files, before_files, change, finding, git_apply, index

NN = EnsureImport("m.py", "torch.nn", None, "nn")
A = finding("Block.downsample")
B = finding("Head.norm")
C = finding("Head.act", codemod="functional")


def patch_of(*changes: FileChange, fixes: list[Finding]) -> Patch:
    return make_patch(changes, index(*fixes))


def kept(patch: Patch, *fixes: Finding) -> Patch:
    """Through bytes and back, as the command line does it."""
    result = keep(patch, {fix.fingerprint for fix in fixes})
    assert read(patch_bytes(result)).patch == result
    return result


def applied(folder: Path, patch: Patch, *changes: FileChange) -> str:
    result = git_apply(folder, before_files(*changes), patch_bytes(patch))
    return b"".join(result.values()).decode()


def test_fixes_of_one_hunk_come_apart(tmp_path: Path) -> None:
    one = change("a\nb\nc\nd\ne\n", (A, "A\nb\nc\nd\ne\n"), (B, "A\nb\nc\nD\ne\n"), (C, "A\nb\nD\ne\n"))
    patch = patch_of(one, fixes=[A, B, C])
    assert len(patch.files[0].hunks) == 1
    assert applied(tmp_path, kept(patch, B), one) == "a\nb\nc\nD\ne\n"
    assert applied(tmp_path, kept(patch, A, C), one) == "A\nb\nd\ne\n"


def test_adjacent_lines_come_apart(tmp_path: Path) -> None:
    one = change("1\n2\n3\n", (B, "1\nB\nb\n3\n"), (A, "A\nB\nb\n3\n"), (C, "A\nB\nb\nC\n"))
    patch = patch_of(one, fixes=[A, B, C])
    assert applied(tmp_path, kept(patch, A), one) == "A\n2\n3\n"
    assert applied(tmp_path, kept(patch, B), one) == "1\nB\nb\n3\n"
    assert applied(tmp_path, kept(patch, A, C), one) == "A\n2\nC\n"


def test_numbers_shift_with_what_is_dropped(tmp_path: Path) -> None:
    lines = [f"{n}\n" for n in range(60)]
    first = [*lines[:5], "new\n", "new\n", *lines[5:]]
    second = [*first[:40], "other\n", *first[41:]]
    one = change("".join(lines), (A, "".join(first)), (B, "".join(second)))
    result = kept(patch_of(one, fixes=[A, B]), B)
    assert b"@@ -36,7 +36,7 @@" in patch_bytes(result)
    assert applied(tmp_path, result, one) == "".join([*lines[:38], "other\n", *lines[39:]])


def test_a_hunk_splits_when_its_middle_is_dropped(tmp_path: Path) -> None:
    lines = ["def f():\n", *(f"    {n}\n" for n in range(8)), "class A:\n", *(f"    {n}\n" for n in range(20, 28))]

    def with_edits(**edits: str) -> str:
        return "".join(edits.get(f"at{n}", line) for n, line in enumerate(lines))

    one = change(
        with_edits(),
        (A, with_edits(at3="A\n", at15="A\n")),
        (B, with_edits(at3="A\n", at9="class B:\n", at15="A\n")),
    )
    patch = patch_of(one, fixes=[A, B])
    assert len(patch.files[0].hunks) == 1
    result = kept(patch, A)
    assert [hunk.section for hunk in result.files[0].hunks] == [b"", b"class A:"]
    assert applied(tmp_path, result, one) == with_edits(at3="A\n", at15="A\n")


def test_a_line_of_two_fixes_ties_them() -> None:
    one = change("a\nb\n", (A, "A\nb\n"), (B, "AB\nb\n"), (C, "AB\nc\n"))
    patch = patch_of(one, fixes=[A, B, C])
    assert patch.ties == (frozenset({A.fingerprint, B.fingerprint}),)
    for single in (A, B):
        with pytest.raises(SelectionError) as caught:
            keep(patch, {single.fingerprint, C.fingerprint})
        assert f"{A.fingerprint} (identity Block.downsample)" in str(caught.value)
        assert f"{B.fingerprint} (identity Head.norm)" in str(caught.value)
    assert kept(patch, C).ties == ()
    assert kept(patch, A, B).ties == patch.ties


@pytest.mark.parametrize(
    ("before", "first", "second", "tied"),
    [
        ("a\nb\nc\n", "a\nc\n", "a\nnew\nc\n", True),  # was `new` put above or below `b`?
        ("a\nb\nc\n", "a\nB\nc\n", "a\nnew\nB\nc\n", False),
        ("a\nb\nc\n", "a\nB\nc\n", "a\nB\nnew\nc\n", False),
        ("a\nb\nc\n", "a\nb\nnew\nc\n", "a\nnew\nc\n", False),
        ("a\nb\nc\n", "a\nc\n", "new\n", True),  # `new` replaces `a` and `c`, with `b` between them
        ("a\nb\nc\n", "a\nc\n", "a\n", False),
        ("a\nb\nc\n", "a\nc\n", "a\nnew\n", False),
    ],
)
def test_an_insertion_whose_place_is_in_doubt_is_tied(before: str, first: str, second: str, tied: bool) -> None:
    assert bool(patch_of(change(before, (A, first), (B, second)), fixes=[A, B]).ties) == tied


def test_ties_are_transitive_and_cross_files() -> None:
    first = change("a\n", (A, "b\n"), (B, "c\n"))
    second = change("a\n", (B, "b\n"), (C, "c\n"), path="n.py")
    patch = patch_of(first, second, fixes=[A, B, C])
    assert patch.ties == (frozenset({A.fingerprint, B.fingerprint, C.fingerprint}),)


def test_fixes_of_one_step_are_tied() -> None:
    one = FileChange(SourceFile("m.py", "a\n"), (Step((A.fingerprint, B.fingerprint), "b\n"),))
    patch = make_patch([one], index(A, B))
    assert patch.ties == (frozenset({A.fingerprint, B.fingerprint}),)
    assert b"# inseparable 1+2\n" in patch_bytes(patch)


def test_a_line_put_back_is_no_change(tmp_path: Path) -> None:
    one = change("a\nb\nc\n", (A, "x\ny\nc\n"), (B, "a\nz\nc\n"))
    patch = patch_of(one, fixes=[A, B])
    assert [line.kind + line.data for line in patch.files[0].hunks[0].lines] == [b" a\n", b"-b\n", b"+z\n", b" c\n"]
    assert applied(tmp_path, patch, one) == one.after


@pytest.mark.parametrize("order", [(A, B), (B, A)])
def test_a_missing_last_line_end_never_joins_lines(tmp_path: Path, order: tuple[Finding, Finding]) -> None:
    first, second = order
    one = change("a\nb", (first, "a\nb\nc\n"), (second, "a\nb\nc\nd\n"))
    patch = patch_of(one, fixes=[A, B])
    assert patch.ties == (frozenset({A.fingerprint, B.fingerprint}),)
    assert applied(tmp_path, patch, one) == one.after


def test_a_missing_last_line_end_does_not_tie_changes_above(tmp_path: Path) -> None:
    one = change("a\nb\nc", (A, "a\nB\nc"), (B, "a\nB\nC"))
    patch = patch_of(one, fixes=[A, B])
    assert patch.ties == ()
    assert applied(tmp_path, kept(patch, A), one) == "a\nB\nc"
    assert applied(tmp_path, kept(patch, B), one) == "a\nb\nC"


HEAD = '"""Models."""\n'
BODY = "".join(f"class {name}:\n    def __init__(self):\n        self.x = None\n\n\n" for name in "PQR")


def with_modules(text: str, *names: str) -> str:
    for name in names:
        old = f"class {name}:\n    def __init__(self):\n        self.x = "
        text = text.replace(f"{old}None", f"{old}nn.Identity()")
    return text


def test_a_shared_import_stays_while_one_of_its_fixes_does(tmp_path: Path) -> None:
    p, q = (finding(f"{name}.x", imports=[NN]) for name in "PQ")
    r = finding("R.x")  # no import: a second pass found `nn` in place
    text = HEAD + "\nimport torch.nn as nn\n\n" + BODY
    one = change(
        HEAD + BODY,
        (p, with_modules(text, "P")),
        (q, with_modules(text, "P", "Q")),
        (r, with_modules(text, "P", "Q", "R")),
    )
    patch = patch_of(one, fixes=[p, q, r])
    subsets = [list(some) for size in (1, 2, 3) for some in combinations((p, q, r), size)]
    for some in subsets:
        names = [fix.subject[0] for fix in some]
        result = applied(tmp_path, kept(patch, *some), one)
        assert result == with_modules(text, *names)
        ast.parse(result)
    again = keep(kept(patch, q, r), {r.fingerprint})
    assert applied(tmp_path, again, one) == with_modules(text, "R")


def test_an_import_that_only_one_fix_needs_goes_with_it(tmp_path: Path) -> None:
    p = finding("P.x", imports=[NN])
    q = finding("Q.x", imports=[EnsureImport("m.py", "torch", "optim")])
    first = with_modules("import torch.nn as nn\n" + BODY, "P")
    second = first.replace("as nn\n", "as nn\nfrom torch import optim\n").replace("class Q", "optim\nclass Q")
    one = change(BODY, (p, first), (q, second))
    patch = patch_of(one, fixes=[p, q])
    assert applied(tmp_path, kept(patch, p), one) == first
    assert applied(tmp_path, kept(patch, q), one) == "from torch import optim\n" + BODY.replace(
        "class Q", "optim\nclass Q"
    )


def test_an_import_that_names_another_does_not_use_it(tmp_path: Path) -> None:
    p = finding("P.x", imports=[NN])
    q = finding("Q.x", imports=[EnsureImport("m.py", "torch.nn", "functional", "F")])
    first = with_modules("import torch.nn as nn\n" + BODY, "P")
    second = first.replace("as nn\n", "as nn\nfrom torch.nn import functional as F\n")
    one = change(BODY, (p, first), (q, second))
    result = applied(tmp_path, kept(patch_of(one, fixes=[p, q]), q), one)
    assert result == "from torch.nn import functional as F\n" + BODY


def test_an_import_of_the_same_text_in_another_file_is_not_shared(tmp_path: Path) -> None:
    p, q = finding("P.x", imports=[NN]), finding("Q.x", imports=[EnsureImport("n.py", "torch.nn", None, "nn")])
    one = change("a\nb\n", (p, "import torch.nn as nn\nA\nb\n"), (q, "import torch.nn as nn\nA\nB\n"))
    patch = patch_of(one, fixes=[p, q])
    assert applied(tmp_path, kept(patch, q), one) == "a\nB\n"


def test_what_was_kept_apart_reads_as_one_block_again() -> None:
    one = change("1\n2\n", (A, "I\n2\n"), (B, "I\nnew\n2\n"), (A, "I\nnew\nII\n"))
    patch = patch_of(one, fixes=[A, B])
    assert b"".join(line.kind for line in patch.files[0].hunks[0].lines) == b"-++-+"
    assert b"".join(line.kind for line in kept(patch, A).files[0].hunks[0].lines) == b"--++"


def test_a_fix_of_three_files_is_kept_or_dropped_whole(tmp_path: Path) -> None:
    changes = [
        change("a\nb\n", (A, "A\nb\n"), (B, "A\nB\n"), path="m.py"),
        change("c\n", (A, "C\n"), path="pkg/n.py"),
        change("d\ne\n", (A, "d\nE\n"), (C, "D\nE\n"), path="pkg/o.py"),
    ]
    patch = patch_of(*changes, fixes=[A, B, C])
    without = kept(patch, B, C)
    assert [file.path for file in without.files] == ["m.py", "pkg/o.py"]
    assert git_apply(tmp_path, before_files(*changes), patch_bytes(without)) == {
        "m.py": b"a\nB\n",
        "pkg/n.py": b"c\n",
        "pkg/o.py": b"D\ne\n",
    }
    assert git_apply(tmp_path, before_files(*changes), patch_bytes(patch)) == after_files(*changes)
    assert matching(patch, Criteria(paths=("pkg",))) == {A.fingerprint, C.fingerprint}


def many() -> tuple[Patch, dict[str, Finding]]:
    fixes = {
        "a": finding("Net.skip", path="models/a.py"),
        "b": finding("Net.forward", path="models/sub/b.py", codemod="functional"),
        "c": finding("Outer.Inner.down", path="train.py", applicability=Applicability.UNSAFE),
    }
    changes = [change("1\n", (fix, "2\n"), path=fix.location.path) for fix in fixes.values()]
    return make_patch(changes, index(*fixes.values())), fixes


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (Criteria(codemods=("identity",)), "ac"),
        (Criteria(codemods=("identity", "functional")), "abc"),
        (Criteria(paths=("models",)), "ab"),
        (Criteria(paths=("./models/",)), "ab"),
        (Criteria(paths=("models/*.py",)), "ab"),
        (Criteria(paths=("*/b.py", "train.py")), "bc"),
        (Criteria(paths=("model",)), ""),
        (Criteria(classes=("Net",)), "ab"),
        (Criteria(classes=("Net.s*",)), "a"),
        (Criteria(classes=("Out*",)), "c"),
        (Criteria(classes=("Outer.Inner",)), "c"),
        (Criteria(classes=("net",)), ""),
        (Criteria(codemods=("identity",), classes=("Net",)), "a"),
        (Criteria(paths=("models",), classes=("Outer",)), ""),
    ],
)
def test_criteria(criteria: Criteria, expected: str) -> None:
    patch, fixes = many()
    assert matching(patch, criteria) == {fixes[letter].fingerprint for letter in expected}


def test_ids_may_be_short_but_not_ambiguous() -> None:
    patch, fixes = many()
    wanted = fixes["b"].fingerprint
    assert matching(patch, Criteria(ids=(wanted[:6],))) == {wanted}
    with pytest.raises(SelectionError, match="no fix `nope`"):
        matching(patch, Criteria(ids=("nope",)))
    with pytest.raises(SelectionError, match="short for 3 fixes"):
        matching(patch, Criteria(ids=("",)))


def test_an_unknown_codemod_is_an_error_that_names_those_there() -> None:
    with pytest.raises(
        SelectionError, match="no fix of codemod `identiy` is in the patch; it has functional, identity"
    ):
        matching(many()[0], Criteria(codemods=("identiy",)))
