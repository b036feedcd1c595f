"""Checks of chapter 4: ranks, logit differences and their parts."""

import functools
import random
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from patchbook.checking import Case, checks
from patchbook.checking.awkward import VOCAB, awkward_model, different_tokens, random_tokens
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.checking.prepared import tiny_gpt2
from patchbook.tests.ioi.logit_differences import metric_cases
from patchbook.tests.mistakes import days_logits as mistakes
from patchbook.tests.specifications import days_logits as specifications
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
        yield Case(f"{prompt!r}, {answer!r}", build, grad=index != 1)


def _tokens(seed: int, batch: int) -> dict[str, Tensor]:
    """For each prompt a right and a wrong token, never the same."""
    pairs = different_tokens(seed, batch)
    return {"answer_tokens": pairs[:, 0].clone(), "wrong_tokens": pairs[:, 1].clone()}


def _logits(seed: int, batch: int, per_prompt: bool | None = None, **options) -> dict[str, Any]:
    """Random logits over 6 positions; per_prompt None: not given."""
    arguments = {"logits": 2 * randn(seed, batch, 6, VOCAB, **options), **_tokens(seed, batch)}
    return arguments if per_prompt is None else arguments | {"per_prompt": per_prompt}


@checks(
    specifications.logits_to_ave_logit_diff_of_days,
    mistakes.logits_to_ave_logit_diff_of_days,
)
def test_logits_to_ave_logit_diff_of_days(seed: int) -> Iterator[Case]:
    """The lead of tomorrow over today at the last position, on average or for each prompt."""
    yield Case("3 prompts of 6, per_prompt not given (False)", lambda: _logits(seed, 3))
    yield Case("4 prompts, per_prompt True", lambda: _logits(seed + 1, 4, True), grad=False)
    yield Case("5 prompts, per_prompt False", lambda: _logits(seed + 2, 5, False))
    yield Case("2 prompts in float64, per_prompt True", lambda: _logits(seed + 3, 2, True, **DOUBLE))


def _run(seed: int, batch: int, length: int, **options) -> dict[str, Any]:
    model = awkward_model(seed, **options)
    with torch.no_grad():
        _, cache = model.run_with_cache(random_tokens(seed, batch, length))
    return {"model": model, "cache": cache, **_tokens(seed, batch)}


@checks(specifications.decompose_logit_diff, mistakes.decompose_logit_diff)
def test_decompose_logit_diff(seed: int) -> Iterator[Case]:
    """The parts that a logit difference is made of."""
    yield Case("3 layers, 2 prompts of 6", lambda: _run(seed, 2, 6))
    yield Case("4 layers, 3 prompts of 5", lambda: _run(seed + 1, 3, 5, n_layers=4), grad=False)
    yield Case("3 layers, 4 prompts of 7, float64", lambda: _run(seed + 2, 4, 7, **DOUBLE))


@checks(specifications.day_metric, mistakes.day_metric)
def test_day_metric(seed: int) -> Iterator[Case]:
    """The logit difference on a scale from corrupted (0) to clean (1)."""
    rows = (
        ("3 prompts of 6, corrupted -1.3, clean 2.9", 3, -1.3, 2.9, {}),
        ("2 prompts in float64, corrupted 1.7, clean -2.2", 2, 1.7, -2.2, DOUBLE),
        ("corrupted and clean both 1.5", 4, 1.5, 1.5, {}),
    )
    yield from metric_cases(seed, rows, _logits)
    yield Case("3 prompts, better than the clean run", lambda: _beyond_clean(seed + 5))


def _beyond_clean(seed: int) -> dict[str, Any]:
    arguments = _logits(seed, 3)
    rows, last = torch.arange(3), arguments["logits"][:, -1]
    differences = last[rows, arguments["answer_tokens"]] - last[rows, arguments["wrong_tokens"]]
    difference = differences.mean().item()
    return arguments | {"corrupted_logit_diff": difference - 3, "clean_logit_diff": difference - 1}
