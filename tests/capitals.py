"""Checks of chapter 3: a capital after the full stop."""

import copy
import functools
import random
from collections.abc import Callable, Iterator
from typing import Any

import torch
from tokenizers import Tokenizer, models
from transformer_lens import TransformerBridge
from transformers import PreTrainedTokenizerFast

from patchbook.checking import Case, checks
from patchbook.checking.awkward import (
    VOCAB,
    awkward_attn_only,
    awkward_model,
    different_tokens,
    random_tokens,
)
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.checking.prepared import tiny_gpt2
from patchbook.prompts.capitals import CONTEXTS, NINE_TOKENS, RAGGED, VARIANTS, answer_variants
from patchbook.tests.mistakes import capitals as mistakes
from patchbook.tests.mistakes import capitals_bias as bias_mistakes
from patchbook.tests.mistakes import wrong_analyses
from patchbook.tests.specifications import capitals as specifications

# --- tokens and their types

TOKENS = {  # the token's kind, in words -> tokens of that kind, of which each seed takes one
    "space and capital": (" The", " Koala", " Go"),
    "space and one capital letter": (" I", " A"),
    "space and capitals only": (" THE", " USA"),
    "space and mixed case": (" McDonald", " iPod"),
    "space and small letter": (" the", " koala"),
    "space and digits": (" 42", " 7"),
    "space, a digit, letters": (" 2nd", " 3D"),
    "capital": ("The", "Koala"),
    "one capital letter": ("I", "A"),
    "small letter": ("the", "koala"),
    "mixed case": ("iPod", "McDonald"),
    "digit": ("7", "0"),
    "digits and letters": ("3D", "2nd"),
    "a capital beyond ASCII": (" É", "Ü", " Ö"),
    "a small letter beyond ASCII": ("é", " ü", "ö"),
    "new line": ("\n", "\n\n"),
    "a space alone": (" ",),
    "two spaces and a letter": ("  The", "  a"),
    "new line and a letter": ("\nThe", "\na"),
    "punctuation": (".", "(", '"'),
    "space and punctuation": (" (", ' "', " -"),
    "punctuation and a letter": ("'s", "(a", '"The'),
}


@checks(specifications.capitalisation_type, mistakes.capitalisation_type)
def test_capitalisation_type(seed: int) -> Iterator[Case]:
    """Which of seven types a token has."""
    chosen = random.Random(seed)
    for kind, tokens in TOKENS.items():
        token = chosen.choice(tokens)
        yield Case(f"{kind}: {token!r}", lambda token=token: {"str_token": token})


WORDS = ("The", "I", "Koala", "USA", "the", "a", "koala", "is", "0", "42", "3D")  # with a space and without
MARKS = ("\n", "\n\n", ".", " (", "'s", " ", "\nA")


@functools.lru_cache(maxsize=4)
def _mixed_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """97 tokens of all types, in an order of the seed's."""
    texts = [*WORDS, *(" " + word for word in WORDS), *MARKS]
    texts += [f" x{i}" if i % 3 else f"Y{i}" for i in range(VOCAB - len(texts) - 1)]
    random.Random(seed).shuffle(texts)
    vocabulary = {text: i for i, text in enumerate([*texts, "<|endoftext|>"])}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token=".")), name_or_path="mixed"
    )


def _mixed_model(seed: int) -> TransformerBridge:
    """An awkward model whose 97 tokens are of all types."""
    model = awkward_model(seed)
    model.tokenizer = copy.deepcopy(_mixed_tokenizer(seed))
    return model


def _typed_logits(seed: int, batch: int, **options) -> dict[str, Any]:
    return {"logits": 2 * randn(seed, batch, 5, VOCAB, **options), "model": _mixed_model(seed)}


def _a_models_logits() -> dict[str, Any]:
    """Three prompts of one length: the numbers are a trained model's."""
    model = tiny_gpt2(0)
    with torch.no_grad():
        logits = model(model.to_tokens([p.text for p in NINE_TOKENS[:3]]))
    return {"logits": logits, "model": model}


@checks(
    specifications.cumul_probs_by_capitalisation_type,
    mistakes.cumul_probs_by_capitalisation_type,
    ready_made=("patchbook.training.measure",),
)
def test_cumul_probs_by_capitalisation_type(seed: int) -> Iterator[Case]:
    """The probability of each type of token after the prompt."""
    yield Case("2 prompts of 5, 97 tokens of all types", lambda: _typed_logits(seed, 2))
    yield Case("3 prompts of 5, float64", lambda: _typed_logits(seed + 1, 3, **DOUBLE), grad=False)
    yield Case("1 prompt of 5", lambda: _typed_logits(seed + 2, 1))
    yield Case("3 prompts, tiny-gpt2's logits", _a_models_logits, grad=False)


