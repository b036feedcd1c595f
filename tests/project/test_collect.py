"""What teachers have becomes what the grader reads; nothing a stranger hands in breaks it or wins a mark."""

import copy
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module

import nbformat
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from patchbook.authoring import find_course, source_notebook
from patchbook.cli import main
from patchbook.grading.collect import sources
from patchbook.grading.collect.chapters import Shelf
from patchbook.grading.collect.collecting import NotOurs, collect, read_list
from patchbook.grading.collect.names import name_of
from patchbook.grading.collect.sources import Walk
from patchbook.grading.notebooks.plan import plan_of
from patchbook.grading.notebooks.repair import repair
from patchbook.grading.notebooks.submissions import Unreadable, find_submissions, read_notebook
from patchbook.grading.notebooks.tests_folder import add_folder, check_named
from tests.project.drawing import some
from tests.project.toy import CHAPTER, HOME, as_colab_saves, cell_of, hand_in, released, solved

COURSE = find_course(HOME)
RELEASED = released()
RIGHT = json.dumps(solved())
CHAPTERS = ["00_hooks_and_caches", "01_induction_heads"]


def collected(tmp_path, *sources, **options):
    entries = collect(COURSE, list(sources), tmp_path / "into", **options)
    return {(e.learner, e.status): e for e in entries}, tmp_path / "into"


def double_of(into, learner):
    return cell_of(read_notebook(into / learner / f"{CHAPTER}.ipynb"), "double").source


