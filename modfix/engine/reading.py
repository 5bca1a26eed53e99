"""Facts of files: from the cache where the bytes are the same, else from worker processes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from modfix.engine.cache import FactsCache, dumps, entry_key, loads
from modfix.engine.errors import describe
from modfix.engine.parallel import map_chunks
from modfix.model.result import InternalError
from modfix.model.source import Refused, SourceFile
from modfix.semantics.facts import FileFacts
from modfix.semantics.scan import scan
from modfix.source.suppress import Suppressions, suppressions

if TYPE_CHECKING:
    from modfix.source.tree import Tree

Progress: TypeAlias = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much

_PARALLEL_FILES = 64  # about 0.2 s of work; below, starting processes takes longer than they save


@dataclass(slots=True)
class Reading:
    """What is known about the files of a tree, by path. Every file that was read is in ``facts`` or in ``refused``."""

    facts: dict[str, FileFacts] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)  # of the bytes that the facts are about
    comments: dict[str, Suppressions] = field(default_factory=dict)  # of files that have any
    needles: dict[str, frozenset[bytes]] = field(default_factory=dict)  # those that occur in the file
    errors: dict[str, InternalError] = field(default_factory=dict)

    def updated(self, newer: Reading) -> Reading:
        """This reading, with what ``newer`` says about its files instead."""
        merged = Reading()
        read_again = newer.facts.keys() | newer.refused.keys()
        for name in Reading.__slots__:
            kept = {path: value for path, value in getattr(self, name).items() if path not in read_again}
            setattr(merged, name, kept | getattr(newer, name))
        return merged


class _Entry(NamedTuple):
    """What the cache keeps of one file. A function of path and bytes alone."""

    facts: FileFacts | Refused
    comments: Suppressions | None


class _Scanned(NamedTuple):
    """What is known of one file. From another process the entry comes as bytes, which the cache takes as they are."""

    content_hash: str
    entry: _Entry | bytes
    needles: frozenset[bytes]
    error: InternalError | None = None


def read_files(  # noqa: PLR0913 - keywords with defaults
    tree: Tree,
    paths: Collection[str],
    *,
    needles: Collection[bytes] = (),
    jobs: int = 1,
    cache: FactsCache | None = None,
    progress: Progress | None = None,
) -> Reading:
    """Read and scan the files ``paths`` of ``tree``.

    Args:
        tree: where the files are. With ``jobs`` above 1 it is read in other processes as well.
        paths: which of them to read.
        needles: byte strings to look for in each file.
        jobs: how many processes to use, if there is enough to do for them.
        cache: answers for files whose bytes it knows, and takes the answers for the others; the caller saves it.
        progress: told how many files are done.
    """
    reading = Reading()
    unknown = []
    for path in paths:
        scanned = None if cache is None or cache.empty else _look_up(tree, path, needles, cache)
        if scanned is None:
            unknown.append(path)
        else:
            _record(reading, path, scanned)
    known = len(paths) - len(unknown)
    total = len(paths)

    def report(done: int) -> None:
        if progress is not None:
            progress("reading", known + done, total)

    report(0)
    parallel = jobs > 1 and len(unknown) >= _PARALLEL_FILES
    results = map_chunks(
        partial(_scan_and_pack if parallel else _scan, tree, needles),
        unknown,
        jobs=jobs if parallel else 1,
        crashed=partial(_refuse, reason="reading this file crashed the parser"),
        progress=report,
    )
    for path, scanned in zip(unknown, results, strict=True):
        _record(reading, path, scanned)
        if cache is not None and scanned.content_hash and scanned.error is None:
            packed = scanned.entry if isinstance(scanned.entry, bytes) else dumps(scanned.entry)
            cache.put(entry_key(path, scanned.content_hash), packed)
    return reading


def _look_up(tree: Tree, path: str, needles: Collection[bytes], cache: FactsCache) -> _Scanned | None:
    source = tree.read(path)
    if isinstance(source, Refused):
        return _refuse(path, source.reason)
    entry = cache.get(entry_key(path, source.content_hash))
    return None if entry is None else _Scanned(source.content_hash, entry, _occurring(needles, source))


def _scan(tree: Tree, needles: Collection[bytes], path: str) -> _Scanned:
    source = tree.read(path)
    if isinstance(source, Refused):
        return _refuse(path, source.reason)
    try:
        facts = scan(source)
    except Exception as error:  # border: one file that modfix cannot cope with must not stop the others
        return _refuse(path, "modfix failed on this file", InternalError(describe(error), path=path))
    comments = suppressions(path, source.text)
    entry = _Entry(facts, comments if comments.comments else None)
    return _Scanned(source.content_hash, entry, _occurring(needles, source))


def _scan_and_pack(tree: Tree, needles: Collection[bytes], path: str) -> _Scanned:
    scanned = _scan(tree, needles, path)
    return scanned._replace(entry=dumps(scanned.entry))


def _refuse(path: str, reason: str, error: InternalError | None = None) -> _Scanned:
    return _Scanned("", _Entry(Refused(path, reason), None), frozenset(), error)


def _occurring(needles: Collection[bytes], source: SourceFile) -> frozenset[bytes]:
    # Looked for in the text, which is at hand; for the ASCII names that needles are, that is the same.
    return frozenset(needle for needle in needles if needle.decode("utf-8", "surrogateescape") in source.text)


def _record(reading: Reading, path: str, scanned: _Scanned) -> None:
    entry: _Entry = loads(scanned.entry) if isinstance(scanned.entry, bytes) else scanned.entry
    if isinstance(entry.facts, Refused):
        reading.refused[path] = entry.facts
    else:
        reading.facts[path] = entry.facts
        reading.hashes[path] = scanned.content_hash
        reading.needles[path] = scanned.needles
        if entry.comments is not None:
            reading.comments[path] = entry.comments
    if scanned.error is not None:
        reading.errors[path] = scanned.error
