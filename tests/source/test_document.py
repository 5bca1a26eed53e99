from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modfix.model.source import Refused, SourceFile
from modfix.source.document import DEFAULT_MAX_BYTES, content_hash, decode, read


def source(data: bytes) -> SourceFile:
    result = decode("m.py", data)
    assert isinstance(result, SourceFile), result
    return result


def reason(result: SourceFile | Refused) -> str:
    assert isinstance(result, Refused), result
    return result.reason


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x = 1",
        b"x = 1\n",
        b"x = 1\r\ny = 2\r\n",
        b"x = 1\r\ny = 2\nz = 3\rw = 4\n\r",
        b"if x:\n\ty = 1\n        z = 2\n",
        b"x = 1\n\x0c\nclass A:\n    pass\n",
        "s = '\u2028\u2029\x85'\n".encode(),
        b"\xef\xbb\xbfx = '\xc3\xa9'\n",
        b"\xef\xbb\xbf# coding: utf-8\r\nx = 1",
        b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
        b"#!/usr/bin/env python\r\n# vim: set fileencoding=cp1252 :\r\nx = '\x80'\r\n",
        "# coding: shift_jis\nx = '表示'\n".encode("shift_jis"),
        "# coding: gbk\nx = '你好'\n".encode("gbk"),
        "# coding: koi8-r\nx = 'привет'\n".encode("koi8-r"),
    ],
)
def test_every_byte_comes_back(data: bytes) -> None:
    result = source(data)
    assert result.encode(result.text) == data
    assert result.content_hash == content_hash(data)
    assert not result.text.startswith("\ufeff")


def test_line_ends_are_not_translated() -> None:
    assert source(b"a\r\nb\rc\n").text == "a\r\nb\rc\n"


def test_cookie_decides_the_text() -> None:
    assert source(b"# coding: latin-1\n# \xe9\n").text == "# coding: latin-1\n# \u00e9\n"
    assert source(b"# coding: latin-1\n# \xe9\n").encoding == "iso8859-1"


def test_a_cookie_below_the_second_line_is_a_comment() -> None:
    assert source(b"\n\n# coding: latin-1\n").encoding == "utf-8"
    assert "is not valid utf-8" in reason(decode("m.py", b"\n\n# coding: latin-1\n# \xe9\n"))


def test_edited_text_keeps_encoding_and_byte_order_mark() -> None:
    result = source(b"\xef\xbb\xbfx = '\xc3\xa9'\r\n")
    assert result.bom == codecs.BOM_UTF8
    assert result.encode(result.text.replace("x", "y")) == b"\xef\xbb\xbfy = '\xc3\xa9'\r\n"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"x = 1\0\n", "NUL"),
        (b"x = '\xe9'\n", "is not valid utf-8: byte 0xe9 on line 1"),
        (b"x = 1\ny = '\xff'\n", "byte 0xff on line 2"),
        (b"# coding: klingon\nx = 1\n", "unknown encoding: klingon"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding problem"),
        (b"# coding: rot13\nx = 1\n", "rot13"),
        (b"# coding: hex\nx = 1\n", "hex"),
        (b"# coding: utf-16\nx = 1\n", "Python source cannot be in `utf-16`"),
        (b"# coding: cp037\nx = 1\n", "Python source cannot be in `cp037`"),
        ("x = 1\n".encode("utf-16"), "UTF-16"),
        ("x = 1\n".encode("utf-32"), "UTF-32"),
        (b"# coding: utf-7\nx = '+AOk-'\n", "does not round-trip"),
        (b"# coding: ascii\nx = '\xe9'\n", "is not valid ascii"),
    ],
)
def test_what_has_no_exact_text_is_refused(data: bytes, why: str) -> None:
    assert why in reason(decode("m.py", data))


ODD = st.text(
    st.one_of(
        st.sampled_from("\n\r\t\x0b\x0c\x1c\x85\u2028\u2029\ufeff #='\"\\é\U0001f600"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    )
)


@given(text=ODD, bom=st.sampled_from([b"", codecs.BOM_UTF8]))
def test_any_text_round_trips(text: str, bom: bytes) -> None:
    data = bom + text.encode()
    result = decode("m.py", data)
    if isinstance(result, SourceFile):
        assert result.encode(result.text) == data
        assert result.encoding != "utf-8" or result.bom + result.text.encode() == data
    else:  # a cookie by chance, or a second byte order mark that makes the first a part of the text
        assert "coding" in text


@given(
    data=st.binary(),
    cookie=st.sampled_from([b"", b"# coding: latin-1\n", b"# coding: euc-jp\r\n", b"# coding:utf-7\n"]),
)
def test_any_bytes_round_trip_or_are_refused(data: bytes, cookie: bytes) -> None:
    result = decode("m.py", cookie + data)
    assert isinstance(result, Refused) or result.encode(result.text) == cookie + data


def test_read(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/é m.py").write_bytes(b"x = 1\r\n")
    result = read(tmp_path, "pkg/é m.py")
    assert isinstance(result, SourceFile)
    assert (result.path, result.text) == ("pkg/é m.py", "x = 1\r\n")


def test_read_refuses_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "big.py").write_bytes(b"#" * (DEFAULT_MAX_BYTES + 1))
    (tmp_path / "loop.py").symlink_to("loop.py")
    assert reason(read(tmp_path, "gone.py")) == "vanished while modfix was running"
    assert reason(read(tmp_path, "big.py/m.py")) == "vanished while modfix was running"
    assert "regular file" in reason(read(tmp_path, "folder.py"))
    assert "regular file" in reason(read(tmp_path, "pipe.py"))
    assert "size cap" in reason(read(tmp_path, "big.py"))
    assert "cannot be read" in reason(read(tmp_path, "loop.py"))


@pytest.mark.skipif(os.geteuid() == 0, reason="a superuser reads everything")
def test_read_refuses_an_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "m.py").touch(mode=0)
    assert reason(read(tmp_path, "m.py")) == "cannot be read: permission denied"


@pytest.mark.parametrize(
    "header", ["# @generated by protoc\n", "#!/bin/sh\n#\n#\n#\n# @generated\n", '"""@generated"""\n']
)
def test_generated_files_are_refused(tmp_path: Path, header: str) -> None:
    (tmp_path / "m.py").write_text(header)
    assert reason(read(tmp_path, "m.py")) == "generated file (`@generated` in its header)"


@pytest.mark.parametrize("text", ["#\n#\n#\n#\n#\n# @generated\n", "@generated_jit(nopython=True)\ndef f(): ...\n"])
def test_not_everything_that_says_generated_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.py").write_text(text)
    assert isinstance(read(tmp_path, "m.py"), SourceFile)
