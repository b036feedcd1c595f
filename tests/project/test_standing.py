"""How far a learner is: what a notebook prints after a check that passed, and when asked."""

import json
import re
from contextlib import suppress
from types import SimpleNamespace

import pytest

import patchbook
from patchbook.authoring import find_course
from patchbook.authoring.outline import outline_path, outline_text
from patchbook.checking import CheckFailed, keeping, standing
from patchbook.grading.kernels.manager import kernel_environment
from patchbook.tests import hooks_and_caches as tests


@pytest.fixture(autouse=True)
def at_the_beginning(monkeypatch):
    monkeypatch.setattr(standing, "_passed", set())
    monkeypatch.setattr(standing, "_latest", [])
    monkeypatch.delenv("PATCHBOOK_FIGURES", raising=False)


@pytest.fixture
def notebook(monkeypatch, tmp_path):
    """A person at a notebook, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=None))
    return tmp_path / keeping.FILE


def restart(monkeypatch) -> None:
    monkeypatch.setattr(standing, "_passed", set())


@pytest.fixture
def passes():
    """A learner's own function that is right: the reference itself is refused."""
    import torch

    def attention_from_q_and_k(q, k):
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
        return scores.masked_fill(torch.ones_like(scores).triu(1) > 0, float("-inf")).softmax(-1)

    return attention_from_q_and_k


def test_a_check_that_passed_says_how_far_one_is(passes, capsys):
    for _ in range(2):  # an exercise counts once
        tests.test_attention_from_q_and_k(passes)
        assert capsys.readouterr().out.split("\n")[1] == "  1 of 5 checks passed · 3 of 11 points"


def test_a_hidden_test_says_nothing_of_it(passes, capsys):
    tests.test_attention_from_q_and_k(passes, seed=11)
    assert capsys.readouterr().out.count("\n") == 1 and not standing._passed


def test_a_page_of_the_book_is_nobodys_session(passes, capsys, monkeypatch):
    monkeypatch.setenv("PATCHBOOK_FIGURES", "book")
    tests.test_attention_from_q_and_k(passes)
    assert capsys.readouterr().out.count("\n") == 1


def test_what_does_not_pass_any_more_does_not_count(passes, capsys):
    tests.test_attention_from_q_and_k(passes)
    with pytest.raises(CheckFailed):
        tests.test_attention_from_q_and_k(lambda q, k: q)
    patchbook.progress()
    assert "0 of 5 checks passed · 0 of 11 points" in capsys.readouterr().out


def test_progress_names_what_passed_and_what_is_next(passes, capsys):
    tests.test_attention_from_q_and_k(passes)
    capsys.readouterr()
    patchbook.progress()
    said = capsys.readouterr().out
    assert said.startswith("0 · Hooks and caches: 1 of 5 checks passed · 3 of 11 points\n")
    assert re.search(r"^  ✓ attention_from_q_and_k +3  from q and k to the pattern$", said, re.MULTILINE)
    assert re.search(r"^  ○ zero_ablate_head_hook +2  switch a head off$", said, re.MULTILINE)
    assert "Next: zero_ablate_head_hook (switch a head off)." in said
    for name in standing.chapters()["00_hooks_and_caches"]["exercises"]:
        standing.note(name, right=True)
    patchbook.progress()
    assert "\nOpen checks passed; hidden ones run at grading.\n" in capsys.readouterr().out


def test_what_passed_before_a_restart_has_passed_earlier(notebook, passes, capsys, monkeypatch):
    tests.test_attention_from_q_and_k(passes)
    assert json.loads(notebook.read_text()) == {"passed": ["attention_from_q_and_k"]}
    restart(monkeypatch)
    capsys.readouterr()
    patchbook.progress()
    said = capsys.readouterr().out
    assert "0 of 5 checks passed (and 1 earlier) · 0 of 11 points" in said
    assert "◐ attention_from_q_and_k" in said and "(passed earlier)" in said
    assert "Next: zero_ablate_head_hook" in said and f"Kept in {notebook}, and sent nowhere.\n" in said
    tests.test_attention_from_q_and_k(passes)
    assert "1 of 5 checks passed · 3 of 11 points" in capsys.readouterr().out


