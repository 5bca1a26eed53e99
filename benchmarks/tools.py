"""The tools that are compared, as commands to run in the root of a file set."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent / "scripts"
WHEEL_SETS = ("timm", "monai", "transformers")
MIX_ONLY = ("mix80k",)
CORPUS_SETS = WHEEL_SETS + MIX_ONLY
SCALE_SETS = ("10k", "100k", "1M")

RUFF, RUFF_QUIET, AST_GREP = "ruff check", "ruff check --statistics", "ast-grep, 1 rule"
PARSE, PLAIN, LIBCST_TOOL, TORCHFIX = "ast.parse alone", "plain CSTTransformer", "libcst.tool, no-op", "TorchFix"
CHECK, CHECK_2, WARM, APPLY, APPLY_2 = (
    "modfix check",
    "modfix check, 2 jobs",
    "modfix check, warm",
    "modfix apply --diff",
    "modfix apply --diff, 2 jobs",
)
HELP, VERSION = "modfix --help", "modfix --version"

# TorchFix holds LibCST back at 1.5, so that it cannot share an environment with the version that modfix uses.
ENVIRONMENTS = {
    "peers": {"ruff": "0.17.6", "ast-grep-cli": "0.51.1", "libcst": version("libcst")},
    "torchfix": {"torchfix": "0.7.0"},
}


@dataclass(frozen=True, slots=True)
class Tool:
    """One row of the table. ``accepted``: exit codes of a run that did its work; 1 is what linters say of findings."""

    name: str
    command: tuple[str | Path, ...]
    sets: tuple[str, ...]
    accepted: frozenset[int] = frozenset({0})
    env: tuple[tuple[str, str], ...] = ()
    primed: bool = False  # run once before measuring, to fill the cache


def modfix_command() -> Path:
    """The console script beside the running interpreter: what a user starts.

    Raises:
        FileNotFoundError: modfix is not installed there.
    """
    script = Path(sys.executable).parent / "modfix"
    if not script.is_file():
        raise FileNotFoundError(
            f"`{script.name}` is not installed beside this Python; run `make test` or `pip install -e .`"
        )
    return script


def modfix_tools(cache: Path) -> list[Tool]:
    """All modfix rows. One job unless the name says otherwise: more jobs cost more CPU, and the peers get one too."""
    modfix, found, every = modfix_command(), frozenset({0, 1}), CORPUS_SETS + SCALE_SETS
    check = (modfix, "check", "--codemod", "all", "--jobs")
    apply = (modfix, "apply", "--codemod", "identity", "--diff", "--no-cache", "--jobs")
    return [
        Tool(CHECK, (*check, "1", "--no-cache", "."), every, found),
        Tool(CHECK_2, (*check, "2", "--no-cache", "."), CORPUS_SETS, found),
        Tool(WARM, (*check, "1", "."), every, found, (("XDG_CACHE_HOME", str(cache)),), primed=True),
        Tool(APPLY, (*apply, "1", "."), every, found),
        Tool(APPLY_2, (*apply, "2", "."), CORPUS_SETS, found),
    ]


def startup_tools() -> list[Tool]:
    """What every call of modfix pays before it does anything."""
    modfix = modfix_command()
    return [Tool(HELP, (modfix, "--help"), ()), Tool(VERSION, (modfix, "--version"), ())]


def peer_tools(environments: Path) -> list[Tool]:
    """All other rows; the slow ones run on one set only. Calls pip for what is not installed yet."""
    peers, torchfix = (_environment(environments / name, pins) for name, pins in ENVIRONMENTS.items())
    python, every, found = peers / "python", CORPUS_SETS + SCALE_SETS, frozenset({0, 1})
    ruff = (peers / "ruff", "check", "--no-cache", "--isolated", "--select", "E,F")
    # `--jobs=1` in one word: libcst.tool takes the first word without a dash for the name of the codemod.
    libcst_tool = (python, "-m", "libcst.tool", "codemod", "--external", "--no-format", "--hide-progress", "--jobs=1")
    return [
        Tool(RUFF, (*ruff, "."), every, found),
        Tool(RUFF_QUIET, (*ruff, "--statistics", "."), every, found),
        Tool(AST_GREP, (peers / "ast-grep", "scan", "--rule", SCRIPTS / "none_attribute.yml", "."), every),
        Tool(PARSE, (python, SCRIPTS / "parse_only.py", "."), every),
        Tool(PLAIN, (python, SCRIPTS / "plain_transformer.py", "."), MIX_ONLY),
        Tool(
            LIBCST_TOOL,
            (*libcst_tool, "--include-generated", "noop_codemod.Noop", "."),
            MIX_ONLY,
            env=(("PYTHONPATH", str(SCRIPTS)),),
        ),
        Tool(TORCHFIX, (torchfix / "torchfix", "--select", "ALL", "--jobs", "1", "."), MIX_ONLY, found),
    ]


def versions() -> dict[str, str]:
    """Names and versions of everything that is compared."""
    pins = {name: pin for environment in ENVIRONMENTS.values() for name, pin in environment.items()}
    return {"modfix": version("modfix"), **pins}


def _environment(folder: Path, pins: dict[str, str]) -> Path:
    """The bin folder of a virtual environment that has ``pins`` installed."""
    requirements = [f"{name}=={pin}" for name, pin in pins.items()]
    stamp = folder / "installed.txt"
    if not stamp.is_file() or stamp.read_text().split() != requirements:
        venv.create(folder, clear=True, with_pip=True, symlinks=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *requirements], check=True)
        stamp.write_text("\n".join(requirements))
    return folder / "bin"
