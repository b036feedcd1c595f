"""The server from its first line to its last: what is missing is said before anybody can hand in."""

import socket
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from patchbook.authoring.course import Course
from patchbook.grading.collect.chapters import Shelf, released_chapters
from patchbook.grading.gradebook.course_folder import CourseFolder
from patchbook.grading.kernels.sandbox import SandboxMissing, why_no_sandbox
from patchbook.grading.running.batch import cluster_module
from patchbook.grading.running.pool import cores
from patchbook.grading.serving.desk import Task
from patchbook.grading.serving.keeper import Keeper
from patchbook.grading.serving.limits import Limits
from patchbook.grading.serving.live import News
from patchbook.grading.serving.people import People, Secrets, write_links
from patchbook.grading.serving.site import Site
from patchbook.grading.serving.uploads import Uploads

CONNECTIONS = 2000  # at once; each page that waits holds one


class CannotServe(Exception):
    """What is missing, and what to do."""


@dataclass(frozen=True)
class Serving:
    """What `patchbook serve` was told. address: where learners reach it, if that is not host and port."""

    people: Path
    out: Path
    chapters: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    address: str = ""
    limits: Limits = field(default_factory=Limits)
    timeout: int = 30
    workers: int = 0
    scheduler: str = ""
    gradebook: str | None = None
    sandboxed: bool = True


def listening(host: str, port: int) -> socket.socket:
    """A socket for the server. Raises CannotServe, before anything is written."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=512
        )
    except OSError as error:
        raise CannotServe(
            f"it cannot listen on {host}, port {port} ({error.strerror}): say another with --port, such as "
            f"--port {port + 1}"
        ) from None


def site_of(course: Course, told: Serving, address: str) -> Site:
    """Everything but the socket. Raises CannotServe, BadClass, CourseError, GradingFailed, SandboxMissing."""
    chapters = tuple(course.require(name) for name in told.chapters) or tuple(course.chapters)
    if told.scheduler:
        cluster_module()
    elif told.sandboxed and (why := why_no_sandbox()):
        raise SandboxMissing(why)
    _ = People(told.people).names  # a list that cannot be used is said before anything is written
    folder = CourseFolder(told.out, told.timeout, told.gradebook)
    folder.open()
    known = Secrets(folder.root)
    people = People(told.people, lambda people: write_links(people, known, address, folder.root))
    _ = people.names
    task = Task(
        str(course.root.resolve()),
        str(folder.root),
        str(told.people.resolve()),
        chapters,
        folder.url if told.gradebook else None,
        told.timeout,
        told.workers,
        told.scheduler,
        told.sandboxed,
    )
    news = News()
    return Site(
        folder.root,
        people,
        known,
        Uploads(folder.root, folder.url),
        Keeper(task, news.tell),
        Shelf(released_chapters(course)),
        chapters,
        told.limits,
        told.workers or cores(),
        address,
        news,
    )


def serve(course: Course, told: Serving, say=print) -> None:
    """Serve until it is stopped."""
    with listening(told.host, told.port) as door:
        host, port = door.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        address = (told.address or f"http://{shown}:{port}").rstrip("/")
        site = site_of(course, told, address)
        say(
            f"learners hand in at  {address}\n"
            f"codes and links      {site.root / 'links.csv'}: tell each learner theirs only\n"
            f"your board           {address}/board/enter/{site.secrets.board}: for you alone\n"
            f"grades and feedback  {site.root}\n"
            "Stop it with Ctrl-C. The same command goes on where it was."
        )
        config = uvicorn.Config(
            site.app(),
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=64 * 1024,
        )
        uvicorn.Server(config).run(sockets=[door])
