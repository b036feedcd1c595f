"""What editors do to a notebook is undone before grading, and the learner's work survives it."""

import copy
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from nbgrader.nbgraderformat import MetadataValidator

from patchbook.grading.notebooks.repair import repair
from patchbook.grading.notebooks.submissions import Unreadable, find_submissions, notebook_of, read_notebook
from tests.project import toy
from tests.project.toy import CHAPTER, as_colab_saves, cell_of, hand_in, place_of, released, solved

RELEASED = released()


def mend(notebook, tmp_path):
    """Through the file, as grading does: write it, read it, repair it."""
    mended, said = repair(read_notebook(hand_in(tmp_path, "ada", notebook)), RELEASED)
    nbformat.validate(mended)
    MetadataValidator().validate_nb(mended)
    return mended, said


def test_an_intact_notebook_is_left_alone(tmp_path):
    wanted = solved()
    mended, said = mend(wanted, tmp_path)
    assert said == []
    assert [cell.source for cell in mended.cells] == [cell.source for cell in wanted.cells]
    assert [cell.metadata.get("nbgrader") for cell in mended.cells] == [
        cell.metadata.get("nbgrader") for cell in RELEASED.cells
    ]


def test_colab_loses_ids_and_metadata_and_they_come_back(tmp_path):
    wanted = solved()
    mended, said = mend(as_colab_saves(wanted), tmp_path)
    assert said == ["metadata put back in 9 cells"]
    assert [cell.id for cell in mended.cells] == [cell.id for cell in wanted.cells]
    assert (mended.nbformat, mended.nbformat_minor) == (4, 5)
    for name in ("double", "test_double", "interpret_toy"):
        assert cell_of(mended, name).metadata == cell_of(RELEASED, name).metadata
        assert cell_of(mended, name).source == cell_of(wanted, name).source


def test_without_marker_and_metadata_the_function_name_is_enough(tmp_path):
    notebook = as_colab_saves(solved(double="def double(x):\n    return x + x"))
    for cell in notebook.cells:
        cell.source = cell.source.replace("# EXERCISE double\n", "")
    mended, said = mend(notebook, tmp_path)
    assert cell_of(mended, "double").source == "def double(x):\n    return x + x"
    assert "double: found by its name" in said


def test_a_copied_stub_is_dropped_wherever_it_stands(tmp_path):
    for offset in (0, 1):
        notebook = solved()
        at = place_of(notebook, "double")
        notebook.cells.insert(at + offset, copy.deepcopy(cell_of(RELEASED, "double")))
        mended, said = mend(notebook, tmp_path)
        assert sum("def double(" in cell.source for cell in mended.cells) == 1
        assert "return 2 * x" in cell_of(mended, "double").source
        assert said == [f"double: stood 2 times, number {2 - offset} counts"]


def test_of_two_answers_the_one_that_the_check_sees_counts(tmp_path):
    notebook = solved(double="def double(x):\n    return 1")
    second = copy.deepcopy(cell_of(notebook, "double"))
    second.source = "# EXERCISE double\ndef double(x):\n    return 2"
    third = copy.deepcopy(second)
    third.source = third.source.replace("return 2", "return 3")
    at = place_of(notebook, "double")
    notebook.cells[at + 1 : at + 1] = [second]
    notebook.cells.append(third)
    mended, _ = mend(notebook, tmp_path)
    assert "return 2" in cell_of(mended, "double").source
    assert any("return 1" in cell.source for cell in mended.cells), "no work of the learner's is lost"
    assert any("return 3" in cell.source for cell in mended.cells)


def test_a_copied_check_counts_once(tmp_path):
    notebook = solved()
    notebook.cells.insert(place_of(notebook, "test_double"), copy.deepcopy(cell_of(notebook, "test_double")))
    mended, said = mend(notebook, tmp_path)
    assert sum("# CHECK double" in cell.source for cell in mended.cells) == 1
    assert said == ["check of double: stood 2 times, number 2 counts"]


def test_deleted_cells_come_back(tmp_path):
    notebook = solved()
    for name in ("test_double", "shout", "interpret_toy"):
        del notebook.cells[place_of(notebook, name)]
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("# SETUP")]
    mended, said = mend(notebook, tmp_path)
    assert place_of(mended, "test_double") == place_of(mended, "double") + 1
    assert cell_of(mended, "shout").source == cell_of(RELEASED, "shout").source
    assert place_of(mended, "shout") < place_of(mended, "test_shout")
    assert mended.cells[0].source.startswith("# SETUP")
    assert "the setup cell was deleted, put back" in said and "check of double: was deleted, put back" in said


def test_a_check_above_its_exercise_moves_below_it(tmp_path):
    notebook = solved()
    check = notebook.cells.pop(place_of(notebook, "test_double"))
    notebook.cells.insert(1, check)
    mended, said = mend(notebook, tmp_path)
    assert place_of(mended, "test_double") == place_of(mended, "double") + 1
    assert said == ["check of double: stood above its exercise, moved below it"]


