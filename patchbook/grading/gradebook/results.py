"""The marks of one submission, with what became of it: a crash never looks like a zero."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from patchbook.grading.notebooks.cells import DIED, NOT_RUN, TIMED_OUT, called, grade_id_of
from patchbook.grading.whole_files import write_whole

OK, CRASHED, LATE, UNREADABLE, MISSING = "ok", "crashed", "timed out", "unreadable", "missing"
STATUSES = (OK, CRASHED, LATE, UNREADABLE, MISSING)
COLUMNS = ["learner", "chapter", "status", "points", "max_points", "by_hand", "reason", "mended"]


@dataclass(frozen=True)
class Result:
    """One learner's chapter.

    points: by exercise; None where a human still has to give them. Empty when nothing could be graded.
    worth: the most points of each exercise.  seconds: how long grading took.
    diagnoses: by exercise, the short id of what its check found wrong.
    caught: by exercise in which a learner writes cases, by misconception, whether these refuse it.
    fingerprints: by exercise, what a wrong answer computes that no diagnosis names.
    """

    learner: str
    chapter: str
    status: str
    worth: dict[str, float]
    points: dict[str, float | None]
    reason: str = ""
    mended: tuple[str, ...] = ()
    seconds: float = 0.0
    diagnoses: dict[str, str] = field(default_factory=dict)
    caught: dict[str, dict[str, bool]] = field(default_factory=dict)
    fingerprints: dict[str, list] = field(default_factory=dict)

    @property
    def total(self) -> float | None:
        """Points so far; None, not 0, when nothing could be graded."""
        return sum(value or 0 for value in self.points.values()) if self.points else None

    @property
    def by_hand(self) -> float:
        """Points that wait for a human."""
        return sum(self.worth[name] for name, value in self.points.items() if value is None)


def fate(ran: NotebookNode) -> tuple[str, str]:
    """The status of a notebook that was run, and the reason in one line."""
    errors = [
        (grade_id_of(cell) or f"cell {index + 1}", output)
        for index, cell in enumerate(ran.cells)
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    for status, names in ((CRASHED, {DIED}), (LATE, {TIMED_OUT, NOT_RUN})):
        hit = [(cell, output.evalue) for cell, output in errors if output.ename in names]
        if hit:
            more = f" (and {len(hit) - 1} more)" if hit[1:] else ""
            return status, f"{called(hit[0][0])}: {hit[0][1]}{more}"
    return OK, next((f"{cell}: {brief(output)}" for cell, output in errors if is_news(cell, output)), "")


def is_news(cell: str, output: NotebookNode) -> bool:
    """A check that fails and a stub that is left are what marks are for; other errors need a word."""
    return not cell.startswith("test_") and output.ename != "NotImplementedError"


def brief(output: NotebookNode) -> str:
    first = f"{output.ename}: {output.evalue}".split("\n")[0][:100]
    return re.sub(r"\(\d+\.py, (line \d+)\)", r"(\1)", first)  # a cell has no file that a reader could open


def write_grades(path: Path, results: Iterable[Result]) -> None:
    """grades.csv: one row for each learner and chapter, one column for each exercise.

    A cell is empty where the exercise is of another chapter, waits for a human, or was not graded.
    An earlier table stays as it is until the new one is whole.
    """
    results = list(results)
    exercises = list(dict.fromkeys(name for result in results for name in result.worth))
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS + exercises, restval="")
    table.writeheader()
    table.writerows(map(row_of, results))
    write_whole(path, text.getvalue())


def row_of(result: Result) -> dict[str, object]:
    """What is known of its row."""
    total = result.total
    graded = {} if total is None else {"points": number(total), "by_hand": number(result.by_hand)}
    return {
        "learner": as_text(result.learner),
        "chapter": result.chapter,
        "status": result.status,
        "max_points": number(sum(result.worth.values())),
        "reason": as_text(result.reason),
        "mended": as_text("; ".join(result.mended)),
        **graded,
        **{name: number(value) for name, value in result.points.items() if value is not None},
    }


def number(points: float) -> str:
    return f"{points:g}"


def as_text(value: str) -> str:
    """A learner's words, safe to open in a spreadsheet: never read as a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t") else value
