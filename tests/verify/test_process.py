from __future__ import annotations

import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from modfix.verify import process
from modfix.verify.process import CaseError, Isolation, WorkerError, Workers, find_interpreter
from tests.verify.conftest import MakeProject, Project

pytest.importorskip("torch")

ISOLATIONS: tuple[Isolation, ...] = ("fork", "process")
NET = """
    import os
    import torch

    COUNT = 0

    class Net(torch.nn.Module):
        def __init__(self, factor=2):
            super().__init__()
            self.factor = factor

        def forward(self, x):
            global COUNT
            COUNT += 1
            return x * self.factor

    class Count(torch.nn.Module):
        def forward(self, x):
            return COUNT

    class Process(torch.nn.Module):
        def forward(self, x):
            return os.getpid(), os.getppid()

    class Draw(torch.nn.Module):
        def forward(self, x):
            import random
            return random.random(), torch.rand(1)

    def cases():
        return [("one", Net, lambda: (torch.ones(1),)), ("two", Net, lambda: (torch.ones(2),))]
"""


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_what_was_refused_is_no_error_of_the_model(make_project: MakeProject, isolation: Isolation) -> None:
    source = NET.replace("return COUNT", "import socket; socket.create_connection(('example.com', 80))")
    project = make_project(isolation, net=source)
    case = {"name": "net", "model": "net:Count", "args": ["ones(2)"]}
    answer: Any = project.side.ask({"job": "numeric", "case": case})
    assert answer["failed"]["kind"] == "network"
    answer = project.side.ask({"job": "proof", "case": case, "rung": "real"})
    assert answer["failed"]["kind"] == "network"
    assert "example.com:80" in answer["failed"]["message"]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_case_is_built_and_called(make_project: MakeProject, isolation: Isolation) -> None:
    project = make_project(isolation, net=NET)
    assert project.ask("net:Net(3)")["items"] == {"call0": "tensor([3., 3.])"}
    assert project.ask("net:Net", "zeros(1)", calls=2)["items"] == {"call0": "tensor([0.])", "call1": "tensor([0.])"}


def test_a_forked_case_leaves_no_state_and_the_import_happens_once(make_project: MakeProject) -> None:
    project = make_project("fork", net=NET)
    one, two = (eval(project.ask("net:Process")["items"]["call0"]) for _ in range(2))
    assert one[0] != two[0]
    assert one[1] == two[1]
    project.ask("net:Net")
    assert project.ask("net:Count")["items"] == {"call0": "0"}


def test_in_one_process_cases_follow_each_other(make_project: MakeProject) -> None:
    project = make_project("process", net=NET)
    one, two = (project.ask("net:Process")["items"] for _ in range(2))
    assert one == two
    project.ask("net:Net")
    assert project.ask("net:Count")["items"] == {"call0": "1"}
    assert project.ask("net:Draw")["items"] == project.ask("net:Draw")["items"]


def test_jobs_on_cuda_are_not_forked() -> None:
    assert process._isolation_for({"device": "cuda:1"}, "cpu") == "process"
    assert process._isolation_for({"device": "auto"}, "cuda") == "process"
    assert process._isolation_for({"device": "auto"}, "cpu") == "fork"
    assert process._isolation_for({"device": "cpu"}, "cuda") == "fork"
    assert process._isolation_for({}, "cuda") == "fork"


def test_cases_that_a_function_lists(make_project: MakeProject) -> None:
    project = make_project(net=NET)
    assert project.side.list_cases("net:cases") == ["one", "two"]
    answer: Any = project.side.ask({"job": "plain", "case": {"name": "two", "listed": "net:cases"}})
    assert answer["items"] == {"call0": "tensor([2., 2.])"}
    with pytest.raises(CaseError, match="has no `casses`") as error:
        project.side.list_cases("net:casses")
    assert error.value.kind == "import"


def test_real_jobs_are_known(make_project: MakeProject) -> None:
    project = make_project(net=NET)
    case = {"name": "net", "model": "net:Net", "args": ["ones(2)"]}
    answer: Any = project.side.ask({"job": "proof", "case": case, "rung": "fake"})
    assert answer["records"]
    assert {record[3] for record in answer["records"]} >= {"net.py"}
    unknown: Any = project.side.ask({"job": "prove", "case": case})
    assert unknown["failed"]["kind"] == "unsupported"


def test_lines_of_the_import_and_of_the_case_are_noted(make_project: MakeProject) -> None:
    project = make_project(net=NET)
    import_line, call_line, other_line = (
        number
        for number, text in enumerate(NET.split("\n"), 1)
        if text.strip() in ("import torch", "COUNT += 1", "return COUNT")
    )
    wanted = [import_line, call_line, other_line]
    for _ in range(2):
        assert project.ask("net:Net", watch={"net.py": wanted})["lines"] == {"net.py": [import_line, call_line]}
    assert project.ask("net:Count", watch={"net.py": wanted})["lines"] == {"net.py": [import_line, other_line]}


