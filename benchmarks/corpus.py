"""The code that is measured on: pinned wheels from the package index, and sets of files chosen from them."""

from __future__ import annotations

import hashlib
import itertools
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pinned distribution. ``modelling`` matches the files of it that define networks."""

    name: str
    version: str
    sha256: str
    modelling: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class FileSet:
    """A folder to run the tools on: a git repository of its own, so that nothing outside of it is looked at."""

    name: str
    root: Path
    files: int
    lines: int


WHEELS = (
    Wheel(
        "timm",
        "1.0.31",
        "5bd50f7d0fe6d09bf9285ac2523234a1b7e6bf075c0be3e7aed09139fcb617c7",
        re.compile(r"timm/(models|layers)/"),
    ),
    Wheel(
        "monai",
        "1.6.1",
        "dbd3b1dd309e752e0477ed73fde03b92f80ac74bfb8a8c4260f018b5d6ab2b0b",
        re.compile(r"monai/networks/"),
    ),
    Wheel(
        "transformers",
        "5.23.0",
        "018e82fd07490ad5bb58414f65e31576033dc7f36bed10c574843f69b90991bf",
        re.compile(r"transformers/models/.*/modeling_"),
    ),
)
MIX_LINES = 81_000
# Small, but there certainly is something to fix in it: see `results.Evidence`.
FIXABLE = Path(__file__).resolve().parents[1] / "fixtures" / "legacy_zoo"
SCALES = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000}


def build(folder: Path) -> dict[str, FileSet]:
    """Download and unpack the wheels, and make the sets; what is there already is kept.

    Sets: one for each whole wheel; ``mix80k``, modelling files of all three in equal numbers; nested random samples of
    all files, 10k, 100k and 1M lines, whose mix of code is the same, so that cost per line can be compared; and
    ``fixable``, the legacy code that the demo migrates.

    Raises:
        subprocess.CalledProcessError: pip or git failed.
        ValueError: a wheel is not the one that was pinned.
    """
    trees = {wheel.name: _unpack(wheel, folder) for wheel in WHEELS}
    sets = [_whole(wheel, trees[wheel.name], folder) for wheel in WHEELS]
    sets.append(_make("mix80k", _take(_mixed(trees), MIX_LINES), folder))
    sets.append(_make("fixable", ((FIXABLE, path) for path in sorted(FIXABLE.rglob("*.py"))), folder))
    everything = _shuffled((tree, path) for tree in trees.values() for path in tree.rglob("*.py"))
    sets += [_make(name, _take(everything, lines), folder) for name, lines in SCALES.items()]
    return {file_set.name: file_set for file_set in sets}


def _unpack(wheel: Wheel, folder: Path) -> Path:
    target = folder / "unpacked" / f"{wheel.name}-{wheel.version}"
    if target.is_dir():
        return target
    wheels = folder / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]
    subprocess.run([*pip, wheels, f"{wheel.name}=={wheel.version}"], check=True)
    archive = next(wheels.glob(f"{wheel.name}-{wheel.version}-*.whl"))
    if hashlib.sha256(archive.read_bytes()).hexdigest() != wheel.sha256:
        raise ValueError(f"{archive.name} is not the pinned file; remove it to download it again")
    partial = target.with_name(f"{target.name}.partial")  # an interrupted run must not leave half a corpus behind
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(archive) as content:
        content.extractall(partial)
    partial.rename(target)
    return target


def _whole(wheel: Wheel, tree: Path, folder: Path) -> FileSet:
    return _make(wheel.name, ((tree, path) for path in sorted(tree.rglob("*.py"))), folder)


def _mixed(trees: dict[str, Path]) -> Iterator[tuple[Path, Path]]:
    """Modelling files, in turn one of each wheel, as long as every wheel has one left."""
    chosen = []
    for wheel in WHEELS:
        tree = trees[wheel.name]
        found = (path for path in tree.rglob("*.py") if path.name != "__init__.py")
        chosen.append(
            _shuffled((tree, path) for path in found if wheel.modelling.match(path.relative_to(tree).as_posix()))
        )
    return itertools.chain.from_iterable(zip(*chosen, strict=False))


def _shuffled(files: Iterable[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    """In the order of the hashes of the names: as good as random, and the same on every machine."""
    return sorted(files, key=lambda file: hashlib.sha256(file[1].relative_to(file[0]).as_posix().encode()).digest())


def _take(files: Iterable[tuple[Path, Path]], lines: int) -> Iterator[tuple[Path, Path]]:
    """Files from the front, until they have ``lines`` lines together."""
    total = 0
    for tree, path in files:
        yield tree, path
        total += _count_lines(path)
        if total >= lines:
            return


def _make(name: str, files: Iterable[tuple[Path, Path]], folder: Path) -> FileSet:
    root = folder / "sets" / name
    if not root.is_dir():
        partial = root.with_name(f"{name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        for tree, path in files:
            copy = partial / path.relative_to(tree)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        _commit(partial)
        partial.rename(root)
    paths = list(root.rglob("*.py"))
    return FileSet(name, root, len(paths), sum(map(_count_lines, paths)))


def _commit(root: Path) -> None:
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid", "-c", "commit.gpgSign=false"]
    for arguments in (["init", "--quiet", "--template="], ["add", "--all"], ["commit", "--quiet", "--message=corpus"]):
        subprocess.run([*git, *arguments], cwd=root, check=True)


def _count_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")
