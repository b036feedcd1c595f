"""A class goes in with everything that goes wrong in one; everybody gets the marks they have earned."""

import csv
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_output

from patchbook.authoring import find_course
from patchbook.grading import chapter_marks, grade_class
from patchbook.grading.gradebook.results import COLUMNS, Result, write_grades
from patchbook.grading.gradebook.steps import HideHiddenTests, NameFigures, ScoreByError, ShortenOutput
from patchbook.grading.kernels.manager import kernel_environment
from patchbook.grading.running.batch import Grader, Options
from tests.project.graders import limited
from tests.project.toy import CHAPTER, HIDDEN_SEEDS, HOME, as_colab_saves, hand_in, released, solved

TIMEOUT = 600  # seconds: no machine is too slow for it
SECONDS = {"loop": 2, "napper": 2, "stubborn": 2}  # they never end
LOOP = "def double(x):\n    while True:\n        pass"
STUBBORN = """def double(x):
    while True:
        try:
            while True:
                pass
        except KeyboardInterrupt:
            pass"""
NAPPER = "import time\ndef double(x):\n    time.sleep(10_000)"
RAISES_ON_HIDDEN = 'def double(x):\n    return 2 * x if x < 100 else {}["no such key"]'
NOSY = """import os, sys
from pathlib import Path
def double(x):
    print("a warning", file=sys.stderr)
    assert os.environ["PATCHBOOK_MODEL"] == "tiny-gpt2" and os.environ["HF_HUB_OFFLINE"] == "1"
    assert list(Path().glob("*.ipynb")) == [] and "marker_of_the_profile" not in globals()
    return 2 * x"""


def moved():
    """Solved, with the exercises the other way round."""
    notebook = solved()
    graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    notebook.cells = [*notebook.cells[:2], *reversed(graded)]
    return notebook


