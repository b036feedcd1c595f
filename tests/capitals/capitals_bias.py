"""Checks of chapter 3: the missing logits, and where they are."""

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
from patchbook.checking.prepared import tiny_gpt2
from patchbook.tests.mistakes import capitals_bias as mistakes
from patchbook.tests.specifications import capitals_bias as specifications


def _puzzle(model: Callable[[], TransformerBridge], seed: int, batch: int, length: int) -> dict[str, Any]:
    return {
        "model": model(),
        "tokens": random_tokens(seed, batch, length),
        "answer_tokens": different_tokens(seed, batch, 2),
    }


@checks(specifications.missing_logits, mistakes.missing_logits)
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
        yield Case(text, build)


def weights_only(model: TransformerBridge) -> TransformerBridge:
    """The model, for an exercise that reads its weights: to run it is an error that says so."""

    def forward(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the model runs here, and this exercise does without: read its weights alone")

    model.forward = forward
    return model


@checks(specifications.logit_diff_from_bias, mistakes.logit_diff_from_bias)
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
            return {
                "model": weights_only(model()),
                "answer_tokens": different_tokens(seed + number, batch, 2),
            }

        yield Case(text, arguments)
