"""What chapter 4's exercises must compute: logit differences and the metric."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def logits_to_ave_logit_diff_of_days(
    logits: Float[Tensor, "batch seq d_vocab"],
    answer_tokens: Int[Tensor, "batch"],
    wrong_tokens: Int[Tensor, "batch"],
    per_prompt: bool = False,
) -> Float[Tensor, "*batch"]:
    """Logit of the answer less that of today's day, at the last position."""
    rows = zip(logits, answer_tokens.tolist(), wrong_tokens.tolist(), strict=True)
    differences = torch.stack([prompt[-1, right] - prompt[-1, wrong] for prompt, right, wrong in rows])
    return differences if per_prompt else differences.mean()


def day_metric(
    logits: Float[Tensor, "batch seq d_vocab"],
    answer_tokens: Int[Tensor, "batch"],
    wrong_tokens: Int[Tensor, "batch"],
    corrupted_logit_diff: float,
    clean_logit_diff: float,
) -> Float[Tensor, ""]:
    """How much of the way from corrupted (0) to clean (1); ValueError where there is no way between them."""
    if clean_logit_diff == corrupted_logit_diff:
        raise ValueError("both runs have the same logit difference: nothing can be measured between them")
    difference = logits_to_ave_logit_diff_of_days(logits, answer_tokens, wrong_tokens)
    return (difference - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)