def test_graded_cells_that_were_moved_come_back_in_the_released_order(tmp_path):
    notebook = solved()
    graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    own = new_code_cell("mine = 1")
    notebook.cells = [notebook.cells[0], *reversed(graded[2:]), own, *reversed(graded[:2])]
    mended, said = mend(notebook, tmp_path)
    order = [c.metadata.nbgrader.grade_id for c in mended.cells if "nbgrader" in c.metadata]
    assert order == [cell.metadata.nbgrader.grade_id for cell in graded]
    assert "exercises stood in another order, put back in the released one" in said
    assert [cell.source for cell in mended.cells].count("mine = 1") == 1
    assert cell_of(mended, "shout").source == cell_of(solved(), "shout").source


def test_a_retyped_cell_and_an_edited_check_are_read_as_released(tmp_path):
    notebook = solved()
    cell_of(notebook, "shout").cell_type = "markdown"
    del cell_of(notebook, "shout")["outputs"], cell_of(notebook, "shout")["execution_count"]
    cell_of(notebook, "test_double").source = "# CHECK double\npass"
    mended, said = mend(notebook, tmp_path)
    assert cell_of(mended, "shout").cell_type == "code"
    assert cell_of(mended, "test_double").source == cell_of(RELEASED, "test_double").source
    assert said == [
        "check of double: was edited, the released check is used",
        "shout: was turned into markdown, read as code",
    ]


def test_a_learner_cannot_switch_a_cell_off_or_raise_its_points(tmp_path):
    notebook = solved()
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution"]
    cell_of(notebook, "test_double").metadata.nbgrader.points = 300
    mended, _ = mend(notebook, tmp_path)
    assert not any("tags" in cell.metadata for cell in mended.cells)
    assert cell_of(mended, "test_double").metadata.nbgrader.points == 3


# --- files that are not notebooks --------------------------------------------------------------------

DAMAGED = {
    "the file is empty": "",
    "damaged after line 1": json.dumps(solved())[:900],
    "a web page": "<!doctype html><html></html>",
    "not a notebook": '{"a": 1}',
    "not a notebook (": '[{"cells": 3}]',
    "not a notebook (A": '{"nbformat": 4, "cells": [{"source": "x"}]}',
    "not a notebook (T": '{"nbformat": 4, "cells": [{"cell_type": "code", "source": 7}]}',
    "damaged": "[" * 100_000,
    "1,001 cells": json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "1"}] * 1001}),
    "it breaks off": '{"nbformat": ' + "4" * 5000 + "}",
}


@pytest.mark.parametrize(("says", "text"), DAMAGED.items(), ids=DAMAGED)
def test_a_file_that_is_no_notebook_is_unreadable_with_a_reason(tmp_path, says, text):
    with pytest.raises(Unreadable, match="ask for") as refused:
        read_notebook(hand_in(tmp_path, "ada", text))
    assert says in str(refused.value)


def test_a_link_a_folder_and_an_image_are_unreadable(tmp_path):
    secret = hand_in(tmp_path / "teacher", "key", solved())
    link = tmp_path / "link.ipynb"
    link.symlink_to(secret)
    image = tmp_path / "image.ipynb"
    image.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    for path in (link, secret.parent, image):
        with pytest.raises(Unreadable):
            read_notebook(path)


def test_odd_but_readable_files_are_read(tmp_path):
    path = hand_in(tmp_path, "ada", "\ufeff" + nbformat.writes(solved()))  # a byte order mark
    assert repair(read_notebook(path), RELEASED)[1] == []
    raw = json.loads(nbformat.writes(solved()))
    raw["cells"][0]["metadata"] = None
    raw["cells"][0]["source"] = "half a pair: \ud800"
    raw["cells"][1]["metadata"]["name"] = raw["metadata"]["title"] = "\ud800"
    mended, _ = repair(read_notebook(hand_in(tmp_path, "ada", json.dumps(raw))), RELEASED)
    nbformat.writes(mended).encode("utf-8")


def test_a_browsers_copy_is_found_and_the_exact_name_wins(tmp_path):
    hand_in(tmp_path, "ada", solved(), name=f"{CHAPTER} (1)")
    assert notebook_of(tmp_path / "ada", CHAPTER).name == "00_toy (1).ipynb"
    hand_in(tmp_path, "ada", solved())
    assert notebook_of(tmp_path / "ada", CHAPTER).name == "00_toy.ipynb"


def test_who_handed_in_nothing_is_listed_and_an_empty_class_is_refused(tmp_path):
    hand_in(tmp_path, "ada", solved())
    (tmp_path / "grace").mkdir()
    (tmp_path / ".cache").mkdir()
    found = find_submissions(tmp_path, [CHAPTER, "01_later"])
    assert [(s.learner, s.chapter, s.path is None) for s in found] == [
        ("ada", CHAPTER, False),
        ("grace", CHAPTER, True),
    ]
    with pytest.raises(FileNotFoundError, match=r"ada-lovelace.01_later\.ipynb"):
        find_submissions(tmp_path, ["01_later"])


def test_the_toy_course_has_every_kind_of_graded_cell():
    kinds = {(c.cell_type, c.metadata.nbgrader.grade) for c in RELEASED.cells if "nbgrader" in c.metadata}
    assert kinds == {("code", True), ("code", False), ("markdown", True)}
    assert toy.HOME.is_dir()
