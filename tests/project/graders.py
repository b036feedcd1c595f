"""Graders that tests start, kill and starve. They share a class's servers, so each one starts in a moment.

python -m tests.project.graders SERVERS IN OUT RUNS     see `starve`
"""

import json
import multiprocessing
import os
import shutil
import signal
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Client
from pathlib import Path
from types import FrameType, SimpleNamespace

import psutil
from click.testing import CliRunner

from patchbook.authoring import find_course, source_notebook
from patchbook.cli import main
from patchbook.grading.gradebook.journal import Journal
from patchbook.grading.notebooks.plan import plan_of
from patchbook.grading.notebooks.submissions import Submission
from patchbook.grading.running import batch
from patchbook.grading.running.batch import Grader, Options, grade_class
from patchbook.grading.running.servers import Servers, request_of, servers_for
from tests.project.events import until
from tests.project.toy import CHAPTER, HOME, hand_in, solved

WRONG = "def double(x):\n    return x"


def toy_servers() -> Servers:
    """The servers that grading the toy course starts in this process."""
    plan = plan_of(source_notebook(find_course(HOME), CHAPTER), CHAPTER)
    return servers_for(request_of(str(HOME / "tests"), {CHAPTER: plan}))


def paths_of(servers: Servers) -> dict[str, str]:
    return {name: getattr(servers, name).path for name in ("warm", "judge", "work")}


def use(paths: dict[str, str]) -> None:
    """Grade with servers that another process has started."""
    servers = Servers(**{name: at(path) for name, path in paths.items()})
    batch.servers_for = lambda request: servers


def at(path: str) -> SimpleNamespace:
    return SimpleNamespace(path=path, connect=lambda: Client(path, "AF_UNIX"))


def limited(seconds: Mapping[str, int]) -> Callable:
    """`Grader.task_of`, with a limit of their own for the learners whose code never ends.

    All others keep the class's limit, which may then be one that no machine is too slow for.
    """
    usual = Grader.task_of

    def task_of(grader: Grader, key: int, one: Submission) -> dict:
        task = usual(grader, key, one)
        limit = seconds.get(one.learner, task["settings"]["timeout"])
        return task | {"settings": task["settings"] | {"timeout": limit}}

    return task_of


def stop_here() -> None:
    """This process stands still, and this thread not one step later than here.

    A signal to the process may wait for another of its threads: on a busy machine this one would go on.
    """
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


class Calls:
    """The writer's clock: counts its calls of functions, up to each submission that its journal then holds.

    For `sys.setprofile`. As soon as `calls` are counted after `more` submissions, the process stands still.
    """

    def __init__(self, more: int = 0, calls: int = 0):
        self.counts, self.moment = [0], (more, calls)

    def __call__(self, frame: FrameType, event: str, what: object) -> None:
        if event == "call":
            self.counts[-1] += 1
            if (len(self.counts) - 1, self.counts[-1]) == self.moment:
                stop_here()
        elif event == "return" and frame.f_code is Journal.add.__code__:
            self.counts.append(0)


def grade(paths: dict[str, str], folder: Path, more: int, calls: int) -> None:
    """In a process of its own: grade folder/in into folder/out, and stand still at a moment of `Calls`."""
    use(paths)
    sys.setprofile(Calls(more, calls))
    grade_class(find_course(HOME), folder / "in", folder / "out", options=Options(workers=2))


def forker() -> multiprocessing.context.BaseContext:
    """Starts processes that have imported everything, and share nothing else with the tests."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def nbgrader_command(folder: Path, words: list[str], home: Path, log: Path) -> None:
    """In a process of its own: `nbgrader` with these words, by its own entry point."""
    from nbgrader.apps.nbgraderapp import main as nbgrader

    scripts = sysconfig.get_path("scripts")
    os.environ |= {"HOME": str(home), "JUPYTER_PLATFORM_DIRS": "1"}
    os.environ["PATH"] = os.pathsep.join([scripts, os.environ["PATH"]])  # it calls alembic by name
    os.chdir(folder)
    output = os.open(log, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.argv = ["nbgrader", *words]
    nbgrader()


def class_of(folder: Path, number: int) -> list[str]:
    """Hand in for `number` learners, every other one with a wrong answer; returns their names."""
    names = [f"learner-{i:02}" for i in range(number)]
    for i, name in enumerate(names):
        hand_in(folder, name, solved(double=WRONG) if i % 2 else solved())
    return names


def below(*pids: int) -> list[psutil.Process]:
    """Everything that these processes have started, and what that has started."""
    return [child for pid in pids for child in psutil.Process(pid).children(recursive=True)]


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # another one's death was its own
            process.kill()


def gone(processes: list[psutil.Process]) -> bool:
    """Waits until they all have ended."""
    return until(lambda: not any(alive(process) for process in processes))


def stands_still(process: psutil.Process) -> bool:
    """Waits until a grader has come to its moment; false when it ends before."""
    until(lambda: not alive(process) or status(process) == psutil.STATUS_STOPPED)
    return alive(process)


def alive(process: psutil.Process) -> bool:
    return status(process) not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def status(process: psutil.Process) -> str:
    """psutil's word for what it does, dead also when it is gone altogether."""
    try:
        return process.status() if process.is_running() else psutil.STATUS_DEAD
    except psutil.NoSuchProcess:
        return psutil.STATUS_DEAD


def starve(paths: dict[str, str], submissions: str, out: str, runs: list[tuple[int, int]]) -> None:
    """Give the command again and again in a folder that may be a disk of its own.

    runs: room on that disk in kB, and how many submissions the journal holds when all of it is taken;
    empty for once, and as much room as there is.
    Prints a line of JSON for each: the exit code, the output, and whom the journal holds.
    """
    use(paths)
    ballast, add = Path(out, "ballast"), Journal.add
    for room, enough in runs or [(None, None)]:
        if room is not None:
            fill(ballast, room * 1024)

        def adding(journal: Journal, *what, enough: int | None = enough) -> None:
            add(journal, *what)
            if len(journal.results) == enough:
                fill(ballast, 0)

        Journal.add = adding
        command = ["grade", submissions, "--out", out, "--course", str(HOME), "--no-sandbox"]
        done = CliRunner().invoke(main, command)
        kept = [entry["learner"] for entry in entries(Path(out, "journal.jsonl"))]
        print(json.dumps({"code": done.exit_code, "output": done.output, "kept": kept}))
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
    for name in ("gradebook.db", "grades.csv"):  # such a disk ends with this process
        shutil.copy(Path(out, name), Path(out).parent)


def fill(ballast: Path, room: int) -> None:
    """Leave so many bytes of the disk free. It must be a disk of the test's own."""
    assert os.path.ismount(ballast.parent)
    with ballast.open("wb") as file:
        disk = os.statvfs(ballast)
        file.write(b"x" * max(0, disk.f_bavail * disk.f_frsize - room))


def entries(journal: Path) -> list[dict]:
    """The whole lines of a journal."""
    lines = journal.read_text().split("\n")[:-1] if journal.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


if __name__ == "__main__":
    starve(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
