"""nbgrader's course folder: stock converters and gradebook, with the steps of ours that it lets us name."""

import hashlib
import logging
import os
import re
import sysconfig
import warnings
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearHiddenTests,
    GetGrades,
    IgnorePattern,
    LimitOutput,
    SaveAutoGrades,
)
from sqlalchemy.exc import SAWarning
from tornado.log import app_log
from traitlets.config import Config

from patchbook.authoring.release import RELEASE_STEPS, release_config
from patchbook.grading.gradebook.database import gradebook_of, note_gradebook, submitted
from patchbook.grading.gradebook.pages import TEMPLATE, TEMPLATES, FeedbackPage, Summarise, scores
from patchbook.grading.gradebook.steps import (
    HideHiddenTests,
    NameFigures,
    ScoreByError,
    ShortenOutput,
    ShowTags,
    TakeRun,
)
from patchbook.grading.gradebook.trouble import GradingFailed, patiently

# How a notebook runs, in the words of nbclient's options.
RUN = {
    "startup_timeout": 1800,  # seconds until the kernel answers; one that dies is noticed at once
    "iopub_timeout": 10**6,  # seconds: `execute` decides when a cell's outputs are waited for no more
    "shutdown_kernel": "immediate",  # nobody waits for what a submission does at exit
}

LEFT = {"ran": ".ipynb", "autograded": ".ipynb", "feedback": ".html"}  # of a submission, for its readers
LONGEST_NAME = 128  # characters that nbgrader's tables have for it; PostgreSQL insists


class CourseFolder:
    """An nbgrader course in `root`: source, release, submitted, autograded, feedback, gradebook.db.

    gradebook: the URL of another gradebook than that file.
    """

    def __init__(self, root: Path, timeout: int, gradebook: str | None = None):
        self.root = root.resolve()
        self.url = gradebook_of(self.root, gradebook)
        self.config = settings(self.root, self.url)
        self.run_settings = RUN | {"timeout": timeout}
        self.root.mkdir(parents=True, exist_ok=True)
        put_alembic_on_path()
        self.given = gradebook is not None

    def open(self) -> set[tuple[str, str]]:
        """Whose chapters the gradebook holds: (learner, chapter), the learners as `safe` spells them."""
        held = patiently(lambda: submitted(self.url))
        if self.given:  # and can be used: only then is it the one that later commands take
            note_gradebook(self.root, self.url)
        return held

    def file(self, step: str, learner: str, chapter: str, ending: str = ".ipynb") -> Path:
        return self.root / step / safe(learner) / chapter / f"{chapter}{ending}"

    def write(self, notebook: NotebookNode, step: str, learner: str, chapter: str) -> Path:
        path = self.file(step, learner, chapter)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        return path

    def read(self, step: str, learner: str, chapter: str) -> NotebookNode:
        return nbformat.read(self.file(step, learner, chapter), as_version=4)

    def settle(self, learner: str, chapter: str) -> None:
        """Have the disk itself keep what a submission left here; a power cut takes the rest."""
        for step, ending in LEFT.items():
            path = self.file(step, learner, chapter, ending)
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())

    def add_chapter(self, chapter: str, source: NotebookNode) -> NotebookNode:
        """Make the chapter an assignment of the gradebook; returns its released notebook."""
        self.write(source, "source", ".", chapter)
        self.convert(GenerateAssignment, chapter, ".")
        return self.read("release", ".", chapter)

    def autograde(self, chapter: str, learner: str) -> NotebookNode:
        """Run and score what lies in submitted/; returns the notebook as it ran."""
        self.convert(Autograde, chapter, learner)
        return self.read("autograded", learner, chapter)

    def feedback(self, chapter: str, learner: str) -> Path:
        """Write the learner's page; returns its path."""
        self.convert(GenerateFeedback, chapter, learner)
        return self.file("feedback", learner, chapter, ".html")

    def scores(self, chapter: str, learner: str) -> dict[str, float | None]:
        """Points by nbgrader's grade id; None where a human must still give them."""
        return patiently(lambda: scores(self.url, chapter, safe(learner)))

    def convert(self, converter: type[BaseConverter], chapter: str, learner: str) -> None:
        """Run one of nbgrader's converters on one submission. Raises GradingFailed."""
        patiently(lambda: self._convert(converter, chapter, learner))

    def _convert(self, converter: type[BaseConverter], chapter: str, learner: str) -> None:
        folder = CourseDirectory(config=self.config)
        folder.assignment_id, folder.student_id = chapter, safe(learner)
        step = converter(coursedir=folder, config=self.config)
        step.force = True
        with Overheard(step.log, app_log) as said, warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own queries, on today's SQLAlchemy
            try:
                step.start()
            except NbGraderException:
                raise GradingFailed(said.last_word()) from None


def settings(root: Path, url: str) -> Config:
    """What we ask of nbgrader, all of it through its own configuration."""
    config = release_config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.db_url = url
    config.CourseDirectory.course_id = "default_course"  # the one that exists: PostgreSQL asks for it
    config.TakeRun.folder = str(root / "ran")
    config.ShowTags.released = str(root / "release")
    config.GenerateAssignment.preprocessors = RELEASE_STEPS
    config.Autograde.autograde_preprocessors = [
        TakeRun,
        NameFigures,
        IgnorePattern,
        ClearMetadataPreprocessor,
        LimitOutput,
        ShortenOutput,
        ScoreByError,
        SaveAutoGrades,
        AssignLatePenalties,
        ShowTags,  # after the marks: they need the learner's own words
        CheckCellMetadata,
    ]
    config.GenerateFeedback.exporter_class = FeedbackPage
    config.GenerateFeedback.preprocessors = [
        GetGrades,
        Summarise,
        HideHiddenTests,
        ClearHiddenTests,
        CSSHTMLHeaderPreprocessor,
    ]
    config.HTMLExporter.template_name = TEMPLATE
    config.HTMLExporter.extra_template_basedirs = [str(TEMPLATES)]
    return config


def safe(learner: str) -> str:
    """A learner's name as nbgrader can use it: it reads names as file patterns and strips spaces.

    One that is too long for its tables or for a file keeps its beginning, and a number of its own.
    """
    name = re.sub(r"[\[\]*?%]|^\s|\s$", lambda found: f"%{ord(found[0]):02X}", learner)
    if len(name) <= LONGEST_NAME and len(name.encode()) < 256:
        return name
    return f"{name[:40]}-{hashlib.sha256(learner.encode()).hexdigest()[:16]}"


def put_alembic_on_path() -> None:
    """nbgrader calls the `alembic` command by name; it lies beside this interpreter, venv active or not."""
    scripts = sysconfig.get_path("scripts")
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])


class Overheard(logging.Handler):
    """What nbgrader logs while it works; it tells the reason of a failure nowhere else."""

    def __init__(self, *logs: logging.Logger):
        super().__init__(logging.ERROR)
        self.logs, self.messages = logs, []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage().strip())

    def __enter__(self) -> "Overheard":
        for log in self.logs:
            log.addHandler(self)
        return self

    def __exit__(self, *error) -> None:
        for log in self.logs:
            log.removeHandler(self)

    def last_word(self) -> str:
        """The exception that stopped nbgrader: its first line in the traceback that was logged."""
        for message in self.messages:
            if message.startswith("Traceback"):
                last = message.rpartition("Traceback (most recent call last):\n")[2].split("\n")
                return next(line for line in last if line and not line[0].isspace())
        return self.messages[0].split("\n")[-1] if self.messages else "nbgrader gave no reason"
