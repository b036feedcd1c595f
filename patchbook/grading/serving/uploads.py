"""What was handed in: a table beside nbgrader's own in the gradebook's database, and a folder of files.

An upload is accepted when both are on disk: first the file, then its row. A file without a row was never
accepted. A row that has no `ended` is there to be graded, whoever was killed meanwhile.
"""

import os
import secrets
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from time import strftime, time
from typing import Any

from sqlalchemy import (
    Column,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    func,
    select,
    text,
)

from patchbook.grading.gradebook.course_folder import safe
from patchbook.grading.gradebook.database import make_tables
from patchbook.grading.gradebook.trouble import patiently

FOLDER = "uploads"
UPLOADS = Table(
    "patchbook_upload",
    MetaData(),
    Column("id", Integer, primary_key=True),  # in the order in which they were accepted
    Column("learner", String(255), nullable=False, index=True),
    Column("chapter", String(128), nullable=False),
    Column("file", String(512), nullable=False),  # below the folder of grades
    Column("handed_in", Double, nullable=False),  # seconds since 1970, as all times here
    Column("began", Double),
    Column("ended", Double, index=True),
    Column("tries", Integer, nullable=False, default=0),
    Column("status", String(32), nullable=False, default=""),
    Column("found", Text, nullable=False, default=""),  # JSON: see desk.found_in
    Column("work", Text, nullable=False, default=""),  # JSON: see pages.data_of
    sqlite_autoincrement=True,  # no number is given twice
)
SHORT = [column for column in UPLOADS.c if column.name not in ("found", "work")]


@dataclass(frozen=True)
class Upload:
    """One file that was accepted. began, ended: None before it is.  status: as in grades.csv."""

    id: int
    learner: str
    chapter: str
    file: str
    handed_in: float
    began: float | None = None
    ended: float | None = None
    tries: int = 0
    status: str = ""


class Uploads:
    """The table in the gradebook `url`, and the files in `root`/uploads."""

    def __init__(self, root: Path, url: str):
        self.root, self.engine = root, create_engine(url, pool_pre_ping=True)
        self._turn = threading.Lock()  # threads of this process take turns; SQLite would have them sleep
        patiently(lambda: self._prepare(url))

    def _prepare(self, url: str) -> None:
        make_tables(url)
        if self.engine.dialect.name == "sqlite":  # a commit is one write to the disk, not four: who hands in
            with self.engine.connect() as book:  # waits less for who writes marks
                book.execute(text("PRAGMA journal_mode=WAL"))
        UPLOADS.metadata.create_all(self.engine)

    # --- handing in ------------------------------------------------------------------------------------

    def accept(self, learner: str, chapter: str, content: bytes) -> int:
        """Keep an upload for good; returns its number. Raises OSError or GradingFailed: it is not kept."""
        file = self._keep(learner, chapter, content)
        row = {"learner": learner, "chapter": chapter, "file": file.as_posix(), "handed_in": time()}
        return self._write(UPLOADS.insert().values(row).returning(UPLOADS.c.id)).scalar_one()

    def _keep(self, learner: str, chapter: str, content: bytes) -> Path:
        """Put the file on the disk itself. The layout is one that `patchbook collect` reads."""
        place = Path(FOLDER, safe(learner), f"{strftime('%Y-%m-%dT%H-%M-%S')}-{secrets.token_hex(3)}")
        (self.root / place).mkdir(parents=True)
        with (self.root / place / f"{chapter}.ipynb").open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        for folder in (place, *place.parents):  # a power cut spares only what its folder knows of
            _sync(self.root / folder)
        return place / f"{chapter}.ipynb"

    # --- grading ---------------------------------------------------------------------------------------

    def forget_begun(self) -> None:
        """What a desk that is gone had begun waits again."""
        self._write(UPLOADS.update().where(UPLOADS.c.ended.is_(None)).values(began=None))

    def take(self, busy: Collection[Upload]) -> Upload | None:
        """The oldest that waits. Of one learner's chapter the uploads are graded one after the other."""
        at_work, whose = {one.id for one in busy}, {(one.learner, one.chapter) for one in busy}
        for one in self.waiting():
            if one.id not in at_work and (one.learner, one.chapter) not in whose:
                self._write(UPLOADS.update().where(UPLOADS.c.id == one.id).values(began=time()))
                return one
        return None

    def put_back(self, one: Upload) -> None:
        """It could not be graded just now."""
        change = UPLOADS.update().where(UPLOADS.c.id == one.id)
        self._write(change.values(began=None, tries=UPLOADS.c.tries + 1))

    def end(self, one: Upload, status: str, found: str, work: str) -> None:
        change = UPLOADS.update().where(UPLOADS.c.id == one.id)
        self._write(change.values(ended=time(), status=status, found=found, work=work))

    # --- reading ---------------------------------------------------------------------------------------

    def waiting(self) -> list[Upload]:
        """All that are not graded yet, in order."""
        return self._uploads(select(*SHORT).where(UPLOADS.c.ended.is_(None)).order_by(UPLOADS.c.id))

    def of(self, learner: str) -> list[Upload]:
        """A learner's own, the latest first."""
        return self._uploads(select(*SHORT).where(UPLOADS.c.learner == learner).order_by(UPLOADS.c.id.desc()))

    def one(self, number: int) -> Upload | None:
        return next(iter(self._uploads(select(*SHORT).where(UPLOADS.c.id == number))), None)

    def work(self, number: int) -> str:
        """What its page shows, as JSON; "" before it is graded."""
        return self._read(select(UPLOADS.c.work).where(UPLOADS.c.id == number))[0][0]

    def latest(self, whose: Upload | None = None) -> list[tuple[Upload, str]]:
        """Of each learner's chapters, or of one, the last that was graded, with what was found."""
        last = select(func.max(UPLOADS.c.id)).where(UPLOADS.c.ended.is_not(None))
        if whose is not None:
            last = last.where(UPLOADS.c.learner == whose.learner, UPLOADS.c.chapter == whose.chapter)
        last = last.group_by(UPLOADS.c.learner, UPLOADS.c.chapter)
        rows = self._read(
            select(*SHORT, UPLOADS.c.found).where(UPLOADS.c.id.in_(last)).order_by(UPLOADS.c.id)
        )
        return [(Upload(*row[:-1]), row[-1]) for row in rows]

    def paces(self, most: int = 20) -> list[float]:
        """How many seconds each of the last ones took, from when a worker took it up."""
        chosen = select(UPLOADS.c.ended - UPLOADS.c.began).where(UPLOADS.c.ended.is_not(None))
        return [row[0] for row in self._read(chosen.order_by(UPLOADS.c.ended.desc()).limit(most))]

    def counts(self) -> dict[str, int]:
        """How many are "waiting", "at work" and "graded"."""
        columns = [func.count(), func.count(UPLOADS.c.began), func.count(UPLOADS.c.ended)]
        ((every, begun, ended),) = self._read(select(*columns))
        return {"waiting": every - begun, "at work": begun - ended, "graded": ended}

    def _uploads(self, chosen: Any) -> list[Upload]:
        return [Upload(*row) for row in self._read(chosen)]

    def _read(self, chosen: Any) -> list[Any]:
        def once() -> list[Any]:
            with self.engine.connect() as book:
                return list(book.execute(chosen))

        return patiently(once)

    def _write(self, change: Any) -> Any:
        """One change, on disk when this returns. A gradebook that is locked is waited for."""

        def once() -> Any:
            with self._turn, self.engine.begin() as book:
                done = book.execute(change)
                return done.freeze()() if done.returns_rows else None

        return patiently(once)


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