HIGHER = (" the", " 7", "\n")  # likelier than any word with space and capital, and no answer
LOWER = (" They", " A", " He")  # the second choice


def _title_logits(words: tuple[str, ...], seed: int) -> dict[str, Any]:
    """Logits whose largest space+upper token at the end is the one named, prompt by prompt."""
    model, rows = tiny_gpt2(0), []
    for number, word in enumerate(words):
        row = randn(seed + number, 4, model.cfg.d_vocab)
        heights = [(text, 9.0 + i) for i, text in enumerate(HIGHER)] + [(" " + word, 8.0)]
        heights.append(("The", 7.5 + number % 2))  # a capital without a space: above the answer or below it
        second = next(text for text in LOWER if text != " " + word)
        for text, height in [*heights, (second, 7.0)]:
            row[-1, model.to_single_token(text)] = height
        row[0, model.to_single_token(" We")] = 20.0
        rows.append(row)
    return {"logits": torch.stack(rows), "model": model}


@checks(
    specifications.titleword_answer_generator,
    mistakes.titleword_answer_generator,
)
def test_titleword_answer_generator(seed: int) -> Iterator[Case]:
    """The likeliest word with a capital after each prompt, in four spellings."""
    usual = random.Random(seed).sample(["The", "It", "You", "We", "She", "If"], 2)
    rows = (
        (f"' {usual[0]}' and ' {usual[1]}'", tuple(usual)),
        ("' I'", ("I",)),
        ("' But': two of its spellings are two tokens", ("But", "This")),
        ("' Matthew': its small spellings are more than one token", ("Matthew",)),
        ("' THE', in capitals", ("THE", "He", "Please")),
    )
    for number, (text, words) in enumerate(rows):
        build = functools.partial(_title_logits, words, seed + 10 * number)
        yield Case(f"the likeliest: {text}", build, grad=number != 1)


def _by_type(seed: int, batch: int, index: int, per_prompt: bool | None = None, **options) -> dict[str, Any]:
    arguments = {
        "logits": 2 * randn(seed, batch, 6, VOCAB, **options),
        "answer_tokens": different_tokens(seed, batch, 4),
        "incorrect_idx": index,
    }
    return arguments if per_prompt is None else arguments | {"per_prompt": per_prompt}


@checks(
    specifications.logits_to_ave_logit_diff_by_type,
    mistakes.logits_to_ave_logit_diff_by_type,
)
def test_logits_to_ave_logit_diff_by_type(seed: int) -> Iterator[Case]:
    """The logit difference between the right answer and one type of wrong answer."""
    yield Case("2 prompts, incorrect_idx 1, per_prompt not given (False)", lambda: _by_type(seed, 2, 1))
    yield Case("3 prompts, incorrect_idx 2, per_prompt True", lambda: _by_type(seed + 1, 3, 2, True))
    yield Case("5 prompts, incorrect_idx 3", lambda: _by_type(seed + 2, 5, 3, False), grad=False)
    double = functools.partial(_by_type, seed + 3, 3, 2, True, **DOUBLE)
    yield Case("3 prompts in float64, incorrect_idx 2, per_prompt True", double)


# --- the missing logits


def _puzzle(model: Callable[[], TransformerBridge], seed: int, batch: int, length: int) -> dict[str, Any]:
    return {
        "model": model(),
        "tokens": random_tokens(seed, batch, length),
        "answer_tokens": different_tokens(seed, batch, 2),
    }


@checks(specifications.missing_logits, bias_mistakes.missing_logits)
def test_missing_logits(seed: int) -> Iterator[Case]:
    """What the residual stream does not account for."""
    rows = (
        ("3 layers, 3 prompts of 7", functools.partial(awkward_model, seed), 3, 7),
        ("float64, 2 prompts of 5", functools.partial(awkward_model, seed + 1, **DOUBLE), 2, 5),
        ("tiny-gpt2, 4 prompts of 9", functools.partial(tiny_gpt2, 0), 4, 9),
        ("no LayerNorm, float64, 2 prompts", functools.partial(awkward_attn_only, seed, **DOUBLE), 2, 6),
    )
    for number, (text, model, batch, length) in enumerate(rows):
        build = functools.partial(_puzzle, model, seed + number, batch, length)
        yield Case(text, build, grad=number == 0)


