from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from modfix.engine import registry
from modfix.engine.registry import Registry, UnknownCodemodError, build

GOOD = '''"""What it does

Manual of {name}.
"""
from modfix.api import Codemod

class It(Codemod):
    name = "{name}"
    summary = "does {name}"
    def check(self, cls):
        yield from ()

class NoName(Codemod):
    summary = "x"
    def check(self, cls):
        yield from ()

class NoSummary(NoName):
    name = "{name}"
    summary = ""

class NoCheck(Codemod):
    name = "{name}"
    summary = "x"

class BadNeedles(It):
    needles = b"None"

class BadDeclares(It):
    declares = "keys-added"

class Shouting(It):
    name = "{name}".upper()

function = print
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path to put third-party codemods in."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("third_party_"):
            del sys.modules[name]


def point(folder: Path, name: str, attribute: str = "It", code: str | None = None, module: str = "") -> EntryPoint:
    module = "third_party_" + (module or name.replace("-", "_"))
    (folder / f"{module}.py").write_text(GOOD.format(name=name) if code is None else code)
    return EntryPoint(name, f"{module}:{attribute}", registry.GROUP)


def test_the_codemods_of_modfix_are_found() -> None:
    loaded = registry.load()
    assert loaded.codemods["identity"].name == "identity"
    assert list(loaded.codemods) == sorted(loaded.codemods)
    assert loaded.broken == ()
    assert registry.manual(loaded.codemods["identity"]).strip()


def test_codemods_are_sorted_by_name(package: Path) -> None:
    loaded = build([point(package, "zebra"), point(package, "ant")])
    assert list(loaded.codemods) == ["ant", "zebra"]
    assert registry.manual(loaded.codemods["ant"]) == "What it does\n\nManual of ant."


@pytest.mark.parametrize(
    ("attribute", "code", "reason"),
    [
        ("It", "import no_such_module_at_all", "importing it failed: ModuleNotFoundError"),
        ("It", "raise SystemExit(3)", "importing it failed: SystemExit"),
        ("It", "def f(:", "importing it failed: SyntaxError"),
        ("Missing", None, "importing it failed: AttributeError"),
        ("function", None, "no subclass of `Codemod`"),
        ("NoName", None, "`name` is None"),
        ("NoSummary", None, "no `summary`"),
        ("NoCheck", None, "defines neither `check` nor `check_file`"),
        ("BadNeedles", None, "`needles`"),
        ("BadDeclares", None, "`declares`"),
        ("Shouting", None, "'BROKEN'"),
    ],
)
def test_a_broken_codemod_is_reported_and_the_others_run(
    package: Path, attribute: str, code: str | None, reason: str
) -> None:
    loaded = build([point(package, "broken", attribute, code), point(package, "good")])
    assert list(loaded.codemods) == ["good"]
    (broken,) = loaded.broken
    assert broken.name == "broken"
    assert reason in broken.reason
    assert broken.source.startswith("third_party_broken:")


def test_an_entry_point_with_another_name_than_its_codemod_is_broken(package: Path) -> None:
    one = point(package, "one")
    loaded = build([EntryPoint("two", one.value, registry.GROUP)])
    assert "`one`" in loaded.broken[0].reason
    assert "`two`" in loaded.broken[0].reason


def test_of_two_with_one_name_that_of_modfix_wins(package: Path) -> None:
    from importlib.metadata import entry_points

    own = entry_points(group=registry.GROUP, name="identity")["identity"]
    foreign = point(package, "identity", module="aaa")
    for order in ([own, foreign], [foreign, own]):
        loaded = build(order)
        assert loaded.codemods["identity"].__module__ == "codemods.identity"
        assert [broken.source for broken in loaded.broken] == ["third_party_aaa:It"]
        assert "already a codemod `identity`" in loaded.broken[0].reason


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["all"], ["ant", "bee", "cat"]),
        (["cat,ant"], ["ant", "cat"]),
        (["cat", " ant , cat,"], ["ant", "cat"]),
        (["bee", "all"], ["ant", "bee", "cat"]),
        ([], []),
    ],
)
def test_resolve(package: Path, names: list[str], expected: list[str]) -> None:
    loaded = build([point(package, name) for name in ("ant", "bee", "cat")])
    assert [codemod.name for codemod in loaded.resolve(names)] == expected


def test_an_unknown_name_is_an_error_with_a_suggestion(package: Path) -> None:
    loaded = build([point(package, "identity"), point(package, "hooks"), point(package, "bad", "function")])
    with pytest.raises(UnknownCodemodError, match="did you mean `identity`"):
        loaded.resolve(["hooks,identiy"])
    with pytest.raises(UnknownCodemodError, match="there are: hooks, identity"):
        loaded.resolve(["xyzzy"])
    with pytest.raises(UnknownCodemodError, match=r"`bad` cannot run: .*no subclass of `Codemod`"):
        loaded.resolve(["bad"])
    with pytest.raises(UnknownCodemodError, match="there are: none"):
        Registry({}, ()).resolve(["x"])
