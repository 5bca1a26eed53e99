from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from modfix.model.source import Refused, SourceFile
from modfix.source.document import content_hash
from modfix.source.overlay import Overlay
from modfix.source.tree import DiskTree, MemoryTree


def text(overlay: Overlay, path: str) -> str:
    source = overlay.read(path)
    assert isinstance(source, SourceFile)
    return source.text


def test_replaced_text_shows_and_the_original_stays() -> None:
    overlay = Overlay(MemoryTree({"a.py": "a", "b.py": "b"}))
    overlay.replace("b.py", "c")
    overlay.replace("b.py", "d")
    assert overlay.paths == ("a.py", "b.py")
    assert overlay.changed == ("b.py",)
    assert (text(overlay, "a.py"), text(overlay, "b.py")) == ("a", "d")
    assert (overlay.original("a.py").text, overlay.original("b.py").text) == ("a", "b")


def test_empty_text_is_a_replacement_too() -> None:
    overlay = Overlay(MemoryTree({"a.py": "a"}))
    overlay.replace("a.py", "")
    assert text(overlay, "a.py") == ""


def test_the_original_text_makes_the_file_unchanged() -> None:
    overlay = Overlay(MemoryTree({"a.py": "a"}))
    overlay.replace("a.py", "b")
    overlay.replace("a.py", "a")
    assert overlay.changed == ()


def test_hash_and_encoding_follow_the_text() -> None:
    overlay = Overlay(MemoryTree({"a.py": b"# coding: latin-1\n# \xe9\n"}))
    overlay.replace("a.py", "# coding: latin-1\n# \u00e8\n")
    source = overlay.read("a.py")
    assert isinstance(source, SourceFile)
    assert source.content_hash == content_hash(b"# coding: latin-1\n# \xe8\n")


def test_text_that_the_encoding_cannot_express_is_not_taken() -> None:
    overlay = Overlay(MemoryTree({"a.py": b"# coding: latin-1\n"}))
    with pytest.raises(UnicodeEncodeError):
        overlay.replace("a.py", "# coding: latin-1\n# \u4e2d\n")
    assert overlay.changed == ()


def test_a_refused_file_cannot_be_replaced() -> None:
    overlay = Overlay(MemoryTree({"a.py": b"\0"}))
    with pytest.raises(ValueError, match=r"a\.py: contains NUL"):
        overlay.replace("a.py", "x")
    assert isinstance(overlay.read("a.py"), Refused)


def test_the_original_outlives_a_change_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("old")
    overlay = Overlay(DiskTree(tmp_path, ("a.py",)))
    overlay.replace("a.py", "new")
    (tmp_path / "a.py").write_text("somebody else's")
    assert overlay.original("a.py").text == "old"
    assert text(pickle.loads(pickle.dumps(overlay)), "a.py") == "new"


def test_overlays_stack() -> None:
    lower = Overlay(MemoryTree({"a.py": "a"}))
    lower.replace("a.py", "b")
    upper = Overlay(lower)
    upper.replace("a.py", "c")
    assert (text(lower, "a.py"), upper.original("a.py").text, text(upper, "a.py")) == ("b", "b", "c")
