"""Answers put together: by what they compute, by their text up to names, by what came after a diagnosis."""

import json
from dataclasses import replace

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import patchbook
from patchbook import attempts
from patchbook.authoring.head import CONSENT
from patchbook.checking import CheckFailed, Outcome, Record, observe
from patchbook.grading.judging.judge import decide_by
from patchbook.grading.report.copies import OWN, copies, normal, phrases_in, phrases_of
from patchbook.grading.report.groups import Kinds, groups_of
from patchbook.grading.report.reading import RIGHT, WRONG, Item, Work
from patchbook.grading.serving.pages import data_of, with_comments, work_from
from patchbook.tests import hooks_and_caches as tests

CHECK = replace(tests.test_attention_from_q_and_k.check, mistakes=())  # nothing is named


def unscaled(q, k):
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k)
    return scores.masked_fill(torch.ones_like(scores).triu(1) > 0, float("-inf")).softmax(-1)


def unscaled_in_another_style(q, k):
    scores = q.double().transpose(1, 2) @ k.double().permute(0, 2, 3, 1)
    return (scores + torch.full_like(scores, -1e30).triu(1)).softmax(-1).float()


def unmasked(q, k):
    return torch.einsum("bqhd,bkhd->bhqk", q, k).softmax(-1)


def another_shape(q, k):
    return unmasked(q, k)[0]


def broken(q, k):
    return q @ k.reshape(7, -1)


def not_numbers(q, k):
    return unmasked(q, k) * float("nan")


WAYS = (unscaled, unscaled_in_another_style, unmasked, another_shape, broken, not_numbers)


def work(learner, *items):
    return Work(learner, "00_toy", "ok", 1.0, items=items)


def answer(code, state=WRONG, fingerprint=()):
    return Item("double", 1.0, 0.0, state, code=code, fingerprint=list(fingerprint))


def test_answers_that_compute_the_same_are_one_group_whatever_their_text():
    verdicts = {way.__name__: decide_by(CHECK, 0, observe(CHECK, way).to_bytes()) for way in WAYS}
    prints = {name: json.loads(json.dumps(verdict.fingerprint)) for name, verdict in verdicts.items()}
    assert all(prints.values()) and max(len(json.dumps(one)) for one in prints.values()) < 2000
    works = [work(name, answer(name, fingerprint=one)) for name, one in prints.items()]
    kinds = Kinds()
    groups = groups_of(works, kinds)
    assert groups[0].learners == ("unscaled", "unscaled_in_another_style")
    assert [len(group.learners) for group in groups] == [2, 1, 1, 1, 1]
    again = groups_of(works[1:2], kinds)
    assert again[0].kind == groups[0].kind, "a group's name lasts when its first answer is gone"


def test_a_comment_stands_on_the_page_that_serve_shows_at_once(tmp_path, capsys):
    kinds, shown = Kinds(), work("ada", answer("x", fingerprint=[["0"], ["ab"]]))
    (group,) = groups_of([shown], kinds)
    kinds.write(tmp_path)
    comments, stored = tmp_path / "comments.toml", work_from(data_of(shown))
    assert with_comments(stored, tmp_path).items == shown.items
    comments.write_text(f'[[comment]]\ngroup = "{group.kind.id}"\ntext = "Twice."')
    assert with_comments(stored, tmp_path).items[0].comment == "Twice."
    comments.write_text("[[comment")
    assert with_comments(stored, tmp_path).items == shown.items and "comments.toml" in capsys.readouterr().err


def test_a_forged_record_has_no_fingerprint_and_a_verdict_all_the_same():
    deep = []
    for _ in range(300):
        deep = [deep]
    error = {"kinds": ["X"], "message": "m" * 10**6, "line": "", "number": None}
    for outcome in (
        Outcome("", deep),
        Outcome("", {1: torch.full((9,), 1e308, dtype=torch.float64)}),
        Outcome("", error=error),
    ):
        record = Record(CHECK.exercise, 0, [outcome] * len(CHECK.cases(0)))
        verdict = decide_by(CHECK, 0, record.to_bytes())
        assert not verdict.passed and len(json.dumps(verdict.fingerprint)) < 2000
    assert decide_by(CHECK, 0, b"x").diagnosis == "unfit"
    named = decide_by(tests.test_attention_from_q_and_k.check, 0, observe(CHECK, unscaled).to_bytes())
    assert named.diagnosis == "no-scale" and named.fingerprint == []


