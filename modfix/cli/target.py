"""From the paths of a command line to the files that a run reads, and to those that it reports on and edits."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modfix import config
from modfix.cli.border import UserError
from modfix.config import Config, ConfigError
from modfix.model.source import Refused, SourceFile
from modfix.source import document
from modfix.source.discover import Listing, discover, find_root
from modfix.source.tree import DiskTree, MemoryTree, Tree

STDIN = Path("-")
_STDIN_NAME = "stdin.py"  # for a module that has no other name


@dataclass(frozen=True, slots=True)
class Target:
    """What one run is about."""

    root: Path
    config: Config
    tree: Tree  # all files whose facts count
    scope: frozenset[str] | None  # files to report on and edit; None: all
    complete: bool  # whether `tree` is the whole project
    refused: tuple[Refused, ...]  # files in scope that were refused without reading
    stdin: SourceFile | None = None  # the file that came from standard input

    def shown_path(self, path: str) -> str:
        """A path relative to the root as one that works in the current folder."""
        return os.path.relpath(self.root / path)


@dataclass(frozen=True, slots=True)
class _Substituted:
    """A tree in which one file has another text, or is new."""

    tree: Tree
    source: SourceFile

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted({*self.tree.paths, self.source.path}))

    def read(self, path: str) -> SourceFile | Refused:
        return self.source if path == self.source.path else self.tree.read(path)


def locate(paths: Sequence[Path], *, exclude: Sequence[str] = (), stdin_filename: Path | None = None) -> Target:
    """The target that ``paths`` (files, folders, or only ``-``) name; none means the current folder.

    Facts come from the whole project around the paths, so that what other files do is known. ``exclude`` holds more
    patterns beside those of the configuration; a file that is named is read all the same.

    Raises:
        UserError: a path does not exist, there is nothing to read, or the configuration is wrong.
    """
    if STDIN in paths:
        if len(paths) > 1:
            raise UserError("`-` (standard input) cannot be combined with other paths")
        return _locate_stdin(stdin_filename, exclude)
    if stdin_filename is not None:
        raise UserError("--stdin-filename needs `-` as the path")
    arguments = [_existing(path) for path in paths or (Path(),)]
    root, marked = find_root(_common_folder(arguments))
    loaded = load_config(root, exclude)
    listing = _list(root, loaded) if marked else _list_unmarked(root, arguments, loaded)
    scope = None if root in arguments else _scope(root, arguments, listing)
    tree = DiskTree(root, tuple(sorted({*listing.paths, *(scope or ())})), _max_bytes(loaded))
    refused = tuple(item for item in listing.refused if root in arguments or _is_under(item.path, root, arguments))
    if not refused and not (tree.paths if scope is None else scope):
        raise UserError(f"no Python files in {', '.join(f'`{path}`' for path in paths or ('.',))}")
    complete = marked or all(path.is_dir() for path in arguments)
    return Target(root, loaded, tree, scope, complete, refused)


def _locate_stdin(filename: Path | None, exclude: Sequence[str]) -> Target:
    data = sys.stdin.buffer.read()
    path = Path(filename or _STDIN_NAME).resolve()
    root, marked = find_root(path)
    loaded = load_config(root, exclude)
    source = document.decode(path.relative_to(root).as_posix(), data)
    if isinstance(source, Refused):
        raise UserError(f"standard input {source.reason}")
    scope = frozenset({source.path})
    if filename is None or not marked:
        return Target(root, loaded, MemoryTree({source.path: data}), scope, False, (), source)
    tree = DiskTree(root, _list(root, loaded).paths, _max_bytes(loaded))
    return Target(root, loaded, _Substituted(tree, source), scope, True, (), source)


def _existing(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except OSError as error:
        raise UserError(f"`{path}`: {document.error_text(error)}") from error


def _common_folder(paths: Sequence[Path]) -> Path:
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in paths]))


def load_config(root: Path, exclude: Sequence[str] = ()) -> Config:
    """The configuration of the project at ``root``, with more patterns of what to leave out.

    Raises:
        UserError: it cannot be used.
    """
    try:
        loaded = config.load(root)
    except ConfigError as error:
        raise UserError(str(error)) from error
    return replace(loaded, exclude=(*loaded.exclude, *exclude))


def _max_bytes(loaded: Config) -> int:
    return loaded.max_file_size or document.DEFAULT_MAX_BYTES


def _list(root: Path, loaded: Config) -> Listing:
    try:
        return discover(root, exclude=loaded.exclude, max_bytes=_max_bytes(loaded))
    except ValueError as error:
        raise UserError(str(error)) from error


def _list_unmarked(root: Path, arguments: Sequence[Path], loaded: Config) -> Listing:
    """What the arguments hold. Nothing says that the rest of ``root``, perhaps somebody's home, belongs to them."""
    paths: set[str] = set()
    refused: set[Refused] = set()
    for argument in arguments:
        prefix = argument.relative_to(root)
        if argument.is_dir():
            listing = _list(argument, loaded)
            paths.update((prefix / path).as_posix() for path in listing.paths)
            refused.update(replace(item, path=(prefix / item.path).as_posix()) for item in listing.refused)
        else:
            paths.add(prefix.as_posix())
    return Listing(tuple(sorted(paths)), tuple(sorted(refused, key=lambda item: item.path)))


def _scope(root: Path, arguments: Sequence[Path], listing: Listing) -> frozenset[str]:
    """The files that the arguments name: listed ones in folders, and files whether they are listed or not."""
    refused = {item.path for item in listing.refused}
    named = {path.relative_to(root).as_posix() for path in arguments if not path.is_dir()} - refused
    folders = [path for path in arguments if path.is_dir()]
    return frozenset(named.union(path for path in listing.paths if _is_under(path, root, folders)))


def _is_under(path: str, root: Path, arguments: Sequence[Path]) -> bool:
    names = (argument.relative_to(root).as_posix() for argument in arguments)
    return any(path == name or path.startswith(f"{name}/") for name in names)
