"""The three processes behind a class: a warm one that kernels are forks of, the judge, and the workers' own.

Each prepares for the chapters that are graded, once; all end with this process.
"""

import atexit
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from patchbook.grading.forks import Server
from patchbook.grading.kernel import kernel_environment
from patchbook.grading.plan import Plan

NOWHERE = "/nonexistent"  # the servers' home: they keep nothing
_running: dict[tuple[str, str], Server] = {}


@dataclass(frozen=True)
class Servers:
    warm: Server
    judge: Server
    work: Server


def servers_for(tests: str, plans: Mapping[str, Plan]) -> Servers:
    """The servers that know these chapters' checks; `tests` is the course's folder of them."""
    checks = [[a.module, a.exercise, a.seeds] for plan in plans.values() for a in plan.checks.values()]
    request = json.dumps({"tests": tests, "checks": checks})
    wanted = {"warm": request, "judge": request, "work": ""}
    started: dict[str, Server | BaseException] = {}

    def start(name: str) -> None:
        try:
            started[name] = _server(f"patchbook.grading.{name}", wanted[name])
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


def _server(module: str, request: str) -> Server:
    """A server that this process has already, if it still runs, or a new one."""
    key = module, request
    if key not in _running or _running[key].process.poll() is not None:
        _running[key] = Server(module, kernel_environment(NOWHERE), request)
        atexit.register(_running[key].close)
    return _running[key]
