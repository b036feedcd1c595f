"""Where the checks of the course that is graded are: modules `patchbook.tests.<topic>`.

They are installed with the package. Another course, named with --course, brings its own folder tests/.
On another machine its files come as texts.
"""

from importlib import import_module
from pathlib import Path
from typing import Any


def module_of(chapter: str) -> str:
    """ "01_induction_heads" -> "patchbook.tests.induction_heads"."""
    return f"patchbook.tests.{chapter[3:]}"


PACKAGES = ("", ".specifications", ".mistakes")  # of a folder tests/, and of `patchbook.tests`
PYTEST = "project"  # a folder in tests/ that is not for grading


def texts_of(tests: Path) -> dict[str, str]:
    """The modules of a course's folder tests/, by their path in it; its pytest is not among them."""
    found = sorted([*tests.glob("*.py"), *tests.glob("*/*.py")])  # a chapter is a module or a package
    files = [file for file in found if file.parent != tests / PYTEST]
    return {file.relative_to(tests).as_posix(): file.read_text(encoding="utf-8") for file in files}


def folder_of(tests: str | dict[str, str], place: Path) -> str:
    """The folder, or, where only texts came, one of them in `place`."""
    if isinstance(tests, str):
        return tests
    for name, text in tests.items():
        file = place / "tests" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return str(place / "tests")


def add_folder(tests: str) -> None:
    """Let `patchbook.tests` and its two packages find modules in a course's folder tests/ first."""
    for package in PACKAGES:
        found = import_module(f"patchbook.tests{package}")
        folder = str(Path(tests, package[1:]))
        if Path(folder).is_dir() and folder not in found.__path__:
            found.__path__.insert(0, folder)


def check_named(module: str, exercise: str) -> Any:
    """The Check behind `test_<exercise>`."""
    return getattr(import_module(module), f"test_{exercise}").check
