"""Grade the same class twice: with stock `nbgrader autograde`, and with `patchbook grade`.

    python benchmarks/grading.py [--submissions 30] [--workers 2] [--chapters 00_hooks_and_caches …]

Both sides get the same notebooks, and must give the same points. Ours includes the start of its processes
and the pages of feedback; the stock side, only `nbgrader autograde`. The last line is `ratio N`.
`--only-ours` leaves nbgrader out.
"""

import argparse
import copy
import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from time import monotonic

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from patchbook.authoring import find_course, release_notebook, solved_notebook, source_notebook
from patchbook.grading.gradebook.course_folder import put_alembic_on_path
from patchbook.grading.kernels.manager import MODEL
from patchbook.grading.kernels.sandbox import why_no_sandbox
from patchbook.grading.running.batch import Options, grade_class

CONFIG = """c = get_config()
c.ClearMarkScheme.enforce_metadata = False
c.Execute.startup_timeout = 600  # patience only: a busy machine is no reason for a zero
c.Execute.timeout = 300
"""


def main() -> None:
    asked = arguments()
    course = find_course(Path(__file__).resolve().parents[1])
    with tempfile.TemporaryDirectory(prefix="patchbook-benchmark-") as place:
        root = Path(place)
        sources = {chapter: source_notebook(course, chapter) for chapter in asked.chapters}
        learners = [f"learner-{number:03}" for number in range(asked.submissions)]
        for chapter, source in sources.items():
            hand_in(root, chapter, source, learners)
        stock_seconds, stock = (0.0, {}) if asked.only_ours else grade_stock(root / "stock", sources)
        options = Options(workers=asked.workers, sandboxed=not why_no_sandbox())
        started = monotonic()
        results = grade_class(course, root / "ours", root / "graded", options=options)
        our_seconds = monotonic() - started
        ours = {(r.learner, r.chapter): {k: v for k, v in r.points.items() if v is not None} for r in results}
        different = differences(stock, ours)
        table(asked, stock_seconds, our_seconds, cell_seconds(root / "graded" / "ran"), len(results))
    if different:
        sys.exit("different points (nbgrader, patchbook):\n" + "\n".join(different[:20]))
    if stock:
        print(f"ratio {stock_seconds / our_seconds:.1f}")


def differences(stock: dict, ours: dict) -> list[str]:
    """A line for each exercise that nbgrader scores by itself, and to which we give other points."""
    found = []
    for key, points in stock.items():
        other = ours.get(key, {})
        names = [name for name, score in points.items() if score != other.get(name)]
        found += [f"{' '.join(key)} {name}: {points[name]}, {other.get(name)}" for name in names]
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--submissions", type=int, default=30)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--chapters", nargs="+", default=["00_hooks_and_caches", "01_induction_heads"])
    return parser.parse_args()


def hand_in(root: Path, chapter: str, source: NotebookNode, learners: list[str]) -> None:
    """The same notebooks for both sides: some learners solved all, others left stubs here and there."""
    solved, released = solved_notebook(source), release_notebook(source)
    (root / "stock" / "source" / chapter).mkdir(parents=True)
    nbformat.write(source, root / "stock" / "source" / chapter / f"{chapter}.ipynb")
    for number, learner in enumerate(learners):
        text = nbformat.writes(answered(solved, released, number))
        for folder in (root / "stock" / "submitted" / learner / chapter, root / "ours" / learner):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{chapter}.ipynb").write_text(text, encoding="utf-8")


def answered(solved: NotebookNode, released: NotebookNode, number: int) -> NotebookNode:
    """Learner `number`'s notebook: of every five exercises, up to two are not solved."""
    notebook = copy.deepcopy(released)
    exercises = [i for i, c in enumerate(solved.cells) if "EXERCISE" in c.source.split("\n")[0]]
    for place, index in enumerate(exercises):
        if (place + number) % 5 >= number % 3:
            notebook.cells[index].source = solved.cells[index].source
    return notebook


def grade_stock(root: Path, sources: dict[str, NotebookNode]) -> tuple[float, dict]:
    """Seconds of `nbgrader autograde` over all chapters, and the points by learner and chapter."""
    put_alembic_on_path()
    (root / "nbgrader_config.py").write_text(CONFIG)
    seconds = 0.0
    for chapter in sources:
        run(root, "generate_assignment", chapter, "--force")
        started = monotonic()
        run(root, "autograde", chapter)
        seconds += monotonic() - started
    return seconds, points(root, list(sources))


def run(root: Path, *command: str) -> None:
    environment = os.environ | {"PATCHBOOK_MODEL": MODEL, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    program = [sys.executable, "-m", "nbgrader", *command]
    done = subprocess.run(program, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(f"nbgrader {command[0]} ended with {done.returncode}: {done.stderr[-2000:]}", file=sys.stderr)


def points(root: Path, chapters: list[str]) -> dict:
    """What nbgrader's gradebook holds, without what waits for a person."""
    found = {}
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        for chapter in chapters:
            for submission in book.assignment_submissions(chapter):
                grades = submission.notebooks[0].grades
                key = submission.student.id, chapter
                found[key] = {
                    g.name.removeprefix("test_"): float(g.score) for g in grades if not g.needs_manual_grade
                }
    return found


def cell_seconds(ran: Path) -> float:
    """Seconds that the notebooks' own cells took, from the times that nbclient noted in them."""
    total = 0.0
    for path in ran.rglob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            times = cell.metadata.get("execution", {})
            if "iopub.execute_input" in times and "shell.execute_reply" in times:
                begin, end = times["iopub.execute_input"], times["shell.execute_reply"]
                total += (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
    return total


def table(asked: argparse.Namespace, stock: float, ours: float, own: float, notebooks: int) -> None:
    load = os.getloadavg()[0]
    print(f"{notebooks} notebooks of {asked.submissions} learners; {os.cpu_count()} cores, load {load:.1f}")
    print(f"{'':34}{'nbgrader':>12}{'patchbook':>12}")
    print(f"{'total, seconds':34}{stock:12.1f}{ours:12.1f}")
    print(f"{'the notebooks own cells, seconds':34}{'':12}{own:12.1f}")
    for name, total in (("nbgrader", stock), ("patchbook", ours)) if stock else ():
        print(f"overhead per notebook, {name}: {(total - own) / notebooks:.2f} s")
    print(f"our total over the notebooks' own cells: {ours / own:.2f}")
    print(f"notebooks per minute, {asked.workers or os.cpu_count()} workers: {60 * notebooks / ours:.1f}")


if __name__ == "__main__":
    main()
