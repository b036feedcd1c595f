"""Prompts of days, months and seasons: answers, lengths and roles, under both tokenizers."""

import pytest
import torch

from patchbook import zoo
from patchbook.prompts.days import (
    CYCLES,
    PATTERNS,
    SURVEY,
    WAYS,
    DayPrompts,
    Pattern,
    moved,
    published_prompts,
    write_prompt,
    write_prompts,
    write_prompts_with_leads,
)
from tests.project.prompt_sets import gpt2_tokenizer

SENTENCES = [pattern for pattern in SURVEY if pattern.says_where]


def at(ds: DayPrompts, role: str) -> list[str]:
    """What stands at a role's position, prompt by prompt, as text."""
    rows = torch.arange(len(ds))
    return [ds.tokenizer.decode([token]) for token in ds.toks[rows, ds.word_idx[role]].tolist()]


def test_the_survey_covers_what_it_promises():
    assert {pattern.cycle for pattern in SURVEY} == set(CYCLES)
    for cycle in CYCLES:
        steps = {pattern.answer - pattern.last for pattern in SURVEY if pattern.cycle == cycle}
        lists = [p for p in SURVEY if p.cycle == cycle and not p.says_where]
        assert steps == {1, -1} and lists
        prompts = [p for pattern in SURVEY if pattern.cycle == cycle for p in write_prompts(pattern)]
        assert {p.wraps for p in prompts} == {True, False}


@pytest.mark.parametrize("pattern", SURVEY, ids=lambda p: p.name)
def test_answers_and_days_are_single_tokens_where_they_are_said_to_be(tokenizer, pattern):
    ds = DayPrompts(write_prompts(pattern), tokenizer)
    assert at(ds, "today") == [" " + p.today for p in ds]
    assert [tokenizer.decode([i]) for i in ds.answer_tokens.tolist()] == [" " + p.answer for p in ds]
    assert [tokenizer.decode([i]) for i in ds.wrong_tokens.tolist()] == [" " + p.today for p in ds]
    assert at(ds, "end") == [" " + pattern.text.split()[-1]] * len(ds)
    assert ("says_where" in ds.word_idx) == bool(pattern.says_where)


@pytest.mark.parametrize("pattern", SENTENCES, ids=lambda p: p.name)
def test_the_sentences_of_a_pattern_have_equal_length(tokenizer, pattern):
    ds = DayPrompts(write_prompts(pattern), tokenizer)
    assert at(ds, "says_where") == [" " + pattern.says_where] * len(ds)
    assert all(len(set(places.tolist())) == 1 for places in ds.word_idx.values())
    assert ds.word_idx["end"][0] == ds.toks.shape[1] - 1


def test_both_tokenizers_split_every_prompt_alike(tiny):
    gpt2 = gpt2_tokenizer()
    for text in (p.text for pattern in SURVEY for p in write_prompts(pattern)):
        assert tiny.tokenize(text) == gpt2.tokenize(text), text


def test_ragged_lists_end_at_their_own_last_token(tokenizer):
    ds = DayPrompts([*write_prompts(PATTERNS["list of two days"]), *write_prompts(SURVEY[1])], tokenizer)
    assert len(set(ds.word_idx["end"].tolist())) > 1
    assert at(ds, "end") == [" and"] * len(ds)
    for row, end, text in zip(ds.toks.tolist(), ds.word_idx["end"], ds.sentences, strict=True):
        assert tokenizer.decode(row[1 : end + 1]) == text


@pytest.mark.parametrize("cycle", CYCLES)
def test_a_cycle_has_no_end(cycle):
    words = zoo.words(cycle)
    assert moved(words[-1], 1, cycle) == words[0] and moved(words[0], -1, cycle) == words[-1]
    assert moved(words[0], len(words) + 2, cycle) == words[2]
    with pytest.raises(ValueError, match=f"one of the {cycle} .*'Someday'"):
        moved("Someday", 1, cycle)


