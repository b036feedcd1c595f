"""Tables that an LMS imports, and one with everything. What was not graded stays empty: never a zero."""

import csv
from pathlib import Path

from patchbook.grading.gradebook.results import as_text, number
from patchbook.grading.report.reading import Work
from patchbook.grading.report.summing import by_chapter, by_learner

POINTS = [
    "learner",
    "chapter",
    "status",
    "points",
    "by_hand",
    "max_points",
    "late_penalty",
    "bonus",
    "final",
    "handed_in",
]
UNREAD = "Current Grade"  # NON_ASSIGNMENT_COLUMN_HEADERS in Canvas's gradebook_importer.rb


def write_tables(works: list[Work], out: Path) -> list[Path]:
    """points.csv, canvas.csv and one moodle-<chapter>.csv; returns their paths."""
    written = [write(out / "points.csv", POINTS, [points_row(work) for work in works])]
    written.append(write(out / "canvas.csv", *canvas(works)))
    for chapter, some in by_chapter(works).items():
        written.append(write(out / f"moodle-{chapter}.csv", *moodle(some)))
    return written


def write(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def points_row(work: Work) -> list[str]:
    handed_in = work.handed_in.isoformat() if work.handed_in else ""
    known = [shown(work.points), number(work.waiting) if work.items else ""]
    bonus = number(work.bonus) if work.bonuses else ""
    known += [number(work.worth), shown(work.penalty), bonus, shown(work.final), handed_in]
    return [as_text(work.learner), work.chapter, work.status, *known]


def canvas(works: list[Work]) -> tuple[list[str], list[list[str]]]:
    """Canvas's gradebook: a column for each chapter; the first row says how many points are possible.

    Canvas finds people by ID, which `patchbook collect` reads from its downloads. The statuses at the end
    are for people: its importer passes over columns that have UNREAD in their names.
    """
    chapters = {
        chapter: number(max(work.worth for work in some)) for chapter, some in by_chapter(works).items()
    }
    rows = [["    Points Possible", "", "", *chapters.values(), *("(read only)" for _ in chapters)]]
    for learner, mine in by_learner(works).items():
        final = {work.chapter: shown(work.final) for work in mine}
        status = {work.chapter: work.status for work in mine}
        number_of = next((work.id for work in mine if work.system == "canvas"), "")
        each = [found.get(chapter, "") for found in (final, status) for chapter in chapters]
        rows.append([as_text(learner), number_of, "", *each])
    return ["Student", "ID", "Section", *chapters, *(f"{UNREAD}: status of {c}" for c in chapters)], rows


def moodle(works: list[Work]) -> tuple[list[str], list[list[str]]]:
    """Moodle's offline grading worksheet for one assignment. It finds people by "Participant 123".

    Moodle takes no sheet without the time of an earlier grade; "-" is its own word for none.
    The column Status is one that its own worksheets have, too.
    """
    header = [
        "Identifier",
        "Full name",
        "Status",
        "Grade",
        "Maximum grade",
        "Last modified (grade)",
        "Feedback comments",
    ]
    return header, [
        [
            f"Participant {work.id}" if work.system == "moodle" and work.id else "",
            as_text(work.learner),
            work.status,
            shown(work.final),
            number(work.worth),
            "-",
            as_text("; ".join(filter(None, [work.status if work.status != "ok" else "", work.reason]))),
        ]
        for work in works
    ]


def shown(points: float | None) -> str:
    return "" if points is None else number(round(points, 2))
