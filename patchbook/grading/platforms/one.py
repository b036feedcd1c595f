"""One learner's notebooks, wherever they lie in a folder: graded as a class of one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from patchbook.authoring.course import Course
from patchbook.authoring.source import source_notebook
from patchbook.grading.collect.chapters import Shelf, released_chapters
from patchbook.grading.collect.names import chapter_named
from patchbook.grading.gradebook.database import gradebook_of
from patchbook.grading.gradebook.results import Result
from patchbook.grading.notebooks.plan import plan_of
from patchbook.grading.notebooks.submissions import Unreadable, read_notebook
from patchbook.grading.report.reading import Item, Work, read_work
from patchbook.grading.running.batch import Options, grade_class


class NothingHandedIn(Exception):
    """No notebook of the course lies in the folder; the message says what should."""


@dataclass(frozen=True)
class Graded:
    """A chapter of one learner. path: their file.  checked: the exercises that a machine marks."""

    path: Path
    result: Result
    work: Work
    checked: frozenset[str]

    @property
    def items(self) -> list[Item]:
        """What a machine has marked."""
        return [item for item in self.work.items if item.exercise in self.checked]

    @property
    def by_hand(self) -> list[Item]:
        return [item for item in self.work.items if item.exercise not in self.checked]

    @property
    def most(self) -> float:
        """The points that a machine could give."""
        return sum(self.result.worth[name] for name in self.result.worth if name in self.checked)

    @property
    def points(self) -> float:
        return sum(item.points or 0 for item in self.items)


def grade_one(
    course: Course, folder: Path, learner: str, chapter: str | None, out: Path, options: Options
) -> list[Graded]:
    """Grade what lies in a learner's folder into `out`, a chapter for each entry.

    Raises NothingHandedIn, and what `grade_class` raises.
    """
    files = chapters_in(course, folder, chapter, out)
    if not files:
        wanted = chapter or (course.chapters or ["01_topic"])[0]
        raise NothingHandedIn(f"there is no notebook of this course, such as {wanted}.ipynb")
    with tempfile.TemporaryDirectory(prefix="patchbook-one-") as place:
        own = Path(place, learner)
        own.mkdir()
        for name, path in files.items():
            shutil.copyfile(path, own / f"{name}.ipynb")
        results = grade_class(course, Path(place), out, chapter, options)
    root, url = out.resolve(), gradebook_of(out, options.gradebook)
    return [Graded(files[r.chapter], r, read_work(root, url, r), checked(course, r.chapter)) for r in results]


def checked(course: Course, chapter: str) -> frozenset[str]:
    """The exercises of a chapter that have a check."""
    checks = plan_of(source_notebook(course, chapter), chapter).checks
    return frozenset(asked.exercise for asked in checks.values())


def chapters_in(course: Course, folder: Path, chapter: str | None, beside: Path) -> dict[str, Path]:
    """The learner's file of each chapter: by its cells; one with the chapter's own name before others.

    A file that cannot be read counts by its name. beside: a folder to leave out.
    """
    shelf = Shelf(released_chapters(course, chapter))
    found: dict[str, list[tuple[bool, int, Path]]] = {}
    for path in notebooks_below(folder, beside):
        name = chapter_named(path.name, list(shelf.released))
        answered = -1
        try:
            notebook = read_notebook(path)
        except Unreadable:
            pass
        else:
            name = shelf.chapter_of(notebook, name)
            answered = shelf.answered(notebook, name) if name else 0
        if name:
            found.setdefault(name, []).append((path.stem == name, answered, path))
    return {name: max(found[name], key=lambda file: file[:2])[-1] for name in sorted(found)}


def notebooks_below(folder: Path, beside: Path) -> Iterator[Path]:
    """Every notebook, in order; no links, nothing hidden."""
    for place, inside, names in os.walk(folder):
        inside[:] = sorted(n for n in inside if n[0] != "." and Path(place, n).resolve() != beside.resolve())
        for name in sorted(names):
            path = Path(place, name)
            if path.suffix == ".ipynb" and name[0] != "." and path.is_file() and not path.is_symlink():
                yield path
