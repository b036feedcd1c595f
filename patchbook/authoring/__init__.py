"""From one hand-written file per chapter to the notebooks that learners open.

    solutions/NN_topic.md  --source-->  source notebook  --release-->  exercises/NN_topic.ipynb

    course    where a course lies: its chapters, its repository address
    source    the .md file as a notebook with all of nbgrader's metadata
    head      the first cell of a notebook, links and the chapter's drawing, and the last: how far one is
    outline   what a chapter asks, as data, for the progress that notebooks show
    problems  what an author forgot, and what to write
    release   solutions and hidden tests taken out, by nbgrader's own preprocessors
    sync      exercises/ written, or found stale

`python -m patchbook.authoring` rewrites exercises/; with `--check` it only says what is stale.
"""

from patchbook import starting  # noqa: F401  (first)
from patchbook.authoring.course import Course, CourseError, find_course
from patchbook.authoring.problems import AuthorError
from patchbook.authoring.release import release_notebook, solved_notebook
from patchbook.authoring.source import source_notebook
from patchbook.authoring.sync import stale_exercises, write_exercises

__all__ = [
    "AuthorError",
    "Course",
    "CourseError",
    "find_course",
    "release_notebook",
    "solved_notebook",
    "source_notebook",
    "stale_exercises",
    "write_exercises",
]