def test_lines_of_an_import_are_seen_from_the_start_where_the_side_is_told(
    make_project: MakeProject, plain_workers: Workers
) -> None:
    project = make_project(net=NET)
    side = plain_workers.open(project.root, watch={"net.py": [3]})
    job = {"job": "plain", "case": {"name": "x", "model": "net:Net", "args": ["ones(1)"]}}
    side.ask(job)
    answer: Any = side.ask({**job, "watch": {"net.py": [3, 20]}})
    assert answer["lines"] == {"net.py": [3]}
    side.close()


def test_code_in_src_is_imported(make_project: MakeProject) -> None:
    project = make_project(src__pkg__net=NET, src__pkg____init__="")
    assert "items" in project.ask("pkg.net:Net")


def test_the_names_of_the_worker_do_not_clash_with_the_projects(make_project: MakeProject) -> None:
    names = ("main", "spec", "lines", "channel", "jobs", "tree", "server", "numeric", "modfix", "tests")
    project = make_project(**dict.fromkeys(names, NET))
    for name in names:
        assert "items" in project.ask(f"{name}:Net"), name


def test_two_sides_work_at_the_same_time(make_project: MakeProject) -> None:
    source = NET.replace("COUNT += 1", "__import__('time').sleep(2)")
    sides = [make_project(net=source) for _ in range(2)]
    for project in sides:
        project.ask("net:Count")
    started = time.monotonic()
    threads = [threading.Thread(target=project.ask, args=("net:Net",)) for project in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 3.9  # one after the other they take 4 s


def test_a_large_answer_arrives(make_project: MakeProject) -> None:
    project = make_project(net=NET.replace("return COUNT", "return 'x' * 5_000_000"))
    assert len(project.ask("net:Count")["items"]["call0"]) == 5_000_002


def test_a_tree_that_died_in_between_is_started_again(make_project: MakeProject, plain_workers: Workers) -> None:
    project = make_project(net=NET)
    project.ask("net:Net")
    plain_workers.serve({"do": "kill", "pid": project.side._trees["fork"].pid})
    assert "items" in project.ask("net:Net")


def test_a_side_can_be_closed_while_it_answers(make_project: MakeProject) -> None:
    project = make_project(net=NET.replace("return COUNT", "__import__('time').sleep(600)"))
    project.ask("net:Net")
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(project.ask("net:Count")))
    thread.start()
    time.sleep(0.3)
    project.side.close()
    thread.join(10)
    assert answers[0]["failed"]["kind"] == "crash"


def test_the_environment_is_described(plain_workers: Workers) -> None:
    import importlib.metadata

    environment = plain_workers.environment
    assert environment.python == ".".join(map(str, sys.version_info[:3]))
    assert environment.torch.partition("+")[0] == importlib.metadata.version("torch").partition("+")[0]
    assert environment.device == "cpu"
    assert environment.rules


# -- interpreters ------------------------------------------------------------------------------------------------------


def script(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_interpreter_of_the_project_comes_first(tmp_path: Path) -> None:
    assert find_interpreter(tmp_path) == Path(sys.executable)
    own = script(tmp_path / ".venv" / "bin" / "python", "")
    assert find_interpreter(tmp_path) == own


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be run: no such file"),
        ("#!/bin/sh\necho broken >&2; exit 3\n", "ended while it started: broken"),
        (
            '#!/bin/sh\nif [ "$1" = -c ]; then echo 3.6; else echo SyntaxError >&2; exit 1; fi\n',
            r"is Python 3\.6; the verifier needs 3\.8 or newer: name another with `--python`",
        ),
        (f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n', r"has no torch that works \(ModuleNotFoundError.*`--python`"),
    ],
)
def test_an_interpreter_that_will_not_do(tmp_path: Path, content: str | None, message: str) -> None:
    python = tmp_path / "python"
    if content is not None:
        script(python, content)
    workers = Workers(python=python)
    with pytest.raises(WorkerError, match=message), workers:
        pass
    assert not workers.scratch.exists()


def test_an_old_torch_will_not_do(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "torch.py").write_text("__version__ = '1.12.1+cu113'\n")
    python = script(tmp_path / "python", f'#!/bin/sh\nPYTHONPATH="{tmp_path}/old" exec "{sys.executable}" "$@"\n')
    with pytest.raises(WorkerError, match=r"torch 1\.12\.1\+cu113 is older than 1\.13"), Workers(python=python):
        pass


def test_without_a_gpu_cuda_is_refused(plain_workers: Workers) -> None:
    if plain_workers._describe({"cuda": True, "python": "", "torch": "", "rules": ""}).device != "cpu":
        pytest.fail("`device=cpu` is to be kept")
    with pytest.raises(WorkerError, match="finds no CUDA device"):
        Workers(device="cuda")._describe({"cuda": False})
    ready = {"cuda": True, "python": "", "torch": "", "rules": ""}
    assert Workers(device="auto")._describe(ready).device == "cuda"


def test_questions_after_the_end_are_an_error(tmp_path: Path) -> None:
    project = Project(tmp_path, Workers(), None)
    with pytest.raises(WorkerError, match="are not running"):
        project.ask("net:Net")
