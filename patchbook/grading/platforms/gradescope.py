"""What runs in Gradescope's container for each submission, and writes results.json.

    python -m patchbook.grading.platforms.gradescope ROOT CHAPTER HIDDEN

ROOT is /autograder, laid out as https://gradescope-autograders.readthedocs.io/en/latest/specs/ says: source/
holds what the zip held, submission/ what was handed in, results/ what goes back. HIDDEN is when a learner
sees an exercise that passes its open check and fails a hidden one: a visibility of Gradescope's.

The learner's code runs inside bubblewrap where that works. In a container without the right to make
namespaces it runs as a user of its own, to whom the course, the results and all that `kernels.withheld`
lists are closed.

Lateness is Gradescope's own affair.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

from patchbook.authoring import AuthorError, CourseError, find_course
from patchbook.grading.gradebook.results import UNREADABLE
from patchbook.grading.gradebook.trouble import GradingFailed
from patchbook.grading.judging.task import HIDDEN
from patchbook.grading.kernels.sandbox import SandboxMissing, python_folders, why_no_sandbox
from patchbook.grading.kernels.withheld.finder import places
from patchbook.grading.platforms.one import Graded, NothingHandedIn, grade_one
from patchbook.grading.report.reading import RIGHT, Item
from patchbook.grading.running.batch import Options
from patchbook.grading.whole_files import write_whole

VISIBLE, AFTER_PUBLISHED = "visible", "after_published"  # "hidden" is for tests without points
OURS = ("source", "results", "submission_metadata.json")  # closed to learners' code
WALLS = "Your code ran inside bubblewrap: without a network, in a system of its own."
APART = (
    "Your code ran as a user of its own, who cannot read the course's files: "
    "this container does not allow bubblewrap."
)
LEARNER = "learner"  # the name of each: who it is, Gradescope knows


def main() -> None:
    root, chapter, hidden = Path(sys.argv[1]).resolve(), *sys.argv[2:]
    began = monotonic()
    try:
        results = graded(root, chapter, hidden)
    except (AuthorError, CourseError, GradingFailed, SandboxMissing, OSError) as error:
        # No results.json: Gradescope then says that the autograder failed. A score of 0 would say otherwise.
        sys.exit(f"patchbook: {error}")
    results |= {"execution_time": round(monotonic() - began, 1)}
    text = json.dumps(results, ensure_ascii=False, indent=1) + "\n"
    write_whole(root / "results" / "results.json", text)


def graded(root: Path, chapter: str, hidden: str) -> dict[str, Any]:
    """results.json but for its time. Raises what says that grading itself failed."""
    course = find_course(root / "source" / "course")
    for name in OURS:
        if (root / name).exists():
            close(root / name)
    options, said = walled(course.root / "tests")
    with tempfile.TemporaryDirectory(prefix="patchbook-grades-") as out:
        try:
            (one,) = grade_one(course, root / "submission", LEARNER, chapter, Path(out), options)
        except NothingHandedIn as error:
            return blank(f"Nothing was graded: {error}.")
    if not one.work.items and one.result.status != UNREADABLE:
        raise GradingFailed(one.result.reason)
    return results_of(one, hidden, said) if one.work.items else blank(f"Not graded: {one.result.reason}.")


def walled(tests: Path) -> tuple[Options, str]:
    """The strongest walls that this container allows, and what to say of them. Raises SandboxMissing."""
    why = why_no_sandbox()
    if not why:
        return Options(), WALLS
    if os.getuid() != 0:
        raise SandboxMissing(f"{why}; and only root can run learners' code as another user")
    for place in (way for folder in python_folders() for way in (Path(folder), *Path(folder).parents)):
        if not place.stat().st_mode & 0o001:
            raise SandboxMissing(f"{why}; and another user cannot run this Python: {place} is closed")
    for place in places(str(tests)):
        close(place)
    return Options(sandboxed=False, apart=True), APART


def close(place: Path) -> None:
    """To everybody but its owner."""
    place.chmod(place.stat().st_mode & ~0o077)


def results_of(one: Graded, hidden: str, said: str) -> dict[str, Any]:
    """A graded chapter in Gradescope's form: a test for each exercise that a machine marks."""
    tests = [test_of(number, item, hidden) for number, item in enumerate(one.items, 1)]
    return {"output": about(one, said), "stdout_visibility": "hidden", "tests": tests}


def test_of(number: int, item: Item, hidden: str) -> dict[str, Any]:
    """One exercise. Of one that fails a hidden test only, its learner reads when `hidden` says so."""
    shown = hidden if item.said.what.startswith(HIDDEN) else VISIBLE
    return {
        "number": str(number),
        "name": item.exercise,
        "score": item.points or 0.0,
        "max_score": item.worth,
        "output": message(item),
        "visibility": shown,
    }


def message(item: Item) -> str:
    """What the check says, in its three parts, or the state of the answer."""
    said = item.said
    parts = {"What": said.what, "Where": said.where, "Next": said.next}
    lines = [f"{name + ':':6} {words}" for name, words in parts.items() if words]
    return "\n".join(lines) or item.state


def about(one: Graded, said: str) -> str:
    """What concerns the whole notebook."""
    work = one.work
    lines = [f"{one.path.name}: {work.status}" + (f" ({work.reason})" if work.reason else "")]
    lines += [f"Mended: {work.mended}"] * bool(work.mended)
    by_hand = [f"{item.exercise} ({item.worth:g})" for item in one.by_hand]
    lines += [f"Marked by a person, and not among the points here: {', '.join(by_hand)}"] * bool(by_hand)
    if any(item.state == RIGHT for item in one.items):
        lines.append("Right means right on the open check and on the hidden ones.")
    return "\n".join([*lines, said])


def blank(why: str) -> dict[str, Any]:
    """For what cannot be graded, through no fault of the grader's: hand in again."""
    return {"score": 0.0, "output": why, "stdout_visibility": "hidden", "tests": []}


if __name__ == "__main__":
    main()
