"""The server: has torch loaded, runs no code of the project, forks a process per tree.

It is also the undertaker: parent of all orphans among its descendants, it kills what the parent of all this names, and
everything including its scratch folder when that parent is gone, for whatever reason.

Requests, each with one answer: ``open`` (with two file descriptors: the socket of the tree, and where its standard
error goes) -> ``pid``; ``kill`` a pid and all below it -> ``status`` of a tree; ``sweep`` all below a pid but those in
``keep``; ``memory`` of a pid and all below it -> ``mb``.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import sys
import time
from collections.abc import Collection
from typing import Any

import torch

from . import isolate
from .channel import Channel, move_out_of_reach
from .jobs import preload
from .rules import RULES_VERSION
from .tree import Tree, give_up


def serve(channel: Channel, scratch: str) -> None:
    """Answer requests until the other end is gone; then end all descendants and remove ``scratch``."""
    server = Server(channel)
    try:
        isolate.adopt_orphans()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end is our end
        preload()
        gc.collect()
        gc.freeze()  # what torch has made need not be looked through again, nor copied by each fork
        channel.send({"ready": describe()})
        server.run()
    finally:
        if os.getpid() == server.pid:
            isolate.kill_all(server.find_all)
            shutil.rmtree(scratch, ignore_errors=True)


def describe() -> dict[str, Any]:
    """What a verdict depends on besides the code."""
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "torch": torch.__version__,
        "cuda": _has_cuda(),
        "rules": RULES_VERSION,
    }


def _has_cuda() -> bool:
    """Asked in a process of its own: this one must stay free of CUDA, for it forks."""
    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return False
    pid = os.fork()
    if not pid:
        os._exit(0 if torch.cuda.is_available() else 1)
    return os.waitpid(pid, 0)[1] == 0


class Server:
    """Answers requests, one after the other."""

    def __init__(self, channel: Channel) -> None:
        self.pid = os.getpid()
        self._channel = channel
        self._trees: set[int] = set()
        self._statuses: dict[int, int] = {}  # of trees that have ended

    def run(self) -> None:
        """Answer until the other end is gone."""
        while True:
            try:
                request, descriptors = self._channel.receive()
                self._channel.send(self._answer(request, descriptors))
            except (EOFError, ConnectionError):
                return

    def find_all(self) -> list[int]:
        """All processes below this one."""
        return isolate.below(self.pid, isolate.children())

    def _answer(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        action = request["do"]
        if action == "open":
            return {"pid": self._open(request, *descriptors)}
        pid = request["pid"]
        if action == "memory":
            return {"mb": isolate.memory_used_mb(pid)}
        if action == "sweep":
            keep = frozenset(request["keep"])
            isolate.kill_all(lambda: self._strays(pid, keep))
            self._reap()
            return {}
        return {"status": self._kill(pid)}

    def _open(self, request: dict[str, Any], connection: int, stderr: int) -> int:
        pid = os.fork()
        if pid:
            self._trees.add(pid)
            os.close(connection)
            os.close(stderr)
            return pid
        try:
            isolate.die_with(self.pid)
            self._channel.close()
            isolate.detach(stderr)
            os.close(stderr)
            Tree(Channel(move_out_of_reach(connection)), request).run()
            os._exit(0)
        except BaseException as error:
            give_up(error)

    def _strays(self, tree: int, keep: Collection[int]) -> list[int]:
        """What a case of ``tree`` left behind: below it, or below us because its parent has ended."""
        processes = isolate.children()
        found = [pid for pid in isolate.below(tree, processes) if pid not in keep]
        for orphan in processes.get(self.pid, ()):
            if orphan not in self._trees:
                found += [orphan, *isolate.below(orphan, processes)]
        return found

    def _kill(self, pid: int) -> int | None:
        """Kill ``pid`` and all below it; the status of a tree, also of one that has ended before."""
        self._reap()
        isolate.kill_all(lambda: self._strays(pid, ()) + ([] if pid in self._statuses else [pid]))
        if pid in self._trees:
            self._wait(pid)
        return self._statuses.pop(pid, None)

    def _wait(self, pid: int) -> None:
        deadline = time.monotonic() + 5  # in vain where it hangs in the kernel
        while pid in self._trees and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.001)

    def _reap(self) -> None:
        """Take note of the children that have ended, orphans among them."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid in self._trees:
                    self._trees.discard(pid)
                    self._statuses[pid] = status
