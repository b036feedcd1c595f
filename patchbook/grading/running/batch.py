"""Grade a class: workers run and judge, one writer keeps the gradebook. A bad submission costs no other."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
from nbformat import NotebookNode

import patchbook
from patchbook.authoring.course import Course
from patchbook.authoring.source import source_notebook
from patchbook.grading.gradebook.course_folder import CourseFolder, safe
from patchbook.grading.gradebook.journal import Journal
from patchbook.grading.gradebook.pages import write_note
from patchbook.grading.gradebook.results import CRASHED, MISSING, UNREADABLE, Result, fate, write_grades
from patchbook.grading.gradebook.trouble import GradebookBusy, GradingFailed, stopped
from patchbook.grading.kernels.sandbox import Limits, SandboxMissing, why_no_sandbox
from patchbook.grading.notebooks.cells import worth_of
from patchbook.grading.notebooks.plan import Plan, UnfitCheck, plan_of
from patchbook.grading.notebooks.submissions import Submission, find_submissions, taken
from patchbook.grading.notebooks.tests_folder import texts_of
from patchbook.grading.running.pool import cores, do_all
from patchbook.grading.running.servers import request_of, servers_for

TIMEOUT = 30  # seconds for one cell


@dataclass(frozen=True)
class Options:
    """How a class is graded.

    timeout: seconds of one cell.  workers: submissions at the same time; 0 means one for each core.
    sandboxed: each kernel inside bubblewrap.  run_all: also the cells that only show.
    again: grade also what is graded already.  limits: of one submission.
    scheduler: address of a Dask cluster that does the work; workers 0 then means all that it has.
    gradebook: the URL of another gradebook than out/gradebook.db.
    """

    timeout: int = TIMEOUT
    workers: int = 0
    sandboxed: bool = True
    run_all: bool = False
    again: bool = False
    limits: Limits = Limits()  # noqa: RUF009
    scheduler: str = ""
    gradebook: str | None = None


@dataclass(frozen=True)
class Chapter:
    """A chapter that is graded: its released notebook, what is run of a submission, and a digest of both."""

    released: NotebookNode
    plan: Plan
    digest: str


def grade_class(
    course: Course,
    submissions: Path,
    out: Path,
    chapter: str | None = None,
    options: Options = Options(),
    progress: Callable[[int, int, Result], None] = lambda done, of, result: None,
    began: Callable[[Submission], None] = lambda one: None,
) -> list[Result]:
    """Grade `submissions/<learner>/<chapter>.ipynb` into the folder `out`.

    Leaves out/gradebook.db (nbgrader's), out/feedback/<learner>/<chapter>/<chapter>.html and
    out/grades.csv. `progress(done, of, result)` is called after each submission,
    `began(submission)` when a worker is free to take it up, from any thread. What an earlier run graded
    into `out`, from the same file by the same course, is not graded again.
    Raises CourseError, AuthorError or GradingFailed when the course itself cannot be built or the results
    cannot be written, and SandboxMissing when submissions cannot be walled in but should be. On a cluster
    that is its workers' affair: GradingFailed.
    """
    todo = find_submissions(submissions, [course.require(chapter)] if chapter else course.chapters)
    if options.sandboxed and not options.scheduler and (why := why_no_sandbox()):
        raise SandboxMissing(why)
    grader = Grader(course, out, options, began)
    try:
        try:
            for result in grader.results(todo):
                progress(len(grader.done), len(todo), result)
        finally:
            in_order = [grader.done[one] for one in todo if one in grader.done]
            write_grades(grader.folder.root / "grades.csv", in_order)
    except OSError as error:
        raise stopped(error, out, len(grader.done), len(todo)) from error
    return in_order


class Grader:
    """One class on its way: `done` holds the results so far."""

    def __init__(self, course: Course, out: Path, options: Options, began: Callable[[Submission], None]):
        self.course, self.options, self.began = course, options, began
        self.folder = CourseFolder(out, options.timeout, options.gradebook)
        self.journal = Journal(self.folder.root / "journal.jsonl")
        if options.again:
            self.journal.forget()
        self.held: set[tuple[str, str]] = set()  # what the gradebook has: (learner, chapter)
        self.chapters: dict[str, Chapter] = {}
        self.done: dict[Submission, Result] = {}

    def results(self, todo: list[Submission]) -> Iterator[Result]:
        """Every submission's result: known ones first, the others as workers finish them."""
        self.held = self.folder.open()
        for name in dict.fromkeys(submission.chapter for submission in todo):
            self.chapters[name] = self.chapter(name)
        rest = []
        for one in todo:
            result = self.without_running(one)
            if result is None:
                rest.append(one)
            else:
                yield self.finish(one, result)
        if rest:
            yield from (result for _, result in self.run(rest, len(rest)))

    def chapter(self, name: str) -> Chapter:
        """Make the chapter an assignment of the gradebook."""
        source = source_notebook(self.course, name)
        try:
            plan = plan_of(source, name)
        except UnfitCheck as error:
            raise GradingFailed(f"{self.course.relative(self.course.solution(name))}: {error}") from None
        digest = hashlib.sha256(json.dumps([source, patchbook.__version__]).encode()).hexdigest()
        return Chapter(self.folder.add_chapter(name, source), plan, digest)

    def without_running(self, one: Submission) -> Result | None:
        """The result of what is missing, or graded already."""
        if one.path is None:
            blank = self.blank(one, MISSING)
            return replace(blank, reason="nothing was handed in for this chapter")
        known = self.journal.known(self.fingerprint(one, taken(one.path)))
        held = (safe(one.learner), one.chapter) in self.held  # not so after a change of the gradebook
        return known if known and (held or known.status == UNREADABLE) else None

    def fingerprint(self, one: Submission, file: dict[str, str]) -> str:
        """The same for the same file, of the same learner, graded in the same way."""
        how = [one.learner, one.chapter, self.chapters[one.chapter].digest]
        how += [self.options.timeout, self.options.run_all, self.options.limits.as_dict()]
        return hashlib.sha256(json.dumps([*how, file]).encode()).hexdigest()

    def run(self, rest: Iterable[Submission | None], most: int) -> Iterator[tuple[Submission, Result]]:
        """Give the rest, `most` at most, to the workers, and write down what comes back.

        None among the rest: there is nothing just now, but there may be later.
        """
        begun: dict[int, tuple[Submission, str]] = {}
        for answer in self.answers(self.tasks(rest, begun), most):
            one, fingerprint = begun.pop(answer["key"])
            result = replace(self.written(one, answer), seconds=answer["seconds"])
            if not ours(result):
                self.folder.settle(one.learner, one.chapter)
                self.journal.add(fingerprint, result)
                self.held.add((safe(one.learner), one.chapter))
            yield one, self.finish(one, result)

    def answers(self, tasks: Iterator[dict[str, Any] | None], most: int) -> Iterator[dict[str, Any]]:
        """Have the tasks done by workers on this machine, or on a cluster; there are `most` at most."""
        plans = {name: chapter.plan for name, chapter in self.chapters.items()}
        tests, workers = self.course.root / "tests", self.options.workers
        if not self.options.scheduler:
            return do_all(servers_for(request_of(str(tests), plans)), tasks, min(most, workers or cores()))
        cluster = cluster_module()
        wanted = cluster.Wanted(request_of(texts_of(tests), plans), self.options.sandboxed)
        return cluster.do_all(self.options.scheduler, wanted, tasks, workers)

    def tasks(
        self, rest: Iterable[Submission | None], begun: dict[int, tuple[Submission, str]]
    ) -> Iterator[dict[str, Any] | None]:
        """A task for each, made when somebody is free to do it; notes by its key whose it is, and the
        fingerprint of what was taken.
        """
        for key, one in enumerate(rest):
            if one is None:
                yield None
                continue
            self.began(one)
            task = self.task_of(key, one)
            begun[key] = one, self.fingerprint(one, task["file"])
            yield task

    def task_of(self, key: int, one: Submission) -> dict[str, Any]:
        """What a worker needs to know of a submission, as data that can travel; see work.graded."""
        chapter = self.chapters[one.chapter]
        return {
            "key": key,
            "file": taken(one.path),
            "released": chapter.released,
            "plan": chapter.plan.as_dict(),
            "kernel": {"sandboxed": self.options.sandboxed, "limits": self.options.limits.as_dict()},
            "settings": self.folder.run_settings,
            "run_all": self.options.run_all,
        }

    def written(self, one: Submission, answer: dict[str, Any]) -> Result:
        """Put a worker's answer into the gradebook and on the learner's page; returns the result."""
        if "unreadable" in answer:
            return replace(self.blank(one, UNREADABLE), reason=f"{one.path.name}: {answer['unreadable']}")
        if "failed" in answer:
            return replace(self.blank(one, CRASHED), reason=answer["failed"])
        mended = list(answer["mended"])
        if one.path.stem != one.chapter:
            mended.insert(0, f"found as {one.path.name!r}")
        notebook, ran = (nbformat.from_dict(answer[name]) for name in ("notebook", "ran"))
        notebook.metadata["patchbook"] = {"mended": mended}  # the learner's page says so too
        self.folder.write(notebook, "submitted", one.learner, one.chapter)
        self.folder.write(ran, "ran", one.learner, one.chapter)
        said = {name: answer[name] for name in ("diagnoses", "fingerprints")}
        result = replace(self.blank(one, CRASHED), mended=tuple(mended), **said)
        return self.scored(one, ran, result)

    def scored(self, one: Submission, ran: NotebookNode, result: Result) -> Result:
        """nbgrader's part: points into the gradebook, and the page of feedback."""
        try:
            self.folder.autograde(one.chapter, one.learner)
            scores = self.folder.scores(one.chapter, one.learner)
            no_page = self.page(one)
        except GradebookBusy as error:
            return replace(result, reason=str(error))
        except GradingFailed as error:
            return replace(result, reason=f"nbgrader stopped: {error}")
        status, reason = fate(ran)
        points = {name: scores.get(name, scores.get(f"test_{name}")) for name in result.worth}
        return replace(
            result, status=status, reason="; ".join(filter(None, [reason, no_page])), points=points
        )

    def page(self, one: Submission) -> str:
        """Write the page of feedback; returns why there is none: the marks stand without it."""
        try:
            self.folder.feedback(one.chapter, one.learner)
        except GradebookBusy:  # the next run may write it
            raise
        except GradingFailed as error:
            return f"no page of feedback: {error}"
        return ""

    def blank(self, one: Submission, status: str) -> Result:
        return Result(one.learner, one.chapter, status, worth_of(self.chapters[one.chapter].released), {})

    def finish(self, one: Submission, result: Result) -> Result:
        if result.status in (UNREADABLE, MISSING) or not result.points:
            write_note(self.folder.file("feedback", one.learner, one.chapter, ".html"), result)
        self.done[one] = result
        return result


def ours(result: Result) -> bool:
    """Whether it was the grader's own failure, or the gradebook's: tried again next time."""
    return not result.points and result.status != UNREADABLE


def cluster_module() -> ModuleType:
    """`patchbook.grading.running.cluster`: Dask is an extra, and takes a second to load."""
    try:
        from patchbook.grading.running import cluster
    except ModuleNotFoundError as error:
        raise GradingFailed(f"--scheduler needs Dask ({error}): pip install 'patchbook[scale]'") from None
    return cluster
