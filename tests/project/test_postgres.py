"""The gradebook in PostgreSQL: the same marks as in SQLite, also when the server is restarted in mid-run."""

import json
import subprocess
import sys
import threading
from contextlib import suppress

import psutil
import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from patchbook.authoring import find_course
from patchbook.cli import main
from patchbook.grading.gradebook import trouble
from patchbook.grading.gradebook.database import SETTINGS, gradebook_of
from patchbook.grading.report import read_class
from patchbook.grading.running.batch import Options, grade_class
from patchbook.grading.serving.uploads import Uploads
from tests.project.graders import class_of, entries
from tests.project.postgres import PASSWORD, Postgres
from tests.project.toy import CHAPTER, HOME, WORTH, hand_in, solved

COURSE = find_course(HOME)
TABLE = """select submitted_assignment.student_id, base_cell.name, grade.auto_score
           from grade join submitted_notebook on grade.notebook_id = submitted_notebook.id
           join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
           join base_cell on grade.cell_id = base_cell.id order by 1, 2"""
SNOOPER = """import os
def double(x):
    raise ValueError([*os.environ.values(), open("/proc/self/environ").read()])"""


@pytest.fixture(scope="module")
def server():
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    folder = tmp_path_factory.mktemp("in")
    class_of(folder, 3)
    hand_in(folder, "snooper", solved(double=SNOOPER))
    return folder


@pytest.fixture(scope="module")
def in_sqlite(tmp_path_factory, handed_in):
    """The class in the gradebook that one gets without asking: the folder, and the results."""
    out = tmp_path_factory.mktemp("sqlite")
    return out, grade_class(COURSE, handed_in, out)


@pytest.fixture(scope="module")
def in_postgres(tmp_path_factory, handed_in, server):
    """… and in PostgreSQL, which goes away after the first result and comes back when it is missed."""
    out, missed, waits = tmp_path_factory.mktemp("postgres"), threading.Event(), []

    def restart(done, of, result):
        if done in (1, 3):
            server.stop("fast" if done == 1 else "immediate")
            missed.set()

    def wait(seconds):
        waits.append(seconds)
        if missed.is_set():
            missed.clear()
            server.start()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trouble, "sleep", wait)
        patch.setenv("PGPASSWORD", "")
        options = Options(workers=1, gradebook=server.url)
        results = grade_class(COURSE, handed_in, out, options=options, progress=restart)
    assert waits, "the server was never missed"
    return out, results


def marks(results):
    return [(r.learner, r.status, r.points, r.reason, r.diagnoses) for r in results]


def rows(url):
    engine = create_engine(url)
    with engine.connect() as book:
        found = [tuple(row) for row in book.execute(text(TABLE))]
    engine.dispose()
    return found


@pytest.fixture
def password(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)


def test_marks_are_those_of_sqlite_and_a_restart_costs_none(in_sqlite, in_postgres, handed_in, password):
    assert marks(in_postgres[1]) == marks(in_sqlite[1])
    kept = rows(gradebook_of(in_postgres[0]))
    assert kept == rows(gradebook_of(in_sqlite[0])) and len(kept) == 4 * len(WORTH)
    learners = [entry["learner"] for entry in entries(in_postgres[0] / "journal.jsonl")]
    assert sorted(learners) == sorted(path.name for path in handed_in.iterdir()), "each once"
    assert not (in_postgres[0] / "gradebook.db").exists()


def test_nobody_sees_the_password(in_postgres, server):
    settings = json.loads((in_postgres[0] / SETTINGS).read_text())
    assert settings["CourseDirectory"]["db_url"].startswith("postgresql+psycopg://teacher@/postgres?host=")
    for path in (path for path in in_postgres[0].rglob("*") if path.is_file()):
        assert PASSWORD not in path.read_text() and "4711%" not in path.read_text(), path
    shown = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended
            shown += [*process.cmdline(), *process.environ().values()]
    assert shown and PASSWORD not in " ".join(shown)


