"""What keeps the project's code from doing harm, and from leaving anything behind.

No sandbox against an attacker: it is for code that crashes, hangs, floods, forks, waits for input or wants the network.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import faulthandler
import gc
import io
import os
import random
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, Callable, NoReturn

import torch

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LINUX = sys.platform.startswith("linux")
_libc = ctypes.CDLL(None, use_errno=True) if _LINUX else None
_MIB = 1 << 20
# Bound early: needed after code of the project has run, which may replace them.
_open, _chdir, _getppid = open, os.chdir, os.getppid
_torch_seed, _random_seed = torch.manual_seed, random.seed


class NetworkError(OSError):
    """The code wanted to connect to another machine."""


class NoInputError(EOFError):
    """The code asked the user for input."""


def refusal(what: str, error: str) -> Exception:
    """What was refused, an entry of `blocked`, as an exception; ``error`` is what the code made of it."""
    kind, _, address = what.partition(" ")
    if kind == "network":
        return NetworkError(errno.ENETUNREACH, f"{_NETWORK.format(address)} ({error})")
    return NoInputError(f"{_STDIN} ({error})")


_STDIN = "the code asks for input on stdin, and there is nobody to answer"
_NETWORK = "the code wants the network ({}), which the verifier does not give"
blocked: list[str] = []  # what was asked for and refused, in this process: "network host:443", "stdin"


# -- processes ---------------------------------------------------------------------------------------------------------


def adopt_orphans() -> None:
    """Make this process the parent of all orphans among its descendants, so that it can find and end them."""
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with(parent: int) -> None:
    """Have this process killed when its parent, which had the number ``parent``, ends."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if _getppid() != parent:  # it ended before the request
        os._exit(1)


def children() -> dict[int, list[int]]:
    """All processes of the system, by the number of their parent."""
    found: dict[int, list[int]] = {}
    for child, parent in _processes():
        found.setdefault(parent, []).append(child)
    return found


def below(pid: int, tree: Mapping[int, list[int]]) -> list[int]:
    """The descendants of ``pid`` in ``tree`` (see `children`), parents first."""
    found = [pid]
    for parent in found:
        found += tree.get(parent, ())
    return found[1:]


def _processes() -> Iterator[tuple[int, int]]:
    """All processes as (pid, pid of the parent)."""
    if not os.path.isdir("/proc/self"):
        with os.popen("ps -A -o pid=,ppid=") as listing:
            for line in listing:
                pid, parent = line.split()
                yield int(pid), int(parent)
        return
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), _open(f"/proc/{name}/stat", "rb") as file:
                yield int(name), int(file.read().rpartition(b")")[2].split()[1])  # the name may hold anything


def kill_all(find: Callable[[], list[int]]) -> None:
    """Kill the processes that ``find`` finds, and what they fork meanwhile."""
    stopped: set[int] = set()
    while True:  # stop them all first: what is stopped cannot fork
        fresh = set(find()) - stopped
        if not fresh:
            break
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        stopped |= fresh
    for pid in stopped:
        _signal(pid, signal.SIGKILL)
    deadline = time.monotonic() + 2  # one that the kernel holds may take longer
    while time.monotonic() < deadline and not all(map(_has_ended, stopped)):
        time.sleep(0.001)


def _has_ended(pid: int) -> bool:
    try:
        with _open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return True


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


# -- memory ------------------------------------------------------------------------------------------------------------


def memory_used_mb(pid: int) -> float:
    """Memory that ``pid`` and all below it hold, where the system says it; what they share is counted once."""
    return sum(_memory_kb(process) for process in (pid, *below(pid, children()))) / 1024


def _memory_kb(pid: int) -> int:
    try:
        with _open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1])
    except OSError:
        pass  # no such process any more, or no Linux
    return 0


def limit_memory(limit_mb: int | None) -> None:
    """Let this process allocate no more than ``limit_mb`` beyond what it has; None takes the limit away."""
    if not _LINUX:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = hard
    if limit_mb is not None:
        with _open("/proc/self/status", "rb") as file:
            used_kb = next(int(line.split()[1]) for line in file if line.startswith(b"VmData:"))
        soft = used_kb * 1024 + limit_mb * _MIB
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


# -- input, output, network --------------------------------------------------------------------------------------------


def detach(stderr: int) -> None:
    """Start a session of its own: standard input is empty, standard output goes nowhere, errors to ``stderr``."""
    with contextlib.suppress(OSError):
        os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.dup2(stderr, 2)
    os.close(null)
    sys.stdin = _NoInput()
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    faulthandler.enable(file=2, all_threads=False)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


class _NoInput(io.TextIOBase):
    """Standard input of code that has nobody to talk to."""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> str:
        return self._refuse()

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # of TextIOBase: the stub says bytes
        return self._refuse()

    def __next__(self) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        blocked.append("stdin")
        raise NoInputError(_STDIN)


def block_network() -> None:
    """Refuse connections to other machines from Python code; sockets within this machine work."""
    plain_connect, plain_connect_ex = socket.socket.connect, socket.socket.connect_ex
    plain_sendto, plain_lookup = socket.socket.sendto, socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> None:
        _check(self, address)
        return plain_connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        _check(self, address)
        return plain_connect_ex(self, address)

    def sendto(self: socket.socket, data: Any, *rest: Any) -> int:
        _check(self, rest[-1])
        return plain_sendto(self, data, *rest)

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        _check_host(host, port)
        return plain_lookup(host, port, *args, **kwargs)

    socket.socket.connect = connect  # type: ignore[method-assign, assignment]  # the point of it
    socket.socket.connect_ex = connect_ex  # type: ignore[method-assign, assignment]
    socket.socket.sendto = sendto  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = getaddrinfo


def _check(connection: socket.socket, address: Any) -> None:
    if connection.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
        _check_host(address[0], address[1])


def _check_host(host: Any, port: Any) -> None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name in (None, "", "localhost", "::1", "0.0.0.0", "::") or str(name).startswith("127."):
        return
    blocked.append(f"network {name}:{port}")
    raise NetworkError(errno.ENETUNREACH, _NETWORK.format(f"{name}:{port}"))


# -- state between cases -----------------------------------------------------------------------------------------------


def calm_signals() -> None:
    """Take back timers and signal handlers that the project's code has installed."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_DFL)


def seed() -> None:
    """Seed every generator that is loaded, so that code which draws numbers at import draws the same on both sides."""
    _random_seed(0)
    _torch_seed(0)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(0)


def reset(root: str, threads: int) -> None:
    """Undo what one case may have changed for the next one in the same process."""
    calm_signals()
    enter(root)
    sys.setrecursionlimit(1000)
    sys.settrace(None)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)
    torch.autograd.set_detect_anomaly(False)
    if hasattr(torch, "set_default_device"):
        torch.set_default_device(None)
    for device in ("cpu", "cuda"):
        torch.set_autocast_enabled(False) if device == "cuda" else torch.set_autocast_cpu_enabled(False)
    blocked.clear()
    seed()
    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
        torch.cuda.empty_cache()


def enter(root: str) -> None:
    """Make ``root`` the working directory, or the folder above it where the code has removed it."""
    try:
        _chdir(root)
    except OSError:
        _chdir(os.path.dirname(root) if os.path.isdir(os.path.dirname(root)) else "/")
