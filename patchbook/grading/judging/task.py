"""One submission from the file to the judged notebook: read, repair, run, judge. It writes nothing.

    python -m patchbook.grading.judging.task SOCKET      a server whose forks do one task after another

A task and its answer are data, so that they can travel: `do(task)` runs in any process that has the package.
"""

import json
import sys
import traceback
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from patchbook.grading.judging.execute import ExecuteToTheEnd
from patchbook.grading.judging.judge import Judge, Verdict
from patchbook.grading.judging.predictions import hide_lacks, run_again, show_all
from patchbook.grading.kernels.fork_server import serve
from patchbook.grading.notebooks.plan import OPEN, Asked, Plan
from patchbook.grading.notebooks.repair import repair
from patchbook.grading.notebooks.submissions import Unreadable, notebook_of_taken

FAILED = "CheckFailed"
HIDDEN = "it passes the open check and fails a hidden one."  # all that is said, but the diagnosis
_judges: dict[str, Judge] = {}  # a worker keeps its line to the judge from task to task


def main() -> None:
    sys.stdin.readline()  # servers are told what to prepare; this one has nothing to
    serve(sys.argv[1], work)


def work(line: Connection) -> None:
    """Tasks from one grader, until it hangs up."""
    while True:
        try:
            task = json.loads(line.recv_bytes())
        except (EOFError, ConnectionError):
            return
        line.send_bytes(json.dumps(do(task)).encode())


def do(task: dict[str, Any]) -> dict[str, Any]:
    """A task's answer: "unreadable", "failed" (the grader's own fault) or what `graded` returns."""
    started = monotonic()
    try:
        answer = graded(task)
    except Unreadable as error:
        answer = {"unreadable": str(error)}
    except Exception as error:  # one submission never stops another, not even by a mistake of ours
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}, line {where.lineno}"
        answer = {"failed": f"the grader failed: {type(error).__name__}: {error} ({place})"}
    return answer | {"seconds": monotonic() - started}


def graded(task: dict[str, Any]) -> dict[str, Any]:
    """notebook: as repaired; ran: the same with outputs and verdicts; mended: lines.

    diagnoses, fingerprints: by exercise, of answers that are wrong.
    caught: by exercise in which a learner writes cases, which misconceptions these refuse.

    file, released, plan, kernel, settings, run_all: see `batch.task_of`; warm, judge: addresses.
    """
    released, plan = nbformat.from_dict(task["released"]), Plan.from_dict(task["plan"])
    notebook, mended = repair(notebook_of_taken(task["file"]), released)
    ran = nbformat.from_dict(json.loads(json.dumps(notebook)))
    kernel = task["kernel"] | {"server": task["warm"]}
    step = ExecuteToTheEnd(plan, kernel_options=kernel, **task["settings"])
    step.preprocess(ran, {})
    mended += run_again(step, notebook, ran, task["settings"])
    hide_lacks(ran, plan)
    if task["run_all"]:
        show_all(step, notebook, ran, task["settings"])
    judge = _judges.setdefault(task["judge"], Judge(task["judge"]))
    verdicts = judged(ran, plan, step.records, judge)
    return {
        "notebook": notebook,
        "ran": ran,
        "mended": mended,
        "diagnoses": {name: verdict.diagnosis for name, verdict in verdicts.items() if not verdict.passed},
        "caught": {name: verdict.caught for name, verdict in verdicts.items() if verdict.caught},
        "fingerprints": {name: v.fingerprint for name, v in verdicts.items() if v.fingerprint},
    }


def judged(
    ran: NotebookNode, plan: Plan, records: dict[str, list[bytes]], judge: Judge
) -> dict[str, Verdict]:
    """Write a verdict into the outputs of every check cell; returns them by exercise."""
    verdicts = {}
    for cell in ran.cells:
        asked = plan.checks.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if asked is None or any(output.output_type == "error" for output in cell.outputs):
            continue  # an error takes the points already
        sent = records.get(cell.metadata.nbgrader.grade_id, [])
        verdict = verdicts[asked.exercise] = decided(asked, sent, judge)
        cell.outputs = [output for output in cell.outputs if output.output_type == "stream"] + [said(verdict)]
    return verdicts


def decided(asked: Asked, sent: list[bytes], judge: Judge) -> Verdict:
    """The first seed that fails decides; every seed must have sent its record."""
    verdict = Verdict(False, f"{asked.exercise}: it sent no result to compare", "unfit")
    if len(sent) < len(asked.seeds):
        return verdict
    for seed, record in zip(asked.seeds, sent, strict=False):
        verdict = judge.verdict(asked, seed, record)
        if not verdict.passed:
            return verdict if seed == OPEN else without_case(asked.exercise, verdict)
    return verdict


def without_case(exercise: str, verdict: Verdict) -> Verdict:
    """What a learner may know of a hidden test that fails: that it does, and the diagnosis."""
    message = (
        f"{exercise} is not right yet.\n"
        f"  What:  {HIDDEN} Diagnosis: {verdict.diagnosis}.\n"
        "  Next:  Try it on inputs of your own: other sizes, other values, the first and the last position."
    )
    return replace(verdict, message=message)


def said(verdict: Verdict) -> NotebookNode:
    """A verdict as an output: nbgrader gives no points to a cell with an error, and all to one without."""
    if verdict.passed:
        return new_output("stream", name="stdout", text=verdict.message + "\n")
    text = f"{FAILED}: {verdict.message}"
    return new_output("error", ename=FAILED, evalue=verdict.message, traceback=[text])


if __name__ == "__main__":
    main()
