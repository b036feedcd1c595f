"""solutions/*.md become exercises/*.ipynb: nothing leaks, nothing drifts, an author is told what to mend."""

import ast
import re
import subprocess
import sys
from xml.etree import ElementTree

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from patchbook.authoring import (
    AuthorError,
    CourseError,
    find_course,
    release_notebook,
    source_notebook,
    stale_exercises,
    write_exercises,
)
from patchbook.authoring.head import CONSENT
from tests.project import toy
from tests.project.toy import CHAPTER, cell_of, toy_course


@pytest.fixture
def course(tmp_path):
    return toy_course(tmp_path / "course")


def rewrite(course, old, new):
    """Change the toy chapter's source; the text to change must be there."""
    path = course.solution(CHAPTER)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


# --- the real course ---------------------------------------------------------------------------------


def test_committed_exercises_match_their_solutions():
    course = find_course()
    stale = [course.relative(path) for path in stale_exercises(course)]
    assert not stale, f"{stale} do not match solutions/; to mend it: make exercises"


@pytest.mark.parametrize("chapter", find_course().chapters)
def test_no_solution_rubric_or_hidden_test_is_released(chapter):
    course = find_course()
    source = source_notebook(course, chapter)
    text = nbformat.writes(release_notebook(source))
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)", text)
    for cell in source.cells:
        for region in re.findall(r"BEGIN (?:HIDDEN TESTS|MARK SCHEME)\n(.*?)### END", cell.source, re.S):
            for line in filter(str.strip, region.split("\n")):
                assert line.strip() not in text, f"{line!r} of {chapter} reaches learners"


@pytest.mark.parametrize("chapter", find_course().chapters)
def test_a_released_notebook_is_valid_and_every_stub_parses(chapter):
    notebook = release_notebook(source_notebook(find_course(), chapter))
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    for cell in notebook.cells:
        grader = cell.metadata.get("nbgrader")
        if grader and cell.cell_type == "code":
            ast.parse(cell.source)
            if grader.solution:
                written = f'    raise NotImplementedError("exercise {grader.grade_id}")' in cell.source
                predicted = re.search(rf'^{grader.grade_id}: .+ = (\["\?"\]|"\?")  # ', cell.source, re.M)
                assert written != bool(predicted) and "\nraise" not in cell.source


# --- what the builder derives ------------------------------------------------------------------------


def test_metadata_is_derived_from_an_id_and_points(course):
    notebook = source_notebook(course, CHAPTER)
    assert cell_of(notebook, "double").metadata == {
        "nbgrader": {
            "schema_version": 3,
            "grade_id": "double",
            "grade": False,
            "solution": True,
            "locked": False,
            "task": False,
            "cell_type": "code",
        }
    }
    assert cell_of(notebook, "test_double").metadata == {
        "nbgrader": {
            "schema_version": 3,
            "grade_id": "test_double",
            "grade": True,
            "solution": False,
            "locked": True,
            "task": False,
            "cell_type": "code",
            "points": 3,
        }
    }
    interpret = cell_of(notebook, "interpret_toy")
    assert interpret.metadata.nbgrader.grade and interpret.metadata.nbgrader.solution
    assert interpret.metadata.nbgrader.points == 4 and interpret.cell_type == "markdown"


def test_a_stub_keeps_signature_and_docstring_and_names_its_exercise():
    notebook = toy.released()
    assert cell_of(notebook, "double").source == (
        '# EXERCISE double\ndef double(x: int) -> int:\n    """Twice x."""\n'
        '    raise NotImplementedError("exercise double")'
    )
    assert cell_of(notebook, "my_guess").source == '# EXERCISE my_guess\nmy_guess: list[str] = ["?"]'
    answer = cell_of(notebook, "interpret_toy").source
    assert "Write your answer here" in answer and "What did you see?" in answer
    assert "counter-example" not in answer and "diagonal" not in answer


def test_checks_are_read_only_and_answers_are_not():
    notebook = toy.released()
    check, answer = cell_of(notebook, "test_double").metadata, cell_of(notebook, "double").metadata
    assert check["editable"] is False and check["deletable"] is False
    assert answer["deletable"] is False and "editable" not in answer


def test_the_repository_stands_in_the_configuration_only(course):
    assert "git+https://example.org/teacher/course" in nbformat.writes(source_notebook(course, CHAPTER))
    (course.root / "_config.yml").write_text("title: no address\n")
    with pytest.raises(CourseError, match="repository"):
        source_notebook(course, CHAPTER)


def test_a_notebook_opens_well_in_colab_and_jupyter():
    metadata = toy.released().metadata
    assert metadata.kernelspec.name == "python3"
    assert metadata.colab == {"name": "00_toy.ipynb", "provenance": [], "toc_visible": True}


