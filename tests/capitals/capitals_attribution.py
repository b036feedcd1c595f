"""Checks of chapter 3: all parts of the logit difference for one type of wrong answer."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

from transformer_lens import TransformerBridge

from patchbook.checking import Case, checks
from patchbook.checking.awkward import (
    awkward_attn_only,
    awkward_model,
    different_tokens,
    random_tokens,
)
from patchbook.checking.inputs import DOUBLE
from patchbook.tests.mistakes import capitals_attribution as mistakes
from patchbook.tests.specifications import capitals_attribution as specifications


def _attribution(seed: int, batch: int, index: int, model: Callable[[], TransformerBridge]) -> dict[str, Any]:
    made = model()
    _, cache = made.run_with_cache(random_tokens(seed, batch, length=6))
    return {
        "model": made,
        "cache": cache,
        "answer_tokens": different_tokens(seed, batch, 4),
        "incorrect_idx": index,
    }


@checks(specifications.logit_attribution_by_type, mistakes.logit_attribution_by_type)
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
        yield Case(f"{text}; incorrect_idx {index}", build)
