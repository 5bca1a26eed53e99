from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from modfix.model.source import Refused
from modfix.source import atomic, journal, writer
from modfix.source.discover import discover
from modfix.source.writer import UndoReport, WriteError, WriteReport, undo, write
from tests.source.conftest import Git

OLD = {"a.py": b"a = 1\r\n", "pkg/b.py": b"\xef\xbb\xbfb = 1", "pkg/c.py": b"# coding: latin-1\n# \xe9\x0c\n"}
CHANGES = {path: (data, data + b"# new\n") for path, data in OLD.items()}
NEW = {path: after for path, (_, after) in CHANGES.items()}
NOTHING_TO_UNDO = UndoReport((), (), (), None, None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pkg").mkdir()
    for path, data in OLD.items():
        (tmp_path / path).write_bytes(data)
    return tmp_path


def content(root: Path) -> dict[str, bytes]:
    """Every file below ``root``, temporary ones too, without the journal."""
    files = (path for path in root.rglob("*") if path.is_file() and ".modfix" not in path.relative_to(root).parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def entries(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".modfix/journal").iterdir())


def test_write_and_undo(root: Path) -> None:
    assert write(root, CHANGES) == WriteReport(("a.py", "pkg/b.py", "pkg/c.py"), (), 1)
    assert content(root) == NEW
    report = undo(root)
    assert (report.restored, report.unchanged, report.refused, report.run) == (tuple(OLD), (), (), 1)
    assert content(root) == OLD
    assert undo(root) == NOTHING_TO_UNDO


def test_nothing_to_write_leaves_no_trace(root: Path) -> None:
    assert write(root, {}) == WriteReport((), (), None)
    assert write(root, {"a.py": (OLD["a.py"], OLD["a.py"])}) == WriteReport((), (), None)
    assert undo(root) == NOTHING_TO_UNDO
    assert not (root / ".modfix").exists()


def test_runs_stack(root: Path) -> None:
    write(root, {"a.py": (OLD["a.py"], b"second")})
    write(root, {"a.py": (b"second", b"third"), "pkg/b.py": CHANGES["pkg/b.py"]})
    assert undo(root).run == 2
    assert content(root) == OLD | {"a.py": b"second"}
    assert undo(root).run == 1
    assert content(root) == OLD


def test_the_last_ten_runs_are_kept(root: Path) -> None:
    for number in range(12):
        before = (root / "a.py").read_bytes()
        write(root, {"a.py": (before, b"%d" % number)})
    assert entries(root) == [f"{number:06}.json" for number in range(3, 13)]
    assert [undo(root).run for _ in range(11)] == [*range(12, 2, -1), None]
    assert (root / "a.py").read_bytes() == b"1"


def test_git_and_discovery_do_not_see_the_journal(root: Path, git: Git) -> None:
    git("add", ".")
    git("commit", "-qm", "all")
    write(root, {"a.py": CHANGES["a.py"]})
    assert git("status", "--porcelain") == " M a.py\n"
    assert discover(root).paths == tuple(OLD)


@pytest.mark.parametrize("mode", [0o755, 0o600, 0o664, 0o4755])
def test_mode_bits_are_kept(root: Path, mode: int) -> None:
    (root / "a.py").chmod(mode)
    write(root, CHANGES)
    assert stat.S_IMODE((root / "a.py").stat().st_mode) == mode
    undo(root)
    assert stat.S_IMODE((root / "a.py").stat().st_mode) == mode


def test_a_link_is_written_through(root: Path) -> None:
    (root / "link.py").symlink_to("pkg/b.py")
    (root / "folder").symlink_to("pkg")
    report = write(root, {"link.py": CHANGES["pkg/b.py"], "folder/c.py": CHANGES["pkg/c.py"]})
    assert report.written == ("folder/c.py", "link.py")
    assert (root / "link.py").is_symlink()
    assert not (root / "pkg/b.py").is_symlink()
    assert (root / "pkg/b.py").read_bytes() == NEW["pkg/b.py"]
    assert undo(root).restored == ("pkg/c.py", "pkg/b.py")
    assert (root / "pkg/b.py").read_bytes() == OLD["pkg/b.py"]


def test_a_root_that_is_a_link(root: Path) -> None:
    way = root.parent / f"{root.name}-way"
    way.symlink_to(root)
    assert write(way, CHANGES).written == tuple(OLD)
    assert undo(root).restored == tuple(OLD)


def test_names_of_every_kind(tmp_path: Path) -> None:
    paths = ["ü b.py", "new\nline.py", "\udce9.py", "x" * 252 + ".py"]
    for path in paths:
        (tmp_path / path).write_bytes(b"old")
    assert write(tmp_path, dict.fromkeys(paths, (b"old", b"new"))).written == tuple(sorted(paths))
    assert set(undo(tmp_path).restored) == set(paths)
    assert set(content(tmp_path).values()) == {b"old"}


def refused(root: Path, changes: dict[str, tuple[bytes, bytes]]) -> list[Refused]:
    """What `write` refuses; that it writes nothing then, and leaves nothing to undo."""
    before = content(root)
    report = write(root, changes)
    assert report.written == ()
    assert report.run is None
    assert content(root) == before
    assert entries(root) == []
    return list(report.refused)


def test_a_file_that_changed_stops_the_run(root: Path) -> None:
    (root / "pkg/b.py").write_bytes(b"somebody else's")
    assert refused(root, CHANGES) == [Refused("pkg/b.py", "changed while modfix was running")]


def test_a_file_that_vanished_stops_the_run(root: Path) -> None:
    (root / "a.py").unlink()
    assert refused(root, CHANGES) == [Refused("a.py", "vanished while modfix was running")]


def test_a_read_only_file_stops_the_run(root: Path) -> None:
    (root / "a.py").chmod(0o444)
    assert refused(root, CHANGES) == [Refused("a.py", "is read-only")]


def test_files_outside_are_refused(root: Path) -> None:
    outside = root.parent / f"{root.name}-outside.py"
    outside.write_bytes(b"old")
    (root / "link.py").symlink_to(outside)
    found = refused(root, {"link.py": (b"old", b"new"), f"../{outside.name}": (b"old", b"new")})
    assert {item.reason for item in found} == {"lies outside the project"}
    assert len(found) == 2
    assert outside.read_bytes() == b"old"


def test_one_file_under_two_names_is_refused(root: Path) -> None:
    (root / "link.py").symlink_to("a.py")
    found = refused(root, {"a.py": CHANGES["a.py"], "link.py": CHANGES["a.py"]})
    assert found == [Refused("link.py", "is the same file as `a.py`")]


def test_what_is_no_file_is_refused(root: Path) -> None:
    assert refused(root, {"pkg": (b"", b"x")}) == [Refused("pkg", "is not a regular file")]


def test_a_full_disk_stops_the_run_before_it_begins(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = atomic.stage

    def stage(temporary: Path, data: bytes, like: os.stat_result | None = None) -> None:
        if temporary.name.endswith("-2.tmp"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(temporary, data, like)

    monkeypatch.setattr(writer, "stage", stage)
    assert refused(root, CHANGES) == [Refused("pkg/c.py", "cannot be written: no space left on device")]


class At:
    """Stands in for `os.replace` on Python files, and does something else first at the given rename."""

    def __init__(self, count: int, action: object) -> None:
        self.left = count
        self.action = action
        self.real = os.replace

    def __call__(self, source: Path, target: Path) -> None:
        if target.suffix == ".py":
            self.left -= 1
            if self.left == 0:
                assert callable(self.action)
                self.action()
        self.real(source, target)


def fail() -> None:
    raise OSError(errno.EIO, "Input/output error")


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_rename_that_fails_takes_the_others_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", At(3, fail))
    assert refused(root, CHANGES) == [Refused("pkg/c.py", "cannot be written: input/output error")]


def test_a_file_that_changes_between_two_renames_takes_the_others_back(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", At(2, lambda: (root / "pkg/c.py").write_bytes(b"somebody else's")))
    assert write(root, CHANGES).refused == (Refused("pkg/c.py", "changed while modfix was running"),)
    assert content(root) == OLD | {"pkg/c.py": b"somebody else's"}
    assert entries(root) == []


def test_a_file_that_vanishes_between_two_renames_takes_the_others_back(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", At(2, (root / "pkg/c.py").unlink))
    assert write(root, CHANGES).refused == (Refused("pkg/c.py", "vanished while modfix was running"),)
    assert content(root) == {path: data for path, data in OLD.items() if path != "pkg/c.py"}


def test_an_interrupt_takes_everything_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", At(2, interrupt))
    with pytest.raises(KeyboardInterrupt):
        write(root, CHANGES)
    assert content(root) == OLD
    assert undo(root).unchanged == tuple(OLD)


def test_what_cannot_be_taken_back_is_named_and_can_be_undone_later(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if target.name == "b.py" or (target.name == "a.py" and target.read_bytes() == NEW["a.py"]):
            fail()
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(WriteError, match=r"could not be put back: `a\.py`: input/output error"):
            write(root, CHANGES)
    assert undo(root).restored == ("a.py",)
    assert content(root) == OLD


def test_undo_refuses_when_a_file_changed_since_and_leaves_all_as_it_is(root: Path) -> None:
    write(root, CHANGES)
    (root / "a.py").write_bytes(b"somebody else's")
    (root / "pkg/b.py").unlink()
    report = undo(root)
    assert report.refused == (
        Refused("a.py", "changed since modfix wrote it"),
        Refused("pkg/b.py", "was deleted since"),
    )
    assert report.restored == ()
    assert content(root) == {"a.py": b"somebody else's", "pkg/c.py": NEW["pkg/c.py"]}

    for path in ("a.py", "pkg/b.py"):
        (root / path).write_bytes(NEW[path])
    assert undo(root).restored == tuple(OLD)
    assert content(root) == OLD


def test_undo_refuses_to_go_through_a_link_that_was_not_there(root: Path) -> None:
    write(root, CHANGES)
    (root / "a.py").rename(root / "moved.py")
    (root / "a.py").symlink_to("moved.py")
    assert undo(root).refused == (Refused("a.py", "was replaced by a symbolic link since"),)


def test_undo_that_fails_changes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, CHANGES)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", At(3, fail))
        assert undo(root).refused == (Refused("pkg/c.py", "cannot be written: input/output error"),)
    assert content(root) == NEW
    assert undo(root).restored == tuple(OLD)


def test_undo_leaves_files_alone_that_are_old_already(root: Path) -> None:
    write(root, CHANGES)
    (root / "a.py").write_bytes(OLD["a.py"])
    report = undo(root)
    assert (report.restored, report.unchanged) == (("pkg/b.py", "pkg/c.py"), ("a.py",))


@pytest.mark.parametrize("then", ["write", "undo"])
def test_what_a_killed_run_left_lying_about_is_cleared(root: Path, then: str) -> None:
    write(root, CHANGES)
    (root / ".modfix-000001-0.tmp").write_bytes(b"half")
    (root / "pkg/.modfix-000001-2.tmp").write_bytes(b"half")
    (root / ".modfix/journal/000002.json.tmp").write_bytes(b"half")
    if then == "write":
        write(root, {"a.py": (NEW["a.py"], b"newer")})
        assert content(root) == NEW | {"a.py": b"newer"}
        assert entries(root) == ["000001.json", "000002.json"]
    else:
        undo(root)
        assert content(root) == OLD
        assert entries(root) == []


def test_a_second_writer_is_told_to_wait(root: Path) -> None:
    write(root, CHANGES)
    with journal.opened(root):
        with pytest.raises(WriteError, match="another modfix is writing"):
            write(root, {"a.py": (NEW["a.py"], b"x")})
        with pytest.raises(WriteError, match="another modfix is writing"):
            undo(root)
    assert content(root) == NEW
    assert undo(root).restored == tuple(OLD)


def test_a_folder_that_cannot_hold_the_journal(root: Path) -> None:
    (root / ".modfix").write_text("in the way")
    with pytest.raises(WriteError, match=r"cannot write the journal in `\.modfix`"):
        write(root, CHANGES)
    assert (root / "a.py").read_bytes() == OLD["a.py"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-20],
        lambda data: data.replace(b'"format": 1', b'"format": 9'),
        lambda data: data.replace(b'"old_hash": "', b'"old_hash": "0'),
        lambda data: b"[]",
    ],
)
def test_a_damaged_entry_is_named_and_nothing_touched(root: Path, damage: object) -> None:
    write(root, CHANGES)
    entry = root / ".modfix/journal/000001.json"
    assert callable(damage)
    entry.write_bytes(damage(entry.read_bytes()))
    with pytest.raises(WriteError, match=r"`\.modfix/journal/000001\.json` is damaged"):
        undo(root)
    assert content(root) == NEW


def test_the_entry_is_on_the_disk_before_the_first_file_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    real_sync, real_replace = os.fsync, os.replace

    def sync(descriptor: int) -> None:
        events.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        real_sync(descriptor)

    def replace(source: Path, target: Path) -> None:
        events.append(f"rename {target.name}")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    write(root, {"a.py": CHANGES["a.py"]})
    assert events[-6:] == [
        "sync 000001.json.tmp",
        "rename 000001.json",
        "sync journal",
        "sync .modfix-000001-0.tmp",
        "rename a.py",
        f"sync {root.name}",
    ]
