"""Grade a class, submission by submission. A bad one gets a status and a reason; the rest, their marks."""

import html
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from string import Template
from time import monotonic

from nbformat import NotebookNode

from patchbook.authoring.course import Course
from patchbook.authoring.source import source_notebook
from patchbook.grading.gradebook import CourseFolder, GradingFailed
from patchbook.grading.pages import TEMPLATES
from patchbook.grading.repair import repair
from patchbook.grading.results import (
    CRASHED,
    MISSING,
    UNREADABLE,
    Result,
    fate,
    worth_of,
    write_grades,
)
from patchbook.grading.submissions import Submission, Unreadable, find_submissions, read_notebook

TIMEOUT = 30  # seconds for one cell


def grade_class(
    course: Course,
    submissions: Path,
    out: Path,
    chapter: str | None = None,
    timeout: int = TIMEOUT,
    progress: Callable[[int, int, Result], None] = lambda done, of, result: None,
) -> list[Result]:
    """Grade `submissions/<learner>/<chapter>.ipynb` into the folder `out`.

    Leaves out/gradebook.db (nbgrader's), out/feedback/<learner>/<chapter>/<chapter>.html and
    out/grades.csv. `progress(done, of, result)` is called after each submission.
    Raises CourseError, AuthorError or GradingFailed when the course itself cannot be built.
    """
    chapters = [course.require(chapter)] if chapter else course.chapters
    todo, results = find_submissions(submissions, chapters), []
    folder = CourseFolder(out, timeout)
    released = {
        name: folder.add_chapter(name, source_notebook(course, name))
        for name in dict.fromkeys(submission.chapter for submission in todo)
    }
    try:
        for submission in todo:
            results.append(grade_one(folder, submission, released[submission.chapter]))
            progress(len(results), len(todo), results[-1])
    finally:
        write_grades(folder.root / "grades.csv", results)
    return results


def grade_one(folder: CourseFolder, submission: Submission, released: NotebookNode) -> Result:
    """Read, repair, run, score and report one submission."""
    started = monotonic()
    result = Result(submission.learner, submission.chapter, MISSING, worth_of(released), {})
    if submission.path is None:
        result = replace(result, reason="nothing was handed in for this chapter")
    else:
        result = _graded(folder, submission, released, result)
    if result.status in (UNREADABLE, MISSING) or not result.points:
        write_note(folder, result)
    return replace(result, seconds=monotonic() - started)


def _graded(folder: CourseFolder, submission: Submission, released: NotebookNode, result: Result) -> Result:
    who, chapter = submission.learner, submission.chapter
    try:
        notebook, mended = repair(read_notebook(submission.path), released)
    except Unreadable as error:
        return replace(result, status=UNREADABLE, reason=f"{submission.path.name}: {error}")
    if submission.path.stem != chapter:
        mended.insert(0, f"found as {submission.path.name!r}")
    result = replace(result, mended=tuple(mended))
    notebook.metadata["patchbook"] = {"mended": mended}  # the learner's page says so too
    folder.write(notebook, "submitted", who, chapter)
    try:
        status, reason = fate(folder.autograde(chapter, who))
    except GradingFailed as error:
        return replace(result, status=CRASHED, reason=f"nbgrader stopped: {error}")
    scores = folder.scores(chapter, who)
    points = {name: scores.get(name, scores.get(f"test_{name}")) for name in result.worth}
    try:
        folder.feedback(chapter, who)
    except GradingFailed as error:  # the marks stand without the page
        reason = "; ".join(filter(None, [reason, f"no page of feedback: {error}"]))
    return replace(result, status=status, reason=reason, points=points)


def write_note(folder: CourseFolder, result: Result) -> None:
    """A page for a learner whose notebook could not be graded: what is wrong and what to do."""
    page = Template((TEMPLATES / "note.html").read_text(encoding="utf-8"))
    path = folder.file("feedback", result.learner, result.chapter, ".html")
    path.parent.mkdir(parents=True, exist_ok=True)
    words = {name: html.escape(getattr(result, name)) for name in ("chapter", "learner", "status", "reason")}
    path.write_text(page.substitute(words), encoding="utf-8")
