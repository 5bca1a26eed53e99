from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modfix.patch.names import quote, quote_word, unquote

NAMES = st.binary().map(lambda data: data.decode("utf-8", "surrogateescape"))


@given(NAMES)
def test_quoting_is_reversible_and_one_plain_word(name: str) -> None:
    assert unquote(quote(name)) == unquote(quote_word(name)) == name
    word = quote_word(name)
    assert word.isascii()
    assert word.isprintable()
    assert word.startswith('"') or (word and " " not in word)


@pytest.mark.parametrize("broken", ['"', '"a', '"\\"', '"\\8"', '"\\400"', '"a"b"', '"\n"', '"\\xff"'])
def test_broken_quoting_is_an_error(broken: str) -> None:
    with pytest.raises(ValueError, match="broken quoting"):
        unquote(broken)
