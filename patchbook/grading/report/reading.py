"""Read back what `patchbook grade` wrote, and what was marked by hand since."""

import csv
import json
import warnings
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from statistics import median

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from sqlalchemy.exc import SAWarning

from patchbook.grading.collect.attempts import COLLECTED, REFUSED
from patchbook.grading.gradebook.course_folder import safe
from patchbook.grading.gradebook.database import gradebook_of, is_there
from patchbook.grading.gradebook.journal import Journal
from patchbook.grading.gradebook.results import COLUMNS, Result, as_text, row_of
from patchbook.grading.gradebook.trouble import patiently
from patchbook.grading.notebooks.cells import grade_id_of, worth_of
from patchbook.grading.report.messages import Said, clean, said
from patchbook.grading.report.policy import Bonus, Extension, Rules

RIGHT, PART, WRONG, UNTOUCHED, BY_HAND, AGAIN = (
    "right",
    "part",
    "wrong",
    "not answered",
    "by hand",
    "by hand again",
)
MISTAKEN = {PART, WRONG, "crashed", "timed out"}  # states of an answer that was tried and is not right


class NothingGraded(Exception):
    """The folder holds no grades; the message says which command makes them."""


@dataclass(frozen=True)
class Item:
    """One learner's exercise. points: None while a person has to give them.

    state: right, part, wrong, not answered, by hand, by hand again (graded anew since), crashed, timed out.
    seconds: how long its cells ran, None when not known.  diagnosis: the check's short id, or "".
    fingerprint: what it computes, where it is wrong and no diagnosis names how; else empty.
    dropped: why it counts for nobody; None when it counts.
    """

    exercise: str
    worth: float
    points: float | None
    state: str
    said: Said = Said()  # noqa: RUF009
    diagnosis: str = ""
    code: str = ""
    comment: str = ""
    seconds: float | None = None
    dropped: str | None = None
    fingerprint: list = field(default_factory=list)


@dataclass(frozen=True)
class Work:
    """One learner's chapter. items: empty when nothing could be graded; `status` and `reason` say why."""

    learner: str
    chapter: str
    status: str
    worth: float
    reason: str = ""
    mended: str = ""
    items: tuple[Item, ...] = ()
    handed_in: datetime | None = None
    late: bool = False
    penalty: float | None = None
    system: str = ""
    id: str = ""
    extension: Extension | None = None
    bonuses: tuple[Bonus, ...] = ()

    @property
    def points(self) -> float | None:
        """Points so far, before lateness; None, not 0, when nothing could be graded."""
        return sum(item.points or 0 for item in self.counted) if self.items else None

    @property
    def bonus(self) -> float:
        return sum(row.points for row in self.bonuses)

    @property
    def final(self) -> float | None:
        return None if self.points is None else self.points - (self.penalty or 0) + self.bonus

    @property
    def waiting(self) -> float:
        """Points that wait for a person."""
        return sum(item.worth for item in self.counted if item.points is None)

    @property
    def counted(self) -> tuple[Item, ...]:
        """The items that are not dropped."""
        return tuple(item for item in self.items if item.dropped is None)


@dataclass
class Graded:
    """A folder that `patchbook grade` filled: what of it is read more than once."""

    root: Path
    book: Gradebook
    results: dict[tuple[str, str], Result]
    collected: list[dict]
    rules: Rules
    releases: dict[str, NotebookNode] = field(default_factory=dict)

    def notebook(self, step: str, learner: str, chapter: str) -> NotebookNode | None:
        path = self.root / step / safe(learner) / chapter / f"{chapter}.ipynb"
        return nbformat.read(path, as_version=4) if path.is_file() else None

    def release(self, chapter: str) -> NotebookNode:
        if chapter not in self.releases:
            self.releases[chapter] = self.notebook("release", ".", chapter)
        return self.releases[chapter]


def read_class(root: Path, gradebook: str | None = None, rules: Rules = Rules()) -> list[Work]:  # noqa: B008
    """Every learner's chapters, in the order of grades.csv, by a teacher's rules.

    gradebook: its URL, if it is not the one that grading wrote to. Raises NothingGraded, and GradingFailed
    when the gradebook does not answer.
    """
    path, url = root / "grades.csv", gradebook_of(root, gradebook)
    if not path.is_file() or not is_there(url):
        raise NothingGraded(f"{root} holds no grades; to make them: patchbook grade SUBMISSIONS --out {root}")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    results, collected = results_in(root), collected_in(root)
    return patiently(lambda: works_of(root, rows, url, rules, results, collected))


def read_work(root: Path, url: str, result: Result) -> Work:
    """One learner's chapter, as it was just graded. Raises GradingFailed: the gradebook does not answer."""
    row = {name: str(value) for name, value in (dict.fromkeys(COLUMNS, "") | row_of(result)).items()}
    results = {(result.learner, result.chapter): result}
    return patiently(lambda: works_of(root, [row], url, Rules(), results, []))[0]


def works_of(
    root: Path,
    rows: list[dict[str, str]],
    url: str,
    rules: Rules,
    results: dict[tuple[str, str], Result],
    collected: list[dict],
) -> list[Work]:
    """The rows of grades.csv, with what the gradebook and the notebooks say of them."""
    with warnings.catch_warnings(), Gradebook(url) as book:
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own queries, on today's SQLAlchemy
        graded = Graded(root, book, results, collected, rules)
        return [work_of(graded, row) for row in rows]


