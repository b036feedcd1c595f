"""Where the checks of the course that is graded are: modules `patchbook.tests.<topic>`.

They are installed with the package. Another course, named with --course, brings its own folder tests/.
"""

from importlib import import_module
from pathlib import Path
from typing import Any


def module_of(chapter: str) -> str:
    """ "01_induction_heads" -> "patchbook.tests.induction_heads"."""
    return f"patchbook.tests.{chapter[3:]}"


def add_folder(tests: str) -> None:
    """Let `patchbook.tests` and its two packages find modules in a course's folder tests/ first."""
    for package in ("", ".specifications", ".mistakes"):
        found = import_module(f"patchbook.tests{package}")
        folder = str(Path(tests, package[1:]))
        if Path(folder).is_dir() and folder not in found.__path__:
            found.__path__.insert(0, folder)


def check_named(module: str, exercise: str) -> Any:
    """The Check behind `test_<exercise>`."""
    return getattr(import_module(module), f"test_{exercise}").check
