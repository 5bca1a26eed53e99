from __future__ import annotations

import pytest

from modfix.model.result import UnusedSuppression
from modfix.model.span import Location
from modfix.source.suppress import suppressions

KNOWN = frozenset({"identity", "hooks", "buffers"})


def silenced(text: str, codemod: str = "identity", classes: tuple[int, ...] = ()) -> list[int]:
    """The lines of ``text`` on which a finding would be silenced."""
    found = suppressions("m.py", text)
    return [line for line in range(1, text.count("\n") + 2) if found.match(codemod, line, classes)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a = 1\nb = 2  # modfix: ignore\nc = 3\n", [2]),
        ("a = 1\n# modfix: ignore\nb = 2\nc = 3\n", [3]),
        ("# modfix: ignore\n# and a remark\nb = 2\n", [3]),
        ("# modfix: ignore\n\nb = 2\n", []),
        ("b = f(\n    1,  # modfix: ignore\n    2,\n)\nc = 3\n", [1, 2, 3, 4]),
        ("b = f(\n    # modfix: ignore\n    1,\n)\n", [1, 2, 3, 4]),
        ("b = f(\n    1,\n)  # modfix: ignore\n", [1, 2, 3]),
        ("if a:  # modfix: ignore\n    b\nc\n", [1]),
        ("if a:\n    b\n# modfix: ignore\nc\n", [4]),
        ("# modfix: ignore\n@d\n@e(\n  1)\nclass A:\n    x = 1\n", [2, 3, 4, 5]),
        ("@d  # modfix: ignore\n\n# remark\n@e\nclass A:\n    x = 1\n", [1, 2, 3, 4, 5]),
        ("@d\n# modfix: ignore\nclass A:\n    x = 1\n", [1, 2, 3]),
        ("class A(\n    B,\n):  # modfix: ignore\n    x = 1\n", [1, 2, 3]),
        ("a = 1  # noqa: E501  # modfix: ignore because\n", [1]),
        ("a = 1  #modfix:ignore\n", [1]),
        ("a = 1  # modfix: ignore: reason\n", [1]),
        ("s = '# modfix: ignore'\n", []),
        ('"""\n# modfix: ignore\n"""\nx = 1\n', []),
        ("a = 1  # modfix: ignored\nb = 2  # modfix: ignore-this\nc = 3  # modfix: ignore[]\n", []),
        ("a = 1  # modfix: ignore\r\nb = 2\r\n", [1]),
        ("a = 1\r# modfix: ignore\rb = 2\rc = 3\r\n\n\n", [3]),
        ("a = 1\n\x0c\nb = '\u2028'; c = 1  # modfix: ignore\nd = 2\n", [3]),
        ("a = 1  # modfix: ignore", [1]),
        ("# modfix: ignore-file\n\na = 1\nb = 2\n", [1, 2, 3, 4, 5]),
        ("def f(:\n# modfix: ignore\nx = 'open\n", []),
        ("if a:\n    b  # modfix: ignore\n  c\n", []),
    ],
)
def test_lines(text: str, lines: list[int]) -> None:
    assert silenced(text) == lines


def test_names() -> None:
    text = "a = 1  # modfix: ignore[identity, reset-parameters] reason [7]\n"
    assert silenced(text, "identity") == silenced(text, "reset-parameters") == [1]
    assert silenced(text, "hooks") == []


def test_names_for_a_file() -> None:
    text = "import a\n# modfix: ignore-file[hooks]\n"
    assert silenced(text, "hooks") == [1, 2, 3]
    assert silenced(text, "identity") == []


def test_a_comment_on_the_class_line_silences_what_is_in_the_class() -> None:
    text = "class A:  # modfix: ignore\n    def f(self):\n        self.x = 1\n"
    assert suppressions("m.py", text).match("identity", 3, class_lines=(1,))
    assert not suppressions("m.py", text).match("identity", 3)


def test_text_without_the_word_is_not_tokenized() -> None:
    assert suppressions("m.py", "def (").comments == ()


def test_the_position_is_that_of_the_comment() -> None:
    (comment,) = suppressions("m.py", "x\nab = 1  # noqa  # modfix: ignore\n").comments
    assert (comment.line, comment.column) == (2, 17)


def test_unused() -> None:
    text = "\n".join(
        [
            "a = 1  # modfix: ignore[identity, hooks]",
            "b = 1  # modfix: ignore[identity]",
            "c = 1  # modfix: ignore[idnetity]",
            "d = 1  # modfix: ignore",
            "e = 1  # modfix: ignore[buffers]",
        ]
    )
    found = suppressions("m.py", text)
    used = [(comment, "identity") for comment in found.match("identity", 1)]
    partly = found.unused(used, ran={"identity", "hooks"}, known=KNOWN)
    assert partly == (
        UnusedSuppression(Location("m.py", 1, 8), ("hooks",)),
        UnusedSuppression(Location("m.py", 2, 8), ("identity",)),
        UnusedSuppression(Location("m.py", 3, 8), ("idnetity",)),
    )
    fully = found.unused(used, ran=KNOWN, known=KNOWN)
    assert [(item.location.line, item.names) for item in fully] == [
        (1, ("hooks",)),
        (2, ("identity",)),
        (3, ("idnetity",)),
        (4, ()),
        (5, ("buffers",)),
    ]


def test_a_used_comment_without_names_is_not_reported() -> None:
    found = suppressions("m.py", "d = 1  # modfix: ignore\n")
    used = [(comment, "hooks") for comment in found.match("hooks", 1)]
    assert found.unused(used, ran=KNOWN, known=KNOWN) == ()
