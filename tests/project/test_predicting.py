"""Predict before you run: a prediction is committed before the cell that says what came out."""

import re

import pytest

from patchbook import predict, reveal
from patchbook.authoring import find_course
from patchbook.authoring.release import release_notebook
from patchbook.authoring.source import source_notebook

COURSE = find_course()
OTHERS = ("00", "08")  # a warm-up; a claim of one's own, which is all prediction
CHAPTERS = [chapter for chapter in COURSE.chapters if chapter[:2] not in OTHERS]
PREDICT = re.compile(r'predict\("(\w+)", "\?"\)  # .+')
REVEAL = re.compile(r'reveal\("(\w+)", ')


class Faulty:
    def __repr__(self):
        raise RuntimeError("a learner's own fault")


def test_what_came_out_stands_beside_what_was_committed(capsys):
    predict("halves", 0.5)
    reveal("halves", 1 / 3)
    predict("halves", "?")  # taken back
    reveal("halves", -1e-9)
    reveal("never", "L0H3")
    assert capsys.readouterr().out.splitlines() == [
        "Your prediction: 0.5",
        "You predicted 0.5. It is 0.33.",
        "No prediction yet: write yours in place of the question mark.",
        "It is 0.00. (You committed no prediction: the surprise is half of the lesson.)",
        "It is L0H3. (You committed no prediction: the surprise is half of the lesson.)",
    ]


@pytest.mark.parametrize("prediction", [Faulty(), None, "two\nlines", "long " * 100, float("nan"), [1, [2]]])
def test_no_prediction_raises_or_takes_more_than_a_line(prediction, capsys):
    predict("strange", prediction)
    reveal("strange", 1)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_page_says_the_answer_only(capsys, monkeypatch):
    monkeypatch.setenv("PATCHBOOK_FIGURES", "book")
    predict("halves", "?")
    reveal("halves", 0.25)
    assert capsys.readouterr().out == "It is 0.25.\n"


def test_each_chapter_asks_for_two_predictions_or_more_before_it_shows_what_came_out():
    names = []
    for chapter in CHAPTERS:
        cells = release_notebook(source_notebook(COURSE, chapter)).cells
        asked = {m[1]: i for i, cell in enumerate(cells) if (m := PREDICT.fullmatch(cell.source))}
        shown = {name: i for i, cell in enumerate(cells) for name in REVEAL.findall(cell.source)}
        assert len(asked) >= 2 and asked.keys() == shown.keys(), chapter
        assert all(place < shown[name] for name, place in asked.items()), chapter
        assert all("**Predict.**" in cells[place - 1].source for place in asked.values()), chapter
        assert all("demo" in cells[place].metadata.tags for place in shown.values()), chapter
        names += asked
    assert len(names) == len(set(names))
