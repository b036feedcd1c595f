"""Run a submission to its end: a cell that loops or kills its kernel costs its own marks only.

Stock nbgrader gives up on the whole notebook when a kernel dies, or when a loop ignores the interrupt.
Here the kernel starts again, takes up what came before, and goes on after the cell that killed it.

A check cell is not run as it stands: in its place the kernel observes the exercise on the source's seeds, and
sends records. The judge decides on them later, in a process that no learner's code has been in.
"""

import asyncio
import re
from base64 import b64decode
from queue import Empty

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Bool, Dict, Float

from patchbook.grading.kernels.manager import KernelManager
from patchbook.grading.kernels.observation import RECORD
from patchbook.grading.kernels.wire import Garbled, garbled
from patchbook.grading.notebooks.cells import DIED, NOT_RUN, TIMED_OUT, error, failed_to_end, is_check, record
from patchbook.grading.notebooks.outputs import drawable
from patchbook.grading.notebooks.plan import Plan, only_shown

WHOLE = 20  # a notebook may take this many times the limit of one cell, with all that is run again
DEATHS = 8  # times that a notebook may end its kernel; a timer in a thread could do it for ever
LAST_OUTPUTS = 5  # seconds that a cell may take to stop after its interrupt, or to send what it has put out
MOST_SHOWN = 4 * 2**20  # characters of outputs that are kept of one cell, records aside


