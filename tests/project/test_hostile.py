"""Every submission in hostile/ gets the result that stands there, and costs the honest ones nothing."""

import html
import json
import os
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from nbformat.v4 import new_code_cell, new_output

from patchbook.authoring import find_course
from patchbook.grading.gradebook.results import Result
from patchbook.grading.kernels.sandbox import MB, Limits
from patchbook.grading.running.batch import Grader, Options, grade_class
from tests.project.drawing import some
from tests.project.graders import limited
from tests.project.toy import CHAPTER, HOME, WORTH, cell_of, hand_in, solved

FILES = sorted((Path(__file__).parent / "hostile").glob("*.toml"))
ALL = {f"{path.stem}-{name}": row for path in FILES for name, row in tomllib.loads(path.read_text()).items()}
HOSTILE = dict(some(ALL.items(), 4))
SECONDS = {learner: row["seconds"] for learner, row in HOSTILE.items() if "seconds" in row}
HONEST = {"honest-ada": (3, 2, 1, 2), "honest-mid": (0, 2, 1, 2), "honest-zoe": (3, 2, 1, 2)}
EXPECTED = {"double": 0, "shout": 2, "my_guess": 1, "cases_for_double": 2}
WORKERS = 3  # more than cores: those that sleep until their time is up need none
TIMEOUT = 600  # seconds: where another limit is what ends a row, a slow machine must not come first
OPTIONS = Options(timeout=TIMEOUT, workers=WORKERS, limits=Limits(memory=1536 * MB, disk=64 * MB))
SECRET = "PATCHBOOK_TEST_SECRET"


def write(folder, learner, row):
    """Hand in what a row of data describes."""
    if "link" in row:
        (folder / learner).mkdir(parents=True)
        (folder / learner / f"{CHAPTER}.ipynb").symlink_to(row["link"])
        return
    if "folder_link" in row:
        (folder / learner).symlink_to(row["folder_link"], target_is_directory=True)
        return
    notebook = solved(**{name: row[name].lstrip("\n") for name in EXPECTED if name in row})
    answer, check = cell_of(notebook, "double"), cell_of(notebook, "test_double")
    answer.metadata.nbgrader.update(row.get("answer_metadata", {}))
    check.metadata.nbgrader.update(row.get("metadata", {}))
    check.source = row.get("check", check.source)
    check.outputs = [new_output("stream", text=row["outputs"])] if "outputs" in row else []
    if "extra" in row:
        extra = new_code_cell(row["extra"].lstrip("\n"))
        extra.metadata.update({"nbgrader": row["extra_metadata"]} if "extra_metadata" in row else {})
        notebook.cells.append(extra)
    notebook.cells[1:1] = [new_code_cell(row["above"])] if "above" in row else []
    notebook.cells += [new_code_cell("1") for _ in range(row.get("more", 0))]
    path = hand_in(folder, learner, notebook)
    for name, text in row.get("files", {}).items():
        (path.parent / name).write_text(text)


class Graded(NamedTuple):
    """The folder, the results by learner, and what still ran when each learner's result came."""

    out: Path
    results: dict[str, Result]
    left: dict[str, list[tuple[str, str]]]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """All of them and three honest learners, in one run."""
    place = tmp_path_factory.mktemp("hostile")
    for learner, row in HOSTILE.items():
        write(place / "submissions", learner, row)
    for learner, (double, *_) in HONEST.items():
        code = "def double(x):\n    return " + ("2 * x" if double else "x")
        hand_in(place / "submissions", learner, solved(double=code))
    left = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SECRET, "a password")
        patch.setattr(Grader, "task_of", limited(SECONDS))
        results = grade_class(
            find_course(HOME),
            place / "submissions",
            place / "out",
            options=OPTIONS,
            progress=lambda done, of, result: left.update({result.learner: below()}),
        )
    return Graded(place / "out", {result.learner: result for result in results}, left)


def below():
    """The processes that this one has started, and theirs: (process namespace, arguments) of each."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, OSError):  # it has ended
            found.append((os.readlink(f"/proc/{process.pid}/ns/pid"), " ".join(process.cmdline())))
    return found


def test_there_are_enough_of_them_and_each_promise_names_its_own():
    assert len(ALL) >= 40
    promises = (FILES[0].parent / "README.md").read_text().split("## What proves what")[1]
    named = set(re.findall(rf"`((?:{'|'.join(path.stem for path in FILES)})-[a-z-]+)`", promises))
    assert len(named) > 40 and named <= set(ALL)


def test_a_row_has_a_limit_of_its_own_just_when_time_is_what_ends_it():
    timed = [learner for learner, row in ALL.items() if row.get("status") == "timed out"]
    assert timed == [learner for learner, row in ALL.items() if "seconds" in row]


@pytest.mark.parametrize("learner", HOSTILE)
def test_a_hostile_submission_gets_what_it_must(graded, learner):
    row, result = HOSTILE[learner], graded.results[learner]
    assert result.status == row.get("status", "ok"), result
    assert result.worth == WORTH
    if result.status == "unreadable":
        assert result.total is None
        return
    points = {name: result.points[name] for name in EXPECTED}
    if "points" in row:
        assert {name: points[name] for name in row["points"]} == row["points"], result
    else:
        assert points == EXPECTED, result


@pytest.mark.parametrize("learner", HONEST)
def test_an_honest_one_beside_them_gets_its_marks(graded, learner):
    result = graded.results[learner]
    assert result.status == "ok"
    assert tuple(result.points[name] for name in EXPECTED) == HONEST[learner]


def test_after_each_submission_nothing_that_it_started_is_left(graded):
    ours = os.readlink("/proc/self/ns/pid")
    for learner, left in graded.left.items():
        mark = "outlived-" + learner.removeprefix("outliving-")
        assert not [arguments for _, arguments in left if mark in arguments], learner
        assert len({namespace for namespace, _ in left} - {ours}) <= WORKERS, "those that run now"
    assert {namespace for namespace, _ in below()} <= {ours}


@pytest.mark.parametrize("learner", [learner for learner, row in HOSTILE.items() if "says" in row])
def test_a_learner_reads_what_was_refused(graded, learner):
    page = (graded.out / "feedback" / learner / CHAPTER / f"{CHAPTER}.html").read_text(encoding="utf-8")
    assert HOSTILE[learner]["says"] in " ".join(html.unescape(page).split())  # a page breaks lines


def test_no_page_and_no_file_holds_the_secret_or_a_hundred_megabytes(graded):
    for path in (p for p in graded.out.rglob("*") if p.is_file()):
        assert path.stat().st_size < 20 * MB, path
        assert b"a password" not in path.read_bytes(), path


def test_the_table_of_marks_is_the_csv(graded):
    text = (graded.out / "grades.csv").read_text(encoding="utf-8")
    assert all(learner in text for learner in HOSTILE)
    journal = [json.loads(line) for line in (graded.out / "journal.jsonl").read_text().splitlines()]
    assert sorted(entry["learner"] for entry in journal) == sorted({*HOSTILE, *HONEST})
