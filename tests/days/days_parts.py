"""Checks of chapter 4: the parts of a logit difference."""

from collections.abc import Iterator
from typing import Any

import torch

from patchbook.checking import Case, checks
from patchbook.checking.awkward import awkward_model, random_tokens
from patchbook.checking.inputs import DOUBLE
from patchbook.tests.days.days_logits import right_and_wrong
from patchbook.tests.mistakes import days_parts as mistakes
from patchbook.tests.specifications import days_parts as specifications


def _run(seed: int, batch: int, length: int, **options) -> dict[str, Any]:
    model = awkward_model(seed, **options)
    with torch.no_grad():
        _, cache = model.run_with_cache(random_tokens(seed, batch, length))
    return {"model": model, "cache": cache, **right_and_wrong(seed, batch)}


@checks(specifications.decompose_logit_diff, mistakes.decompose_logit_diff)
def test_decompose_logit_diff(seed: int) -> Iterator[Case]:
    """The parts that a logit difference is made of."""
    yield Case("3 layers, 2 prompts of 6", lambda: _run(seed, 2, 6))
    yield Case("4 layers, 3 prompts of 5", lambda: _run(seed + 1, 3, 5, n_layers=4))
    yield Case("3 layers, 4 prompts of 7, float64", lambda: _run(seed + 2, 4, 7, **DOUBLE))
