"""The release gate's question: what marks do a chapter's own solutions get, and its untouched stubs?"""

import tempfile
from pathlib import Path

from patchbook.authoring.course import Course
from patchbook.authoring.release import solved_notebook
from patchbook.authoring.source import source_notebook
from patchbook.grading.batch import TIMEOUT, grade_one
from patchbook.grading.gradebook import CourseFolder
from patchbook.grading.results import Result
from patchbook.grading.submissions import Submission

SOLUTION, STUB = "solution", "stub"


def chapter_marks(course: Course, chapter: str, what: str = SOLUTION, timeout: int = TIMEOUT) -> Result:
    """Grade the chapter's solution notebook, or its exercises as released, like any submission.

    `what` is SOLUTION or STUB. A hand-graded answer of the solution has points None.
    Takes as long as one submission; leaves nothing behind.
    """
    with tempfile.TemporaryDirectory(prefix="patchbook-gate-") as place:
        folder = CourseFolder(Path(place), timeout)
        source = source_notebook(course, chapter)
        released = folder.add_chapter(chapter, source)
        notebook = {SOLUTION: solved_notebook(source), STUB: released}[what]
        path = folder.write(notebook, "handed_in", what, chapter)
        return grade_one(folder, Submission(what, chapter, path), released)