def put_zip(path, members):
    """members: name -> text."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 3, 12, 30, 0)), text)
    return path


# --- names ---------------------------------------------------------------------------------------------

NAMES = {
    "lovelaceada_123_45678_01_induction_heads.ipynb": ("lovelaceada", "01_induction_heads", "canvas", "123"),
    "lovelaceada_LATE_123_45678_hw-2.ipynb": ("lovelaceada", "hw", "canvas", "123"),
    "Ada Lovelace_77_assignsubmission_file_/my work (3).ipynb": ("Ada Lovelace", "my work", "moodle", "77"),
    "Ada Lovelace_77_assignsubmission_file_01_induction_heads.ipynb": (
        "Ada Lovelace",
        "01_induction_heads",
        "moodle",
        "77",
    ),
    "Ada Lovelace_77_assignsubmission_file/part 1/my work.ipynb": ("Ada Lovelace", "my work", "moodle", "77"),
    "Participant_81_assignsubmission_file/x.ipynb": ("Participant", "x", "moodle", "81"),
    "Group A_5_assignsubmission_file/x.ipynb": ("Group A", "x", "moodle", "5"),
    "Default group_assignsubmission_file/x.ipynb": ("Default group", "x", "moodle", ""),
    "Ada_77_assignsubmission_onlinetext/onlinetext.html": ("Ada", "onlinetext.html", "moodle", "77"),
    "LATE_anon_Xy3Kd_45678_hw.ipynb": ("anon_Xy3Kd", "hw", "canvas", ""),
    "anon_12345_45678_hw.ipynb": ("anon_12345", "hw", "canvas", ""),
    "projectgroup1_12_45678_hw-1.ipynb": ("projectgroup1", "hw", "canvas", "12"),
    "lovelaceada_LATE_123_text.html": ("lovelaceada", "text", "canvas", "123"),
    "lovelaceada_123_45678_essay.pdf": ("lovelaceada", "essay.pdf", "canvas", "123"),
    "ada/data_1_2026_x.csv": ("ada", "data_1_2026_x.csv", "", ""),
    "ada/week 1/Copy of 01_induction_heads.ipynb": ("ada", "01_induction_heads", "", ""),
    "Copy of 01-induction-heads Ada (2).ipynb.txt": ("Ada", "01-induction-heads Ada", "", ""),
    "01_induction_heads_2026_11_123_x.ipynb": ("2026_11_123_x", "01_induction_heads_2026_11_123_x", "", ""),
    "01_induction_heads.ipynb": ("", "01_induction_heads", "", ""),
    "ada-01_induction_heads.zip/01_induction_heads.ipynb": ("ada", "01_induction_heads", "", ""),
    "../../etc/x.ipynb": ("", "x", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("path", NAMES)
def test_a_path_says_whose_it_is(path):
    name = name_of(tuple(path.split("/")), CHAPTERS)
    assert (name.who, name.own, name.system, name.id) == NAMES[path]


def test_canvas_says_late_and_counts_uploads_and_browsers_count_copies():
    canvas = name_of(("lovelaceada_LATE_123_45678_hw-2.ipynb",), CHAPTERS)
    assert (canvas.late, canvas.upload, canvas.copy) == (True, 45678, 2)
    assert name_of(("LATE_anon_Xy3Kd_45678_hw.ipynb",), CHAPTERS).late
    assert name_of(("ada", "01_induction_heads (3).ipynb"), CHAPTERS).copy == 3


# --- sources -------------------------------------------------------------------------------------------


def test_a_folder_becomes_what_grade_reads(tmp_path):
    source = tmp_path / "source"
    hand_in(source, "ada", as_colab_saves(solved()), name="Copy of toy")
    hand_in(source, "bob", "", name="00_toy")
    hand_in(source, "cleo", new_notebook(cells=[new_code_cell("print('a diary')")]))
    hand_in(source, "dan", RELEASED)
    (source / "eve").mkdir()
    (source / "eve" / "homework.pdf").write_bytes(b"%PDF")
    (source / "class.csv").write_text("ada,bob")
    (source / "ada" / ".ipynb_checkpoints").mkdir()
    (source / "ada" / ".ipynb_checkpoints" / "x.ipynb").write_text("old")
    found, into = collected(tmp_path, source)
    assert found["ada", "collected"].mended == ("metadata put back in 9 cells",)
    assert "the file is empty" in found["bob", "refused"].reason
    assert "none of the course's exercises" in found["cleo", "refused"].reason
    assert "nothing in it is answered" in found["dan", "collected"].reason
    assert "it is a .pdf file" in found["eve", "refused"].reason
    assert len(found) == 5, "junk and lists of the class are nobody's work"
    graded = {s.learner: s.path for s in find_submissions(into, [CHAPTER])}
    assert set(graded) == {"ada", "bob", "cleo", "dan", "eve"}, "who is refused is missing, not gone"
    assert graded["cleo"] is None and graded["eve"] is None
    with pytest.raises(Unreadable, match="empty"):  # so that its grade says `unreadable`, not `missing`
        read_notebook(graded["bob"])
    assert repair(read_notebook(graded["ada"]), RELEASED)[1] == ["metadata put back in 9 cells"]
    assert read_list(into) == sorted(read_list(into), key=lambda e: e.learner) and len(read_list(into)) == 5


def test_an_lms_zip_with_a_learners_zip_in_it(tmp_path):
    inner = put_zip(tmp_path / "inner.zip", {"work/00_toy.ipynb": RIGHT}).read_bytes()
    path = put_zip(
        tmp_path / "submissions.zip",
        {
            "lovelaceada_LATE_12_4001_00_toy.ipynb": RIGHT,
            "lovelaceada_13_4002_00_toy.ipynb": RIGHT,
            "Grace_77_assignsubmission_file_/00_toy.ipynb": RIGHT,
            "hopper_9_4003_all.zip": inner,
            "__MACOSX/._x": "junk",
        },
    )
    found, _ = collected(tmp_path, path)
    learners = {learner for learner, status in found if status == "collected"}
    assert learners == {"lovelaceada-12", "lovelaceada-13", "Grace", "hopper"}, "two of one name stay two"
    late = found["lovelaceada-12", "collected"]
    assert late.late and (late.system, late.id) == ("canvas", "12")
    when = datetime.fromisoformat(found["hopper", "collected"].handed_in)
    assert when == datetime(2026, 11, 3, 12, 30).astimezone() and when.tzinfo == UTC


def test_a_folder_around_the_class_is_nobody(tmp_path):
    path = put_zip(tmp_path / "week1.zip", {f"class/{who}/00_toy.ipynb": RIGHT for who in ("ada", "bob")})
    assert {learner for learner, _ in collected(tmp_path, path)[0]} == {"ada", "bob"}


def test_zips_of_a_class_in_a_folder_name_nobody_and_a_learners_own_zip_does(tmp_path):
    """Each LMS zip, and each zip of a class, lies in the folder of downloads, beside a learner's own."""
    source = tmp_path / "downloads"
    source.mkdir()
    put_zip(source / "week1.zip", {f"class/{who}/00_toy.ipynb": RIGHT for who in ("ada", "bob")})
    put_zip(source / "week2.zip", {"cleo_5_6001_00_toy.ipynb": RIGHT, "dan_6_6002_essay.pdf": "%PDF"})
    put_zip(source / "eve.zip", {"one/00_toy.ipynb": RIGHT, "two/other.ipynb": RIGHT})
    (source / "class.csv").write_text("ada,bob")
    found, _ = collected(tmp_path, source)
    learners = {learner for learner, status in found if status == "collected"}
    assert learners == {"ada", "bob", "cleo", "eve"}
    assert "it is a .pdf file" in found["dan", "refused"].reason, "who handed in something else is not lost"
    assert len(found) == 6, "one of eve's two is passed over; the list of the class is nobody's work"


