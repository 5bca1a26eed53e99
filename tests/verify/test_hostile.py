"""Code that misbehaves: each is a failure with a kind and a reason, the next case runs, and nothing is left behind."""

from __future__ import annotations

import re
import time
from pathlib import Path
from textwrap import dedent, indent

import pytest

from modfix.verify.process import Isolation, Workers
from tests.verify.conftest import MakeProject, Project

pytest.importorskip("torch")

ISOLATIONS: tuple[Isolation, ...] = ("fork", "process")
SHORT_S = 1.5  # of what is to run into its limit
GOOD = """
    import torch

    class Good(torch.nn.Module):
        def forward(self, x):
            return x + 1
"""
PRELUDE = """
import atexit, builtins, ctypes, json, os, random, select, signal, socket, subprocess, sys, threading, time
import torch
"""


def module_with(*, at_import: str = "", in_forward: str = "return x") -> str:
    lines = ["class Bad(torch.nn.Module):", "    def forward(self, x):"]
    return "\n".join([PRELUDE, dedent(at_import), *lines, indent(dedent(in_forward), " " * 8)])


def assert_goes_on(project: Project) -> None:
    project.time_limit_s = None
    assert project.ask("good:Good")["items"] == {"call0": "tensor([2., 2.])"}


ENDS = {  # what forward does -> kind and reason
    "segmentation fault": ("ctypes.string_at(0)", "crash", r"signal 11 \(segmentation fault\)"),
    "abort": ("os.abort()", "crash", r"signal 6 \(aborted\)"),
    "endless loop": ("while True: pass", "timeout", "the case did not end within 1.5 s"),
    "endless loop that catches all": (
        "while True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass",
        "timeout",
        "the case did not end",
    ),
    "endless loop in C": ("ctypes.CDLL(None).pause()", "timeout", "the case did not end"),
    "deaf to signals": (
        "for s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n    except OSError: pass\ntime.sleep(60)",
        "timeout",
        "the case did not end",
    ),
    "os._exit": ("os._exit(0)", "exit", "the code ended the process with exit status 0"),
    "sys.exit": ("sys.exit('no such dataset')", "exit", "SystemExit: no such dataset"),
    "quit": ("raise KeyboardInterrupt", "exit", "KeyboardInterrupt"),
    "input": ("input('continue? ')", "stdin", "the code asks for input on stdin"),
    "input, caught": ("try:\n    input()\nexcept EOFError as e:\n    raise ValueError('hm') from e", "stdin", "input"),
    "read of stdin": ("sys.stdin.read()", "stdin", "the code asks for input"),
    "debugger": ("breakpoint()", "stdin", "the code asks for input"),
    "network": ("socket.create_connection(('example.com', 80))", "network", r"the network \(example.com:80\)"),
    "network by number": ("socket.socket().connect(('192.0.2.1', 80))", "network", r"\(192.0.2.1:80\)"),
    "network, wrapped": (
        "import urllib.request\nurllib.request.urlopen('http://example.com/weights.pt')",
        "network",
        r"the network \(example.com:80\)",
    ),
    "recursion": ("return self(x)", "forward", "RecursionError: maximum recursion depth exceeded"),
    "recursion without a limit": ("sys.setrecursionlimit(10**9)\nreturn self(x)", "crash", "signal 11"),
    "memory bomb": ("return torch.ones(1 << 40)", "memory", "can't allocate memory"),
    "memory bomb in Python": ("x = []\nwhile True: x.append(b'x' * (50 << 20))", "memory", "MemoryError|took .* MB"),
    "memory bomb in a child": (
        "child = 'x = []\\nwhile True: x.append(bytearray(50 << 20))'\n"
        "subprocess.run(['prlimit', '--data=unlimited', sys.executable, '-c', child])\ntime.sleep(5)",
        "memory",
        "the case took .* MB of memory; the limit is 500 MB",
    ),
    "an error that cannot be shown": (
        "class E(Exception):\n    def __str__(self): raise RuntimeError\nraise E",
        "forward",
        "its message cannot be shown",
    ),
    "an error that refuses attributes": (
        "class E(Exception):\n    def __setattr__(self, *a): raise TypeError('no')\nraise E('really')",
        "forward",
        "E: really",
    ),
    "a gigantic error": ("raise ValueError('x' * 50_000_000)", "forward", r"x\.\.\. \(50000000 characters\)"),
    "an error chain that is a ring": (
        "a, b = ValueError('a'), ValueError('b')\na.__cause__ = b\nb.__cause__ = a\nraise a",
        "forward",
        "ValueError: a",
    ),
    "alarm": ("signal.setitimer(signal.ITIMER_REAL, 0.1)\ntime.sleep(30)", "crash", r"signal 14 \(alarm clock\)"),
    "kill of itself": ("os.kill(os.getpid(), signal.SIGKILL)", "crash", "signal 9 .*out of memory, or the code"),
    "kill of its group": ("os.killpg(0, signal.SIGKILL)", "crash", "signal 9"),
    "kill of its parent": ("os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(30)", "crash", "signal 9|ended"),
    "closing all files": ("os.closerange(0, 4096)\nreturn x", "crash", "could not go on|ended"),
}


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("name", ENDS)
def test_misbehaviour_in_a_case_is_told(make_project: MakeProject, isolation: Isolation, name: str) -> None:
    body, kind, message = ENDS[name]
    project = make_project(isolation, bad=module_with(in_forward=body), good=GOOD)
    project.time_limit_s = SHORT_S if kind == "timeout" else None
    failed = project.failed("bad:Bad")
    assert failed["kind"] == kind, failed
    assert_matches(message, failed["message"])
    assert len(failed["message"]) < 3000
    assert_goes_on(project)


