"""A learner's page of feedback: what it says at its top, and how it is written."""

import html
from pathlib import Path
from string import Template

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from patchbook.authoring.head import is_head
from patchbook.grading.gradebook.results import Result, fate
from patchbook.grading.notebooks.cells import exercise_of
from patchbook.outline import address_in

TEMPLATE = "patchbook_feedback"
TEMPLATES = Path(__file__).parent / "templates"


class Summarise(NbGraderPreprocessor):
    """Adds what our template shows and nbgrader's GetGrades does not: names, status, marks still to come."""

    def preprocess(self, nb, resources):
        names = resources["nbgrader"]
        pending = scores(names["db_url"], names["assignment"], names["student"])
        by_hand = 0.0
        for cell in (cell for cell in nb.cells if "nbgrader" in cell.metadata):
            grader = cell.metadata.nbgrader
            grader["exercise"] = exercise_of(grader.get("grade_id", ""))
            grader["pending"] = grader["grade"] and pending[grader["grade_id"]] is None
            by_hand += grader["points"] if grader["pending"] else 0
            grader["more"] = more(cell) if grader["grade"] else ""
        status, reason = fate(nb)
        names["summary"] = {"status": status, "reason": reason, "by_hand": by_hand}
        nb.cells = [cell for cell in nb.cells if not is_head(cell)]  # its pictures are elsewhere
        return nb, resources


def more(cell: NotebookNode) -> str:
    """Where the book explains what the cell's check said; "" where it said nothing."""
    errors = (output for output in cell.get("outputs", []) if output.output_type == "error")
    return next(filter(None, (address_in(error.evalue) for error in errors)), "")


class Compiled(BytecodeCache):
    """Templates are compiled once for a class, not once for a page."""

    def __init__(self):
        self.code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.code:
            bucket.bytecode_from_string(self.code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key] = bucket.bytecode_to_string()


class FeedbackPage(HTMLExporter):
    """HTMLExporter without its last step, which takes longer than all the rest.

    That step reads the finished page again, for texts of images; ours have them already.
    """

    compiled = Compiled()

    def _create_environment(self):
        environment = super()._create_environment()
        environment.bytecode_cache = self.compiled
        return environment

    def from_notebook_node(self, nb, resources=None, **options):
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=self))
        return TemplateExporter.from_notebook_node(self, nb, self._init_resources(resources), **options)


def scores(url: str, chapter: str, learner: str) -> dict[str, float | None]:
    """Points by nbgrader's grade id, from the gradebook; None where a human must still give them."""
    with Gradebook(url) as book:
        grades = book.find_submission_notebook(chapter, chapter, learner).grades
        return {grade.name: None if grade.needs_manual_grade else float(grade.score) for grade in grades}


def write_note(path: Path, result: Result) -> None:
    """A page for a learner whose notebook could not be graded: what is wrong and what to do."""
    page = Template((TEMPLATES / "note.html").read_text(encoding="utf-8"))
    path.parent.mkdir(parents=True, exist_ok=True)
    words = {name: html.escape(getattr(result, name)) for name in ("chapter", "learner", "status", "reason")}
    path.write_text(page.substitute(words), encoding="utf-8")
