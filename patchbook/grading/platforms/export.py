"""Write what Gradescope, GitHub and JupyterHub need, to grade a course there."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import nbformat

import patchbook
from patchbook.authoring.course import Course
from patchbook.authoring.source import source_notebook
from patchbook.grading.notebooks.plan import plan_of
from patchbook.grading.notebooks.tests_folder import PYTEST

TEMPLATES = Path(__file__).parent / "templates"
PACKAGE = ("pyproject.toml", "requirements.txt", "README.md", "LICENSE", "patchbook", "tests")
ACTION = ".github/actions/grade"
WORKFLOW = ".github/workflows/classroom.yml"
LEFT_OUT = {"__pycache__", ".ipynb_checkpoints", PYTEST}
CONFIG = '''"""Written by `patchbook export nbgrader`. nbgrader reads it where a command is given."""

from pathlib import Path

from patchbook.grading.platforms.hub import configure

configure(get_config(), Path(__file__).resolve().parent, {tests!r}, {course_id!r}, {exchange!r})
'''


class CannotExport(Exception):
    """What is asked for cannot be made from this course; the message says why."""


def write_gradescope(course: Course, chapter: str, hidden: str, out: Path) -> int:
    """Write an autograder.zip for one chapter; returns its size in bytes. Raises CannotExport.

    It holds the course and the package as they are now: what grades is the version that was exported.
    """
    plan_of(source_notebook(course, course.require(chapter)), chapter)  # raises, rather here than there
    package = Path(patchbook.__file__).resolve().parents[1]
    if not (package / "pyproject.toml").is_file():
        raise CannotExport("a copy of the package goes into the zip: install patchbook from a checkout")
    words = {"@chapter@": chapter, "@hidden@": hidden}
    out.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name in ("setup.sh", "run_autograder"):
            text = (TEMPLATES / name).read_text(encoding="utf-8")
            for mark, word in words.items():
                text = text.replace(mark, word)
            add(archive, name, text.encode(), 0o755)
        for path in files_below(package, PACKAGE):
            add(archive, f"package/{path.relative_to(package).as_posix()}", path.read_bytes())
        own = ("_config.yml", course.relative(course.solution(chapter)), "tests")
        for path in files_below(course.root, own):
            add(archive, f"course/{course.relative(path)}", path.read_bytes())
    return out.stat().st_size


def files_below(root: Path, names: Iterable[str]) -> Iterator[Path]:
    """The files, and those in the folders, of these names; nothing that programs leave behind."""
    for name in names:
        place = root / name
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (f for f in found if f.is_file() and not LEFT_OUT & {*f.relative_to(root).parts})


def add(archive: ZipFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """The same bytes at any time of day."""
    member = ZipInfo(name, (2026, 1, 1, 0, 0, 0))
    member.external_attr, member.compress_type = (0o100000 | mode) << 16, ZIP_DEFLATED
    archive.writestr(member, content)


def write_github(course: Course, chapter: str | None, out: Path) -> Path:
    """Write the workflow for the repository that learners start from; returns its path.

    Raises CannotExport.
    """
    if course.github() is None:
        raise CannotExport(f"{course.repository()} is not on GitHub, where a workflow could find it")
    text = (TEMPLATES / "classroom.yml").read_text(encoding="utf-8")
    text = text.replace("@action@", f"{course.github()}/{ACTION}@{version(course)}")
    path = out / WORKFLOW
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("@chapter@", course.require(chapter) if chapter else ""), encoding="utf-8")
    return path


def version(course: Course) -> str:
    """The commit that is checked out; the branch, where git does not say."""
    try:
        said = subprocess.run(
            ["git", "-C", str(course.root), "rev-parse", "HEAD"], capture_output=True, text=True
        )
    except FileNotFoundError:
        return course.branch()
    return said.stdout.strip() or course.branch()


def write_nbgrader(
    course: Course, chapters: Iterable[str], course_id: str, exchange: str, out: Path
) -> list[Path]:
    """Write an nbgrader course folder: its settings, and each chapter's source. Returns what was written."""
    written = [out / "nbgrader_config.py"]
    for chapter in chapters:
        path = out / "source" / chapter / f"{chapter}.ipynb"
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(source_notebook(course, chapter)) + "\n", encoding="utf-8")
        written.append(path)
    tests = str((course.root / "tests").resolve())
    config = CONFIG.format(tests=tests, course_id=course_id, exchange=exchange)
    written[0].parent.mkdir(parents=True, exist_ok=True)
    written[0].write_text(config, encoding="utf-8")
    return written
