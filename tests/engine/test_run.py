from __future__ import annotations

from collections.abc import Iterator

import pytest

from modfix.engine.codemod import Codemod
from modfix.engine.run import apply, check
from modfix.model.edit import EnsureImport, InsertAfter, ReplaceExpression
from modfix.model.finding import Applicability, Finding
from modfix.model.result import ApplyResult, InternalError
from modfix.model.source import Refused, SourceFile
from modfix.source.document import content_hash
from modfix.source.tree import MemoryTree
from tests.engine.fakes import FakeClass, Swap

pytestmark = pytest.mark.usefixtures("world")

A_TO_B = Swap("a-to-b", "aaa", "bbb")
B_TO_C = Swap("b-to-c", "bbb", "ccc")


def texts(result: ApplyResult) -> dict[str, str]:
    return {change.path: change.after for change in result.changes}


class Everywhere(Swap):
    """One fix for all files of the project: the word in this class, and the same span in the other files."""

    def __init__(self, name: str, old: str, edits: dict[str, str]) -> None:
        super().__init__(name, old, "")
        self.edits = edits

    def check(self, cls: FakeClass) -> Iterator[Finding]:  # type: ignore[override]  # a fake class
        if cls.path == "a.py":
            for span in cls.words(self.old):
                yield self.finding(cls, span, *(ReplaceExpression(p, span, new) for p, new in self.edits.items()))


class Broken(Codemod):
    name = "broken"
    summary = "fails on every class"

    def check(self, cls: FakeClass) -> Iterator[Finding]:  # type: ignore[override]  # a fake class
        yield from Swap("broken", "aaa", "zzz").check(cls)
        raise LookupError("no such attribute")


# --- check


def test_findings_are_sorted_by_path_position_and_codemod() -> None:
    tree = MemoryTree({"b.py": "class B: aaa", "a.py": "class A: bbb, aaa\nclass C: aaa"})
    result = check(tree, [B_TO_C, A_TO_B])
    assert [(f.location.path, f.location.line, f.codemod) for f in result.findings] == [
        ("a.py", 1, "b-to-c"),
        ("a.py", 1, "a-to-b"),
        ("a.py", 2, "a-to-b"),
        ("b.py", 1, "a-to-b"),
    ]
    assert (result.files, result.errors, result.refused_files) == (2, (), ())


def test_a_path_that_is_listed_twice_is_read_once() -> None:
    class Twice(MemoryTree):
        @property
        def paths(self) -> tuple[str, ...]:
            return (*super().paths, *super().paths)

    result = check(Twice({"a.py": "class A: aaa"}), [A_TO_B])
    assert (result.files, len(result.findings)) == (1, 1)


def test_equal_findings_are_one() -> None:
    assert len(check(MemoryTree({"a.py": "class A: aaa"}), [A_TO_B, A_TO_B]).findings) == 1


def test_only_classes_of_files_with_a_needle_are_checked() -> None:
    codemod = Swap("a-to-b", "aaa", "bbb", needles="aaa")
    check(MemoryTree({"a.py": "class A: aaa", "b.py": "class B: bbb"}), [codemod])
    assert codemod.checked == ["a.py:A"]


def test_an_exception_in_a_codemod_is_reported_and_the_rest_goes_on() -> None:
    result = check(MemoryTree({"a.py": "class A: aaa", "b.py": "class B: aaa"}), [Broken(), A_TO_B])
    assert [(e.codemod, e.path) for e in result.errors] == [("broken", "a.py"), ("broken", "b.py")]
    assert "LookupError: no such attribute (test_run.py:" in result.errors[0].message
    assert "`A`" in result.errors[0].message
    assert [f.codemod for f in result.findings if f.location.path == "b.py"] == ["a-to-b", "broken"]


def test_an_exception_in_the_project_concerns_one_file() -> None:
    result = check(MemoryTree({"a.py": "class Impossible: aaa", "b.py": "class B: aaa"}), [A_TO_B])
    assert [(e.codemod, e.path) for e in result.errors] == [(None, "a.py")]
    assert [f.location.path for f in result.findings] == ["b.py"]


def test_unreadable_files_are_refused_and_the_rest_goes_on() -> None:
    files = {"nul.py": b"class A: aaa\0", "old.py": "SYNTAX ERROR", "ok.py": "class A: aaa"}
    result = check(MemoryTree(files), [A_TO_B])
    assert [refused.path for refused in result.refused_files] == ["nul.py", "old.py"]
    assert result.refused_files[1].reason == "is no Python 3"
    assert (result.files, len(result.findings), result.errors) == (1, 1, ())