@checks(specifications.logit_diff_from_bias, bias_mistakes.logit_diff_from_bias)
def test_logit_diff_from_bias(seed: int) -> Iterator[Case]:
    """Where the missing logits are."""
    rows = (
        ("3 prompts, awkward model", functools.partial(awkward_model, seed), 3),
        ("5 prompts, float64", functools.partial(awkward_model, seed + 1, **DOUBLE), 5),
        ("1 prompt, tiny-gpt2", functools.partial(tiny_gpt2, 0), 1),
        ("2 prompts, a model without LayerNorm", functools.partial(awkward_attn_only, seed), 2),
    )
    for number, (text, model, batch) in enumerate(rows):

        def arguments(model=model, batch=batch, number=number):
            return {"model": model(), "answer_tokens": different_tokens(seed + number, batch, 2)}

        yield Case(text, arguments, grad=number != 1)


VOCABULARY = ("cat", "dog", "school", "river", "doctor", "house", "park", "old", "red", "quick", "the", "a")


def _sentence(words: random.Random, length: int) -> str:
    """A text of `length` tokens, BOS and the full stop among them."""
    return "The" + "".join(f" {words.choice(VOCABULARY)}" for _ in range(length - 3)) + "."


def _padded_arguments(side: str, prompts: list[str]) -> dict[str, Any]:
    model = tiny_gpt2(0)
    model.tokenizer.padding_side = side
    return {"model": model, "prompts": prompts}


@checks(
    specifications.left_padded_final_logits,
    bias_mistakes.left_padded_final_logits,
    ready_made=("patchbook.training.measure",),
)
def test_left_padded_final_logits(seed: int) -> Iterator[Case]:
    """The logits after prompts of different lengths."""
    words = random.Random(seed)
    texts = [prompt.text for prompt in RAGGED]
    rows = (
        ("5 prompts of 3 to 40 tokens", "left", texts),
        ("3 prompts of 40, 3 and 17 tokens", "right", [_sentence(words, n) for n in (40, 3, 17)]),
        ("1 prompt of 9 tokens", "right", [_sentence(words, 9)]),
    )
    for number, (text, side, prompts) in enumerate(rows):
        build = functools.partial(_padded_arguments, side, prompts)
        yield Case(f"{text}; the tokenizer pads on the {side}", build, grad=number == 1)


def _attribution(seed: int, batch: int, index: int, model: Callable[[], TransformerBridge]) -> dict[str, Any]:
    made = model()
    _, cache = made.run_with_cache(random_tokens(seed, batch, length=6))
    return {
        "model": made,
        "cache": cache,
        "answer_tokens": different_tokens(seed, batch, 4),
        "incorrect_idx": index,
    }


@checks(specifications.logit_attribution_by_type, bias_mistakes.logit_attribution_by_type)
def test_logit_attribution_by_type(seed: int) -> Iterator[Case]:
    """All parts of the logit difference for one type of wrong answer."""
    rows = (
        ("3 layers of 5 heads, 3 prompts", 3, 2, functools.partial(awkward_model, seed)),
        ("2 prompts, float64", 2, 1, functools.partial(awkward_model, seed + 1, **DOUBLE)),
        ("1 prompt, 2 layers of 4 heads", 1, 3, lambda: awkward_model(seed + 2, n_layers=2, n_heads=4)),
        ("no MLPs, no LayerNorm, 2 prompts", 2, 3, functools.partial(awkward_attn_only, seed)),
    )
    for number, (text, batch, index, model) in enumerate(rows):
        build = functools.partial(_attribution, seed + number, batch, index, model)
        yield Case(f"{text}; incorrect_idx {index}", build, grad=number != 1)


# --- prompts that only lack a capital


SENTENCES = (
    "The cat of Mary sleeps. It is old.",
    "I think that I am.",
    "Koalas are grumpy cute.",
    "HELLO. GO.",
    "Matthew and John know it. They run.",
    "A USA of small letters.",
)


