"""Checks of chapter 4: rank and probability."""

import functools
import random
from collections.abc import Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.checking.inputs import randn
from patchbook.checking.prepared import tiny_gpt2
from patchbook.tests.mistakes import days_ranks as mistakes
from patchbook.tests.specifications import days_ranks as specifications
from patchbook.tests.specifications import days_words


def _asked(seed: int, prompt: str, answer: str, noise: float) -> dict[str, Any]:
    """tiny-gpt2, its unembedding shaken, so that it is sure of nothing."""
    model = tiny_gpt2(seed)
    with torch.no_grad():
        model.W_U.add_(noise * randn(seed, *model.W_U.shape))
        model.b_U.add_(0.5 * randn(seed + 1, *model.b_U.shape))
    return {"model": model, "prompt": prompt, "answer": answer}


@checks(specifications.rank_and_prob, mistakes.rank_and_prob)
def test_rank_and_prob(seed: int) -> Iterator[Case]:
    """Rank, logit and probability of an answer."""
    rng = random.Random(seed)
    day, month = rng.choice(days_words.DAYS), rng.choice(days_words.CYCLES[1])
    rows = (
        ("Today it is Sunday, tomorrow it is", " Monday", 0.0),
        (f"Today it is {day}, yesterday it was", " " + rng.choice(days_words.DAYS), 0.05),
        ("November, December and", " " + month, 0.05),
        (f"Now it is {month}, the next month is", " " + rng.choice(days_words.CYCLES[1]), 0.1),
    )
    for index, (prompt, answer, noise) in enumerate(rows):
        build = functools.partial(_asked, seed + index, prompt, answer, noise)
        yield Case(f"{prompt!r}, {answer!r}", build)