def test_a_password_in_the_arguments_is_taken_out_of_them(tmp_path):
    """Every user of a machine can list the arguments of its processes: the command starts anew without it."""
    code = (
        "import json, os, sys; from patchbook.grading.gradebook.database import without_password\n"
        "print(json.dumps([without_password(sys.argv[1]), sys.orig_argv, os.environ['PGPASSWORD']]))"
    )
    url = "postgresql://teacher:geheim%2F1@db.example/grades"
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True)
    shown, arguments, password = json.loads(done.stdout)
    assert shown == "postgresql+psycopg://teacher@db.example/grades" and password == "geheim/1"
    assert arguments == [sys.executable, "-c", code, "postgresql://teacher@db.example/grades"]


def test_the_report_reads_that_gradebook(in_sqlite, in_postgres, password):
    def told(out):
        return [
            (w.learner, w.status, w.points, w.waiting, [i.state for i in w.items]) for w in read_class(out)
        ]

    assert told(in_postgres[0]) == told(in_sqlite[0]) and len(told(in_sqlite[0])) == 4


def test_uploads_stand_beside_the_marks_and_wait_in_order(in_sqlite, in_postgres, password):
    for out, _ in (in_sqlite, in_postgres):
        table = Uploads(out, gradebook_of(out))
        first, second, third = (table.accept(who, CHAPTER, b"{}") for who in ("ada", "ada", "bob"))
        one = table.take([])
        assert one.id == first and table.take([one]).id == third, "ada's second waits for her first"
        assert table.counts() == {"waiting": 1, "at work": 2, "graded": 0}
        table.forget_begun()  # as the next desk does
        table.put_back(table.take([]))
        assert [(u.id, u.tries) for u in table.waiting()] == [(first, 1), (second, 0), (third, 0)]
        table.end(table.take([]), "ok", '{"found": 1}', '{"work": 1}')
        assert table.work(first) == '{"work": 1}' and table.one(first).status == "ok"
        assert [(u.id, found) for u, found in table.latest()] == [(first, '{"found": 1}')]
        assert [u.id for u in table.of("ada")] == [second, first] and len(table.paces()) == 1
        table.engine.dispose()


def test_the_same_command_knows_what_the_gradebook_holds_and_another_does_not(
    in_postgres, handed_in, password, monkeypatch
):
    """A journal of one gradebook says nothing of another."""
    seen = []
    monkeypatch.setattr(
        "patchbook.grading.running.batch.Grader.run", lambda grader, rest, most: seen.append(most) or []
    )
    grade_class(COURSE, handed_in, in_postgres[0])
    assert seen == [], "all known, and in the gradebook that an earlier run noted"
    settings = (in_postgres[0] / SETTINGS).read_text()
    other = f"sqlite:///{in_postgres[0] / 'other.db'}"
    grade_class(COURSE, handed_in, in_postgres[0], options=Options(gradebook=other))
    assert seen == [4]
    (in_postgres[0] / SETTINGS).write_text(settings)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgres", "not the URL of a database"),
        ("mysql://a:secret@b/c", "no gradebook can be in mysql"),
        ("postgresql://teacher:secret@/postgres?host={folder}", "authentication failed"),
        ("postgresql://teacher:{password}@/nothing?host={folder}", "does not exist"),
    ],
)
def test_a_gradebook_that_cannot_be_used_is_one_line(tmp_path, handed_in, server, monkeypatch, url, words):
    monkeypatch.setenv("PGPASSWORD", "")
    monkeypatch.setattr(trouble, "sleep", lambda seconds: pytest.fail("waited for what will not come"))
    url = url.format(folder=server.folder, password=PASSWORD.replace("/", "%2F").replace(":", "%3A"))
    command = ["grade", str(handed_in), "--out", str(tmp_path / "out"), "--course", str(HOME)]
    done = CliRunner().invoke(main, [*command, "--gradebook", url])
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
    assert words in done.output and len(done.output.splitlines()) == 1
    assert "secret" not in done.output and "4711" not in done.output
    assert not (tmp_path / "out" / SETTINGS).exists(), "only one that can be used is noted"
