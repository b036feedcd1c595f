"""The teacher's board: class × exercise, who is stuck on which diagnosis for how long, what waits."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from patchbook.grading.report.reading import MISTAKEN
from patchbook.grading.serving.uploads import Upload, Uploads
from patchbook.outline import UNWRITTEN

MOST = 12  # rows of those who are stuck


@dataclass(frozen=True)
class Stuck:
    """Learners with the same mistake in one exercise, the longest first: (name, since, uploads)."""

    chapter: str
    exercise: str
    diagnosis: str
    who: tuple[tuple[str, float, int], ...]

    @property
    def since(self) -> float:
        return self.who[0][1]


@dataclass
class Chapter:
    """exercises: of the chapter, in order.  rows: (name, points, {exercise: mark}, status), by name."""

    name: str
    worth: float
    exercises: list[str]
    rows: list[tuple[str, float | None, dict[str, Any], str]] = field(default_factory=list)


@dataclass(frozen=True)
class Board:
    """waits: uploads that are not graded yet, in order, each with a name.  wait: seconds for the last."""

    chapters: list[Chapter]
    stuck: list[Stuck]
    waits: list[tuple[str, Upload]]
    wait: float | None
    graded: int
    class_size: int
    named: bool
    state: str


def board_of(uploads: Uploads, names: list[str], named: bool, state: str, workers: int) -> Board:
    """What the gradebook says now. names: the class.  named: with names, or with numbers in their place."""
    latest, waits = uploads.latest(), uploads.waiting()
    everybody = [*names, *sorted({one.learner for one, _ in latest} - set(names))]
    called = {who: who if named else f"no. {number}" for number, who in enumerate(everybody, 1)}
    found = [(one, json.loads(text)) for one, text in latest]
    return Board(
        chapters_of(found, everybody, called),
        stuck_in(found, called),
        [(called.get(one.learner, one.learner), one) for one in waits],
        wait_for(len(waits), uploads.paces(), workers),
        len(found),
        len(names),
        named,
        state,
    )


def chapters_of(found: list, everybody: list[str], called: dict[str, str]) -> list[Chapter]:
    chapters: dict[str, Chapter] = {}
    order = {who: place for place, who in enumerate(everybody)}
    for one, what in sorted(found, key=lambda pair: (pair[0].chapter, order[pair[0].learner])):
        chapter = chapters.setdefault(one.chapter, Chapter(one.chapter, what["worth"], []))
        chapter.exercises = chapter.exercises or list(what["items"])
        chapter.rows.append((called[one.learner], what["points"], what["items"], one.status))
    return list(chapters.values())


def stuck_in(found: list, called: dict[str, str]) -> list[Stuck]:
    """The same mistake of several people is one row: the largest first, of equals the longest."""
    same: dict[tuple[str, str, str], list] = defaultdict(list)
    for one, what in found:
        for exercise, mark in what["items"].items():
            if mark["state"] in MISTAKEN and mark["diagnosis"] not in UNWRITTEN:
                diagnosis = mark["diagnosis"] or mark["state"]
                same[one.chapter, exercise, diagnosis].append(
                    (called[one.learner], mark["since"], mark["uploads"])
                )
    rows = [Stuck(*key, tuple(sorted(who, key=lambda each: each[1]))) for key, who in same.items()]
    return sorted(rows, key=lambda row: (-len(row.who), row.since))[:MOST]


def wait_for(places: int, paces: list[float], workers: int) -> float | None:
    """Seconds until the last of so many is graded, by how long the last ones took; None: nobody knows."""
    return places * sum(paces) / len(paces) / max(1, workers) if paces and places else None
