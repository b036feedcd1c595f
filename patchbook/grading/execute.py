"""Run a submission to its end: a cell that loops or kills its kernel costs its own marks only.

Stock nbgrader gives up on the whole notebook when a kernel dies, or when a loop ignores the interrupt.
Here the kernel starts again, takes up what came before, and goes on after the cell that killed it.
"""

import re
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
DEATHS = 8  # times that a notebook may end its kernel; a timer in a thread could do it for ever
PATIENCE = 5  # on a busy machine a cell may wait this many times its limit; a sleeping one takes as long


class ExecuteToTheEnd(Execute):
    """nbgrader's Execute step, with a kernel of ours and a second chance after a death.

    A cell's limit is CPU time: when the machine is busy with other things, no learner pays for it.
    """

    def __init__(self, *args, **kwargs):
        kwargs["kernel_manager_class"] = KernelManager
        super().__init__(*args, **kwargs)

    def preprocess(self, nb, resources=None, km=None):
        self.killers = set()
        self.endless = []  # exercises whose check looped or killed the kernel
        self.spent = 0.0
        self.first_exercise = next(
            (i for i, cell in enumerate(nb.cells) if "nbgrader" in cell.metadata), len(nb.cells)
        )
        return super().preprocess(nb, resources, km)

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code":
            return cell, resources
        pointless = self.pointless(cell)
        if pointless:
            record(cell, NOT_RUN, pointless)
            return cell, resources
        self.begin(index)
        try:
            super().preprocess_cell(cell, resources, index)
            self.spent += self.used() if index >= self.first_exercise else 0
            if self.exited:
                raise DeadKernelError
        except DeadKernelError:
            record(cell, DIED, "this cell ended the Python process that ran it")
            self.start_again(index)
        except CellTimeoutError:  # the loop caught the interrupt and went on
            record(cell, TIMED_OUT, f"still running after {self.limit} seconds, interrupt ignored")
            self.spent += self.limit
            self.start_again(index)
        if is_check(cell) and failed_to_end(cell):
            self.endless.append(exercise_of(cell.metadata.nbgrader.grade_id))
        return cell, resources

    def pointless(self, cell: NotebookNode) -> str:
        """Why a cell is not run; empty when it is."""
        if self.spent > WHOLE * self.timeout or len(self.killers) >= DEATHS:
            return "the notebook had used up its time, or its restarts"
        called = [name for name in self.endless if re.search(rf"\b{name}\b", cell.source)]
        if called and "nbgrader" not in cell.metadata:  # no marks in it: it would only take as long again
            return f"it calls {called[0]}, whose check did not end"
        return ""

    def begin(self, index: int) -> None:
        """Start the clocks of the cell at `index`, and set its limit in seconds."""
        self.limit = self.timeout if index >= self.first_exercise else max(self.timeout, STARTUP)
        self.error_on_timeout = error(TIMED_OUT, f"still running after {self.limit} seconds")
        self.exited = False
        self.started, self.cpu_before = monotonic(), self.km.cpu_seconds()

    def on_cell_executed(self, **told):
        """`exit()` lets the cell end well, and the kernel a moment later."""
        super().on_cell_executed(**told)
        payload = told["execute_reply"]["content"].get("payload", [])
        self.exited = any(message.get("source") == "ask_exit" for message in payload)

    def used(self) -> float:
        """Seconds that count against the limit: CPU time, or a part of the time on the clock."""
        return max(self.km.cpu_seconds() - self.cpu_before, (monotonic() - self.started) / PATIENCE)

    def _get_timeout(self, cell):
        return self.limit if cell is not None else self.timeout

    async def _async_handle_timeout(self, timeout, cell=None):
        """nbclient calls this when the clock says so, and waits on when the answer is None."""
        if cell is not None and self.used() < 0.9 * timeout:
            return None
        return await super()._async_handle_timeout(timeout, cell)

    def start_again(self, killer: int) -> None:
        """A fresh kernel that has run what came before the killer, but for checks and what failed to end."""
        self.killers.add(killer)
        self.kc.stop_channels()
        run_sync(self.km.restart_kernel)(now=True, newports=True)
        self.start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells[:killer]):
            if cell.cell_type != "code" or index in self.killers or is_check(cell) or failed_to_end(cell):
                continue
            try:
                self.replay(cell, index)
            except (DeadKernelError, CellTimeoutError):  # it had killed the kernel only after its own end
                self.killers.add(index)
                return self.start_again(killer)

    def replay(self, cell: NotebookNode, index: int) -> None:
        """Run a cell again for its definitions; the outputs of its first run stay."""
        self.begin(index)
        self.execute_cell(NotebookNode(cell | {"outputs": []}), index)
        self.nb.cells[index] = cell


def exercise_of(grade_id: str) -> str:
    """The exercise that a graded cell belongs to: "test_x" is the check of "x"."""
    return grade_id.removeprefix("test_")


def is_check(cell: NotebookNode) -> bool:
    return cell.metadata.get("nbgrader", {}).get("grade", False)


def failed_to_end(cell: NotebookNode) -> bool:
    return any(output.get("ename") in (TIMED_OUT, DIED, NOT_RUN) for output in cell.get("outputs", []))


def record(cell: NotebookNode, name: str, reason: str) -> None:
    """Say in the cell's outputs what happened to it; nbgrader then gives it no points."""
    cell.outputs = [
        output for output in cell.get("outputs", []) if output.get("ename") not in (DIED, TIMED_OUT)
    ]
    cell.outputs.append(new_output("error", **error(name, reason)))


def error(name: str, reason: str) -> dict:
    return {"ename": name, "evalue": reason, "traceback": [f"{name}: {reason}"]}
