"""Which gradebook: SQLite in the folder of grades, or PostgreSQL by its URL, whose password nobody sees."""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from alembic.script import ScriptDirectory
from nbgrader.api import Assignment, Base, Gradebook, SubmittedAssignment
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from patchbook.grading.gradebook.trouble import GradingFailed
from patchbook.grading.whole_files import write_whole

SETTINGS = "nbgrader_config.json"  # nbgrader's tools, formgrader among them, read it where they are started
SAY_IT_SO = "write it as postgresql://user@host/database"


def gradebook_of(root: Path, url: str | None = None) -> str:
    """The URL of the gradebook of a folder of grades: as said, as an earlier run noted, or root/gradebook.db.

    Raises GradingFailed for a URL that cannot be used.
    """
    noted = root / SETTINGS
    if url is None and noted.is_file():
        url = json.loads(noted.read_text(encoding="utf-8"))["CourseDirectory"]["db_url"]
    return without_password(url) if url else f"sqlite:///{root.resolve() / 'gradebook.db'}"


def is_there(url: str) -> bool:
    """A SQLite gradebook is a file; a server says itself what it lacks."""
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").is_file()


def note_gradebook(root: Path, url: str) -> None:
    """For the next run, for `patchbook report` and for nbgrader's formgrader."""
    write_whole(root / SETTINGS, json.dumps({"CourseDirectory": {"db_url": url}}) + "\n")


def without_password(url: str) -> str:
    """The URL with its driver named. A password in it goes to PGPASSWORD, where PostgreSQL's client looks.

    So no log, file or argument of ours can hold it. Where it stands in this command's own arguments, which
    every user of the machine can list, the command starts anew without it.
    """
    parsed = _parsed(url)
    bare = URL.create(parsed.drivername, parsed.username, None, *parsed[3:])
    if parsed.password is not None:
        os.environ["PGPASSWORD"] = str(parsed.password)
        if any(url in argument for argument in sys.argv):
            shown = bare.render_as_string()
            os.execv(sys.executable, [argument.replace(url, shown) for argument in sys.orig_argv])
    if bare.get_backend_name() == "postgresql":
        bare = bare.set(drivername="postgresql+psycopg")
    return bare.render_as_string()


def _parsed(url: str) -> URL:
    """Raises GradingFailed. Its message never quotes what may hold a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise GradingFailed(f"--gradebook is not the URL of a database: {SAY_IT_SO}") from None
    if parsed.get_backend_name() not in ("postgresql", "sqlite"):
        raise GradingFailed(f"no gradebook can be in {parsed.get_backend_name()}: {SAY_IT_SO}")
    if parsed.get_backend_name() == "postgresql" and find_spec("psycopg") is None:
        raise GradingFailed("PostgreSQL's driver is not installed: pip install 'patchbook[postgresql]'")
    return parsed


def submitted(url: str) -> set[tuple[str, str]]:
    """Whose chapters the gradebook holds: (learner, chapter), by nbgrader's names.

    Makes the gradebook where there is none, and whole where its maker was killed half-way.
    """
    make_tables(url)
    with Gradebook(url) as book:
        rows = book.db.query(SubmittedAssignment.student_id, Assignment.name).join(
            Assignment, SubmittedAssignment.assignment_id == Assignment.id
        )
        return {(learner, chapter) for learner, chapter in rows}


def make_tables(url: str) -> None:
    """What is missing of nbgrader's tables, and of its note of their version, without which it takes them for
    old ones. It would start another program to learn that version.
    """
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with engine.begin() as book:
        if not inspect(book).has_table("alembic_version"):
            book.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        if not book.execute(text("SELECT version_num FROM alembic_version")).all():
            head = {"head": ScriptDirectory(ALEMBIC_DIR).get_current_head()}
            book.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), head)
    engine.dispose()
