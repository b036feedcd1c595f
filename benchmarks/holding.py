"""How long one submission holds a worker at worst: what the limits allow, and what hostile ones took.

    python -m benchmarks.holding [--timeout 30] [--measure]

Time is that in which the submission works or sleeps, and the judge compares; waiting for a processor comes
on top.
--measure grades the hostile class, tests/project/hostile, and writes benchmarks/holding.md.
"""

import argparse
import tempfile
from pathlib import Path

from patchbook.authoring import find_course, source_notebook
from patchbook.grading.judging.execute import WHOLE
from patchbook.grading.judging.judge import PATIENCE
from patchbook.grading.notebooks.plan import plan_of
from patchbook.grading.running.batch import TIMEOUT, Grader, grade_class

LONGEST = 5  # submissions that are listed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--timeout", type=int, default=TIMEOUT, help="seconds that one cell may run")
    parser.add_argument("--measure", action="store_true")
    asked = parser.parse_args()
    text = table(bounds(asked.timeout))
    if asked.measure:
        text += "\n" + table([("hostile submission", "seconds"), ("---", "--:"), *measured()])
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text, end="")


def bounds(timeout: int) -> list[tuple[str, str]]:
    """Rows of the bound, chapter by chapter: the whole notebook, its last cell, and its slowest records."""
    course = find_course()
    plans = {chapter: plan_of(source_notebook(course, chapter), chapter) for chapter in course.chapters}
    rows = [(chapter, (WHOLE + 1) * timeout + PATIENCE * len(plan.checks)) for chapter, plan in plans.items()]
    head = [(f"at most, with --timeout {timeout}", "seconds"), ("---", "--:")]
    return head + [(chapter, f"{seconds:,}") for chapter, seconds in rows]


def measured() -> list[tuple[str, str]]:
    """The hostile submissions that held a worker longest, as the tests grade them."""
    from tests.project import test_hostile as hostile

    Grader.task_of = hostile.limited(hostile.SECONDS)
    with tempfile.TemporaryDirectory() as place:
        for learner, row in hostile.HOSTILE.items():
            hostile.write(Path(place, "in"), learner, row)
        out = Path(place, "out")
        results = grade_class(find_course(hostile.HOME), Path(place, "in"), out, options=hostile.OPTIONS)
    longest = sorted(results, key=lambda result: result.seconds, reverse=True)[:LONGEST]
    return [(result.learner, f"{result.seconds:.1f}") for result in longest]


def table(rows: list[tuple[str, str]]) -> str:
    return "".join(f"| {what} | {much} |\n" for what, much in rows)


if __name__ == "__main__":
    main()
