"""Which chapter a notebook is: by its cells, whatever the file is called."""

import nbformat
from nbformat import NotebookNode

from patchbook.authoring import Course, release_notebook, source_notebook
from patchbook.authoring.problems import defines
from patchbook.grading.notebooks.repair import Release, graded_name, identify


def released_chapters(course: Course, only: str | None = None) -> dict[str, NotebookNode]:
    """The released notebook of each chapter; `only` keeps one. Raises CourseError for an unknown name."""
    names = [course.require(only)] if only else course.chapters
    return {name: _released(course, name) for name in names}


def _released(course: Course, chapter: str) -> NotebookNode:
    path = course.exercise(chapter)
    if path.is_file():
        return nbformat.read(path, as_version=4)
    return release_notebook(source_notebook(course, chapter))


class Shelf:
    """The released chapters, to find the one that a notebook began as."""

    def __init__(self, released: dict[str, NotebookNode]):
        self.released = released
        self.parts = {name: Release(notebook) for name, notebook in released.items()}

    def chapter_of(self, notebook: NotebookNode, named: str | None) -> str | None:
        """The chapter with most cells in the notebook; of several, the one that the file's name says."""
        for count in (self.known_cells, self.known_names):
            counts = {name: count(notebook, part) for name, part in self.parts.items()}
            most = max(counts.values(), default=0)
            if most:
                best = [name for name, found in counts.items() if found == most]
                return named if named in best else best[0]
        return None

    @staticmethod
    def known_cells(notebook: NotebookNode, release: Release) -> int:
        """Graded cells whose marker or metadata is still there."""
        return len({graded_name(cell, release) for cell in notebook.cells} - {None})

    @staticmethod
    def known_names(notebook: NotebookNode, release: Release) -> int:
        """Exercises that a cell defines, where marker and metadata are lost."""
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        exercises = release.cells.keys() - release.checks
        return sum(any(defines(source, name) for source in code) for name in exercises)

    def answered(self, notebook: NotebookNode, chapter: str) -> int:
        """How many of the chapter's cells differ from the released ones."""
        release = self.parts[chapter]
        pieces = [identify(cell, release) for cell in notebook.cells]
        return sum(
            piece.name in release.cells.keys() - release.checks and not release.untouched(piece)
            for piece in pieces
        )