def test_rebuilding_gives_the_same_bytes_and_an_edit_touches_one_id(course):
    assert write_exercises(course) == [course.exercise(CHAPTER), course.root / "tests" / "chapters.json"]
    first = course.exercise(CHAPTER).read_bytes()
    course.exercise(CHAPTER).unlink()
    write_exercises(course)
    assert course.exercise(CHAPTER).read_bytes() == first
    assert write_exercises(course) == []

    before = [cell.id for cell in source_notebook(course, CHAPTER).cells]
    rewrite(course, "# A toy chapter", "# A toy chapter, edited")
    after = [cell.id for cell in source_notebook(course, CHAPTER).cells]
    assert before[1:] == after[1:] and before[0] != after[0]
    assert len(set(after)) == len(after)


def test_two_cells_with_the_same_text_get_two_ids(course):
    rewrite(course, "### Predict", "same\n\n+++\n\nsame\n\n+++\n\n### Predict")
    ids = [cell.id for cell in source_notebook(course, CHAPTER).cells]
    assert len(set(ids)) == len(ids)


# --- the head of a notebook --------------------------------------------------------------------------


def on_github(course):
    """The course as if it were on GitHub, with a page in the book that has a drawing."""
    (course.root / "_config.yml").write_text(
        "repository: {url: 'https://github.com/Teacher/course', branch: next}"
    )
    page = course.root / "book" / f"{CHAPTER}.md"
    page.parent.mkdir()
    page.write_text(
        '<svg viewBox="0 0 90 40" role="img" aria-label="Two boxes." style="width:100%" fill="none">\n'
        '<circle r="9" fill="var(--pst-color-background, #fff)"/>\n</svg>\n<svg viewBox="0 0 1 1"></svg>'
    )
    return course


def test_a_notebook_begins_with_the_way_to_colab_and_ends_with_how_far_one_is(course):
    head, title, *others, foot = source_notebook(on_github(course), CHAPTER).cells
    badge, links, picture = head.source.split("\n\n")
    colab = f"https://colab.research.google.com/github/Teacher/course/blob/next/exercises/{CHAPTER}.ipynb"
    assert badge.startswith("[![Open in Colab](") and badge.endswith(f"]({colab})")
    assert f"(https://teacher.github.io/course/book/{CHAPTER}.html)" in links and "glossary" in links
    raw = f"https://raw.githubusercontent.com/Teacher/course/next/book/_static/drawings/{CHAPTER}.svg"
    assert picture == f"![Two boxes.]({raw})"
    assert head.metadata.tags == ["remove-cell"] and title.source.startswith("# A toy chapter")
    assert foot.source.endswith("patchbook.progress()") and "Hidden ones run at grading." in foot.source
    set_up = [cell.source.startswith("# SETUP") for cell in others].index(True)
    assert others[set_up + 1].source == CONSENT


def test_a_course_that_is_not_on_github_has_no_head(course):
    cells = source_notebook(course, CHAPTER).cells
    assert cells[0].source.startswith("# A toy chapter") and "progress" not in cells[-1].source


def test_a_drawing_is_a_file_of_its_own(course):
    path = on_github(course).root / "book" / "_static" / "drawings" / f"{CHAPTER}.svg"
    assert path in write_exercises(course)
    svg = ElementTree.parse(path).getroot()
    assert (svg.get("width"), svg.get("height"), svg.get("style")) == ("90", "40", None)
    assert svg[0].get("fill") == "#fff" and "var(" not in path.read_text()
    path.with_name("09_stray.svg").write_text("<svg/>")
    assert write_exercises(course) == [path.with_name("09_stray.svg")]


@pytest.mark.parametrize("chapter", find_course().chapters)
def test_every_chapter_has_a_drawing_in_words_too(chapter):
    course = find_course()
    svg = ElementTree.parse(course.root / "book" / "_static" / "drawings" / f"{chapter}.svg").getroot()
    assert f"![{svg.get('aria-label')}](" in source_notebook(course, chapter).cells[0].source


def test_the_readme_has_the_books_address_and_each_chapters_way_to_colab():
    course = find_course()
    readme = (course.root / "README.md").read_text(encoding="utf-8")
    assert f"{course.book()}/" in readme.split("\n## ")[0]
    badge = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    for chapter in course.chapters:
        row = next(line for line in readme.splitlines() if f"(exercises/{chapter}.ipynb)" in line)
        assert f"{badge}({course.colab(chapter)})" in row
        assert f"({course.book()}/book/{chapter}.html)" in row


# --- the command -------------------------------------------------------------------------------------


def run(course, *options):
    return subprocess.run(
        [sys.executable, "-m", "patchbook.authoring", "--course", course.root, *options],
        capture_output=True,
        text=True,
    )


def test_check_names_the_stale_file_and_the_command(course):
    done = run(course)
    assert done.returncode == 0 and "exercises/00_toy.ipynb: written" in done.stdout
    rewrite(course, "Twice x.", "Two times x.")
    (course.root / "exercises" / "09_stray.ipynb").write_text("{}")
    done = run(course, "--check")
    assert done.returncode == 1
    assert "exercises/00_toy.ipynb: stale" in done.stdout and "09_stray.ipynb: stale" in done.stdout
    assert "make exercises" in done.stderr
    assert write_exercises(course) and stale_exercises(course) == []


