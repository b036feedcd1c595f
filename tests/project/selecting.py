"""Which tests `make check` runs: the quick ones, and those about what changed. For `make test` see `drawing`.

What changed is what git says: since this branch left main, and what is not committed yet. A file of tests is
about a folder of code when it imports something of it, itself or through a helper, and not as an input only;
about a folder of data when it names it. Of the files that go through all exercises, those exercises run that
the change names.
"""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MIXED = {"", "patchbook", "tests", "tests/project"}  # what lies here has nothing else in common
EXERCISES = {"solutions", "tests", "tests/specifications", "tests/mistakes", "tests/project/answers"}
IN_PIECES = ("test_checks.py", "test_rewrites.py", "test_slips.py")  # a few seconds for each exercise
BY_EXERCISE = {*IN_PIECES, "test_arguments.py", "test_chapters.py", "test_mutants.py", "test_next_lines.py"}
QUICK = {"test_arrows.py", "test_the_tests.py"}
LONG = {
    *("test_book.py", "test_book_in_a_browser.py", "test_cluster.py", "test_devices.py", "test_hostile.py"),
    *("test_ioi_references.py", "test_live.py", "test_nothing_lost.py", "test_platforms.py"),
    "test_sample_class.py",
}
LONG_TEST = "test_untouched_stubs_stop_nothing"  # of a chapter
INPUTS = {  # of tests about something else: a course or a model to work on, the rows to take
    *("patchbook/checking/awkward.py", "patchbook/checking/prepared.py"),
    *("patchbook/authoring/__init__.py", "patchbook/models/__init__.py"),
    *("tests/project/toy.py", "tests/project/drawing.py"),
}


@cache
def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout


def since() -> str:
    """The commit at which this branch left main; the last one where there is no such branch."""
    return git("merge-base", "HEAD", "main").strip() or "HEAD"


@cache
def changed() -> set[str]:
    """Paths from the repository's root."""
    listed = git("diff", "--name-only", since()) + git("ls-files", "--others", "--exclude-standard")
    return set(listed.splitlines())


@cache
def words() -> set[str]:
    """Every name in changed lines, in the line that git puts over them, and in paths."""
    lines = [line for line in git("diff", "--unified=0", since()).splitlines() if line[:1] in "+-@"]
    return set(re.findall(r"\w+", " ".join([*lines, *changed()])))


def is_for_later(file: Path) -> bool:
    """Whether a file of tests is not even collected."""
    if file.name in BY_EXERCISE and EXERCISES & set(map(folder, changed())):
        return False
    return file.name not in QUICK and (file.name in LONG or not is_about(file, changed()))


def is_chosen(test: pytest.Item) -> bool:
    """Of the files that go through all exercises: what runs once, and what is about a name that changed."""
    name, _, parameters = test.name.partition("[")
    if name == LONG_TEST:
        return False
    if test.path.name not in BY_EXERCISE or not parameters:
        return True
    return not words().isdisjoint(re.findall(r"\w+", parameters))


def is_about(file: Path, paths: set[str]) -> bool:
    """Whether a file of tests is about one of these paths."""
    own = with_helpers(str(file.relative_to(ROOT)))
    seen = own.union(*map(imports, own))
    if seen & paths or {folder(path) for path in seen - INPUTS} & {folder(path) for path in paths} - MIXED:
        return True
    text = "".join((ROOT / path).read_text(encoding="utf-8") for path in own)
    data = {Path(folder(path)).name for path in paths if not path.endswith(".py")} - {""}
    return any(f'"{name}"' in text for name in data)


def folder(path: str) -> str:
    return path.rpartition("/")[0]


@cache
def with_helpers(path: str) -> set[str]:
    """A file of tests, and the modules of ours that help it."""
    found, todo = set(), [path]
    while todo:
        found.add(path := todo.pop())
        todo += [one for one in imports(path) - found - INPUTS if folder(one) == "tests/project"]
    return found


@cache
def imports(path: str) -> set[str]:
    """The files of this repository whose modules a file imports by name."""
    nodes = [*ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, ["tests.project" * bool(node.level), node.module]))
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return {found for name in names for found in files_of(name)}


def files_of(module: str) -> list[str]:
    """The file of a module, if it is one of ours."""
    place = module.replace("patchbook.tests", "tests").replace(".", "/")
    return [path for path in (f"{place}.py", f"{place}/__init__.py") if (ROOT / path).is_file()]