@pytest.mark.parametrize(
    "name, start, text, answer, wrong, wraps",
    [
        ("tomorrow", "Sunday", "Today it is Sunday, tomorrow it is", "Monday", "Sunday", True),
        ("yesterday", "Monday", "Today it is Monday, yesterday it was", "Sunday", "Monday", True),
        ("yesterday", "Sunday", "Today it is Sunday, yesterday it was", "Saturday", "Sunday", False),
        ("list of two days", "Saturday", "Saturday, Sunday and", "Monday", "Sunday", True),
        ("list of three days", "Monday", "Monday, Tuesday, Wednesday and", "Thursday", "Wednesday", False),
        ("list of two months", "November", "November, December and", "January", "December", True),
        ("list of two seasons", "Winter", "Winter, Spring and", "Summer", "Spring", True),
    ],
)
def test_a_prompt_is_what_it_should_be(name, start, text, answer, wrong, wraps):
    prompt = write_prompt(PATTERNS[name], start)
    assert (prompt.text, prompt.answer, prompt.wrong, prompt.wraps) == (text, answer, wrong, wraps)


@pytest.mark.parametrize("way", WAYS)
def test_a_corrupted_set_changes_the_day_and_nothing_else(tokenizer, way):
    ds = DayPrompts(write_prompts(PATTERNS["tomorrow"]), tokenizer)
    other = ds.corrupted(way)
    changed = (ds.toks != other.toks).nonzero()
    assert changed.tolist() == [[i, int(place)] for i, place in enumerate(ds.word_idx["today"])]
    assert torch.equal(other.answer_tokens, ds.answer_tokens)
    assert torch.equal(other.wrong_tokens, ds.wrong_tokens)
    assert all(torch.equal(other.word_idx[role], ds.word_idx[role]) for role in ds.word_idx)


def test_the_two_ways_put_the_answer_and_the_day_after_it(tiny):
    ds = published_prompts(tiny)
    same, after = (ds.corrupted(way) for way in WAYS)
    assert [p.today for p in same] == [p.answer for p in ds]
    assert [p.today for p in after] == [moved(p.answer, 1, "days") for p in ds]


@pytest.mark.parametrize("name", ["yesterday", "list of two days"])
def test_only_tomorrow_can_be_corrupted(tiny, name):
    with pytest.raises(ValueError, match="one day whose answer is the next"):
        DayPrompts(write_prompts(PATTERNS[name]), tiny).corrupted("same as the answer")


def test_a_way_nobody_knows_an_empty_set_and_a_long_word_are_refused(tiny):
    with pytest.raises(ValueError, match="'same as the answer', 'the day after the answer'"):
        published_prompts(tiny).corrupted("at random")
    with pytest.raises(ValueError, match="one prompt or more"):
        DayPrompts([], tiny)
    unknown = Pattern("odd", "days", "Today it is {0}, zorptember it is", 1, "zorptember")
    with pytest.raises(ValueError, match="'zorptember'"):
        DayPrompts(write_prompts(unknown), tiny)


def test_without_bos_every_role_is_one_step_earlier(tiny):
    with_bos, without = published_prompts(tiny), published_prompts(tiny, prepend_bos=False)
    assert torch.equal(with_bos.toks[:, 1:], without.toks)
    for role, places in without.word_idx.items():
        assert torch.equal(places + 1, with_bos.word_idx[role])
    assert repr(with_bos) == "DayPrompts(4 prompts, 9 tokens)"


def test_prompts_with_leads_differ_in_words_and_not_in_places(tokenizer):
    ds = DayPrompts(write_prompts_with_leads(PATTERNS["tomorrow"]), tokenizer)
    assert len(set(ds.sentences)) == len(ds) == 315 and set(ds.lengths) == {15}
    assert all(len(set(places.tolist())) == 1 for places in ds.word_idx.values())
    other = ds.corrupted("the day after the answer")
    assert ((ds.toks != other.toks).sum(1) == 1).all() and len(set(other.sentences)) == 315
