"""exercises/ is generated and committed: write it, or say what in it is stale."""

from pathlib import Path

import nbformat

from patchbook.authoring.course import Course
from patchbook.authoring.release import release_notebook
from patchbook.authoring.source import source_notebook


def exercise_text(course: Course, chapter: str) -> str:
    """The bytes of exercises/<chapter>.ipynb, the same on every run. Raises AuthorError."""
    notebook = release_notebook(source_notebook(course, chapter))
    return nbformat.writes(notebook) + "\n"


def write_exercises(course: Course) -> list[Path]:
    """Write every chapter's exercise notebook and remove strays; returns the files that changed."""
    wanted = {course.exercise(name): exercise_text(course, name) for name in course.chapters}
    changed = _differing(course, wanted)
    for path in changed:
        path.parent.mkdir(exist_ok=True)
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return changed


def stale_exercises(course: Course) -> list[Path]:
    """The files of exercises/ that `write_exercises` would change, make or remove."""
    return _differing(
        course, {course.exercise(name): exercise_text(course, name) for name in course.chapters}
    )


def _differing(course: Course, wanted: dict[Path, str]) -> list[Path]:
    present = set((course.root / "exercises").glob("*.ipynb"))
    return sorted(
        path
        for path in present | set(wanted)
        if path not in wanted or path not in present or path.read_text(encoding="utf-8") != wanted[path]
    )
