"""In grading, kernels observe and the judge decides: what is asked, what is sent, and what is kept."""

import json
import subprocess
import sys
from dataclasses import replace

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from patchbook.authoring import find_course, source_notebook
from patchbook.grading.gradebook.journal import Journal
from patchbook.grading.gradebook.results import Result
from patchbook.grading.notebooks.plan import Asked, Plan, UnfitCheck, only_shown, plan_of
from patchbook.grading.notebooks.tests_folder import module_of
from patchbook.grading.running.batch import grade_class
from tests.project.drawing import some
from tests.project.toy import CHAPTER, HOME, hand_in, released, solved

COURSE = find_course()


@pytest.mark.parametrize("chapter", COURSE.chapters)
def test_every_check_of_the_course_can_be_judged_outside(chapter):
    plan = plan_of(source_notebook(COURSE, chapter), chapter)
    assert plan.checks and all(len(asked.seeds) >= 2 for asked in plan.checks.values())
    assert all(asked.module == module_of(chapter) for asked in plan.checks.values())
    assert Plan.from_dict(json.loads(json.dumps(plan.as_dict()))) == plan


def test_a_check_asks_for_what_its_cell_says():
    plan = plan_of(source_notebook(find_course(HOME), CHAPTER), CHAPTER)
    asked = plan.checks["test_double"]
    assert asked == Asked("patchbook.tests.toy", "double", "double", (0, 4711))
    assert asked.code.endswith(".report('patchbook.tests.toy', 'double', double, (0, 4711))")


@pytest.mark.parametrize(
    "line", ["assert double(2) == 4", "tests.test_double(double, seed=x)", "tests.test_other(double)"]
)
def test_a_check_that_cannot_be_judged_outside_is_named(line):
    source = source_notebook(find_course(HOME), CHAPTER)
    cell = next(c for c in source.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "test_double")
    cell.source += f"\n{line}"
    with pytest.raises(UnfitCheck, match="test_double"):
        plan_of(source, CHAPTER)


FALLS_BACK = "import patchbook\nmy_guess = ['L0H1'] if patchbook.or_reference(double)(21) == 42 else []"
OTHERS = {"cases_for_double": 2, "interpret_toy": None}
STUB = 'def double(x: int) -> int:\n    raise NotImplementedError("exercise double")'
STEALS = """from patchbook import reference_for
def shout(text: str) -> str:
    return reference_for("shout")(text)
"""


def test_a_prediction_may_rest_on_what_an_unwritten_exercise_would_show(tmp_path):
    hand_in(tmp_path / "in", "eve", solved(double=STUB, shout=STEALS, my_guess=FALLS_BACK))
    asks = "import sys\nmy_guess = sys.modules['patchbook.tests.specifications.toy'].my_guess()"
    hand_in(tmp_path / "in", "kim", solved(double=STUB, my_guess=asks))
    hand_in(tmp_path / "in", "sam", solved(my_guess="my_guess = [1 / 0]"))
    hand_in(tmp_path / "in", "tom", released())
    eve, kim, sam, tom = grade_class(find_course(HOME), tmp_path / "in", tmp_path / "out")
    assert eve.points == {"double": 0, "shout": 0, "my_guess": 1} | OTHERS
    assert any(line.startswith("my_guess: run with the reference's values") for line in eve.mended)
    assert kim.points["my_guess"] == sam.points["my_guess"] == tom.points["my_guess"] == 0
    assert sam.mended == tom.mended == ()  # an unwritten prediction rests on nothing


DRAWN = """from transformer_lens import patching
my_guess = ["L0H1"] if patching.make_df_from_ranges([2], ["layer"]).shape == (2, 1) else []"""


def test_a_prediction_may_rest_on_what_the_library_draws(tmp_path):
    hand_in(tmp_path / "in", "ada", solved(my_guess=DRAWN))
    (ada,) = grade_class(find_course(HOME), tmp_path / "in", tmp_path / "out")
    assert ada.points == {"double": 3, "shout": 2, "my_guess": 1} | OTHERS
    assert any(line == "my_guess: run with what figures are made with" for line in ada.mended)


