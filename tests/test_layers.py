"""The layers of the package: imports point one way, and what is heavy stays where it belongs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import modfix

PACKAGE = Path(modfix.__file__).parent
CODEMODS = PACKAGE.parent / "codemods"
WORKER = PACKAGE / "verify" / "worker"

# A module may import from its own package and from those with a lower rank, for type checking too.
RANKS = {
    "model": 0,
    "source": 1,
    "semantics": 2,
    "engine": 3,
    "api": 4,  # names of model, semantics and engine for authors of codemods
    "config": 4,
    "verify": 4,
    "patch": 4,
    "report": 5,
    "campaign": 5,
    "testing": 6,
    "cli": 6,
    "__main__": 7,
}
LIBRARIES = {  # heavy library -> the only folders and modules, as prefixes, that may import it
    "torch": ("modfix/verify/worker/", "modfix/testing/_observe.py"),
    "libcst": ("modfix/engine/rewriter", "modfix/engine/rewriting/"),
    "typer": ("modfix/cli/",),
    "rich": ("modfix/cli/",),
    "unidiff": ("modfix/patch/",),
    "pathspec": ("modfix/source/",),
}


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The dotted names of everything that ``path`` imports anywhere; of ``from a import b`` it is ``a.b``."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:  # the worker's modules run as another package, and may import each other only
                assert path.parent == WORKER, f"{path}: relative import"
                assert node.level == 1, f"{path}: import from outside the worker"
                continue
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()


@pytest.mark.parametrize("path", modules(PACKAGE), ids=name)
def test_imports_point_to_lower_layers_only(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for imported in imports(path):
        parts = imported.split(".")
        assert parts[0] != "codemods", f"{name(path)} imports {imported}"
        if parts[0] != "modfix" or own == "__init__":
            continue
        target = parts[1] if len(parts) > 1 else ""
        if target in ("", "__version__", own):
            continue
        assert RANKS[target] < RANKS[own], f"{name(path)} imports {imported}"


@pytest.mark.parametrize("path", [*modules(PACKAGE), *modules(CODEMODS)], ids=name)
def test_heavy_libraries_stay_in_their_corner(path: Path) -> None:
    for imported in imports(path):
        allowed = LIBRARIES.get(imported.partition(".")[0])
        assert allowed is None or name(path).startswith(allowed), f"{name(path)} imports {imported}"


@pytest.mark.parametrize("path", modules(WORKER), ids=name)
def test_the_worker_needs_nothing_but_torch(path: Path) -> None:
    ast.parse(path.read_bytes(), feature_version=(3, 8))
    for imported in imports(path):
        top = imported.partition(".")[0]
        assert top in ("torch", "numpy", "pytest", "_pytest") or top in sys.stdlib_module_names, (
            f"{name(path)} imports {imported}"
        )


@pytest.mark.parametrize("path", [p for p in modules(PACKAGE) if WORKER not in p.parents], ids=name)
def test_nobody_imports_the_worker(path: Path) -> None:
    assert not any(imported.startswith("modfix.verify.worker") for imported in imports(path))


@pytest.mark.parametrize("path", modules(CODEMODS), ids=name)
def test_codemods_need_nothing_but_the_api(path: Path) -> None:
    for imported in imports(path):
        top = imported.partition(".")[0]
        assert imported.startswith("modfix.api.") or top in sys.stdlib_module_names, f"{name(path)} imports {imported}"


def test_the_check_can_fail(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("import a.b\nif a:\n    def f():\n        from c.d import e, g as h\n")
    assert list(imports(module)) == ["a.b", "c.d.e", "c.d.g"]
