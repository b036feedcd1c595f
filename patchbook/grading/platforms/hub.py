"""nbgrader's own commands on a course folder: what its nbgrader_config.py asks for.

The release, the scoring and the pages of feedback are then those of `patchbook grade`. The execution is
nbgrader's: learners' code runs with the rights of whoever gives the command.
"""

from pathlib import Path

from nbgrader.preprocessors import Execute
from traitlets.config import Config

from patchbook.grading.gradebook.course_folder import settings
from patchbook.grading.gradebook.steps import TakeRun
from patchbook.grading.running.batch import TIMEOUT

PATIENCE = 60  # seconds until a cell's outputs are there; after nbgrader's 4, a busy hub loses the submission
OWN_TESTS = "from patchbook.grading.notebooks.tests_folder import add_folder; add_folder({tests!r})"


def configure(config: Config, root: Path, tests: str, course_id: str, exchange: str) -> None:
    """Settings for a folder that holds source/, release/, submitted/ and so on.

    tests: the course's folder of checks.  exchange: "" for nbgrader's default.
    """
    ours = settings(root, f"sqlite:///{root / 'gradebook.db'}")
    steps = ours.Autograde.autograde_preprocessors
    ours.Autograde.autograde_preprocessors = [Execute if step is TakeRun else step for step in steps]
    ours.Execute.extra_arguments = [f"--InteractiveShellApp.exec_lines={OWN_TESTS.format(tests=tests)}"]
    ours.Execute.timeout, ours.Execute.iopub_timeout = TIMEOUT, PATIENCE
    ours.CourseDirectory.course_id = course_id
    if exchange:
        ours.Exchange.root = exchange
    config.merge(ours)
