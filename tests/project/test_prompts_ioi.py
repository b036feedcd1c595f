"""IOI prompts: every role is where it is said to be, under both tokenizers."""

import hashlib
import json
import sys
from collections import Counter

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from patchbook.prompts.distracted import TWO_SENTENCES, DistractedPrompts
from patchbook.prompts.ioi import TEMPLATES, IOIDataset, published_prompts
from patchbook.prompts.ioi_sentences import check_template
from patchbook.training.vocabulary import build_tokenizer
from tests.project.prompt_sets import MIXED, gpt2_tokenizer, gpt2_vocabulary, spaced, word_at

EVERYTHING = 4 * len(TEMPLATES)  # each template twice in each order


# --- positions --------------------------------------------------------------------------------


@pytest.mark.parametrize("bos", [True, False])
@pytest.mark.parametrize("prompt_type", ["ABBA", "BABA", "mixed"])
def test_every_role_stands_where_word_idx_says(tokenizer, prompt_type, bos):
    ds = IOIDataset(prompt_type, EVERYTHING, tokenizer, prepend_bos=bos)
    assert word_at(ds, "IO") == spaced(p.IO for p in ds)
    assert word_at(ds, "S1") == word_at(ds, "S2") == spaced(p.S for p in ds)
    assert word_at(ds, "end") == [" to"] * ds.N
    assert torch.equal(ds.word_idx["S1+1"], ds.word_idx["S1"] + 1)
    assert (ds.word_idx["S1"] < ds.word_idx["S2"]).all()
    assert set(ds.word_idx) == {"IO", "S1", "S1+1", "S2", "end"}


@pytest.mark.parametrize("bos", [True, False])
def test_a_distractor_moves_s2_and_the_end_and_nothing_else(tokenizer, bos):
    original = IOIDataset("mixed", 16, tokenizer, prepend_bos=bos, templates=TWO_SENTENCES)
    ds = DistractedPrompts(original, [p.IO for p in original])
    assert word_at(ds, "IO") == word_at(ds, "distractor") == spaced(p.IO for p in original)
    assert word_at(ds, "S1") == word_at(ds, "S2") == spaced(p.S for p in original)
    assert word_at(ds, "end") == [" to"] * len(ds)
    assert torch.equal(ds.answer_tokens, original.answer_tokens)
    assert all(p.text.count(" " + p.IO) == p.text.count(" " + p.S) == 2 for p in ds)


def test_a_distractor_needs_a_name_for_each_prompt_and_two_sentences(tokenizer):
    one_sentence = IOIDataset("mixed", 2, tokenizer, templates=TEMPLATES[:1])
    with pytest.raises(ValueError, match="wanted prompts of two sentences"):
        DistractedPrompts(one_sentence, ["Mary", "Mary"])
    with pytest.raises(ValueError, match="a name for each of 2 prompts, got 1"):
        DistractedPrompts(one_sentence, ["Mary"])
    with pytest.raises(AttributeError):
        _ = DistractedPrompts(
            IOIDataset("mixed", 1, tokenizer, templates=TWO_SENTENCES), ["Mary"]
        ).no_such_attribute


def test_s2_is_the_second_mention_counted_in_the_text(tokenizer):
    ds = IOIDataset("mixed", EVERYTHING, tokenizer, seed=3)
    for i, prompt in enumerate(ds):
        before = prompt.text[: prompt.text.rindex(" " + prompt.S)]
        assert prompt.text.count(" " + prompt.S) >= 2
        assert ds.word_idx["S2"][i] == 1 + len(tokenizer(before)["input_ids"])


def test_abba_names_the_indirect_object_first_and_baba_the_subject(tiny):
    abba, baba = (IOIDataset(kind, 40, tiny) for kind in ("ABBA", "BABA"))
    assert (abba.word_idx["IO"] < abba.word_idx["S1"]).all()
    assert (baba.word_idx["S1"] < baba.word_idx["IO"]).all() and (
        baba.word_idx["IO"] < baba.word_idx["S2"]
    ).all()
    for ds, names in ((abba, lambda p: (p.IO, p.S, p.S)), (baba, lambda p: (p.S, p.IO, p.S))):
        assert all(p.names == names(p) and p.order == ds.prompt_type for p in ds)


