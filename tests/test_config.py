"""`[tool.modfix]`: defaults, every key, types, and errors that say what would be right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from modfix import config
from modfix.api import Codemod, Finding, ModuleClass
from modfix.config import Config, ConfigError, ModelConfig, VerifyConfig


@dataclass(frozen=True)
class GuardOptions:
    guards: Literal["drop", "isinstance"] = "drop"
    max_depth: int = 3
    ratio: float = 0.5
    skip_names: tuple[str, ...] = ()
    base: str | None = None


class Guarded(Codemod):
    name = "guarded"
    summary = "for these tests"
    Options = GuardOptions

    def check(self, cls: ModuleClass) -> Iterator[Finding]:
        yield from ()


def load(folder: Path, text: str) -> Config:
    (folder / "pyproject.toml").write_text(text)
    return config.load(folder)


def options(folder: Path, table: str) -> object:
    loaded = load(folder, f"[tool.modfix.guarded]\n{table}\n")
    return config.build([Guarded], loaded)[0].options


def test_without_a_file_or_a_table_the_defaults_hold(tmp_path: Path) -> None:
    assert config.load(tmp_path) == Config()
    assert load(tmp_path, "[tool.black]\nline-length = 3\n") == Config()
    assert load(tmp_path, "[project]\nname = 'uses-modfix'\n") == Config()


def test_every_key_is_read(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """
        [tool.modfix]
        codemods = ["identity"]
        exclude = ["legacy/", "*_pb2.py"]
        unsafe-fixes = true
        jobs = 3
        cache = false
        max-file-size = 100000
        """,
    )
    assert loaded == Config(("identity",), ("legacy/", "*_pb2.py"), True, 3, False, 100_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[tool.modfix]\nexlude = ["a"]', 'unknown key "exlude" in [tool.modfix]; did you mean "exclude"?'),
        (
            "[tool.modfix]\nunsafe_fixes = true",
            'unknown key "unsafe_fixes" in [tool.modfix]; did you mean "unsafe-fixes"?',
        ),
        ("[tool.modfix]\nzzz = 1", 'unknown key "zzz" in [tool.modfix]'),
        ('[tool.modfix]\njobs = "2"', '`jobs` in [tool.modfix] must be a whole number, not "2"'),
        ("[tool.modfix]\njobs = true", "`jobs` in [tool.modfix] must be a whole number, not true"),
        ("[tool.modfix]\njobs = 0", "`jobs` in [tool.modfix] must be at least 1, not 0"),
        ('[tool.modfix]\nexclude = "a"', '`exclude` in [tool.modfix] must be a list of strings, not "a"'),
        ("[tool.modfix]\nexclude = [1]", "`exclude` in [tool.modfix] must be a list of strings, not [1]"),
        ("[tool]\nmodfix = 1", "`tool.modfix` in pyproject.toml must be a table"),
    ],
)
def test_a_wrong_key_or_value_is_an_error_that_says_what_is_right(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(caught.value) == message


def test_broken_toml_and_broken_utf8_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(tmp_path, "[tool.modfix\n")
    (tmp_path / "pyproject.toml").write_bytes(b"# modfix \xff\n")
    with pytest.raises(ConfigError, match=r"cannot read pyproject\.toml"):
        config.load(tmp_path)


def test_the_table_of_a_codemod_becomes_its_options(tmp_path: Path) -> None:
    table = 'guards = "isinstance"\nmax-depth = 5\nratio = 1\nskip-names = ["a"]\nbase = "x"'
    assert options(tmp_path, table) == GuardOptions("isinstance", 5, 1, ("a",), "x")
    assert options(tmp_path, "") == GuardOptions()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('gards = "drop"', 'unknown key "gards" in [tool.modfix.guarded]; did you mean "guards"?'),
        ('guards = "keep"', '`guards` in [tool.modfix.guarded] must be one of "drop", "isinstance", not "keep"'),
        ("max-depth = 1.5", "`max-depth` in [tool.modfix.guarded] must be a whole number, not 1.5"),
        ("skip-names = [true]", "`skip-names` in [tool.modfix.guarded] must be a list of strings, not [true]"),
        ("base = 1", "`base` in [tool.modfix.guarded] must be a string, not 1"),
    ],
)
def test_options_are_checked_against_the_dataclass(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        options(tmp_path, table)
    assert str(caught.value) == message


def test_a_table_of_no_codemod_is_an_error(tmp_path: Path) -> None:
    loaded = load(tmp_path, "[tool.modfix.identiy]\n")
    with pytest.raises(ConfigError, match=r'unknown table \[tool\.modfix\.identiy\].*did you mean "identity"'):
        config.check_tables(loaded, ["identity", "hooks"])
    config.check_tables(loaded, ["identiy"])


def test_what_to_verify_is_read(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """
        [tool.modfix.verify]
        models = [
            { model = "net:Net", inputs = ["randn(2, 3)"], kwargs = { mask = "ones(2)" }, name = "small" },
            { model = "net:Net(3)" },
        ]
        cases = "zoo:cases"
        tests = "tests/ -q"
        run = "python train.py"
        python = "env/bin/python"
        device = "cpu"
        allow = ["keys-added"]
        allow-close = true
        allow-unverified = true
        time-limit = 2.5
        compilers = true
        """,
    )
    models = (ModelConfig("net:Net", ("randn(2, 3)",), {"mask": "ones(2)"}, "small"), ModelConfig("net:Net(3)"))
    expected = VerifyConfig(
        models,
        "zoo:cases",
        "tests/ -q",
        "python train.py",
        "env/bin/python",
        "cpu",
        ("keys-added",),
        True,
        True,
        2.5,
        True,
    )
    assert loaded == Config(verify=expected)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('mdels = []', 'unknown key "mdels" in [tool.modfix.verify]; did you mean "models"?'),
        ('models = ["net:Net"]', '`models` in [tool.modfix.verify] must be a list of tables, like [{model = "pkg.mod:Net()"}]'),
        ('models = [{inputs = ["ones(1)"]}]', "`model` is missing in model 1 of [tool.modfix.verify]"),
        ('models = [{model = "a:b", kwargs = {m = 1}}]', "`kwargs` in model 1 of [tool.modfix.verify] must be a table of strings"),
        ('device = "tpu"', '`device` in [tool.modfix.verify] must be one of "auto", "cpu", "cuda", not "tpu"'),
        ("time-limit = 0", "`time-limit` in [tool.modfix.verify] must be more than 0, not 0"),
    ],
)  # fmt: skip
def test_wrong_keys_of_what_to_verify(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"[tool.modfix.verify]\n{table}\n")
    assert message in str(caught.value)
