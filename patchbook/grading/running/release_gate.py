"""The release gate's question: what marks do a chapter's own solutions get, and its untouched stubs?"""

import tempfile
from pathlib import Path

import nbformat

from patchbook.authoring.course import Course
from patchbook.authoring.release import release_notebook, solved_notebook
from patchbook.authoring.source import source_notebook
from patchbook.grading.gradebook.results import Result
from patchbook.grading.kernels.sandbox import why_no_sandbox
from patchbook.grading.running.batch import TIMEOUT, Options, grade_class

SOLUTION, STUB = "solution", "stub"


def chapter_marks(course: Course, chapter: str, what: str = SOLUTION, timeout: int = TIMEOUT) -> Result:
    """Grade the chapter's solution notebook, or its exercises as released, like any submission.

    `what` is SOLUTION or STUB. A hand-graded answer of the solution has points None. The code is the
    course's own, so a machine without a sandbox will do. Leaves nothing behind.
    """
    make = {SOLUTION: solved_notebook, STUB: release_notebook}[what]
    with tempfile.TemporaryDirectory(prefix="patchbook-gate-") as place:
        path = Path(place, "handed_in", what, f"{chapter}.ipynb")
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(make(source_notebook(course, chapter))), encoding="utf-8")
        options = Options(timeout=timeout, sandboxed=not why_no_sandbox())
        (result,) = grade_class(course, path.parents[1], Path(place, "out"), chapter, options)
        return result