def test_a_bug_in_scan_is_an_error_of_that_file() -> None:
    result = check(MemoryTree({"a.py": "SCAN BUG", "ok.py": "class A: aaa"}), [A_TO_B])
    assert [refused.path for refused in result.refused_files] == ["a.py"]
    assert [error.path for error in result.errors] == ["a.py"]
    assert "ZeroDivisionError" in result.errors[0].message
    assert len(result.findings) == 1


def test_scope_limits_what_is_reported_not_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    from tests.engine.fakes import FakeProject

    class Watched(FakeProject):
        def __init__(self, files, *, complete):  # type: ignore[no-untyped-def]  # passes on
            seen.append(set(files))
            super().__init__(files, complete=complete)

    monkeypatch.setattr("modfix.engine.run.Project", Watched)
    tree = MemoryTree({"a.py": "class A: aaa", "b.py": "class B: aaa", "c.py": "SYNTAX ERROR"})
    result = check(tree, [A_TO_B], scope=["b.py", "b.py", "missing.py"])
    assert seen == [{"a.py", "b.py"}]
    assert [f.location.path for f in result.findings] == ["b.py"]
    assert (result.files, result.refused_files) == (1, ())


def test_a_fix_that_leaves_the_scope_is_refused() -> None:
    tree = MemoryTree({"a.py": "class A: aaa", "b.py": "class B: aaa"})
    codemod = Everywhere("both", "aaa", {"a.py": "bbb", "b.py": "bbb"})
    assert check(tree, [codemod]).findings[0].fix is not None
    result = apply(tree, [codemod], scope=["a.py"])
    refusal = result.final.findings[0].refusal
    assert refusal is not None
    assert refusal.kind == "out-of-scope"
    assert "`b.py`" in refusal.reason
    assert result.changes == ()


def test_a_fix_of_an_unknown_file_is_an_error_of_the_codemod() -> None:
    result = check(MemoryTree({"a.py": "class A: aaa"}), [Everywhere("both", "aaa", {"x.py": "bbb"})])
    assert [(e.codemod, e.path) for e in result.errors] == [("both", "a.py")]
    assert "`x.py`" in result.errors[0].message
    assert result.findings == ()


def test_suppression_comments_silence_and_unused_ones_are_reported() -> None:
    source = (
        "class A: aaa  # modfix: ignore[a-to-b] known\n"
        "class B:\n"
        "    aaa\n"
        "x = 1  # modfix: ignore[a-to-b]\n"
        "y = 1  # modfix: ignore[hooks]\n"
        "z = 1  # modfix: ignore[typo]\n"
    )
    result = check(MemoryTree({"a.py": source}), [A_TO_B], known=["a-to-b", "hooks"])
    assert [f.subject for f in result.findings] == ["B.aaa"]
    assert result.suppressed == 1
    assert [(u.location.line, u.names) for u in result.unused_suppressions] == [(4, ("a-to-b",)), (6, ("typo",))]


def test_a_comment_at_the_class_line_silences_the_class() -> None:
    source = "class A:  # modfix: ignore\n    x = 1\n    aaa\nclass B:\n    aaa\n"
    result = check(MemoryTree({"a.py": source}), [A_TO_B])
    assert [f.subject for f in result.findings] == ["B.aaa"]


def test_comments_are_not_called_unused_where_a_codemod_failed() -> None:
    source = "class A: bbb\nx = 1  # modfix: ignore[broken]\n"
    assert check(MemoryTree({"a.py": source}), [Broken()]).unused_suppressions == ()


def test_suppressed_findings_are_not_fixed() -> None:
    result = apply(MemoryTree({"a.py": "class A: aaa  # modfix: ignore\n"}), [A_TO_B])
    assert (result.changes, result.final.suppressed) == ((), 1)


# --- apply


def test_codemods_see_each_others_changes_until_nothing_is_left() -> None:
    tree = MemoryTree({"a.py": "class A: aaa, bbb\n", "b.py": "class B: 1\n"})
    result = apply(tree, [B_TO_C, A_TO_B])
    assert texts(result) == {"a.py": "class A: ccc, ccc\n"}
    (change,) = result.changes
    assert change.before.text == "class A: aaa, bbb\n"
    assert [step.text for step in change.steps] == [
        "class A: bbb, bbb\n",
        "class A: bbb, ccc\n",
        "class A: ccc, ccc\n",
    ]
    assert [f.codemod for f in result.applied] == ["a-to-b", "b-to-c", "b-to-c"]
    assert [fix for step in change.steps for fix in step.fixes] == [f.fingerprint for f in result.applied]
    assert result.final.findings == ()
    assert result.final.errors == ()
    again = apply(MemoryTree(texts(result)), [B_TO_C, A_TO_B])
    assert again.changes == ()


