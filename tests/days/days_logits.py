"""Checks of chapter 4: logit differences and the metric."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from patchbook.checking import Case, checks
from patchbook.checking.awkward import VOCAB, different_tokens
from patchbook.checking.inputs import DOUBLE, randn
from patchbook.tests.ioi.logit_differences import metric_cases
from patchbook.tests.mistakes import days_logits as mistakes
from patchbook.tests.specifications import days_logits as specifications


def right_and_wrong(seed: int, batch: int) -> dict[str, Tensor]:
    """For each prompt a right and a wrong token, never the same."""
    pairs = different_tokens(seed, batch)
    return {"answer_tokens": pairs[:, 0].clone(), "wrong_tokens": pairs[:, 1].clone()}


def _logits(seed: int, batch: int, per_prompt: bool | None = None, **options) -> dict[str, Any]:
    """Random logits over 6 positions; per_prompt None: not given."""
    arguments = {"logits": 2 * randn(seed, batch, 6, VOCAB, **options), **right_and_wrong(seed, batch)}
    return arguments if per_prompt is None else arguments | {"per_prompt": per_prompt}


@checks(
    specifications.logits_to_ave_logit_diff_of_days,
    mistakes.logits_to_ave_logit_diff_of_days,
)
def test_logits_to_ave_logit_diff_of_days(seed: int) -> Iterator[Case]:
    """The lead of tomorrow over today at the last position, on average or for each prompt."""
    yield Case("3 prompts of 6, per_prompt not given (False)", lambda: _logits(seed, 3))
    yield Case("4 prompts, per_prompt True", lambda: _logits(seed + 1, 4, True))
    yield Case("5 prompts, per_prompt False", lambda: _logits(seed + 2, 5, False))
    yield Case("2 prompts in float64, per_prompt True", lambda: _logits(seed + 3, 2, True, **DOUBLE))


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
