"""Checks of chapter 3: wrong analyses, mended."""

import functools
import random
from collections.abc import Callable, Iterator
from typing import Any

from patchbook.checking import Case, checks
from patchbook.checking.awkward import (
    awkward_model,
    different_tokens,
    random_tokens,
)
from patchbook.checking.inputs import DOUBLE
from patchbook.checking.prepared import tiny_gpt2
from patchbook.prompts.capitals import CONTEXTS, NINE_TOKENS, RAGGED, VARIANTS, answer_variants
from patchbook.tests.mistakes import wrong_analyses as mistakes
from patchbook.tests.specifications import wrong_analyses as specifications


@checks(
    specifications.mend_second_best,
    mistakes.mend_second_best,
)
def test_mend_second_best(seed: int) -> Iterator[Case]:
    """What the model says next."""
    texts = [text for context in CONTEXTS.values() for text in context]
    for number in (3, 1, 5):
        chosen = random.Random(seed + number).sample(texts, number)

        def arguments(chosen=chosen):
            return {"model": tiny_gpt2(0), "prompts": [*chosen]}

        yield Case(f"{number}: {chosen[0]!r}{', …' * (number > 1)}", arguments)


def _pairs(seed: int, number: int, wrong: str) -> dict[str, Any]:
    chosen = random.Random(seed).sample([*NINE_TOKENS, *RAGGED], number)
    answers = [dict(zip(VARIANTS, answer_variants(p.answer), strict=True)) for p in chosen]
    return {
        "model": tiny_gpt2(0),
        "prompts": [prompt.text for prompt in chosen],
        "answers": [(spelled["correct"], spelled[wrong]) for spelled in answers],
    }


@checks(specifications.mend_model_on_answers, mistakes.mend_model_on_answers)
def test_mend_model_on_answers(seed: int) -> Iterator[Case]:
    """The logit difference after each prompt."""
    yield Case("4 prompts; wrong: a small letter", lambda: _pairs(seed, 4, "lower"))
    yield Case("2 prompts; wrong: no space", lambda: _pairs(seed + 1, 2, "no_space"))
    yield Case("6 prompts; wrong: a small letter, no space", lambda: _pairs(seed + 2, 6, "no_space_lower"))


def _sets(seed: int, lengths: tuple[int, ...], batch: int, model: Callable) -> dict[str, Any]:
    return {
        "model": model(),
        "prompt_sets": [random_tokens(seed + i, batch, length) for i, length in enumerate(lengths)],
        "answer_tokens": different_tokens(seed, batch, 2),
    }


@checks(specifications.mend_stale_cache, mistakes.mend_stale_cache)
def test_mend_stale_cache(seed: int) -> Iterator[Case]:
    """What each attention layer writes, for several sets of prompts."""
    rows = (
        ("2 sets of 3 prompts", (6, 8), 3, functools.partial(awkward_model, seed)),
        ("4 sets of 2 prompts, float64", (5, 5, 7, 9), 2, functools.partial(awkward_model, seed, **DOUBLE)),
        ("2 sets of 4 prompts, tiny-gpt2", (7, 7), 4, functools.partial(tiny_gpt2, 0)),
    )
    for number, (text, lengths, batch, model) in enumerate(rows):
        build = functools.partial(_sets, seed + 7 * number, lengths, batch, model)
        yield Case(text, build)
