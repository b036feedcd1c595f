"""Checks of chapter 3: likely words in four spellings, and their logit differences."""

import functools
import random
from collections.abc import Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.checking.awkward import (
    VOCAB,
    different_tokens,
)
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.checking.prepared import tiny_gpt2
from patchbook.tests.mistakes import capitals_answers as mistakes
from patchbook.tests.specifications import capitals_answers as specifications

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
        (f"' {usual[0]}', ' {usual[1]}' and ' {usual[0]}' again", (*usual, usual[0])),
        ("' I'", ("I",)),
        (
            "' But' and ' Matthew', not all of whose spellings are one token, and ' THE'",
            ("But", "Matthew", "THE"),
        ),
    )
    for number, (text, words) in enumerate(rows):
        build = functools.partial(_title_logits, words, seed + 10 * number)
        yield Case(f"the likeliest: {text}", build)


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
    yield Case("5 prompts, incorrect_idx 3", lambda: _by_type(seed + 2, 5, 3, False))
    double = functools.partial(_by_type, seed + 3, 3, 2, True, **DOUBLE)
    yield Case("3 prompts in float64, incorrect_idx 2, per_prompt True", double)
