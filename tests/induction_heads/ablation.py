"""Checks of chapter 1: heads set to zero or to their mean, and the loss without them."""

from collections.abc import Iterator

import torch

from patchbook.checking import Case, call_as_hook, checks
from patchbook.checking.awkward import awkward_attn_only, awkward_model
from patchbook.checking.prepared import ablation, repeated_tokens, z_and_head
from patchbook.tests.mistakes import ablation as mistakes
from patchbook.tests.specifications import ablation as specifications


def _heads_to_ablate(seed: int) -> Iterator[Case]:
    """The cases of both ablation hooks."""
    yield Case("head 1 of 5, 2 prompts of 6", lambda: z_and_head(seed, 2, 1))
    yield Case("head 0 of 5, 3 prompts of 6", lambda: z_and_head(seed + 1, 3, 0))
    yield Case("head 4 of 5, one prompt", lambda: z_and_head(seed + 2, 1, 4))
    yield Case("head 3 of 5, 4 prompts, float64", lambda: z_and_head(seed + 3, 4, 3, torch.float64))


_AS_HOOK = {"call": call_as_hook, "may_change": frozenset({"z"})}


@checks(specifications.head_zero_ablation_hook, mistakes.head_zero_ablation_hook, **_AS_HOOK)
def test_head_zero_ablation_hook(seed: int) -> Iterator[Case]:
    """A hook that sets one head's output to zero."""
    yield from _heads_to_ablate(seed)


@checks(specifications.head_mean_ablation_hook, mistakes.head_mean_ablation_hook, **_AS_HOOK)
def test_head_mean_ablation_hook(seed: int) -> Iterator[Case]:
    """A hook that sets one head's output to its mean over the batch."""
    yield from _heads_to_ablate(seed)


# Ours, not the learner's: a third one shows whether the argument is used.
_ZERO = ablation(torch.zeros_like)


_MEAN = ablation(lambda one: one.mean(dim=0, keepdim=True))


_HALF = ablation(lambda one: one / 2)


_BY_DEFAULT = "attention-only model, one prompt, seq_len 3, ablation_function not given (zero ablation)"


@checks(specifications.get_ablation_scores, mistakes.get_ablation_scores)
def test_get_ablation_scores(seed: int) -> Iterator[Case]:
    """How much the loss in the second half rises when each head is ablated."""
    double = {"dtype": torch.float64}
    rows = (
        ("attention-only model, 2 prompts, seq_len 5, zero ablation", awkward_attn_only, {}, (2, 5), _ZERO),
        ("GPT-2-like model, float64, 3 prompts, seq_len 4, halved", awkward_model, double, (3, 4), _HALF),
        ("GPT-2-like model, 2 prompts, seq_len 6, mean ablation", awkward_model, {}, (2, 6), _MEAN),
        (_BY_DEFAULT, awkward_attn_only, {}, (1, 3), None),
    )
    for index, (text, model, options, sizes, function) in enumerate(rows, seed):

        def arguments(index=index, model=model, options=options, sizes=sizes, function=function):
            tokens = repeated_tokens(index, *sizes)
            arguments = {"model": model(index, **options), "tokens": tokens, "ablation_function": function}
            return {name: value for name, value in arguments.items() if value is not None}

        yield Case(text, arguments)