# learner: (what they hand in, status, points of double, words of the reason)
CLASS = {
    "ada": (solved(), "ok", 3, ""),
    "[bo] Zoë": (solved(), "ok", 3, ""),
    "colab": (as_colab_saves(solved()), "ok", 3, ""),
    "exit": (
        solved(double="def double(x):\n    return 2 * x\n\n\nexit()"),
        "crashed",
        0,
        "double: this cell",
    ),
    "empty": (released(), "ok", 0, ""),
    "float": (solved(double="def double(x):\n    return x"), "ok", 0, ""),
    "hidden": (solved(double=RAISES_ON_HIDDEN), "ok", 0, ""),
    "killer": (
        solved(double="import os\ndef double(x):\n    os._exit(1)"),
        "crashed",
        0,
        "check of double: this cell",
    ),
    "loop": (solved(double=LOOP), "timed out", 0, "check of double: still running after 2 seconds"),
    "moved": (moved(), "ok", 3, ""),
    "napper": (solved(double=NAPPER), "timed out", 0, "check of double: still running after 2 seconds"),
    "nosy": (solved(double=NOSY), "ok", 3, ""),
    "stubborn": (solved(double=STUBBORN), "timed out", 0, "interrupt ignored"),
    "syntax": (solved(double="def double(x)\n    return 2 * x"), "ok", 0, "double: SyntaxError"),
    "torn": ('{"cells": [', "unreadable", None, "damaged"),
    "typo": (solved(double="def double(x):\n    return 2 * y\ntests = None"), "ok", 0, ""),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class above, graded once: the folder it was graded into, and the results by learner."""
    place = tmp_path_factory.mktemp("class")
    profile = place / "ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    (profile / "00.py").write_text("marker_of_the_profile = 1")
    for learner, (notebook, *_) in CLASS.items():
        hand_in(place / "submissions", learner, notebook)
    (place / "submissions" / "zz-absent").mkdir()
    seen, began = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(place / "ipython"))
        patch.setattr(Grader, "task_of", limited(SECONDS))
        patch.setenv("PATH", "/usr/bin:/bin")  # without the environment's own folder: no alembic there
        results = grade_class(
            find_course(HOME),
            place / "submissions",
            place / "out",
            options=Options(timeout=TIMEOUT, workers=2),
            progress=lambda *step: seen.append(step),
            began=began.append,
        )
    assert sorted(one.learner for one in began) == sorted(CLASS), "each once, but who handed in nothing"
    assert [(done, of) for done, of, _ in seen] == [(n + 1, len(results)) for n in range(len(results))]
    return place / "out", {result.learner: result for result in results}


@pytest.mark.parametrize("learner", CLASS)
def test_everybody_gets_their_marks_a_status_and_a_reason(graded, learner):
    _, status, double, reason = CLASS[learner]
    result = graded[1][learner]
    assert (result.status, result.points.get("double")) == (status, double)
    assert reason in result.reason and bool(reason) == bool(result.reason)
    if status == "unreadable":
        assert result.total is None
    elif learner == "empty":
        assert set(result.points.values()) == {0} and len(result.points) == 5
    else:
        assert result.points["shout"] == 2, "one bad cell costs the others nothing"
        assert result.points["interpret_toy"] is None and result.by_hand == 4


def test_a_wrong_answer_has_its_diagnosis(graded):
    assert graded[1]["float"].diagnoses == {"double": "not-doubled"}
    assert "Multiply it by 2." in page(graded, "float")
    assert graded[1]["ada"].diagnoses == {}


def test_what_a_learners_own_cases_catch_is_kept(graded):
    assert list(graded[1]["ada"].caught["cases_for_double"].values()) == [True] * 3
    assert graded[1]["empty"].caught == {}
    assert "3 of 3 wrong functions are refused" in page(graded, "ada")


def test_cells_that_only_show_are_not_run(graded):
    assert "twice 21 is 42" not in page(graded, "ada")


def test_who_handed_in_nothing_is_missing_not_zero(graded):
    result = graded[1]["zz-absent"]
    assert (result.status, result.total, result.points) == ("missing", None, {})


def test_the_gradebook_is_nbgraders(graded):
    with sqlite3.connect(graded[0] / "gradebook.db") as book:
        students = {row[0] for row in book.execute("select id from student")}
        assignments = [row[0] for row in book.execute("select name from assignment")]
    assert assignments == [CHAPTER]
    assert students == {"%5Bbo%5D Zoë" if name == "[bo] Zoë" else name for name in CLASS} - {"torn"}


def test_grades_csv_tells_a_crash_from_a_zero(graded):
    with (graded[0] / "grades.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["learner"]: row for row in csv.DictReader(file)}
    assert list(rows["ada"]) == [*COLUMNS, "double", "shout", "my_guess", "cases_for_double", "interpret_toy"]
    assert (
        rows["ada"]["points"] == "8" and rows["ada"]["max_points"] == "12" and rows["ada"]["by_hand"] == "4"
    )
    assert rows["ada"]["interpret_toy"] == "" and rows["empty"]["interpret_toy"] == "0"
    assert rows["torn"]["points"] == "" and rows["torn"]["double"] == ""
    assert rows["killer"]["status"] == "crashed" and rows["killer"]["points"] == "5"
    assert "metadata put back" in rows["colab"]["mended"]


def page(graded, learner):
    return (graded[0] / "feedback" / learner / CHAPTER / f"{CHAPTER}.html").read_text(encoding="utf-8")


def test_nobody_reads_a_hidden_test(graded):
    for path in (graded[0] / "feedback").rglob("*.html"):
        text = re.sub(r"<[^>]*>|\x1b\[[\d;]*m", "", path.read_text(encoding="utf-8"))
        for secret in (*HIDDEN_SEEDS, "HIDDEN TESTS"):
            assert secret not in text, f"{secret} is in {path}"


def test_a_page_names_the_exercises_their_points_and_what_was_mended(graded):
    text = page(graded, "colab")
    assert "8 of 12 points" in text and "4 more points wait for your teacher" in text
    assert '<a href="#test_double"><code>double</code></a>' in text and "3 of 3 points" in text
    assert "metadata put back in 9 cells" in text
    said = page(graded, "hidden")
    assert "fails a hidden one. Diagnosis: raised." in said and "it raised KeyError" not in said
    assert "timed out" in page(graded, "loop")


def test_a_notebook_that_cannot_be_graded_gets_a_page_that_says_so(graded):
    assert "unreadable" in page(graded, "torn") and "ask for it again" in page(graded, "torn")
    assert "nothing was handed in" in page(graded, "zz-absent")


def test_a_class_can_be_graded_again_into_the_same_folder(graded, tmp_path):
    hand_in(tmp_path, "ada", solved(double="def double(x):\n    return 0"))
    (again,) = grade_class(find_course(HOME), tmp_path, graded[0], options=Options(timeout=TIMEOUT))
    assert (again.status, again.points["double"], again.points["shout"]) == ("ok", 0, 2)
    hand_in(tmp_path, "ada", solved())
    (first,) = grade_class(find_course(HOME), tmp_path, graded[0], options=Options(timeout=TIMEOUT))
    assert first.points["double"] == 3, "the gradebook held the other attempt, so this one is graded again"


def test_what_is_graded_is_not_graded_again_unless_asked(graded, tmp_path):
    hand_in(tmp_path, "colab", as_colab_saves(solved()))
    ran = graded[0] / "ran" / "colab" / CHAPTER / f"{CHAPTER}.ipynb"
    before = ran.stat().st_mtime_ns
    (known,) = grade_class(find_course(HOME), tmp_path, graded[0], options=Options(timeout=TIMEOUT))
    assert known == graded[1]["colab"] and ran.stat().st_mtime_ns == before
    options = Options(timeout=TIMEOUT, again=True, run_all=True)
    (again,) = grade_class(find_course(HOME), tmp_path, graded[0], options=options)
    assert again.points == known.points and ran.stat().st_mtime_ns > before
    assert "twice 21 is 42" in page(graded, "colab"), "--run-all runs what only shows"


def test_the_release_gate_asks_for_the_solutions_and_the_stubs():
    course = find_course(HOME)
    solution, stub = (chapter_marks(course, CHAPTER, what, TIMEOUT) for what in ("solution", "stub"))
    assert {**solution.points, "interpret_toy": 4.0} == solution.worth and solution.mended == ()
    assert set(stub.points.values()) == {0}


# --- pieces ------------------------------------------------------------------------------------------


def graded_cell(source, *outputs):
    cell = new_code_cell(source=source, outputs=list(outputs))
    cell.metadata["nbgrader"] = {"grade": True}
    return cell


def test_a_traceback_loses_its_hidden_lines_and_keeps_the_rest():
    source = "tests.a(f)\n### BEGIN HIDDEN TESTS\ntests.a(f, seed=9)\n### END HIDDEN TESTS"
    first, hidden = (
        "\x1b[0;32m      1\x1b[0m tests\x1b[38;5;241m.\x1b[39ma(f)",
        "----> 3 tests\x1b[0m.a(f, seed\x1b[0m=9)",
    )
    block = f"{first}\n{hidden}\nKeyError"
    cell = graded_cell(
        source, new_output("error", ename="KeyError", evalue="", traceback=[block, "KeyError: 3"])
    )
    HideHiddenTests().preprocess_cell(cell, {}, 0)
    assert cell.outputs[0].traceback == [f"{first}\nKeyError", "KeyError: 3"]


def test_a_figure_that_a_page_cannot_draw_is_named():
    data = {"application/vnd.plotly.v1+json": {"data": [], "layout": {"title": {"text": "Scores"}}}}
    untitled = {"application/vnd.plotly.v1+json": {"data": []}}
    cell = graded_cell("x", *(new_output("display_data", data=each) for each in (data, untitled)))
    NameFigures().preprocess_cell(cell, {}, 0)
    shown = [output.data for output in cell.outputs]
    assert shown == [{"text/plain": "[figure: Scores]"}, {"text/plain": "[figure: untitled]"}]


def test_only_an_error_costs_points():
    noise = new_output("stream", name="stderr", text="careful")
    value = new_output("execute_result", data={"text/plain": "nan"})
    cell = graded_cell("x", noise, value)
    ScoreByError().preprocess_cell(cell, {}, 0)
    assert [(output.output_type, output.name) for output in cell.outputs] == [("stream", "stdout")]


def test_one_line_of_a_hundred_megabytes_is_cut():
    cell = graded_cell("x", new_output("stream", name="stdout", text="x" * 10**6))
    ShortenOutput().preprocess_cell(cell, {}, 0)
    assert len(cell.outputs[0].text) < 30_000 and "cut after" in cell.outputs[0].text


def test_a_learners_words_are_not_a_formula(tmp_path):
    result = Result("=cmd|' /C calc'!A0", CHAPTER, "ok", {"double": 3.0}, {"double": 1.5}, reason="@x")
    write_grades(tmp_path / "grades.csv", [result])
    (row,) = csv.DictReader((tmp_path / "grades.csv").read_text().splitlines())
    assert row["learner"].startswith("'=") and row["reason"] == "'@x" and row["points"] == "1.5"


def test_the_kernel_sees_no_settings_and_no_secrets_of_the_grader(monkeypatch):
    for name in ("PYTHONSTARTUP", "JUPYTER_PATH", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL"):
        monkeypatch.setenv(name, "/home/teacher/private")
    environment = kernel_environment("/tmp/kernel")
    assert "/home/teacher/private" not in environment.values()
    assert environment["IPYTHONDIR"].startswith("/tmp/kernel")


def test_grading_starts_without_torch():
    code = (
        "import sys, patchbook.cli\n"
        "from patchbook.grading.running import batch, progress, release_gate\n"
        "heavy = {'torch', 'transformer_lens', 'transformers', 'distributed'} & set(sys.modules)\n"
        "sys.exit(f'{heavy} loaded' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.home())
    assert done.returncode == 0, done.stderr