def test_a_file_alone_and_one_that_names_nobody(tmp_path):
    one, other = (
        hand_in(tmp_path, "x", RIGHT, name="00_toy-ada"),
        hand_in(tmp_path, "x", RIGHT, name="00_toy"),
    )
    found, _ = collected(tmp_path, one, other)
    assert ("ada", "collected") in found and "names nobody" in found["", "refused"].reason


LINK = zipfile.ZipInfo("ada/00_toy.ipynb")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16
UNSAFE = {
    "leads out": {"../evil/00_toy.ipynb": RIGHT},
    "leads out of it": {"/etc/00_toy.ipynb": RIGHT},
    "'C:": {"C:\\x\\00_toy.ipynb": RIGHT},
    "a link": {LINK: "/etc/passwd"},
    "are packed into": {"ada/00_toy.ipynb": "0" * (4 * 2**20)},
}


@pytest.mark.parametrize("says", UNSAFE)
def test_an_unsafe_zip_is_refused_whole(tmp_path, monkeypatch, says):
    monkeypatch.setattr(sources, "SMALL", 2**20)
    path = tmp_path / "unsafe.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bob/00_toy.ipynb", RIGHT)
        for name, text in UNSAFE[says].items():
            archive.writestr(name, text)
    found, into = collected(tmp_path, path)
    assert list(found) == [("", "refused")]
    assert "unsafe zip" in found["", "refused"].reason and says in found["", "refused"].reason
    assert [path.name for path in into.iterdir()] == ["collected.json"]


