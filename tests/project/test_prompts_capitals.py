"""Prompts about capitals: lengths, answers and roles are what they are said to be, under both tokenizers."""

import pytest
import torch

from patchbook.prompts.capitals import (
    CONTEXTS,
    ELEVEN_TOKENS,
    NINE_TOKENS,
    OPENERS,
    RAGGED,
    VARIANTS,
    CapitalPrompt,
    CapitalSet,
    answer_variants,
    repeated_word_triples,
    variant_ids,
)
from tests.project.prompt_sets import gpt2_tokenizer

SETS = {"nine": NINE_TOKENS, "eleven": ELEVEN_TOKENS, "ragged": RAGGED}
TEXTS = [text for texts in CONTEXTS.values() for text in texts] + [p.text for s in SETS.values() for p in s]


def word_at(ds: CapitalSet, role: str) -> list[str]:
    at = ds.toks[torch.arange(len(ds)), ds.word_idx[role]]
    return [ds.tokenizer.decode([token]) for token in at.tolist()]


@pytest.mark.parametrize("name, length", [("nine", 9), ("eleven", 11)])
def test_sets_of_one_length_have_it(tokenizer, name, length):
    ds = CapitalSet(SETS[name], tokenizer)
    assert ds.lengths == [length] * len(ds) and ds.toks.shape == (len(ds), length)
    assert ds.attention_mask.all()


def test_ragged_prompts_have_lengths_from_3_to_40(tokenizer):
    ds = CapitalSet(RAGGED, tokenizer)
    assert min(ds.lengths) == 3 and max(ds.lengths) == 40
    assert ds.attention_mask.sum(1).tolist() == ds.lengths
    assert set(ds.toks[ds.attention_mask == 0].tolist()) == {tokenizer.eos_token_id}


@pytest.mark.parametrize("name", SETS)
def test_every_variant_of_every_answer_is_one_token(tokenizer, name):
    ds = CapitalSet(SETS[name], tokenizer)
    assert ds.answer_tokens.shape == (len(ds), len(VARIANTS))
    for ids, answers, prompt in zip(ds.answer_tokens.tolist(), ds.answers, ds, strict=True):
        assert [tokenizer.decode([i]) for i in ids] == list(answers) == list(answer_variants(prompt.answer))
        assert len(set(ids)) == 4


@pytest.mark.parametrize("bos", [True, False])
@pytest.mark.parametrize("name", SETS)
def test_roles_stand_where_word_idx_says(tokenizer, name, bos):
    ds = CapitalSet(SETS[name], tokenizer, prepend_bos=bos)
    assert word_at(ds, "stop") == ["."] * len(ds)
    assert all(p.text.startswith(word) for p, word in zip(ds, word_at(ds, "first"), strict=True))
    assert ds.word_idx["first"].tolist() == [int(bos)] * len(ds)
    assert (ds.word_idx["first"] <= ds.word_idx["start"]).all()
    assert (ds.word_idx["start"] < ds.word_idx["stop"]).all()
    assert ds.word_idx["stop"].tolist() == [length - 1 for length in ds.lengths]


def test_the_last_sentence_begins_after_a_full_stop_or_a_new_line(tokenizer):
    assert word_at(CapitalSet(ELEVEN_TOKENS, tokenizer), "start") == ["Go", " Hello", "Matthew", " This"]


def test_small_letters_leave_the_number_of_tokens_as_it_was(tokenizer):
    ds = CapitalSet(NINE_TOKENS, tokenizer)
    small = ds.corrupted()
    assert small.sentences == [text[0].lower() + text[1:] for text in ds.sentences]
    assert small.lengths == ds.lengths and torch.equal(small.answer_tokens, ds.answer_tokens)
    differ = small.toks != ds.toks
    assert differ.any(1).all() and differ[torch.arange(len(ds)), ds.word_idx["first"]].all()
    first_word = [len(tokenizer.tokenize(text.split()[0])) for text in ds.sentences]
    assert all(not row[1 + n :].any() for row, n in zip(differ, first_word, strict=True))


def test_a_name_that_falls_apart_without_its_capital_is_refused(tokenizer):
    with pytest.raises(ValueError, match=r"'matthew really does .* has 13 and the original 11"):
        CapitalSet(ELEVEN_TOKENS, tokenizer).corrupted()


def test_both_tokenizers_split_every_prompt_alike(tiny):
    gpt2 = gpt2_tokenizer()
    for text in TEXTS:
        assert tiny.tokenize(text) == gpt2.tokenize(text), text


def test_every_context_says_the_same_in_another_case():
    assert [t.lower() for t in CONTEXTS["sentence"]] == list(CONTEXTS["all lower"])
    assert [t.upper() for t in CONTEXTS["sentence"]] == list(CONTEXTS["all upper"])
    assert all(text.endswith("0.") for text in CONTEXTS["decimal"])


def test_a_variant_that_is_two_tokens_is_none_and_no_answer(tiny):
    ids = variant_ids(tiny, "But")
    assert [tiny.decode([i]) for i in ids[:2]] == [" But", " but"] and ids[2:] == (None, None)
    with pytest.raises(ValueError, match=r"'But' is not .for the prompt 'I was tired.'"):
        _ = CapitalSet([CapitalPrompt("I was tired.", "But")], tiny).answer_tokens


@pytest.mark.parametrize("prompts, says", [([], "got none"), ([CapitalPrompt("Go", "I")], "full stop.*'Go'")])
def test_sets_that_cannot_be_used_are_refused(tiny, prompts, says):
    with pytest.raises(ValueError, match=says):
        CapitalSet(prompts, tiny)


def test_a_part_of_a_set_is_a_set(tiny):
    ds = CapitalSet(RAGGED, tiny)
    assert ds[:2].toks.shape == (2, 3) and ds[1] == RAGGED[1] and repr(ds[:2]).endswith("3 to 3 tokens)")


def test_frames_differ_and_none_holds_a_word_that_is_asked_for():
    triples = repeated_word_triples()
    assert len({frame for frame, _, _ in triples}) == len(triples) == 150
    asked = {word.lower() for word in OPENERS}
    assert all(frame.count("{}") == 1 and not asked & set(frame.split()) for frame, _, _ in triples)
    assert all(word != other for _, word, other in triples)
    assert len({(word, other) for _, word, other in triples}) == len(OPENERS) * (len(OPENERS) - 1)


def test_prompts_about_a_repeated_word_have_nine_tokens_with_and_without_their_capital(tokenizer):
    texts = [frame.format(w) for frame, word, _ in repeated_word_triples() for w in (word, word.lower())]
    assert set(CapitalSet([CapitalPrompt(text, "The") for text in texts], tokenizer).lengths) == {9}
    assert all(None not in variant_ids(tokenizer, word)[:2] for word in OPENERS)
