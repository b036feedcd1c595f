"""Steps on a graded notebook's outputs: what nbgrader scores, and what of it a learner may read."""

import re

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade

ANSI = re.compile(r"\x1b\[[0-9;]*m")
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
PLOTLY = "application/vnd.plotly.v1+json"
DRAWABLE = ("text/plain", "image/png", "image/jpeg", "text/latex")
LONGEST = 20_000  # characters of one output that feedback keeps: a learner reads no more


class ScoreByError(NbGraderPreprocessor):
    """A check gives all its points or, when it raises, none.

    Stock nbgrader gives 0 for anything on stderr (a library's warning) and takes a last value that
    looks like a number for partial marks, `nan` included.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code" and is_grade(cell):
            for output in cell.outputs:
                if output.output_type == "stream":
                    output.name = "stdout"
            cell.outputs = [output for output in cell.outputs if output.output_type != "execute_result"]
        return cell, resources


class ShortenOutput(NbGraderPreprocessor):
    """nbgrader's LimitOutput counts lines; a single line of 100 MB passes it."""

    def preprocess_cell(self, cell, resources, cell_index):
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and len(output.text) > LONGEST:
                output.text = output.text[:LONGEST] + f"\n… cut after {LONGEST} characters …\n"
            elif output.output_type == "error" and len(output.evalue) > LONGEST:
                output.evalue = output.evalue[:LONGEST]
                output.traceback = [output.ename, output.evalue]
        return cell, resources


class HideHiddenTests(NbGraderPreprocessor):
    """Take the hidden lines out of tracebacks; nbgrader's ClearHiddenTests takes them from the cell.

    IPython prints the lines around the one that failed, so a traceback may quote a hidden test even
    when the visible one raised.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        hidden = hidden_lines(cell) if cell.cell_type == "code" and is_grade(cell) else set()
        for output in cell.get("outputs", []) if hidden else []:
            if output.output_type == "error":
                output.traceback = [without(block, hidden) for block in output.traceback]
        return cell, resources


class NameFigures(NbGraderPreprocessor):
    """What only a browser can draw becomes a line that names it.

    A page of feedback cannot draw it, and HTML, scripts and SVG from a learner have no place in a page that
    a teacher opens. With `--run-all`
    the notebook in ran/ keeps all.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data = NotebookNode(drawable(output.data))
                output.metadata = NotebookNode(alt="an image that this cell made")
        return cell, resources


def drawable(data: dict) -> dict:
    """Of an output's forms, those that any page can show; a figure's name where there are none."""
    if PLOTLY in data:
        title = (data[PLOTLY].get("layout") or {}).get("title") or {}
        return {"text/plain": f"[figure: {title.get('text', 'untitled')}]"}
    kept = {form: data[form] for form in DRAWABLE if form in data}
    return kept or {"text/plain": "[interactive output]"}


def hidden_lines(cell: NotebookNode) -> set[str]:
    """The lines a learner must not see, without the spaces around them; the region's markers too."""
    lines = {line.strip() for region in HIDDEN.findall(cell.source) for line in region.split("\n")}
    return (lines | {"### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"}) - {""}


def without(block: str, hidden: set[str]) -> str:
    """A block of a traceback, colours and all, without the lines that quote a hidden one."""
    return "\n".join(
        line for line in block.split("\n") if not any(text in ANSI.sub("", line) for text in hidden)
    )