def assert_matches(pattern: str, text: str) -> None:
    assert re.search(pattern, text), text


HARMLESS = {  # what forward does and may do
    "flood on stdout": "line = 'x' * 1_000_000\nfor _ in range(300): print(line)\nreturn x",
    "flood on file descriptors": "for _ in range(200): os.write(1, b'x' * 1_000_000); os.write(2, b'y' * 100_000)\nreturn x",
    "flood of a child": "subprocess.run('head -c 300000000 /dev/zero', shell=True)\nreturn x",
    "threads that go on": "for _ in range(9): threading.Thread(target=time.sleep, args=(600,)).start()\nreturn x",
    "atexit": "atexit.register(time.sleep, 600)\nreturn x",
    "no working directory": "import shutil\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\nreturn x",
    "closing of output": "sys.stdout.close(); sys.stderr.close(); os.close(1); os.close(2)\nreturn x",
    "replaced functions": (
        "json.dumps = json.loads = os.write = os.read = os.fork = os.waitpid = torch.manual_seed = None\n"
        "json.JSONEncoder.encode = json.JSONEncoder.iterencode = os._exit = os.getpid = None\n"
        "socket.socket = socket.socketpair = select.select = builtins.open = threading.Thread = None\nreturn x"
    ),
    "signal handlers": "signal.signal(signal.SIGALRM, lambda *a: 1 / 0); signal.setitimer(signal.ITIMER_REAL, 0.01)\n"
    "try: time.sleep(5)\nexcept ZeroDivisionError: return x",
    "network within the machine": "s = socket.create_server(('127.0.0.1', 0))\n"
    "socket.create_connection(s.getsockname()[:2])\nreturn x",
    "network, caught": "try: socket.create_connection(('example.com', 80))\nexcept OSError: return x",
    "tracing": "sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)\nreturn x",
    "default dtype": "torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False)\nreturn x.double()",
}


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_no_harm_is_no_failure(make_project: MakeProject, isolation: Isolation, name: str) -> None:
    if isolation == "process" and name == "replaced functions":
        pytest.skip("what the project breaks stays broken in its process")
    project = make_project(isolation, bad=module_with(in_forward=HARMLESS[name]), good=GOOD)
    assert project.ask("bad:Bad")["items"] == {"call0": "tensor([1., 1.])"}
    assert_goes_on(project)


IMPORTS = {
    "exception": ("raise ValueError('no GPU')", "import", "ValueError: no GPU"),
    "missing package": ("import nowhere_to_be_found", "import", "No module named 'nowhere_to_be_found'"),
    "sys.exit": ("sys.exit(3)", "exit", "SystemExit: 3"),
    "os._exit": ("os._exit(3)", "exit", "the code ended the process with exit status 3"),
    "segmentation fault": ("ctypes.string_at(0)", "crash", "signal 11"),
    "endless": ("time.sleep(600)", "timeout", "the import did not end within 1.5 s"),
    "input": ("input()", "stdin", "the code asks for input"),
    "network": ("socket.create_connection(('example.com', 80))", "network", "example.com:80"),
    "memory bomb": ("x = []\nwhile True: x.append(b'x' * (50 << 20))", "memory", "took .* MB"),
    "kill of its group": ("os.killpg(0, signal.SIGKILL)", "crash", "signal 9"),
    "closing all files": ("os.closerange(0, 4096)", "crash|exit", ""),
}


