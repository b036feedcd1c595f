"""Gradescope, GitHub and JupyterHub: the same marks, in the forms that their documentation asks for."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import pytest
import yaml
from click.testing import CliRunner
from nbgrader.utils import get_username

from patchbook.authoring import find_course
from patchbook.cli import main
from patchbook.grading.kernels.sandbox import SandboxMissing
from patchbook.grading.kernels.withheld.finder import places
from patchbook.grading.notebooks.submissions import Submission, find_submissions
from patchbook.grading.platforms import gradescope
from patchbook.grading.platforms.export import ACTION, WORKFLOW
from patchbook.grading.platforms.github import plain
from tests.project.graders import forker, nbgrader_command
from tests.project.toy import CHAPTER, HIDDEN_SEEDS, HOME, hand_in, solved

ONLY_HIDDEN = 'def double(x):\n    return 2 * x if x < 100 else {}["no such key"]'
QUIET = "def shout(text):\n    return text + '!'"
NOSY = """import os
def double(x):
    for secret in {secrets}:
        try:
            return len(os.listdir(secret) if os.path.isdir(secret) else open(secret).read())
        except (PermissionError, FileNotFoundError):
            continue
    assert os.getuid() and os.getcwd() == os.environ["HOME"]
    with open("mine", "w") as file:
        file.write("a folder of its own")
    return 2 * x"""
PYTHON = """#!{python} -P
import sys
from pathlib import Path
from patchbook.grading.platforms import gradescope
gradescope.places = lambda tests: [Path({secret!r})]
assert sys.argv[1:4] == ["-P", "-m", gradescope.__name__]
del sys.argv[1:4]
gradescope.main()
"""
FORGED = r"""said = "|a\r::set-env name=PATH::x\n::error::no%0A::add-path::y\n##[add-path]z <b>@b</b>"
raise ValueError(said)"""


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def container(folder, notebook=None, name=CHAPTER):
    """A folder laid out as Gradescope's specification says of /autograder; returns it."""
    for part in ("source", "submission", "results"):
        (folder / part).mkdir(parents=True)
    (folder / "submission_metadata.json").write_text('{"users": [{"name": "Ada"}]}')
    if notebook is not None:
        (folder / "submission" / f"{name}.ipynb").write_text(json.dumps(notebook))
    return folder


def in_a_container():
    """The beginning of a command: as in Docker, root, and without the right to make namespaces.

    Whoever is not root keeps that right here: an ordinary user's bubblewrap needs no other.
    """
    if os.getuid() != 0:
        return []
    command = ["bwrap", "--dev-bind", "/", "/", "--cap-drop", "ALL"]
    for right in ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "SETPCAP", "KILL"):
        command += ["--cap-add", f"CAP_{right}"]
    folders = {sys.base_prefix, sys.prefix, str(find_course().root)}
    ways = sorted({way for folder in folders for way in Path(folder).parents})
    closed = [way for way in ways if not way.stat().st_mode & 0o001]  # such as a home, with this Python in it
    for way in ways:
        if any(way.is_relative_to(place) for place in closed):
            command += ["--perms", "0755", *(["--tmpfs"] if way in closed else ["--dir"]), str(way)]
    for folder in folders:
        command += ["--bind", folder, folder]
    return command


