"""The bar of a long sweep shows where somebody watches, and nowhere else."""

import os
import subprocess
import sys

import pytest

from patchbook.grading.kernels.manager import kernel_environment
from tests.project.test_book import build

SWEEP = """
from patchbook.patching import progress
progress.DELAY = 0
assert list(progress.progress([1, 2, 3], "paths to heads")) == [1, 2, 3]
"""


def said(environment: dict[str, str]) -> str:
    """What a sweep of three steps writes in a process of its own."""
    without = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SWEEP],
        env=without | environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


def test_a_learner_sees_the_bar():
    assert "paths to heads" in said({})


@pytest.mark.parametrize("environment", [kernel_environment(), build.ENVIRONMENT], ids=["grading", "book"])
def test_grading_and_the_book_do_not(environment):
    assert said({"TQDM_DISABLE": environment["TQDM_DISABLE"]}) == ""
