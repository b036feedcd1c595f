"""The bar of a long sweep shows where somebody watches, and nowhere else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "book"))
import build
from patchbook.grading.kernels.manager import kernel_environment

SWEEP = """
from patchbook.patching import progress
progress.DELAY = 0
assert list(progress.progress([1, 2, 3], "paths to heads")) == [1, 2, 3]
"""


CELL = """
from IPython.core.interactiveshell import InteractiveShell
from torch import nn
from patchbook.models import runs
runs.DELAY = 0
shell = InteractiveShell.instance()
model = nn.Module()
model.embed = nn.Identity()
runs.count(model)
shell.user_ns["model"] = model
for _ in range(2):
    assert shell.run_cell("for _ in range(3): model.embed(1)").success
    assert not runs._bars
"""


def said(environment: dict[str, str], code: str = SWEEP) -> str:
    """What a sweep of three steps writes in a process of its own."""
    without = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=without | environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


def test_a_learner_sees_the_bar_and_the_runs():
    assert "paths to heads" in said({})
    assert "runs of the model" in said({}, CELL)


@pytest.mark.parametrize("environment", [kernel_environment(), build.ENVIRONMENT], ids=["grading", "book"])
def test_grading_and_the_book_do_not(environment):
    for code in (SWEEP, CELL):
        assert said({"TQDM_DISABLE": environment["TQDM_DISABLE"]}, code) == ""
