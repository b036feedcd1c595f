"""What the gradebook and the disk may say: some passes, some stops the grader, the rest is one row's."""

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

PAUSES = (0.5, 1, 2, 4, 8, 16)  # seconds between two tries
PASSING = (  # nbgrader hands on the words alone
    "database is locked",
    "psycopg.OperationalError",
    "psycopg.InterfaceError",
    "psycopg.errors.AdminShutdown",
    "psycopg.errors.CrashShutdown",
    "psycopg.errors.CannotConnectNow",
)
HOPELESS = ("authentication failed", "does not exist", "no password supplied", "no pg_hba.conf entry")
SQLITE = {  # what SQLite makes of the disk's errors
    "database or disk is full": errno.ENOSPC,
    "disk I/O error": errno.EIO,
    "attempt to write a readonly database": errno.EROFS,
}
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}  # no submission's own fault


class GradingFailed(Exception):
    """nbgrader gave up on a chapter or a submission; the message is its own last word."""


class GradebookBusy(GradingFailed):
    """The gradebook did not answer for as long as we wait."""


def patiently(step: Callable[[], Any]) -> Any:
    """Do a step; while another program holds the gradebook, or its server is away, try for half a minute.

    Raises OSError for a disk that takes no more, GradingFailed for the rest; GradebookBusy when half a minute
    was not enough.
    """
    began = monotonic()
    for pause in (*PAUSES, None):
        try:
            return step()
        except (SQLAlchemyError, GradingFailed) as error:
            said = str(error).split("\n")[0]
        if number := disk_error(said):
            raise OSError(number, os.strerror(number))
        if not passes(said):
            raise GradingFailed(said)
        if pause is not None:
            sleep(pause)
    raise GradebookBusy(
        f"the gradebook did not answer for {monotonic() - began:.0f} seconds ({brief(said)}): close the "
        "program that holds it, or wait for its server; then give the same command again"
    )


def passes(said: str) -> bool:
    """Whether trying again may help."""
    return any(words in said for words in PASSING) and not any(words in said for words in HOPELESS)


def disk_error(said: str) -> int:
    """The errno of a disk that takes no more, as Python or SQLite tells it; 0 for everything else."""
    if found := re.match(r"OSError: \[Errno (\d+)\]", said):
        return int(found[1]) if int(found[1]) in DISK else 0
    found = re.match(r"(?:[\w.]+: )?\(sqlite3\.OperationalError\) (.*)", said)
    return SQLITE.get(found[1], 0) if found else 0


def brief(said: str) -> str:
    """A database's words without the names of its exceptions."""
    return re.sub(r"^(?:[\w.]+: )?\([\w.]+\) ", "", said)


def stopped(error: OSError, out: Path, kept: int, of: int) -> GradingFailed:
    """Why the disk stopped the grader, and what to do. Any other OSError is returned to its finder: a bug."""
    if error.errno not in DISK:
        raise error
    where = error.filename or out
    return GradingFailed(
        f"{error.strerror}: {where} cannot be written. {kept} of {of} submissions are graded and kept. Make "
        "room on that disk, then give the same command again: it does the others"
    )