def test_of_two_fixes_of_one_expression_the_first_is_made_and_the_other_waits() -> None:
    tree = MemoryTree({"a.py": "class A: aaa"})
    result = apply(tree, [Swap("one", "aaa", "aaa_1"), Swap("two", "aaa", "aaa_2")])
    assert texts(result) == {"a.py": "class A: aaa_1"}
    assert [f.codemod for f in result.applied] == ["one"]


def test_final_is_what_check_says_of_the_changed_project() -> None:
    tree = MemoryTree({"a.py": "class A: aaa\n    ddd"})
    unsafe = Swap("d-to-e", "ddd", "eee", Applicability.UNSAFE)
    result = apply(tree, [A_TO_B, unsafe])
    assert result.final == check(MemoryTree(texts(result)), [A_TO_B, unsafe])
    assert [f.codemod for f in result.final.fixable] == ["d-to-e"]


@pytest.mark.parametrize(("required", "expected"), [(Applicability.SAFE, "aaa eee"), (Applicability.UNSAFE, "bbb eee")])
def test_only_fixes_that_are_safe_enough_are_made(required: Applicability, expected: str) -> None:
    codemods = [
        Swap("unsafe", "aaa", "bbb", Applicability.UNSAFE),
        Swap("shown", "eee", "fff", Applicability.DISPLAY),
        Swap("safe", "ddd", "eee"),
    ]
    result = apply(MemoryTree({"a.py": "class A: aaa ddd"}), codemods, required=required)
    assert texts(result) == {"a.py": f"class A: {expected}"}


def test_the_user_is_asked_once_and_a_no_holds_for_all_passes() -> None:
    asked: list[str] = []

    def accept(finding: Finding) -> bool:
        asked.append(finding.subject)
        return finding.subject != "B.aaa"

    tree = MemoryTree({"a.py": "class A: aaa\nclass B: aaa\n"})
    result = apply(tree, [A_TO_B, B_TO_C], accept=accept)
    assert texts(result) == {"a.py": "class A: ccc\nclass B: aaa\n"}
    assert asked == ["A.aaa", "B.aaa", "A.bbb"]


def test_a_no_to_one_of_two_that_look_the_same_is_not_forgotten() -> None:
    answers = iter([True, False])
    result = apply(MemoryTree({"a.py": "class A: aaa aaa"}), [A_TO_B], accept=lambda _: next(answers))
    assert texts(result) == {"a.py": "class A: bbb aaa"}


def test_a_fix_that_fails_in_one_file_is_made_in_none() -> None:
    tree = MemoryTree({"a.py": "class A: aaa bbb", "b.py": "class B: aaa bbb"})
    result = apply(tree, [Everywhere("both", "aaa", {"a.py": "zzz", "b.py": "REFUSE"}), B_TO_C])
    assert texts(result) == {"a.py": "class A: aaa ccc", "b.py": "class B: aaa ccc"}
    assert result.final.errors == (InternalError("the tree is not what was intended", "both", "b.py"),)
    assert [f.codemod for f in result.applied] == ["b-to-c", "b-to-c"]
    assert [f.codemod for f in result.final.fixable] == ["both"]


def test_an_exception_of_the_rewriter_costs_one_fix_only() -> None:
    tree = MemoryTree({"a.py": "class A: aaa ddd bbb"})
    result = apply(tree, [A_TO_B, Swap("bad", "ddd", "CRASH"), Swap("c", "bbb", "ccc")])
    assert texts(result) == {"a.py": "class A: ccc ddd ccc"}
    assert [error.codemod for error in result.final.errors] == ["bad"]
    assert "KeyError: 'rewriter bug'" in result.final.errors[0].message


def test_a_fix_of_several_files_is_one_finding_and_a_step_in_each() -> None:
    tree = MemoryTree({"a.py": "class A: aaa", "b.py": "class B: aaa"})
    result = apply(tree, [Everywhere("both", "aaa", {"a.py": "bbb", "b.py": "bbb"})])
    assert texts(result) == {"a.py": "class A: bbb", "b.py": "class B: bbb"}
    assert len(result.applied) == 1
    assert {step.fixes for change in result.changes for step in change.steps} == {(result.applied[0].fingerprint,)}


def test_a_codemod_that_finds_its_own_output_is_stopped() -> None:
    result = apply(MemoryTree({"a.py": "class A: aaa", "b.py": "class B: bbb"}), [Swap("more", "aaa", "aaa +"), B_TO_C])
    assert texts(result) == {"a.py": "class A: aaa + + +", "b.py": "class B: ccc"}
    (error,) = result.final.errors
    assert (error.codemod, error.path) == ("more", "a.py")
    assert "found again" in error.message


def test_codemods_that_undo_each_other_are_stopped() -> None:
    result = apply(MemoryTree({"a.py": "class A: aaa"}), [A_TO_B, Swap("b-to-a", "bbb", "aaa")])
    assert {error.codemod for error in result.final.errors} == {"a-to-b"}
    assert result.changes == (), "back where it began: nothing is changed"


