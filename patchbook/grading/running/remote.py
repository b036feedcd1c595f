"""What a worker of a Dask cluster does for a grader elsewhere. It has the package; all else is sent.

A worker process may have several threads: they share its servers, and each task has a fork of its own. So the
death of such a fork costs the Dask worker nothing.
"""

import hashlib
import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from distributed import get_worker

import patchbook
from patchbook.grading.kernels.sandbox import why_no_sandbox
from patchbook.grading.running.pool import Hand
from patchbook.grading.running.servers import close_servers, servers_for


@dataclass
class Course:
    """A course that this worker has servers for: lines to them that are free, and how many are in use."""

    request: str
    free: list[Hand] = field(default_factory=list)
    busy: int = 0


_turn = threading.Lock()
_courses: dict[bytes, Course] = {}


@cache
def build() -> str:
    """Which patchbook this is: its version and a digest of its code and models. Tests travel."""
    package, digest = Path(patchbook.__file__).parent, hashlib.sha256()
    files = [file for ending in ("py", "safetensors") for file in package.rglob(f"*.{ending}")]
    for file in sorted(file for file in files if file.relative_to(package).parts[0] != "tests"):
        digest.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return f"{patchbook.__version__}, build {digest.hexdigest()[:8]}"


def why_unfit(wanted: str, sandboxed: bool) -> str:
    """Why this machine cannot grade for a grader whose `build` is `wanted`; empty when it can."""
    if build() != wanted:
        return f"it has patchbook {build()}, but the grader {wanted}: install the same on both"
    return why_no_sandbox() if sandboxed else ""


def do_there(course: bytes, task: bytes, topic: str, name: str) -> bytes:
    """The answer to a task, JSON as the task is; or {"unfit": why this worker cannot grade at all}.

    course: a `cluster.Wanted`, packed.  topic: where to tell that the task `name` begins here.
    """
    worker = get_worker()
    worker.log_event(topic, {"begun": name, "worker": worker.address})
    try:
        with hand_for(course) as hand:
            return json.dumps(hand.do(json.loads(task))).encode()
    except Exception as error:  # as words: an exception would travel as a pickle
        return json.dumps({"unfit": f"{worker.address}: {error}"}).encode()


@contextmanager
def hand_for(course: bytes) -> Iterator[Hand]:
    """A line to this worker's servers for the course; they start with the first task, and stay."""
    with _turn:
        known = _courses.get(course) or prepared(course)
        servers = servers_for(known.request)
        hand = known.free.pop() if known.free else Hand(servers)
        known.busy += 1
    try:
        yield hand
    finally:
        with _turn:
            known.busy -= 1
            known.free.append(hand)


def prepared(course: bytes) -> Course:
    """Make room for a course. Servers of another one end, unless somebody else's tasks are on them."""
    wanted = json.loads(zlib.decompress(course))
    if why := why_unfit(wanted["build"], wanted["sandboxed"]):
        raise RuntimeError(why)
    for other in [other for other, known in _courses.items() if not known.busy]:
        gone = _courses.pop(other)
        for hand in gone.free:
            hand.close()
        close_servers(gone.request)
    return _courses.setdefault(course, Course(wanted["request"]))
