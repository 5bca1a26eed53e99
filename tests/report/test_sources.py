"""Line numbers are Python's, not those of `str.splitlines`."""

from __future__ import annotations

from modfix.model.source import SourceFile
from modfix.report.sources import Lines, Sources


def test_lines_end_where_python_ends_them() -> None:
    lines = Lines("a\r\nb\x0cc\u2028d\re\n\nf")
    assert [lines.line(number) for number in range(8)] == [None, "a", "b\x0cc\u2028d", "e", "", "f", None, None]


def test_positions_are_one_based_and_count_characters() -> None:
    lines = Lines("äb\nc\n")
    assert [lines.position(offset) for offset in range(6)] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)]


def test_a_file_is_read_once_while_it_is_in_use() -> None:
    reads: list[str] = []

    def read(path: str) -> SourceFile:
        reads.append(path)
        return SourceFile(path, "x = 1\n")

    sources = Sources(read)
    for path in ("a.py", "a.py", "b.py", "a.py"):
        assert sources.lines(path) is not None
    assert reads == ["a.py", "b.py"]
