"""What is read from the processes of a tree, in whatever order the machine lets it arrive."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modfix.verify.connection import Connection, Message
from modfix.verify.supervise import Limits, TreeProcess, supervise

ANSWER: Message = {"items": {"eval/output:": "h"}}


class Wires:
    """A tree and an answer that a test speaks for."""

    def __init__(self) -> None:
        connection, theirs = Connection.pair()
        self.answers, answering = Connection.pair()
        stderr, self.their_stderr = os.pipe()
        self.tree = TreeProcess(1, 1, Path("/tree"), connection, stderr, forks=True)
        self.to_tree, self.to_answers = Connection(theirs), Connection(answering)
        self.served: list[Message] = []

    def serve(self, request: Message) -> Message:
        self.served.append(request)
        return {"mb": 0.0, "status": 0}

    def follow(self, *steps: Callable[[], None]) -> tuple[Message, bool]:
        """Supervise while the steps happen, each a while after the one before."""

        def act() -> None:
            for step in steps:
                time.sleep(0.05)
                step()

        actor = threading.Thread(target=act)
        actor.start()
        try:
            return supervise(self.tree, self.answers, Limits(10, None), self.serve)
        finally:
            actor.join()

    def close(self) -> None:
        for connection in (self.tree, self.answers, self.to_tree, self.to_answers):
            connection.close()
        os.close(self.their_stderr)


@pytest.fixture
def wires() -> Iterator[Wires]:
    opened = Wires()
    yield opened
    opened.close()


def test_answer_that_overtakes_the_start_of_its_case(wires: Wires) -> None:
    """Under load the case may be done before the tree's process says that it has forked it.

    What the tree has still to say about it must not be taken for the end of the case after it.
    """
    answer, was_importing = wires.follow(
        lambda: wires.to_answers.send(ANSWER),
        lambda: wires.to_tree.send({"started": 7, "keep": []}),
        lambda: wires.to_tree.send({"ended": 0}),
    )
    assert answer == ANSWER
    assert not was_importing
    assert list(wires.tree.connection.drain()) == []


def test_failed_import_ends_at_once(wires: Wires) -> None:
    failed: Message = {"failed": {"kind": "import", "message": "no", "where": ""}}
    answer, was_importing = wires.follow(lambda: wires.to_tree.send(failed))
    assert answer == failed
    assert was_importing
    assert not wires.served, "nothing ran that would have to be ended"


def test_end_without_an_answer_is_explained(wires: Wires) -> None:
    answer, _ = wires.follow(
        lambda: wires.to_tree.send({"started": 7, "keep": []}), lambda: wires.to_tree.send({"ended": 3 << 8})
    )
    assert answer["failed"] == {
        "kind": "exit",
        "message": "the code ended the process with exit status 3",
        "where": "",
    }


def test_end_of_the_tree_ends_the_case(wires: Wires) -> None:
    answer, was_importing = wires.follow(wires.to_tree.interrupt)
    assert "failed" in answer
    assert was_importing
    assert {"do": "kill", "pid": 1} in wires.served