LONG = '''
def double(x: int) -> int:
    """Mine."""
    table = {i: i + i for i in range(100)}  # all of them
    for key, value in table.items():
        if key == x and value % 2 == 0 or value > 10 ** 6:
            return value - (key - x) * 17
    raise ValueError(f"no {x}")
'''
RENAMED = """
def double(number):

    doubled = {n: n + n for n in range(100)}
    for k, twice in doubled.items():
        if k == number and twice % 2 == 0 or (twice > 10**6):
            return twice - (k - number) * 17
    raise ValueError(f"no {number}")
"""


def test_the_same_text_from_two_is_a_question_with_how_rare_it_is(tmp_path):
    works = [
        work("ada", answer(LONG, RIGHT)),
        work("bob", answer(RENAMED, RIGHT)),
        work("cleo", answer(LONG.replace("17", "18"))),
        *(work(name, answer("def double(x):\n    return 2 * x", RIGHT)) for name in ("dan", "eve")),
        work("finn", answer("def double(x", WRONG)),
    ]
    (row,) = copies(works, {})
    assert row.learners == ("ada", "bob"), "what is short is left out"
    assert (row.texts[0].answers, row.texts[0].others) == (5, 2)
    assert len(phrases_in(normal(LONG))) >= OWN
    path = tmp_path / "source" / "00_toy" / "00_toy.ipynb"
    path.parent.mkdir(parents=True)
    for cell in (new_code_cell(RENAMED), new_markdown_cell(f"A hint:\n\n```python{RENAMED}```\n")):
        nbformat.write(new_notebook(cells=[cell]), path)
        assert not copies(works, phrases_of(tmp_path, ["00_toy"])), "what the course says is no one's"


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """The folder of a notebook whose learner has said yes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(attempts, "_kept", {"file": None, "latest": {}})
    monkeypatch.delenv("PATCHBOOK_FIGURES", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return tmp_path


def test_attempts_are_kept_by_consent_only_and_say_what_a_message_was_worth(beside, monkeypatch, capsys):
    def fails(way):
        with pytest.raises(CheckFailed):
            tests.test_attention_from_q_and_k(way)

    file, right = beside / attempts.FILE, lambda q, k: unscaled(q / q.shape[-1] ** 0.5, k)
    exec(CONSENT, {})
    fails(unscaled)
    assert not file.exists() and capsys.readouterr().out == "", "off by default, without a word"
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    patchbook.keep_attempts()
    fails(unscaled)
    assert not file.exists(), "never while a notebook is graded"
    monkeypatch.delenv("NBGRADER_EXECUTION")
    exec(CONSENT.replace("False", "True"), {})
    assert str(file) in capsys.readouterr().out
    for way in (unscaled, unscaled, unmasked, unscaled_in_another_style):  # the second is the same cell again
        fails(way)
    tests.test_attention_from_q_and_k(right, seed=11)  # hidden
    tests.test_attention_from_q_and_k(right)
    patchbook.keep_attempts(False)
    fails(unmasked)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["diagnosis"] for line in lines] == ["no-scale", "first-difference", "no-scale", ""]
    assert {*lines[0]} == {"exercise", "diagnosis", "time"}
    (beside / "other.jsonl").write_text(
        '{"exercise": "x\\u001b[31m", "diagnosis": "", "time": "now"}\n[1]\n\xff'
    )
    rows, files = attempts.worth_of_feedback(beside)
    assert files == 2
    found = {row.diagnosis: (row.learners, row.given, row.again, row.right, row.same) for row in rows}
    assert found == {"no-scale": (1, 2, 2, 1, 0), "first-difference": (1, 1, 1, 0, 0)}
    assert "1 (50 %)" in attempts.table(rows).splitlines()[1]