def test_mixed_is_half_and_half_and_uses_every_template_equally(tiny):
    ds = IOIDataset("mixed", EVERYTHING, tiny)
    assert sum(p.order == "ABBA" for p in ds) == ds.N / 2
    assert sorted(len(group) for group in ds.groups) == [2] * (2 * len(TEMPLATES))
    for group in ds.groups:
        assert len({(ds.ioi_prompts[i].template, ds.ioi_prompts[i].order) for i in group}) == 1
        assert all(len(set(positions[group].tolist())) == 1 for positions in ds.word_idx.values())


# --- tokens -----------------------------------------------------------------------------------


def test_end_is_the_last_real_token_under_padding(tokenizer):
    ds = IOIDataset("mixed", EVERYTHING, tokenizer)
    ends = ds.word_idx["end"].tolist()
    assert len(set(ends)) > 1, "no prompt is padded: the test shows nothing"
    for i, (row, end) in enumerate(zip(ds.toks.tolist(), ends, strict=True)):
        assert tokenizer.decode(row[1 : end + 1]) == ds.sentences[i]
        assert row[0] == tokenizer.bos_token_id and set(row[end + 1 :]) <= {tokenizer.eos_token_id}
    assert torch.equal(ds.attention_mask.sum(1) - 1, ds.word_idx["end"])
    assert ds.toks.shape == ds.attention_mask.shape == (ds.N, max(ends) + 1) and ds.max_len == max(ends) + 1
    assert (ds.attention_mask[:, 1:] <= ds.attention_mask[:, :-1]).all(), "real tokens come first"


def test_answers_are_the_tokens_of_the_names(tokenizer):
    ds = IOIDataset("mixed", 20, tokenizer)
    assert [tokenizer.decode([i]) for i in ds.io_tokenIDs] == spaced(p.IO for p in ds)
    assert [tokenizer.decode([i]) for i in ds.s_tokenIDs] == spaced(p.S for p in ds)
    assert ds.answer_tokens.tolist() == [
        list(pair) for pair in zip(ds.io_tokenIDs, ds.s_tokenIDs, strict=True)
    ]


def test_one_template_has_one_length_whatever_the_words(tokenizer):
    ds = IOIDataset("mixed", 40 * len(TEMPLATES), tokenizer, seed=5)
    assert any(" an apple" in text for text in ds.sentences) and not any(
        " a apple" in t for t in ds.sentences
    )
    for template in range(len(TEMPLATES)):
        ends = {int(e) for e, p in zip(ds.word_idx["end"], ds, strict=True) if p.template == template}
        assert len(ends) == 1, TEMPLATES[template]


def test_both_tokenizers_split_every_prompt_alike(tiny):
    gpt2 = gpt2_tokenizer()
    for text in IOIDataset("mixed", 10 * len(TEMPLATES), tiny, seed=1).sentences:
        assert tiny.tokenize(text) == gpt2.tokenize(text), text


def test_bos_stands_once_even_if_the_tokenizer_adds_its_own():
    from tokenizers.processors import TemplateProcessing

    eager = build_tokenizer()
    end = ("<|endoftext|>", eager.bos_token_id)
    eager.backend_tokenizer.post_processor = TemplateProcessing(single=f"{end[0]} $A", special_tokens=[end])
    assert eager("x")["input_ids"][0] == eager.bos_token_id, "the tokenizer of this test adds BOS"
    assert torch.equal(IOIDataset("ABBA", 5, eager).toks, IOIDataset("ABBA", 5, build_tokenizer()).toks)


