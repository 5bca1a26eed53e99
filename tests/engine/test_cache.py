from __future__ import annotations

import ast
import multiprocessing
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from modfix.engine import cache as cache_module
from modfix.engine.cache import FactsCache, default_folder, entry_key
from modfix.engine.reading import read_files
from modfix.engine.run import check
from modfix.model.source import Refused
from modfix.source.tree import MemoryTree
from tests.engine.fakes import Swap

A_TO_B = Swap("a-to-b", "aaa", "bbb")


def stored(folder: Path, entries: dict[str, bytes]) -> Path:
    cache = FactsCache(folder, "project")
    for key, blob in entries.items():
        cache.put(key, blob)
    cache.save()
    (path,) = folder.glob("*.facts")
    return path


def test_entries_are_found_again(tmp_path: Path) -> None:
    stored(tmp_path / "new" / "folder", {"a": b"1", "b": b"2"})
    cache = FactsCache(tmp_path / "new" / "folder", "project")
    assert not cache.empty
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"1", b"2", None)
    assert FactsCache(tmp_path / "new" / "folder", "other project").empty


def test_entries_that_were_not_asked_for_are_dropped(tmp_path: Path) -> None:
    path = stored(tmp_path, {"a": b"1", "b": b"2"})
    cache = FactsCache(tmp_path, "project")
    cache.get("a")
    cache.put("c", b"3")
    cache.save()
    again = FactsCache(tmp_path, "project")
    assert (again.get("a"), again.get("b"), again.get("c")) == (b"1", None, b"3")
    assert list(tmp_path.iterdir()) == [path], "no temporary file is left"


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    path = stored(tmp_path, {"a": b"1", "b": b"2"})
    before = path.stat()
    cache = FactsCache(tmp_path, "project")
    cache.get("b")
    cache.get("a")
    cache.save()
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:5],
        lambda data: data[:40],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:],
        lambda data: b"something else" + data,
        lambda data: pickle.dumps({"a": b"wrong"}),
    ],
)
def test_a_damaged_file_is_ignored_and_replaced(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = stored(tmp_path, {"a": b"1"})
    path.write_bytes(damage(path.read_bytes()))
    assert FactsCache(tmp_path, "project").empty
    stored(tmp_path, {"a": b"2"})
    assert FactsCache(tmp_path, "project").get("a") == b"2"


def test_the_file_of_another_version_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path, {"a": b"1"})
    cache_module._version.cache_clear()
    monkeypatch.setattr("modfix.__version__", "99")
    try:
        assert FactsCache(tmp_path, "project").empty
    finally:
        cache_module._version.cache_clear()


def test_a_file_that_others_can_write_is_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(tmp_path, {"a": b"1"})
    assert path.stat().st_mode & 0o077 == 0, "others cannot even read it"
    path.chmod(0o666)
    assert FactsCache(tmp_path, "project").empty
    path.chmod(0o600)
    assert not FactsCache(tmp_path, "project").empty
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert FactsCache(tmp_path, "project").empty


def test_a_folder_that_cannot_be_written_means_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = FactsCache(tmp_path / "file" / "folder", "project")
    cache.put("a", b"1")
    cache.save()
    assert FactsCache(tmp_path / "file" / "folder", "project").empty


def _write_many(folder: Path, value: bytes) -> None:
    for round_ in range(40):
        stored(folder, {"value": value, "round": b"%d" % round_, "bulk": value * 100_000})


def test_two_runs_at_once_never_mix(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write_many, args=(tmp_path, value)) for value in (b"1", b"2")]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        cache = FactsCache(tmp_path, "project")
        if not cache.empty:
            value = cache.get("value")
            assert value is not None
            assert cache.get("bulk") == value * 100_000
            seen.add(value)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert seen
    assert [path.suffix for path in tmp_path.iterdir()] == [".facts"]


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODFIX_CACHE_DIR", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("MODFIX_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_folder().name == "modfix"


def test_a_warm_run_parses_nothing_and_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files: dict[str, str | bytes] = {f"{n}.py": f"import torch\nclass A{n}:\n    aaa = {n}\n" for n in range(5)}
    files["suppressed.py"] = "class A:\n    aaa = 1  # modfix: ignore[a-to-b]\n"
    files["python2.py"] = "print 'hello'\n"
    files["nul.py"] = b"\0"
    cold = check(MemoryTree(files), [A_TO_B], cache=FactsCache(tmp_path, "project"))

    def parse(*_: object, **__: object) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(ast, "parse", parse)
    monkeypatch.setattr("builtins.compile", parse)
    monkeypatch.setattr("modfix.engine.reading.scan", parse)
    monkeypatch.setattr("modfix.engine.reading.suppressions", parse)
    warm = check(MemoryTree(files), [A_TO_B], cache=FactsCache(tmp_path, "project"))
    assert warm == cold


@pytest.mark.usefixtures("world")
def test_only_changed_files_are_scanned_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.engine.fakes import fake_scan

    scanned: list[str] = []
    monkeypatch.setattr("modfix.engine.reading.scan", lambda source: scanned.append(source.path) or fake_scan(source))
    files = {"a.py": "class A: aaa", "b.py": "class B: aaa  # modfix: ignore", "same.py": "class A: aaa"}
    first = check(MemoryTree(files), [A_TO_B], cache=FactsCache(tmp_path, "project"))
    assert sorted(scanned) == ["a.py", "b.py", "same.py"], "equal files at two paths are two entries"
    scanned.clear()
    assert check(MemoryTree(files), [A_TO_B], cache=FactsCache(tmp_path, "project")) == first
    assert scanned == []
    second = check(MemoryTree(files | {"a.py": "class A: ccc"}), [A_TO_B], cache=FactsCache(tmp_path, "project"))
    assert scanned == ["a.py"]
    assert [f.location.path for f in second.findings] == ["same.py"]
    assert second.suppressed == 1


@pytest.mark.usefixtures("world")
def test_a_file_on_which_modfix_fails_is_not_remembered(tmp_path: Path) -> None:
    cache = FactsCache(tmp_path, "project")
    reading = read_files(MemoryTree({"a.py": "SCAN BUG", "b.py": "SYNTAX ERROR"}), ["a.py", "b.py"], cache=cache)
    assert reading.refused.keys() == {"a.py", "b.py"}
    cache.save()
    again = FactsCache(tmp_path, "project")
    source_a, source_b = (MemoryTree({"x": text}).read("x") for text in ("SCAN BUG", "SYNTAX ERROR"))
    assert not isinstance(source_a, Refused)
    assert not isinstance(source_b, Refused)
    assert again.get(entry_key("a.py", source_a.content_hash)) is None
    assert again.get(entry_key("b.py", source_b.content_hash)) is not None
