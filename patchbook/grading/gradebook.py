"""nbgrader's course folder: stock converters and gradebook, with the steps of ours that it lets us name."""

import logging
import os
import re
import sysconfig
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from sqlalchemy.exc import OperationalError, SAWarning, SQLAlchemyError
from traitlets.config import Config

from patchbook.authoring.release import RELEASE_STEPS, release_config
from patchbook.grading.outputs import HideHiddenTests, NameFigures, ScoreByError, ShortenOutput, ShowTags
from patchbook.grading.pages import TEMPLATE, TEMPLATES, FeedbackPage, Summarise, scores
from patchbook.grading.taken import TakeRun

# How a notebook runs, in the words of nbclient's options.
RUN = {
    "startup_timeout": 180,  # seconds until the kernel answers, on a busy machine
    "iopub_timeout": 10,  # seconds an interrupted cell has to stop
    "shutdown_kernel": "immediate",  # nobody waits for what a submission does at exit
}


PASSING = ("OperationalError", "database is locked", "InterfaceError")  # of a gradebook, and soon over
PAUSES = (0.5, 1, 2, 4, 8, 16)  # seconds between two tries


class GradingFailed(Exception):
    """nbgrader gave up on a chapter or a submission; the message is its own last word."""


class CourseFolder:
    """An nbgrader course in `root`: source, release, submitted, autograded, feedback, gradebook.db."""

    def __init__(self, root: Path, timeout: int):
        self.root = root.resolve()
        self.url = f"sqlite:///{self.root / 'gradebook.db'}"
        self.config = settings(self.root, self.url)
        self.run_settings = RUN | {"timeout": timeout}
        self.root.mkdir(parents=True, exist_ok=True)
        put_alembic_on_path()

    def file(self, step: str, learner: str, chapter: str, ending: str = ".ipynb") -> Path:
        return self.root / step / safe(learner) / chapter / f"{chapter}{ending}"

    def write(self, notebook: NotebookNode, step: str, learner: str, chapter: str) -> Path:
        path = self.file(step, learner, chapter)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        return path

    def read(self, step: str, learner: str, chapter: str) -> NotebookNode:
        return nbformat.read(self.file(step, learner, chapter), as_version=4)

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
        with Overheard(step.log) as said, warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own queries, on today's SQLAlchemy
            try:
                step.start()
            except NbGraderException:
                raise GradingFailed(said.last_word()) from None


def patiently(step: Callable[[], Any]) -> Any:
    """Do a step; while another program holds the gradebook, or its server is away, try for half a minute.

    Raises GradingFailed.
    """
    for pause in (*PAUSES, None):
        try:
            return step()
        except (SQLAlchemyError, GradingFailed) as error:
            said = str(error).split("\n")[0]
            passing = isinstance(error, OperationalError) or any(words in said for words in PASSING)
            if pause is None or not passing:
                raise GradingFailed(said) from None
            time.sleep(pause)


def settings(root: Path, url: str) -> Config:
    """What we ask of nbgrader, all of it through its own configuration."""
    config = release_config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.db_url = url
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
    """A learner's name as nbgrader can use it: it reads names as file patterns and strips spaces."""
    return re.sub(r"[\[\]*?%]|^\s|\s$", lambda found: f"%{ord(found[0]):02X}", learner)


def put_alembic_on_path() -> None:
    """nbgrader calls the `alembic` command by name; it lies beside this interpreter, venv active or not."""
    scripts = sysconfig.get_path("scripts")
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])


class Overheard(logging.Handler):
    """What nbgrader logs while it works; it tells the reason of a failure nowhere else."""

    def __init__(self, log: logging.Logger):
        super().__init__(logging.ERROR)
        self.log, self.messages = log, []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage().strip())

    def __enter__(self) -> "Overheard":
        self.log.addHandler(self)
        return self

    def __exit__(self, *error) -> None:
        self.log.removeHandler(self)

    def last_word(self) -> str:
        """The exception that stopped nbgrader: the last line of the traceback it logged."""
        traceback = next((text for text in self.messages if text.startswith("Traceback")), None)
        text = traceback or (self.messages[0] if self.messages else "nbgrader gave no reason")
        return text.split("\n")[-1]