def test_damaged_locked_and_too_deep_zips_cost_only_themselves(tmp_path):
    source = tmp_path / "source"
    hand_in(source, "ada", RIGHT)
    deepest = put_zip(tmp_path / "a.zip", {"00_toy.ipynb": RIGHT}).read_bytes()
    (source / "bob").mkdir()
    put_zip(source / "bob" / "b.zip", {"c.zip": put_zip(tmp_path / "c.zip", {"a.zip": deepest}).read_bytes()})
    (source / "cleo").mkdir()
    (source / "cleo" / "work.zip").write_bytes(deepest[: len(deepest) // 2])
    found, _ = collected(tmp_path, source)
    assert "zip in a zip" in found["bob", "refused"].reason
    assert "damaged" in found["cleo", "refused"].reason and ("ada", "collected") in found


def test_links_are_refused(tmp_path):
    secret = hand_in(tmp_path / "teacher", "key", RIGHT)
    (tmp_path / "source" / "ada").mkdir(parents=True)
    (tmp_path / "source" / "ada" / "00_toy.ipynb").symlink_to(secret)
    (tmp_path / "source" / "bob").symlink_to(secret.parent)
    found, into = collected(tmp_path, tmp_path / "source")
    assert "a link" in found["ada", "refused"].reason and len(found) == 2
    assert not list(into.rglob("*.ipynb"))


# --- attempts ------------------------------------------------------------------------------------------


def three_attempts(tmp_path):
    """Ada hands in 1, then 2, then a torn file; the second is called otherwise."""
    for minute, (name, value) in enumerate((("00_toy", 1), ("toy better", 2), ("00_toy (1)", 3))):
        notebook = json.dumps(solved(double=f"def double(x):\n    return {value}"))
        path = hand_in(tmp_path / "source", "ada", notebook[:900] if value == 3 else notebook, name=name)
        os.utime(path, (1_700_000_000 + 600 * minute,) * 2)
    return tmp_path / "source"


@pytest.mark.parametrize(("attempts", "value"), [("latest", 2), ("first", 1), ("best-name", 1)])
def test_of_several_attempts_the_one_that_is_asked_for_counts(tmp_path, attempts, value):
    found, into = collected(tmp_path, three_attempts(tmp_path), attempts=attempts)
    assert f"return {value}" in double_of(into, "ada")
    assert f"attempt {value} of 2; a later file cannot be used" in found["ada", "collected"].reason
    assert found["ada", "passed over"].reason.startswith(f"{attempts} counts: ")


def test_all_attempts_get_a_folder_each(tmp_path):
    _, into = collected(tmp_path, three_attempts(tmp_path), attempts="all")
    assert "return 1" in double_of(into, "ada (attempt 1)") and "return 2" in double_of(
        into, "ada (attempt 2)"
    )


def test_a_later_week_adds_to_the_folder_and_a_newer_attempt_replaces(tmp_path):
    for week, (who, value) in enumerate((("ada", 1), ("bob", 5), ("ada", 2))):
        path = hand_in(tmp_path / f"week{week}", who, solved(double=f"def double(x):\n    return {value}"))
        os.utime(path, (1_700_000_000 + 600 * week,) * 2)
    for week in ("week0", "week1", "week2", "week0"):  # the last is older: it changes nothing
        found, into = collected(tmp_path, tmp_path / week)
    assert "return 2" in double_of(into, "ada") and "return 5" in double_of(into, "bob")
    assert found["ada", "passed over"].origin == "week0: ada/00_toy.ipynb"
    assert sorted(path.name for path in into.iterdir()) == ["ada", "bob", "collected.json"]


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    hand_in(tmp_path / "into", "ada", RIGHT)
    with pytest.raises(NotOurs, match="holds other things"):
        collected(tmp_path, tmp_path / "into")
    (tmp_path / "into" / "collected.json").write_text("{")
    with pytest.raises(NotOurs, match="damaged"):
        collected(tmp_path, tmp_path / "into")


def test_the_command_prints_a_table_and_fails_when_nothing_came(tmp_path):
    hand_in(tmp_path / "source", "[red]ada", RIGHT)
    arguments = ["collect", str(tmp_path / "source"), "--into", str(tmp_path / "into"), "--course", str(HOME)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0 and "[red]ada" in done.output and "1 collected" in done.output, done.output
    (tmp_path / "empty").mkdir()
    arguments[1:4] = [str(tmp_path / "empty"), "--into", str(tmp_path / "other")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1 and "no file found" in done.output


def test_collect_starts_without_torch():
    code = "import sys, patchbook.grading.collect.collecting, patchbook.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- anything at all -----------------------------------------------------------------------------------

QUICK = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)  # always the same examples: what one run finds, the next one does
PLACES = st.integers(0, 30)
WORDS = st.sampled_from(
    ["x = 1", "# EXERCISE double", "# CHECK double", "def double(x):\n    return 9", "", "\ud800\0"]
)


def lose_metadata(cells, a, b, text):
    for cell in cells[a:]:
        cell["metadata"] = {}


def swap_names(cells, a, b, text):
    cells[a]["metadata"], cells[b]["metadata"] = cells[b]["metadata"], cells[a]["metadata"]


def merge(cells, a, b, text):
    cells[a]["source"] = cells[a]["source"] + "\n" + cells[b]["source"]


def split(cells, a, b, text):
    half = len(cells[a]["source"]) // 2
    cells.insert(a, copy.deepcopy(cells[a]))
    cells[a]["source"], cells[a + 1]["source"] = cells[a]["source"][:half], cells[a + 1]["source"][half:]


def more_points(cells, a, b, text):
    metadata = cells[a]["metadata"]
    ours = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    if isinstance(ours, dict):
        ours["points"] = 99


MANGLES = {
    "delete": lambda cells, a, b, text: cells.pop(a),
    "copy": lambda cells, a, b, text: cells.insert(b, copy.deepcopy(cells[a])),
    "move": lambda cells, a, b, text: cells.insert(b, cells.pop(a)),
    "retype": lambda cells, a, b, text: cells[a].update(cell_type=("code", "markdown", "raw", 7, [1])[b % 5]),
    "write": lambda cells, a, b, text: cells[a].update(source=text),
    "append": lambda cells, a, b, text: cells[a].update(source=cells[a]["source"] + "\n" + text),
    "insert": lambda cells, a, b, text: cells.insert(
        a, {"cell_type": "code", "source": text, "metadata": {}}
    ),
    "lose metadata": lose_metadata,
    "swap names": swap_names,
    "merge": merge,
    "split": split,
    "odd metadata": lambda cells, a, b, text: cells[a].update(
        metadata=(None, 3, {"nbgrader": [text]})[b % 3]
    ),
    "more points": more_points,
}
STEPS = st.lists(st.tuples(st.sampled_from(list(MANGLES)), PLACES, PLACES, WORDS), max_size=8)


def mangled(steps, whole=RIGHT) -> tuple[str, set[str]]:
    """A notebook after some steps, as a file's text; every source that a learner has then written."""
    notebook = json.loads(whole)
    cells = notebook["cells"]
    for name, a, b, text in steps:
        if cells and all(isinstance(cell.get("metadata"), dict) for cell in cells):
            MANGLES[name](cells, a % len(cells), b % len(cells), text)
    return json.dumps(notebook), {cell["source"].encode("utf-8", "replace").decode() for cell in cells}


def read_text(text, folder):
    path = folder / "any.ipynb"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return read_notebook(path)


@QUICK
@given(steps=STEPS)
def test_no_mangling_crashes_or_gives_what_the_learner_did_not_write(tmp_path_factory, steps):
    """Marks come from the cells with nbgrader's metadata: each once, checks and points as released."""
    text, written = mangled(steps)
    notebook = read_text(text, tmp_path_factory.getbasetemp())
    whole, _ = repair(notebook, RELEASED)
    nbformat.validate(whole)
    graded = [cell for cell in whole.cells if "nbgrader" in cell.metadata]
    wanted = [cell for cell in RELEASED.cells if "nbgrader" in cell.metadata]
    assert [cell.metadata for cell in graded] == [cell.metadata for cell in wanted], "each once, in order"
    for cell, release in zip(graded, wanted, strict=True):
        if cell.metadata.nbgrader.solution:
            assert cell.source == release.source or cell.source in written
        else:
            assert cell.source == release.source
    plain = Counter(cell.source for cell in whole.cells if "nbgrader" not in cell.metadata)
    setup = {cell.source for cell in RELEASED.cells if cell.source.startswith("# SETUP")}
    assert set(plain) <= written | setup, "no cell comes from nowhere"
    again, _ = repair(whole, RELEASED)
    assert [cell.source for cell in again.cells] == [cell.source for cell in whole.cells]


WRITES = {"write", "append", "insert"}
MOVES = st.lists(
    st.tuples(st.sampled_from(sorted({*MANGLES} - WRITES)), PLACES, PLACES, st.just("")), max_size=8
)
WRONG = "def double(x):\n    return x"


@pytest.fixture(scope="module")
def mark():
    """Marks as grading gives them, in this process: the code is our own. notebook -> points by exercise."""
    from patchbook.checking import CheckFailed, judge, observe

    packages = [import_module(f"patchbook.tests{name}") for name in ("", ".specifications", ".mistakes")]
    before = [list(package.__path__) for package in packages]
    add_folder(str(HOME / "tests"))
    asked = plan_of(source_notebook(COURSE, CHAPTER), CHAPTER).checks

    def points(notebook):
        names, got = {}, {}
        for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
            with suppress(Exception):  # as in a notebook, an error ends its cell only
                exec(compile(cell.source, "<cell>", "exec"), names)
            check = asked.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
            if check is not None:
                got[check.exercise] = 0
                with suppress(CheckFailed, NameError):
                    test = check_named(check.module, check.exercise)
                    for seed in check.seeds:
                        judge(test, observe(test, eval(check.expression, names), seed))
                    got[check.exercise] = cell.metadata.nbgrader.points
        return got

    yield points
    for package, path in zip(packages, before, strict=True):
        package.__path__[:] = path


@settings(QUICK, max_examples=len(some(range(40), 3)))
@given(steps=MOVES)
def test_no_mangling_of_the_same_code_gives_more_marks(tmp_path_factory, mark, steps):
    folder = tmp_path_factory.getbasetemp()
    whole = json.dumps(solved(double=WRONG))
    best = mark(repair(read_text(whole, folder), RELEASED)[0])
    assert best == {"double": 0, "shout": 2, "my_guess": 1, "cases_for_double": 2}
    after = mark(repair(read_text(mangled(steps, whole)[0], folder), RELEASED)[0])
    assert all(after[name] <= best[name] for name in best) and after.keys() == best.keys()


@QUICK
@given(start=PLACES, end=st.integers(0, 400), junk=st.binary(max_size=20))
def test_no_damage_to_the_file_crashes(tmp_path_factory, start, end, junk):
    path = tmp_path_factory.getbasetemp() / "torn.ipynb"
    whole = RIGHT.encode()
    path.write_bytes(whole[: start * len(whole) // 30] + junk + whole[len(whole) - end :])
    try:
        repair(read_notebook(path), RELEASED)
    except Unreadable as refused:
        assert "ask for" in str(refused)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["code", "x", "def double"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cells", "metadata", "source", "cell_type", "nbgrader"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@QUICK
@given(cells=JSON, metadata=JSON)
def test_no_json_crashes(tmp_path_factory, cells, metadata):
    text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": metadata})
    try:
        notebook = read_text(text, tmp_path_factory.getbasetemp())
    except Unreadable as refused:
        assert "ask for" in str(refused)
    else:
        Shelf({CHAPTER: RELEASED}).chapter_of(notebook, None)
        nbformat.validate(repair(notebook, RELEASED)[0])


@QUICK
@given(names=st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_no_name_leads_out_of_the_folder(names):
    who = name_of(tuple(names), CHAPTERS).who
    assert "/" not in who and not who.startswith(".") and len(who.encode()) <= 220 and "\0" not in who


def test_no_more_of_a_member_is_unpacked_than_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST", 2)
    path = put_zip(tmp_path / "a.zip", {"ada/00_toy.ipynb": "0" * (3 * 2**20), "bob/00_toy.ipynb": RIGHT})
    (tmp_path / "scratch").mkdir()
    sizes = [found.file.stat().st_size for found in Walk(path, tmp_path / "scratch").files()]
    assert sizes == [2 * 2**20 + 1, len(RIGHT)]


def test_remarks_of_a_learners_own_are_cut():
    notebook = solved()
    notebook.metadata["patchbook"] = NotebookNode(mended=["x" * 999, 7] * 60)
    lines = repair(notebook, RELEASED)[1]
    assert len(lines) == 25 and {len(line) for line in lines} == {200}
