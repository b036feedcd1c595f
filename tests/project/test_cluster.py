"""A class on a Dask cluster of this machine: the marks of a local run, whatever dies on the way."""

import csv
import json
import os
import runpy
import subprocess
import sys
from contextlib import contextmanager

import psutil
import pytest
from click.testing import CliRunner
from distributed import Client

from patchbook.authoring import find_course
from patchbook.cli import main
from patchbook.grading import grade_class
from patchbook.grading.gradebook.course_folder import GradingFailed
from patchbook.grading.notebooks.submissions import Submission
from patchbook.grading.running import cluster, remote
from patchbook.grading.running.batch import Grader, Options
from tests.project.events import NEVER, running, until
from tests.project.toy import CHAPTER, HOME, RIGHT, WRONG_DOUBLE, as_colab_saves, hand_in, released, solved

NO_LIMIT = 10**6  # seconds: a napper naps until somebody kills its worker
GRADER = f"""from patchbook.cli import main
from patchbook.grading.running import cluster
cluster.PATIENCE = {NEVER}
main()"""
NAPPER = "import time\ndef double(x):\n    time.sleep(10_000)"
CLASS = {
    "colab": as_colab_saves(solved()),
    "empty": released(),
    "grace": solved(),
    "killer": solved(double="import os\ndef double(x):\n    os._exit(1)"),
    "mary": solved(),
    "torn": '{"cells": [',
    "wrong": solved(double="def double(x):\n    return x"),
}


@pytest.fixture(scope="module")
def scheduler():
    """A scheduler, and its address."""
    command = [
        sys.executable,
        "-m",
        "dask",
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
    ]
    with running(*command, stderr=subprocess.PIPE) as process:
        line = next(line for line in process.stderr if "Scheduler at:" in line)
        yield process, line.split()[-1]


@pytest.fixture(scope="module")
def workers(scheduler, tmp_path_factory):
    """Three worker processes by name, each with two threads and a private folder, far from any course."""
    place = tmp_path_factory.mktemp("workers")
    options = ["--no-nanny", "--nthreads", "2", "--no-dashboard", "--local-directory", place]
    environment = os.environ | {"TMPDIR": str(place), "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error"}
    with running_workers(scheduler[1], options, cwd=place, env=environment) as started:
        yield place, started


@contextmanager
def running_workers(address, options, **how):
    command = [sys.executable, "-m", "dask", "worker", address, *options]
    with (
        running(*command, "--name", "a", **how) as a,
        running(*command, "--name", "b", **how) as b,
        running(*command, "--name", "c", **how) as c,
    ):
        yield {"a": a, "b": b, "c": c}


@pytest.fixture(scope="module")
def watcher(scheduler, workers):
    """A client of its own, which sees who works on what."""
    with Client(scheduler[1], set_as_default=False) as client:
        client.wait_for_workers(3, timeout=NEVER)
        yield client


