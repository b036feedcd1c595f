"""The same work on a Dask cluster. This process hands out tasks and takes answers; it alone writes.

What goes out and comes back is bytes of JSON. `remote` is what the workers run.
"""

import json
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any
from uuid import uuid4

import dask
from distributed import Client, Future, KilledWorker
from distributed.client import FutureCancelledError

from patchbook.grading.gradebook.course_folder import GradingFailed
from patchbook.grading.running import remote
from patchbook.grading.running.pool import TRIES, failed

PATIENCE = 30  # seconds: for the scheduler to answer, for a first worker, for another when the last has left
END = object()  # of the tasks
BEAT = 5  # seconds without news until somebody looks what is the matter
AHEAD = 2  # tasks for each thread of the cluster: one that it does, one that it finds ready
LOST = "the scheduler is gone. What came back is kept: the same command goes on from there"


@dataclass(frozen=True)
class Wanted:
    """What each worker prepares for.  request: see `servers.request_of`.  build: of patchbook."""

    request: str
    sandboxed: bool
    build: str = field(default_factory=remote.build)

    def packed(self) -> bytes:
        return zlib.compress(json.dumps(asdict(self)).encode())


@dataclass
class Errand:
    """A task on its way.  where: the worker that has begun it.  deaths: of workers that had."""

    task: dict[str, Any]
    future: Future
    where: str = ""
    deaths: int = 0


def do_all(
    address: str, wanted: Wanted, tasks: Iterator[dict[str, Any]], at_once: int
) -> Iterator[dict[str, Any]]:
    """The answers of all tasks, each with its task's "key", as `pool.do_all` gives them.

    A task that is None: there is none yet; whoever gives it has waited a moment.

    at_once: tasks on the cluster at the same time; 0 for as many as keep it busy.
    Raises GradingFailed: no scheduler, no worker, one that cannot grade, or the scheduler is lost.
    """
    with connected(address) as client:
        inspect(client, address, wanted)
        yield from Errands(client, wanted, at_once).answers(tasks)


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the scheduler at the address. What it logs we say ourselves, in one line."""
    for name in ("distributed", "distributed.client"):  # each has a level of its own
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        why = str(error).split("\n")[0]
        raise GradingFailed(f"no Dask scheduler answers at {address}: {why}") from None
    with client, dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"}):
        yield client


def inspect(client: Client, address: str, wanted: Wanted) -> None:
    """Raise GradingFailed unless there are workers, and every one can grade."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise GradingFailed(f"the scheduler at {address} has no workers: dask worker {address}") from None
    found = client.run(remote.why_unfit, wanted.build, wanted.sandboxed, on_error="return")
    unfit = [f"{worker}: {why}" for worker, why in found.items() if why]
    if unfit:
        raise GradingFailed(f"{len(unfit)} of {len(found)} workers cannot grade. {unfit[0]}")


class Errands:
    """Tasks of one grader on a cluster. Dask gives a dead worker's tasks to others; deaths are counted here.

    `news` comes from Dask's own thread: {"done": name}, {"begun": name, "worker": address},
    {"left": address, "expected": true or false}, {"came": address}.
    """

    def __init__(self, client: Client, wanted: Wanted, at_once: int):
        self.client, self.course, self.at_once = client, wanted.packed(), at_once
        self.topic = f"patchbook-{uuid4().hex}"
        self.out: dict[str, Errand] = {}
        self.news: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.alone = 0  # seconds without a worker
        self.heard = monotonic()  # when there was news, or somebody looked
        client.subscribe_topic(self.topic, lambda event: self.news.put(event[1]))
        client.subscribe_topic("all", lambda event: self.hear(event[1]))
        self.room = self.threads()

    def hear(self, event: dict[str, Any]) -> None:
        """What the scheduler tells everybody about workers that come and go."""
        if event.get("action") == "add-worker":
            self.news.put({"came": event["worker"]})
        elif event.get("action") == "remove-worker":
            self.news.put({"left": event["worker"], "expected": event["expected"]})

    def threads(self) -> int:
        """How many tasks the cluster can do at the same time."""
        try:
            return sum(self.client.nthreads().values())
        except (OSError, RuntimeError, AttributeError):  # the last is how a closed client says it
            raise GradingFailed(LOST) from None

    def answers(self, tasks: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        task = None
        while task is not END or self.out:
            patience = BEAT
            while task is not END and patience and len(self.out) < (self.at_once or AHEAD * self.room):
                task = next(tasks, END)
                if task is None:
                    patience = 0
                elif task is not END:
                    self.hand_out(task)
            if task is not END or self.out:
                yield from self.next_news(patience)

    def hand_out(self, task: dict[str, Any], deaths: int = 0) -> None:
        """Give a task to Dask under a name of its own."""
        name, data = f"grade-{uuid4().hex}-{task['key']}", json.dumps(task).encode()
        call = (remote.do_there, self.course, data, self.topic, name)
        future = self.client.submit(*call, key=name, pure=False)
        self.out[name] = Errand(task, future, deaths=deaths)
        self.watch(name)

    def watch(self, name: str) -> None:
        self.out[name].future.add_done_callback(lambda _: self.news.put({"done": name}))

    def next_news(self, patience: float) -> Iterator[dict[str, Any]]:
        """Wait for news for some seconds; yields what it answers."""
        try:
            news = self.news.get(timeout=patience) if patience else self.news.get_nowait()
        except Empty:
            if monotonic() - self.heard >= BEAT:
                self.heard = monotonic()
                self.look_around()
            return
        self.heard = monotonic()
        if "begun" in news:
            if news["begun"] in self.out:
                self.out[news["begun"]].where = news["worker"]
        elif "done" in news:
            yield from self.done(news["done"])
        else:
            self.room = self.threads()
            if not news.get("expected", True):
                yield from self.died(news["left"])

    def look_around(self) -> None:
        """Nothing has happened for a while: is anybody there?"""
        self.room = self.threads()
        self.alone = 0 if self.room else self.alone + BEAT
        if self.alone > PATIENCE:
            raise GradingFailed("the cluster's last worker has left. What came back is kept")

    def done(self, name: str) -> Iterator[dict[str, Any]]:
        """Take an answer."""
        if name not in self.out:
            return  # it was given up
        errand = self.out[name]
        try:
            answer = json.loads(errand.future.result(timeout=PATIENCE))
        except TimeoutError:  # the worker that had it is gone, and another one does it again
            return self.watch(name)
        except KilledWorker:  # the cluster bears fewer deaths than we do
            del self.out[name]
            return self.hand_out(errand.task, errand.deaths)
        except (FutureCancelledError, OSError):
            raise GradingFailed(LOST) from None
        except Exception as error:  # Dask itself: the worker could not load our function, for example
            raise GradingFailed(f"a worker cannot grade: {type(error).__name__}: {error}") from None
        if "unfit" in answer:
            raise GradingFailed(f"a worker cannot grade. {answer['unfit']}")
        del self.out[name]
        yield answer

    def died(self, worker: str) -> Iterator[dict[str, Any]]:
        """A worker died. Dask does its tasks again; one that was there at two deaths is given up."""
        for name, errand in [(n, e) for n, e in self.out.items() if e.where == worker]:
            errand.where, errand.deaths = "", errand.deaths + 1
            if errand.deaths == TRIES:
                errand.future.cancel()
                del self.out[name]
                yield failed(errand.task["key"], "its worker in the cluster died twice while it was graded")
