"""The messages of a check that the README and the book show are those that it prints."""

import re

import pytest
import torch

from patchbook.authoring import find_course
from patchbook.checking import CheckFailed, standing
from patchbook.tests import hooks_and_caches as tests

ROOT = find_course().root
BLOCK = re.compile(r"^```(?:text|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def softmax_over(axis: int):
    """The exercise's answer with the softmax along an axis of (batch, head, query, key)."""

    def attention_from_q_and_k(q, k):
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / q.shape[-1] ** 0.5
        ahead = torch.ones_like(scores, dtype=torch.bool).triu(diagonal=1)
        scores = scores.masked_fill(ahead, float("-inf"))
        return scores.softmax(dim=axis)

    return attention_from_q_and_k


@pytest.fixture
def said(monkeypatch, capsys):
    """What a notebook shows below the check, for an axis."""
    monkeypatch.setattr(standing, "_passed", set())
    monkeypatch.delenv("PATCHBOOK_FIGURES", raising=False)

    def run(axis: int) -> str:
        try:
            tests.test_attention_from_q_and_k(softmax_over(axis))
        except CheckFailed as failed:
            return failed._render_traceback_()[0] + "\n"
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("page", ["book/index.md", "book/colab.md"])
def test_a_page_shows_a_wrong_answer_and_a_right_one_as_they_are_told(page, said):
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    answers = [(place, re.search(r"softmax\(dim=(\d)\)\n$", block)) for place, block in enumerate(blocks)]
    shown = [(blocks[place + 1], int(found[1])) for place, found in answers if found]
    assert [message for message, _ in shown] == [said(axis) for _, axis in shown]
    assert [message[:11] for message, _ in shown] == ["CheckFailed", "✓ attention"]


def test_the_readme_shows_a_message_as_it_is(said):
    (message,) = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert message == said(2)
