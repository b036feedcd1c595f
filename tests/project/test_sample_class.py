"""The sample class is made from the course as it is now, and gets the marks that its stories promise."""

import importlib.util
import tomllib

import pytest

from patchbook.authoring import find_course
from patchbook.grading import grade_class
from patchbook.grading.running.batch import Grader, Options
from tests.project.graders import limited

COURSE = find_course()
CHAPTER = "00_hooks_and_caches"  # chapter 1 is graded by `make`; one chapter is enough to test the whole way
EXAMPLES = COURSE.root / "examples"
LEARNERS = tomllib.loads((EXAMPLES / "answers.toml").read_text(encoding="utf-8"))

# learner: (status, points of 11, a word of the reason or of what was mended)
EXPECTED = {
    "priya-raman": ("ok", 11, ""),
    "jonas-berg": ("ok", 5, ""),
    "wanjiru-kamau": ("ok", 6, ""),
    "mateo-silva": ("ok", 9, "zero_ablate_head_hook: SyntaxError"),
    "elin-sato": ("timed out", 9, "check of zero_ablate_head_hook: still running"),
    "noor-haddad": ("ok", 11, "metadata put back"),
    "oskar-nowak": ("ok", 11, "attention_from_q_and_k: stood 2 times"),
    "lucia-moretti": ("ok", 11, ""),
    "sam-okoro": ("crashed", 9, "check of cache_without_aliases: this cell ended"),
}


def make_class():
    """examples/make_class.py as a module."""
    spec = importlib.util.spec_from_file_location("make_class", EXAMPLES / "make_class.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("graded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Grader, "task_of", limited({"elin-sato": 8}))  # her loop has no end
        options = Options(timeout=600)
        graded = grade_class(COURSE, EXAMPLES / "submissions", out, chapter=CHAPTER, options=options)
    return {result.learner: result for result in graded}


def test_the_submissions_are_those_of_the_current_course():
    module, wanted = make_class(), {}
    for learner, entry in LEARNERS.items():
        for chapter in entry["chapters"]:
            path = EXAMPLES / "submissions" / learner / f"{chapter}.ipynb"
            wanted[path] = module.submission(COURSE, chapter, entry)
    stale = [
        path.relative_to(COURSE.root).as_posix()
        for path in {*wanted, *(EXAMPLES / "submissions").rglob("*.ipynb")}
        if path not in wanted or not path.is_file() or path.read_text(encoding="utf-8") != wanted[path]
    ]
    assert not stale, f"{stale} are stale; to mend it: python examples/make_class.py"


def test_every_answer_belongs_to_an_exercise():
    for learner, entry in LEARNERS.items():
        text = "".join(COURSE.solution(chapter).read_text(encoding="utf-8") for chapter in entry["chapters"])
        for name in [*entry.get("answers", {}), *entry.get("solved", [])]:
            assert f"EXERCISE {name}" in text, f"{learner} answers {name!r}, which no chapter of theirs asks"


@pytest.mark.parametrize("learner", EXPECTED)
def test_each_learner_gets_what_their_story_promises(results, learner):
    status, points, words = EXPECTED[learner]
    result = results[learner]
    assert (result.status, result.total) == (status, points), result
    assert words in "; ".join([result.reason, *result.mended])


def test_everybody_of_the_class_is_graded(results):
    assert set(results) == set(LEARNERS) == set(EXPECTED)
