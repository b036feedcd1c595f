"""The tests themselves: they run one by one and side by side, skip nothing, and wait for no clock."""

import ast
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.project import drawing, selecting

HERE = Path(__file__).parent
FILES = sorted(HERE.rglob("*.py"))
CLOCKS = {"sleep", "time", "monotonic", "perf_counter", "process_time"}  # of the module `time`
SKIPS = {"skip", "skipif", "importorskip", "xfail"}  # of pytest and its marks


def names_used(path: Path) -> set[str]:
    """Every name and attribute in the code of a file; what stands in strings, learners' code, is none."""
    nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    found = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return found | {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}


def imports_time(path: Path) -> bool:
    nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return "time" in names | {node.module for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_test_looks_at_a_clock_and_none_is_skipped(path):
    if path.name != "events.py":  # it has the one clock, and gives up half an hour later
        assert not (imports_time(path) and names_used(path) & CLOCKS)
    assert not names_used(path) & SKIPS


@pytest.mark.parametrize("how", [["-p", "no:xdist"], ["-n", "0"], ["-n", "2"]], ids=" ".join)
def test_one_file_runs_with_and_without_xdist(how):
    one = f"{Path(__file__)}::test_a_test_of_one_file"
    command = [sys.executable, "-m", "pytest", *how, "-p", "no:cacheprovider", one]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parents[1])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "path", "about"),
    [
        ("test_sandbox.py", "patchbook/grading/kernels/usage.py", True),  # from a folder that it imports from
        ("test_sandbox.py", "tests/project/toy.py", True),  # a helper
        ("test_sandbox.py", "patchbook/prompts/ioi.py", False),
        ("test_patching_sweeps.py", "patchbook/checking/judging.py", False),  # a model of it is its input
        ("test_patching_sweeps.py", "patchbook/checking/awkward.py", True),
        ("test_days.py", "patchbook/grading/kernels/usage.py", False),
        ("test_hostile.py", "tests/project/hostile/reading.toml", True),  # data that it reads
        ("test_hostile.py", "README.md", False),
        ("test_serving.py", "solutions/03_capitals.md", False),
        ("test_days.py", "tests/project/test_days.py", True),
        ("test_days.py", "tests/project/test_copies.py", False),
    ],
)
def test_a_check_runs_the_files_that_are_about_what_changed(name, path, about):
    assert selecting.is_about(HERE / name, {path}) == about


@pytest.mark.parametrize(("words", "chosen"), [({"rot_heads", "double"}, True), ({"shout"}, False)])
def test_of_all_exercises_a_check_runs_those_that_the_change_names(monkeypatch, words, chosen):
    monkeypatch.setattr(selecting, "words", lambda: words)
    monkeypatch.setattr(selecting, "changed", set)
    test = SimpleNamespace(name="test_right_answers_pass[double-in_one_line]", path=HERE / "test_checks.py")
    assert selecting.is_chosen(test) == chosen
    assert selecting.is_chosen(SimpleNamespace(name="test_names_are_unique", path=test.path)) is True
    long = SimpleNamespace(name=f"{selecting.LONG_TEST}[double]", path=HERE / "test_chapters.py")
    assert selecting.is_chosen(long) is False
    assert selecting.LONG_TEST in functions_in(long.path)


def row(of: str, parameters: str) -> SimpleNamespace:
    return SimpleNamespace(originalname=of, name=f"{of}[{parameters}]")


@pytest.mark.parametrize("changed", [set(), {"exercise_7"}])
def test_a_commit_draws_its_share_and_what_changed_and_all_commits_draw_everything(monkeypatch, changed):
    monkeypatch.setattr(drawing, "BY_EXERCISE", {"test_of_rows", "test_of_other_rows"})
    monkeypatch.setattr(drawing, "SHARES", {"test_of_rows": 5, "test_of_other_rows": 5})
    monkeypatch.setattr(selecting, "words", lambda: changed)
    monkeypatch.setattr(drawing, "every_row", False)
    subjects = {f"exercise_{number}" for number in range(20)}
    rows = [row("test_of_rows", f"{name}-{number}") for name in subjects for number in range(3)]
    rows += [row("test_of_other_rows", name) for name in subjects]
    whole = [row("test_of_something_else", str(number)) for number in range(3)]
    ever = set()
    for number in range(100):
        monkeypatch.setattr(drawing, "commit", lambda number=number: f"commit {number}")
        drawn = drawing.drawn([*whole, *rows])
        assert drawn == drawing.drawn([*whole, *rows]) and drawn[:3] == whole
        about = {drawing.subject(each.name) for each in drawn[3:]}
        assert len(drawn) == 3 + 4 * len(about), "all rows of one exercise, in both tests"
        assert len(about - changed) in (4, 4 - len(changed)) and changed <= about
        ever |= about
    assert ever == subjects


def test_tests_that_share_no_cases_draw_each_for_itself(monkeypatch):
    monkeypatch.setattr(drawing, "SHARES", {"test_of_models": 4, "test_of_chapters": 4})
    monkeypatch.setattr(drawing, "every_row", False)
    monkeypatch.setattr(selecting, "words", set)
    same = 0
    for number in range(100):
        monkeypatch.setattr(drawing, "commit", lambda number=number: f"commit {number}")
        same += drawing.share_of("abcd", "test_of_models") == drawing.share_of("abcd", "test_of_chapters")
    assert 10 < same < 40


def test_who_asks_for_every_row_gets_it_and_each_share_is_of_a_test_that_there_is(monkeypatch):
    monkeypatch.setattr(drawing, "every_row", True)
    assert drawing.some(range(9), 3) == [*range(9)]
    monkeypatch.setattr(drawing, "every_row", False)
    assert len(drawing.some(range(9), 3)) == 3
    there = {name for path in FILES for name in functions_in(path)}
    assert drawing.SHARES.keys() <= there


def functions_in(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def test_a_test_of_one_file():
    """What the test above runs."""