@pytest.mark.parametrize(
    ("name", "isolation"),
    [*((name, "fork") for name in IMPORTS), *((name, "process") for name in ("sys.exit", "os._exit", "endless"))],
)
def test_misbehaviour_at_import_is_told_and_not_tried_again(
    make_project: MakeProject, isolation: Isolation, name: str
) -> None:
    body, kind, message = IMPORTS[name]
    project = make_project(isolation, bad=module_with(at_import=body), good=GOOD)
    assert_goes_on(project)
    project.time_limit_s = SHORT_S if kind == "timeout" else None
    failed = project.failed("bad:Bad")
    assert_matches(kind, failed["kind"])
    assert_matches(message, failed["message"])
    started = time.monotonic()
    assert project.failed("bad:Other") == failed
    assert time.monotonic() - started < 1
    assert_goes_on(project)


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_what_a_module_replaces_at_import_does_not_break_the_worker(
    make_project: MakeProject, isolation: Isolation
) -> None:
    replaced = """
        json.dumps = json.loads = os.write = os.read = os.chdir = torch.manual_seed = random.seed = None
        os.fork = os.waitpid = os.setsid = os._exit = os.getpid = os.close = builtins.open = None
        json.JSONEncoder.encode = json.JSONEncoder.iterencode = json.JSONDecoder.decode = None
        socket.socket = socket.socketpair = select.select = threading.Thread = None
    """
    project = make_project(isolation, bad=module_with(at_import=replaced), good=GOOD)
    for _ in range(2):
        assert project.ask("bad:Bad")["items"] == {"call0": "tensor([1., 1.])"}
    assert_goes_on(project)


PLACES = {
    "exception": "\nraise ValueError",
    "segmentation fault": "\nctypes.string_at(0)",
    "network": "\nsocket.create_connection(('example.com', 80))",
}


@pytest.mark.parametrize("name", PLACES)
def test_the_line_is_named(make_project: MakeProject, name: str) -> None:
    source = module_with(in_forward=PLACES[name])
    project = make_project(pkg__bad=source)
    line = len(source.rstrip().split("\n"))
    assert project.failed("pkg.bad:Bad")["where"] == f"pkg/bad.py:{line}"


LEFT_BEHIND = {
    "child": "subprocess.Popen(['sleep', '600'])",
    "child in a session of its own": "subprocess.Popen(['sleep', '600'], start_new_session=True)",
    "daemon": "subprocess.run('setsid sleep 600 & disown', shell=True, executable='/bin/bash')",
    "children that fork": "subprocess.Popen('f() { sleep 600 & sleep 0.01; f; }; f', shell=True, start_new_session=True)",
    "fork": "if not os.fork():\n    os.setsid()\n    time.sleep(600)",
}


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize(
    ("name", "then"),
    [*((name, "return x") for name in LEFT_BEHIND), ("daemon", "os._exit(0)"), ("daemon", "time.sleep(600)")],
)
def test_processes_that_a_case_leaves_behind_are_ended(
    make_project: MakeProject, plain_workers: Workers, isolation: Isolation, name: str, then: str
) -> None:
    body = f"{LEFT_BEHIND[name]}\n{then}"
    project = make_project(isolation, bad=module_with(in_forward=body), good=GOOD)
    assert_goes_on(project)
    project.time_limit_s = SHORT_S if "sleep" in then else None
    before = set(below(plain_workers))
    answer = project.ask("bad:Bad")
    assert ("items" in answer) == (then == "return x"), answer
    strays = [pid for pid in below(plain_workers) if pid not in before and "main" not in name_of(pid)]
    assert [name_of(pid) for pid in strays if "sleep" in name_of(pid) or "sh" in name_of(pid)] == []
    assert len(strays) <= (0 if then == "return x" or isolation == "fork" else 1)


def test_a_helper_that_an_import_starts_lives_on(make_project: MakeProject) -> None:
    source = module_with(
        at_import="helper = subprocess.Popen(['sleep', '600'])",
        in_forward="os.kill(helper.pid, 0)\nreturn x",
    )
    project = make_project(bad=source)
    for _ in range(2):
        assert "items" in project.ask("bad:Bad")


def test_a_case_does_not_write_into_the_project(make_project: MakeProject) -> None:
    project = make_project(bad=module_with(), good=GOOD)
    project.ask("bad:Bad")
    assert_goes_on(project)
    assert not list(project.root.rglob("__pycache__"))


def below(workers: Workers) -> list[int]:
    assert workers._process is not None
    found = [workers._process.pid]
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(path.parent.name)] = int(fields[1])
    for parent in found:
        found += [pid for pid, its in parents.items() if its == parent]
    return found[1:]


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