@pytest.mark.parametrize("answer", [lambda q, k: q, None], ids=["wrong", "unwritten"])
def test_an_answer_that_was_changed_since_has_not_passed_earlier(notebook, passes, monkeypatch, answer):
    def stub(q, k):
        raise NotImplementedError("exercise attention_from_q_and_k")

    tests.test_attention_from_q_and_k(passes)
    restart(monkeypatch)
    with suppress(CheckFailed):
        tests.test_attention_from_q_and_k(answer or stub)
    assert keeping.kept() == set()


def test_progress_is_kept_in_a_mounted_drive_and_says_where_it_goes_with_the_session(
    notebook, passes, capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr(keeping, "COLAB", tmp_path)
    tests.test_attention_from_q_and_k(passes)
    patchbook.progress()
    assert "mount your Drive to keep it" in capsys.readouterr().out
    drive = tmp_path / "drive"
    drive.mkdir()
    monkeypatch.setattr(keeping, "DRIVE", drive)
    tests.test_attention_from_q_and_k(passes)
    assert (drive / keeping.FILE).is_file()
    patchbook.progress()
    assert "mount your Drive" not in capsys.readouterr().out


def test_nothing_is_kept_by_scripts_by_the_book_and_in_grading(notebook, passes, monkeypatch):
    name, value = "NBGRADER_EXECUTION", kernel_environment()["NBGRADER_EXECUTION"]
    for variable, its in ((name, value), ("PATCHBOOK_FIGURES", "book")):
        with monkeypatch.context() as here:
            here.setenv(variable, its)
            tests.test_attention_from_q_and_k(passes)
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    tests.test_attention_from_q_and_k(passes)
    assert not notebook.exists()


@pytest.mark.parametrize("text", ["", "[]", '{"passed": 3}', '{"passed": [["a"], 3]}', "\x00"])
def test_a_file_that_is_not_ours_or_cannot_be_written_stops_nothing(notebook, passes, text):
    notebook.write_text(text)
    assert keeping.kept() == set()
    notebook.unlink()
    notebook.mkdir()
    tests.test_attention_from_q_and_k(passes)
    assert keeping.kept() == set()


def test_progress_finds_the_chapter_by_the_checks_that_a_notebook_imported(capsys, monkeypatch):
    import __main__

    monkeypatch.setattr(__main__, "tests", tests, raising=False)
    patchbook.progress()
    assert capsys.readouterr().out.startswith("0 · Hooks and caches: 0 of 5")


def test_progress_speaks_of_every_chapter_where_none_is_open(capsys):
    patchbook.progress()
    assert capsys.readouterr().out.count(" checks passed · 0 of ") == len(find_course().chapters)


def test_an_answer_in_words_waits_for_a_person(capsys):
    standing.note("find_repeating_rows", right=False)
    patchbook.progress()
    assert re.search(r"^Questions to answer in words: \d+, for \d+ points that a person gives\.$",
                     capsys.readouterr().out, re.MULTILINE)  # fmt: skip


def test_where_the_chapters_are_not_known_nothing_is_said(passes, capsys, monkeypatch):
    monkeypatch.setattr("patchbook.outline.chapters", dict)
    tests.test_attention_from_q_and_k(passes)
    assert capsys.readouterr().out.count("\n") == 1


def test_the_outline_is_that_of_the_current_course_and_is_installed():
    course = find_course()
    assert outline_path(course).read_text(encoding="utf-8") == outline_text(course)
    assert json.loads(outline_text(course)) == {"book": course.book(), "chapters": standing.chapters()}


def test_every_exercise_has_a_title_and_names_are_unique():
    exercises = [(n, e) for c in standing.chapters().values() for n, e in c["exercises"].items()]
    assert len({name for name, _ in exercises}) == len(exercises)
    assert all(e["title"] and e["points"] > 0 for _, e in exercises)
