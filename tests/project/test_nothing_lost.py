"""Whatever stops a grader or its gradebook: no submission is lost, none graded twice, no zero appears."""

import csv
import errno
import json
import logging
import os
import random
import re
import sqlite3
import subprocess
import sys
import traceback
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil
import pytest
from nbgrader.api import Gradebook

from patchbook.authoring import find_course
from patchbook.grading.gradebook import trouble
from patchbook.grading.gradebook.course_folder import Overheard, safe
from patchbook.grading.gradebook.database import submitted
from patchbook.grading.gradebook.trouble import disk_error, stopped
from patchbook.grading.notebooks.submissions import Unreadable, find_submissions, read_notebook
from patchbook.grading.running.batch import Options, grade_class
from tests.project.drawing import some
from tests.project.graders import (
    WRONG,
    Calls,
    below,
    class_of,
    entries,
    forker,
    gone,
    grade,
    kill,
    paths_of,
    stands_still,
    toy_servers,
)
from tests.project.toy import CHAPTER, HOME, RIGHT, WORTH, WRONG_DOUBLE, hand_in, solved

SEED, KILLS, LEARNERS = 20_261_127, 10, 8
COURSE = find_course(HOME)


@pytest.fixture(scope="module")
def servers():
    return toy_servers()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, servers):
    """A class that nothing happens to: its folder, its results, the writer's calls for each submission."""
    folder, clock = tmp_path_factory.mktemp("undisturbed"), Calls()
    class_of(folder / "in", LEARNERS)
    sys.setprofile(clock)
    results = grade_class(COURSE, folder / "in", folder / "out", options=Options(workers=2))
    sys.setprofile(None)
    return folder, results, clock.counts


def marks(results):
    """What must not depend on what happened: all but the seconds."""
    return [(r.learner, r.status, r.points, r.reason, r.diagnoses, r.mended) for r in results]


def marks_in(gradebook):
    """Every mark of a gradebook, by learner and exercise; and that it is whole, with one row for each."""
    query = """select submitted_assignment.student_id, grade_cell.name, grade.auto_score
               from grade join submitted_notebook on grade.notebook_id = submitted_notebook.id
               join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
               join base_cell as grade_cell on grade.cell_id = grade_cell.id"""
    with closing(sqlite3.connect(gradebook)) as book:
        assert book.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert book.execute("pragma foreign_key_check").fetchall() == []
        assert len(book.execute("select version_num from alembic_version").fetchall()) == 1
        rows = book.execute(query).fetchall()
    assert len(rows) == len({row[:2] for row in rows}), "one row each"
    return sorted(rows)


def test_ten_kills_at_random_moments_lose_nothing(tmp_path, servers, undisturbed):
    """The grader alone, or all of its processes as in a power cut, in turn; then it is left to finish."""
    _, wanted, (first, *others) = undisturbed
    learners, journal = class_of(tmp_path / "in", LEARNERS), tmp_path / "out" / "journal.jsonl"
    chance, context, kept = random.Random(SEED), forker(), []
    roots = [getattr(servers, name).process.pid for name in ("warm", "judge", "work")]
    for number in some(range(KILLS), 5):
        half = len(kept) < LEARNERS / 2  # later kills find it as it begins: something must be left for them
        more = chance.choice([0, 1]) if half else 0  # submissions that it may finish first
        moment = chance.randrange(min(others[:-1]) if more else first)
        grader = context.Process(target=grade, args=(paths_of(servers), tmp_path, more, 1 + moment))
        grader.start()
        assert stands_still(psutil.Process(grader.pid)), "it ended before it could be killed"
        started = below(grader.pid, *roots)
        grader.kill()
        kill(started if number % 2 else [])
        grader.join()
        assert grader.exitcode < 0 and gone(started), "what the grader started outlives it"
        before, kept = kept, entries(journal)
        assert kept[: len(before)] == before
        words = f"{'all' if number % 2 else 'grader'} killed after {more} more and {moment} calls"
        print(f"seed {SEED}, kill {number}: {words}; {len(kept)} of {LEARNERS} kept")
    assert 0 < len(kept) < LEARNERS, "the kills came too late or too early to prove anything"
    results = grade_class(COURSE, tmp_path / "in", tmp_path / "out", options=Options(workers=2))
    assert marks(results) == marks(wanted)
    assert sorted(entry["learner"] for entry in entries(journal)) == learners, "each once"
    assert entries(journal)[: len(kept)] == kept
    assert marks_in(tmp_path / "out" / "gradebook.db") == marks_in(undisturbed[0] / "out" / "gradebook.db")
    assert rows_of(tmp_path / "out") == rows_of(undisturbed[0] / "out")