# --- what an author forgets --------------------------------------------------------------------------

CHECK = re.compile(r"```\{code-cell\} ipython3\n:check: double\n.*?```\n", re.S)
FAULTS = [
    (":check: double\n:points: 3\n", ":check: double\n", "check 'double' has no points; write `points: 2`"),
    (":check: double\n:points: 3\n", ":check: double\n:points: 0\n", "check 'double' has no points"),
    (":exercise: shout", ":exercise: double", "exercise id 'double' stands twice"),
    (":exercise: shout", ":exercise: shout-it", "is not a Python name"),
    (":exercise: shout\n", ":tags: [demo]\n", "without an id; write `:exercise: shout`"),
    ("# EXERCISE double\n", "", "write `# EXERCISE double` as the cell's first line"),
    ("# CHECK double\n", "# CHECK duoble\n", "write `# CHECK double` as the cell's first line"),
    ("<!-- EXERCISE interpret_toy -->\n", "", "write `<!-- EXERCISE interpret_toy -->`"),
    ('my_guess: list[str] = ["?"]\n', "", "leaves a learner no 'my_guess' at all"),
    ("# SETUP\n", "", "setup cell without its marker line; write `# SETUP`"),
    (
        "    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n",
        "    return 2 * x\n",
        "exercise 'double' has no solution region; put `### BEGIN SOLUTION`",
    ),
    ("    return 2 * x\n    ### END SOLUTION\n", "    return 2 * x\n", "write `### END SOLUTION`"),
    ("def double(x: int)", "def duoble(x: int)", "defines no 'double'; write `def double(…)`"),
    (
        "### BEGIN HIDDEN TESTS\ntests.test_double(double, seed=4711)\n### END HIDDEN TESTS\n",
        "",
        "check 'double' has no hidden test; write `### BEGIN HIDDEN TESTS`",
    ),
    ("tests.test_double(double)\n", "tests.test_duoble(double)\n", "write `tests.test_double(double)`"),
    ("· 3 points*", "· 5 points*", "the heading says 5 points, the cell 3"),
    (
        "### BEGIN MARK SCHEME\n2 points for a pattern, 2 for a counter-example.\n### END MARK SCHEME\n",
        "",
        "interpret 'interpret_toy' has no mark scheme",
    ),
    ('kept = "a', '### BEGIN SOLUTION\nkept = "a', "SOLUTION region in a cell without an id"),
]


@pytest.mark.parametrize(("old", "new", "message"), FAULTS, ids=[fault[2][:45] for fault in FAULTS])
def test_an_author_is_told_what_to_write(course, old, new, message):
    rewrite(course, old, new)
    with pytest.raises(AuthorError) as refused:
        source_notebook(course, CHAPTER)
    assert message in str(refused.value)
    assert str(refused.value).startswith("solutions/00_toy.md, line ")


def test_an_exercise_needs_a_check(course):
    rewrite(course, CHECK.search(course.solution(CHAPTER).read_text())[0], "")
    with pytest.raises(AuthorError, match="exercise 'double' has no check; write a `:check: double` cell"):
        source_notebook(course, CHAPTER)


def test_a_check_below_nothing_is_refused(course):
    check = CHECK.search(course.solution(CHAPTER).read_text())[0]
    rewrite(course, check, "")
    rewrite(course, "### Exercise: double", f"{check}\n### Exercise: double")
    with pytest.raises(AuthorError, match="check 'double' has no exercise above it"):
        source_notebook(course, CHAPTER)


def test_an_id_that_no_test_knows_is_refused(course):
    tests = course.checks(CHAPTER)
    tests.write_text(tests.read_text().replace("test_shout", "test_whisper"))
    with pytest.raises(
        AuthorError, match=r"patchbook.tests.toy has no `test_shout`; write it in tests/toy.py"
    ):
        source_notebook(course, CHAPTER)
    tests.unlink()
    with pytest.raises(AuthorError, match=r"write tests/toy.py"):
        source_notebook(course, CHAPTER)


def test_every_fault_of_a_chapter_is_told_at_once_with_its_line(course):
    rewrite(course, "# CHECK double\n", "")
    rewrite(course, "# EXERCISE shout\n", "")
    with pytest.raises(AuthorError) as refused:
        source_notebook(course, CHAPTER)
    text = course.solution(CHAPTER).read_text().split("\n")
    told = [int(line) for line in re.findall(r"line (\d+), cell", str(refused.value))]
    assert [text[line - 1] for line in told] == ["tests.test_double(double)", "def shout(text: str) -> str:"]


def test_a_folder_without_a_course_is_refused(tmp_path):
    with pytest.raises(CourseError, match=r"_config.yml.*--course FOLDER"):
        find_course(tmp_path)
