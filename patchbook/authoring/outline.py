"""What each chapter asks, as data: tests/chapters.json, from which notebooks tell a learner how far they are.

    {"book": "https://…", "chapters": {"00_hooks_and_caches": {
      "title": "0 · Hooks and caches", "exercises": {"my_name": {"title": "…", "points": 3, "check": true}}}}}

book: the published book's address, to which checks lead; null for a course that has none.
check: false where a person reads the answer.
"""

import json
import re
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from patchbook.authoring.course import Course
from patchbook.authoring.source import source_notebook

TITLE = re.compile(r"^# (.+)", re.MULTILINE)
EXERCISE = re.compile(r"^### (?:\w+: )?(.+)", re.MULTILINE)


def outline_path(course: Course) -> Path:
    return course.root / "tests" / "chapters.json"


def outline_text(course: Course) -> str:
    """The bytes of tests/chapters.json, the same on every run."""
    chapters = {chapter: outline(source_notebook(course, chapter)) for chapter in course.chapters}
    return json.dumps({"book": course.book(), "chapters": chapters}, indent=1, ensure_ascii=False) + "\n"


def outline(source: NotebookNode) -> dict[str, Any]:
    """A chapter's title and its exercises in order, each under the last heading above it."""
    title, heading, exercises = "", "", {}
    for cell in source.cells:
        grader = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "markdown" and not grader:
            title = title or "".join(TITLE.findall(cell.source)[:1])
            heading = "".join(EXERCISE.findall(cell.source)[-1:]) or heading
        if grader.get("grade"):
            name = grader["grade_id"].removeprefix("test_")
            check = cell.cell_type == "code"
            exercises[name] = {"title": heading, "points": grader["points"], "check": check}
    return {"title": title, "exercises": exercises}
