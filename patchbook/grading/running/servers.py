"""The three processes behind a class: a warm one that kernels are forks of, the judge, and the workers' own.

Each prepares for the chapters that are graded, once; all end with this process.
"""

import atexit
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from patchbook.grading.kernels.fork_server import Server
from patchbook.grading.kernels.manager import kernel_environment
from patchbook.grading.notebooks.plan import Plan

MODULES = {
    "warm": "patchbook.grading.kernels.warm_process",
    "judge": "patchbook.grading.judging.judge",
    "work": "patchbook.grading.judging.task",
}
NOWHERE = "/nonexistent"  # the servers' home: they keep nothing
_running: dict[tuple[str, str], Server] = {}


@dataclass(frozen=True)
class Servers:
    warm: Server
    judge: Server
    work: Server

    @property
    def addresses(self) -> dict[str, str]:
        """What a worker must know beside a task: where kernels come from, and who judges."""
        return {"warm": self.warm.path, "judge": self.judge.path}


def request_of(tests: str | dict[str, str], plans: Mapping[str, Plan]) -> str:
    """What the servers prepare for: these chapters' checks, as JSON.

    tests: the course's folder of them, or, for another machine, the texts of its files.
    """
    checks = [[a.module, a.exercise, a.seeds] for plan in plans.values() for a in plan.checks.values()]
    return json.dumps({"tests": tests, "checks": checks})


def servers_for(request: str) -> Servers:
    """The servers that have prepared for the request; those that run already are taken."""
    wanted = {"warm": request, "judge": request, "work": ""}
    started: dict[str, Server | BaseException] = {}

    def start(name: str) -> None:
        try:
            started[name] = _server(MODULES[name], wanted[name])
        except Exception as error:  # a thread cannot raise: below
            started[name] = error

    threads = [threading.Thread(target=start, args=(name,)) for name in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for server in started.values():
        if isinstance(server, BaseException):
            raise server
    return Servers(**started)


def close_servers(request: str) -> None:
    """End those that have prepared for the request; the workers serve every request."""
    for key in [key for key in _running if key[1] == request]:
        _running.pop(key).close()


def _server(module: str, request: str) -> Server:
    """A server that this process has already, if it still runs, or a new one."""
    key = module, request
    if key not in _running or _running[key].process.poll() is not None:
        _running[key] = Server(module, kernel_environment(NOWHERE), request)
        atexit.register(_running[key].close)
    return _running[key]
