"""What the cases of chapter 5 share: pairs of prompts on awkward models, and a model that is linear."""

from typing import Any

import torch
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.checking.awkward import awkward_attn_only, different_tokens, random_tokens
from patchbook.checking.prepared import tiny_gpt2
from patchbook.tests.ioi.logit_differences import Metric, logit_difference
from patchbook.tests.ioi.prompts import attentive_model


def log_probability(answers: Tensor) -> Metric:
    """Mean log-probability of the right answers over all positions, not the last alone."""
    return lambda logits: logits.log_softmax(-1)[torch.arange(len(answers)), :, answers[:, 0]].mean()


def linear_model(seed: int) -> TransformerBridge:
    """No LayerNorm, no MLP, and attention that is even whatever stands there: all that is left is linear."""
    model = awkward_attn_only(seed)
    for block in model.blocks:
        for part in (block.attn.q, block.attn.k):
            for weight in part.parameters():
                weight.data.zero_()
    return model


def pair(
    seed: int, kind: str, batch: int, length: int, other: int | None = None, **options: Any
) -> dict[str, Any]:
    """A model, prompts and others of the same length (or of another), and a metric.

    kind: names the model, "linear" or "tiny-gpt2", else an awkward one; and "log-probability", or not.
    """
    models = {"linear": linear_model, "tiny-gpt2": tiny_gpt2}
    build = next((make for name, make in models.items() if name in kind), attentive_model)
    answers = different_tokens(seed, batch)
    return {
        "model": build(seed, **options),
        "clean_tokens": random_tokens(2 * seed + 1, batch, length),
        "corrupted_tokens": random_tokens(2 * seed, batch, other or length),
        "metric": (log_probability if "log-probability" in kind else logit_difference)(answers),
    }