def results_in(root: Path) -> dict[tuple[str, str], Result]:
    """By learner and chapter what the journal keeps of its verdicts; later lines over earlier ones."""
    results = Journal(root / "journal.jsonl").results.values()
    return {(result.learner, result.chapter): result for result in results}


def collected_in(root: Path) -> list[dict]:
    """What `patchbook collect` knows of the files; `patchbook grade` puts its list beside the grades."""
    path = root / "collected.json"
    return json.loads(path.read_text(encoding="utf-8"))["files"] if path.is_file() else []


def work_of(graded: Graded, row: dict[str, str]) -> Work:
    learner, chapter = untext(row["learner"]), row["chapter"]
    work = Work(
        learner,
        chapter,
        row["status"],
        float(row["max_points"]),
        untext(row["reason"]),
        untext(row["mended"]),
    )
    work = replace(work, items=tuple(items_of(graded, work)) if row["points"] else ())
    mine = [file for file in graded.collected if (file["learner"], file["chapter"]) == (learner, chapter)]
    for file in mine:
        if file["status"] == COLLECTED:
            when = datetime.fromisoformat(file["handed_in"]) if file["handed_in"] else None
            work = replace(work, handed_in=when, late=file["late"], system=file["system"], id=file["id"])
        elif file["status"] == REFUSED and not work.items:
            work = replace(
                work, reason=f"{file['origin']}: {file['reason']}", system=file["system"], id=file["id"]
            )
    return by_rules(graded, work)


def by_rules(graded: Graded, work: Work) -> Work:
    """The work with what the teacher has decided: what is dropped, points off and points on top."""
    rules, chapter = graded.rules, work.chapter
    items = tuple(replace(i, dropped=rules.why_dropped(chapter, i.exercise)) for i in work.items)
    if rules.dropped:
        worths = worth_of(graded.release(chapter)).items()
        kept = sum(worth for name, worth in worths if rules.why_dropped(chapter, name) is None)
        work = replace(work, worth=kept)
    work = replace(work, items=items, bonuses=rules.bonuses(work.learner, chapter))
    if rules.late is None:
        return work
    extension = rules.until(work.learner, chapter)
    until = extension.until if extension else None
    penalty = rules.late.penalty(chapter, work.handed_in, work.points, until)
    return replace(work, penalty=penalty, extension=extension)


def untext(value: str) -> str:
    """What as_text was given."""
    return value[1:] if value[:1] == "'" and as_text(value[1:]) == value else value


def items_of(graded: Graded, work: Work) -> list[Item]:
    """A chapter's exercises with marks, messages and code."""
    released = graded.release(work.chapter)
    autograded = graded.notebook("autograded", work.learner, work.chapter)
    ran = graded.notebook("ran", work.learner, work.chapter) or autograded
    if autograded is None:
        return []
    try:
        notebook = graded.book.find_submission_notebook(work.chapter, work.chapter, safe(work.learner))
    except MissingEntry:
        return []
    grades = {grade.name: grade for grade in notebook.grades}
    comments = {comment.name: clean(comment.manual_comment or "") for comment in notebook.comments}
    cells, runs, stubs = (by_id(nb) for nb in (autograded, ran, released))
    result = graded.results.get((work.learner, work.chapter))
    diagnoses, fingerprints = (result.diagnoses, result.fingerprints) if result else ({}, {})
    return [
        Item(
            exercise=name,
            worth=worth,
            **marks_of(grades, name, cells, stubs),
            diagnosis=diagnoses.get(name, ""),
            fingerprint=fingerprints.get(name, []),
            code=clean(runs[name].source) if name in runs else "",
            comment=comments.get(name) or comments.get(f"test_{name}") or "",
            seconds=seconds_of([runs[each] for each in (name, f"test_{name}") if each in runs]),
        )
        for name, worth in worth_of(released).items()
    ]


def marks_of(grades: dict, name: str, cells: dict, stubs: dict) -> dict:
    """points, state and said of one exercise."""
    grade = grades.get(f"test_{name}") or grades[name]
    if grade.needs_manual_grade:
        again = grade.manual_score is not None
        return {"points": float(grade.score) if again else None, "state": AGAIN if again else BY_HAND}
    points, worth = float(grade.score), float(grade.max_score)
    words = said(cells.get(name), cells.get(f"test_{name}"))
    if points >= worth:
        return {"points": points, "state": RIGHT}
    untouched = name in stubs and cells[name].source.split() == stubs[name].source.split()
    state = PART if points else UNTOUCHED if untouched else words.stopped or WRONG
    return {"points": points, "state": state, "said": Said() if untouched else words}


def by_id(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {grade_id_of(cell): cell for cell in notebook.cells if grade_id_of(cell)}


def seconds_of(cells: list[NotebookNode]) -> float | None:
    """How long cells ran, by the times that nbclient notes in them."""
    spent = None
    for cell in cells:
        times = cell.metadata.get("execution", {})
        start, end = times.get("iopub.execute_input"), times.get("shell.execute_reply")
        if start and end:
            spent = (spent or 0) + (moment(end) - moment(start)).total_seconds()
    return spent


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def middle(values: list[float | None]) -> float | None:
    """The median of what is known."""
    known = [value for value in values if value is not None]
    return median(known) if known else None
