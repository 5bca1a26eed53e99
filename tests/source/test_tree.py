from __future__ import annotations

import pickle
from pathlib import Path

from modfix.model.source import Refused, SourceFile
from modfix.source.document import content_hash
from modfix.source.tree import DiskTree, MemoryTree


def test_disk_tree_reads_the_file_as_it_is_now(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("old")
    tree = pickle.loads(pickle.dumps(DiskTree(tmp_path, ("m.py",))))
    (tmp_path / "m.py").write_text("new")
    assert tree.paths == ("m.py",)
    assert tree.read("m.py").text == "new"
    (tmp_path / "m.py").unlink()
    assert tree.read("m.py") == Refused("m.py", "vanished while modfix was running")


def test_disk_tree_holds_the_size_cap(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("12345")
    assert isinstance(DiskTree(tmp_path, ("m.py",), max_bytes=4).read("m.py"), Refused)


def test_memory_tree() -> None:
    tree = MemoryTree(
        {"b.py": "x = 'é'\r\n", "a.py": b"# coding: latin-1\n# \xe9\n", "bad.py": b"\0", "odd.py": "\ud800"}
    )
    assert tree.paths == ("a.py", "b.py", "bad.py", "odd.py")
    assert tree.read("b.py") == SourceFile("b.py", "x = 'é'\r\n", content_hash=content_hash("x = 'é'\r\n".encode()))
    latin = tree.read("a.py")
    assert isinstance(latin, SourceFile)
    assert latin.encoding == "iso8859-1"
    assert all(isinstance(tree.read(path), Refused) for path in ("bad.py", "odd.py", "missing.py"))