def test_codemods_that_never_come_to_rest_are_named() -> None:
    class Count(Swap):
        def check(self, cls: FakeClass) -> Iterator[Finding]:  # type: ignore[override]  # a fake class
            for number in range(100):
                self.old, self.new = f"n{number}", f"n{number + 1}"
                yield from super().check(cls)

    result = apply(MemoryTree({"a.py": "class A: n0"}), [Count("count", "", ""), A_TO_B])
    assert texts(result) == {"a.py": "class A: n50"}, "the state of the last pass is kept"
    assert "`count`" in result.final.errors[0].message
    assert "`a-to-b`" not in result.final.errors[0].message


def test_a_fix_that_changes_nothing_is_an_error() -> None:
    result = apply(MemoryTree({"a.py": "class A: aaa"}), [Swap("idle", "aaa", "aaa")])
    assert result.final.errors == (InternalError("the fix changes nothing", "idle", "a.py"),)
    assert (result.changes, result.applied) == ((), ())


def test_what_the_encoding_cannot_express_is_not_written() -> None:
    data = "# coding: latin-1\nclass A: aaa é bbb\n".encode("latin-1")
    result = apply(MemoryTree({"a.py": data}), [Swap("arrow", "aaa", "→"), B_TO_C])
    assert texts(result) == {"a.py": "# coding: latin-1\nclass A: aaa é ccc\n"}
    assert [error.codemod for error in result.final.errors] == ["arrow"]
    assert result.changes[0].before.encode(result.changes[0].before.text) == data


def test_a_fix_that_leaves_an_unreadable_file_is_taken_back() -> None:
    codemod = Everywhere("both", "aaa", {"a.py": "SYNTAX ERROR", "b.py": "zzz"})
    result = apply(MemoryTree({"a.py": "class A: aaa", "b.py": "class B: aaa bbb"}), [codemod, B_TO_C])
    assert texts(result) == {"b.py": "class B: aaa ccc"}
    assert [error.codemod for error in result.final.errors] == ["both"]
    assert "is no Python 3" in result.final.errors[0].message


def test_a_file_that_changes_while_running_is_left_alone() -> None:
    class Moving(MemoryTree):
        reads = 0

        def read(self, path: str) -> SourceFile | Refused:
            source = super().read(path)
            if path != "a.py" or isinstance(source, Refused):
                return source
            self.reads += 1
            text = source.text if self.reads == 1 else "class A:  aaa"
            return SourceFile(path, text, content_hash=content_hash(text.encode()))

    result = apply(Moving({"a.py": "class A: aaa", "b.py": "class B: aaa"}), [A_TO_B])
    assert texts(result) == {"b.py": "class B: bbb"}
    assert result.final.refused_files == (Refused("a.py", "changed while modfix was running"),)
    assert result.final.errors == ()


def test_the_tree_is_not_touched() -> None:
    tree = MemoryTree({"a.py": "class A: aaa"})
    apply(tree, [A_TO_B])
    source = tree.read("a.py")
    assert isinstance(source, SourceFile)
    assert source.text == "class A: aaa"


def test_insertions_at_one_place_and_the_same_import_are_made_in_one_pass() -> None:
    class Insert(Swap):
        def check(self, cls: FakeClass) -> Iterator[Finding]:  # type: ignore[override]  # a fake class
            if self.new not in cls.file:
                for span in cls.words(self.old):
                    edits = (InsertAfter(cls.path, span, self.new), EnsureImport(cls.path, "torch"))
                    yield self.finding(cls, span, *edits)

    result = apply(MemoryTree({"a.py": "class A: aaa"}), [Insert("one", "aaa", "_1"), Insert("two", "aaa", "_2")])
    assert len(result.applied) == 2
    assert "_1" in result.changes[0].after
    assert "_2" in result.changes[0].after


@pytest.mark.parametrize("jobs", [1, 2])
def test_processes_make_no_difference(jobs: int) -> None:
    files: dict[str, str] = {f"{n:03}.py": f"class A{n}: aaa {n}\n" for n in range(150)}
    files["050.py"] = "SYNTAX ERROR"
    calls: list[tuple[str, int, int]] = []
    result = apply(MemoryTree(files), [A_TO_B, B_TO_C], jobs=jobs, progress=lambda *call: calls.append(call))
    assert texts(result) == {p: t.replace("aaa", "ccc") for p, t in files.items() if p != "050.py"}
    assert len(result.applied) == 298
    assert [refused.path for refused in result.final.refused_files] == ["050.py"]
    assert ("reading", 150, 150) in calls
    assert ("rewriting", 149, 149) in calls
