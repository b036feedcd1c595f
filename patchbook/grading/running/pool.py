"""Workers side by side, each a process of its own. The death of one costs one submission a second try."""

import json
import os
import threading
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from queue import Queue
from typing import Any

from patchbook.grading.running.servers import Servers

TRIES = 2


def do_all(
    servers: Servers, tasks: Iterable[dict[str, Any] | None], workers: int
) -> Iterator[dict[str, Any]]:
    """The answers of all tasks, each with its task's "key", in the order in which they come.

    A task is asked for when a worker is free; one more answer for each worker waits to be taken. A task that
    is None: there is none yet.
    """
    tasks, turn, answers = iter(tasks), threading.Lock(), Queue(workers)
    for _ in range(workers):
        threading.Thread(target=_work, args=(servers, tasks, turn, answers), daemon=True).start()
    while workers:
        answer = answers.get()
        if isinstance(answer, BaseException):
            raise answer
        if answer is None:
            workers -= 1
        else:
            yield answer


def _work(servers: Servers, tasks: Iterator[dict], turn: threading.Lock, answers: Queue) -> None:
    hand = Hand(servers)
    try:
        while (task := _next(tasks, turn)) is not None:
            answers.put(hand.do(task))
        answers.put(None)
    except BaseException as error:  # a thread cannot raise: whoever waits for answers does it
        answers.put(error)
    finally:
        hand.close()


def _next(tasks: Iterator[dict[str, Any] | None], turn: threading.Lock) -> dict[str, Any] | None:
    with turn:  # a generator bears one caller at a time
        return next((task for task in tasks if task is not None), None)


class Hand:
    """A line to a fork of the servers' `task`. When a task kills the fork, another one tries it again."""

    def __init__(self, servers: Servers):
        self.servers, self.line = servers, None

    def do(self, task: dict[str, Any]) -> dict[str, Any]:
        """The task's answer with its "key"; "failed" when the fork died each time."""
        for _ in range(TRIES):
            self.line = self.line or self.servers.work.connect()
            answer = ask(self.line, task | self.servers.addresses)
            if answer is not None:
                return answer | {"key": task["key"]}
            self.close()
        return failed(task["key"], "the grader's worker died twice on it")

    def close(self) -> None:
        if self.line is not None:
            self.line.close()
        self.line = None


def failed(key: int, why: str) -> dict[str, Any]:
    """The answer for a task that was never answered."""
    return {"failed": why, "seconds": 0.0, "key": key}


def ask(line: Connection, task: dict[str, Any]) -> dict[str, Any] | None:
    """A worker's answer; None when the worker died."""
    try:
        line.send_bytes(json.dumps(task).encode())
        return json.loads(line.recv_bytes())
    except (EOFError, ConnectionError):
        return None


def cores() -> int:
    """How many workers this machine can keep busy."""
    return len(os.sched_getaffinity(0))
