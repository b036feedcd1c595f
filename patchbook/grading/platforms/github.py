"""What a workflow on GitHub prints: an annotation for each exercise that is not right, and a summary table.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands

A line that begins with "::" is a command to GitHub's runner, so nothing that comes from a learner may stand
in a line of its own. Messages are escaped, and while a submission is graded the runner obeys no line at all.
"""

import json
import os
import secrets
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from patchbook.authoring.course import Course
from patchbook.grading.gradebook.results import OK, number
from patchbook.grading.platforms.one import Graded, NothingHandedIn, grade_one
from patchbook.grading.report.messages import clean
from patchbook.grading.report.reading import RIGHT, Item
from patchbook.grading.running.batch import Options

ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY = ESCAPES | {":": "%3A", ",": "%2C"}
SUMMARY = "GITHUB_STEP_SUMMARY"
MARKUP = str.maketrans({sign: f"&#{ord(sign)};" for sign in string.punctuation})
MARKS = {RIGHT: "✅", OK: "✅"}


def grade_repository(
    course: Course, folder: Path, chapter: str | None, out: Path, options: Options, say: Callable[[str], None]
) -> int:
    """Grade a learner's repository and print what GitHub shows. 0 when nothing is missing, else 1.

    Raises what `grade_class` raises.
    """
    learner = (os.environ.get("GITHUB_REPOSITORY") or folder.resolve().name).rpartition("/")[2]
    try:
        with silence(say):
            graded = grade_one(course, folder, learner, chapter, out, options)
    except NothingHandedIn as error:
        say(command("error", str(error), title="Nothing to grade"))
        return 1
    for line in commands(graded, folder):
        say(line)
    if os.environ.get(SUMMARY):
        with open(os.environ[SUMMARY], "a", encoding="utf-8") as file:
            file.write(summary(graded))
    return int(points(graded) < most(graded))


@contextmanager
def silence(say: Callable[[str], None]) -> Iterator[None]:
    """The runner takes no command until it reads a word that nobody can guess."""
    token = secrets.token_hex(16)
    say(f"::stop-commands::{token}")
    try:
        yield
    finally:
        say(f"::{token}::")


def command(name: str, message: str, **properties: str | int) -> str:
    """A line for the runner: name is error, warning or notice."""
    told = ",".join(f"{key}={escaped(str(value), PROPERTY)}" for key, value in properties.items())
    return f"::{name} {told}::{escaped(message, ESCAPES)}"


def escaped(text: str, escapes: dict[str, str]) -> str:
    """Without signs that end a line or a part of a command, or that only some readers obey."""
    return clean(text.replace("\r", "\n")).translate(str.maketrans(escapes))


def commands(graded: list[Graded], folder: Path) -> Iterator[str]:
    """What is not right, by chapter; then the points, for people and as GitHub Classroom reads them."""
    for one in graded:
        file = one.path.relative_to(folder).as_posix()
        lines = lines_of(one)
        if one.work.status != OK:
            yield command("error", one.work.reason, file=file, line=1, title=f"{file}: {one.work.status}")
        for item in one.items:
            if item.state != RIGHT:
                title = f"{item.exercise}: {number(item.points or 0)} of {number(item.worth)} points"
                yield command("error", message(item), file=file, line=lines[item.exercise], title=title)
        if one.by_hand:
            names = ", ".join(f"{item.exercise} ({number(item.worth)})" for item in one.by_hand)
            yield command("notice", names, file=file, title="Marked by a person, not counted here")
    got, of = points(graded), most(graded)
    yield command("notice", f"Points {number(got)}/{number(of)}", title="Autograding complete")
    yield command("notice", json.dumps({"totalPoints": got, "maxPoints": of}), title="Autograding report")


def message(item: Item) -> str:
    said = item.said
    return (
        "\n".join(filter(None, [said.what, said.where and f"Where: {said.where}", said.next])) or item.state
    )


def lines_of(one: Graded) -> dict[str, int]:
    """Where in the file each exercise begins: the line of its marker, else the first."""
    lines = one.path.read_bytes().decode("utf-8", "replace").split("\n")
    places = {name: f"EXERCISE {name}" for name in one.checked}
    return {
        name: next((i for i, line in enumerate(lines, 1) if words in line), 1)
        for name, words in places.items()
    }


def points(graded: list[Graded]) -> float:
    return sum(one.points for one in graded)


def most(graded: list[Graded]) -> float:
    return sum(one.most for one in graded)


def summary(graded: list[Graded]) -> str:
    """A table in Markdown; what came from a learner is shown, letter by letter, and never obeyed."""
    rows = [line for one in graded for line in rows_of(one)]
    table = ["| | Exercise | Points | What to do |", "|---|---|--:|---|", *rows]
    total = f"**{number(points(graded))} of {number(most(graded))} points** that a machine gives."
    return "\n".join(["### Patchbook", "", total, "", *table, "", ""])


def rows_of(one: Graded) -> Iterator[str]:
    work = one.work
    yield row(
        MARKS.get(work.status, "❌"), f"**{plain(work.chapter)}**", "", plain(work.reason or work.status)
    )
    for item in one.items:
        worth = f"{number(item.points or 0)} / {number(item.worth)}"
        what = "" if item.state == RIGHT else plain(message(item))
        yield row(MARKS.get(item.state, "❌"), plain(item.exercise), worth, what)
    for item in one.by_hand:
        yield row("✍️", plain(item.exercise), f"– / {number(item.worth)}", "a person marks this")


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Any text in a cell of a table: no sign of it is markup, a line's end is a break."""
    return "<br>".join(line.translate(MARKUP) for line in clean(text).split("\n"))