def test_a_tokenizer_without_bos_is_refused_or_does_without():
    bare = PreTrainedTokenizerFast(tokenizer_object=build_tokenizer().backend_tokenizer)
    with pytest.raises(ValueError, match="this tokenizer has none"):
        IOIDataset("ABBA", 2, bare)
    assert word_at(IOIDataset("ABBA", 2, bare, prepend_bos=False), "end") == [" to", " to"]


# --- words ------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_set_and_another_seed_another(tiny):
    first, again, other = (IOIDataset("mixed", 30, tiny, seed=seed) for seed in (7, 7, 8))
    assert first.ioi_prompts == again.ioi_prompts != other.ioi_prompts
    assert torch.equal(first.toks, again.toks)
    flips = [ds.gen_flipped_prompts(MIXED).sentences for ds in (first, again)]
    assert flips[0] == flips[1] != first.gen_flipped_prompts(MIXED, seed=1).sentences


def test_a_record_says_what_the_sentence_says(tiny):
    for p in IOIDataset("mixed", EVERYTHING, tiny):
        assert p.IO != p.S and p.text.count(f" {p.IO} ") == 1
        assert f" {p.place}" in p.text and f" {p.object}" in p.text and p.place and p.object
        assert not p.text.endswith(" ") and "{" not in p.text


def test_the_published_prompts_are_word_for_word(tokenizer):
    ds = published_prompts(tokenizer)
    assert ds.sentences == [
        "When John and Mary went to the shops, John gave the bag to",
        "When John and Mary went to the shops, Mary gave the bag to",
        "When Tom and James went to the park, James gave the ball to",
        "When Tom and James went to the park, Tom gave the ball to",
        "When Dan and Sid went to the shops, Sid gave an apple to",
        "When Dan and Sid went to the shops, Dan gave an apple to",
        "After Martin and Amy went to the park, Amy gave a drink to",
        "After Martin and Amy went to the park, Martin gave a drink to",
    ]
    assert [p.IO for p in ds] == ["Mary", "John", "Tom", "James", "Dan", "Sid", "Martin", "Amy"]
    assert word_at(ds, "S2") == spaced(p.S for p in ds) and ds.toks.shape == (8, 15)


@pytest.mark.parametrize(
    "kind, word", [("names", "Xanthippe"), ("places", "observatory"), ("objects", "hat box")]
)
def test_a_word_of_several_tokens_is_refused_by_name(tiny, kind, word):
    with pytest.raises(ValueError, match=rf"wanted {kind} of one token each.*'{word}' is \d"):
        IOIDataset("ABBA", 2, tiny, **{kind: ["Mary", word, "John"] if kind == "names" else [word]})


def test_a_long_list_of_wrong_words_is_cut(tiny):
    with pytest.raises(ValueError, match=r"'Xanthippe0' is .* and 4 more"):
        IOIDataset("ABBA", 2, tiny, names=["Mary", "John", *(f"Xanthippe{i}" for i in range(9))])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"prompt_type": "ABA"}, "wanted prompt_type 'ABBA', 'BABA', 'mixed', but got 'ABA'"),
        ({"N": 0}, "wanted one prompt or more, but got N=0"),
        ({"N": 2.5}, "wanted one prompt or more, but got N=2.5"),
        ({"names": ["Mary", "Mary"]}, "wanted a list of 2 or more different names"),
        ({"names": "Mary"}, "wanted a list of 2 or more different names"),
        ({"templates": []}, "wanted a list of 1 or more different templates"),
        ({"templates": ["When {first} met"]}, "once each and in this order"),
        (
            {"templates": ["When {first} met {second}, Mary saw {giver} and"], "names": ["Mary", "John"]},
            "three places",
        ),
    ],
)
def test_a_set_that_cannot_be_made_says_why(tiny, change, message):
    with pytest.raises(ValueError, match=message):
        IOIDataset(**({"prompt_type": "ABBA", "N": 2, "tokenizer": tiny} | change))


