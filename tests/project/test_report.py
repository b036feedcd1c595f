"""What people read of a graded class: true, escaped, and never a zero where nothing was graded."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from datetime import datetime, timedelta
from html.parser import HTMLParser
from urllib.request import urlopen

import nbformat
import pytest
from click.testing import CliRunner
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell
from nbgrader.api import Gradebook

from patchbook.authoring import find_course, source_notebook
from patchbook.authoring.head import LABEL
from patchbook.checking import Mistake
from patchbook.cli import main
from patchbook.grading.gradebook.course_folder import CourseFolder, safe
from patchbook.grading.gradebook.journal import Journal
from patchbook.grading.gradebook.results import Result, fate, write_grades
from patchbook.grading.notebooks.cells import worth_of
from patchbook.grading.report import NothingGraded, read_class, write_report
from patchbook.grading.report.late import BadRule, policy_of
from patchbook.grading.report.messages import clean, said
from patchbook.grading.report.pages import page_names
from patchbook.grading.report.policy import Rules, read_rules
from patchbook.grading.report.reading import Work
from patchbook.grading.report.summing import next_step
from tests.project.browser import CHROMIUM, Browser
from tests.project.events import until
from tests.project.toy import CHAPTER, HOME, cell_of, released, solved

FAILED = """double is not right yet.
  What:  it adds two
         in place of doubling.
  Where: case 1 of 2: want 14, got 9
  Next:  Look at <b>the</b> sign."""
EVIL = "</code></pre><script>document.title = 'pwned'</script><img src=x onerror=\"document.title='pwned'\">"
HACKER = "<script>document.title='pwned'<\\script>"  # a name; no folder's name holds a slash
WRONG = new_output("error", ename="CheckFailed", evalue=FAILED, traceback=["CheckFailed"])
ELSEWHERE = r"""(href|src|url)[=(]["']?(https?:)?//"""
ACTIVE = ("text/html", "image/svg+xml", "application/javascript", "text/markdown", "text/latex", "text/plain")
LOOP = new_output("error", ename="CellTimeoutError", evalue="still running after 30 seconds", traceback=[])
SCRIPT = new_output("error", ename=f"Oh{EVIL}", evalue=f"no {EVIL}\x1b[31m\x00", traceback=[])
SYNTAX = new_output("error", ename="SyntaxError", evalue="expected ':' (1234.py, line 2)", traceback=[])
UNKNOWN = new_output("error", ename="NameError", evalue="name 'double' is not defined", traceback=[])


def evil():
    """Markup in every place that a learner writes to, outputs aside."""
    notebook = solved(double=EVIL, interpret_toy=EVIL)
    notebook.cells += [new_markdown_cell(EVIL), new_raw_cell(EVIL), new_code_cell(EVIL)]
    notebook.cells.insert(
        0, new_markdown_cell(f"{LABEL}https://example.org/badge.svg)](https://example.org)")
    )
    return notebook


# learner: (notebook, {grade id: its error})
CLASS = {
    "ada": (solved(), {}),
    "bob": (solved(double="def double(x):\n    return x + 2"), {"test_double": WRONG}),
    "cleo": (solved(double="def double(x):\n    return 2 + x"), {"test_double": WRONG, "test_shout": LOOP}),
    "dan": (
        released(),
        {f"test_{name}": SYNTAX for name in ("double", "shout", "my_guess", "cases_for_double")},
    ),
    "eve": (solved(double="def double(x)\n    return"), {"double": SYNTAX, "test_double": UNKNOWN}),
    HACKER: (evil(), {"test_double": SCRIPT}),
}
CAUGHT = {"ada": {"it adds 2.": True, "it squares.": True}, "bob": {"it adds 2.": True, "it squares.": False}}
COLLECTED = [
    {
        "learner": learner,
        "chapter": CHAPTER,
        "status": status,
        "handed_in": when,
        "system": system,
        "id": number,
        "late": False,
        "origin": "zoe.pdf",
        "reason": "it is a .pdf file",
    }
    for learner, status, when, system, number in (
        ("ada", "collected", "2026-11-03T11:00:00+00:00", "canvas", "12"),
        ("bob", "collected", "2026-11-01T11:00:00+00:00", "moodle", "77"),
        ("zoe", "refused", "", "moodle", "78"),
    )
]


def graded(root, learner, notebook, errors):
    """Put one learner through nbgrader as `patchbook grade` does, with these errors in place of a run."""
    folder = CourseFolder(root, 5)
    ran = NotebookNode(json.loads(json.dumps(notebook)))
    ran = nbformat.from_dict(ran)
    for grade_id, error in errors.items():
        cell_of(ran, grade_id).outputs = [error]
    if learner == HACKER:
        cell_of(ran, "double").outputs = [new_output("display_data", data=dict.fromkeys(ACTIVE, EVIL))]
    ran.cells[0].metadata = NotebookNode()
    folder.write(notebook, "submitted", learner, CHAPTER)
    for cell in ran.cells:
        if cell.cell_type == "code":
            cell.metadata["execution"] = {
                "iopub.execute_input": "2026-11-01T10:00:00Z",
                "shell.execute_reply": "2026-11-01T10:00:01.5Z",
            }
    folder.write(ran, "ran", learner, CHAPTER)
    folder.autograde(CHAPTER, learner)
    marks = folder.scores(CHAPTER, learner)
    worth = worth_of(released())
    points = {name: marks.get(name, marks.get(f"test_{name}")) for name in worth}
    wrong = [name.removeprefix("test_") for name, error in errors.items() if error is WRONG]
    diagnoses = dict.fromkeys(wrong, "first-difference")
    fingerprints = {name: [["0"], ["9f", 0.001, 9 + len(learner) / 1e5]] for name in wrong}
    status, reason = fate(ran)
    caught = {"cases_for_double": CAUGHT[learner]} if learner in CAUGHT else {}
    found = {"diagnoses": diagnoses, "caught": caught, "fingerprints": fingerprints}
    return Result(learner, CHAPTER, status, worth, points, reason, **found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder as `patchbook grade` leaves it; grading itself is tested elsewhere."""
    root = tmp_path_factory.mktemp("grades")
    CourseFolder(root, 5).add_chapter(CHAPTER, source_notebook(find_course(HOME), CHAPTER))
    results = [graded(root, learner, *work) for learner, work in CLASS.items()]
    blank = worth_of(released())
    results.append(Result("torn", CHAPTER, "unreadable", blank, {}, "00_toy.ipynb: it is damaged"))
    results.append(Result("zoe", CHAPTER, "missing", blank, {}, "nothing was handed in"))
    journal = Journal(root / "journal.jsonl")
    for result in results:
        journal.add(result.learner, result)
    write_grades(root / "grades.csv", results)
    (root / "collected.json").write_text(json.dumps({"files": COLLECTED}))
    return root


@pytest.fixture(scope="module")
def works(folder):
    return {work.learner: work for work in read_class(folder)}


@pytest.fixture(scope="module")
def pages(folder, works):
    write_report(list(works.values()), folder / "report", title=EVIL)
    return folder / "report"


def item(works, learner, exercise):
    return next(item for item in works[learner].items if item.exercise == exercise)


def text_of(pages, learner):
    return (pages / "learners" / page_names([*CLASS, "torn", "zoe"])[learner]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("learner", "exercise", "state", "points"),
    [
        ("ada", "double", "right", 3),
        ("ada", "interpret_toy", "by hand", None),
        ("bob", "double", "wrong", 0),
        ("cleo", "shout", "timed out", 0),
        ("dan", "double", "not answered", 0),
        ("eve", "double", "wrong", 0),
    ],
)
def test_marks_and_states_come_back(works, learner, exercise, state, points):
    found = item(works, learner, exercise)
    assert (found.state, found.points) == (state, points)


def test_a_message_comes_in_its_parts_and_the_learners_own_error_first(works):
    bob = item(works, "bob", "double")
    assert bob.said.what == "it adds two in place of doubling." and bob.diagnosis == "first-difference"
    assert (bob.said.where, bob.said.next) == ("case 1 of 2: want 14, got 9", "Look at <b>the</b> sign.")
    assert item(works, "eve", "double").said.what == "SyntaxError: expected ':' (line 2)"
    assert item(works, "dan", "double").said.what == "", "an empty answer has no mistake"
    assert bob.code.endswith("return x + 2") and bob.seconds == 3.0


def test_what_was_not_graded_is_no_zero(works, pages):
    for learner in ("torn", "zoe"):
        assert works[learner].points is None and works[learner].final is None
        text = text_of(pages, learner)
        assert works[learner].status in text and "No points were given" in text and "not graded / 12" in text
    assert works["zoe"].reason == "zoe.pdf: it is a .pdf file", "what collect refused says why"
    row = re.search(r">torn</a></th>(.*?)</tr>", page_of(pages).split('class="map"')[1], re.DOTALL)[1]
    assert "unreadable" in row and "0" not in re.sub(r"<[^>]*>", "", row)


def page_of(pages):
    return (pages / "index.html").read_text(encoding="utf-8")


def test_the_teachers_page_counts_mistakes_and_names_who_is_stuck(pages):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page_of(pages)))
    mistakes = text.split("Commonest mistakes")[1]
    assert re.match(
        r" Learners Exercise What is wrong 2 double it adds two in place of doubling\. first-difference",
        mistakes,
    )
    stuck = text.split("Who is stuck")[1].split("Commonest")[0]
    assert re.match(r" Learner Tried, and not right Not begun cleo double , shout", stuck)
    assert "dan" not in stuck, "who has begun nothing is not stuck"
    assert "cleo 00_toy timed out check of shout: still running after 30 seconds" in text


def test_the_teachers_page_says_what_the_classs_own_checks_catch(pages):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page_of(pages)))
    table = text.split("What the class's own checks catch")[1]
    assert " cases_for_double it squares. 1 of 2 cases_for_double it adds 2. 2 of 2 " in table


def test_cells_of_the_heat_map_carry_text(pages):
    table = page_of(pages).split('class="map"')[1].split("</table>")[0]
    cells = re.findall(r'<td class="[a-z-]+" title.*?</td>', table)
    assert len(cells) == 5 * len(CLASS)
    assert all(re.search(r'aria-hidden="true">[^<]+<.*class="sr">[^<]+<', cell) for cell in cells)


@pytest.mark.parametrize(
    ("learner", "where", "advice"),
    [
        ("bob", "double", "Look at"),
        ("dan", "double", "not answered yet"),
        ("torn", CHAPTER, "Hand in"),
        ("ada", "", "Your teacher reads"),
    ],
)
def test_the_next_step_is_said(works, learner, where, advice):
    found = next_step([works[learner]])
    assert found[0] == where and advice in found[1]


# --- strangers' words ----------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def every_page(pages):
    return [*pages.glob("*.html"), *(pages / "learners").glob("*.html")]


def test_nothing_a_learner_wrote_becomes_markup(pages):
    for path in every_page(pages):
        text = path.read_text(encoding="utf-8")
        found = Tags(text)
        assert not found.tags & {"script", "img", "iframe", "b x"}, path
        assert not [name for name in found.attributes if name.startswith("on") or name == "src"], path
        assert "\x1b" not in text and "\x00" not in text
        assert not re.search(ELSEWHERE, text), "a page loads nothing"
    evil = text_of(pages, HACKER)
    assert evil.count("&lt;script&gt;") >= 3, "code, message and name are shown, as they are"


def test_nothing_a_learner_wrote_becomes_markup_in_the_page_of_feedback(folder):
    page = CourseFolder(folder, 5).feedback(CHAPTER, HACKER).read_text(encoding="utf-8")
    found = Tags(page)
    assert not found.tags & {"script", "img", "iframe", "svg"}
    assert not [name for name in found.attributes if name.startswith("on") or name == "src"]
    assert page.count("pwned") >= 8, "prose, code, outputs and messages are shown, as they are"
    assert "default-src 'none'" in page and not re.search(ELSEWHERE, page)


def test_in_a_browser_no_script_runs_and_a_narrow_screen_is_enough(folder, pages, tmp_path):
    if CHROMIUM is None:  # the parser above has looked; a browser looks where there is one
        return
    with Browser(tmp_path) as browser:
        browser.open(CourseFolder(folder, 5).feedback(CHAPTER, HACKER).as_uri(), width=400)
        assert browser.value("document.title") not in ("pwned", "")
        for path in every_page(pages):
            for dark in (False, True):
                browser.open(path.as_uri(), width=400, dark=dark)
                assert browser.value("document.title") != "pwned"
                assert browser.value("document.scripts.length + document.images.length") == 0
                assert browser.value("document.documentElement.scrollWidth") <= 400, path
        dark = browser.value("getComputedStyle(document.body).backgroundColor")
        browser.open(path.as_uri())
        assert browser.value("getComputedStyle(document.body).backgroundColor") != dark


def test_names_of_pages_are_safe_and_differ():
    names = page_names(["ada", "Ada", "../x", "..x", "ada.html", "é", "", "con/../x"])
    assert len({name.lower() for name in names.values()}) == len(names)
    assert all(re.fullmatch(r"[\w-]+\.html", name) for name in names.values())


# --- tables, lateness, marks by hand -------------------------------------------------------------------


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_tables_for_an_lms_leave_empty_what_was_not_graded(pages):
    canvas = {row[0]: row[1:] for row in table(pages / "canvas.csv")}
    assert canvas["Student"] == ["ID", "Section", CHAPTER, f"Current Grade: status of {CHAPTER}"]
    assert canvas["    Points Possible"][2:] == ["12", "(read only)"]
    assert canvas["ada"] == ["12", "", "8", "ok"] and canvas["zoe"][2] == "" and canvas["dan"][2] == "0"
    moodle = {row[1]: row for row in table(pages / f"moodle-{CHAPTER}.csv")}
    wanted = {"Identifier", "Grade", "Last modified (grade)", "Feedback comments"}
    assert wanted <= set(moodle["Full name"]), "Moodle's importer refuses a sheet without these"
    assert moodle["bob"][0] == "Participant 77" and moodle["bob"][2:5] == ["ok", "5", "12"]
    assert moodle["zoe"][0] == "Participant 78" and moodle["zoe"][3] == "" and "missing" in moodle["zoe"][6]
    points = {row[0]: row for row in table(pages / "points.csv")}
    assert points["torn"][2:5] == ["unreadable", "", ""]


def test_lateness_takes_off_a_share_for_each_day_begun(folder, tmp_path):
    policy = policy_of("10%/day", ("2026-11-02T10:59:00+00:00",))
    works = {work.learner: work for work in read_class(folder, rules=Rules(late=policy))}
    assert works["ada"].penalty == pytest.approx(1.6) and works["ada"].final == pytest.approx(6.4)
    assert works["bob"].penalty == 0 and works["cleo"].penalty is None, "no time, nothing taken off"
    write_report(list(works.values()), tmp_path)
    assert "1.6 of your 8 points are taken off" in (tmp_path / "learners" / "ada.html").read_text()


POLICY = """
[late]
off = "10%/day"
due = 2026-11-02T10:59:00+00:00
[[extension]]
learner = "ada"
until = 2026-11-04
why = "was ill"
[[extension]]
learner = "adda"
until = 2026-11-04
[[dropped]]
exercise = "double"
why = "it could be read <b>in two ways"
[[dropped]]
exercise = "dubble"
[[bonus]]
learner = "bob"
chapter = "00_toy"
points = 1.5
why = "found a mistake"
"""


def test_what_policy_toml_says_is_counted_and_shown(folder, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    done = CliRunner().invoke(main, ["report", str(folder), "--out", str(tmp_path), "--policy", str(path)])
    assert done.exit_code == 0, done.output
    assert "changes nothing: nobody is called 'adda'; did you mean 'ada'?" in done.output
    assert "changes nothing: no graded question is called 'dubble'; did you mean 'double'?" in done.output
    with (tmp_path / "points.csv").open(newline="") as file:
        rows = {row["learner"]: row for row in csv.DictReader(file)}
    known = [[rows[who][name] for name in ("points", "max_points", "late_penalty", "bonus", "final")]
             for who in ("ada", "bob", "torn")]  # fmt: skip
    assert known == [["5", "9", "0", "", "5"], ["5", "9", "0", "1.5", "6.5"], ["", "9", "", "", ""]]
    ada, bob = ((tmp_path / "learners" / f"{name}.html").read_text() for name in ("ada", "bob"))
    assert "You had time until 2026-11-04 23:59: was ill." in ada
    assert "It was dropped: it could be read &lt;b&gt;in two ways" in ada and "does not count" in ada
    assert "1.5 bonus points: found a mistake." in bob and "Your answer is" not in bob
    page = (tmp_path / "index.html").read_text()
    assert "Late: 10 % of the points for each day begun." in page and "ada: every chapter until" in page
    assert page.count("This row changes nothing") == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[late", "Expected ']'"),
        ("[lat]", "the file has 'lat'; did you mean 'late'?"),
        ("late = '10%/day'", "late is a table"),
        ("[late]\noff = '10%/day'", "[late] needs off"),
        ("[late]\noff = '10 a day'\ndue = 2026-11-01", "'10 a day' is no rule"),
        ("[late]\noff = '10%/day'\ndue = '2026-11-01'", "no date; write it as"),
        ("[extension]\nlearner = 'ada'", "begin each with [[extension]]"),
        ("[[extension]]\nlearner = 'ada'", "[[extension]] number 1 has no until"),
        ("[[dropped]]\nexercise = 'double'\nbecause = 'x'", "number 1 has 'because'"),
        ("[[bonus]]\nlearner = 'ada'\npoints = 1", "has no chapter"),
        ("[[bonus]]\nlearner = 'ada'\nchapter = 'x'\npoints = '1'", "it should be a number"),
    ],
)
def test_a_policy_that_cannot_be_read_says_where_and_how_it_is_written(tmp_path, text, says):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(BadRule) as error:
        read_rules(path)
    assert str(error.value).startswith(str(path)) and says in str(error.value)


def test_a_penalty_never_exceeds_the_points_and_a_chapter_has_its_own_date():
    policy = policy_of("60 % / hour", ("2026-11-01T00:00:00+00:00", "01_x=2026-12-01T00:00:00+00:00"))
    when = datetime.fromisoformat("2026-11-01T00:00:00+00:00") + timedelta(hours=5)
    assert policy.penalty("00_toy", when, 4) == 4 and policy.penalty("01_x", when, 4) == 0
    for rule, due in (
        ("10", ("2026-11-01",)),
        ("10%/day", ()),
        ("10%/day", ("soon",)),
        (None, ("2026-11-01",)),
    ):
        with pytest.raises(BadRule):
            policy_of(rule, due)


def test_a_comment_to_a_group_reaches_everyone_in_it_and_the_group_becomes_a_mistake(folder, tmp_path):
    grades, run = tmp_path / "grades", CliRunner().invoke
    shutil.copytree(folder, grades)
    assert run(main, ["report", str(grades)]).exit_code == 0
    ((name, kind),) = json.loads((grades / "groups.json").read_text()).items()
    assert name.startswith("double-") and kind["exercise"] == "double"
    words = f"[[comment]]\ngroup = '{name}'\ntext = '''Twice, {EVIL}'''\n[[comment]]\ngroup = 'x'\ntext = 'y'"
    (grades / "comments.toml").write_text(words)
    done = run(main, ["report", str(grades)])
    assert done.exit_code == 0 and "reaches nobody: no group is called 'x'" in done.output, done.output
    said = {
        who: (grades / "report" / "learners" / f"{who}.html").read_text() for who in ("ada", "bob", "cleo")
    }
    assert {who: "Twice, &lt;/code&gt;" in text for who, text in said.items()} == {
        "ada": False,
        "bob": True,
        "cleo": True,
    }
    page = (grades / "report" / "index.html").read_text()
    assert not Tags(page).tags & {"script", "img"} and "Twice, &lt;/code&gt;" in page
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)).split("nobody foresaw")[1]
    assert re.search(rf"double 2 learners {name} it adds two in place of doubling", text)
    done = run(main, ["report", str(grades), "--export-group", name])
    names = {"Mistake": Mistake}
    row = done.output.partition("in tests/mistakes/:\n")
    exec(row[0], names)
    mistake = eval(row[2], names)
    assert mistake.wrong(5) == 7 and mistake.id == "NAME" and "2 answers to double" in done.output
    assert "did you mean" in run(main, ["report", str(grades), "--export-group", name[:-1]]).output
    (grades / "comments.toml").write_text("[[comment]]\ngroup = 'x'")
    assert "[[comment]] number 1 has no text" in run(main, ["report", str(grades)]).output


def test_words_that_nbgrader_puts_in_are_not_the_teachers(works):
    said = [one.comment for work in works.values() for one in work.items]
    assert said and not any(said)  # nobody has marked by hand yet


def test_marks_by_hand_arrive_with_the_teachers_comment(folder, tmp_path):
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        grade = book.find_grade("interpret_toy", CHAPTER, CHAPTER, "cleo")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        comment = book.find_comment("interpret_toy", CHAPTER, CHAPTER, "cleo")
        comment.manual_comment = f"well seen {EVIL}"
        book.db.commit()
    works = {work.learner: work for work in read_class(folder)}
    found = item(works, "cleo", "interpret_toy")
    assert (found.state, found.points, works["cleo"].waiting) == ("part", 2.5, 0)
    write_report(list(works.values()), tmp_path)
    text = (tmp_path / "learners" / "cleo.html").read_text()
    assert "well seen &lt;/code&gt;" in text and "<script" not in text
    CourseFolder(folder, 5).autograde(CHAPTER, "cleo")
    again = item({work.learner: work for work in read_class(folder)}, "cleo", "interpret_toy")
    assert (again.state, again.points) == ("by hand again", 2.5), (
        "grading again keeps the mark, to be confirmed"
    )


FORMGRADER = [
    *("-m", "jupyter_server", "--no-browser", "--allow-root", "--port=0", "--IdentityProvider.token="),
    '--ServerApp.jpserver_extensions={"nbgrader.server_extensions.formgrader": True}',
]


@pytest.fixture
def formgrader(folder, tmp_path):
    """nbgrader's formgrader on the graded folder, as book/grade.md starts it: its address on loopback."""
    places = {"JUPYTER_RUNTIME_DIR": str(tmp_path / "run"), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, *FORMGRADER], cwd=folder, env=os.environ | places, stdout=log, stderr=log
        )
    try:
        written = until(lambda: list((tmp_path / "run").glob("jpserver-*.json")))
        yield until(lambda: address(written[0]))
    finally:
        server.terminate()
        server.wait()


def address(written):
    with suppress(ValueError, OSError):  # half written, or not yet listening
        found = json.loads(written.read_text())["url"]
        with urlopen(f"{found}api"):
            return found


def test_nbgraders_formgrader_opens_on_the_gradebook(formgrader, tmp_path):
    """Through a browser where there is one; the page asks the server for its rows either way."""
    with urlopen(f"{formgrader}formgrader/api/submitted_notebooks/{CHAPTER}/{CHAPTER}") as answer:
        rows = json.load(answer)
    assert len(rows) == len(CLASS) and {row["max_score"] for row in rows} == {12}
    where = f"{formgrader}formgrader/submissions/{rows[0]['id']}"
    with urlopen(where) as answer:
        page = answer.read().decode()
    assert "interpret_toy" in page and "nbgrader" in page
    if CHROMIUM is not None:
        with Browser(tmp_path / "profile") as browser:
            browser.open(where)
            assert until(lambda: browser.value("document.querySelectorAll('input.score').length")) == 5
            hacker = next(row["id"] for row in rows if row["student"] == safe(HACKER))
            browser.open(f"{formgrader}formgrader/submissions/{hacker}")
            assert until(lambda: browser.value("document.querySelectorAll('input.score').length")) == 5
            assert browser.value("document.title") != "pwned", "marking by hand runs no learner's code"


def test_the_command_says_where_the_pages_are_and_what_is_missing(folder, tmp_path):
    done = CliRunner().invoke(main, ["report", str(folder), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0 and "index.html: the class" in done.output, done.output
    *_, address = done.output.split()
    assert address == (tmp_path / "out" / "index.html").as_uri()
    for arguments, says in (
        ([str(tmp_path)], "patchbook grade SUBMISSIONS"),
        ([str(folder), "--late", "x"], "--due"),
    ):
        done = CliRunner().invoke(main, ["report", *arguments])
        assert done.exit_code == 1 and says in done.output
    with pytest.raises(NothingGraded):
        read_class(tmp_path)


def test_words_that_are_no_check_s_are_kept_short():
    cell = NotebookNode(
        outputs=[new_output("error", ename="KeyError", evalue="x" * 9999 + "\nmore", traceback=[])]
    )
    assert len(said(None, cell).what) < 2100 and "more" not in said(None, cell).what
    assert clean("a\x1b[31mb\x08\ud800c") == "abc"
    assert Work("a", "b", "ok", 1.0).points is None
