"""The process of one tree: imports the project's modules when they are first needed, and runs cases.

A request is a job with a socket for its answer. On the tree's own connection go ``{"failed": ...}`` where an import
fails; else ``{"started": pid, "keep": pids}`` when the case begins (``keep``: processes that imports have started), and
``{"ended": status}``, with a status as from `os.waitpid`, when its process has.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from os import _exit as exit_now  # bound early, as all that is needed after code of the project has run
from os import close, fork, getpid, setsid, waitpid, write
from typing import Any, NoReturn

import torch

from . import isolate, jobs, spec
from .channel import Channel, move_out_of_reach
from .failures import describe, text_of
from .lines import Watcher

NO_ANSWER = 81  # exit status of `give_up`


def give_up(error: BaseException) -> NoReturn:
    """End this process, which cannot tell any more how it went."""
    with contextlib.suppress(BaseException):
        write(2, f"\nmodfix: {text_of(error)}\n".encode("utf-8", "replace"))
    exit_now(NO_ANSWER)


class Tree:
    """One version of the project. ``options``: ``root``, ``isolation``, ``threads``, ``memory_limit_mb``, ``watch``."""

    def __init__(self, channel: Channel, options: dict[str, Any]) -> None:
        self._channel = channel
        self._root: str = options["root"]
        self._forks: bool = options["isolation"] == "fork"
        self._threads: int = options["threads"]
        self._memory_limit_mb: int | None = options["memory_limit_mb"]
        self._watcher = Watcher(self._root, options["watch"])
        self._failures: dict[str, dict[str, Any]] = {}  # module -> why it cannot be imported
        self._helpers: list[int] = []  # processes that the project's modules started when they were imported

    def run(self) -> None:
        """Answer requests until the other end is gone."""
        if self._forks:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a fork cannot use what its parent has initialised
        os.environ["PWD"] = self._root
        isolate.enter(self._root)
        sys.path[:0] = spec.import_paths(self._root)
        sys.argv[:] = [""]
        torch.set_num_threads(1)  # a pool of threads does not survive a fork
        isolate.block_network()
        isolate.seed()
        while True:
            try:
                request, (answer,) = self._channel.receive()
            except EOFError:
                return
            self._answer(request, move_out_of_reach(answer))

    def _answer(self, request: dict[str, Any], answer: int) -> None:
        self._watcher.add(request.get("watch") or {})
        failure = self._import(request)
        if failure is not None:
            close(answer)
            self._channel.send(failure)
        elif self._forks:
            self._fork(request, answer)
        else:
            self._channel.send({"started": getpid(), "keep": self._helpers})
            isolate.reset(self._root, self._threads)
            self._run_case(request, Channel(answer))
            self._channel.send({"ended": 0})

    def _import(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Import what the request needs and no earlier one did; the failure, if there is one."""
        try:
            wanted = [name for name in spec.modules(request.get("case") or request) if not spec.imported(name)]
        except spec.SpecError as error:
            return describe(error, self._root)
        for name in wanted:
            if name not in self._failures:
                try:
                    with self._watcher:
                        importlib.import_module(name)
                    continue
                except BaseException as error:
                    self._failures[name] = describe(error, self._root, "import")
            return self._failures[name]
        if wanted:
            isolate.calm_signals()
            isolate.blocked.clear()  # the imports came to terms with it
            self._helpers = isolate.below(getpid(), isolate.children())
        return None

    def _fork(self, request: dict[str, Any], answer: int) -> None:
        parent = getpid()
        pid = fork()
        if not pid:
            try:
                isolate.die_with(parent)
                self._channel.close()
                setsid()
                isolate.enter(self._root)
                torch.set_num_threads(self._threads)
                isolate.limit_memory(self._memory_limit_mb)
                self._run_case(request, Channel(answer))
                exit_now(0)
            except BaseException as error:
                give_up(error)
        close(answer)
        self._channel.send({"started": pid, "keep": self._helpers})
        _, status = waitpid(pid, 0)
        self._channel.send({"ended": status})

    def _run_case(self, request: dict[str, Any], channel: Channel) -> None:
        try:
            with self._watcher:
                answer = jobs.perform(request, self._root)
            mine, its = self._watcher.lines, answer.get("lines", {})  # a job may watch by itself, in our place
            answer["lines"] = {
                path: sorted({*mine.get(path, ()), *its.get(path, ())}) for path in request.get("watch") or {}
            }
        except BaseException as error:
            answer = describe(error, self._root)
        isolate.calm_signals()
        isolate.limit_memory(None)
        channel.send(answer)
        channel.close()
