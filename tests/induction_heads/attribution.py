"""Checks of chapter 1: what each head adds to the logit of the next token."""

from collections.abc import Iterator

import torch

from patchbook.checking import Case, checks
from patchbook.checking.awkward import awkward_attn_only, awkward_model
from patchbook.checking.prepared import prompt_with_cache, tiny_gpt2
from patchbook.tests.mistakes import attribution as mistakes
from patchbook.tests.specifications import attribution as specifications


def prompts_and_caches(seed: int) -> Iterator[Case]:
    """The cases of both attribution exercises."""
    double = {"dtype": torch.float64}
    rows = (
        ("attention-only model, no LayerNorm, position 3", awkward_attn_only, 3, {}),
        ("GPT-2-like model, position 4", awkward_model, 4, {}),
        ("GPT-2-like model, the last prediction", awkward_model, 9, {}),
        ("GPT-2-like model in float64, position 6", awkward_model, 6, double),
        ("attention-only model, position 0", awkward_attn_only, 0, {}),
        ("tiny-gpt2, position 5", tiny_gpt2, 5, {}),
    )
    for text, model, position, options in rows:

        def arguments(text=text, model=model, position=position, options=options):
            built = model(seed + position, **options)
            return prompt_with_cache(built, seed + position, position)

        yield Case(text, arguments)


READY_MADE = {"ready_made": ("transformer_lens.ActivationCache.ActivationCache.logit_attrs",)}


@checks(specifications.logit_attribution, mistakes.logit_attribution, **READY_MADE)
def test_logit_attribution(seed: int) -> Iterator[Case]:
    """Each head's direct contribution to the logit of the correct next token."""
    yield from prompts_and_caches(seed)