@pytest.fixture
def place():
    """A folder that everybody may enter; pytest's own are closed to other users."""
    with TemporaryDirectory(prefix="patchbook-platforms-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_an_autograder_grades_in_a_folder_laid_out_as_gradescope_says(place):
    """As there: the zip is unpacked, run_autograder is copied beside it, and run without arguments.

    Root's container makes no namespaces, so learners' code is another user, to whom the answers are closed.
    """
    done = run("export", "gradescope", "--chapter", CHAPTER, "--course", HOME, "--out", place / "a.zip")
    assert done.exit_code == 0, done.output
    root, secret = place / "autograder", place / "specification.py"
    secrets = [str(secret), *(str(root / name) for name in gradescope.OURS)]
    container(root, solved(double=NOSY.format(secrets=secrets), shout=QUIET), "my homework (2)")
    with ZipFile(place / "a.zip") as archive:
        names, modes = archive.namelist(), {m.filename: m.external_attr >> 16 for m in archive.infolist()}
        archive.extractall(root / "source")
    assert names[:2] == ["setup.sh", "run_autograder"] and modes["setup.sh"] & modes["run_autograder"] & 0o111
    assert not [name for name in names if "__pycache__" in name or "/project/" in name]
    assert {"package/tests/days/__init__.py", f"course/solutions/{CHAPTER}.md"} <= set(names)
    setup = subprocess.run(["bash", "-n", root / "source" / "setup.sh"], capture_output=True)
    assert setup.returncode == 0, setup.stderr

    secret.write_text("the answer")
    python = root / "python" / "bin" / "python"  # closes one file, and no other
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.format(python=sys.executable, secret=str(secret)))
    program = root / "run_autograder"
    program.write_bytes((root / "source" / "run_autograder").read_bytes())
    for path in (python, program):
        path.chmod(0o755)
    done = subprocess.run(
        [*in_a_container(), program],
        env=os.environ | {"PATCHBOOK_AUTOGRADER": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    results = json.loads((root / "results" / "results.json").read_text())
    assert set(results) == {"output", "stdout_visibility", "execution_time", "tests"}
    assert results["stdout_visibility"] == "hidden" and results["execution_time"] > 0
    told = [(t["number"], t["name"], t["score"], t["max_score"], t["visibility"]) for t in results["tests"]]
    assert told == [
        ("1", "double", 3, 3, "visible"),
        ("2", "shout", 0, 2, "visible"),
        ("3", "my_guess", 1, 1, "visible"),
        ("4", "cases_for_double", 2, 2, "visible"),
    ], results
    assert "the text is right but for capital letters" in results["tests"][1]["output"]
    assert "interpret_toy (4)" in results["output"]
    assert (gradescope.APART if os.getuid() == 0 else gradescope.WALLS) in results["output"]
    closed = [root / name for name in gradescope.OURS]
    assert not [path for path in closed if path.stat().st_mode & 0o077]


def test_what_fails_a_hidden_test_only_is_shown_when_the_teacher_says_so(tmp_path):
    root = container(tmp_path / "autograder", solved(double=ONLY_HIDDEN))
    (root / "source" / "course").symlink_to(HOME)
    results = gradescope.graded(root, CHAPTER, gradescope.AFTER_PUBLISHED)
    told = [(test["score"], test["visibility"]) for test in results["tests"]]
    assert told == [(0, "after_published"), (2, "visible"), (1, "visible"), (2, "visible")]
    assert gradescope.WALLS in results["output"]
    text = json.dumps(results)
    assert not [secret for secret in HIDDEN_SEEDS if secret in text]


@pytest.mark.parametrize(("user", "says"), [(1000, "only root can"), (0, "another user cannot run this")])
def test_where_nothing_keeps_a_learner_from_the_answers_nothing_is_graded(user, says, tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(gradescope, "why_no_sandbox", lambda: "bubblewrap fails here")
    monkeypatch.setattr(gradescope, "python_folders", lambda: [str(tmp_path)])
    monkeypatch.setattr(gradescope.os, "getuid", lambda: user)
    with pytest.raises(SandboxMissing, match=f"bubblewrap fails here; and {says}"):
        gradescope.walled(tmp_path)


def test_what_is_closed_to_another_user_is_what_a_sandbox_covers():
    found = {str(place) for place in places(str(HOME / "tests"))}
    root = find_course().root
    assert {str(HOME / "tests" / "specifications"), str(root / "tests" / "mistakes")} <= found
    assert str(root / "patchbook" / "zoo" / "tiny-gpt2" / "measured.json") in found
    assert any(name.endswith("transformer_lens/patching.py") for name in found)


def test_on_gradescope_an_empty_hand_in_is_told_so_and_a_failure_of_ours_is_no_zero(tmp_path, monkeypatch):
    root = container(tmp_path / "autograder")
    (root / "source" / "course").symlink_to(HOME)
    for text, says in [(None, "such as 00_toy.ipynb"), ('{"cells": [', "damaged")]:
        if text:
            (root / "submission" / f"{CHAPTER}.ipynb").write_text(text)
        results = gradescope.graded(root, CHAPTER, gradescope.VISIBLE)
        assert results["score"] == 0 and says in results["output"] and not results["tests"]
    monkeypatch.setattr(sys, "argv", ["gradescope", str(root), "99_none", gradescope.VISIBLE])
    with pytest.raises(SystemExit, match="has no chapter '99_none'"):
        gradescope.main()
    assert not (root / "results" / "results.json").exists()


def unescaped(text):
    for sign, code in {"\n": "%0A", "\r": "%0D", ":": "%3A", ",": "%2C", "%": "%25"}.items():
        text = text.replace(code, sign)
    return text


def test_github_gets_annotations_and_a_summary_and_no_command_of_a_learners(tmp_path, monkeypatch):
    repository, summary = tmp_path / "week-1-ada", tmp_path / "summary.md"
    path = hand_in(repository, "a, b", solved(double=FORGED, shout=QUIET), f"{CHAPTER} ::error x% (1)")
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_REPOSITORY", "class/week-1-ada")
    done = run("grade", repository, "--format", "github", "--course", HOME, "--out", repository / "graded")
    lines = done.output.splitlines()
    assert done.exit_code == 1, done.output  # points are missing
    stop = lines[0].removeprefix("::stop-commands::")
    assert len(stop) == 32 and lines[1] == f"::{stop}::"

    found = [re.fullmatch(r"::(error|notice) ([^:]*)::(.*)", line) for line in lines[2:]]
    assert all(found), "every line is one command of ours"
    told = [(m[1], dict(pair.split("=", 1) for pair in m[2].split(",")), unescaped(m[3])) for m in found]
    told = [(kind, {k: unescaped(v) for k, v in more.items()}, text) for kind, more, text in told]
    assert [(kind, more["title"]) for kind, more, _ in told] == [
        ("error", "double: 0 of 3 points"),
        ("error", "shout: 0 of 2 points"),
        ("notice", "Marked by a person, not counted here"),
        ("notice", "Autograding complete"),
        ("notice", "Autograding report"),
    ]
    for (_, more, _), exercise in zip(told, ("double", "shout"), strict=False):
        assert repository / more["file"] == path
        assert f"EXERCISE {exercise}" in path.read_text().split("\n")[int(more["line"]) - 1]
    assert "the text is right but for capital letters" in told[1][2]
    assert json.loads(told[-1][2]) == {"totalPoints": 3.0, "maxPoints": 8.0}

    table = summary.read_text()
    assert "**3 of 8 points**" in table and table.count("❌") == 2
    assert all(row.count("|") == 5 for row in table.splitlines() if row.startswith("|"))
    assert not re.search(r"<(?!br>)|@|^::", table, re.MULTILINE)

    (tmp_path / "empty").mkdir()
    empty = run("grade", tmp_path / "empty", "--format", "github", "--course", HOME, "--out", tmp_path / "g")
    assert empty.exit_code == 1 and "::error title=Nothing to grade::there is no notebook" in empty.output


def test_a_learners_text_is_no_markup_in_the_summary():
    assert plain("a|b\n[x](y)") == "a&#124;b<br>&#91;x&#93;&#40;y&#41;"


def test_the_workflow_calls_the_action_of_this_repository(tmp_path):
    done = run("export", "github", "--out", tmp_path, "--chapter", "01_induction_heads")
    assert done.exit_code == 0, done.output
    flow = yaml.safe_load((tmp_path / WORKFLOW).read_text())
    (job,) = flow["jobs"].items()
    assert (flow["name"], job[0]) == ("Autograding Tests", "run-autograding-tests"), (
        "Classroom looks for both"
    )
    action = job[1]["steps"][1]
    course = find_course()
    assert re.fullmatch(rf"{course.github()}/{ACTION}@([0-9a-f]{{40}}|{course.branch()})", action["uses"])
    described = yaml.safe_load((course.root / ACTION / "action.yml").read_text())
    assert set(action["with"]) <= set(described["inputs"])
    assert not [step for step in described["runs"]["steps"] if "${{" in step.get("run", "")]
    refused = run("export", "github", "--out", tmp_path, "--course", HOME)
    assert refused.exit_code == 1 and "is not on GitHub" in refused.output


def test_nbgraders_own_commands_work_on_the_folder_that_is_exported(tmp_path):
    """A teacher, a learner, an exchange between them: each command by nbgrader's own entry point."""
    course, ada, exchange = tmp_path / "course", tmp_path / "ada", tmp_path / "exchange"
    for folder in (ada, exchange):
        folder.mkdir()
    exchange.chmod(0o777)
    done = run(
        *("export", "nbgrader", "--course", HOME, "--out", course),
        *("--course-id", "toys", "--exchange", exchange),
    )
    assert done.exit_code == 0, done.output
    theirs = ["--course=toys", f"--Exchange.root={exchange}"]
    warns = "import sys\nprint('a warning', file=sys.stderr)\ndef double(x):\n    return 2 * x"

    def nbgrader(folder, *words):
        log = tmp_path / f"{words[0]}.log"
        process = forker().Process(target=nbgrader_command, args=(folder, [*words], tmp_path, log))
        process.start()
        process.join()
        assert process.exitcode == 0, log.read_text()

    nbgrader(course, "generate_assignment", CHAPTER)
    nbgrader(course, "release_assignment", CHAPTER)
    nbgrader(ada, "fetch_assignment", CHAPTER, *theirs)
    fetched = (ada / CHAPTER / f"{CHAPTER}.ipynb").read_text()
    assert "HIDDEN" not in fetched and "2 * x" not in fetched
    hand_in(ada, CHAPTER, solved(double=warns, shout=QUIET))
    nbgrader(ada, "submit", CHAPTER, *theirs)
    nbgrader(course, "collect", CHAPTER)
    name = get_username()  # nbgrader's word for whoever runs this
    handed_in = course / "submitted" / name / CHAPTER / f"{CHAPTER}.ipynb"
    assert find_submissions(course / "submitted", [CHAPTER]) == [Submission(name, CHAPTER, handed_in)]
    nbgrader(course, "autograde", CHAPTER, "--Execute.timeout=1800", "--Execute.iopub_timeout=1800")
    nbgrader(course, "generate_feedback", CHAPTER)
    with sqlite3.connect(course / "gradebook.db") as book:
        scores = dict(
            book.execute(
                "select base_cell.name, auto_score from grade join base_cell on base_cell.id = cell_id"
            )
        )
    machine = {"test_double": 3, "test_shout": 0, "test_my_guess": 1, "test_cases_for_double": 2}
    assert scores == machine | {"interpret_toy": None}
    page = (course / "feedback" / name / CHAPTER / f"{CHAPTER}.html").read_text()
    assert "6 of 12 points" in page and not [seed for seed in HIDDEN_SEEDS if seed in page]
