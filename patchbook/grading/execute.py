"""Run a submission to its end: a cell that loops or kills its kernel costs its own marks only.

Stock nbgrader gives up on the whole notebook when a kernel dies, or when a loop ignores the interrupt.
Here the kernel starts again, takes up what came before, and goes on after the cell that killed it.
"""

from time import monotonic

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute

from patchbook.grading.kernel import KernelManager

DIED, TIMED_OUT, NOT_RUN = "KernelDied", "CellTimeoutError", "NotRun"
STARTUP = 120  # seconds for a cell above the first exercise: it loads libraries and the model
WHOLE = 20  # a notebook may take this many times the limit of one cell, after startup


class ExecuteToTheEnd(Execute):
    """nbgrader's Execute step, with a kernel of ours and a second chance after a death."""

    def __init__(self, *args, **kwargs):
        kwargs["kernel_manager_class"] = KernelManager
        super().__init__(*args, **kwargs)

    def preprocess(self, nb, resources=None, km=None):
        self.killers = set()
        self.spent = 0.0
        self.first_exercise = next(
            (i for i, cell in enumerate(nb.cells) if "nbgrader" in cell.metadata), len(nb.cells)
        )
        return super().preprocess(nb, resources, km)

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code":
            return cell, resources
        if self.spent > WHOLE * self.timeout:
            record(cell, NOT_RUN, f"the notebook had used up its {WHOLE * self.timeout} seconds")
            return cell, resources
        started = monotonic()
        self.index = index
        self.error_on_timeout = error(TIMED_OUT, f"still running after {self.limit(index)} seconds")
        try:
            super().preprocess_cell(cell, resources, index)
        except DeadKernelError:
            record(cell, DIED, "this cell ended the Python process that ran it")
            self.start_again(index)
        except CellTimeoutError:  # the loop caught the interrupt and went on
            record(cell, TIMED_OUT, f"still running after {self.limit(index)} seconds, interrupt ignored")
            self.start_again(index)
        if index >= self.first_exercise:
            self.spent += monotonic() - started
        return cell, resources

    def limit(self, index: int) -> int:
        """Seconds for the cell at `index`."""
        return self.timeout if index >= self.first_exercise else max(self.timeout, STARTUP)

    def _get_timeout(self, cell):
        return self.limit(self.index) if cell is not None else self.timeout

    def start_again(self, killer: int) -> None:
        """A fresh kernel that has run what came before the killer, except checks and earlier killers."""
        self.killers.add(killer)
        self.kc.stop_channels()
        run_sync(self.km.restart_kernel)(now=True, newports=True)
        self.start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells[:killer]):
            if index not in self.killers and not cell.metadata.get("nbgrader", {}).get("grade"):
                self.replay(cell, index)

    def replay(self, cell: NotebookNode, index: int) -> None:
        """Run a cell again for its definitions; its first outputs stay. It worked once, so no rescue."""
        self.index = index
        again = NotebookNode(cell | {"outputs": []})
        self.execute_cell(again, index)
        self.nb.cells[index] = cell


def record(cell: NotebookNode, name: str, reason: str) -> None:
    """Say in the cell's outputs what happened to it; nbgrader then gives it no points."""
    cell.outputs = [
        output for output in cell.get("outputs", []) if output.get("ename") not in (DIED, TIMED_OUT)
    ]
    cell.outputs.append(new_output("error", **error(name, reason)))


def error(name: str, reason: str) -> dict:
    return {"ename": name, "evalue": reason, "traceback": [f"{name}: {reason}"]}
