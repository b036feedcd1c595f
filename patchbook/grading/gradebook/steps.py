"""nbgrader's steps on a notebook, where ours differ: outputs taken, scored, shortened, safe to show."""

import re
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade
from traitlets import Unicode

from patchbook.grading.notebooks.outputs import drawable, hidden_lines, without

TAG = re.compile(r"<(?=[A-Za-z/!?])")
LONGEST = 20_000  # characters of one output that feedback keeps: a learner reads no more


class TakeRun(NbGraderPreprocessor):
    """Outputs from <folder>/<student>/<assignment>/<notebook>.ipynb, where `patchbook grade` put what ran."""

    folder = Unicode(help="where the notebooks that ran lie").tag(config=True)

    def preprocess(self, nb, resources):
        names = resources["nbgrader"]
        path = Path(self.folder, names["student"], names["assignment"], f"{names['notebook']}.ipynb")
        ran = nbformat.read(path, as_version=4)
        if [cell.id for cell in nb.cells] != [cell.id for cell in ran.cells]:
            raise ValueError(f"{path} is not the notebook that was handed in")
        for cell, done in zip(nb.cells, ran.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = done.outputs, done.execution_count
        return nb, resources


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
    a teacher opens. With `--run-all` the notebook in ran/ keeps all.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data = NotebookNode(drawable(output.data))
                output.metadata = NotebookNode(alt="an image that this cell made")
        return cell, resources


class ShowTags(NbGraderPreprocessor):
    """In prose that is not the course's own, a tag is shown and not obeyed, by any page and by formgrader."""

    released = Unicode(help="the folder of released notebooks").tag(config=True)

    def preprocess(self, nb, resources):
        names = resources["nbgrader"]
        released = Path(self.released, names["assignment"], f"{names['notebook']}.ipynb")
        course = prose_of(released, released.stat().st_mtime_ns)
        for cell in nb.cells:
            if cell.cell_type != "code" and cell.source.strip() not in course:
                cell.source = TAG.sub("<\u200b", cell.source)  # a space of no width
        return nb, resources


@lru_cache(maxsize=32)
def prose_of(released: Path, changed: int) -> frozenset[str]:
    """The texts of a released notebook's cells that are no code."""
    cells = nbformat.read(released, as_version=4).cells
    return frozenset(cell.source.strip() for cell in cells if cell.cell_type != "code")
