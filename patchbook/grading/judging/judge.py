"""The judge: a process that holds the references and decides on records. It runs no learner's code.

    python -m patchbook.grading.judging.judge SOCKET

reads a line of JSON: tests: a course's folder, checks: …

It computes the reference's values once, for the whole class, and answers each worker with a fork of itself.
A record comes from a learner's process: whatever it holds, it costs that one check at most.
"""

import json
import resource
import signal
import sys
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from patchbook.grading.kernels.fork_server import request, serve
from patchbook.grading.kernels.observation import LARGEST
from patchbook.grading.notebooks.plan import Asked
from patchbook.grading.notebooks.tests_folder import add_folder, check_named, folder_of

PATIENCE = 30  # seconds of processor time for one record
MEMORY = 8 * 2**30  # bytes of address space


@dataclass(frozen=True)
class Verdict:
    """diagnosis: the short id of what is wrong, "" when nothing is.  message: what the learner reads.

    caught: of cases that a learner wrote, by misconception, whether they refuse it.
    fingerprint: what the answer computes; empty where the diagnosis names what is wrong.
    """

    passed: bool
    message: str
    diagnosis: str = ""
    caught: dict[str, bool] = field(default_factory=dict)
    fingerprint: list[list[Any]] = field(default_factory=list)


class Judge:
    """A worker's line to the judge. When a record kills the judge's fork, the next one gets another."""

    def __init__(self, server: str):
        self.server, self.line = server, None

    def verdict(self, asked: Asked, seed: int, record: bytes) -> Verdict:
        """What the check `asked` on `seed` says to a record."""
        try:
            self.line = self.line or Client(self.server, "AF_UNIX")
            self.line.send_bytes(json.dumps([asked.module, asked.exercise, seed]).encode())
            self.line.send_bytes(record)
            return Verdict(**json.loads(self.line.recv_bytes()))
        except (EOFError, ConnectionError):
            self.line = None
            return unfit(asked.exercise, "comparing it took too much time or memory")


def unfit(exercise: str, why: str) -> Verdict:
    """For a record that is no answer: what came back cannot be compared with the reference."""
    return Verdict(False, f"{exercise}: what it returned cannot be compared: {why}", "unfit")


def main() -> None:
    course = json.loads(request(sys.argv[1]))
    import torch

    torch.set_num_threads(1)
    if course["tests"]:
        add_folder(folder_of(course["tests"], Path(sys.argv[1]).parent))
    for module, exercise, seeds in course["checks"]:
        for seed in seeds:
            prepare(module, exercise, seed)
    serve(sys.argv[1], answer)


def prepare(module: str, exercise: str, seed: int) -> None:
    """Compute the reference's values of a check. They stay in memory, and every fork has them."""
    from patchbook.checking import CheckFailed, Outcome, Record, judge

    check = check_named(module, exercise)
    blank = Record(exercise, seed, [Outcome(case.description) for case in check.cases(seed)])
    try:
        judge(check, blank)
    except CheckFailed:  # of course: it holds no values. The reference's are computed on the way
        return
    raise RuntimeError(f"the check of {exercise} passes without an answer")


def answer(line: Connection) -> None:
    """One worker's questions, until it hangs up."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    while True:
        try:
            module, exercise, seed = json.loads(line.recv_bytes())
            record = line.recv_bytes(LARGEST)
        except (EOFError, OSError):
            return
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)  # ends this fork; the worker goes on with another
        found = decide(module, exercise, seed, record)
        signal.setitimer(signal.ITIMER_PROF, 0)
        line.send_bytes(json.dumps(vars(found)).encode())


def decide(module: str, exercise: str, seed: int, record: bytes) -> Verdict:
    """Judge the bytes that a learner's process sent for a check and a seed."""
    return decide_by(check_named(module, exercise), seed, record)


def decide_by(check: Any, seed: int, record: bytes) -> Verdict:
    """What a check, `patchbook.checking.Check`, says to a record."""
    from patchbook.checking import CheckFailed, Record, judge
    from patchbook.checking.judging import caught, passed

    exercise = check.exercise
    try:
        observed = Record.from_bytes(record)
        if (observed.exercise, observed.seed) != (exercise, seed):
            return unfit(exercise, "it is the record of another check")
        judge(check, observed)
    except CheckFailed as failed:
        said = failed.diagnosis
        return Verdict(False, str(failed), said, caught(check, observed), computed(check, observed, said))
    except Exception as error:  # a forged record may break any comparison, and must break nothing else
        return unfit(exercise, f"{type(error).__name__}: {str(error)[:200]}")
    return Verdict(True, passed(check, observed), caught=caught(check, observed))


def computed(check: Any, observed: Any, diagnosis: str) -> list[list[Any]]:
    """The fingerprint of an answer whose diagnosis names nothing; none of what has no form to take it of."""
    from patchbook.checking.fingerprint import UNFORESEEN, fingerprint

    try:
        return fingerprint(check, observed) if diagnosis in UNFORESEEN else []
    except Exception:  # forged: the verdict stands all the same
        return []


if __name__ == "__main__":
    main()
