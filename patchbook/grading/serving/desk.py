"""The desk: the process that grades what was handed in, one upload after another, as `patchbook grade` does.

    python -m patchbook.grading.serving.desk        its task is the first line of standard input, as JSON

Every other line wakes it; the end of standard input ends it. On standard output it says what has happened, in
lines of JSON. It alone writes marks; what it had begun when it was killed is done by the next one.
"""

import fcntl
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from patchbook.authoring.course import Course
from patchbook.grading.collect.attempts import COLLECTED, Entry
from patchbook.grading.collect.collecting import LIST, write_list
from patchbook.grading.gradebook.results import CRASHED, MISSING, Result, write_grades
from patchbook.grading.gradebook.trouble import DISK, GradebookBusy, GradingFailed, brief
from patchbook.grading.notebooks.submissions import Submission
from patchbook.grading.report.pages import kind
from patchbook.grading.report.reading import MISTAKEN, Work, read_work
from patchbook.grading.running.batch import Grader, Options, ours
from patchbook.grading.serving.pages import data_of
from patchbook.grading.serving.people import People
from patchbook.grading.serving.uploads import Upload, Uploads

PAUSE = 0.5  # seconds until somebody looks for an upload of which it was not told
TRIES = 3  # of what the grader itself failed at
ENDLESS = 1_000_000  # uploads: as many workers as there are cores
TABLES = 10  # uploads after which the tables are written anew, also while others wait


@dataclass(frozen=True)
class Task:
    """What a desk is told. course, out, people: paths.  chapters: those that are taken.

    gradebook: its URL, without a password.  The others: see `batch.Options`.
    """

    course: str
    out: str
    people: str
    chapters: tuple[str, ...]
    gradebook: str | None = None
    timeout: int = 30
    workers: int = 0
    scheduler: str = ""
    sandboxed: bool = True

    @property
    def options(self) -> Options:
        return Options(
            self.timeout,
            self.workers,
            self.sandboxed,
            scheduler=self.scheduler,
            gradebook=self.gradebook,
        )


class Desk(Grader):
    """Grades uploads as they come. `say` tells the other process what has happened."""

    def __init__(self, task: Task, say: Callable[..., None]):
        super().__init__(Course(Path(task.course)), Path(task.out), task.options, lambda one: None)
        self.task, self.say, self.wake = task, say, threading.Event()
        self.people = People(Path(task.people))
        self.uploads = Uploads(self.folder.root, self.folder.url)
        self.busy: dict[Path, Upload] = {}
        self.unwritten = 0  # results that no table has yet
        self.turn = threading.RLock()  # results come from the writer, known ones from whoever looked for work

    def work(self) -> None:
        """Grade until the process ends."""
        self.held = self.folder.open()
        self.uploads.forget_begun()
        for name in self.task.chapters:
            self.chapters[name] = self.chapter(name)
        self.write_tables()
        for one, result in self.run(self.handed_in(), ENDLESS):
            self.settle(one, result)

    def handed_in(self) -> Iterator[Submission | None]:
        """Uploads in order, each when a worker is free; None when there is nothing to do."""
        self.say(ready=True)  # whoever asks for the first one is there
        while True:
            upload = self.uploads.take(list(self.busy.values()))
            if upload is None:
                if self.unwritten and not self.busy:
                    self.write_tables()
                self.wake.wait(PAUSE)
                self.wake.clear()
                yield None
                continue
            one = Submission(upload.learner, upload.chapter, self.folder.root / upload.file)
            self.busy[one.path] = upload
            self.say(began=upload.id)
            known = self.without_running(one)
            if known is None:
                yield one
            else:  # the same file as last time, or graded by a desk that was killed before it could say so
                self.settle(one, known)

    def written(self, one: Submission, answer: dict[str, Any]) -> Result:
        """The grader's; a mistake of ours costs the others nothing here, either."""
        try:
            return super().written(one, answer)
        except OSError:
            raise
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
            return self.failed(one, f"the grader failed: {type(error).__name__}")

    def failed(self, one: Submission, why: str) -> Result:
        return Result(one.learner, one.chapter, CRASHED, self.blank(one, CRASHED).worth, {}, why)

    def finish(self, one: Submission, result: Result) -> Result:
        finished = super().finish(one, result)
        self.done.pop(one)  # a class knows all its results; a desk runs for weeks
        return finished

    def settle(self, one: Submission, result: Result) -> None:
        """The last step of an upload: what was found stands in its row."""
        with self.turn:
            self.note(one, result)
        self.say(ended=self.busy.pop(one.path).id)

    def note(self, one: Submission, result: Result) -> None:
        upload = self.busy[one.path]
        try:
            if ours(result) and upload.tries + 1 < TRIES:
                self.uploads.put_back(upload)
            else:
                work = self.work_of(result)
                earlier = self.uploads.latest(upload)
                found = found_in(work, upload, earlier[0][1] if earlier else "")
                self.uploads.end(upload, result.status, json.dumps(found), data_of(work))
        except GradebookBusy as error:  # its row still waits: the next try finds the marks in the journal
            print(f"patchbook serve: {error}", file=sys.stderr)
        self.unwritten += 1
        if self.unwritten >= TABLES:
            self.write_tables()

    def work_of(self, result: Result) -> Work:
        """What its page shows. The marks stand without one."""
        try:
            return read_work(self.folder.root, self.folder.url, result)
        except (GradingFailed, OSError):
            raise
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
            whose, worth = (result.learner, result.chapter), sum(result.worth.values())
            return Work(*whose, result.status, worth, f"no page could be made: {type(error).__name__}")

    def write_tables(self) -> None:
        """grades.csv and the list of files, for `patchbook report`."""
        with self.turn:
            self._write_tables()

    def _write_tables(self) -> None:
        self.unwritten, latest = 0, self.uploads.latest()
        known = {(r.learner, r.chapter): r for r in list(self.journal.results.values())}
        worth = {result.chapter: result.worth for result in known.values()}
        for upload, found in latest:  # what the grader failed at is in no journal
            blank = worth.get(upload.chapter, {}), {}, json.loads(found)["reason"]
            failed = Result(upload.learner, upload.chapter, upload.status, *blank)
            known.setdefault((upload.learner, upload.chapter), failed)
        waits = {(upload.learner, upload.chapter) for upload in self.uploads.waiting()}
        for whose in {(learner, chapter) for learner in self.people.names for chapter in worth} - waits:
            known.setdefault(whose, Result(*whose, MISSING, worth[whose[1]], {}))
        rows = [known[whose] for whose in sorted(known, key=lambda whose: (whose[0].casefold(), whose))]
        write_grades(self.folder.root / "grades.csv", rows)
        path = self.folder.root / LIST
        others = json.loads(path.read_text(encoding="utf-8"))["files"] if path.is_file() else []
        ours = {(upload.learner, upload.chapter): entry_of(upload) for upload, _ in latest}
        kept = [Entry(**row) for row in others if (row["learner"], row["chapter"]) not in ours]
        write_list([*kept, *ours.values()], self.folder.root)