def test_predictions_are_the_exercises_without_a_function():
    plans = [plan_of(source_notebook(COURSE, chapter), chapter) for chapter in COURSE.chapters]
    predicted = {asked.exercise for plan in plans for asked in plan.checks.values() if asked.predicts}
    heads = ("induction_heads", "name_movers", "s_inhibition_heads", "duplicate_token_heads")
    others = {"tomorrow_layer", "my_share_saved", "my_wrong_edge", "my_speedup", "random_cpr"}
    declared = {f"my_{part}" for part in ("verdicts", "task", "circuit", "claims")}
    assert predicted == {*(f"my_{kind}" for kind in heads), *others, *declared}


def cells(*sources):
    return [new_code_cell(source) for source in sources]


@pytest.mark.parametrize(
    ("answer", "runs"),
    [
        ("def f(x):\n    return x", []),
        ("def f(x):\n    return x * scale", [1]),
        ("def f(scale):\n    return scale", []),
        ("def f(x):\n    return globals()['scale'] * x", [1, 2]),
        ("values = [1]\ndef f(x):\n    return values[0]", [2]),  # such a cell may change what it uses
        ("def f(x:", []),
    ],
)
def test_a_cell_that_only_shows_runs_when_an_answer_uses_its_names(answer, runs):
    scale, fill = "scale = 2", "for v in values:\n    print(v)"
    notebook = cells("import torch", scale, fill, answer)
    skipped = only_shown(notebook, frozenset({"scale=2", "forvinvalues:print(v)"}))
    assert {1, 2} - skipped == set(runs)


def test_no_case_needs_a_specification(tmp_path):
    """A grading kernel has none: see patchbook/grading/kernels/withheld/."""
    code = (
        "import sys, json; from pathlib import Path\n"
        "from patchbook.grading.kernels.withheld.finder import withhold; withhold('', Path(sys.argv[2]))\n"
        "from patchbook.grading.kernels.warm_process import make_cases\n"
        "make_cases(json.loads(sys.argv[1]))"
    )
    plans = [plan_of(source_notebook(COURSE, chapter), chapter) for chapter in COURSE.chapters]
    asked = [[a.module, a.exercise, a.seeds[:1]] for plan in plans for a in plan.checks.values()]
    command = [sys.executable, "-c", code, json.dumps(some(asked, 4)), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-600:]


def test_a_torn_journal_forgets_one_line_only(tmp_path):
    path, result = tmp_path / "journal.jsonl", Result("ada", CHAPTER, "ok", {"double": 3.0}, {"double": 3.0})
    other = replace(result, learner="grace")
    Journal(path).add("one", result)
    with path.open("ab") as file:
        file.write(b'{"fingerprint": "two", "lear')
    journal = Journal(path)
    assert journal.known("one") == result and journal.known("two") is None
    journal.add("three", other)
    assert Journal(path).results == {"one": result, "three": other}
    journal.add("four", result)
    assert Journal(path).results == {"three": other, "four": result}, "a learner's last result counts"


def test_the_notebook_that_nbgrader_keeps_has_the_verdicts_and_the_journal_what_answers_compute(tmp_path):
    hand_in(tmp_path / "in", "ada", solved(double="def double(x):\n    return x"))
    for learner, code in (("bob", "return x + 3"), ("cleo", "three = 3; return three + x")):
        hand_in(tmp_path / "in", learner, solved(double=f"def double(x):\n    {code}"))
    grade_class(find_course(HOME), tmp_path / "in", tmp_path / "out")
    results = {
        result.learner: result for result in Journal(tmp_path / "out" / "journal.jsonl").results.values()
    }
    assert results["ada"].fingerprints == {}, "what is named needs no group"
    assert results["bob"].fingerprints == results["cleo"].fingerprints
    assert len(results["bob"].fingerprints["double"]) == 3, "the seed, and two cases"
    kept = nbformat.read(tmp_path / "out" / "autograded" / "ada" / CHAPTER / f"{CHAPTER}.ipynb", as_version=4)
    check = next(c for c in kept.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "test_double")
    assert "seed=4711" in check.source, "the source's check, hidden test and all"
    (output,) = check.outputs
    assert output.ename == "CheckFailed" and output.evalue.startswith("double is not right yet.")
    assert "Multiply it by 2." in output.evalue
