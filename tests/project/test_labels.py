"""Lists of head labels: every way to be wrong is named, borderline heads are the learner's choice."""

from dataclasses import replace

import pytest
import torch

from patchbook.checking.labels import HeadScores, explain_labels
from patchbook.checking.record import Opaque

VALUES = torch.tensor([[0.02, 0.10, 0.05], [0.90, 0.45, 0.01], [0.04, 0.35, 0.70], [0.0, 0.6, 0.0]])
LOOKS_BACK = torch.zeros(4, 3).index_put((torch.tensor([0, 0]), torch.tensor([1, 2])), torch.tensor(0.8))
SCORES = HeadScores(
    "induction head", "induction score", VALUES, lookalikes={"previous-token head": LOOKS_BACK}
)
SURE, BORDERLINE = ["L1H0", "L2H2", "L3H1"], ["L1H1", "L2H1"]
NO_HEADS = HeadScores("induction head", "induction score", VALUES * 0.1)


@pytest.mark.parametrize("labels", [SURE, SURE[::-1], SURE + BORDERLINE, [BORDERLINE[1], *SURE]])
def test_sure_heads_with_any_borderline_ones_are_right(labels):
    assert explain_labels(SCORES, labels) is None


def test_a_model_without_such_heads_wants_an_empty_list():
    assert explain_labels(NO_HEADS, []) is None
    assert explain_labels(NO_HEADS, ["L1H0"]).id == "extra"


ROWS = {
    "empty": [],
    "missing": SURE[:2],
    "extra": [*SURE, "L0H0"],
    "all-heads": [f"L{layer}H{head}" for layer in range(4) for head in range(3)],
    "other-kind": ["L0H1", "L0H2"],
    "no-such-head": ["L4H0"],
    "named-twice": [*SURE, "L1H0"],
    "not-a-list": "L1H0",
    "not-labels": [(1, 0), (2, 2)],
}


def test_what_is_no_list_is_described_in_plain_words():
    came = [explain_labels(SCORES, labels).what for labels in (Opaque("builtins.set"), "L1H0", None)]
    assert came == [f"this is {words}; wanted a list." for words in ("a set", "the str 'L1H0'", "None")]


@pytest.mark.parametrize("diagnosis", ROWS)
def test_each_wrong_list_is_named(diagnosis):
    assert explain_labels(SCORES, ROWS[diagnosis]).id == diagnosis


def test_swapped_layer_and_head_are_named_where_both_exist():
    square = HeadScores("induction head", "induction score", VALUES[:3])
    assert explain_labels(square, ["L0H1", "L2H2"]).id == "layer-and-head-swapped"


@pytest.mark.parametrize("labels", [["1.0"], ["l1h0"], ["L01H0"], ["L1H0 "], ["L1 H0"], [None], [7]])
def test_odd_labels_are_shown(labels):
    cause = explain_labels(SCORES, labels)
    assert cause.id == "not-labels" and repr(labels[0]) in cause.what


def test_messages_give_the_measured_score_but_not_the_answer():
    extra = explain_labels(SCORES, ["L0H0", "L1H0", "L0H1"])
    assert (
        extra.what == "L0H0 (and 1 more of the list) is not an induction head: its induction score is 0.02."
    )
    missing = explain_labels(SCORES, SURE[:1])
    assert missing.what == "2 induction heads of this model are missing."
    assert not any(label in missing.what + missing.next for label in SURE)
    assert explain_labels(SCORES, SURE[1:]).what == "1 induction head of this model is missing."
    assert explain_labels(SCORES, ["L0H1"]).what == "this is a previous-token head; wanted induction heads."


def test_a_role_with_a_rule_says_what_was_measured_and_what_it_takes():
    details = {"lost at the output": torch.full_like(VALUES, torch.nan), "attention to IO": VALUES}
    role = replace(SCORES, details=details, rule="Look at IO.")
    extra = explain_labels(role, [*SURE, "L0H1"])
    assert extra.what == "L0H1 is not an induction head: attention to IO 0.10."
    wrong = [explain_labels(role, ROWS[name]) for name in ("extra", "empty", "missing", "all-heads")]
    assert {cause.next for cause in wrong} == {"Look at IO."}
