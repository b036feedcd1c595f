"""What is generated and committed: write it, or say what of it is stale.

exercises/NN_topic.ipynb               what learners open
book/_static/drawings/NN_topic.svg     the chapter's drawing, for the notebook's head
tests/chapters.json                    what each chapter asks, for the progress that notebooks show
"""

from pathlib import Path

import nbformat

from patchbook.authoring.course import Course
from patchbook.authoring.head import drawing, drawing_path
from patchbook.authoring.outline import outline_path, outline_text
from patchbook.authoring.release import release_notebook
from patchbook.authoring.source import source_notebook

FOLDERS = {
    "exercises": "*.ipynb",
    "book/_static/drawings": "*.svg",
}  # strays go


def exercise_text(course: Course, chapter: str) -> str:
    """The bytes of exercises/<chapter>.ipynb, the same on every run. Raises AuthorError."""
    notebook = release_notebook(source_notebook(course, chapter))
    return nbformat.writes(notebook) + "\n"


def write_exercises(course: Course) -> list[Path]:
    """Write every file that is generated and remove strays; returns the files that changed."""
    wanted = _wanted(course)
    changed = _differing(course, wanted)
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return changed


def stale_exercises(course: Course) -> list[Path]:
    """The files that `write_exercises` would change, make or remove."""
    return _differing(course, _wanted(course))


def _wanted(course: Course) -> dict[Path, str]:
    exercises = {course.exercise(name): exercise_text(course, name) for name in course.chapters}
    drawings = {drawing_path(course, name): drawing(course, name) for name in course.chapters}
    drawn = {path: svg for path, svg in drawings.items() if svg is not None}
    return exercises | drawn | {outline_path(course): outline_text(course)}


def _differing(course: Course, wanted: dict[Path, str]) -> list[Path]:
    found = {path for folder, pattern in FOLDERS.items() for path in (course.root / folder).glob(pattern)}
    found |= {path for path in wanted if path.is_file()}
    return sorted(
        path
        for path in found | set(wanted)
        if path not in wanted or path not in found or path.read_text(encoding="utf-8") != wanted[path]
    )
