"""nbgrader's Execute step, replaced: the notebook has run already, in a worker; its outputs are taken."""

from pathlib import Path

import nbformat
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode


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
