"""One case under supervision: its answer, or how it went wrong."""

from __future__ import annotations

import os
import re
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from modfix.verify.connection import Connection, Message

Serve = Callable[[Message], Message]

_NO_ANSWER = 81  # exit status of a process that could not go on, see `worker/tree.py`
_TAIL_BYTES = 16_384
_MEMORY_INTERVAL_S = 0.25
_END_LIMIT_S = 5  # between the answer and the end of the process, and between a kill and its effect
_GIVEN_UP = re.compile(r"^modfix: (.*)", re.MULTILINE)
_FRAME = re.compile(r'File "(.*?)", line (\d+)')


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one case, and of one import: seconds on the clock, and megabytes of memory, all processes together."""

    time_s: float
    memory_mb: int | None

    def within(self, time_s: float | None) -> Limits:
        """The same with another limit on the clock, if one is given."""
        return self if time_s is None else Limits(time_s, self.memory_mb)


@dataclass(slots=True)
class TreeProcess:
    """The process of a tree, and what connects us with it."""

    pid: int
    generation: int  # of the server that it was forked from
    root: Path
    connection: Connection
    stderr: int  # where its standard error can be read
    forks: bool
    is_alive: bool = True
    tail: bytearray = field(default_factory=bytearray)  # the end of its standard error

    def close(self) -> None:
        """Close the connections."""
        self.is_alive = False
        self.connection.close()
        if self.stderr >= 0:
            os.close(self.stderr)
            self.stderr = -1

    def end(self, serve: Serve) -> int | None:
        """Kill it with all below it; its status as from `os.waitpid`, which may be that of an earlier end."""
        if self.stderr < 0:
            return None
        self.close()
        return cast("int | None", serve({"do": "kill", "pid": self.pid}).get("status"))

    def read_stderr(self) -> bool:
        """Take what has arrived on its standard error; false at the end."""
        data = os.read(self.stderr, 1 << 16)
        self.tail += data
        del self.tail[:-_TAIL_BYTES]
        return bool(data)


def failure(kind: str, message: str, where: str = "") -> Message:
    """An answer that says what went wrong; ``kind`` is one of `modfix.verify.worker`."""
    return {"failed": {"kind": kind, "message": message, "where": where}}


def supervise(tree: TreeProcess, answers: Connection, limits: Limits, serve: Serve) -> tuple[Message, bool]:
    """Wait for the answer to a request that was sent; and whether the tree was still importing when it came.

    Afterwards nothing is left of the case but its answer. The tree lives on, or ``tree.is_alive`` is false.

    Raises:
        WorkerError: the server is gone.
    """
    case = _Case(tree, answers, limits, serve)
    answer = case.follow()
    return answer, case.pid is None


class _Case:
    def __init__(self, tree: TreeProcess, answers: Connection, limits: Limits, serve: Serve) -> None:
        self._tree = tree
        self._answers = answers
        self._limits = limits
        self._serve = serve
        self._answer: Message | None = None  # of the case, or our own about it
        self._status: int | None = None
        self._spared: list[int] = []  # processes that the import has started
        self._is_killed = False
        self._has_begun = True  # false where an import failed, so that there is no process that will end
        self.pid: int | None = None  # once the case runs

    def follow(self) -> Message:
        self._tree.tail.clear()
        deadline = time.monotonic() + self._limits.time_s
        memory_due = time.monotonic() + _MEMORY_INTERVAL_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._tree.connection, selectors.EVENT_READ, self._read_tree)
            selector.register(self._answers, selectors.EVENT_READ, self._read_answer)
            selector.register(self._tree.stderr, selectors.EVENT_READ, self._tree.read_stderr)
            while not self._is_over():
                now = time.monotonic()
                if now >= deadline:
                    self._on_deadline()
                    deadline = now + _END_LIMIT_S
                if now >= memory_due:
                    self._check_memory()
                    memory_due = time.monotonic() + _MEMORY_INTERVAL_S
                had_pid, had_answer = self.pid, self._answer
                for key, _ in selector.select(max(0, min(deadline, memory_due) - now)):
                    if not key.data():
                        selector.unregister(key.fileobj)
                if self.pid != had_pid:
                    deadline = time.monotonic() + self._limits.time_s
                elif self._answer is not had_answer:
                    deadline = time.monotonic() + _END_LIMIT_S
        return self._finish()

    def _is_over(self) -> bool:
        if not self._tree.connection.is_open:
            return True
        # A quick case may answer before its parent says that it has started: its end is still to be read.
        return self._status is not None or not (self._has_begun or self._is_killed)

    # -- events; each says whether there may be more of its kind

    def _read_tree(self) -> bool:
        for message in self._tree.connection.read():
            if "started" in message:
                self.pid = cast("int", message["started"])
                self._spared = cast("list[int]", message["keep"])
            elif "ended" in message:
                self._status = cast("int", message["ended"])
            else:
                self._answer = message
                self._has_begun = False
        return self._tree.connection.is_open

    def _read_answer(self) -> bool:
        for message in self._answers.read():
            self._answer = self._answer or message
        return self._answers.is_open

    def _on_deadline(self) -> None:
        if self._answer is None:
            what = "the case" if self.pid else "the import"
            self._answer = failure("timeout", f"{what} did not end within {self._limits.time_s:g} s")
        self._kill()

    def _check_memory(self) -> None:
        limit = self._limits.memory_mb
        if limit is None or self._is_killed:
            return
        used = cast("float", self._serve({"do": "memory", "pid": self.pid or self._tree.pid})["mb"])
        if used > limit:
            self._answer = failure("memory", f"the case took {used:.0f} MB of memory; the limit is {limit} MB")
            self._kill()

    def _kill(self) -> None:
        """End the case; where that is the tree's process, or the case was killed in vain, end the tree."""
        if self.pid is None or not self._tree.forks or self._is_killed:
            self._tree.connection.is_open = False
        else:
            self._serve({"do": "kill", "pid": self.pid})
        self._is_killed = True

    # -- the end

    def _finish(self) -> Message:
        while _is_readable(self._tree.stderr) and self._tree.read_stderr():
            pass
        if self._answer is None:
            for message in self._answers.drain():
                self._answer = message
        if not self._tree.connection.is_open:
            status = self._tree.end(self._serve)
            self._status = self._status if self._status is not None else status
        elif self.pid is not None:
            self._serve({"do": "sweep", "pid": self._tree.pid, "keep": self._spared})
        return self._answer or self._explain()

    def _explain(self) -> Message:
        """What the exit status says, for want of an answer."""
        where = self._where()
        if self._status is None:
            return failure("crash", "the process ended without an answer", where)
        if os.WIFSIGNALED(self._status):
            number = os.WTERMSIG(self._status)
            reason = signal.strsignal(number) or "unknown signal"
            hint = "; the system was out of memory, or the code killed itself" if number == signal.SIGKILL else ""
            return failure("crash", f"the process was ended by signal {number} ({reason.lower()}){hint}", where)
        code = os.WEXITSTATUS(self._status)
        if code == _NO_ANSWER:
            why = _GIVEN_UP.findall(self._tree.tail.decode("utf-8", "replace")) or ["the code closes files of others"]
            return failure("crash", f"the process could not go on: {why[-1]}", where)
        if code == 1 and b"Timeout (" in self._tree.tail:  # `faulthandler` has ended it
            return failure("timeout", "it did not end within the time limit", where)
        return failure("exit", f"the code ended the process with exit status {code}", where)

    def _where(self) -> str:
        """The innermost frame inside the tree, out of what `faulthandler` wrote (most recent call first)."""
        prefix = f"{self._tree.root}{os.sep}"
        for path, line in _FRAME.findall(self._tree.tail.decode("utf-8", "replace")):
            if path.startswith(prefix):
                return f"{path.removeprefix(prefix)}:{line}"
        return ""


def _is_readable(descriptor: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(0))