def found_in(work: Work, upload: Upload, earlier: str) -> dict[str, Any]:
    """What the board shows of a work: points, and for each exercise its state, diagnosis, and since when.

    "since" and "uploads" go on from the last upload as long as the same diagnosis stands.
    """
    before = json.loads(earlier)["items"] if earlier else {}
    items = {}
    for item in work.items:
        state = kind(item)
        mark = {"state": state, "diagnosis": item.diagnosis, "points": item.points, "worth": item.worth}
        mark |= {"since": upload.handed_in, "uploads": 1}
        last = before.get(item.exercise, {})
        if state in MISTAKEN and [last.get("state"), last.get("diagnosis")] == [state, item.diagnosis]:
            mark |= {"since": last["since"], "uploads": last["uploads"] + 1}
        items[item.exercise] = mark
    return {"points": work.points, "worth": work.worth, "reason": work.reason, "items": items}


def entry_of(upload: Upload) -> Entry:
    """An upload as `patchbook collect` would list it: with the time that a late policy goes by."""
    when = datetime.fromtimestamp(upload.handed_in, UTC).isoformat(timespec="seconds")
    return Entry(
        f"patchbook serve {upload.id}",
        COLLECTED,
        upload.chapter,
        upload.learner,
        upload.learner,
        when,
        own=upload.chapter,
        upload=upload.id,
        file=upload.file,
    )


def alone(root: Path) -> Any:
    """Wait until no other desk works in this folder; a desk whose server was killed ends in a moment."""
    root.mkdir(parents=True, exist_ok=True)
    lock = (root / "serving.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then hangs up
    os.nice(5)  # nobody who hands in waits for those who are graded
    sys.stdout = sys.stderr  # lines on standard output are for the server: see `say`
    task = json.loads(sys.stdin.readline())
    task = Task(**task | {"chapters": tuple(task["chapters"])})
    desk: list[Desk] = []

    def listen() -> None:
        while os.read(0, 4096):
            for one in desk:
                one.wake.set()
        os._exit(0)  # all that was finished is on disk, and what was not waits

    threading.Thread(target=listen, daemon=True).start()
    lock = alone(Path(task.out))
    try:
        desk.append(Desk(task, say))
        desk[0].work()
    except (GradingFailed, OSError) as error:
        if isinstance(error, OSError) and error.errno not in DISK:
            raise
        say(stopped=brief(str(error)))
        sys.exit(1)
    finally:
        lock.close()


def say(**what: Any) -> None:
    """A line for the server. Where it is gone, so is this process in a moment."""
    try:
        os.write(1, json.dumps(what).encode() + b"\n")
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