def grading(address, folder, out):
    """The command, with its lines of progress to read."""
    command = [sys.executable, "-c", GRADER, "grade", folder, "--out", out]
    command += ["--course", HOME, "--scheduler", address, "--timeout", NO_LIMIT]
    return running(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def kill_worker_of(watcher, workers, learner):
    """Kill the worker that has the learner's task (by number); returns the tasks it had."""
    names = {
        address: info["name"] for address, info in watcher.scheduler_info(n_workers=-1)["workers"].items()
    }
    had = {address: keys for address, keys in watcher.processing().items() if keys}
    address = next(a for a, keys in had.items() if any(key.endswith(f"-{learner}") for key in keys))
    process = workers[names[address]]
    until(lambda: len(psutil.Process(process.pid).children()) == 3)
    servers = psutil.Process(process.pid).children()
    process.kill()
    process.wait()
    assert not psutil.wait_procs(servers, timeout=NEVER)[1], "its servers end with it"
    return had[address]


def rows(out):
    with (out / "grades.csv").open(newline="", encoding="utf-8") as file:
        return {row["learner"]: row for row in csv.DictReader(file)}


def journal(out):
    return [json.loads(line)["learner"] for line in (out / "journal.jsonl").read_text().splitlines()]


def progress(grader, most):
    """The grader's next lines of progress, until `most` submissions are done."""
    for line in grader.stdout:
        yield line
        if line.startswith(f"[{most}/"):
            return


def test_a_killed_worker_costs_nobody_their_marks(scheduler, workers, watcher, tmp_path):
    """The napper's worker is killed twice; what ran beside it is done again by others."""
    place, started = workers
    for learner, notebook in CLASS.items():
        hand_in(tmp_path / "in", learner, notebook)
    hand_in(tmp_path / "in", "a napper", solved(double=NAPPER))
    with grading(scheduler[1], tmp_path / "in", tmp_path / "wide") as grader:
        until(lambda: sum(map(len, watcher.processing().values())) == len(CLASS) + 1)
        assert len(kill_worker_of(watcher, started, 0)) > 1, "somebody else's task was there, too"
        assert len(list(progress(grader, len(CLASS)))) == len(CLASS), "everybody but the napper"
        kill_worker_of(watcher, started, 0)
        said = grader.communicate(timeout=NEVER)
    assert grader.returncode == 0, said
    wide = rows(tmp_path / "wide")
    napper = wide.pop("a napper")
    assert (napper["status"], napper["points"]) == ("crashed", "")
    assert napper["reason"] == "its worker in the cluster died twice while it was graded"
    assert sorted(journal(tmp_path / "wide")) == sorted(CLASS), (
        "each once; the napper is tried again next time"
    )
    (tmp_path / "in" / "a napper" / f"{CHAPTER}.ipynb").unlink()
    (tmp_path / "in" / "a napper").rmdir()
    grade_class(find_course(HOME), tmp_path / "in", tmp_path / "here")
    assert wide == rows(tmp_path / "here")
    assert len(list(place.glob("patchbook-server-*"))) == 3, "of the one worker that lives"


def test_what_is_handed_in_later_is_graded_too(scheduler, watcher, tmp_path):
    """As `patchbook serve` hands out work: now and then there is nothing to do."""
    paths = [hand_in(tmp_path, who, CLASS[who]) for who in ("grace", "wrong")]
    grader = Grader(find_course(HOME), tmp_path / "out", Options(scheduler=scheduler[1]), lambda one: None)
    grader.held, grader.chapters = grader.folder.open(), {CHAPTER: grader.chapter(CHAPTER)}
    first, second = (Submission(path.parent.name, CHAPTER, path) for path in paths)
    results = dict(grader.run(iter([None, first, None, None, second, None]), 10**6))
    assert [results[one].total for one in (first, second)] == [RIGHT, WRONG_DOUBLE]


def test_a_worker_with_another_patchbook_is_named(scheduler, watcher):
    wanted = cluster.Wanted("", sandboxed=False, build="0.0.9, build 12345678")
    with pytest.raises(
        GradingFailed, match=r"tcp://.* build .* but the grader 0\.0\.9.*install the same on both"
    ):
        cluster.inspect(watcher, scheduler[1], wanted)


def test_a_worker_without_a_sandbox_is_unfit(monkeypatch):
    monkeypatch.setattr(remote, "why_no_sandbox", lambda: "bubblewrap is not installed")
    assert remote.why_unfit(remote.build(), sandboxed=True) == "bubblewrap is not installed"
    assert remote.why_unfit(remote.build(), sandboxed=False) == ""


def test_a_scheduler_that_dies_is_said_and_the_work_goes_on_without_it(scheduler, watcher, tmp_path):
    for number in range(6):
        hand_in(tmp_path / "in", f"learner-{number}", solved())
    hand_in(tmp_path / "in", "napper", solved(double=NAPPER))  # without it the class might be done by then
    out = tmp_path / "out"
    with grading(scheduler[1], tmp_path / "in", out) as grader:
        lines = list(progress(grader, 1))
        scheduler[0].kill()
        rest, error = grader.communicate(timeout=NEVER)
    assert grader.returncode == 1
    assert error.splitlines() == [f"patchbook grade: {cluster.LOST}"]
    done = journal(out)
    assert 1 <= len(done) == len(lines + rest.splitlines()) <= 6
    hand_in(tmp_path / "in", "napper", solved())
    results = grade_class(find_course(HOME), tmp_path / "in", out, options=Options(timeout=NO_LIMIT))
    assert [(r.status, r.total) for r in results] == [("ok", RIGHT)] * 7
    assert journal(out)[: len(done)] == done and len(journal(out)) == 7, "what came back was kept"


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)
    hand_in(tmp_path / "in", "ada", solved())
    command = ["grade", tmp_path / "in", "--out", tmp_path / "out", "--course", HOME]
    done = CliRunner().invoke(main, [*map(str, command), "--scheduler", "tcp://127.0.0.1:9"])
    assert done.exit_code == 1
    (line,) = done.output.splitlines()
    assert line.startswith("patchbook grade: no Dask scheduler answers at tcp://127.0.0.1:9")


def test_the_plan_for_a_big_class_is_made_of_the_measured_figures():
    benchmarks = find_course().root / "benchmarks"
    table = runpy.run_path(str(benchmarks / "plan.py"))["table"]
    measured = (benchmarks / "grading.md").read_text()
    assert (benchmarks / "plan.md").read_text() == table(measured), "run benchmarks/plan.py again"
    made_up = (
        measured
        + "| submissions per minute, 1 worker | 10 |\n| seconds of the writer for each submission | 0.6 |\n"
    )
    assert "| hours of one core, for the workers | 167 |" in table(made_up)
    assert "| cores that one writer keeps busy | 10 |" in table(made_up)
