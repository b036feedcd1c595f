"""A server for the toy course that tests talk to and kill: with the tests' own three servers behind its desk.

python -m tests.project.desks       a desk, as `patchbook.grading.serving.desk`, that may stand still
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

import psutil

from patchbook.authoring import find_course
from patchbook.grading.gradebook.course_folder import CourseFolder
from patchbook.grading.gradebook.journal import Journal
from patchbook.grading.serving import desk, keeper, running
from patchbook.grading.serving.limits import Limits
from patchbook.grading.serving.running import Serving
from patchbook.grading.serving.uploads import Uploads
from tests.project.events import until
from tests.project.graders import forker, kill, status, stop_here, use
from tests.project.toy import HOME

SERVERS, POINT = "PATCHBOOK_TEST_SERVERS", "PATCHBOOK_TEST_POINT"  # variables of the environment
PEOPLE = ["Ada Lovelace", "Bob <b>", "Cleo", "Dora", "Eve"]
AT_THE_DOOR = {  # points of the process that accepts: a function, and whether it begins or ends there
    "nothing is kept": (Uploads.accept, "call"),
    "the file is kept, its row not": (Uploads._keep, "return"),
    "accepted, and nobody told": (Uploads.accept, "return"),
}
AT_THE_DESK = {  # of the process that grades
    "taken up": (Uploads.take, "return"),
    "an answer is there": (desk.Desk.written, "call"),
    "in the gradebook": (CourseFolder.scores, "return"),
    "after the journal": (Journal.add, "return"),
    "after its row": (Uploads.end, "return"),
}


class StandStill:
    """For `sys.setprofile`: the process stops as soon as it comes to a point."""

    def __init__(self, point: tuple[Callable, str]):
        function, self.event = point
        self.code = function.__code__

    def __call__(self, frame: FrameType, event: str, what: object) -> None:
        if event == self.event and frame.f_code is self.code:
            stop_here()


def stop_at(point: tuple[Callable, str] | None) -> None:
    if point:
        threading.setprofile(StandStill(point))
        sys.setprofile(StandStill(point))


def serve(paths: dict[str, str], folder: Path, point: str) -> None:
    """In a process of its own: `patchbook serve` for the toy course; one of its processes may stop."""
    keeper.DESK = __name__
    root = str(Path(__file__).parents[2])
    os.environ |= {SERVERS: json.dumps(paths), POINT: point, "PYTHONPATH": root}
    told = Serving(folder / "class.txt", folder / "out", port=0, limits=Limits(largest=1, hourly=6))
    stop_at(AT_THE_DOOR.get(point))
    running.serve(find_course(HOME), told, lambda text: put(folder / "said", text))


def put(path: Path, text: str) -> None:
    path.with_suffix(".part").write_text(text)
    os.replace(path.with_suffix(".part"), path)


class Server:
    """A running server, its address, and what its files say. Use as a context manager."""

    def __init__(self, paths: dict[str, str], folder: Path, point: str = ""):
        self.folder, said = folder, folder / "said"
        (folder / "class.txt").write_text("# the class\n" + "\n".join(PEOPLE) + "\n")
        said.unlink(missing_ok=True)
        self.process: BaseProcess = forker().Process(target=serve, args=(paths, folder, point))
        self.process.start()
        until(lambda: said.is_file() or not self.process.is_alive())
        self.address = said.read_text().split()[4]
        self.board = said.read_text().split("your board")[1].split()[0].rstrip(":")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error) -> None:
        self.kill()

    def processes(self) -> list[psutil.Process]:
        """The server's own, and its desk."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children()]

    def stands_still(self) -> bool:
        return any(status(process) == psutil.STATUS_STOPPED for process in self.processes())

    def kill(self) -> None:
        kill(self.processes() if self.process.is_alive() else [])
        self.process.join()


if __name__ == "__main__":
    use(json.loads(os.environ[SERVERS]))
    stop_at(AT_THE_DESK.get(os.environ[POINT]))
    desk.main()
