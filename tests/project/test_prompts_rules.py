"""Corruptions by rule: names change as the rule says, nothing else does, and a bad rule is explained."""

import pytest
import torch

from patchbook.prompts.ioi import TEMPLATES, IOIDataset, parse_rule
from patchbook.prompts.rules import READS, new_letters, reading, renamed
from tests.project.prompt_sets import MIXED, spaced, word_at

EVERYTHING = 4 * len(TEMPLATES)  # each template twice in each order
RULES = [MIXED, "ABB->BAA, BAB->ABA", "ABB->XAA,BAB->AXA", "ABB->CDD, BAB->DCD", "ABB->AAA, BAB->BBX"]


@pytest.mark.parametrize("rule", RULES)
def test_a_flip_changes_names_and_nothing_else(tokenizer, rule):
    ds = IOIDataset("mixed", EVERYTHING, tokenizer, seed=2)
    flipped = ds.gen_flipped_prompts(rule)
    assert all(torch.equal(ds.word_idx[role], flipped.word_idx[role]) for role in ds.word_idx)
    is_name = torch.zeros_like(ds.toks, dtype=torch.bool)
    for role in ("IO", "S1", "S2"):
        is_name[torch.arange(ds.N), ds.word_idx[role]] = True
    assert torch.equal(ds.toks[~is_name], flipped.toks[~is_name])
    assert (ds.io_tokenIDs, ds.s_tokenIDs) == (flipped.io_tokenIDs, flipped.s_tokenIDs)
    assert torch.equal(ds.attention_mask, flipped.attention_mask) and len(flipped.groups) == len(ds.groups)


@pytest.mark.parametrize("rule", RULES)
def test_letters_keep_swap_or_renew_names_as_the_rule_says(tiny, rule):
    ds = IOIDataset("mixed", EVERYTHING, tiny)
    for old, new in zip(ds, ds.gen_flipped_prompts(rule), strict=True):
        before, after = READS[old.order], parse_rule(rule)[READS[old.order]]
        meaning = dict(zip(before + after, old.names + new.names, strict=True))
        assert meaning["A"] == old.IO and meaning["B"] == old.S
        assert len(set(meaning.values())) == len(meaning), "two letters share a name"
        assert new.names == tuple(meaning[letter] for letter in after)


def test_flipped_words_are_read_at_the_roles_of_the_original(tiny):
    swapped = IOIDataset("mixed", 20, tiny).gen_flipped_prompts("ABB->BAA, BAB->ABA")
    assert word_at(swapped, "IO") == spaced(p.S for p in swapped)
    assert word_at(swapped, "S1") == word_at(swapped, "S2") == spaced(p.IO for p in swapped)


def test_new_names_never_collide_however_few_there_are(tiny):
    ds = IOIDataset("mixed", 60, tiny, names=["Mary", "John", "Tom", "James", "Dan"])
    for old, new in zip(ds, ds.gen_flipped_prompts(MIXED), strict=True):
        assert len({*old.names, *new.names}) == 5
    with pytest.raises(ValueError, match=r"wanted 3 new names .* only 2"):
        IOIDataset("ABBA", 3, tiny, names=["Mary", "John", "Tom", "James"]).gen_flipped_prompts("ABB->XYZ")


@pytest.mark.parametrize(
    "rule, message",
    [
        ("", "an empty one"),
        ("  ", "an empty one"),
        ("ABB->XYZ,", "a comma too many"),
        ("ABB", "wanted one arrow"),
        ("ABB-XYZ", "wanted one arrow"),
        ("ABB->XYZ BAB->XYZ", "wanted one arrow"),
        ("ABBA->XYZZ", "three letters on each side.*'ABBA->XYZZ' has 'ABBA'"),
        ("ABB->XY", "three letters on each side.*has 'XY'"),
        ("ABB->xyz", "three letters on each side, capitals"),
        ("ABB->X1Z", "three letters on each side"),
        ("ABA->XYZ", "no prompt reads 'ABA'.*ABB.*BAB"),
        ("ABB->XYZ, ABB->BAA", "more than once"),
    ],
)
def test_a_bad_rule_says_what_is_wrong(tiny, rule, message):
    with pytest.raises(ValueError, match=message):
        IOIDataset("mixed", 2, tiny).gen_flipped_prompts(rule)


def test_a_rule_is_a_string():
    with pytest.raises(TypeError, match=r"wanted a rule as a string.*got dict"):
        parse_rule({"ABB": "XYZ"})


def test_a_rule_must_say_something_about_every_prompt(tiny):
    with pytest.raises(ValueError, match=r"nothing about prompts of type BABA(.|\n)*BAB->XYZ"):
        IOIDataset("mixed", 2, tiny).gen_flipped_prompts("ABB->XYZ")
    assert IOIDataset("ABBA", 2, tiny).gen_flipped_prompts(MIXED).N == 2, "a part too many does no harm"


def test_names_that_repeat_nobody_cannot_be_flipped_again(tiny):
    abc = IOIDataset("mixed", 2, tiny).gen_flipped_prompts(MIXED)
    with pytest.raises(ValueError, match="Was this prompt corrupted before"):
        abc.gen_flipped_prompts(MIXED)
    for names in [("Mary", "Mary", "John"), ("Mary", "Mary", "Mary")]:
        with pytest.raises(ValueError, match="read A B B or B A B"):
            reading(names)


def test_fresh_names_are_used_in_order_of_appearance():
    assert new_letters("BAB", "XAY") == ["X", "Y"] and new_letters("ABB", "BAA") == []
    assert renamed(("John", "Mary", "John"), "XAY", ["Tom", "Ann"]) == ("Tom", "Mary", "Ann")
    assert new_letters("ABB", "XXY") == ["X", "Y"], "a letter that stands twice is one name"
    assert renamed(("Mary", "John", "John"), "XXY", ["Tom", "Ann"]) == ("Tom", "Tom", "Ann")
