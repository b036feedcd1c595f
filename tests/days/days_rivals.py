"""Checks of chapter 4: the strongest wrong answer."""

import functools
from collections.abc import Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.checking.awkward import VOCAB
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.mistakes import days_rivals as mistakes
from patchbook.tests.specifications import days_rivals as specifications


def _logits(seed: int, batch: int, number: int, **options) -> dict[str, Any]:
    """Random logits, and candidates among which is each prompt's answer: for some of them the likeliest.

    Many tokens that are no candidates are likelier than all of those.
    """
    generator = torch.Generator().manual_seed(seed)
    candidates = torch.randperm(VOCAB, generator=generator)[:number]
    logits = 2 * randn(seed, batch, 5, VOCAB, **options)
    order = logits[:, -1, candidates].argsort(-1, descending=True)
    places = (torch.arange(batch) + seed) % 3  # the answer is the best candidate, the second, the third
    answers = candidates[order[torch.arange(batch), places]]
    return {"logits": logits, "answer_tokens": answers, "candidate_tokens": candidates}


@checks(specifications.best_rivals, mistakes.best_rivals)
def test_best_rivals(seed: int) -> Iterator[Case]:
    """The likeliest candidate that is not the answer, prompt by prompt."""
    yield Case("6 prompts of 5, 7 candidates", functools.partial(_logits, seed, 6, 7))
    yield Case("4 prompts in float64, 12 candidates", functools.partial(_logits, seed + 1, 4, 12, **DOUBLE))
    yield Case("5 prompts, 4 candidates", functools.partial(_logits, seed + 2, 5, 4))