def rows_of(out):
    with (out / "grades.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_same_class_graded_three_times_gets_the_same_marks(tmp_path, servers):
    answers = {
        "ada": solved(),
        "bob": solved(double=WRONG),
        "cleo": solved(double="import os\ndef double(x):\n    os._exit(1)"),
        "eve": '{"cells": [',
    }
    for learner, notebook in answers.items():
        hand_in(tmp_path / "in", learner, notebook)
    runs, tables = [], []
    for _ in range(3):
        runs.append(
            marks(grade_class(COURSE, tmp_path / "in", tmp_path / "out", options=Options(again=True)))
        )
        tables.append((marks_in(tmp_path / "out" / "gradebook.db"), rows_of(tmp_path / "out")))
    assert [status for _, status, *_ in runs[0]] == ["ok", "ok", "crashed", "unreadable"]
    assert all(run == runs[0] for run in runs) and all(table == tables[0] for table in tables)


# --- the disk ------------------------------------------------------------------------------------------


def cornered(*command, options=()):
    """Run a Python module of ours where bubblewrap has changed the files' system, and nothing else."""
    done = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", *options, sys.executable, "-m", *map(str, command)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_full_disk_stops_the_grader_and_with_room_it_goes_on(tmp_path, servers):
    """On a real disk of a few MB, which bubblewrap can make without the rights of root."""
    learners, out = class_of(tmp_path / "in", 4), tmp_path / "out"
    out.mkdir()
    disk = ["--size", str(8 * 2**20), "--tmpfs", out]
    runs = [(0, 9), (60, 9), (200, 9), (6000, 1), (6000, 9)]  # kB; when the disk is full again
    command = ["tests.project.graders", json.dumps(paths_of(servers)), tmp_path / "in", out, json.dumps(runs)]
    *stopped, last = cornered(*command, options=disk)
    for run in stopped:
        print(run)
        (line,) = [line for line in run["output"].splitlines() if line.startswith("patchbook grade:")]
        assert run["code"] == 1 and "No space left on device" in line and "same command again" in line
        assert f"{len(run['kept'])} of 4 submissions" in line and "Traceback" not in run["output"]
    assert last["code"] == 0 and sorted(last["kept"]) == learners, last
    assert [len(run["kept"]) for run in stopped] == [0, 0, 0, 1]
    assert [row["points"] for row in rows_of(tmp_path)] == [str(RIGHT), str(WRONG_DOUBLE)] * 2
    assert len(marks_in(tmp_path / "gradebook.db")) == 4 * len(WORTH)


UNREADABLE = {
    "closed": "it cannot be read here (Permission denied)",
    "folder": "it is a link or a folder",
    "locked": "it cannot be read here (Permission denied)",
    "torn": "it breaks off or is damaged",
}


def test_files_that_cannot_be_read_are_unreadable_and_cost_the_others_nothing(tmp_path, servers):
    """Without root's right to read everything, in case that these tests have it."""
    learners = class_of(tmp_path / "in", 2)
    locked = [
        hand_in(tmp_path / "in", "locked", solved()),
        hand_in(tmp_path / "in", "closed", solved()).parent,
    ]
    hand_in(tmp_path / "in", "torn", '{"cells": [')
    (tmp_path / "in" / "folder" / f"{CHAPTER}.ipynb").mkdir(parents=True)
    for path in locked:
        path.chmod(0)
    command = ["tests.project.graders", json.dumps(paths_of(servers)), tmp_path / "in", tmp_path / "out"]
    try:
        (run,) = cornered(*command, "[]", options=["--cap-drop", "ALL"])
    finally:
        for path in locked:
            path.chmod(0o700)
    rows = {row["learner"]: row for row in rows_of(tmp_path / "out")}
    assert run["code"] == 0 and sorted(rows) == sorted([*UNREADABLE, *learners])
    for learner, reason in UNREADABLE.items():
        assert rows[learner]["status"] == "unreadable" and reason in rows[learner]["reason"]
        assert rows[learner]["points"] == "" and reason in page(tmp_path / "out", learner)
    read = [(rows[name]["status"], rows[name]["points"]) for name in learners]
    assert read == [("ok", str(RIGHT)), ("ok", str(WRONG_DOUBLE))]


def page(out, learner):
    return (out / "feedback" / learner / CHAPTER / f"{CHAPTER}.html").read_text()


def test_an_error_of_the_disk_under_a_file_is_unreadable(tmp_path, monkeypatch):
    def broken(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    path = hand_in(tmp_path, "ada", solved())
    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(Unreadable, match="Input/output error"):
        read_notebook(path)


def test_a_name_that_no_table_can_hold_is_graded_all_the_same(tmp_path):
    """Too long for PostgreSQL's columns, or no text at all."""
    long, torn = "[" * 100 + "é" * 77, os.fsdecode(b"z\xff")
    for name in (long, torn, "a"):
        hand_in(tmp_path, name, solved())
    found = find_submissions(tmp_path, [CHAPTER])
    assert [one.learner for one in found] == [long, "a", "z%FF"] and all(one.path.is_file() for one in found)
    names = [safe(one.learner) for one in found]
    assert len(set(names)) == 3 and max(map(len, names)) <= 128 and names[1] == "a"


# --- the gradebook -------------------------------------------------------------------------------------


@contextmanager
def held(gradebook):
    """Another program that writes to the gradebook, and takes its time."""
    with closing(sqlite3.connect(gradebook, isolation_level=None, check_same_thread=False)) as book:
        book.execute("begin exclusive")
        yield book


def test_a_locked_gradebook_is_waited_for(tmp_path, servers, monkeypatch):
    learners, out, waits, locks = class_of(tmp_path / "in", 3), tmp_path / "out", [], ExitStack()

    def lock(done, of, result):
        if done == 1:
            locks.enter_context(held(out / "gradebook.db"))

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            locks.close()

    monkeypatch.setattr(trouble, "sleep", wait)
    options = Options(workers=1, gradebook=f"sqlite:///{out / 'gradebook.db'}?timeout=0.1")
    results = grade_class(COURSE, tmp_path / "in", out, options=options, progress=lock)
    assert waits == [0.5, 1]
    assert [(r.learner, r.status) for r in results] == [(learner, "ok") for learner in learners]
    assert [r.total for r in results] == [RIGHT, WRONG_DOUBLE, RIGHT]


def test_a_gradebook_that_stays_locked_is_said_in_the_row_and_never_a_zero(tmp_path, servers, monkeypatch):
    """The others are graded, and the next run grades the one that was left out."""
    class_of(tmp_path / "in", 3)
    out, locks, left_out = tmp_path / "out", ExitStack(), []

    def lock(done, of, result):
        if done == 1:
            locks.enter_context(held(out / "gradebook.db"))
        elif done == 2:
            locks.close()
            left_out.append(result)

    monkeypatch.setattr(trouble, "PAUSES", (0.01,))
    options = Options(workers=1, gradebook=f"sqlite:///{out / 'gradebook.db'}?timeout=0.1")
    results = grade_class(COURSE, tmp_path / "in", out, options=options, progress=lock)
    (result,) = left_out
    assert (result.status, result.points, result.total) == ("crashed", {}, None)
    said = r"the gradebook did not answer .*\(database is locked\).*same command again"
    assert re.fullmatch(said, result.reason)
    assert sorted(r.status for r in results) == ["crashed", "ok", "ok"]
    row = next(row for row in rows_of(out) if row["learner"] == result.learner)
    assert (row["status"], row["points"], row["double"]) == ("crashed", "", "")
    assert row["reason"] == result.reason
    assert "did not answer" in page(out, result.learner)
    assert result.learner not in [entry["learner"] for entry in entries(out / "journal.jsonl")]
    again = grade_class(COURSE, tmp_path / "in", out, options=options)
    assert [r.total for r in again] == [RIGHT, WRONG_DOUBLE, RIGHT]
    assert len(marks_in(out / "gradebook.db")) == 3 * len(WORTH)


def test_a_gradebook_whose_maker_was_killed_half_way_is_made_whole(tmp_path):
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    submitted(url)
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as book:
        (version,) = book.execute("select version_num from alembic_version").fetchone()
        book.execute("drop table grade")
        book.execute("drop table alembic_version")
        book.commit()
    submitted(url)
    assert marks_in(tmp_path / "gradebook.db") == []
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as book:
        assert book.execute("select version_num from alembic_version").fetchall() == [(version,)]
    with Gradebook(f"sqlite:///{tmp_path / 'nbgraders_own.db'}"):
        pass
    with closing(sqlite3.connect(tmp_path / "nbgraders_own.db")) as book:
        assert book.execute("select version_num from alembic_version").fetchall() == [(version,)]


def test_nbgraders_last_word_is_the_exception_itself():
    """Not the lines that SQLAlchemy adds below it, nor the exceptions that led to it."""
    try:
        try:
            raise KeyError("first")
        except KeyError as first:
            said = "(sqlite3.OperationalError) database is locked\n[SQL: …]\n(Background …)"
            raise RuntimeError(said) from first
    except RuntimeError:
        logged = traceback.format_exc()
    log = logging.getLogger("patchbook.tests")
    with Overheard(log) as said:
        log.error("There was an error")
        log.error(logged)
    assert said.last_word() == "RuntimeError: (sqlite3.OperationalError) database is locked"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("OSError: [Errno 28] No space left on device: '/out/x'", errno.ENOSPC),
        ("OSError: [Errno 36] File name too long: '/out/x'", 0),
        ("ValueError: OSError: [Errno 28] is what a learner wrote", 0),
        ("nbgrader.api.InvalidEntry: (sqlite3.OperationalError) database or disk is full", errno.ENOSPC),
        ("(sqlite3.OperationalError) attempt to write a readonly database", errno.EROFS),
        ("(sqlite3.OperationalError) database is locked", 0),
    ],
)
def test_only_the_disks_own_errors_stop_the_grader(said, number):
    assert disk_error(said) == number


def test_a_mistake_of_ours_is_not_taken_for_a_full_disk(tmp_path):
    with pytest.raises(FileNotFoundError):
        stopped(FileNotFoundError(errno.ENOENT, "No such file"), tmp_path, 0, 1)
