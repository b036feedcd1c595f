"""Workers side by side, each a process of its own. The death of one costs one submission a second try."""

import json
import os
import threading
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from patchbook.grading.forks import Server

TRIES = 2


def do_all(server: Server, tasks: Iterable[dict[str, Any]], workers: int) -> Iterator[dict[str, Any]]:
    """The answers of all tasks, each with its task's "key", in the order in which they come.

    server: runs `patchbook.grading.work`.
    """
    waiting, answers = SimpleQueue(), SimpleQueue()
    tasks = list(tasks)
    for task in tasks:
        waiting.put(task)
    for _ in range(min(workers, len(tasks))):
        waiting.put(None)
        threading.Thread(target=_worker, args=(server, waiting, answers), daemon=True).start()
    for _ in tasks:
        answer = answers.get()
        if isinstance(answer, BaseException):
            raise answer
        yield answer


def _worker(server: Server, waiting: SimpleQueue, answers: SimpleQueue) -> None:
    line = None
    try:
        while (task := waiting.get()) is not None:
            for _ in range(TRIES):
                line = line or server.connect()
                answer = ask(line, task)
                if answer is not None:
                    break
                line.close()
                line = None
            failed = {"failed": "the grader's worker died twice on it", "seconds": 0.0}
            answers.put((answer or failed) | {"key": task["key"]})
    except BaseException as error:  # a thread cannot raise: whoever waits for answers does it
        answers.put(error)
    finally:
        if line is not None:
            line.close()


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
