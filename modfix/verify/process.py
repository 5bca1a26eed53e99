"""Worker processes: start, ask, limit, end.

One server process per interpreter has torch loaded; each tree is a process forked from it that imports the project's
modules once; each case is a process forked from that one (on the CPU), or runs in the tree's process (CUDA). The clock
and the memory are watched from here, since none of those that run code of the project can be relied on. What that code
does wrong comes back as a value (``{"failed": ...}``), never as an exception.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, cast

from modfix.model.verdict import Environment
from modfix.verify.connection import Connection, Message
from modfix.verify.supervise import Limits, TreeProcess, failure, supervise

Isolation = Literal["fork", "process"]

_ENTRY = Path(__file__).with_name("worker") / "main.py"
_START_LIMIT_S = 300  # importing torch from a cold disk on a busy machine
_ANSWER_LIMIT_S = 60  # of the server, which never runs code of the project
_FREE_MEMORY_SHARE = 0.75


class WorkerError(Exception):
    """The interpreter cannot be used at all; the message says why and what to do."""


class ServerGoneError(WorkerError):
    """The server process has ended, which it never does by itself."""


class CaseError(Exception):
    """A question that a tree did not answer. ``kind`` is that of a failure, ``where`` is ``path:line``."""

    def __init__(self, kind: str, message: str, where: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.where = where


def find_interpreter(repository: Path) -> Path:
    """The interpreter of the project: that of its ``.venv``, else ours."""
    own = repository / ".venv" / "bin" / "python"
    return own if own.is_file() else Path(sys.executable)


class Workers:
    """A server process and the trees that were opened with it; use it as a context manager.

    Nothing is left of its processes and of its folder `scratch` when the context ends, nor when this process is killed.
    """

    entry = _ENTRY  # the script that the interpreter runs

    def __init__(
        self,
        *,
        python: Path | None = None,
        device: str = "auto",
        time_limit_s: float = 60,
        memory_limit_mb: int | None = None,
        threads: int = 1,
    ) -> None:
        """Describe the workers; entering the context starts them.

        ``python`` is the interpreter, ours by default. ``device`` is "auto" (CUDA where there is some), "cpu" or
        "cuda". The limits hold for each import of a tree and for each case; ``memory_limit_mb`` is three quarters of
        what is free by default. ``isolation`` is by default "fork" for jobs on the CPU, "process" for others.
        """
        self.python = python or Path(sys.executable)
        self.environment = Environment()
        self.scratch = Path()
        self._device = device
        self._limits = Limits(time_limit_s, memory_limit_mb if memory_limit_mb is not None else _memory_to_use_mb())
        self._threads = threads
        self._sides: list[Side] = []
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self.generation = 0  # how many servers have started

    def __enter__(self) -> Workers:
        """Start the server.

        Raises:
            WorkerError: the interpreter is missing, too old, or has no torch that works.
        """
        self.scratch = Path(tempfile.mkdtemp(prefix="modfix-verify-")).resolve()
        try:
            (self.scratch / "tmp").mkdir()
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes and remove the scratch folder."""
        for side in self._sides:
            side.close()
        self._sides.clear()
        if self._connection is not None:
            self._connection.close()  # the server ends everything below it and itself
            self._connection = None
        if self._process is not None:
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self.scratch.name:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def open(
        self,
        root: Path,
        *,
        watch: Mapping[str, Iterable[int]] | None = None,
        isolation: Isolation | None = None,
    ) -> Side:
        """A side whose tree is the folder ``root``. Its process starts with the first question.

        Cases are run in a process each where ``isolation`` is "fork", one after the other in the same process where it
        is "process". By default jobs on the CPU are forked; those on CUDA cannot be.
        ``watch`` (path relative to ``root`` -> line numbers) are lines to be watched from the first import on; lines
        that only a later request asks for are not seen where an import ran them before.
        """
        side = Side(self, root.resolve(), isolation, {path: sorted(lines) for path, lines in (watch or {}).items()})
        self._sides.append(side)
        return side

    def _start(self) -> None:
        self._connection, theirs = Connection.pair()
        log = self.scratch / "server.log"
        try:
            with log.open("wb") as stderr:
                self._process = subprocess.Popen(
                    [self.python, "-B", self.entry, str(theirs.fileno()), self.scratch],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    cwd=self.scratch,
                    env=self._variables(),
                    start_new_session=True,  # Ctrl-C is for us; the server ends when we do
                )
        except OSError as error:
            raise WorkerError(f"`{self.python}` cannot be run: {(error.strerror or str(error)).lower()}") from error
        finally:
            theirs.close()
        try:
            hello = self._connection.receive(_START_LIMIT_S)
        except TimeoutError:
            raise WorkerError(f"`{self.python}` did not start within {_START_LIMIT_S} s") from None
        if hello is None or "ready" not in hello:
            raise WorkerError(self._explain(hello, log))
        self.environment = self._describe(cast("Message", hello["ready"]))
        self.generation += 1

    def restart(self) -> None:
        """Start a new server where the code has ended the old one, and with it all trees.

        Raises:
            WorkerError: it does not start.
        """
        with self._lock:
            if self._process is None or self._connection is None:
                raise WorkerError("the workers are closed")
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:  # it lives: somebody else has started it
                return
            self._connection.close()
            self._start()

    def _variables(self) -> dict[str, str]:
        variables = dict(os.environ)
        for name in ("PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONPROFILEIMPORTTIME"):
            variables.pop(name, None)
        if self.python != Path(sys.executable):
            variables.pop("PYTHONPATH", None)  # leads to packages of our interpreter
        count = str(self._threads)
        variables.update(
            PYTHONHASHSEED="0",
            PYTHONDONTWRITEBYTECODE="1",
            OMP_NUM_THREADS=count,
            MKL_NUM_THREADS=count,
            OPENBLAS_NUM_THREADS=count,
            CUBLAS_WORKSPACE_CONFIG=":4096:8",
            TORCHDYNAMO_DISABLE="1",
            PYTORCH_NVML_BASED_CUDA_CHECK="1",
            MPLBACKEND="Agg",
            TMPDIR=str(self.scratch / "tmp"),
        )
        return variables

    def _explain(self, hello: Message | None, log: Path) -> str:
        """Why the server did not start."""
        if hello is not None:
            message = cast("Mapping[str, str]", hello["failed"])["message"]
            return f"`{self.python}` has no torch that works ({message}): name an interpreter with `--python`"
        version = self._ask_version()
        if version is not None and version < (3, 8):
            found = ".".join(map(str, version))
            return f"`{self.python}` is Python {found}; the verifier needs 3.8 or newer: name another with `--python`"
        tail = log.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
        return f"`{self.python}` ended while it started: {tail or 'no message'}"

    def _ask_version(self) -> tuple[int, ...] | None:
        command = [str(self.python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            output = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
            return tuple(int(part) for part in output.strip().split("."))
        except (OSError, ValueError, subprocess.SubprocessError):
            return None

    def _describe(self, ready: Message) -> Environment:
        device = self._device
        if device == "auto":
            device = "cuda" if ready["cuda"] else "cpu"
        elif device.startswith("cuda") and not ready["cuda"]:
            raise WorkerError(f"torch of `{self.python}` finds no CUDA device: use `--device cpu`")
        return Environment(str(ready["python"]), str(ready["torch"]), device, self._threads, str(ready["rules"]))

    # -- for `Side`

    @property
    def limits(self) -> Limits:
        """Of one case."""
        return self._limits

    def start_tree(self, root: Path, isolation: Isolation, watch: Mapping[str, list[int]]) -> TreeProcess:
        """Fork the process of a tree.

        Raises:
            WorkerError: the server is gone.
        """
        connection, theirs = Connection.pair()
        stderr, their_stderr = os.pipe()
        options = {
            "do": "open",
            "root": str(root),
            "isolation": isolation,
            "threads": self._threads,
            "memory_limit_mb": self._limits.memory_mb,
            "watch": watch,
        }
        try:
            answer = self.serve(options, [theirs.fileno(), their_stderr])
        except BaseException:
            connection.close()
            os.close(stderr)
            raise
        finally:
            theirs.close()
            os.close(their_stderr)
        pid = cast("int", answer["pid"])
        return TreeProcess(pid, self.generation, root, connection, stderr, forks=isolation == "fork")

    def serve(self, request: Message, descriptors: Iterable[int] = ()) -> Message:
        """What the server answers to ``request``.

        Raises:
            WorkerError: it is gone.
        """
        with self._lock:
            if self._connection is None:
                raise WorkerError("the workers are not running")
            try:
                self._connection.send(request, list(descriptors))
                answer = self._connection.receive(_ANSWER_LIMIT_S)
            except TimeoutError as error:
                raise WorkerError("the worker's server process does not answer") from error
            except OSError:
                answer = None
        if answer is None:
            raise ServerGoneError("the worker's server process has ended")
        return answer


class Side:
    """One tree. It answers one question after the other, from any thread; two sides may be asked at the same time."""

    def __init__(
        self, workers: Workers, root: Path, isolation: Isolation | None, watch: Mapping[str, list[int]]
    ) -> None:
        self.root = root
        self._workers = workers
        self._isolation = isolation
        self._watch = watch
        self._lock = threading.Lock()
        self._is_closed = False
        self._trees: dict[Isolation, TreeProcess] = {}
        self._broken: dict[tuple[str, ...], Message] = {}  # modules -> how importing them ended the tree's process

    @property
    def scratch(self) -> Path:
        """A folder that both this process and those of the tree can write to; it is gone when the workers are."""
        return self._workers.scratch

    def close(self) -> None:
        """End the processes of this tree; a question that is being answered in another thread ends with a failure."""
        self._is_closed = True
        for tree in self._trees.values():
            tree.connection.interrupt()
        with self._lock:
            for tree in self._trees.values():
                self._end(tree)
            self._trees.clear()

    def list_cases(self, listed: str) -> list[str]:
        """The names of the cases that the function ``listed`` (``package.module:cases``) of the tree lists.

        Raises:
            CaseError: the tree cannot be imported, or has no such function.
            WorkerError: the server process is gone.
        """
        answer = self.ask({"job": "list", "listed": listed})
        if "failed" in answer:
            failed = cast("Mapping[str, str]", answer["failed"])
            raise CaseError(failed["kind"], failed["message"], failed["where"])
        return cast("list[str]", answer["names"])

    def ask(self, job: Mapping[str, object], *, time_limit_s: float | None = None) -> dict[str, object]:
        """Have ``job`` done: an observation, or ``{"failed": {"kind", "message", "where"}}``.

        Its keys: ``job`` ("proof", "numeric", "contracts"), ``case`` (a `CaseSpec` as JSON), ``watch`` (path ->
        line numbers, optional); all others are keyword arguments of the observer. ``time_limit_s`` replaces that of the
        workers.

        Raises:
            WorkerError: the workers are closed, or a new server does not start; whatever the project's code does is no
                reason.
        """
        with self._lock:
            if self._is_closed:
                raise WorkerError("the side is closed")
            modules = _modules(job)
            if modules in self._broken:
                return self._broken[modules]
            try:
                return self._ask_tree(job, modules, self._workers.limits.within(time_limit_s))
            except ServerGoneError:
                self._workers.restart()
                return failure("crash", "the code ended the processes of the verifier")

    def _ask_tree(self, job: Mapping[str, object], modules: tuple[str, ...], limits: Limits) -> Message:
        tree = self._tree(self._isolation or _isolation_for(job, self._workers.environment.device))
        ours, theirs = Connection.pair()
        try:
            answer, was_importing = self._ask(tree, job, limits, ours, theirs)
        finally:
            ours.close()
        if was_importing and not tree.is_alive:
            self._broken[modules] = answer
        return answer

    def _ask(
        self,
        tree: TreeProcess,
        job: Mapping[str, object],
        limits: Limits,
        ours: Connection,
        theirs: socket.socket,
    ) -> tuple[Message, bool]:
        try:
            tree.connection.send(job, [theirs.fileno()])
        except OSError:
            self._end(tree)
            return failure("crash", "the process of the tree ended before it was asked"), False
        finally:
            theirs.close()
        return supervise(tree, ours, limits, self._workers.serve)

    def _tree(self, isolation: Isolation) -> TreeProcess:
        tree = self._trees.get(isolation)
        if tree is not None and tree.generation != self._workers.generation:
            tree.close()  # it ended with its server
        if tree is not None and tree.is_alive and not any(tree.connection.drain()) and not tree.connection.is_open:
            self._end(tree)  # it ended since it was asked last
        if tree is None or not tree.is_alive:
            tree = self._trees[isolation] = self._workers.start_tree(self.root, isolation, self._watch)
        return tree

    def _end(self, tree: TreeProcess) -> None:
        with contextlib.suppress(WorkerError):  # the server is gone, and all trees with it
            tree.end(self._workers.serve)


def _isolation_for(job: Mapping[str, object], automatic: str) -> Isolation:
    device = str(job.get("device", "cpu"))
    return "process" if (automatic if device == "auto" else device).startswith("cuda") else "fork"


def _modules(job: Mapping[str, object]) -> tuple[str, ...]:
    case = cast("Mapping[str, object]", job.get("case") or job)
    return tuple(str(case[key]).partition(":")[0] for key in ("model", "listed", "inputs") if case.get(key))


def _memory_to_use_mb() -> int | None:
    """Three quarters of what is free; None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            free_kb = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None
    return int(free_kb / 1024 * _FREE_MEMORY_SHARE)