class ExecuteToTheEnd(Execute):
    """nbgrader's Execute step, with a kernel of ours and a second chance after a death.

    A cell's limit counts the time in which its kernel works or sleeps, not that in which it waits for a
    processor: when the machine is busy with other things, no learner pays for it.
    After `preprocess`, `records` holds what each check cell sent: by grade id, one for each seed.
    """

    kernel_options = Dict(help="what KernelManager takes")
    spent = Float(0.0, help="seconds that the notebook has used, also in an earlier run")
    run_all = Bool(False, help="run the cells that only show, too")

    def __init__(self, plan: Plan, **options):
        super().__init__(kernel_manager_class=KernelManager, **options)
        self.plan, self.records = plan, {}

    def create_kernel_manager(self) -> KernelManager:
        self.km = KernelManager(**self.kernel_options)
        return self.km

    def preprocess(self, nb, resources=None, km=None):
        self.killers = set()
        self.endless = []  # exercises whose check looped or killed the kernel
        self.skipped = set() if self.run_all else only_shown(nb.cells, self.plan.shows)
        return super().preprocess(nb, resources, km)

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code" or index in self.skipped:
            return cell, resources
        pointless = self.pointless(cell)
        if pointless:
            record(cell, NOT_RUN, pointless)
            return cell, resources
        asked = self.plan.checks.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        shown, cell.source = cell.source, asked.code if asked else cell.source
        self.begin()
        try:
            super().preprocess_cell(cell, resources, index)
            if self.exited:
                raise DeadKernelError
        except DeadKernelError as ended:
            why = str(ended) if isinstance(ended, Garbled) else self.km.why_ended()
            record(cell, DIED, "this cell ended the Python process that ran it" + f": {why}" * bool(why))
            self.start_again(index)
        except CellTimeoutError:  # the loop caught the interrupt and went on
            record(cell, TIMED_OUT, f"still running after {self.timeout} seconds, interrupt ignored")
            self.start_again(index)
        else:
            self.spent += self.used()
        finally:
            cell.source = shown
        if asked:
            self.records[cell.metadata.nbgrader.grade_id] = take_records(cell)
            if failed_to_end(cell):
                self.endless.append(asked.exercise)
        return cell, resources

    def pointless(self, cell: NotebookNode) -> str:
        """Why a cell is not run; empty when it is."""
        if self.used_up():
            return "the notebook had used up its time, or its restarts"
        called = [name for name in self.endless if re.search(rf"\b{name}\b", cell.source)]
        if called and "nbgrader" not in cell.metadata:  # no marks in it: it would only take as long again
            return f"it calls {called[0]}, whose check did not end"
        return ""

    def used_up(self) -> bool:
        return self.spent > WHOLE * self.timeout or len(self.killers) >= DEATHS

    def begin(self) -> None:
        """Start the clocks of a cell."""
        self.error_on_timeout = error(TIMED_OUT, f"still running after {self.timeout} seconds")
        self.exited, self.shown, self.heard = False, 0, 0
        self.used_before = self.km.seconds_used()

    def process_message(self, msg, cell, cell_index):
        """Keep no more of a cell's outputs than a page can show; figures too when all cells are run."""
        self.heard += 1
        content = msg["content"]
        if msg["msg_type"].startswith("comm"):  # of a widget, which no page shows
            return None
        if msg["msg_type"] in ("stream", "display_data", "execute_result", "update_display_data", "error"):
            if RECORD not in content.get("data", {}):
                if "data" in content and not self.run_all:
                    content["data"] = drawable(content["data"])
                self.shown += sum(map(len, map(str, content.values())))
            if self.shown > MOST_SHOWN:
                return None
        with garbled():  # it may name an output that is not there
            return super().process_message(msg, cell, cell_index)

    def on_cell_executed(self, **told):
        """`exit()` lets the cell end well, and the kernel a moment later."""
        super().on_cell_executed(**told)
        payload = told["execute_reply"]["content"].get("payload", [])
        self.exited = any(message.get("source") == "ask_exit" for message in payload)

    def used(self) -> float:
        """Seconds that count against the limit of the cell."""
        return self.km.seconds_used() - self.used_before

    async def _async_poll_kernel_alive(self):
        """nbclient ends this watch with the cell, but for one that ends in an error of ours."""
        self.watch = asyncio.current_task()
        await super()._async_poll_kernel_alive()

    async def _async_handle_timeout(self, timeout, cell=None):
        """nbclient calls this when the clock says so, and waits on when the answer is None."""
        if cell is not None and self.used() < 0.9 * timeout:
            return None
        return await super()._async_handle_timeout(timeout, cell)

    async def _async_poll_output_msg(self, parent, cell, index):
        """nbclient's, but what comes after the reply is waited for as long as the kernel needs to send it."""
        outputs = asyncio.ensure_future(super()._async_poll_output_msg(parent, cell, index))
        try:
            replied = heard = None
            while not (await asyncio.wait([outputs], timeout=1))[0]:
                if "shell.execute_reply" not in cell.metadata["execution"]:
                    continue
                await self._async_check_alive()
                replied = self.used() if replied is None else replied
                if self.heard == heard and self.used() > replied + LAST_OUTPUTS:
                    raise Empty
                heard = self.heard
            return outputs.result()
        finally:
            outputs.cancel()

    def start_again(self, killer: int) -> None:
        """A fresh kernel that has run what came before the killer, but for checks and what failed to end."""
        self.killers.add(killer)
        self.spent += self.used()
        self.watch.cancel()
        self.kc.stop_channels()
        run_sync(self.km.restart_kernel)(now=True, newports=True)
        self.start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells[:killer]):
            skip = index in self.killers | self.skipped or cell.cell_type != "code"
            if skip or is_check(cell) or failed_to_end(cell) or self.used_up():
                continue
            try:
                self.replay(cell, index)
            except (DeadKernelError, CellTimeoutError):  # it had killed the kernel only after its own end
                self.killers.add(index)
                return self.start_again(killer)

    def replay(self, cell: NotebookNode, index: int) -> None:
        """Run a cell again for its definitions; the outputs of its first run stay."""
        self.begin()
        self.execute_cell(NotebookNode(cell | {"outputs": []}), index)
        self.spent += self.used()
        self.nb.cells[index] = cell


def take_records(cell: NotebookNode) -> list[bytes]:
    """Take what the observation sent out of a check cell's outputs, and our own lines out of its errors."""
    sent = [output.data[RECORD] for output in cell.outputs if RECORD in output.get("data", {})]
    cell.outputs = [output for output in cell.outputs if RECORD not in output.get("data", {})]
    for output in cell.outputs:
        if output.output_type == "error":
            output.traceback = [f"{output.ename}: {output.evalue}"]
    return [_decoded(text) for text in sent]


def _decoded(text: object) -> bytes:
    try:
        return b64decode(text)
    except (TypeError, ValueError):  # forged: our own code sends base64
        return b""