def test_a_name_given_twice_never_meets_itself(tiny):
    ds = IOIDataset("mixed", 50, tiny, names=["Mary", "Mary", "Mary", "John"])
    assert all(p.IO != p.S for p in ds)


@pytest.mark.parametrize(
    "template, message",
    [
        ("{first} met {second}. {giver} gave a {object} to", "a space before every slot"),
        ("When {first} and({second}) met, {giver} gave a {object} to", "a space before every slot"),
        ("When {second} and {first} met, {giver} gave a {object} to", "once each and in this order"),
        ("When {first} and {second} met, he gave a {object} to", "once each and in this order"),
        ("When {first} and {second} met {third}, {giver} gave a {object} to", "once each and in this order"),
        ("When {first} and {second} met, {giver} gave a {object} and a {object} to", "at most one"),
        ("When {first} and {second} met, {giver} gave a {object} to ", "no space at the end"),
    ],
)
def test_a_template_that_cannot_be_used_says_why(template, message):
    with pytest.raises(ValueError, match=message):
        check_template(template)


def test_a_template_of_ones_own_needs_no_place_and_no_object(tiny):
    ds = IOIDataset(
        "BABA", 3, tiny, templates=["Then, {first} and {second} met, and afterwards {giver} said to"]
    )
    assert word_at(ds, "S1") == word_at(ds, "S2") and {(p.place, p.object) for p in ds} == {("", "")}


# --- slices, and how long it takes ------------------------------------------------------------


def test_a_slice_is_a_smaller_set_with_its_own_padding(tiny):
    ds = IOIDataset("mixed", EVERYTHING, tiny, seed=4)
    part = ds[4:9]
    assert (len(part), part.N, part.seed) == (5, 5, 4) and part.ioi_prompts == ds.ioi_prompts[4:9]
    assert part.max_len == int(part.word_idx["end"].max()) + 1
    assert torch.equal(part.toks, ds.toks[4:9, : part.max_len])
    assert all(torch.equal(part.word_idx[role], ds.word_idx[role][4:9]) for role in ds.word_idx)
    assert part.io_tokenIDs == ds.io_tokenIDs[4:9]
    assert ds[3] is ds.ioi_prompts[3] and ds[-1] is list(ds)[-1]


def test_the_first_prompts_flip_alike_alone_and_in_company(tiny):
    ds = IOIDataset("mixed", 20, tiny)
    flipped = ds.gen_flipped_prompts(MIXED)
    assert ds[:8].gen_flipped_prompts(MIXED).sentences == flipped[:8].sentences


def test_an_empty_slice_and_a_set_that_changes_are_refused(tiny):
    ds = IOIDataset("mixed", 4, tiny)
    with pytest.raises(ValueError, match="one prompt or more"):
        ds[4:]
    with pytest.raises(AttributeError):
        ds.N = 3
    assert repr(ds) == f"IOIDataset('mixed', 4 prompts, {ds.max_len} tokens, seed=0)"


def calls_for(N, tokenizer):
    """How many functions are called to make a set of N prompts: its cost, on any machine."""
    count = Counter()
    sys.setprofile(lambda frame, event, what: count.update([event]))
    try:
        ds = IOIDataset("mixed", N, tokenizer)
        shapes = ds.toks.shape[0], ds.answer_tokens.shape
    finally:
        sys.setprofile(None)
    assert shapes == (N, (N, 2))
    return count["call"] + count["c_call"]


def test_a_prompt_costs_the_same_however_many_there_are(tokenizer):
    few, more, most = (calls_for(N, tokenizer) for N in (500, 1000, 2000))
    assert more - few < 60 * 500, "of one prompt, when this was written: 45"
    assert most - more < 2.1 * (more - few)


def test_the_vocabulary_is_openais():
    """The digest is of the vocab.json that OpenAI published, read and written again with sorted keys."""
    text = json.dumps(gpt2_vocabulary()[0], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest.startswith("855ec41a9d90094ebb1189ee8082e915")