@checks(
    specifications.corrupt_capitalisation,
    mistakes.corrupt_capitalisation,
)
def test_corrupt_capitalisation(seed: int) -> Iterator[Case]:
    """The same prompts without their first capital."""
    sentences = random.Random(seed).sample(SENTENCES, len(SENTENCES))
    for part in (sentences[:2], sentences[2:5], sentences[5:]):
        more = ", …" * (len(part) > 1)
        yield Case(f"{len(part)}: {part[0]!r}{more}", lambda part=part: {"prompts": [*part]})
    small = ["this is small already.", "Élan is beyond ASCII.", "3 cats sleep."]
    yield Case("first letters that are small, accented, or none", lambda: {"prompts": [*small]})


@checks(specifications.normalize_patched_logit_diff, mistakes.normalize_patched_logit_diff)
def test_normalize_patched_logit_diff(seed: int) -> Iterator[Case]:
    """Patched logit differences on a scale from corrupted (0) to clean (1)."""
    rows = (
        ("(4, 9), clean 3.1, corrupted 1.2", (4, 9), 3.1, 1.2, {}),
        ("(3, 5, 2) in float64, clean 0.4, corrupted -2.6", (3, 5, 2), 0.4, -2.6, DOUBLE),
        ("(6,), clean below corrupted", (6,), -0.7, 1.9, {}),
        ("one number", (), 2.3, -1.7, {}),
    )
    for number, (text, shape, clean, corrupted, options) in enumerate(rows):

        def arguments(number=number, shape=shape, clean=clean, corrupted=corrupted, options=options):
            patched = 2 * randn(seed + number, *shape, **options)
            ends = {"clean_logit_diff": clean, "corrupted_logit_diff": corrupted}
            return {"patched_logit_diff": patched} | ends

        yield Case(text, arguments, grad=number != 1)


# --- read the wrong analysis


@checks(
    specifications.mend_second_best,
    wrong_analyses.mend_second_best,
)
def test_mend_second_best(seed: int) -> Iterator[Case]:
    """What the model says next."""
    texts = [text for context in CONTEXTS.values() for text in context]
    for number in (3, 1, 5):
        chosen = random.Random(seed + number).sample(texts, number)

        def arguments(chosen=chosen):
            return {"model": tiny_gpt2(0), "prompts": [*chosen]}

        yield Case(f"{number}: {chosen[0]!r}{', …' * (number > 1)}", arguments, grad=number == 1)


def _pairs(seed: int, number: int, wrong: str) -> dict[str, Any]:
    chosen = random.Random(seed).sample([*NINE_TOKENS, *RAGGED], number)
    answers = [dict(zip(VARIANTS, answer_variants(p.answer), strict=True)) for p in chosen]
    return {
        "model": tiny_gpt2(0),
        "prompts": [prompt.text for prompt in chosen],
        "answers": [(spelled["correct"], spelled[wrong]) for spelled in answers],
    }


@checks(specifications.mend_model_on_answers, wrong_analyses.mend_model_on_answers)
def test_mend_model_on_answers(seed: int) -> Iterator[Case]:
    """The logit difference after each prompt."""
    yield Case("4 prompts; wrong: a small letter", lambda: _pairs(seed, 4, "lower"))
    yield Case("2 prompts; wrong: no space", lambda: _pairs(seed + 1, 2, "no_space"), grad=False)
    yield Case("6 prompts; wrong: a small letter, no space", lambda: _pairs(seed + 2, 6, "no_space_lower"))


def _sets(seed: int, lengths: tuple[int, ...], batch: int, model: Callable) -> dict[str, Any]:
    return {
        "model": model(),
        "prompt_sets": [random_tokens(seed + i, batch, length) for i, length in enumerate(lengths)],
        "answer_tokens": different_tokens(seed, batch, 2),
    }


@checks(specifications.mend_stale_cache, wrong_analyses.mend_stale_cache)
def test_mend_stale_cache(seed: int) -> Iterator[Case]:
    """What each attention layer writes, for several sets of prompts."""
    rows = (
        ("2 sets of 3 prompts", (6, 8), 3, functools.partial(awkward_model, seed)),
        ("4 sets of 2 prompts, float64", (5, 5, 7, 9), 2, functools.partial(awkward_model, seed, **DOUBLE)),
        ("2 sets of 4 prompts, tiny-gpt2", (7, 7), 4, functools.partial(tiny_gpt2, 0)),
    )
    for number, (text, lengths, batch, model) in enumerate(rows):
        build = functools.partial(_sets, seed + 7 * number, lengths, batch, model)
        yield Case(text, build, grad=number == 1)
