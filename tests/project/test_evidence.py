"""Evidence says for and against by its lines, whichever way they lie; tables keep their columns apart."""

import pytest

from patchbook.patching.evidence import Evidence, argued
from patchbook.plots import table

MUCH, LITTLE = {"supports": 0.5, "opposes": 0.2}, {"supports": 0.1, "opposes": 0.3}


@pytest.mark.parametrize(
    "what, value, lines, verdict",
    [
        ("all of the answer is lost without the heads that are said to be needed", 1.0, MUCH, "for"),
        ("more than all is lost: the answer turns round", 1.4, MUCH, "for"),
        ("nothing is lost without them", 0.0, MUCH, "against"),
        ("the answer gains without them", -0.3, MUCH, "against"),
        ("15.58 of 15.6 logits hang on the place, which only a noticed repeat tells", 0.999, MUCH, "for"),
        ("a third is lost", 0.33, MUCH, "open"),
        ("on the line", 0.5, MUCH, "for"),
        ("on the other line", 0.2, MUCH, "against"),
        ("nothing is left when everything said to be needed is gone", 0.0, LITTLE, "for"),
        ("less than nothing is left", -0.5, LITTLE, "for"),
        ("nearly all is left", 0.9, LITTLE, "against"),
        ("a fifth is left", 0.2, LITTLE, "open"),
        ("nobody could measure it", float("nan"), MUCH, "open"),
        ("nobody could measure it", float("nan"), LITTLE, "open"),
    ],
)
def test_a_number_is_judged_by_its_lines(what, value, lines, verdict):
    assert Evidence(what, value, **lines).verdict == verdict


def test_lines_that_are_one_line_are_refused():
    with pytest.raises(ValueError, match=r"two different lines.*0\.5.*'kept'"):
        Evidence("kept", 0.7, supports=0.5, opposes=0.5)


def test_a_claim_stands_above_its_evidence_sorted_by_what_it_says():
    evidence = [
        Evidence("{:.0%} is left", 0.9, **LITTLE),
        Evidence("{:.0%} is lost", 0.3, **MUCH),
        Evidence("{:.2f} of the attention", 0.61, **MUCH),
    ]
    assert argued("They write it.", evidence, untested="completeness").splitlines() == [
        "They write it.",
        "  for:      0.61 of the attention",
        "  against:  90% is left",
        "  open:     30% is lost",
        "  untested: completeness",
    ]
    assert argued("Nothing to say.", []) == "Nothing to say."
    nobody = Evidence("{:.0%} of their attention is on IO", float("nan"), **MUCH)
    assert nobody.said == "? of their attention is on IO (not measured)"


@pytest.mark.parametrize("odds", ["2.1:1", "156,591.4:1", "1,234,567,890,123.4:1"])
def test_columns_never_run_together(odds):
    header, first, second = table(
        ["right", "logits", "odds"], [["Mary", "11.96", odds], ["Bo", "-0.1", "1:1"]]
    ).splitlines()
    assert first.split() == ["Mary", "11.96", odds] and second.split() == ["Bo", "-0.1", "1:1"]
    assert "  " in first and header.split() == ["right", "logits", "odds"]
    assert first.endswith(odds) and len(first) == len(second) == max(len(header), len(first))


def test_words_stand_left_and_numbers_right():
    assert table(["", "n"], [["a", 7], ["long one", 12]]).splitlines() == [
        "           n",
        "a          7",
        "long one  12",
    ]


def test_a_row_that_is_too_short_is_named():
    with pytest.raises(ValueError, match=r"wanted 2 entries.*\['a'\]"):
        table(["x", "y"], [["a"]])
